"""A regressor's two halves: apart, together, looked up, and asked without checks."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import LSTDQ, Pessimistic
from skampo.data import TransitionLog
from skampo.encodings import Scores
from skampo.encodings._scores import ColumnScores
from skampo.features import _blocks, _split
from skampo.features._blocks import give_back, room, taken, tree_sum
from skampo.features._lending import lend
from skampo.features._split import (
    FeatureScores,
    FeatureView,
    LinearScores,
    compose,
    continuation,
    fit_features,
    product,
)
from skampo.features._steps import split_features
from skampo.features._unchecked import unchecked_predict, unchecked_transform
from skampo.regressors import LeastSquares, NystroemFeatures, default_regressor
from skampo.regressors._multiscale import MultiscaleNystroem
from tests.benchmarks.log_memory import make_log

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

    def test_evaluates_scores_of_features(self):
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


class TestCompose:
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


@given(st.integers(1, 40))
def test_sum_of_a_tree(n):
    numbers = np.random.default_rng(n).normal(size=(n, 3)) * 10.0 ** np.arange(3)
    assert_allclose(tree_sum(iter(numbers)), numbers.sum(axis=0))


def test_sum_of_a_tree_rounds_seldom():
    ones = np.ones(2**14, dtype=np.float16)
    # One after another they stay 2048.
    assert tree_sum(iter(ones)) == 2**14


def put_into_files(monkeypatch):
    """Whatever has room for many rows is in a file from here on."""
    for limit in ("_LONG", "_ON_DISK"):
        monkeypatch.setattr(_blocks, limit, 1)


def peak_of(function):
    """What a call returns, and the memory that it took."""
    tracemalloc.start()
    value = function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return value, peak


def test_arrays_in_files(monkeypatch):
    put_into_files(monkeypatch)
    values, peak = peak_of(lambda: room((50_000, 4)))
    assert peak < 1e5
    values[:] = expected = np.random.default_rng(0).normal(size=values.shape)
    for rows in (slice(3, 9), expected[:, 0] > 0, np.array([49_999, 3, 3]), [1, 0]):
        # The numbers are in the file when memory is given back.
        give_back()
        assert_array_equal(taken(values, rows), expected[rows])
    assert room((3,), object).dtype == object


def linear_policy(max_iter):
    """A policy of few features, of a log."""
    return AMPOPolicy(
        make_pipeline(StandardScaler(), Ridge(0.1)),
        critic=Pessimistic(LSTDQ("policy"), classifier=GaussianNB()),
        gamma=0.9,
        max_iter=max_iter,
        random_state=0,
    )


@pytest.mark.filterwarnings("ignore:Held-out episodes of the log")
def test_policies_of_logs_in_files(monkeypatch):
    log = make_log(2**15 + 100, "logged")
    # Features in single precision, which are taken up block by block.
    monkeypatch.setattr(_blocks, "_LARGE", 1)
    policy = linear_policy(max_iter=2)
    expected = policy.fit(log).predict_proba(log.states)
    put_into_files(monkeypatch)
    again = TransitionLog(log.states, log.actions, log.rewards, log.next_states)
    assert_array_equal(policy.fit(again).predict_proba(log.states), expected)


@pytest.mark.filterwarnings("ignore:Held-out episodes of the log")
@pytest.mark.slow
def test_memory_of_logs_in_files(monkeypatch):
    put_into_files(monkeypatch)
    monkeypatch.setattr(_blocks, "_LARGE", 1)
    peaks = []
    for n_rows in (200_000, 400_000):
        log = make_log(n_rows, "logged")
        log = log.select(slice(None), np.arange(len(log)) // 100)
        policy = linear_policy(max_iter=1)
        peaks.append(peak_of(lambda log=log, policy=policy: policy.fit(log))[1])
    # States, features, values and probabilities take 200 bytes and more.
    assert peaks[1] - peaks[0] < 100 * 200_000


def test_features_of_very_many_rows_are_drawn_from_some(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(1000, 2))
    for most, step in ((1000, 1), (999, 2), (100, 10)):
        monkeypatch.setattr(_split, "_MOST", most)
        scaler = fit_features(StandardScaler(), rows, np.random.default_rng(0))
        assert_array_equal(scaler.mean_, rows[::step].mean(axis=0))


ROWS = np.random.default_rng(0).normal(3, 2, size=(30, 4))
TARGETS = np.random.default_rng(1).normal(size=(30, 3))


def doubling(cls, method="transform"):
    """A class derived from another one, whose results are twice as large."""

    def doubled(self, X):
        return 2 * getattr(super(derived, self), method)(X)

    derived = type(f"Doubling{cls.__name__}", (cls,), {method: doubled})
    return derived


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        doubling(StandardScaler)(),
        MinMaxScaler(),
        MinMaxScaler((0.4, 0.6), clip=True),
        doubling(MinMaxScaler)(),
        MaxAbsScaler(),
        MaxAbsScaler(clip=True),
        doubling(MaxAbsScaler)(),
        RobustScaler(),
        RobustScaler(with_centering=False),
        RobustScaler(with_scaling=False),
        doubling(RobustScaler)(),
        NystroemFeatures(random_state=0),
        doubling(NystroemFeatures)(random_state=0),
        doubling(Pipeline)([("scale", StandardScaler())]),
        PolynomialFeatures(2),
        make_pipeline(StandardScaler(), "passthrough", NystroemFeatures()),
        make_pipeline(OneHotEncoder(handle_unknown="ignore")),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    ],
    ids=str,
)
def test_transformers(transformer):
    # Fitted to a part, so that the rest leaves the ranges.
    fitted = transformer.fit(ROWS[:20])
    expected, found = (
        fitted.transform(ROWS[18:26]),
        unchecked_transform(fitted)(ROWS[18:26]),
    )
    if hasattr(expected, "toarray"):
        expected, found = expected.toarray(), found.toarray()
    assert_array_equal(found, expected)


KNOWN = np.array([[3.0], [-2.0], [3.0], [0.5], [7.0]])


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="ignore"),
        OneHotEncoder(handle_unknown="ignore", dtype=np.float32),
        OneHotEncoder(handle_unknown="ignore", categories=[[-2, 0, 3]]),
        OneHotEncoder(handle_unknown="ignore", drop="first"),
        OneHotEncoder(handle_unknown="ignore", min_frequency=2),
        OneHotEncoder(handle_unknown="ignore", max_categories=2),
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2),
        doubling(OneHotEncoder)(handle_unknown="ignore"),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Found unknown categories:UserWarning")
def test_one_number_as_one_hot(encoder):
    fitted = encoder.fit(KNOWN)
    X = np.array([[7.0], [-9.0], [0.5], [3.0], [99.0], [-2.0], [2.999]])
    expected, found = fitted.transform(X), unchecked_transform(fitted)(X)
    assert (type(found), found.dtype) == (type(expected), expected.dtype)
    assert_array_equal(found.toarray(), expected.toarray())


def test_an_unknown_number_that_is_an_error_stays_one():
    transform = unchecked_transform(OneHotEncoder().fit(KNOWN))
    with pytest.raises(ValueError, match="unknown categories"):
        transform(np.array([[99.0]]))


def test_categories_that_are_not_numbers():
    missing = OneHotEncoder(handle_unknown="ignore").fit([[0.0], [np.nan]])
    X = np.array([[np.nan], [0.0], [1.0]])
    expected = missing.transform(X).toarray()
    assert_array_equal(unchecked_transform(missing)(X).toarray(), expected)


@pytest.mark.parametrize("model", [Ridge(), LinearRegression(), Ridge(positive=True)])
@pytest.mark.parametrize("n_columns", [1, 3])
def test_linear_models(model, n_columns):
    y = (
        TARGETS
        if n_columns == 3 and not getattr(model, "positive", False)
        else TARGETS[:, 0]
    )
    fitted = model.fit(ROWS, y)
    assert_array_equal(unchecked_predict(fitted)(ROWS[:8]), fitted.predict(ROWS[:8]))


def test_lightgbm_is_asked_behind_its_wrapper():
    fitted = LGBMRegressor(min_child_samples=1, verbose=-1).fit(ROWS, TARGETS[:, 0])
    assert unchecked_predict(fitted) == fitted.booster_.predict
    assert_array_equal(unchecked_predict(fitted)(ROWS[:8]), fitted.predict(ROWS[:8]))


@pytest.mark.parametrize(
    "model",
    [DecisionTreeRegressor(), ExtraTreesRegressor(7), RandomForestRegressor(7)],
    ids=str,
)
@pytest.mark.parametrize("n_columns", [1, 3])
def test_trees_and_forests(model, n_columns):
    fitted = model.fit(ROWS[:20], TARGETS[:20, :n_columns].squeeze())
    assert_array_equal(unchecked_predict(fitted)(ROWS), fitted.predict(ROWS))


def test_trees_refuse_rows_that_are_too_short():
    X = np.random.default_rng(0).normal(size=(50, 3))
    for model in (DecisionTreeRegressor(), RandomForestRegressor(3)):
        predict = unchecked_predict(model.fit(X, X[:, 2]))
        with pytest.raises(ValueError, match="3 features"):
            predict(X[:, :1])


def test_forests_on_sparse_features():
    features = OneHotEncoder().fit_transform(np.arange(6.0)[:, None])
    fitted = ExtraTreesRegressor(5).fit(features, np.arange(6.0))
    assert_array_equal(unchecked_predict(fitted)(features), fitted.predict(features))


@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize("model", [Ridge(), ExtraTreesRegressor(3)], ids=str)
def test_a_model_behind_its_transformers(model, output):
    pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(2), model)
    fitted = pipeline.set_output(transform=output).fit(ROWS, TARGETS[:, 0])
    assert_array_equal(unchecked_predict(fitted)(ROWS[:8]), fitted.predict(ROWS[:8]))


def test_a_pipeline_around_an_unknown_model_is_asked_itself():
    steps = [("scaler", StandardScaler()), ("model", Ridge())]
    model = doubling(Pipeline, "predict")(steps).fit(ROWS, TARGETS[:, 0])
    assert unchecked_predict(model) is None
    steps[-1] = ("model", GradientBoostingRegressor())
    assert unchecked_predict(Pipeline(steps).fit(ROWS, TARGETS[:, 0])) is None


@pytest.mark.parametrize(
    "model",
    [
        doubling(ExtraTreesRegressor, "predict")(3),
        GradientBoostingRegressor(),
        doubling(Ridge, "predict")(),
    ],
    ids=str,
)
def test_other_models_have_no_unchecked_form(model):
    assert unchecked_predict(model.fit(ROWS, TARGETS[:, 0])) is None


@pytest.mark.parametrize(
    "regressor",
    [
        None,
        Ridge(),
        doubling(Ridge, "predict")(),
        DecisionTreeRegressor(max_depth=4),
        make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=4)),
        make_pipeline(PolynomialFeatures(2), Ridge()),
    ],
    ids=str,
)
@pytest.mark.parametrize("encoding", ["per_action", "multi_output", "joint"])
@pytest.mark.filterwarnings("ignore:encoding='joint' with a linear:UserWarning")
def test_policies(regressor, encoding):
    policy = AMPOPolicy(regressor, encoding=encoding, max_iter=2, random_state=0)
    policy.set_params(steps_per_iter=64).fit("CartPole-v1")
    states = np.random.default_rng(0).normal(size=(8, 4))
    expected = policy.predict_proba(states)
    assert_array_equal(policy._policy.unchecked().proba(states), expected)


@pytest.mark.parametrize("encoding", ["per_action", "multi_output", "compatible"])
def test_sparse_features_of_discrete_states(encoding):
    policy = AMPOPolicy(encoding=encoding, max_iter=2, random_state=0)
    policy.set_params(steps_per_iter=64).fit("FrozenLake-v1")
    states = np.arange(16.0)[:, None]
    expected = policy.predict_proba(states)
    assert_array_equal(policy._policy.unchecked().proba(states), expected)


def test_a_policy_of_boosted_trees():
    regressor = LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1)
    policy = AMPOPolicy(regressor, max_iter=2, steps_per_iter=64, random_state=0)
    policy.fit("CartPole-v1")
    states = np.random.default_rng(0).normal(size=(8, 4))
    expected = policy.predict_proba(states)
    assert_array_equal(policy._policy.unchecked().proba(states), expected)


def test_the_first_policy_and_discrete_states():
    policy = AMPOPolicy(max_iter=0).fit("CartPole-v1")
    assert_array_equal(policy._policy.unchecked().proba(ROWS), np.full((30, 2), 0.5))
    table = default_regressor(discrete=True).fit(np.arange(5.0)[:, None], np.ones(5))
    states = np.array([[0.0], [7.0]])
    features = unchecked_transform(table[:-1])(states)
    assert_array_equal(unchecked_predict(table[-1])(features), table.predict(states))


@pytest.mark.parametrize("columns", [None, 3])
def test_least_squares_of_sparse_rows(columns):
    X = csr_array(np.eye(5)[RNG.integers(5, size=30)])
    y = RNG.normal(size=30 if columns is None else (30, columns))
    model = LeastSquares().fit(X, y)
    assert_array_equal(unchecked_predict(model)(X), model.predict(X))


@pytest.mark.parametrize("n_columns", [1, 2, 6])
def test_two_kernels(n_columns):
    rows = RNG.normal(size=(500, n_columns))
    features = MultiscaleNystroem(random_state=0).fit(rows)
    assert_array_equal(unchecked_transform(features)(rows), features.transform(rows))


def test_a_subclass_of_two_kernels_keeps_its_own_transform():
    features = doubling(MultiscaleNystroem)(random_state=0).fit(ROWS)
    assert_array_equal(unchecked_transform(features)(ROWS), features.transform(ROWS))
