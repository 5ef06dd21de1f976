"""Pairs of state and action as regression rows, and back."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge, SGDRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import CriticSetting
from skampo.encodings import Encoding, Scores
from skampo.mdp import make_random_mdp

X = np.arange(6.0)[:, None]
TARGETS = np.random.default_rng(0).normal(size=(6, 3))
ACTIONS = np.array([0, 1, 2, 0, 1, 2])
TREE = DecisionTreeRegressor(random_state=0)

every_encoding = pytest.mark.parametrize("name", sorted(Encoding.by_name))


def rng():
    return np.random.default_rng(0)


def learner(regressor=TREE, n_jobs=None, **keywords):
    setting = CriticSetting(3, 0.9, regressor, None, rng(), n_jobs)
    return setting.learner(regressor, **keywords)


class Fake(RegressorMixin, BaseEstimator):
    """Predicts a function of the rows; remembers those of its fit, and how many."""

    def __init__(self, function=np.sum):
        self.function = function

    def fit(self, X, y):
        self.rows_ = X
        return self

    def predict(self, X):
        self.n_rows = len(X)
        return self.function(X)


class Fitted:
    """Predicts a function of the rows, and remembers how many there were."""

    def __init__(self, function):
        self.function = function

    def predict(self, X):
        self.n_rows = len(X)
        return self.function(X)


def unit(values, weights=None):
    """The unit of the target, by which the regressor's target is divided."""
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    rows = np.arange(float(len(values)))[:, None]
    scores = Encoding.by_name["multi_output"]().fit_all(
        learner(), rows, values, weights
    )
    return scores.scale


class TestUnit:
    @pytest.mark.parametrize(
        ("values", "weights", "expected"),
        [
            ([3.0, -4.0], None, np.sqrt(12.5)),
            ([3.0, -4.0], [3, 1], np.sqrt(43 / 4)),
            ([[1.0, 1.0], [1.0, 5.0]], None, np.sqrt(7)),
            ([[1.0, 1.0], [1.0, 5.0]], [1, 0], 1.0),
            ([0.0, 0.0], None, 1.0),
            ([0.0, 0.0], [1, 2], 1.0),
        ],
    )
    def test_root_mean_square_by_hand(self, values, weights, expected):
        weights = None if weights is None else np.array(weights)
        assert_allclose(unit(values, weights), expected)

    def test_only_rows_with_weight_count(self):
        assert unit([0.0, 1.0], np.array([1.0, 0.0])) == 1.0

    @given(st.floats(1e-300, 1e300))
    def test_scales_without_overflow(self, size):
        assert_allclose(unit([3.0 * size, -4.0 * size]), size * np.sqrt(12.5))


class TestScores:
    def test_one_model_per_action(self):
        models = Fitted(lambda X: X[:, 0]), Fitted(lambda X: -X[:, 0])
        scores = Scores(models, scale=2.0)
        assert_allclose(scores(X[:2]), [[0, 0], [2, -2]])
        assert scores.fitted == list(models)

    def test_an_action_without_a_model_gets_the_mean_of_the_others(self):
        models = Fitted(lambda X: X[:, 0]), None, Fitted(lambda X: np.full(len(X), 4.0))
        assert_allclose(Scores(models)(X[:3]), [[0, 2, 4], [1, 2.5, 4], [2, 3, 4]])

    @pytest.mark.parametrize("n_actions", [1, 4])
    def test_no_model_at_all(self, n_actions):
        scores = Scores((None,) * n_actions)
        assert_array_equal(scores(X), np.zeros((6, n_actions)))

    @pytest.mark.parametrize("shape", [(-1,), (-1, 1), (-1, 2)])
    def test_columns(self, shape):
        n_actions = shape[-1] if len(shape) == 2 else 1
        model = Fake(lambda X: np.arange(len(X) * n_actions).reshape(shape))
        values = np.full((6, n_actions), 0.5)
        scores = Encoding.by_name["multi_output"]().fit_all(
            learner(model), X, values, None
        )
        expected = np.arange(4 * n_actions).reshape(4, n_actions) / 2
        assert_allclose(scores(X[:4]), expected)
        assert type(scores.fitted) is Fake

    def test_joint(self):
        model = Fake(lambda X: X @ [1.0, 10.0, 20.0, 30.0])
        values = np.full((6, 3), 0.1)
        scores = Encoding.by_name["joint"]().fit_all(learner(model), X, values, None)
        assert_allclose(scores(X[:2]), [[1, 2, 3], [1.1, 2.1, 3.1]])
        assert scores.fitted.n_rows == 6

    def test_joint_rows(self):
        rows, values = np.array([[7.0], [8.0]]), np.eye(2)
        scores = Encoding.by_name["joint"]().fit_all(
            learner(Fake()), rows, values, None
        )
        expected = [[7, 1, 0], [7, 0, 1], [8, 1, 0], [8, 0, 1]]
        assert_array_equal(scores.fitted.rows_, expected)


