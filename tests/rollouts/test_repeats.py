"""Environments whose seed does nothing, and what is done to find out."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import NormalizeObservation, TimeLimit
from numpy.testing import assert_array_equal

from skampo import AMPOPolicy
from skampo.exceptions import EnvironmentDataError
from skampo.rollouts import Rollouts
from tests.faulty_envs import CountingEnv, FaultyEnv, SpaceEnv, fails
from tests.rollouts.policies import UniformPolicy

FRESH = np.random.default_rng(0)


class Seeded(CountingEnv):
    """Begins somewhere, as its seed says."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.begin(), {}

    def begin(self):
        return self.np_random.random(2)


class Unseeded(Seeded):
    def begin(self):
        return FRESH.random(2)


class UnseededInPlace(Seeded):
    def begin(self):
        self.array = getattr(self, "array", np.zeros(2))
        self.array[:] = FRESH.random(2)
        return self.array


class Swallowing(gymnasium.Wrapper):
    def reset(self, *, seed=None, options=None):
        return self.env.reset()


class Choosing(gymnasium.Wrapper):
    """Begins with one of three levels, each of which is a seed."""

    def reset(self, *, seed=None, options=None):
        return self.env.reset(seed=seed % 3)


class Refusing(gymnasium.Wrapper):
    """As a monitor that takes early resets for mistakes."""

    over = True

    def reset(self, *, seed=None, options=None):
        assert self.over
        self.over = False
        return self.env.reset(seed=seed)

    def step(self, action):
        result = self.env.step(action)
        self.over = result[2] or result[3]
        return result


class Slotted(Seeded):
    """Has a `reset` of its own in each instance."""

    def __init__(self):
        super().__init__()
        self.reset = super().reset


def observing(space):
    return lambda: SpaceEnv(space)


def gather(make, check, n_envs=2):
    with Rollouts(make, n_envs=n_envs, steps_per_iter=24, check=check) as experience:
        return experience.gather(UniformPolicy()), experience


@pytest.mark.parametrize(
    "make",
    [
        Unseeded,
        UnseededInPlace,
        lambda: TimeLimit(Unseeded(), 3),
        lambda: Swallowing(Seeded()),
        lambda: NormalizeObservation(Unseeded()),
    ],
    ids=["array", "in place", "wrapped", "wrapper", "normalized"],
)
def test_a_seed_that_does_nothing_warns_once(make):
    policy = AMPOPolicy(max_iter=2, steps_per_iter=20, random_state=0)
    with pytest.warns(UserWarning, match="not reproducible") as caught:
        policy.fit(make)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "gave different observations for the same seed" in str(caught[0].message)


@pytest.mark.parametrize(
    "make",
    [
        Seeded,
        CountingEnv,
        Slotted,
        lambda: NormalizeObservation(Seeded()),
        lambda: Choosing(Seeded()),
        lambda: Refusing(Seeded()),
        observing(spaces.Discrete(1000)),
        observing(spaces.Dict({"a": spaces.Discrete(99), "b": spaces.Box(0, 1)})),
        "CartPole-v1",
        "Taxi-v4",
        "Blackjack-v1",
    ],
)
def test_the_check_is_silent_and_changes_nothing(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checked, experience = gather(make, True)
        plain, _ = gather(make, False)
    for name, column in plain._columns().items():
        assert_array_equal(getattr(checked, name), column, err_msg=name)
    assert not experience.episode_counts.tolist() == [0, 0]


def test_one_reset_more_in_all():
    made = []

    def make():
        made.append(Seeded())
        return made[-1]

    gather(make, True)
    checked = [env.seeds for env in made]
    made.clear()
    gather(make, False)
    plain = [env.seeds for env in made]
    assert checked == [[plain[0][0], *plain[0]], plain[1]]
    assert all("reset" not in vars(env) for env in made)


def test_each_kind_of_environment_is_checked():
    with pytest.warns(UserWarning, match="gave different") as caught:
        gather([Seeded, Unseeded, UnseededInPlace], True)
    names = [str(warning.message).partition(":")[0] for warning in caught]
    assert names == ["Unseeded", "UnseededInPlace"]


def test_an_error_in_the_first_reset_is_left_to_the_second():
    # The one that only compares is the first.
    rows, _ = gather(lambda: FaultyEnv(fails(KeyError("k")), 0), True, n_envs=1)
    assert len(rows) == 24


@pytest.mark.parametrize("n_features", [5000, 5001])
def test_images_warn(n_features):
    make = observing(spaces.Box(0, 255, (n_features,), np.uint8))
    policy = AMPOPolicy(max_iter=1, steps_per_iter=4, n_envs=2, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        policy.fit(make)
    found = [str(warning.message) for warning in caught]
    assert len(found) == (n_features > 5000)
    if found:
        assert "SpaceEnv have 5001 features, as images have" in found[0]
        assert caught[0].filename == __file__


def test_a_first_observation_that_is_not_finite_is_the_error_it_was():
    class Undefined(CountingEnv):
        def reset(self, *, seed=None, options=None):
            return np.array([0.0, np.nan]), super().reset(seed=seed)[1]

    with pytest.raises(EnvironmentDataError, match="feature 1 is nan at the reset"):
        gather(Undefined, True)
