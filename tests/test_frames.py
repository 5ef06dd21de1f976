"""Data frames in every entry point, and names that have to match."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from gymnasium import spaces
from gymnasium.wrappers import FrameStackObservation, NormalizeReward
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skampo
from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.mdp import make_random_mdp
from tests.faulty_envs import SpaceEnv
from tests.scripted import RewardingEnv

NAMES = ["speed", "angle"]
STATES = np.random.default_rng(0).normal(size=(30, 2))
LABELS = np.where(STATES[:, 0] > 0, "left", "right")
SMALL = {"max_iter": 2, "random_state": 0}
METHODS = ("predict_proba", "predict", "predict_log_proba", "decision_function")

frames = pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])


def make_frame(frame, values=STATES, names=NAMES):
    return frame(dict(zip(names, np.transpose(values), strict=True)))


@frames
@pytest.mark.parametrize("series", [pd.Series, pl.Series, np.asarray])
def test_labels(frame, series):
    expected = AMPOPolicy(Ridge(), **SMALL).fit(STATES, LABELS)
    weights = series(np.ones(30))
    policy = AMPOPolicy(Ridge(), **SMALL)
    policy.fit(make_frame(frame), series(LABELS), sample_weight=weights)
    assert policy.feature_names_in_.tolist() == NAMES
    for method in METHODS:
        given = getattr(policy, method)(make_frame(frame))
        assert type(given) is np.ndarray
        assert_array_equal(given, getattr(expected, method)(STATES))
    drawn = policy.sample(make_frame(frame), random_state=0)
    assert_array_equal(drawn, expected.sample(STATES, random_state=0))
    score = policy.score(make_frame(frame), series(LABELS), sample_weight=weights)
    assert score == expected.score(STATES, LABELS)


@frames
def test_masks(frame):
    policy = AMPOPolicy(Ridge(), **SMALL).fit(make_frame(frame), LABELS)
    mask = np.random.default_rng(1).random((30, 2)) < 0.5
    mask[~mask.any(axis=1), 0] = True
    table = make_frame(frame, mask, ["left", "right"])
    proba = policy.predict_proba(make_frame(frame), action_mask=table)
    assert_array_equal(proba > 0, mask)


@frames
def test_names_that_do_not_match(frame):
    policy = AMPOPolicy(Ridge(), **SMALL).fit(make_frame(frame), LABELS)
    with pytest.raises(ValueError, match="should match those that were passed during"):
        policy.predict(make_frame(frame, names=["angle", "speed"]))
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        policy.predict_proba(make_frame(frame, names=["speed", "weight"]))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        policy.predict(STATES)
    policy.fit(STATES, LABELS)
    assert not hasattr(policy, "feature_names_in_")
    with pytest.warns(UserWarning, match="X has feature names, but AMPOPolicy was fit"):
        policy.predict(make_frame(frame))


DICT = spaces.Dict(place=spaces.Box(0, 9, (2,)), speed=spaces.Box(0, 1, (1,)))


@frames
def test_keys_of_a_dict_space_are_names(frame):
    policy = AMPOPolicy(Ridge(), **SMALL, steps_per_iter=16, n_envs=1)
    policy.fit(lambda: SpaceEnv(DICT, spaces.Discrete(2)))
    names = ["place_0", "place_1", "speed"]
    assert policy.feature_names_in_.tolist() == names
    assert policy.feature_names_in_.dtype == object
    X = np.random.default_rng(0).random((5, 3))
    expected = policy.predict_proba(X)
    assert_array_equal(policy.predict_proba(make_frame(frame, X, names)), expected)
    encoded = policy.encode_observations([DICT.sample()])
    assert policy.predict(encoded).shape == (1,)
    with pytest.raises(ValueError, match="feature names should match"):
        policy.predict_proba(make_frame(frame, X, names[::-1]))
    with pytest.raises(ValueError, match="X has 2 features, but AMPOPolicy"):
        policy.predict_proba(X[:, :2])
    policy.fit(RewardingEnv)
    assert not hasattr(policy, "feature_names_in_")


class Paying(SpaceEnv):
    """Pays for the second action."""

    def step(self, action):
        observation, _, *others = super().step(action)
        return observation, float(action), *others


class Named(Paying):
    """Two numbers, which have names."""

    feature_names = NAMES

    def __init__(self):
        super().__init__(spaces.Box(-1, 1, (2,)))


def by_name(*names):
    return make_pipeline(
        make_column_transformer((StandardScaler(), list(names))), Ridge()
    )


@pytest.mark.parametrize("environment", [Named, lambda: NormalizeReward(Named())])
def test_an_environment_names_its_columns(environment):
    policy = AMPOPolicy(by_name("angle"), steps_per_iter=32, **SMALL).fit(environment)
    assert policy.feature_names_in_.tolist() == NAMES
    proba = policy.predict_proba(STATES)
    # Of two columns the regressor was given one.
    assert_array_equal(policy.predict_proba(STATES * [2.0, 1.0]), proba)
    assert not np.array_equal(policy.predict_proba(STATES * [1.0, 2.0]), proba)
    assert_array_equal(policy.predict_proba(make_frame(pd.DataFrame)), proba)
    assert policy.act(STATES[0]) == policy.predict(STATES[:1])[0]


def test_columns_by_name_are_those_by_number(tmp_path):
    keys = spaces.Dict(angle=spaces.Box(-1, 1), speed=spaces.Box(-1, 1))
    numbers = make_pipeline(make_column_transformer((StandardScaler(), [1])), Ridge())
    named, numbered = (
        AMPOPolicy(model, steps_per_iter=32, **SMALL).fit(lambda: Paying(keys))
        for model in (by_name("speed"), numbers)
    )
    expected = numbered.predict_proba(STATES)
    assert_array_equal(named.predict_proba(STATES), expected)
    assert_array_equal(clone(named).fit(Named).feature_names_in_, NAMES)
    named.save(tmp_path / "policy.skampo")
    again = skampo.load(tmp_path / "policy.skampo")
    assert_array_equal(again.predict_proba(STATES), expected)


def test_names_of_columns_that_a_wrapper_made_are_not_known():
    stacked = AMPOPolicy(**SMALL).fit(lambda: FrameStackObservation(Named(), 2))
    assert not hasattr(stacked, "feature_names_in_")


@pytest.mark.parametrize("names", [["speed"], ["speed", "speed"]])
def test_names_that_are_not_those_of_the_columns_are_refused(names):
    class Misnamed(Named):
        feature_names = names

    with pytest.raises(ValueError, match=r"are \['speed'.*have 2 features. Give each"):
        AMPOPolicy(**SMALL).fit(Misnamed)


@pytest.mark.parametrize("names", [None, 3, "speed", [0, 1], len])
def test_what_is_no_list_of_names_may_mean_anything(names):
    class Other(Named):
        feature_names = names

    assert not hasattr(AMPOPolicy(**SMALL).fit(Other), "feature_names_in_")


@frames
def test_states_of_environments_and_models(frame):
    policy = AMPOPolicy(Ridge(), **SMALL, steps_per_iter=16, n_envs=1)
    policy.fit(RewardingEnv)
    match = "X has feature names, but AMPOPolicy was fitted without feature names"
    with pytest.warns(UserWarning, match=match):
        proba = policy.predict_proba(make_frame(frame))
    assert_array_equal(proba, policy.predict_proba(STATES))
    with pytest.warns(UserWarning, match=match):
        values = policy.action_values(make_frame(frame))
    assert_array_equal(values, policy.action_values(STATES))
    mdp = make_random_mdp(random_state=0)
    policy = AMPOPolicy(max_iter=2).fit(mdp)
    with pytest.warns(UserWarning, match=match):
        proba = policy.predict_proba(make_frame(frame, mdp.states, ["state"]))
    assert_array_equal(proba, policy.predict_proba(mdp.states))


@pytest.mark.parametrize(
    "change",
    {
        "float32": lambda X: X.astype(np.float32),
        "big endian": lambda X: X.astype(">f8"),
        "Fortran": np.asfortranarray,
        "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
        "read-only": lambda X: np.frombuffer(X.tobytes()).reshape(X.shape),
        "integers": lambda X: X.astype(np.int8),
    }.items(),
    ids=lambda item: item[0],
)
def test_arrays_of_any_kind_give_the_same_bits(change):
    X = STATES.round()
    policy = AMPOPolicy(**SMALL, steps_per_iter=32, n_envs=2).fit(RewardingEnv)
    for method in (*METHODS, "action_values"):
        expected = getattr(policy, method)(X)
        assert_array_equal(getattr(policy, method)(change[1](X)), expected)


def test_the_history_is_a_table():
    policy = AMPOPolicy(Ridge(), **SMALL, steps_per_iter=16, n_envs=1)
    history = pd.DataFrame(policy.fit(RewardingEnv).history_)
    assert history["iteration"].tolist() == [1, 2]
    assert pl.DataFrame(policy.history_).shape == history.shape


def test_a_frame_of_numbers_is_learned_from_like_an_array():
    rng = np.random.default_rng(0)
    states, names = rng.normal(size=(201, 3)), ["a", "b", "c"]
    actions = rng.integers(2, size=200)
    rewards = states[:-1, 0] * actions
    policy = AMPOPolicy(max_iter=2, random_state=0)
    columns = {"rewards": rewards, "next_states": states[1:], "terminated": 0 * rewards}
    expected = policy.fit(states[:-1], actions, **columns).predict_proba(states)
    frame = pd.DataFrame(states, columns=names)
    columns["next_states"] = frame[1:]
    found = policy.fit(frame[:-1], actions, **columns).predict_proba(frame)
    assert_allclose(found, expected, rtol=1e-6)
    # Boosted trees would have taken missing values, of which there are none.
    assert "linear" in policy.critic_.classifier.steps[-1][1].get_params(deep=False)


def informative_table(library, n=400):
    """States whose best action is 1 where the first of two columns is missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 2))
    is_missing = rng.random(n) < 0.5
    column = [
        None if missing else float(x)
        for missing, x in zip(is_missing, X[:, 0], strict=True)
    ]
    table = library.DataFrame({"a": column, "b": X[:, 1]})
    actions = rng.integers(2, size=n)
    return table, actions, (actions == is_missing).astype(float), is_missing


