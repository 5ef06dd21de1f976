"""Both parts of the error of an iteration, side by side."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo import AMPOPolicy
from skampo.inspection import ErrorDisplay


@pytest.fixture(scope="module")
def policy(mdp):
    sampled = AMPOPolicy(gamma=0.9, max_iter=3, critic_error=True, random_state=0)
    return sampled.fit(mdp.to_env(max_episode_steps=100))


def test_the_lines_are_the_history_and_its_sum(policy):
    display = ErrorDisplay.from_estimator(policy)
    lines = {
        "approximation_error": display.approximation_,
        "critic_error": display.critic_,
    }
    parts = []
    for name, line in lines.items():
        parts.append([record[name] for record in policy.history_])
        assert_array_equal(line.get_ydata(), parts[-1])
        assert_array_equal(line.get_xdata(), [1, 2, 3])
    assert_array_equal(display.sum_.get_ydata(), np.sum(parts, axis=0))
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["line 1", "critic", "sum"]
    assert display.ax_.get_yscale() == "log"


def test_errors_of_the_critic_that_nobody_knows(policy, mdp):
    unknown = AMPOPolicy(gamma=0.9, max_iter=2, random_state=0)
    display = ErrorDisplay.from_estimator(unknown.fit(mdp.to_env(max_episode_steps=50)))
    assert display.critic is display.critic_ is display.sum_ is None


def test_exact_values_are_left_out_of_a_logarithmic_axis(geometric):
    display = ErrorDisplay.from_estimator(geometric)
    assert_array_equal(display.critic, 0)
    assert np.isnan(display.critic_.get_ydata()).all()


def test_axes_and_keywords(policy):
    first = ErrorDisplay.from_estimator(policy)
    again = ErrorDisplay.from_estimator(policy, ax=first.ax_, linewidth=3)
    assert again.figure_ is first.figure_
    assert again.sum_.get_linewidth() == 3


def test_other_shapes_are_refused():
    for errors in (([1.0, 2.0], [1.0]), ([[1.0]], [[1.0]])):
        with pytest.raises(ValueError, match=r"one shape \(n_iter,\). Got"):
            ErrorDisplay(*errors)
