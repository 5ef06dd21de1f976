from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo.data import Transitions
from skampo.data._store import TransitionStore


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


@pytest.mark.parametrize("capacity", [1, 3, 10, 1000])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_store_keeps_the_newest(capacity, size):
    store = TransitionStore(capacity)
    seen, earlier = [], []
    for start in range(0, 30 * size, size):
        values = range(start, start + size)
        seen += values
        kept = store.append(make(values))
        assert_array_equal(kept.rewards, seen[-capacity:])
        assert len(store.buffer) <= 2 * capacity
        earlier.append((kept, kept.rewards.copy()))
    for kept, rewards in earlier:
        assert_array_equal(kept.rewards, rewards)


def test_store_moves_rows_rarely(monkeypatch):
    store, moves = TransitionStore(10**6), []
    grow = store._grow
    monkeypatch.setattr(store, "_grow", lambda rows: (moves.append(1), grow(rows)))
    for t in range(512):
        store.append(make([t, t]))
    assert len(moves) <= 11


def test_store_hands_out_rows_that_cannot_be_changed():
    kept = TransitionStore(5).append(make([1, 2]))
    with pytest.raises(ValueError, match="read-only"):
        kept.rewards[0] = 7


def test_store_takes_masks_that_appear_late():
    store = TransitionStore(5)
    store.append(make([1]))
    kept = store.append(make([2], np.array([[True, False]])))
    kept = store.append(make([3]))
    assert_array_equal(kept.action_masks, [[1, 1], [1, 0], [1, 1]])


def test_store_without_capacity_keeps_nothing():
    store, rows = TransitionStore(0), make([1])
    assert store.append(rows) is rows
    assert store.kept() is None