class TestFitAll:
    @every_encoding
    @pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
    def test_an_exact_regressor_gives_the_target_back(self, name, size):
        scores = Encoding.by_name[name]().fit_all(learner(), X, size * TARGETS, None)
        assert_allclose(scores(X), size * TARGETS, rtol=1e-12)

    @every_encoding
    def test_the_regressor_sees_a_target_of_unit_size(self, name):
        scores = Encoding.by_name[name]().fit_all(learner(), X, 1e9 * TARGETS, None)
        assert_allclose(scores.scale, 1e9 * np.sqrt(np.mean(TARGETS**2)))
        models = scores.fitted if isinstance(scores.fitted, list) else [scores.fitted]
        assert max(np.abs(model.tree_.value).max() for model in models) < 3

    @every_encoding
    def test_zero_targets(self, name):
        scores = Encoding.by_name[name]().fit_all(learner(), X, 0 * TARGETS, None)
        assert_array_equal(scores(X), np.zeros((6, 3)))

    @every_encoding
    def test_weights_are_repetitions(self, name):
        weight = np.array([1, 2, 3, 1, 0, 2])
        model = make_pipeline(PolynomialFeatures(2), Ridge())
        fit = Encoding.by_name[name]().fit_all
        weighted = fit(learner(model), X, TARGETS, weight.astype(float))
        repeated = np.repeat(np.arange(6), weight)
        plain = fit(learner(model), X[repeated], TARGETS[repeated], None)
        assert_allclose(weighted(X), plain(X), rtol=1e-9)

    @pytest.mark.parametrize(
        ("regressor", "kind"),
        [(Ridge(), Ridge), (SGDRegressor(random_state=0), list)],
    )
    def test_auto_asks_the_regressor(self, regressor, kind):
        scores = Encoding.by_name["auto"]().fit_all(
            learner(regressor), X, TARGETS, None
        )
        assert type(scores.fitted) is kind


class TestFitTaken:
    @every_encoding
    def test_rows_of_the_action_taken(self, name):
        y = np.arange(6.0)
        encoding = Encoding.by_name[name]()
        scores = encoding.fit_taken(learner(), X, ACTIONS, y, 3)(X)
        assert_allclose(scores[np.arange(6), ACTIONS], y)

    @pytest.mark.parametrize("name", ["auto", "per_action", "multi_output"])
    def test_an_action_that_was_never_taken(self, name):
        actions, y = np.array([0, 2] * 3), np.array([1.0, 3.0] * 3)
        encoding = Encoding.by_name[name]()
        scores = encoding.fit_taken(learner(), X, actions, y, 4)
        assert_allclose(scores(X), np.tile([1.0, 2.0, 3.0, 2.0], (6, 1)))

    @every_encoding
    def test_a_single_row(self, name):
        model = KNeighborsRegressor(1)
        encoding = Encoding.by_name[name]()
        fitted = encoding.fit_taken(learner(model), X[:1], ACTIONS[:1], X[:1, 0] + 5, 3)
        assert_allclose(fitted(X), np.full((6, 3), 5.0))


