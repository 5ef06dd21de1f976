"""From where on a log is complained of, with logs counted by hand."""

import dataclasses

import numpy as np
import pandas as pd
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

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def nothing(states):
    return np.zeros((len(states), 2))


def complaint(log, policy=ALWAYS):
    return importance_sampling(policy, log, n_bootstraps=0).warning


def prior(percent, of):
    """A policy that gives this much of its probability to an action, everywhere."""
    actions = np.repeat([of, 1 - of], [percent, 100 - percent])
    return DummyClassifier(strategy="prior").fit(np.zeros((100, 1)), actions)


@pytest.mark.parametrize(
    ("n", "n_twos", "expected"),
    [
        # Twos less zeros, over the square root of n, are the standard errors.
        (100, 72, ""),
        (100, 73, "100 rows have a mean of 1.46, 4.6 standard errors from 1"),
        (100, 27, "100 rows have a mean of 0.54, 4.6 standard errors from 1"),
        (20_000, 10_400, ""),
        (20_000, 10_600, "mean of 1.06, 8.5 standard errors from 1"),
        (20_000, 9_600, ""),
    ],
)
def test_weights_of_two_and_zero(n, n_twos, expected):
    actions = np.repeat([1, 0], [n_twos, n - n_twos])
    rewards = np.random.default_rng(0).normal(size=n)
    log = TransitionLog(np.zeros((n, 1)), actions, rewards, propensities=[0.5] * n)
    found = complaint(log)
    assert expected in found
    assert ("importance weights" in found) == bool(expected)


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [
        # More than 5 % are copies, and at least 20 others are like no other.
        ([*range(37), 0, 1], "2 of 39 episodes are copies"),
        ([*range(38), 0, 1], ""),
        ([*range(20), 0, 1], "2 of 22 episodes are copies"),
        ([*range(19), 0, 1], ""),
        # At least ten kinds, each of them twice.
        ([*range(10)] * 2, "10 of 20 episodes are copies"),
        ([*range(9)] * 2, ""),
    ],
)
def test_copies(rewards, expected):
    log = pays([float(reward) for reward in rewards])
    found = complaint(log)
    assert expected in found
    assert ("copies" in found) == bool(expected)


def two_places(n):
    """Far from each other in a small feature; in one of them nobody takes action 1."""
    place = np.arange(n) // (n // 2)
    wide = 1000.0 * (np.arange(n) * 37 % (n // 2))
    states = np.column_stack([0.001 * place, wide, np.zeros(n)])
    actions = place * (np.arange(n) % 2)
    return TransitionLog(states, actions, np.random.default_rng(0).normal(size=n))


@pytest.mark.parametrize(
    ("n", "percent", "expected"),
    [
        (400, 12, "gives 6% of its probability to actions that none of the 50"),
        (200, 20, "gives 10% of its probability to actions that none of the 50"),
        (400, 8, ""),
        (198, 20, ""),
    ],
)
def test_actions_that_neighbors_never_show(n, percent, expected):
    policy = prior(percent, of=1)
    found = direct_method(policy, two_places(n), nothing, n_bootstraps=0).warning
    assert expected in found
    assert ("nearest to a state" in found) == bool(expected)


def test_weights_say_more_of_that_than_neighbors():
    log = dataclasses.replace(two_places(400), propensities=[0.5] * 400)
    uniform = DummyClassifier(strategy="uniform").fit([[0], [0]], [0, 1])
    found = direct_method(uniform, log, nothing, n_bootstraps=0).warning
    assert "nearest to a state" not in found


@pytest.mark.parametrize(("percent", "expected"), [(4, ""), (6, "6% of its prob")])
def test_actions_that_nobody_tried(percent, expected):
    log = pays(np.arange(100.0))
    found = complaint(log, prior(percent, of=0))
    assert expected in found
    assert ("log never shows" in found) == bool(expected)


def test_fifty_rows_are_enough():
    few, enough = pays(np.arange(49.0)), pays(np.arange(50.0))
    assert "effective sample size is 49.0 of 49" in complaint(few)
    assert complaint(enough) == ""
    by_values = direct_method(ALWAYS, few, nothing, n_bootstraps=0)
    assert "about 49.0 of 49 rows show" in by_values.warning
    assert direct_method(ALWAYS, enough, nothing, n_bootstraps=0).warning == ""


def test_two_episodes_are_more_than_one():
    options = {"regressor": DummyRegressor(), "n_bootstraps": 2}
    one, two = (
        fitted_q_evaluation(ALWAYS, pays(rewards), **options).warning
        for rewards in ([1.0], [1.0, 2.0])
    )
    assert "a single episode" in one
    assert "a single episode" not in two


def test_numbers_do_not_follow_from_texts():
    log = TransitionLog(
        pd.DataFrame({"kind": ["a", "2", "b"]}),
        [0, 1, 0],
        [1.0, 2.0, 3.0],
        pd.DataFrame({"kind": [2, 3, 0]}),
        terminated=[0, 0, 1],
        episodes=[0, 0, 0],
        propensities=[1.0] * 3,
    )
    result = doubly_robust(ALWAYS, log, action_values=nothing, n_bootstraps=0)
    assert "In 1 of 2 rows, first in row 1" in result.warning
