"""What is loaded is what was saved, to the last bit and in another process."""

import importlib
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
from sklearn.callback import ScoringMonitor
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, Ridge, TheilSenRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    StandardScaler,
)

import skampo
from skampo import AMPOPolicy
from skampo.critics import Critic, FittedQ, Pessimistic
from skampo.exceptions import RegressorError, SkampoFileError
from skampo.mdp import make_random_mdp
from skampo.mirror_maps import MirrorMap, OmegaPotential, Tsallis
from skampo.model_selection import make_tasks
from skampo.persistence import save
from skampo.preprocessing import EnvTransformer
from skampo.step_sizes import StepSize
from tests.crossing import crossed
from tests.faulty_envs import SpaceEnv
from tests.persistence.samples import REGRESSORS, SMALL, fitted, make_env
from tests.scripted import ScriptedCritic

ROOT = Path(__file__).parents[2]
STATES = np.random.default_rng(0).normal(scale=3.0, size=(50, 2))


class OwnRidge(Ridge):
    pass


METHODS = ("predict_proba", "decision_function", "predict", "action_values")
ENCODINGS = ("per_action", "multi_output", "joint")


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


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name, tmp_path):
    policy = fitted(name, warm_start=True)
    loaded = reload(policy, tmp_path)
    assert_same(policy, loaded, STATES)
    loaded.save(tmp_path / "again.skampo")
    again = (tmp_path / "again.skampo").read_bytes()
    assert again == (tmp_path / "policy.skampo").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        policy.fit(make_env)
        loaded.fit(make_env)
    assert_array_equal(loaded.predict_proba(STATES), policy.predict_proba(STATES))


@pytest.mark.parametrize("name", REGRESSORS)
def test_what_can_be_saved_is_known_before_a_fit(name):
    save(AMPOPolicy(REGRESSORS[name]))


@pytest.mark.parametrize(
    ("mirror_map", "step_size", "encoding"),
    crossed([*MirrorMap.by_name], [*StepSize.by_name], ENCODINGS, share=3),
)
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


@pytest.mark.parametrize(
    "critic", sorted({*Critic.by_name} - {"exact", "reward_model"})
)
def test_critics(critic, tmp_path):
    policy = AMPOPolicy(
        make_pipeline(StandardScaler(), Ridge()),
        critic=critic,
        encoding="compatible",
        **SMALL,
    )
    policy.fit(make_env)
    assert_same(policy, reload(policy, tmp_path), STATES)


@pytest.mark.parametrize("n_other", [20, 1])
def test_whether_a_log_was_copied(n_other, tmp_path):
    # The other action is better, and shown often or hardly at all.
    actions = (np.arange(len(STATES)) < n_other).astype(int)
    critic = Pessimistic(classifier=DummyClassifier())
    policy = AMPOPolicy(Ridge(), critic=critic, max_iter=3, random_state=0)
    columns = {"next_states": STATES[::-1], "terminated": 0 * actions}
    policy.fit(STATES, actions, rewards=actions - 2.0, **columns)
    loaded = reload(policy, tmp_path)
    assert_same(policy, loaded, STATES)
    assert loaded.critic_.copies_ == (n_other == 1)
    assert loaded.critic_.copied_share_ == policy.critic_.copied_share_


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


def test_learning_goes_on_with_other_threads(tmp_path):
    critic = FittedQ(RandomForestRegressor(2, n_jobs=2))
    policy = AMPOPolicy(Ridge(), critic=critic, warm_start=True, **SMALL).fit(make_env)
    loaded = reload(policy, tmp_path)
    assert loaded.critic.regressor.n_jobs is None
    assert_array_equal(
        loaded.fit(make_env).predict_proba(STATES),
        policy.fit(make_env).predict_proba(STATES),
    )


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
    policy = fitted("LightGBM")
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