@pytest.mark.parametrize("library", [pd, pl])
def test_that_a_value_is_missing_is_learned_from(library):
    table, actions, rewards, is_missing = informative_table(library)
    policy = AMPOPolicy(random_state=0).fit(table, actions, rewards=rewards)
    assert np.mean(policy.predict(table) == is_missing) > 0.97
    assert policy.act({"a": None, "b": 0.0}) == 1
    assert policy.act({"a": 0.3, "b": None}) == 0


def test_missing_values_in_logs_of_several_steps():
    table, actions, rewards, is_missing = informative_table(pd, 2000)
    ends = np.arange(2000) % 10 == 9
    after = table.iloc[np.roll(np.arange(2000), -1)]
    log = {"rewards": rewards, "next_states": after, "terminated": ends}
    for regressor in (None, LGBMRegressor(verbose=-1)):
        policy = AMPOPolicy(regressor, max_iter=10, random_state=0)
        policy.fit(table, actions, **log)
        assert np.mean(policy.predict(table) == is_missing) > 0.9


def complete_table(library, n=300):
    """States without missing numbers, the first of which says what to do."""
    rng = np.random.default_rng(0)
    table = library.DataFrame(
        {
            "a": rng.normal(size=n),
            "count": rng.integers(5, size=n),
            "kind": rng.choice(["x", "y"], size=n),
        }
    )
    actions = rng.integers(2, size=n)
    told = table["a"].to_numpy() > 0
    return table, actions, (actions == told).astype(float)


