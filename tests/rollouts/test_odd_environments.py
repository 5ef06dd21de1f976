"""Legal but odd environments: the rows that are learned from are computed by hand."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import Autoreset, TimeLimit, TransformObservation
from numpy.testing import assert_array_equal

from skampo import AMPOPolicy
from skampo.rollouts import Rollouts, play_episodes
from tests.faulty_envs import CountingEnv
from tests.rollouts.policies import ConstantPolicy, UniformPolicy

# Of all environments, as a careless simulator has it.
SHARED = np.zeros(2)
SHARED_INFO = {"action_mask": np.ones(2, dtype=np.int8)}


class Ramp(gymnasium.Env):
    """
    Shows (number of the environment, step); pays 10 * number + step; ends at step 4.

    How it says so is up to subclasses.
    """

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = spaces.Discrete(2)

    def __init__(self, number):
        self.number = number

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.show(), self.info()

    def step(self, action):
        assert self.action_space.contains(action)
        self.t += 1
        return self.show(), self.pay(), *self.flags(), self.info()

    def show(self):
        return np.array([self.number, self.t], dtype=float)

    def pay(self):
        return 10.0 * self.number + self.t

    def flags(self):
        return self.t == 4, False

    def info(self):
        return {}


class OneArray(Ramp):
    def show(self):
        SHARED[:] = self.number, self.t
        return SHARED


class ViewsOfOneArray(OneArray):
    def show(self):
        return super().show()[:]


class OneDict(Ramp):
    observation_space = spaces.Dict({"here": Ramp.observation_space})

    def show(self):
        SHARED[:] = self.number, self.t
        return {"here": SHARED}


class OneReward(Ramp):
    array = np.zeros(())

    def pay(self):
        self.array[...] = super().pay()
        return self.array


class FloatReward(Ramp):
    def pay(self):
        return np.float32(super().pay())


class IntegerReward(Ramp):
    def pay(self):
        return int(super().pay())


class NumpyFlags(Ramp):
    def flags(self):
        return np.bool_(self.t == 4), np.False_


class ArrayFlags(Ramp):
    def flags(self):
        return np.array(self.t == 4), np.array(0)


class OtherType(Ramp):
    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float16)

    def show(self):
        return super().show().astype(np.int64)


class Integers(Ramp):
    observation_space = spaces.Box(0, 255, (2,), np.uint8)

    def show(self):
        return super().show().astype(np.uint8)


class Lists(Ramp):
    def show(self):
        return [self.number, self.t]


class StartsAtFive(Ramp):
    action_space = spaces.Discrete(2, start=5)


class Joint(Ramp):
    action_space = spaces.MultiDiscrete([1, 2], start=[3, -1])


class OneInfo(Ramp):
    same = {}

    def info(self):
        return self.same


class Automatic:
    """A factory of environments that reset themselves."""

    def __init__(self, number):
        self.number = number

    def __call__(self):
        return Autoreset(Ramp(self.number))


PLAIN = [
    Ramp,
    OneArray,
    ViewsOfOneArray,
    OneDict,
    OneReward,
    FloatReward,
    IntegerReward,
    NumpyFlags,
    ArrayFlags,
    OtherType,
    Integers,
    Lists,
    StartsAtFive,
    Joint,
    OneInfo,
    Automatic,
]


def make(cls, number):
    return Automatic(number) if cls is Automatic else lambda: cls(number)


def gather(makes, n_steps=6, policy=None, **settings):
    n_envs = len(makes)
    with Rollouts(
        makes, n_envs=n_envs, steps_per_iter=n_steps * n_envs, **settings
    ) as experience:
        return experience.gather(policy or UniformPolicy())


# Two environments of six steps, whose episodes end after four.
STEPS = np.tile([0, 1, 2, 3, 0, 1], 2)
NUMBERS = np.repeat([1, 2], 6)


@pytest.mark.parametrize("cls", PLAIN, ids=lambda cls: cls.__name__)
def test_rows_by_hand(cls):
    rows = gather([make(cls, 1), make(cls, 2)])
    assert_array_equal(rows.observations, np.c_[NUMBERS, STEPS])
    assert_array_equal(rows.next_observations, np.c_[NUMBERS, STEPS + 1])
    assert_array_equal(rows.rewards, 10 * NUMBERS + STEPS + 1)
    assert_array_equal(rows.terminated, STEPS == 3)
    assert not rows.truncated.any()
    assert set(rows.actions) == {0, 1}
    assert rows.action_masks is None


@pytest.mark.parametrize("cls", PLAIN, ids=lambda cls: cls.__name__)
def test_returns_by_hand(cls):
    results = play_episodes(
        [make(cls, 1), make(cls, 2)], ConstantPolicy([0.5, 0.5]), n_episodes=4
    )
    assert_array_equal(results.returns, [50, 90, 50, 90])
    assert_array_equal(results.lengths, [4] * 4)


class OneMask(Ramp):
    """Allows the action 0 of environment 1 and the action 1 of environment 2."""

    def info(self):
        SHARED_INFO["action_mask"][:] = self.number == 1, self.number == 2
        return SHARED_INFO

    def step(self, action):
        assert action == self.number - 1
        return super().step(action)


def test_masks_in_one_array_for_all():
    rows = gather([make(OneMask, 1), make(OneMask, 2)])
    assert_array_equal(rows.actions, NUMBERS - 1)
    expected = np.c_[NUMBERS == 1, NUMBERS == 2]
    assert_array_equal(rows.action_masks, expected)
    assert_array_equal(rows.next_action_masks, expected)


@pytest.mark.parametrize(
    ("space", "shown", "rows"),
    [
        (spaces.Discrete(9, start=-4), -2, [-2]),
        (spaces.MultiDiscrete([3, 2], start=[5, 1]), np.array([6, 1]), [0, 1, 0, 1, 0]),
        (spaces.MultiBinary(3), np.array([1, 0, 1], dtype=np.int8), [1, 0, 1]),
        (
            spaces.Dict({"b": spaces.Discrete(2, start=1), "a": spaces.Box(0, 9, ())}),
            {"b": 2, "a": 7.5},
            [7.5, 0, 1],
        ),
        (
            spaces.Tuple([spaces.Dict({"x": spaces.Discrete(2)}), spaces.Box(0, 9)]),
            ({"x": 0}, np.array([3.0])),
            [1, 0, 3],
        ),
        (spaces.Box(0, 255, (2, 2), np.uint8), np.eye(2, dtype=np.uint8), [1, 0, 0, 1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_observations_by_hand(space, shown, rows):
    class Showing(CountingEnv):
        def reset(self, *, seed=None, options=None):
            return shown, super().reset(seed=seed)[1]

        def step(self, action):
            return shown, *super().step(action)[1:]

    def make():
        env = Showing()
        env.observation_space = space
        return env

    found = gather([make])
    assert_array_equal(found.observations, [rows] * 6)
    assert_array_equal(found.next_observations, [rows] * 6)


DOUBLED = {"func": lambda x: 2 * x, "observation_space": Ramp.observation_space}


@pytest.mark.parametrize(
    "make",
    [
        lambda: TimeLimit(TransformObservation(Ramp(1), **DOUBLED), 3),
        lambda: TransformObservation(TimeLimit(Ramp(1), 3), **DOUBLED),
    ],
    ids=["outside", "inside"],
)
def test_a_time_limit_among_other_wrappers(make):
    rows = gather([make])
    assert_array_equal(rows.observations, [(2, 0), (2, 2), (2, 4)] * 2)
    assert_array_equal(rows.next_observations[:3], [(2, 2), (2, 4), (2, 6)])
    assert_array_equal(rows.truncated, [False, False, True] * 2)
    assert not rows.terminated.any()


@pytest.mark.timeout(20)
def test_the_declared_time_limit_holds_without_its_wrapper():
    def make():
        env = CountingEnv(length=None)
        # As `gymnasium.make(id).unwrapped` has it.
        env.spec = EnvSpec("Endless-v0", CountingEnv, max_episode_steps=7)
        return env

    results = play_episodes(make, UniformPolicy(), n_episodes=2)
    assert_array_equal(results.lengths, [7, 7])
    rows = gather([make], n_steps=8)
    assert_array_equal(rows.truncated, [False] * 6 + [True, False])


def test_both_flags_at_once_are_an_end():
    class Both(Ramp):
        def flags(self):
            return self.t == 4, self.t == 4

    rows = gather([make(Both, 1)])
    assert_array_equal(rows.terminated, rows.truncated)
    assert_array_equal(np.flatnonzero(rows.terminated), [3])


def test_labels_of_an_action_space_with_a_start():
    class Paying(StartsAtFive):
        def step(self, action):
            self.action = action
            return super().step(action)

        def pay(self):
            return float(self.action == 6)

    policy = AMPOPolicy(max_iter=3, random_state=0).fit(lambda: Paying(1))
    assert_array_equal(policy.classes_, [5, 6])
    assert policy.act(np.array([1.0, 0.0])) == 6
    assert policy.score(lambda: Paying(1), n_episodes=2) == 4.0
