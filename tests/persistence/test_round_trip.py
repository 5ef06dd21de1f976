"""What is loaded is what was saved, to the last bit and in another process."""

import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium
import joblib
import numpy as np
import pytest
from gymnasium import spaces
from lightgbm import LGBMRegressor
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.callback import ScoringMonitor
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV, ShuffleSplit, TimeSeriesSplit
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

import skampo
from skampo import AMPOPolicy
from skampo.critics import CRITICS
from skampo.exceptions import SkampoFileError
from skampo.mdp import make_random_mdp
from skampo.mirror_maps import MIRROR_MAPS, OmegaPotential, Tsallis
from skampo.model_selection import make_return_scorer, make_tasks
from skampo.persistence import save
from skampo.step_sizes import STEP_SIZES
from tests.faulty_envs import SpaceEnv
from tests.scripted import ConstantValues, RewardingEnv, ScriptedCritic

ROOT = Path(__file__).parents[2]
SMALL = {"max_iter": 2, "steps_per_iter": 48, "n_envs": 2, "random_state": 0}
STATES = np.random.default_rng(0).normal(scale=3.0, size=(50, 2))
METHODS = ("predict_proba", "decision_function", "predict", "action_values")

REGRESSORS = {
    "default": None,
    "Ridge": Ridge(),
    "LightGBM": LGBMRegressor(
        n_estimators=3, min_child_samples=2, n_jobs=1, verbose=-1
    ),
    "linear LightGBM": LGBMRegressor(
        n_estimators=3, min_child_samples=2, linear_tree=True, n_jobs=1, verbose=-1
    ),
    "MLP": MLPRegressor(loss="squared_error", hidden_layer_sizes=(4,), max_iter=2),
    "SGD": SGDRegressor(),
    "Pipeline": make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()),
    "tree": DecisionTreeRegressor(max_depth=3),
    "forest": RandomForestRegressor(3),
    "extra trees": ExtraTreesRegressor(3),
    "boosting": GradientBoostingRegressor(n_estimators=2),
    "histograms": HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=2),
    "bagging": BaggingRegressor(n_estimators=2, max_features=1),
    "stacking": StackingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor())]),
    "neighbors": KNeighborsRegressor(3),
    "ball tree": KNeighborsRegressor(3, algorithm="ball_tree"),
    "support vectors": SVR(),
    "kernel ridge": KernelRidge(kernel="rbf"),
    "Gaussian process": GaussianProcessRegressor(RBF() + WhiteKernel()),
}


def make_env():
    return RewardingEnv(n_actions=3)