class TestPairWeights:
    @pytest.mark.parametrize(
        ("name", "expected"),
        # Means of [0, 4] and [4, 0] with weights [1, 3] and [1, 1], or of all four.
        [("per_action", [3, 2]), ("auto", [3, 2]), ("joint", [16 / 6, 16 / 6])],
    )
    def test_by_hand(self, name, expected):
        values, weights = np.array([[0.0, 4], [4, 0]]), np.array([[1.0, 1], [3, 1]])
        fit = Encoding.by_name[name]().fit_all
        scores = fit(learner(DummyRegressor()), X[:2], values, weights)
        assert_allclose(scores(X[:1]), [expected])

    @pytest.mark.parametrize("weight", [np.array([0.25, 0.75]), None])
    def test_every_pair_has_some(self, weight):
        proba = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
        target = SimpleNamespace(values=np.eye(2, 3), action_weights=proba)
        rows, fits = X[:2], []

        class Weighed(Fake):
            def fit(self, X, y, sample_weight=None):
                fits.append(sample_weight)
                return super().fit(X, y)

        Encoding.by_name["per_action"]().fit(learner(Weighed()), rows, target, weight)
        weights = np.column_stack(fits)
        weight = np.ones(2) if weight is None else weight
        assert_array_equal(weights[:, 0], weight * [1.0, 0.5])
        assert weights[1, 1] == 0.5 * weight[1]
        assert 0 < weights[0, 1] < 1e-15
        assert (weights[:, 2] > 0).all()


class TestJobs:
    @pytest.mark.parametrize("n_jobs", [2, 3])
    def test_any_number_gives_the_same(self, n_jobs):
        model = SGDRegressor()
        fit = Encoding.by_name["per_action"]().fit_all
        one, many = (
            fit(learner(model, n_jobs=n), X, TARGETS, None)(X) for n in (1, n_jobs)
        )
        assert_array_equal(one, many)


class TestJointWarning:
    MESSAGE = "has the same greedy action in every state"

    @pytest.mark.parametrize(
        "regressor", [Ridge(), make_pipeline(StandardScaler(), Ridge())]
    )
    def test_a_linear_regressor(self, regressor):
        with pytest.warns(UserWarning, match=self.MESSAGE):
            Encoding.by_name["joint"]().fit_all(learner(regressor), X, TARGETS, None)

    @pytest.mark.parametrize(
        "regressor", [TREE, make_pipeline(PolynomialFeatures(2), Ridge())]
    )
    def test_others_are_not_warned(self, regressor):
        Encoding.by_name["joint"]().fit_all(learner(regressor), X, TARGETS, None)

    @pytest.mark.parametrize("n_features", [4, 5, 6])
    @pytest.mark.parametrize("crossed", [False, True])
    def test_the_number_of_features_says_nothing(self, n_features, crossed):
        # Rows are the state's number and four one-hot actions: five columns.
        mdp = make_random_mdp(12, 4, random_state=0)
        mix = np.random.default_rng(0).normal(size=(2, 5, n_features))

        def features(rows):
            return rows @ mix[0] + crossed * np.sin(rows @ mix[1])

        ridge = Ridge(1e-6, fit_intercept=False)
        policy = AMPOPolicy(
            make_pipeline(FunctionTransformer(features), ridge),
            encoding="joint",
            gamma=0.9,
            max_iter=6,
            random_state=0,
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            policy.fit(mdp)
        found = [w for w in caught if self.MESSAGE in str(w.message)]
        actions = policy.predict(mdp.states)
        assert bool(found) == (not crossed)
        assert (len(np.unique(actions)) > 1) == crossed

    def test_far_from_the_origin(self):
        far = 1e4 + X
        with pytest.warns(UserWarning, match=self.MESSAGE):
            Encoding.by_name["joint"]().fit_all(learner(Ridge()), far, TARGETS, None)

    @pytest.mark.parametrize("rows", [slice(1), slice(None)])
    def test_values_that_are_the_same_in_every_state(self, rows):
        same = X[rows] + [0.0, 1.0, 2.0]
        Encoding.by_name["joint"]().fit_all(learner(Ridge()), X[rows], same, None)


@pytest.mark.parametrize("name", ["auto", "per_action", "joint"])
@pytest.mark.filterwarnings("ignore:encoding='joint' with a linear:UserWarning")
def test_learns_on_from_a_copy_of_the_last_scores(name):
    fit, model = Encoding.by_name[name]().fit_all, SGDRegressor(random_state=0)
    first = fit(learner(model), X / 6, TARGETS, None)
    before = first(X / 6)
    second = fit(learner(model, start=first), X / 6, TARGETS, None)
    assert_array_equal(first(X / 6), before)
    passes = [np.atleast_1d(scores.fitted)[0].t_ for scores in (first, second)]
    assert passes[1] > passes[0]
