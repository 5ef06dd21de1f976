"""Estimates and intervals of logs so small that a pencil is enough."""

from functools import partial

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from skampo.data import TransitionLog
from skampo.off_policy import (
    direct_method,
    doubly_robust,
    fitted_q_evaluation,
    importance_sampling,
)
from tests.off_policy.certain import ALWAYS, pays

per_decision_importance_sampling = partial(importance_sampling, per_decision=True)

pytestmark = pytest.mark.filterwarnings(
    "ignore:The effective sample size",
    "ignore:Only about",
    "ignore:The interval of direct_method",
)
SELF = {"self_normalized": True}


def nothing(states):
    return np.zeros((len(states), 2))


def reward(states):
    """The state is the reward here."""
    return np.repeat(states, 2, axis=1)


MEANS = [
    (importance_sampling, {}),
    (importance_sampling, SELF),
    (per_decision_importance_sampling, {}),
    (per_decision_importance_sampling, SELF),
    (doubly_robust, {"action_values": nothing}),
    (doubly_robust, {"action_values": nothing} | SELF),
    (direct_method, {"action_values": reward}),
]


@pytest.mark.parametrize(("estimator", "options"), MEANS)
def test_two_episodes_of_an_interval(estimator, options):
    log = pays([-1.0, 1.0])
    result = estimator(ALWAYS, log, random_state=0, **options)
    # The error is sqrt(1/2). A quarter of the resamples draws an episode twice: its
    # mean is 1 away and its error 0, taken for a third of the whole log's, so that
    # 3 sqrt(2) errors lie between. The allowance is sqrt(1 + 2 / 2).
    assert result.estimate == pytest.approx(0)
    assert result.high == pytest.approx(3 * np.sqrt(2))
    assert result.low == pytest.approx(-3 * np.sqrt(2))


@pytest.mark.parametrize(("estimator", "options"), MEANS)
def test_three_episodes_of_a_lopsided_interval(estimator, options):
    log = pays([0.0, 0.0, 3.0])
    result = estimator(ALWAYS, log, confidence=0.9, random_state=0, **options)
    # The error is sqrt(6) / 3. Without the 3, in 30 % of the resamples, the mean is 1
    # too small and the error a third of that; with two of it, in 22 %, the mean is 1
    # too large and the error the same; three of it are drawn in 4 %. The allowance is
    # sqrt(1 + 2 * 4 / 6).
    assert result.estimate == pytest.approx(1)
    assert result.low == pytest.approx(1 - np.sqrt(7 / 3))
    assert result.high == pytest.approx(1 + 3 * np.sqrt(7 / 3))


@pytest.mark.parametrize(("estimator", "options"), MEANS)
def test_returns_that_never_differ_have_an_interval_of_one_point(estimator, options):
    result = estimator(ALWAYS, pays([2.0] * 5), random_state=0, **options)
    assert [result.low, result.estimate, result.high] == pytest.approx([2, 2, 2])


def ones(states):
    return np.ones((len(states), 2))


# First steps weigh 2 and 2, second steps nothing.
HALF_SEEN = TransitionLog(
    states=[[0.0], [1.0], [0.0], [1.0]],
    actions=[1, 0, 1, 0],
    rewards=[1.0, 2.0, 3.0, 4.0],
    next_states=[[1.0], [2.0], [1.0], [2.0]],
    terminated=[0, 1, 0, 1],
    episodes=[0, 0, 1, 1],
    propensities=[0.5] * 4,
)


@pytest.mark.filterwarnings("ignore:The importance weights")
@pytest.mark.parametrize(
    ("estimator", "options", "expected"),
    [
        (per_decision_importance_sampling, {}, (2 * 1 + 2 * 3) / 2),
        (per_decision_importance_sampling, SELF, (2 * 1 + 2 * 3) / 4),
        # Q = V = 1: errors of 0 and 2 weigh 2 in the first step, and V counts twice.
        (doubly_robust, SELF | {"action_values": ones}, 4 / 4 + 1 + 0.5 * 1),
        (importance_sampling, SELF, 0.0),
    ],
)
def test_a_step_without_any_weight_adds_nothing(estimator, options, expected):
    result = estimator(ALWAYS, HALF_SEEN, gamma=0.5, n_bootstraps=0, **options)
    assert result.estimate == pytest.approx(expected)


@pytest.mark.filterwarnings("ignore:The importance weights")
def test_first_steps_have_an_interval_if_no_weight_reaches_the_end():
    result = per_decision_importance_sampling(ALWAYS, HALF_SEEN, random_state=0)
    # Values of 2 and 6: twice as far apart as above.
    assert result.low == pytest.approx(4 - 6 * np.sqrt(2))
    assert result.high == pytest.approx(4 + 6 * np.sqrt(2))


def test_an_action_that_is_unknown_and_never_chosen_changes_nothing():
    never_2 = DummyClassifier(strategy="constant", constant=1)
    never_2.fit([[0]] * 3, [0, 1, 2])
    log = pays([1.0, 2.0])
    result = importance_sampling(never_2, log, n_bootstraps=0)
    assert result.estimate == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("propensities", "size"), [(None, 3.0), ([0.5, 0.25, 0.5], 64 / 24)]
)
@pytest.mark.filterwarnings("ignore:The importance weights")
@pytest.mark.parametrize("estimator", [direct_method, fitted_q_evaluation])
def test_effective_rows(estimator, propensities, size):
    log = TransitionLog(
        np.zeros((4, 1)),
        [1, 1, 1, 0],
        np.zeros(4),
        propensities=propensities and [*propensities, 0.5],
    )
    options = {"action_values": nothing}
    if estimator is fitted_q_evaluation:
        options = {"regressor": DummyRegressor()}
    result = estimator(ALWAYS, log, n_bootstraps=0, **options)
    # Weights of 2, 4, 2 and 0.
    assert result.effective_sample_size == pytest.approx(size)
