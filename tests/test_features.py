"""Shared features and their views."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skampo import AMPOPolicy
from skampo.encodings import Scores
from skampo.encodings._scores import ColumnScores
from skampo.features._lending import lend
from skampo.features._split import (
    FeatureScores,
    FeatureView,
    LinearScores,
    compose,
    continuation,
    product,
)
from skampo.features._steps import split_features
from skampo.regressors import default_regressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4)) + np.array([0, 5, -3, 100])
Y = RNG.normal(size=(30, 2))


class Counting:
    """Doubles its input and counts how often."""

    n_calls = 0

    def transform(self, X):
        self.n_calls += 1
        return 2 * X

    def get_params(self, deep=True):
        return {}


def test_linear_scores():
    scores = LinearScores(np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([0.5, 0.0]))
    assert_allclose(scores(np.array([[1.0, 1.0], [2.0, 0.0]])), [[1.5, 1], [2.5, 4]])
    assert_allclose(scores(csr_array([[1.0, 1.0]])), [[1.5, 1]])


@pytest.mark.parametrize("n_rows", [7, 5000])
def test_linear_scores_of_few_and_many_rows(n_rows):
    features, weights = RNG.normal(size=(n_rows, 200)), RNG.normal(size=(200, 3))
    expected = np.einsum("ij,jk->ik", features, weights) + 1.0
    scores = LinearScores(weights, np.ones(3))
    assert_allclose(scores(features), expected, atol=1e-10)


class TestSplit:
    def test_a_pipeline(self):
        pipeline = make_pipeline(StandardScaler(), PCA(2), Ridge())
        transformer, model = split_features(pipeline)
        assert [type(step) for _, step in transformer.steps] == [StandardScaler, PCA]
        assert model is pipeline[-1]
        transformer.fit(X)
        assert not hasattr(pipeline[0], "mean_")

    @pytest.mark.parametrize(
        "regressor",
        [Ridge(), Pipeline([("ridge", Ridge())])],
        ids=["plain", "one step"],
    )
    def test_whole(self, regressor):
        transformer, model = split_features(regressor)
        assert transformer is None
        assert model is regressor

    @pytest.mark.parametrize("nothing", ["passthrough", None])
    def test_steps_that_do_nothing(self, nothing):
        transformer, _ = split_features(Pipeline([("no", nothing), ("r", Ridge())]))
        assert_array_equal(transformer.fit(X).transform(X), X)


class TestView:
    def test_features_are_computed_once(self):
        view, first, second = FeatureView(X), Counting(), Counting()
        for _ in range(3):
            assert_array_equal(view.features(first), 2 * X)
            view.features(second)
        assert (first.n_calls, second.n_calls) == (1, 1)
        assert view.features(None) is X

    def test_evaluates_what_is_worse_than_features(self):
        view, transformer = FeatureView(X), Counting()
        scores = compose(transformer, lambda features: features[:, :2])
        for _ in range(2):
            assert_array_equal(view.evaluate(scores), 2 * X[:, :2])
        assert transformer.n_calls == 1
        assert_array_equal(scores(X), 2 * X[:, :2])

    def test_what_was_evaluated_is_remembered_for_some_rows_as_well(self):
        view, asked = FeatureView(X), []

        def scores(observations):
            asked.append(len(observations))
            return observations[:, :2]

        for rows in slice(5), np.array([3, 1]):
            view.evaluate(scores)
            assert_array_equal(view.take(rows).evaluate(scores), X[rows, :2])
        assert asked == [30]
        assert_array_equal(view.evaluate(lambda X: -X[:, :2]), -X[:, :2])

    def test_evaluates_what_is_not(self):
        assert_array_equal(FeatureView(X).evaluate(lambda X: X[:, :1]), X[:, :1])


class TestBehind:
    TRANSFORMER = make_pipeline(StandardScaler(), FunctionTransformer()).fit(X)

    def test_nothing(self):
        scores = Scores((None,))
        assert compose(None, scores) is scores

    def test_the_fitted_pipeline(self):
        features = self.TRANSFORMER.transform(X)
        model = Ridge().fit(features, Y)
        scores = compose(self.TRANSFORMER, ColumnScores(model, 2))
        assert_allclose(scores.fitted.predict(X), scores(X))

    def test_one_fitted_pipeline_per_action(self):
        features = self.TRANSFORMER.transform(X)
        models = tuple(Ridge().fit(features, y) for y in Y.T)
        scores = compose(self.TRANSFORMER, Scores(models))
        columns = [pipeline.predict(X) for pipeline in scores.fitted]
        assert_allclose(np.column_stack(columns), scores(X))

    def test_an_action_without_a_model(self):
        model = Ridge().fit(self.TRANSFORMER.transform(X), Y[:, 0])
        scores = compose(self.TRANSFORMER, Scores((model, None)))
        assert scores.fitted[1] is None


class TestContinuation:
    def test_the_same_features(self):
        transformer, inner = make_pipeline(RBFSampler()), Scores((None,))
        last = FeatureScores(transformer, inner)
        assert continuation(last, transformer) is inner

    def test_other_features_that_mean_the_same(self):
        last = FeatureScores(make_pipeline(StandardScaler()), inner := Scores((None,)))
        assert continuation(last, make_pipeline(StandardScaler())) is inner

    def test_random_features_drawn_again(self):
        last = FeatureScores(make_pipeline(RBFSampler()), Scores((None,)))
        assert continuation(last, make_pipeline(RBFSampler())) is None

    def test_no_features(self):
        last = Scores((None,))
        assert continuation(last, None) is last
        assert continuation(None, None) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("n_rows", [7, 1023, 1024, 2500])
def test_products_with_few_columns(n_rows, dtype):
    rng = np.random.default_rng(0)
    features = rng.integers(-9, 9, size=(n_rows, 130)).astype(dtype)
    weights = rng.integers(-9, 9, size=(130, 3)).astype(float)
    found = product(features, weights)
    assert found.dtype == np.float64
    assert_array_equal(found, features @ weights)


@pytest.mark.parametrize("first", ["scale", "ridge"])
def test_the_last_step_keeps_its_name(first):
    regressor = Pipeline([(first, StandardScaler()), ("model", Ridge())])
    policy = AMPOPolicy(regressor, max_iter=1, steps_per_iter=16, random_state=0)
    fitted = policy.fit("CartPole-v1").regressor_
    assert list(fitted.named_steps) == [first, "model"]


@pytest.mark.parametrize(
    "reader",
    [Ridge(), StandardScaler(), default_regressor(), default_regressor(linear=True)],
    ids=str,
)
def test_what_is_known_to_read_is_lent_the_rows_themselves(reader):
    assert lend(reader, X) is X
    assert lend(reader.fit(X, Y), X) is X


class OwnRidge(Ridge):
    """May do more than a ridge."""


@pytest.mark.parametrize(
    "estimator",
    [Ridge(copy_X=False), OwnRidge(), make_pipeline(StandardScaler(), OwnRidge())],
    ids=str,
)
def test_others_get_a_copy_of_the_same_layout(estimator):
    rows = np.asfortranarray(X)
    lent = lend(estimator, rows)
    assert not np.shares_memory(lent, rows)
    assert lent.flags.f_contiguous
    sparse = csr_matrix(X)
    assert not np.shares_memory(lend(estimator, sparse).data, sparse.data)
