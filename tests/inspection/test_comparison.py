"""Intervals of what policies earn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier

from skampo.inspection import ComparisonDisplay
from skampo.model_selection import compare
from tests.scripted import RewardingEnv


def always(action):
    return DummyClassifier(strategy="constant", constant=action).fit([[0]] * 2, [0, 1])


POLICIES = {"zero": always(0), "one": always(1), "again": [always(1), always(0)]}


def drawn(lines):
    return [tuple(line.get_xdata()[[1, 0, 2]]) for line in lines]


def test_what_is_drawn_is_what_was_compared():
    display = ComparisonDisplay.from_policies(
        POLICIES, RewardingEnv, n_episodes=4, random_state=0
    )
    wanted = compare(POLICIES, RewardingEnv, n_episodes=4, random_state=0)
    assert_allclose(drawn(display.means_), list(wanted.interquartile_mean.values()))
    pairs = [("zero", "one"), ("zero", "again"), ("one", "again")]
    probabilities = [wanted.probability_of_improvement[pair] for pair in pairs]
    assert_allclose(drawn(display.improvements_), probabilities)
    labels = [[t.get_text() for t in ax.get_yticklabels()] for ax in display.axes_]
    assert labels[0] == ["zero", "one", "again"]
    assert labels[1] == ["zero\nover one", "zero\nover again", "one\nover again"]


def test_a_single_name_has_no_pairs():
    one = compare(returns={"a": np.ones((2, 3))}, random_state=0)
    display = ComparisonDisplay(one).plot()
    assert len(display.axes_) == 1
    assert display.improvements_ == []


def test_it_draws_where_it_is_told():
    figure, axes = plt.subplots(1, 2)
    returns = {"a": np.ones((2, 3)), "b": np.zeros((2, 3))}
    found = compare(returns=returns, random_state=0)
    display = ComparisonDisplay(found).plot(axes)
    assert display.figure_ is figure
    assert display.axes_ == list(axes)


def test_without_matplotlib_nothing_is_played(without_matplotlib):
    with pytest.raises(ImportError, match="ComparisonDisplay draws with matplotlib"):
        ComparisonDisplay.from_policies(POLICIES, lambda: 1 / 0)
