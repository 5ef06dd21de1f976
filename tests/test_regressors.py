"""Every regressor of scikit-learn, and a few others, drives the policy."""

import warnings

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingRegressor, VotingRegressor
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LassoCV, Ridge
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import all_estimators

from skampo import AMPOPolicy
from skampo.exceptions import RegressorError

# They cannot learn from n rows of several features and any sign of the target.
UNABLE = {
    "GammaRegressor": "targets must be positive",
    "IsotonicRegression": "exactly one feature",
    "PoissonRegressor": "targets must not be negative",
}

# Smaller than the defaults where those take seconds, or fit 64 rows by luck only.
SETTINGS = {
    "AdaBoostRegressor": {"n_estimators": 5},
    "BaggingRegressor": {"n_estimators": 3},
    "CCA": {"n_components": 1},
    "ElasticNetCV": {"alphas": 5, "cv": 2},
    "ExtraTreesRegressor": {"n_estimators": 5},
    "GaussianProcessRegressor": {"alpha": 0.1, "optimizer": None},
    "GradientBoostingRegressor": {"n_estimators": 5},
    "HistGradientBoostingRegressor": {"max_iter": 5},
    "LassoCV": {"alphas": 5, "cv": 2},
    "MLPRegressor": {"max_iter": 20},
    "MultiTaskElasticNetCV": {"alphas": 5, "cv": 2},
    "MultiTaskLassoCV": {"alphas": 5, "cv": 2},
    "PLSCanonical": {"n_components": 1},
    "RadiusNeighborsRegressor": {"radius": 1e3},
    "RandomForestRegressor": {"n_estimators": 5},
    "TheilSenRegressor": {"max_subpopulation": 10, "max_iter": 10},
}

TREE = DecisionTreeRegressor(max_depth=3)
BUILT = {
    "StackingRegressor": StackingRegressor([("ridge", Ridge()), ("tree", TREE)], cv=2),
    "VotingRegressor": VotingRegressor([("ridge", Ridge()), ("tree", TREE)]),
    "MultiOutputRegressor": MultiOutputRegressor(TREE),
    "RegressorChain": RegressorChain(TREE),
    "Pipeline": make_pipeline(StandardScaler(), PolynomialFeatures(), Ridge()),
    "Pipeline without weights": make_pipeline(StandardScaler(), KNeighborsRegressor()),
    "Pipeline in TransformedTargetRegressor": TransformedTargetRegressor(
        make_pipeline(StandardScaler(), SVR()), transformer=StandardScaler()
    ),
    "MLPRegressor in Pipeline": make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=[8], max_iter=20)
    ),
    "LGBMRegressor": LGBMRegressor(
        n_estimators=5, min_child_samples=5, n_jobs=1, verbose=-1
    ),
}

THIRD_PARTY = (
    (ConvergenceWarning, ""),
    (FutureWarning, "Class PassiveAggressiveRegressor is deprecated"),
    (UserWarning, "y residual is constant at iteration"),
    (UndefinedMetricWarning, "R.2 score is not well-defined"),
)
# Of ours: what a weak regressor is told.
WEAK = "the regressor (predicts a constant|explains nothing)"

FOUND = dict(all_estimators("regressor"))
ALL = sorted({*FOUND, *BUILT})
ABLE = [name for name in ALL if name not in UNABLE]

RNG = np.random.RandomState(0)
X = RNG.randn(40, 3)
Y = {2: np.where(X[:, 0] > 0, "up", "down"), 3: np.digitize(X[:, 0], [-0.5, 0.5])}
WEIGHT = np.where(np.arange(40) % 8, RNG.uniform(0.5, 2.0, 40), 0.0)


def two_classes(policy):
    return policy.fit(X, Y[2]).predict_proba(X)


def three_weighted_classes(policy):
    return policy.fit(X, Y[3], sample_weight=WEIGHT).predict_proba(X)


def environment(policy):
    states = np.random.RandomState(1).uniform(-0.1, 0.1, (20, 4))
    return policy.fit("CartPole-v1").predict_proba(states)


PROBLEMS = (two_classes, three_weighted_classes, environment)


def build(name):
    if name in BUILT:
        return BUILT[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return FOUND[name](**SETTINGS.get(name, {}))


def learn(regressor, problem, **parameters):
    settings = {"max_iter": 2, "steps_per_iter": 64, "n_envs": 2, "random_state": 0}
    policy = AMPOPolicy(regressor, **settings | parameters)
    with warnings.catch_warnings():
        for category, message in THIRD_PARTY:
            warnings.filterwarnings("ignore", message, category)
        warnings.filterwarnings("ignore", WEAK, UserWarning)
        return problem(policy)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", ABLE)
def test_a_regressor_gives_probabilities_twice_the_same(name, problem):
    regressor = build(name)
    proba = learn(regressor, problem)
    assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert proba.min() >= 0
    assert_array_equal(proba, learn(regressor, problem))


@pytest.mark.parametrize("name", sorted(UNABLE))
def test_a_regressor_that_cannot_learn_is_named(name):
    with pytest.raises(RegressorError, match=name):
        learn(build(name), two_classes)


def test_nobody_is_excused_that_does_not_exist():
    assert set(UNABLE) | set(SETTINGS) <= set(FOUND)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("encoding", ["per_action", "joint"])
@pytest.mark.parametrize("name", ["LGBMRegressor", "SVR", "RandomForestRegressor"])
def test_the_encodings_for_any_regressor(name, encoding, problem):
    proba = learn(build(name), problem, encoding=encoding)
    assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("encoding", ["auto", "multi_output", "per_action"])
def test_a_pipeline_is_not_told_from_its_last_step(encoding):
    plain, piped = (
        learn(regressor, two_classes, encoding=encoding)
        for regressor in (Ridge(), make_pipeline("passthrough", Ridge()))
    )
    assert_allclose(plain, piped, rtol=0, atol=1e-12)


@pytest.mark.parametrize("regressor", [TREE, LassoCV(alphas=5), KNeighborsRegressor(1)])
def test_the_regressor_given_is_never_fitted(regressor):
    before = dict(vars(regressor))
    learn(regressor, environment)
    assert vars(regressor) == before


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:the regressor explains nothing")
@pytest.mark.parametrize(
    ("transformer", "learns_on"),
    [
        (StandardScaler(), True),
        # Landmarks of other rows, which the weights of the last fit say nothing about.
        (Nystroem(n_components=4), False),
        # Features that need a target are fitted along with the model.
        (SelectKBest(f_regression, k=2), False),
    ],
)
def test_a_network_learns_on_behind_features_that_keep_their_meaning(
    transformer, learns_on
):
    network = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1)
    policy = AMPOPolicy(
        make_pipeline(transformer, network),
        encoding="per_action",
        max_iter=2,
        steps_per_iter=64,
        random_state=0,
    ).fit("CartPole-v1")
    fitted = policy.regressor_[0][-1]
    # Samples seen: a fresh fit of one epoch sees every row once, 20 passes 20 times.
    assert (fitted.t_ > 20 * 128) is learns_on
