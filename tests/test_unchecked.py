"""Plain arithmetic gives the bits that scikit-learn gives."""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.features._unchecked import unchecked_predict, unchecked_transform
from skampo.regressors import (
    LeastSquares,
    MultiscaleNystroem,
    NystroemFeatures,
    default_regressor,
)

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, size=(30, 4))
Y = np.random.default_rng(1).normal(size=(30, 3))


class DoublingScaler(StandardScaler):
    def transform(self, X):
        return 2 * super().transform(X)


class DoublingMinMax(MinMaxScaler):
    def transform(self, X):
        return 2 * super().transform(X)


class DoublingMaxAbs(MaxAbsScaler):
    def transform(self, X):
        return 2 * super().transform(X)


class DoublingRobust(RobustScaler):
    def transform(self, X):
        return 2 * super().transform(X)


class DoublingPipeline(Pipeline):
    def transform(self, X):
        return 2 * super().transform(X)


class DoublingFeatures(NystroemFeatures):
    def transform(self, X):
        return 2 * super().transform(X)


class DoublingRidge(Ridge):
    def predict(self, X):
        return 2 * super().predict(X)


@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        DoublingScaler(),
        MinMaxScaler(),
        MinMaxScaler((0.4, 0.6), clip=True),
        DoublingMinMax(),
        MaxAbsScaler(),
        MaxAbsScaler(clip=True),
        DoublingMaxAbs(),
        RobustScaler(),
        RobustScaler(with_centering=False),
        RobustScaler(with_scaling=False),
        DoublingRobust(),
        NystroemFeatures(random_state=0),
        DoublingFeatures(random_state=0),
        DoublingPipeline([("scale", StandardScaler())]),
        PolynomialFeatures(2),
        make_pipeline(StandardScaler(), "passthrough", NystroemFeatures()),
        make_pipeline(OneHotEncoder(handle_unknown="ignore")),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    ],
    ids=str,
)
def test_transformers(transformer):
    # Fitted to a part, so that the rest leaves the ranges.
    fitted = transformer.fit(X[:20])
    expected, found = fitted.transform(X[18:26]), unchecked_transform(fitted)(X[18:26])
    if hasattr(expected, "toarray"):
        expected, found = expected.toarray(), found.toarray()
    assert_array_equal(found, expected)


KNOWN = np.array([[3.0], [-2.0], [3.0], [0.5], [7.0]])


class SparserEncoder(OneHotEncoder):
    def transform(self, X):
        return 2 * super().transform(X)


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
        SparserEncoder(handle_unknown="ignore"),
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
    y = Y if n_columns == 3 and not getattr(model, "positive", False) else Y[:, 0]
    fitted = model.fit(X, y)
    assert_array_equal(unchecked_predict(fitted)(X[:8]), fitted.predict(X[:8]))


def test_lightgbm_is_asked_behind_its_wrapper():
    fitted = LGBMRegressor(min_child_samples=1, verbose=-1).fit(X, Y[:, 0])
    assert unchecked_predict(fitted) == fitted.booster_.predict
    assert_array_equal(unchecked_predict(fitted)(X[:8]), fitted.predict(X[:8]))


class DoublingForest(ExtraTreesRegressor):
    def predict(self, X):
        return 2 * super().predict(X)


@pytest.mark.parametrize(
    "model",
    [DecisionTreeRegressor(), ExtraTreesRegressor(7), RandomForestRegressor(7)],
    ids=str,
)
@pytest.mark.parametrize("n_columns", [1, 3])
def test_trees_and_forests(model, n_columns):
    fitted = model.fit(X[:20], Y[:20, :n_columns].squeeze())
    assert_array_equal(unchecked_predict(fitted)(X), fitted.predict(X))


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


class DoublingPipeline(Pipeline):
    def predict(self, X):
        return 2 * super().predict(X)


@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize("model", [Ridge(), ExtraTreesRegressor(3)], ids=str)
def test_a_model_behind_its_transformers(model, output):
    pipeline = make_pipeline(StandardScaler(), PolynomialFeatures(2), model)
    fitted = pipeline.set_output(transform=output).fit(X, Y[:, 0])
    assert_array_equal(unchecked_predict(fitted)(X[:8]), fitted.predict(X[:8]))


def test_a_pipeline_around_an_unknown_model_is_asked_itself():
    steps = [("scaler", StandardScaler()), ("model", Ridge())]
    assert unchecked_predict(DoublingPipeline(steps).fit(X, Y[:, 0])) is None
    steps[-1] = ("model", GradientBoostingRegressor())
    assert unchecked_predict(Pipeline(steps).fit(X, Y[:, 0])) is None


@pytest.mark.parametrize(
    "model", [DoublingForest(3), GradientBoostingRegressor(), DoublingRidge()], ids=str
)
def test_other_models_have_no_unchecked_form(model):
    assert unchecked_predict(model.fit(X, Y[:, 0])) is None


@pytest.mark.parametrize(
    "regressor",
    [
        None,
        Ridge(),
        DoublingRidge(),
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
    assert_array_equal(policy._policy.unchecked().proba(X), np.full((30, 2), 0.5))
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
    class Doubling(MultiscaleNystroem):
        def transform(self, X):
            return 2 * super().transform(X)

    features = Doubling(random_state=0).fit(X)
    assert_array_equal(unchecked_transform(features)(X), features.transform(X))
