"""What is said of things that were meant as environments or as states."""

from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.model_selection import make_tasks
from tests.faulty_envs import SpaceEnv

SMALL = {"max_iter": 1, "steps_per_iter": 20, "n_envs": 2, "random_state": 0}


def make_with_arguments(level, *, size=3):
    raise AssertionError


class OldGym:
    """As the gym package had it: no subclass of gymnasium.Env."""

    observation_space = spaces.Box(0, 1, (2,))
    action_space = spaces.Discrete(2)

    def reset(self):
        return np.zeros(2)

    def step(self, action):
        return np.zeros(2), 0.0, False, {}


class OldVector(OldGym):
    """As stable-baselines3 has it."""

    num_envs = 2

    def step_async(self, actions):
        """Start."""

    def step_wait(self):
        """Finish."""


MISTAKES = {
    "factory with arguments": (
        make_with_arguments,
        r"function make_with_arguments, which needs 'level'; .*Pass lambda: make_with",
    ),
    "partial that lacks one": (partial(make_with_arguments, size=2), "needs 'level'"),
    "lambda of two": (lambda a, b: None, "function <lambda>, which needs 'a', 'b'"),
    "list of factories": ([make_with_arguments], "In a list: .* needs 'level'"),
    "none": (None, "Got None"),
    "empty list": ([], "an empty list: it takes at least one environment"),
    "empty tuple": ((), "an empty tuple"),
    "old gym": (OldGym(), "OldGym, which has reset and step but is no gymnasium.Env"),
    "old gym class": (OldGym, "OldGym, which has reset and step but is no"),
    "list of old gym": ([OldGym()], "In a list: Got OldGym"),
    "old vector": (OldVector(), "OldVector, a vector of environments that is no"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_no_environment_is_named(mistake):
    X, match = MISTAKES[mistake]
    with pytest.raises(ValueError, match=match):
        AMPOPolicy().fit(X)
    with pytest.raises(ValueError, match=match):
        make_tasks(X, 2)
    policy = AMPOPolicy(Ridge(), **SMALL).fit("CartPole-v1")
    with pytest.raises(ValueError, match=match):
        policy.score(X)


@pytest.mark.parametrize("X", [np.zeros((3, 2)), [[0.0], [1.0]], dict])
def test_states_without_labels_stay_what_they_are(X):
    with pytest.raises(ValueError, match="requires y to be passed"):
        AMPOPolicy().fit(X)


DICT = spaces.Dict({"door": spaces.Discrete(2), "place": spaces.Box(0, 1, (2,))})
HERE = {"door": 1, "place": np.array([0.5, 0.25], dtype=np.float32)}
TUPLE = spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1, (2,))])
THERE = (1, HERE["place"])
OBSERVATIONS = {
    "dicts": (DICT, [HERE, HERE], "observations"),
    "dict": (DICT, HERE, r"\[observation\]"),
    "tuples": (TUPLE, [THERE, THERE], "observations"),
    "integers": (spaces.Discrete(3), [0, 2], "observations"),
    "integer": (spaces.Discrete(3), 2, r"\[observation\]"),
}


@pytest.mark.parametrize("case", OBSERVATIONS)
def test_observations_that_were_not_encoded(case):
    space, X, call = OBSERVATIONS[case]
    policy = AMPOPolicy(Ridge(), **SMALL).fit(partial(SpaceEnv, space))
    match = rf"Encode first: policy.predict\(policy.encode_observations\({call}\)\)"
    for method in (policy.predict, policy.predict_proba, policy.sample):
        with pytest.raises(ValueError, match=match):
            method(X)
    several = X if isinstance(X, list) else [X]
    assert len(policy.predict(policy.encode_observations(several))) == len(several)


def test_environments_in_predict_are_still_named():
    policy = AMPOPolicy(Ridge(), **SMALL).fit(partial(SpaceEnv, DICT))
    for X in ("CartPole-v1", gymnasium.make("CartPole-v1")):
        with pytest.raises(ValueError, match="which stands for environments"):
            policy.predict(X)


@pytest.mark.parametrize(
    "mask",
    [
        [1, np.nan],
        [1.0, 0.5],
        [1, -1],
        [2, 1],
        ["a", "b"],
        ["1", "0"],
        [None, True],
        [[1, 0], [1, 3]],
    ],
)
def test_masks_of_other_things_than_zeros_and_ones(mask):
    policy = AMPOPolicy(Ridge(), **SMALL).fit("CartPole-v1")
    for method in (policy.predict_proba, policy.decision_function, policy.predict):
        with pytest.raises(ValueError, match="booleans, or zeros and ones"):
            method(np.zeros((2, 4)), action_mask=mask)
    if np.ndim(mask) == 1:
        with pytest.raises(ValueError, match="booleans, or zeros and ones"):
            policy.act(np.zeros(4), action_mask=mask)


@pytest.mark.parametrize("kind", [bool, int, np.uint8, float, np.float32, object])
def test_masks_of_zeros_and_ones(kind):
    policy = AMPOPolicy(Ridge(), **SMALL).fit("CartPole-v1")
    mask = np.array([0, 1]).astype(kind)
    proba = policy.predict_proba(np.zeros((2, 4)), action_mask=mask)
    assert proba.tolist() == [[0.0, 1.0]] * 2