def reload(policy, folder, **keywords):
    path = folder / "policy.skampo"
    policy.save(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return skampo.load(path, **keywords)


def assert_same(policy, loaded, states, methods=METHODS):
    assert type(loaded) is type(policy)
    for method in methods:
        expected = getattr(policy, method)(states)
        assert_array_equal(getattr(loaded, method)(states), expected, strict=True)
    np.testing.assert_equal(loaded.history_, policy.history_)
    for name, value in vars(policy).items():
        if name.endswith("_") and isinstance(value, int | float | np.ndarray):
            np.testing.assert_equal(getattr(loaded, name), value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:the regressor (explains|predicts):UserWarning")
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name, tmp_path):
    policy = AMPOPolicy(REGRESSORS[name], **SMALL).fit(make_env)
    assert_same(policy, reload(policy, tmp_path), STATES)


@pytest.mark.parametrize("encoding", ["per_action", "multi_output", "joint"])
@pytest.mark.parametrize("step_size", STEP_SIZES)
@pytest.mark.parametrize("mirror_map", MIRROR_MAPS)
def test_every_part_by_name(mirror_map, step_size, encoding, tmp_path):
    regressor = make_pipeline(PolynomialFeatures(2), LinearRegression())
    policy = AMPOPolicy(
        regressor,
        mirror_map=mirror_map,
        step_size=step_size,
        encoding=encoding,
        critic="lambda_return",
        **SMALL | {"steps_per_iter": 16},
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "encoding='joint' with a linear")
        policy.fit(make_env)
    assert_same(policy, reload(policy, tmp_path), STATES)


@pytest.mark.parametrize("critic", sorted({*CRITICS} - {"exact"}))
def test_critics(critic, tmp_path):
    policy = AMPOPolicy(
        make_pipeline(StandardScaler(), Ridge()),
        critic=critic,
        encoding="compatible",
        **SMALL,
    )
    policy.fit(make_env)
    assert_same(policy, reload(policy, tmp_path), STATES)


def test_models_and_labels(tmp_path):
    mdp = make_random_mdp(random_state=0)
    policy = AMPOPolicy(max_iter=3).fit(mdp)
    loaded = reload(policy, tmp_path)
    assert_same(policy, loaded, mdp.states)
    assert loaded.score(mdp) == policy.score(mdp)
    X, y = STATES, np.where(STATES[:, 0] > 0, "left", "right")
    policy = AMPOPolicy(Ridge(), max_iter=3, random_state=0).fit(X, y)
    loaded = reload(policy, tmp_path)
    assert_same(policy, loaded, X, METHODS[:3])
    assert loaded.act(X[0]) == policy.act(X[0])


SPACES = [
    (spaces.Discrete(4, start=3), spaces.Discrete(3, start=-1)),
    (
        spaces.Dict(place=spaces.Box(-1, 1, (2, 2)), color=spaces.Discrete(3)),
        spaces.Discrete(2),
    ),
    (
        spaces.Tuple([spaces.MultiBinary(2), spaces.MultiDiscrete([2, 3])]),
        spaces.MultiDiscrete([2, 3]),
    ),
    (spaces.Text(3), spaces.Discrete(2)),
    (spaces.OneOf([spaces.Discrete(2), spaces.Box(0, 1, (2,))]), spaces.Discrete(2)),
]


@pytest.mark.parametrize(("observation_space", "action_space"), SPACES)
def test_spaces(observation_space, action_space, tmp_path):
    policy = AMPOPolicy(Ridge(), **SMALL)
    policy.fit(lambda: SpaceEnv(observation_space, action_space))
    loaded = reload(policy, tmp_path)
    observation_space.seed(0)
    for seed in range(10):
        observation = observation_space.sample()
        expected = policy.act(observation, deterministic=False, rng=seed)
        action = loaded.act(observation, deterministic=False, rng=seed)
        assert_array_equal(action, expected)
        assert action_space.contains(action)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_learning_goes_on_as_if_nothing_had_happened(early_stopping, tmp_path):
    policy = AMPOPolicy(
        make_pipeline(StandardScaler(), Ridge()),
        warm_start=True,
        early_stopping=early_stopping,
        validation_episodes=2,
        **SMALL,
    )
    policy.fit(make_env)
    loaded = reload(policy, tmp_path)
    policy.fit(make_env)
    loaded.fit(make_env)
    assert loaded.n_iter_ == 4
    for method in METHODS:
        assert_array_equal(
            getattr(loaded, method)(STATES), getattr(policy, method)(STATES)
        )


def test_sparse_features(tmp_path):
    neighbors = make_pipeline(
        OneHotEncoder(handle_unknown="ignore"), KNeighborsRegressor(2)
    )
    mdp = make_random_mdp(random_state=0)
    policy = AMPOPolicy(neighbors, max_iter=2).fit(mdp)
    assert_same(policy, reload(policy, tmp_path), mdp.states)


@pytest.mark.parametrize("dump", [pickle, joblib])
def test_pickles_go_on_working(dump, tmp_path):
    space = spaces.Dict(place=spaces.Box(-1, 1, (2,)), color=spaces.Discrete(3))
    policy = AMPOPolicy(**SMALL).fit(lambda: SpaceEnv(space, spaces.Discrete(2)))
    path = tmp_path / "policy.pickle"
    with path.open("wb") as file:
        dump.dump(policy, file)
    with path.open("rb") as file:
        loaded = dump.load(file)
    assert_same(policy, loaded, np.eye(5))
    observation = {"place": np.zeros(2), "color": 1}
    assert loaded.act(observation) == policy.act(observation)


def test_another_process_predicts_the_same(tmp_path):
    policy = AMPOPolicy(REGRESSORS["LightGBM"], **SMALL).fit(make_env)
    policy.save(tmp_path / "policy.skampo")
    np.save(tmp_path / "states.npy", STATES)
    code = (
        "import numpy as np, skampo; policy = skampo.load('policy.skampo');"
        "states = np.load('states.npy');"
        "np.save('proba.npy', policy.predict_proba(states))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True
    )
    proba = np.load(tmp_path / "proba.npy")
    assert_array_equal(proba, policy.predict_proba(STATES))


def test_an_estimator_around_a_policy(tmp_path):
    pipeline = make_pipeline(StandardScaler(), AMPOPolicy(Ridge(), max_iter=2))
    pipeline.fit(STATES, STATES[:, 0] > 0)
    save(pipeline, tmp_path / "pipeline.skampo")
    loaded = skampo.load(tmp_path / "pipeline.skampo")
    assert_array_equal(loaded.predict_proba(STATES), pipeline.predict_proba(STATES))


def potential(x):
    return np.exp(x)


@pytest.mark.parametrize("scoring", [None, make_return_scorer(n_episodes=2)])
@pytest.mark.parametrize("cv", [2, ShuffleSplit(2, random_state=0)])
def test_a_search_around_a_policy(scoring, cv, tmp_path):
    policy = AMPOPolicy(Ridge(), max_iter=1, steps_per_iter=32, random_state=0)
    grid = {"regressor__alpha": [0.1, 1.0]}
    search = GridSearchCV(policy, grid, cv=cv, scoring=scoring)
    search.fit(make_tasks("CartPole-v1", 4))
    save(search, tmp_path / "search.skampo")
    loaded = skampo.load(tmp_path / "search.skampo")
    assert loaded.best_params_ == search.best_params_
    assert loaded.score("CartPole-v1") == search.score("CartPole-v1")


def test_types_that_nobody_knows_are_named(tmp_path):
    policy = AMPOPolicy(Ridge(), max_iter=1, steps_per_iter=32, random_state=0)
    folds = TimeSeriesSplit(2)
    search = GridSearchCV(policy, {"gamma": [0.9]}, cv=folds)
    save(search.fit(make_tasks("CartPole-v1", 4)), tmp_path / "search.skampo")
    with pytest.raises(SkampoFileError, match=r"does not trust: .*TimeSeriesSplit"):
        skampo.load(tmp_path / "search.skampo")
    loaded = skampo.load(
        tmp_path / "search.skampo",
        trusted=["sklearn.model_selection._split.TimeSeriesSplit"],
    )
    assert loaded.best_params_ == {"gamma": 0.9}


def test_own_types_have_to_be_named(tmp_path):
    policy = AMPOPolicy(Ridge(), critic=ScriptedCritic([1]), **SMALL).fit(make_env)
    names = r"\['tests.scripted.ConstantValues', 'tests.scripted.ScriptedCritic'\]"
    match = f"does not trust: {names}.*load\\(path, trusted={names}\\)"
    with pytest.raises(SkampoFileError, match=match):
        reload(policy, tmp_path)
    for trusted in (
        [ScriptedCritic, ConstantValues],
        ["tests.scripted.ScriptedCritic", ConstantValues],
    ):
        assert_same(policy, reload(policy, tmp_path, trusted=trusted), STATES)
    with pytest.raises(SkampoFileError, match=r"\['tests.scripted.ConstantValues'\]"):
        reload(policy, tmp_path, trusted=ScriptedCritic)


def test_functions_of_a_potential(tmp_path):
    known = OmegaPotential(np.exp, np.log)
    policy = AMPOPolicy(Ridge(), mirror_map=known, **SMALL).fit(make_env)
    assert_same(policy, reload(policy, tmp_path), STATES)
    policy.set_params(mirror_map=OmegaPotential(potential, np.log)).fit(make_env)
    with pytest.raises(SkampoFileError, match=r"\['.*test_round_trip.potential'\]"):
        reload(policy, tmp_path)
    assert_same(policy, reload(policy, tmp_path, trusted=[potential]), STATES)


def test_what_cannot_be_saved_says_so(tmp_path):
    mirror_map = OmegaPotential(lambda x: np.exp(x), np.log)
    policy = AMPOPolicy(Ridge(), mirror_map=mirror_map, **SMALL).fit(make_env)
    path = tmp_path / "policy.skampo"
    path.write_text("what was there before")
    with pytest.raises(SkampoFileError, match=r"AMPOPolicy cannot be saved: .*lambda"):
        policy.save(path)
    assert path.read_text() == "what was there before"
    with pytest.raises(NotFittedError):
        AMPOPolicy().save(path)


def test_parameters_and_callbacks(tmp_path):
    policy = AMPOPolicy(Ridge(), mirror_map=Tsallis(q=1.3), **SMALL).fit(make_env)
    # What `set_callbacks` leaves on an estimator.
    policy._skl_callbacks = [ScoringMonitor(scoring={"return": None})]
    loaded = reload(policy, tmp_path)
    assert repr(loaded) == repr(policy)
    assert loaded.get_params().keys() == policy.get_params().keys()
    assert not hasattr(loaded, "_skl_callbacks")
    assert hasattr(policy, "_skl_callbacks")
    again = loaded.fit(make_env)
    assert_array_equal(again.predict_proba(STATES), policy.predict_proba(STATES))


def test_callbacks_of_parts_are_left_out(tmp_path):
    policy = AMPOPolicy(Ridge(), max_iter=1)
    policy.set_callbacks(ScoringMonitor(scoring="accuracy"))
    pipeline = make_pipeline(StandardScaler(), policy)
    search = GridSearchCV(pipeline, {"ampopolicy__gamma": [0.9]}, cv=2)
    labels = STATES[:, 0] > 0
    for estimator in (pipeline, search):
        save(estimator.fit(STATES, labels), tmp_path / "saved.skampo")
        loaded = skampo.load(tmp_path / "saved.skampo")
        assert_array_equal(loaded.predict(STATES), estimator.predict(STATES))
    assert hasattr(pipeline[-1], "_skl_callbacks")


class WithNames(BaseEstimator):
    def __init__(self, callback_names=()):
        self.callback_names = callback_names


def test_parameters_named_like_callbacks_stay(tmp_path):
    save(WithNames(["a"]), tmp_path / "saved.skampo")
    loaded = skampo.load(tmp_path / "saved.skampo", trusted=WithNames)
    assert loaded.callback_names == ["a"]


def test_what_would_be_refused_is_not_saved(tmp_path):
    categories = HistGradientBoostingRegressor(
        max_iter=2, min_samples_leaf=5, categorical_features=[0]
    )
    policy = AMPOPolicy(categories, max_iter=1).fit(STATES.round(), STATES[:, 1] > 0)
    match = "load would refuse the file: categorical features of histogram boosting"
    with pytest.raises(SkampoFileError, match=match):
        policy.save(tmp_path / "policy.skampo")
    with pytest.raises(SkampoFileError, match="in a role in which nothing is trusted"):
        save(WithNames(Ridge().fit), tmp_path / "policy.skampo")


def test_environments_can_be_scored_after_loading(tmp_path):
    policy = AMPOPolicy(**SMALL).fit("CartPole-v1")
    loaded = reload(policy, tmp_path)
    env = gymnasium.make("CartPole-v1")
    assert loaded.score(env, n_episodes=2) == policy.score(env, n_episodes=2)