REFUSED = {
    "a function": (
        {"mirror_map": OmegaPotential(lambda x: np.exp(x), np.log)},
        r"AMPOPolicy.mirror_map is a OmegaPotential of",
    ),
    "a critic of one's own": (
        {"critic": ScriptedCritic([1])},
        r"AMPOPolicy.critic is a ScriptedCritic of tests.scripted",
    ),
    "a regressor of one's own": (
        {"regressor": make_pipeline(StandardScaler(), OwnRidge())},
        r"AMPOPolicy.regressor.steps is a OwnRidge of .*test_round_trip",
    ),
    "a random generator": (
        {"random_state": np.random.RandomState(0)},
        r"AMPOPolicy.random_state is a RandomState .*give an int",
    ),
    "a regressor of the name of another one": (
        {"regressor": type("Ridge", (Ridge,), {"__module__": "sklearn.own"})()},
        r"AMPOPolicy.regressor is a Ridge of sklearn.own",
    ),
    "a regressor that is called as another one": (
        {"regressor": type("Ridge", (Ridge,), {"__module__": "own"})()},
        r"AMPOPolicy.regressor is a Ridge of own",
    ),
    "an estimator that files do not hold": (
        {"regressor": TheilSenRegressor()},
        r"AMPOPolicy.regressor is a TheilSenRegressor of sklearn",
    ),
    "records": (
        {"regressor": Ridge(alpha=np.zeros(1, "f8,f8"))},
        r"AMPOPolicy.regressor.alpha is an array of",
    ),
    "a table of objects": (
        {"regressor": Ridge(alpha=np.zeros((1, 1), object))},
        r"AMPOPolicy.regressor.alpha is an array of object",
    ),
    "a number that is too large": (
        {"regressor": RandomForestRegressor(10**6)},
        r"load would refuse the file: a RandomForestRegressor with n_estimators=10",
    ),
    "another parameter of LightGBM": (
        {"regressor": LGBMRegressor(machines="localhost")},
        r"load would refuse the file: a LGBMRegressor with machines=",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_stored_form_is_refused_before_a_fit(name):
    keywords, words = REFUSED[name]
    with pytest.raises(SkampoFileError, match=words) as raised:
        save(AMPOPolicy(**keywords))
    assert "AMPOPolicy cannot be saved" in str(raised.value)
    assert "joblib.dump" in str(raised.value)


def test_what_has_no_stored_form_is_not_saved(tmp_path):
    policy = AMPOPolicy(OwnRidge(), **SMALL).fit(make_env)
    path = tmp_path / "policy.skampo"
    path.write_text("what was there before")
    with pytest.raises(SkampoFileError, match="OwnRidge of"):
        policy.save(path)
    assert path.read_text() == "what was there before"
    with pytest.raises(NotFittedError):
        AMPOPolicy().save(path)


def test_fitted_attributes_that_nobody_knows_are_not_lost_in_silence(tmp_path):
    policy = AMPOPolicy(Ridge(), **SMALL).fit(make_env)
    policy.regressor_.offset_ = 1.0
    with pytest.raises(SkampoFileError, match=r"model\.offset_ is an attribute"):
        policy.save(tmp_path / "policy.skampo")


def test_a_search_names_what_to_save(tmp_path):
    policy = AMPOPolicy(Ridge(), max_iter=1, steps_per_iter=32, random_state=0)
    search = GridSearchCV(policy, {"gamma": [0.9]}, cv=2)
    search.fit(make_tasks("CartPole-v1", 4))
    with pytest.raises(SkampoFileError, match="Save its best_estimator_"):
        save(search, tmp_path / "search.skampo")
    save(search.best_estimator_, tmp_path / "search.skampo")
    loaded = skampo.load(tmp_path / "search.skampo")
    assert loaded.score("CartPole-v1") == search.score("CartPole-v1")


def test_what_says_how_a_machine_is_used_stays_on_it(tmp_path):
    pipeline = make_pipeline(StandardScaler(), Ridge(), memory=str(tmp_path / "cache"))
    policy = AMPOPolicy(pipeline, n_jobs=2, **SMALL).fit(make_env)
    loaded = reload(policy, tmp_path)
    assert loaded.n_jobs is None
    assert loaded.regressor.memory is None
    assert policy.regressor.memory is not None
    assert reload(policy.set_params(n_jobs=1), tmp_path).n_jobs == 1
    assert_same(policy, loaded, STATES)


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
    save(pipeline.fit(STATES, STATES[:, 0] > 0), tmp_path / "saved.skampo")
    loaded = skampo.load(tmp_path / "saved.skampo")
    assert_array_equal(loaded.predict(STATES), pipeline.predict(STATES))
    assert hasattr(pipeline[-1], "_skl_callbacks")
    assert not hasattr(loaded[-1], "_skl_callbacks")


def test_categories_of_boosted_trees_are_refused(tmp_path):
    trees = HistGradientBoostingRegressor(
        max_iter=2, min_samples_leaf=5, categorical_features=[0]
    )
    policy = AMPOPolicy(trees, max_iter=1).fit(STATES.round(), STATES[:, 1] > 0)
    with pytest.raises(SkampoFileError, match=r"_preprocessor.* is a partial of"):
        policy.save(tmp_path / "policy.skampo")


@pytest.mark.parametrize("encoder", [OrdinalEncoder, OneHotEncoder])
def test_categories_that_are_missing(encoder, tmp_path):
    X = np.array([[0.0], [2.0], [np.nan], [1.0]])
    fitted_encoder = encoder().fit(X)
    save(fitted_encoder, tmp_path / "encoder")
    loaded = skampo.load(tmp_path / "encoder")
    coded, expected = loaded.transform(X), fitted_encoder.transform(X)
    if encoder is OneHotEncoder:
        coded, expected = coded.toarray(), expected.toarray()
    assert_array_equal(coded, expected)
    names = fitted_encoder.get_feature_names_out()
    assert_array_equal(loaded.get_feature_names_out(), names)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables(library, tmp_path):
    table = importlib.import_module(library).DataFrame(
        {"stock": [3, 0, 1, 2] * 8, "season": ["dry", "wet", "wet", "dry"] * 8}
    )
    actions, rewards = [0, 1] * 16, [1.0, 0.0, 0.0, 1.0] * 8
    for regressor in (None, by_columns()):
        policy = AMPOPolicy(regressor, max_iter=2, random_state=0)
        policy.fit(table, actions, rewards=rewards)
        loaded = reload(policy, tmp_path)
        assert_same(policy, loaded, table, METHODS[:3])


def by_columns():
    encoder = ColumnTransformer(
        [
            ("number", StandardScaler(), ["stock"]),
            ("season", OneHotEncoder(), ["season"]),
        ]
    )
    return make_pipeline(encoder, Ridge())


def test_a_pipeline_of_environments(tmp_path):
    scaler = EnvTransformer(StandardScaler(), n_steps=64, random_state=0)
    pipeline = make_pipeline(scaler, AMPOPolicy(Ridge(), **SMALL)).fit("CartPole-v1")
    save(pipeline, tmp_path / "pipeline.skampo")
    loaded = skampo.load(tmp_path / "pipeline.skampo")
    states = np.random.default_rng(0).normal(size=(9, 4))
    assert_array_equal(loaded.predict_proba(states), pipeline.predict_proba(states))
    assert loaded.score("CartPole-v1") == pipeline.score("CartPole-v1")


def test_logs_and_masks_and_the_critic_of_logs(tmp_path):
    rng = np.random.default_rng(0)
    X, actions = rng.normal(size=(60, 2)), rng.integers(3, size=60)
    ends = np.arange(60) % 10 == 9
    log = {"rewards": X[:, 0], "next_states": X + 0.1, "terminated": ends}
    policy = AMPOPolicy(max_iter=2, random_state=0).fit(X, actions, **log)
    loaded = reload(policy, tmp_path)
    assert_same(policy, loaded, X)
    mask = rng.random((60, 3)) < 0.5
    mask[:, 0] = True
    assert_array_equal(
        loaded.predict_proba(X, action_mask=mask),
        policy.predict_proba(X, action_mask=mask),
    )


def test_environments_can_be_scored_after_loading(tmp_path):
    policy = AMPOPolicy(**SMALL).fit("CartPole-v1")
    loaded = reload(policy, tmp_path)
    env = gymnasium.make("CartPole-v1")
    assert loaded.score(env, n_episodes=2) == policy.score(env, n_episodes=2)


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("encoding", ["auto", "joint", "compatible"])
def test_models_that_know_no_state_of_zeros(encoding, warm_start, tmp_path):
    states = np.random.default_rng(0).integers(3, 6, size=(60, 2)).astype(float)
    actions = np.arange(60) % 2
    policy = AMPOPolicy(
        make_pipeline(OneHotEncoder(), Ridge()),
        encoding=encoding,
        max_iter=2,
        warm_start=warm_start,
        random_state=0,
    ).fit(states, actions, rewards=actions * states[:, 0])
    with pytest.raises((RegressorError, ValueError), match="unknown categories"):
        policy.predict(np.zeros((1, 2)))
    assert_same(policy, reload(policy, tmp_path), states)
