import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import FrameStackObservation
from numpy.testing import assert_array_equal

from skampo import AMPOPolicy
from skampo.rollouts import Rollouts
from tests.faulty_envs import SpaceEnv


def encode_observations(space):
    """What makes rows of the observations of an environment."""
    with Rollouts(lambda: SpaceEnv(space), n_envs=1) as rollouts:
        return rollouts.observation_encoder


def encode_actions(space, name="SpaceEnv"):
    """What makes columns of the actions of an environment."""
    with Rollouts(lambda: type(name, (SpaceEnv,), {})(None, space), n_envs=1) as made:
        return made.action_encoder


BOX = spaces.Box(-1.0, 1.0, (2, 3), np.float32)
FLAT = {
    "box": BOX,
    "scalar box": spaces.Box(0, 1, ()),
    "image": spaces.Box(0, 255, (2, 2, 3), np.uint8),
    "multi binary": spaces.MultiBinary(4),
    "multi discrete": spaces.MultiDiscrete([2, 3]),
    "tuple": spaces.Tuple([spaces.Discrete(3, start=1), BOX]),
    "dict": spaces.Dict({"b": BOX, "a": spaces.Discrete(2)}),
    "nested": spaces.Dict({"x": spaces.Dict({"y": BOX, "z": spaces.Discrete(2)})}),
    "text": spaces.Text(4),
    "one of": spaces.OneOf([spaces.Discrete(2), spaces.Box(0, 1, (2,))]),
}


@pytest.mark.parametrize("space", FLAT.values(), ids=FLAT)
def test_observations_flatten(space):
    encoder = encode_observations(space)
    space.seed(0)
    for _ in range(5):
        observation = space.sample()
        row = encoder.encode(observation)
        assert row.dtype == np.float64
        assert_array_equal(row, spaces.flatten(space, observation))
        assert_array_equal(encoder.encode_batch([observation] * 2), [row, row])
    assert row.shape == (encoder.n_features,)
    assert not encoder.is_discrete


@pytest.mark.parametrize("start", [-3, 0, 5])
@pytest.mark.parametrize("kind", [int, np.int64, np.array, float])
def test_discrete_observations_are_one_integer_column(start, kind):
    encoder = encode_observations(spaces.Discrete(4, start=start))
    assert encoder.is_discrete
    assert encoder.n_features == 1
    assert_array_equal(encoder.encode(kind(start + 3)), [start + 3])
    assert_array_equal(encoder.encode_batch([start, start + 1]), [[start], [start + 1]])


@pytest.mark.parametrize("value", [-1, 4, 1.5, np.nan, None, "1", [1], np.inf])
def test_discrete_observations_outside(value):
    with pytest.raises(ValueError, match="integer from 0 to 3"):
        encode_observations(spaces.Discrete(4)).encode(value)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (np.zeros(6), r"shape \(6,\) while shape \(2, 3\)"),
        (np.array([["a"] * 3] * 2), "dtype <U1"),
        (np.zeros((2, 3), dtype=object), "dtype object"),
        (np.zeros((2, 3), dtype=complex), "dtype complex128"),
        (None, r"shape \(\)"),
    ],
)
def test_box_observations_that_do_not_fit(value, match):
    with pytest.raises(ValueError, match=match):
        encode_observations(BOX).encode(value)


@pytest.mark.parametrize("value", [np.ones((2, 3), dtype=int), [[1.0] * 3] * 2])
def test_box_observations_are_cast(value):
    assert_array_equal(encode_observations(BOX).encode(value), np.ones(6))


@pytest.mark.parametrize("value", [{}, {"a": 7, "b": np.zeros((2, 3))}, 3, None])
def test_flat_observations_that_do_not_fit(value):
    with pytest.raises(ValueError, match=r"was expected|were expected"):
        encode_observations(FLAT["dict"]).encode(value)


