"""How any regressor is checked, weighted, seeded, fitted and asked."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    RANSACRegressor,
    Ridge,
    SGDRegressor,
)
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from skampo.exceptions import InvalidParameterError, RegressorError
from skampo.features._regression import (
    check_regressor,
    fit_regressor,
    is_same,
    learns_by_passes,
    parameters_as_text,
    predict_column,
    seed_unseeded,
    takes_columns,
)

X = np.arange(6.0)[:, None]
Y = np.array([0.0, 2.0, 1.0, 5.0, 4.0, 9.0])
WEIGHT = np.array([0.0, 1.0, 3.0, 0.0, 0.5, 2.0])


def rng(seed=0):
    return np.random.default_rng(seed)


class Recorder(RegressorMixin, BaseEstimator):
    """Remembers what `fit` was given; takes no weights."""

    def fit(self, X, y):
        self.X_, self.y_ = np.array(X), np.array(y)
        return self

    def predict(self, X):
        return np.zeros(len(X))


class WeightRecorder(Recorder):
    def fit(self, X, y, sample_weight=None):
        self.weight_ = sample_weight
        return super().fit(X, y)


class Learner(WeightRecorder):
    """Counts its passes over the data."""

    n_passes = 0

    def partial_fit(self, X, y, sample_weight=None):
        self.n_passes += 1
        return self.fit(X, y, sample_weight)


class WeightedScaler(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None, sample_weight=None):
        self.weight_ = sample_weight
        return self

    def transform(self, X):
        return X


class TestCheck:
    @pytest.mark.parametrize("given", ["ridge", 3, None, np.zeros(2), StandardScaler()])
    def test_what_is_no_regressor(self, given):
        with pytest.raises(
            InvalidParameterError, match="The 'regressor' parameter of Owner must be"
        ):
            check_regressor(given, "Owner")

    def test_a_class(self):
        with pytest.raises(InvalidParameterError, match=r"write Ridge\(\), with paren"):
            check_regressor(Ridge, "Owner")

    @pytest.mark.parametrize(
        "given",
        [LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())],
    )
    def test_a_classifier(self, given):
        with pytest.raises(InvalidParameterError, match="Got the classifier"):
            check_regressor(given, "Owner")

    def test_the_name_of_the_parameter(self):
        with pytest.raises(InvalidParameterError, match="'value_regressor' parameter"):
            check_regressor(3, "Owner", "value_regressor")

    def test_returns_what_is_right(self):
        ridge = Ridge()
        assert check_regressor(ridge, "Owner") is ridge


@pytest.mark.parametrize(
    ("regressor", "expected"),
    [
        (Ridge(), True),
        (make_pipeline(StandardScaler(), Ridge()), True),
        (SVR(), False),
        (make_pipeline(StandardScaler(), SVR()), False),
        (MultiOutputRegressor(SVR()), True),
    ],
)
def test_takes_columns(regressor, expected):
    assert takes_columns(regressor) is expected


@pytest.mark.parametrize(
    ("regressor", "expected"),
    [
        (SGDRegressor(), True),
        (MLPRegressor(), True),
        (MLPRegressor(warm_start=True), False),
        (Ridge(), False),
    ],
)
def test_learns_by_passes(regressor, expected):
    assert learns_by_passes(regressor) is expected


class TestSeeds:
    NESTED = make_pipeline(
        StandardScaler(), BaggingRegressor(DecisionTreeRegressor(), random_state=3)
    )

    def test_every_unseeded_part_and_no_other(self):
        seeded = seed_unseeded(clone(self.NESTED), rng())
        parameters = seeded.get_params()
        assert parameters["baggingregressor__random_state"] == 3
        inner = parameters["baggingregressor__estimator__random_state"]
        assert type(inner) is int

    def test_from_the_generator_alone(self):
        first, again, other = (
            seed_unseeded(RandomForestRegressor(), rng(seed)).random_state
            for seed in (0, 0, 1)
        )
        assert first == again != other

    def test_nothing_to_seed(self):
        assert seed_unseeded(Ridge(random_state=0), rng()).random_state == 0
        assert SVR().get_params() == seed_unseeded(SVR(), rng()).get_params()

    def test_the_regressor_given_stays_unseeded(self):
        forest = RandomForestRegressor(n_estimators=2)
        fit_regressor(forest, X, Y, rng=rng())
        assert forest.random_state is None
        assert not hasattr(forest, "estimators_")


class TestWeights:
    def test_no_weights_change_nothing(self):
        model = fit_regressor(WeightRecorder(), X, Y, rng=rng())
        assert model.weight_ is None
        assert_array_equal(model.X_, X)

    def test_rows_of_weight_zero_are_left_out(self):
        model = fit_regressor(WeightRecorder(), X, Y, WEIGHT, rng=rng())
        assert_array_equal(model.weight_, [1.0, 3.0, 0.5, 2.0])
        assert_array_equal(model.y_, Y[WEIGHT > 0])

    def test_every_step_that_accepts_them(self):
        inner = make_pipeline(WeightedScaler(), StandardScaler())
        pipeline = make_pipeline(
            WeightedScaler(), inner, "passthrough", WeightRecorder()
        )
        model = fit_regressor(pipeline, X, Y, WEIGHT, rng=rng())
        positive = WEIGHT[WEIGHT > 0]
        assert_array_equal(model[0].weight_, positive)
        assert_array_equal(model[-1].weight_, positive)
        assert_array_equal(model[1][0].weight_, positive)
        assert_allclose(model[1][1].mean_, np.average(X[:, 0], weights=WEIGHT))

    @pytest.mark.parametrize("pipeline", [False, True])
    def test_through_a_transformed_target(self, pipeline):
        inner = make_pipeline(StandardScaler(), Ridge()) if pipeline else Ridge()
        outer = TransformedTargetRegressor(
            inner, func=np.negative, inverse_func=np.negative
        )
        plain = fit_regressor(inner, X, Y, WEIGHT, rng=rng()).predict(X)
        assert_allclose(fit_regressor(outer, X, Y, WEIGHT, rng=rng()).predict(X), plain)

    @pytest.mark.parametrize(
        "regressor",
        [Recorder(), make_pipeline(WeightedScaler(), Recorder())],
        ids=["plain", "Pipeline"],
    )
    def test_otherwise_rows_are_drawn_in_proportion(self, regressor):
        X, y = np.arange(4000.0)[:, None], np.tile([0.0, 1.0, 2.0, 3.0], 1000)
        weight = np.tile([0.0, 1.0, 2.0, 5.0], 1000)
        model = fit_regressor(regressor, X, y, weight, rng=rng())
        recorder = model[-1] if hasattr(model, "steps") else model
        assert_array_equal(recorder.y_, recorder.X_[:, 0] % 4)
        share = np.bincount(recorder.y_.astype(int), minlength=4) / len(recorder.y_)
        # Three standard errors of a share of 3000 draws.
        assert_allclose(share, [0, 1 / 8, 2 / 8, 5 / 8], atol=0.027)

    @pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
    def test_weights_of_any_size(self, size):
        expected = fit_regressor(Recorder(), X, Y, WEIGHT, rng=rng()).y_
        drawn = fit_regressor(Recorder(), X, Y, WEIGHT * size, rng=rng()).y_
        assert_array_equal(drawn, expected)

    @pytest.mark.parametrize(
        "regressor",
        [
            MultiOutputRegressor(KNeighborsRegressor(1)),
            MultiOutputRegressor(make_pipeline(StandardScaler(), Ridge())),
            RANSACRegressor(KNeighborsRegressor(1), min_samples=2),
            RegressorChain(KNeighborsRegressor(1)),
        ],
        ids=["columns", "columns of a Pipeline", "RANSAC", "chain"],
    )
    def test_a_wrapper_whose_regressor_takes_none(self, regressor):
        model = fit_regressor(regressor, X, Y[:, None], WEIGHT, rng=rng())
        assert np.isfinite(model.predict(X)).all()


class TestFit:
    def test_is_a_plain_fit(self):
        model = fit_regressor(LinearRegression(), X, 3 * X[:, 0] - 1, rng=rng())
        assert_allclose([model.coef_[0], model.intercept_], [3, -1])

    def test_a_column_for_those_that_take_only_columns(self):
        model = fit_regressor(MultiTaskLasso(alpha=1e-6), X, Y, rng=rng())
        assert predict_column(model, X).shape == (6,)

    @pytest.mark.parametrize("n_passes", [1, 4])
    def test_learns_on_from_a_copy(self, n_passes):
        start = Learner()
        model = fit_regressor(
            Learner(), X, Y, WEIGHT, rng=rng(), start=start, n_passes=n_passes
        )
        assert model.n_passes == n_passes
        assert start.n_passes == 0
        assert_array_equal(model.weight_, WEIGHT[WEIGHT > 0])

    def test_starts_anew_where_nothing_can_learn_on(self):
        start = fit_regressor(Ridge(), X, Y, rng=rng())
        model = fit_regressor(Ridge(), X, -Y, rng=rng(), start=start, n_passes=5)
        assert_allclose(model.predict(X), Ridge().fit(X, -Y).predict(X))

    @pytest.mark.parametrize("other", [Ridge(), WeightRecorder(), SGDRegressor()])
    def test_starts_anew_with_another_regressor(self, other):
        model = fit_regressor(other, X, Y, rng=rng(), start=Learner().fit(X, Y))
        assert type(model) is type(other)

    def test_starts_anew_with_other_parameters(self):
        start = SGDRegressor(random_state=0).fit(X, Y)
        model = fit_regressor(SGDRegressor(alpha=0.5), X, Y, rng=rng(), start=start)
        assert model.alpha == 0.5

    def test_learns_on_whatever_its_seed(self):
        start = SGDRegressor(random_state=3).fit(X, Y)
        model = fit_regressor(SGDRegressor(), X, Y, rng=rng(), start=start)
        assert (model.random_state, model.t_) == (3, start.t_ + len(X))

    def test_starts_anew_when_there_are_more_columns(self):
        start = SGDRegressor(random_state=0).fit(X, Y)
        wide = np.hstack([X, X])
        model = fit_regressor(SGDRegressor(), wide, Y, rng=rng(), start=start)
        assert model.n_features_in_ == 2

    def test_what_failed(self):
        with pytest.raises(
            RegressorError, match=r"SVR\(C=-1\) failed on 6 x 1 rows: InvalidParam"
        ) as caught:
            fit_regressor(SVR(C=-1), X, Y, rng=rng())
        assert isinstance(caught.value.__cause__, ValueError)

    def test_what_failed_while_learning_on(self):
        start = SGDRegressor(random_state=0).fit(X, Y)
        with pytest.raises(RegressorError, match=r"SGDRegressor.*failed on 6 x 1 rows"):
            fit_regressor(start, X, Y * np.nan, rng=rng(), start=start)


class TestWarmStart:
    """``warm_start=True`` does here what it does in scikit-learn."""

    @pytest.mark.filterwarnings("ignore:Stochastic Optimizer. Maximum iterations")
    @pytest.mark.parametrize("scaled", [False, True])
    def test_goes_on_by_its_own_fit(self, scaled):
        network = MLPRegressor(
            hidden_layer_sizes=[5], warm_start=True, max_iter=3, random_state=0
        )
        regressor = make_pipeline(StandardScaler(), network) if scaled else network
        start = clone(regressor).fit(X, Y)
        model = fit_regressor(regressor, X, -Y, rng=rng(), start=start, n_passes=9)
        untouched = start.predict(X)
        assert_allclose(model.predict(X), start.fit(X, -Y).predict(X))
        assert not np.allclose(model.predict(X), untouched)

    def test_is_quicker_for_convex_problems(self):
        lasso = Lasso(1e-3, warm_start=True, tol=1e-8)
        wide = np.random.default_rng(0).normal(size=(50, 20))
        start = fit_regressor(lasso, wide, wide[:, 0] - wide[:, 1], rng=rng())
        again = fit_regressor(
            lasso, wide, wide[:, 0] - wide[:, 1], rng=rng(), start=start
        )
        assert again.n_iter_ < start.n_iter_
        assert_allclose(again.coef_, start.coef_, atol=1e-6)

    @pytest.mark.parametrize(
        "ensemble",
        [
            RandomForestRegressor(5, warm_start=True, random_state=0),
            BaggingRegressor(n_estimators=5, warm_start=True, random_state=0),
            GradientBoostingRegressor(n_estimators=5, warm_start=True, random_state=0),
            HistGradientBoostingRegressor(max_iter=5, warm_start=True, random_state=0),
        ],
        ids=lambda ensemble: type(ensemble).__name__,
    )
    def test_ensembles_forget_the_old_targets(self, ensemble):
        X, y = np.arange(100.0)[:, None], np.arange(100.0)
        start = clone(ensemble).fit(X, y)
        model = fit_regressor(ensemble, X, -y, rng=rng(), start=start)
        assert_allclose(model.predict(X), clone(ensemble).fit(X, -y).predict(X))


@pytest.mark.parametrize(
    ("change", "same"), [(0.0, True), (1e-12, False)], ids=["same", "other"]
)
@pytest.mark.parametrize("size", [3, 5000])
def test_arrays_are_compared_in_all_elements(change, same, size):
    first, second = np.ones(size), np.ones(size)
    second[size // 2] += change
    assert is_same(Ridge(first), Ridge(second)) == same


@pytest.mark.parametrize("function", [np.tanh, lambda X: X], ids=["named", "lambda"])
def test_functions_are_compared_by_identity(function):
    first, second = (FunctionTransformer(function) for _ in range(2))
    assert is_same(first, second)
    assert not is_same(first, FunctionTransformer(lambda X: -X))


def test_no_address_is_part_of_a_text():
    text = parameters_as_text(SelectKBest())["score_func"]
    assert "f_classif" in text
    assert "0x" not in text