@pytest.mark.parametrize("library", [pd, pl])
def test_numbers_that_were_never_missing_must_not_be_missing_later(library):
    table, actions, rewards = complete_table(library)
    policy = AMPOPolicy(random_state=0).fit(table, actions, rewards=rewards)
    assert "SimpleImputer" not in repr(policy.resolved_params_["regressor"])
    assert np.mean(policy.predict(table) == (table["a"].to_numpy() > 0)) > 0.9
    row = {"a": [None], "count": [3], "kind": ["x"]}
    schema = {"schema": table.schema} if library is pl else {"dtype": None}
    if library is pd:
        row["a"] = [np.nan]
    bad = library.DataFrame(row, **schema)
    match = r"missing in the columns \['a'\], and none was missing"
    for method in ("predict", "predict_proba", "decision_function", "action_values"):
        with pytest.raises(ValueError, match=match):
            getattr(policy, method)(bad)
    with pytest.raises(ValueError, match=match):
        policy.act({"a": None, "count": 3, "kind": "x"})
    # Categories that are new have been answered all along.
    assert policy.act({"a": 2.0, "count": 3, "kind": "z"}) == 1


def test_numbers_that_are_missing_afterwards_alone_are_imputed():
    table, actions, rewards = complete_table(pd)
    after = table.copy()
    after.loc[::7, "count"] = np.nan
    after["count"] = after["count"].astype(float)
    table["count"] = table["count"].astype(float)
    log = TransitionLog(table, actions, rewards, after)
    policy = AMPOPolicy(max_iter=2, random_state=0).fit(log)
    assert "SimpleImputer" in repr(policy.resolved_params_["regressor"])
    assert policy.act({"a": 2.0, "count": None, "kind": "x"}) in (0, 1)


def test_regressors_that_take_missing_numbers_get_them():
    table, actions, rewards = complete_table(pd)
    numbers = table[["a", "count"]]
    policy = AMPOPolicy(LGBMRegressor(verbose=-1, n_estimators=5), random_state=0)
    policy.fit(numbers, actions, rewards=rewards)
    assert policy.act({"a": None, "count": 3}) in (0, 1)