@pytest.mark.parametrize("outer", [lambda s: s, lambda s: spaces.Dict({"k": s})])
@pytest.mark.parametrize(
    "space",
    [
        spaces.Sequence(spaces.Discrete(2)),
        spaces.Graph(spaces.Box(0, 1, (1,)), spaces.Discrete(2)),
    ],
    ids=["Sequence", "Graph"],
)
def test_spaces_of_varying_size_are_refused(outer, space):
    with pytest.raises(ValueError, match=f"of a {type(space).__name__} space"):
        encode_observations(outer(space))


def test_a_space_is_required():
    with pytest.raises(ValueError, match="must be a gymnasium space"):
        encode_observations(3)


def test_feature_names_follow_the_keys():
    names = encode_observations(FLAT["nested"]).feature_names
    assert names == [*(f"x_y_{i}" for i in range(6)), "x_z_0", "x_z_1"]
    one = spaces.Dict({"speed": spaces.Box(0, 1, (1,)), "mode": spaces.Discrete(2)})
    encoder = encode_observations(one)
    assert encoder.feature_names == ["mode_0", "mode_1", "speed"]
    assert encoder.name_feature(2) == "feature 2 ('speed')"
    assert encode_observations(BOX).feature_names is None
    assert encode_observations(BOX).name_feature(2) == "feature 2"


def test_names_that_two_columns_would_share():
    space = spaces.Dict({"a": spaces.Box(0, 1, (2,)), "a_0": spaces.Box(0, 1, (1,))})
    assert encode_observations(space).feature_names is None


def test_a_class_derived_from_discrete():
    space = type("Cells", (spaces.Discrete,), {})(3, start=1)
    encoder = encode_observations(space)
    assert_array_equal(encoder.encode_batch([1, 3]), [[1], [3]])
    with pytest.raises(ValueError, match="integer from 1 to 3"):
        encoder.encode(0)


@pytest.mark.parametrize("space", [*FLAT.values(), spaces.Discrete(3)])
def test_observation_encoders_pickle_compare_and_hold_no_generator(space):
    space.seed(0)
    encoder = encode_observations(space)
    again = pickle.loads(pickle.dumps(encoder))
    assert again == encoder == encode_observations(space)
    assert encoder != encode_observations(spaces.Discrete(99))
    assert encoder != "something else"
    assert b"Generator" not in pickle.dumps(encoder)
    assert repr(encoder) == f"ObservationEncoder({space})"


@pytest.mark.parametrize("start", [-1, 0, 7])
def test_discrete_actions(start):
    space = spaces.Discrete(3, start=start)
    encoder = encode_actions(space)
    assert_array_equal(encoder.labels, [start, start + 1, start + 2])
    for index in range(3):
        assert space.contains(encoder.to_env(index))
        assert encoder.to_env(index) == start + index


def test_multi_discrete_actions_are_enumerated():
    space = spaces.MultiDiscrete([2, 3], start=[0, 1])
    encoder = encode_actions(space)
    expected = [[0, 1], [0, 2], [0, 3], [1, 1], [1, 2], [1, 3]]
    assert_array_equal(encoder.labels, expected)
    assert all(space.contains(encoder.to_env(i)) for i in range(6))
    encoder.to_env(0)[:] = 9
    assert_array_equal(encoder.to_env(0), [0, 1])


def test_limit_of_joint_actions():
    assert encode_actions(spaces.MultiDiscrete([10, 100])).n_actions == 1000
    with pytest.raises(ValueError, match=r"Big-v0 .* with 1001 joint actions"):
        encode_actions(spaces.MultiDiscrete([7, 11, 13]), "Big-v0")


@pytest.mark.parametrize("n", [10_001, 10**9, 10**15])
def test_limit_of_actions(n):
    assert encode_actions(spaces.Discrete(10_000)).n_actions == 10_000
    match = f"Big-v0 has .* with {n} actions, more than the 10000"
    with pytest.raises(ValueError, match=match):
        encode_actions(spaces.Discrete(n), "Big-v0")


