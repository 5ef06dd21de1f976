from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo.data import Transitions
from skampo.rollouts import Rollouts
from tests.faulty_envs import CountingEnv
from tests.rollouts.policies import UniformPolicy


def make(values, masks=None, ends=None):
    values = np.asarray(values, dtype=float)
    n = len(values)
    no = np.zeros(n, dtype=bool)
    return Transitions(
        observations=values[:, None],
        actions=np.zeros(n, dtype=np.intp),
        rewards=values,
        next_observations=values[:, None] + 1,
        terminated=no,
        truncated=no,
        ends=np.arange(n) == n - 1 if ends is None else np.array(ends),
        action_masks=masks,
        next_action_masks=masks,
    )


def test_starts_follow_ends():
    transitions = make([0, 1, 2, 3], ends=[False, True, True, True])
    assert_array_equal(transitions.is_start, [True, False, True, True])
    assert len(transitions) == 4


def test_tail_is_newest_and_starts_a_trajectory():
    transitions = make(range(5))
    assert_array_equal(transitions.tail(2).rewards, [3, 4])
    assert_array_equal(transitions.tail(2).is_start, [True, False])
    assert transitions.tail(5) is transitions
    assert transitions.tail(9) is transitions
    assert len(transitions.tail(0)) == 0


def test_only_whole_batches_keep_their_numbers():
    counted = replace(make(range(4)), first_row=7)
    assert counted.row_numbers == range(7, 11)
    assert replace(counted, rewards=np.ones(4)).row_numbers == range(7, 11)
    assert counted.take([0, 2]).row_numbers is None
    assert Transitions.concatenate([counted, counted]).row_numbers is None
    assert make(range(4)).row_numbers is None


def test_concatenate_keeps_order_and_trajectories():
    whole = Transitions.concatenate([make([0, 1]), make([2])])
    assert_array_equal(whole.rewards, [0, 1, 2])
    assert_array_equal(whole.is_start, [True, False, True])
    assert whole.action_masks is None


def test_concatenate_allows_everything_where_masks_are_missing():
    masks = np.array([[True, False]])
    whole = Transitions.concatenate([make([0]), make([1], masks)])
    assert_array_equal(whole.action_masks, [[True, True], [True, False]])
    assert_array_equal(whole.next_action_masks, [[True, True], [True, False]])


@pytest.mark.parametrize("known", [0, 1])
def test_concatenate_probabilities_that_only_some_parts_have(known):
    parts = [make([0]), make([1])]
    parts[known] = replace(parts[known], behavior_proba=np.ones(1))
    with pytest.raises(ValueError, match=f"Part {1 - known} has no behavior_proba"):
        Transitions.concatenate(parts)


def test_concatenate_nothing():
    with pytest.raises(ValueError, match="Found 0 parts"):
        Transitions.concatenate([])


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="same length"):
        make([0, 1], masks=np.ones((3, 2), dtype=bool))


ENDLESS = partial(CountingEnv, None)


def gathered(n_times, size, capacity, make=ENDLESS):
    """What one environment that counts its steps has left, time after time."""
    limits = {"steps_per_iter": size, "max_episode_steps": 10**6}
    with Rollouts(make, n_envs=1, capacity=capacity, **limits) as rollouts:
        for _ in range(n_times):
            yield rollouts.gather(UniformPolicy())


@pytest.mark.parametrize("capacity", [1, 3, 10, 1000])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_newest_are_kept(capacity, size):
    earlier = []
    for t, kept in enumerate(gathered(30, size, capacity), start=1):
        seen = np.arange(t * size)
        assert_array_equal(kept.observations[:, 0], seen[-capacity:])
        assert len(kept.observations.base) <= 2 * capacity
        earlier.append((kept, kept.observations.copy()))
    for kept, observations in earlier:
        assert_array_equal(kept.observations, observations)


def test_kept_rows_are_moved_rarely():
    arrays = [kept.rewards.base for kept in gathered(512, 2, 10**6)]
    moves = 1 + sum(first is not second for first, second in pairwise(arrays))
    assert moves <= 11


def test_kept_rows_cannot_be_changed():
    (kept,) = gathered(1, 2, 5)
    with pytest.raises(ValueError, match="read-only"):
        kept.rewards[0] = 7


class LateMaskEnv(CountingEnv):
    """Forbids something after its first step, and nothing before and afterwards."""

    def step(self, action):
        *result, info = super().step(action)
        return *result, {"action_mask": [1, 0]} if self.t == 1 else info


def test_masks_may_appear_late():
    *_, kept = gathered(3, 1, 5, partial(LateMaskEnv, None))
    assert_array_equal(kept.action_masks, [[1, 1], [1, 0], [1, 1]])


def test_without_capacity_nothing_is_kept():
    first, second = gathered(2, 3, 0)
    assert_array_equal(first.observations[:, 0], [0, 1, 2])
    assert_array_equal(second.observations[:, 0], [3, 4, 5])
