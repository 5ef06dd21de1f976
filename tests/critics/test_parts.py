"""Parts of critics that no public name shows: what a log is worth, fixed points."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge

from skampo.critics import CriticSetting, Pessimistic, _sharpening
from skampo.critics._halves import saved_surprise
from skampo.critics._lstdq import FixedPoint, _enough
from skampo.critics._pessimistic import LoggedPolicy
from skampo.critics._repeats import disagreement
from skampo.critics._targets import StoredSteps, SweepTargets
from skampo.critics._worth import (
    better_half,
    chooses_otherwise,
    has_nothing_to_lose,
    in_better_half,
    measure_from,
    value_range,
    worst_value,
)
from skampo.data import TransitionLog, Transitions
from skampo.encodings import Encoding
from tests.critics.logs import FREQUENCIES, evaluate, mixture
from tests.iterates import uniform


def test_values_are_measured_from_the_worst():
    log = TransitionLog(
        [[0.0], [1.0], [1.0]],
        [0, 1, 0],
        [-2.0, -2.0, 4.0],
        [[1.0], [0.0], [0.0]],
        terminated=[False, False, True],
    )
    transitions = log.transitions()
    worst = worst_value(transitions, 0.5)
    measured = measure_from(worst, transitions, 0.5)
    # The worst is -2 for ever: -4. What terminates pays 4 instead of -4.
    assert worst == -4.0
    assert_array_equal(measured.rewards, [0.0, 0.0, 8.0])


@pytest.mark.parametrize(
    ("rewards", "ends", "expected"),
    [
        # Nothing is worse than what an end cuts off, if an end was seen.
        ([3.0, 1.0], True, (0.0, 6.0)),
        ([-3.0, -1.0], True, (-6.0, 0.0)),
        # What comes with an end is paid once.
        ([-1.0, 20.0], True, (-2.0, 20.0)),
        ([1.0, -20.0], True, (-20.0, 2.0)),
        ([1.0, 3.0], False, (2.0, 6.0)),
        ([-3.0, -1.0], False, (-6.0, -2.0)),
        # Alike for ever: an end would be bad news, or good news.
        ([1.0, 1.0], False, (0.0, 2.0)),
        ([-1.0, -1.0], False, (-2.0, 0.0)),
    ],
)
def test_the_range_of_values(rewards, ends, expected):
    states = [[0.0], [1.0]]
    log = TransitionLog(states, [0, 1], rewards, states, terminated=[False, ends])
    transitions = log.transitions()
    assert value_range(transitions, 0.5) == expected


def test_the_better_half_by_hand():
    # Worth with gamma = 1/2: 1 / (1 - 0.5 * 2 / 3), 0, 2 and 0.
    log = TransitionLog(
        np.arange(9.0)[:, None],
        [0] * 9,
        [1.0] * 3 + [0.0] * 2 + [1.0] * 2 + [0.0] * 2,
        np.arange(1.0, 10.0)[:, None],
        terminated=np.arange(9) == 2,
        truncated=np.isin(np.arange(9), [4, 6, 8]),
        classes=[0, 1],
    )
    rows = better_half(log.transitions(), 0.5)
    assert_array_equal(rows, [0, 1, 2, 5, 6])


def test_what_is_a_little_worse_is_copied_as_well():
    # Two episodes that end after 9 and after 11 steps: starts differ, not choices.
    ends = np.isin(np.arange(20), [8, 19])
    states = np.arange(20.0)[:, None]
    log = TransitionLog(states, [0, 1] * 10, -np.ones(20), states + 1, terminated=ends)
    rows = better_half(log.transitions(), 0.9)
    assert_array_equal(rows, np.arange(20))


@pytest.mark.parametrize("torn", [False, True])
def test_rows_of_equals_and_torn_ones_are_all_in_the_better_half(torn):
    states = np.arange(8.0)[:, None] * (2 if torn else 1)
    # Equal rewards in four episodes of two rows, or any in rows that do not follow.
    rewards = np.arange(8.0) if torn else np.ones(8)
    log = TransitionLog(states, [0, 1] * 4, rewards, states + 1, truncated=[0, 1] * 4)
    rows = better_half(log.transitions(), 0.9)
    assert_array_equal(rows, np.arange(8))


@pytest.mark.parametrize(("n_ends", "nothing"), [(0, True), (1, True), (20, False)])
def test_what_is_worth_nothing_has_nothing_to_lose(n_ends, nothing):
    terminated = np.arange(200) < n_ends
    states = np.arange(200.0)[:, None] / 200
    log = TransitionLog(
        states, [0, 1] * 100, -np.ones(200), states + 0.1, terminated=terminated
    )
    transitions = log.transitions()
    # 20 of 200 end: -1 / (1 - 0.9 * 0.9) is far above -1 / (1 - 0.9).
    assert has_nothing_to_lose(transitions, 0.9) == nothing
    policy = uniform(2)
    setting = CriticSetting(
        2, 0.9, Ridge(), Encoding.by_name["auto"](), np.random.default_rng(0)
    )
    critic = Pessimistic(strength=2.0, classifier=FREQUENCIES)
    sample = critic.evaluate(policy, transitions, setting)
    values = critic.q_(sample.observations)
    unit = np.sqrt(np.mean((values - values.mean(axis=1, keepdims=True)) ** 2))
    assert_allclose(1 / sample.largest_step, (0.2 if nothing else 2.0) * unit)
    # Even choices are worth what the mean of the log is: -1 / (1 - 0.9 * 0.9).
    assert_allclose(critic._origin, 0.0 if nothing else -1 / 0.19)


def test_a_prize_at_the_end_is_something_to_lose():
    # -1 a step, and 20 at the end of thirty: far better than -1 for ever, and 20 for
    # ever is no value that can be had.
    ends = np.arange(300) % 30 == 29
    states = np.arange(300.0)[:, None]
    rewards = np.where(ends, 20.0, -1.0)
    log = TransitionLog(states, [0, 1] * 150, rewards, states + 1, terminated=ends)
    assert not has_nothing_to_lose(log.transitions(), 0.995)


def test_pickles_hold_no_log():
    critic = Pessimistic(classifier=FREQUENCIES)
    before = evaluate(critic).q_values
    again = pickle.loads(pickle.dumps(critic))
    kept = vars(again).values()
    assert not any(isinstance(value, np.ndarray | LoggedPolicy) for value in kept)
    assert_array_equal(evaluate(again).q_values, before)


@pytest.mark.parametrize(("worse", "otherwise"), [(0.0, True), (0.9, False)])
def test_halves_that_choose_otherwise_are_told_apart(worse, otherwise):
    transitions = mixture(40, better=(worse, 0.9)).transitions()
    # The rest is worse by a thousandth of the range of values.
    assert len(better_half(transitions, 0.9)) == 800
    is_better = in_better_half(transitions, 0.9)
    assert np.mean(is_better) == 420 / 800
    assert chooses_otherwise(transitions, is_better) == otherwise


def test_categories_are_not_asked():
    states = np.array([["a"], ["b"]] * 200, dtype=object)
    assert saved_surprise(np.arange(400) < 200, states, np.arange(400) % 2) == 0


def test_states_that_differ_are_no_choices():
    # The halves are in other places, where one and the same policy does other things.
    states = np.random.default_rng(0).normal(size=(3000, 1))
    actions = (states[:, 0] > 0.5).astype(int)
    assert saved_surprise(states[:, 0] > 0, states, actions) < 0.01
    # In the same places they do the opposite.
    group = np.arange(3000) % 2
    assert saved_surprise(group, states, actions ^ group) > 0.5


def textbook(features, actions, rows, proba, gamma, alpha):
    """The fixed point in double precision: one block of features for each action."""
    n_actions = proba.shape[1]
    phi, after = features[:-1], features[1:]
    taken = np.einsum("na,nd->nad", np.eye(n_actions)[actions], phi)
    following = np.einsum("na,nd->nad", proba[1:], after)
    following *= (gamma * ~rows.terminated)[:, None, None]
    taken, following = taken.reshape(len(phi), -1), following.reshape(len(phi), -1)
    system = taken.T @ (taken - following) + alpha * np.eye(taken.shape[1])
    weights = np.linalg.solve(system, taken.T @ rows.rewards)
    return features @ weights.reshape(n_actions, -1).T


@pytest.mark.parametrize(("n", "dtype"), [(600, np.float64), (30_000, np.float32)])
def test_single_precision_of_many_rows_hides_behind_the_penalty(n, dtype):
    rng = np.random.default_rng(0)
    features, actions = rng.normal(size=(n, 3)), rng.integers(3, size=n - 1)
    over, no = rng.random(n - 1) < 0.1, np.zeros(n - 1, dtype=bool)
    rows = Transitions(
        features[:-1], actions, rng.normal(size=n - 1), features[1:], over, no, no
    )
    proba = rng.dirichlet(np.ones(3), size=n)
    targets = SweepTargets.of(proba, StoredSteps.of(rows), rows, 0.9, 0)
    solver = FixedPoint(features, 3, 1.0)
    solver.solve(targets)
    assert solver.blocks[0].dtype == dtype
    expected = textbook(features, actions, rows, proba, 0.9, 1.0)
    found = targets.unit * solver.scores(features)
    assert_allclose(found, expected, atol=1e-3)


def test_double_precision_where_the_penalty_hides_nothing():
    assert _enough(np.eye(2), 10**6, 1e-9) is np.float64
    assert _enough(1e6 * np.eye(2), 10**6, 0.1) is np.float64
    assert _enough(np.eye(2), 10**6, 0.1) is np.float32


@pytest.mark.parametrize("share", [0.5, 0.3, 0.9])
def test_disagreement_of_weighted_means(share):
    n = 1000
    odd = np.arange(n) < share * n
    first, second = 1.0 + odd, 2.0 - odd
    difference = first / first.sum() - second / second.sum()
    # The error of a mean of n numbers is n ** -0.5 of theirs.
    expected = np.sqrt((difference**2).sum() * n)
    assert disagreement(share) == pytest.approx(expected)


@pytest.mark.parametrize("n_rows", [10_000, 10_001, 35_000])
def test_long_logs_are_looked_at_in_parts(n_rows):
    pieces = _sharpening.pieces_of(np.arange(n_rows) % 50 == 0)
    first, second = _sharpening.halves_of(pieces)
    assert not np.intersect1d(first, second).size
    assert 4_900 < len(first) + len(second) <= 10_000
    assert max(first.max(), second.max()) > 0.9 * n_rows


def gain_of(rewards):
    """The gain of a log of one state, half of whose rows are of each action."""
    n_rows = len(rewards) // 2
    table = _sharpening.LogTable(
        features=np.ones((2 * n_rows, 1)),
        actions=np.arange(n_rows) % 2,
        rewards=rewards[:n_rows],
        discounts=np.zeros(n_rows),
        piece=np.arange(n_rows) // 2,
        n_actions=2,
    )
    parts = [table, replace(table, rewards=rewards[n_rows:])]
    prior = np.zeros((2 * n_rows, 2))
    return _sharpening.cross_fitted(parts, 2 * [2 * [prior]], 1.0)


def test_where_all_actions_are_worth_the_same_a_sharper_copy_gains_nothing():
    assert gain_of(np.zeros(40)) == (0.0, 0.0)


def test_where_one_action_pays_a_sharper_copy_gains():
    # Values 1 and 0 are half a unit from their mean, so that scores differ by 2: the
    # ridge of .1 takes the same share of both, and the root has half of that.
    gain, low = gain_of(1.0 - np.arange(40) % 2)
    share = 10 / 10.1
    proba = 1 / (1 + np.exp([-2.0, -1.0]))
    assert gain == pytest.approx(share * (proba[0] - proba[1]))
    assert 0 < low < gain


def test_the_sensitivity_of_a_fixed_point_is_what_rewards_change():
    rng = np.random.default_rng(0)
    n_rows, n_actions = 40, 3
    features = rng.normal(size=(2 * n_rows, 2))
    toward = rng.normal(size=(n_actions, 2))

    class Targets:
        actions = rng.integers(2, size=n_rows)  # The third is never taken.
        at, after = np.arange(n_rows), n_rows + np.arange(n_rows)
        discounts = np.full(n_rows, 0.5)
        proba = rng.dirichlet(np.ones(n_actions), size=2 * n_rows)
        rewards = rng.normal(size=n_rows)

    def total(rewards):
        point, targets = FixedPoint(features, n_actions, 0.1), Targets()
        targets.rewards = rewards
        point.solve(targets)
        return (toward.T * point.scores(np.eye(2))).sum(), point

    value, point = total(Targets.rewards)
    taken = np.arange(n_rows), Targets.actions
    expected = (features[:n_rows] @ point.sensitivity(toward))[taken]
    found = [total(Targets.rewards + step)[0] - value for step in np.eye(n_rows)]
    assert_allclose(found, expected, atol=1e-9)