def test_limit_of_features():
    assert encode_observations(spaces.Box(0, 1, (200_000,))).n_features == 200_000
    # An integer is one column, however many there are.
    assert encode_observations(spaces.Discrete(10**9)).n_features == 1
    one_hot = spaces.Dict({"item": spaces.Discrete(10**9), "n": spaces.Discrete(2)})
    for space in (spaces.Box(0, 1, (200_001,)), one_hot):
        with pytest.raises(ValueError, match="features, more than the 200000"):
            encode_observations(space)


@pytest.mark.parametrize(
    "space", [spaces.Box(0, 1, (0,)), spaces.Dict({}), spaces.Tuple([])], ids=str
)
def test_observations_without_features(space):
    with pytest.raises(ValueError, match="at least one feature"):
        encode_observations(space)


PARTS = {
    "box": (spaces.Box(0, 9, (2,)), [0.5, 2.0], [0.5, 2.0]),
    "float64 in a box of float32": (spaces.Box(0, 9, (1,)), [0.1], [0.1]),
    "number for a box of one": (spaces.Box(0, 9, (1,)), 0.25, [0.25]),
    "fractions in a box of bytes": (
        spaces.Box(0, 255, (2,), np.uint8),
        [300.5, -1],
        [300.5, -1],
    ),
    "discrete": (spaces.Discrete(3, start=5), 7, [0, 0, 1]),
    "negative start": (spaces.Discrete(3, start=-4), -4, [1, 0, 0]),
    "array of one": (spaces.Discrete(3), np.array([1]), [0, 1, 0]),
    "whole float": (spaces.Discrete(3), 1.0, [0, 1, 0]),
    "bool": (spaces.Discrete(2), True, [0, 1]),
    "multi discrete": (spaces.MultiDiscrete([2, 3]), [1, 2], [0, 1, 0, 0, 1]),
    "multi discrete with start": (
        spaces.MultiDiscrete([2, 3], start=[4, -1]),
        np.array([5, -1]),
        [0, 1, 1, 0, 0],
    ),
    "table of multi discrete": (
        spaces.MultiDiscrete([[2, 2], [1, 2]]),
        [[0, 1], [0, 1]],
        [1, 0, 0, 1, 1, 0, 1],
    ),
    "multi binary": (spaces.MultiBinary((2, 2)), [[0, 1], [1, 1]], [0, 1, 1, 1]),
}


@pytest.mark.parametrize("part", PARTS)
def test_parts_by_hand(part):
    space, value, row = PARTS[part]
    outer = spaces.Dict(
        {"z": spaces.Tuple([space, spaces.Discrete(2)]), "a": spaces.Box(-9, 9, ())}
    )
    found = encode_observations(outer).encode({"z": (value, 0), "a": -3})
    assert_array_equal(found, [-3, *row, 1, 0])
    if not isinstance(space, spaces.Box | spaces.Discrete):
        assert_array_equal(encode_observations(space).encode(value), row)


OUTSIDE = {
    "negative": (spaces.Discrete(3), -1),
    "below the start": (spaces.Discrete(3, start=5), 4),
    "above": (spaces.Discrete(3), 3),
    "several": (spaces.Discrete(3), [0, 1]),
    "fraction": (spaces.Discrete(3), 0.5),
    "none": (spaces.Discrete(3), None),
    "another component": (spaces.MultiDiscrete([2, 3]), [2, 0]),
    "negative component": (spaces.MultiDiscrete([2, 3]), [-1, 0]),
    "NaN component": (spaces.MultiDiscrete([2, 3]), [np.nan, 0]),
    "fraction component": (spaces.MultiDiscrete([2, 3]), [0.5, 0]),
    "too few components": (spaces.MultiDiscrete([2, 3]), [1]),
    "two of binary": (spaces.MultiBinary(2), [0, 2]),
    "half of binary": (spaces.MultiBinary(2), [0, 0.5]),
    "text": (spaces.Box(0, 1, (1,)), ["1"]),
    "more numbers": (spaces.Box(0, 1, (1,)), [1, 2]),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_parts_outside_of_their_space(case):
    space, value = OUTSIDE[case]
    encoder = encode_observations(spaces.Dict({"part": space}))
    with pytest.raises(ValueError, match=r"(was|were) expected"):
        encoder.encode({"part": value})


@pytest.mark.parametrize(
    "space",
    [
        spaces.Box(-2, 2, (1,)),
        spaces.MultiBinary(2),
        spaces.Tuple([spaces.Discrete(2)]),
        spaces.MultiDiscrete([[2, 2], [2, 2]]),
    ],
)
def test_other_action_spaces_are_refused(space):
    with pytest.raises(ValueError, match="finite action space") as caught:
        encode_actions(space, "Pendulum-v1")
    assert f"Pendulum-v1 has action_space={space}." in str(caught.value)
    assert "gymnasium.wrappers.DiscretizeAction(env, bins=11)" in str(caught.value)
    assert "gymnasium.wrappers.TransformAction(env, func" in str(caught.value)


def test_action_encoders_pickle_and_compare():
    space = spaces.Discrete(3)
    space.seed(0)
    encoder = encode_actions(space)
    assert pickle.loads(pickle.dumps(encoder)) == encoder
    assert encoder != encode_actions(spaces.Discrete(3, start=1))
    assert encoder != 3
    assert b"Generator" not in pickle.dumps(encoder)
    assert repr(encoder) == "ActionEncoder(Discrete(3))"


def test_masks():
    encoder = encode_actions(spaces.Discrete(3))
    assert encoder.read_mask({}) is None
    assert encoder.read_mask({"action_mask": None}) is None
    mask = encoder.read_mask({"action_mask": np.array([0, 1, 1], dtype=np.int8)})
    assert_array_equal(mask, [False, True, True])
    with pytest.raises(ValueError, match="3 zeros and ones were expected"):
        encoder.read_mask({"action_mask": [1, 0]})
    joint = encode_actions(spaces.MultiDiscrete([2, 2]))
    assert joint.read_mask({"action_mask": (np.ones(2), np.ones(2))}) is None


@pytest.mark.parametrize(
    "odd", [np.ones(6), "abc", None, np.ones((2, 3), complex), np.ones((2, 3), "M8[s]")]
)
def test_a_batch_is_refused_for_the_first_row_that_does_not_fit(odd):
    encoder = encode_observations(BOX)
    good = np.zeros((2, 3))
    with pytest.raises(ValueError, match="expected") as alone:
        encoder.encode(odd)
    for batch in ([odd, good], [good, odd], [odd]):
        with pytest.raises(ValueError, match="expected") as found:
            encoder.encode_batch(batch)
        assert str(found.value) == str(alone.value)


def test_rows_of_a_batch_may_differ_in_type():
    encoder = encode_observations(BOX)
    rows = [np.full((2, 3), 2**24 + 1), np.ones((2, 3), bool), [[0.1] * 3] * 2]
    expected = [encoder.encode(row) for row in rows]
    assert_array_equal(encoder.encode_batch(rows), expected)
    assert_array_equal(encoder.encode_batch([]), np.empty((0, 6)))


class SignalEnv(gymnasium.Env):
    """Shows a sign, then nothing, where the action of the sign is paid."""

    observation_space = spaces.Box(-1.0, 1.0, (1,))
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.sign, self.n_steps = int(self.np_random.integers(2)), 0
        return np.array([2.0 * self.sign - 1], dtype=np.float32), {}

    def step(self, action):
        self.n_steps += 1
        is_over = self.n_steps == 2
        paid = float(is_over and action == self.sign)
        return np.zeros(1, dtype=np.float32), paid, is_over, False, {}


@pytest.mark.parametrize(("n_seen", "low", "high"), [(1, 0.2, 0.8), (2, 1.0, 1.0)])
def test_a_stack_of_observations_is_a_memory(n_seen, low, high):
    def make_env():
        return FrameStackObservation(SignalEnv(), n_seen)

    policy = AMPOPolicy(max_iter=3, steps_per_iter=128, random_state=0).fit(make_env)
    assert policy.n_features_in_ == n_seen
    assert low <= policy.score(make_env) <= high
