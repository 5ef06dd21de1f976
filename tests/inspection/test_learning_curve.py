"""Returns, validation returns with their band, and the iterate that was kept."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.inspection import LearningCurveDisplay
from tests.scripted import RewardingEnv

SMALL = {"max_iter": 3, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
CURVE = {"validation_returns": [1.0, 5.0, 2.0], "validation_stds": [0.5, 1.0, 0.0]}


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_validation_is_drawn_where_it_was_played():
    columns = {"validation_returns": [1.0, np.nan, 2.0], "validation_stds": [0.5, 0, 1]}
    display = LearningCurveDisplay([1, 2, 3], [0.0] * 3, best_iteration=3, **columns)
    display.plot()
    assert_array_equal(display.validation_line_.get_xdata(), [1, 3])
    assert_array_equal(display.validation_line_.get_ydata(), [1.0, 2.0])
    heights = display.band_.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (0.5, 3.0)
    assert_array_equal(display.best_.get_xydata(), [[3.0, 2.0]])


def test_everything_comes_from_the_history():
    policy = AMPOPolicy(Ridge(), early_stopping=True, **SMALL).fit(RewardingEnv)
    display = LearningCurveDisplay.from_estimator(policy)
    keys = ["return_mean", "validation_return", "validation_std"]
    columns = [[record[key] for record in policy.history_] for key in keys]
    assert_array_equal(display.n_steps, [40, 80, 120])
    assert_array_equal(display.returns, columns[0])
    assert_array_equal(display.validation_returns, columns[1])
    assert_array_equal(display.validation_stds, columns[2])
    assert display.best_iteration == policy.best_iteration_


def test_the_band_is_one_standard_deviation_wide():
    display = LearningCurveDisplay([10, 20, 30], [0.0] * 3, **CURVE).plot()
    corners = display.band_.get_paths()[0].vertices
    for x, low, high in [(10, 0.5, 1.5), (20, 4.0, 6.0), (30, 2.0, 2.0)]:
        found = corners[corners[:, 0] == x, 1]
        assert_allclose([found.min(), found.max()], [low, high])
    assert_array_equal(display.validation_line_.get_ydata(), [1.0, 5.0, 2.0])


def test_the_best_iterate_is_marked():
    display = LearningCurveDisplay([10, 20, 30], [0.0] * 3, best_iteration=2, **CURVE)
    display.plot()
    assert_array_equal(np.ravel(display.best_.get_data()), [20, 5.0])


def test_lone_points_are_seen_and_iterations_without_an_end_are_marked():
    returns = [np.nan, 7.0, np.nan, np.nan]
    display = LearningCurveDisplay([10, 20, 30, 40], returns).plot()
    assert display.line_.get_marker() == "."
    assert_array_equal(display.unfinished_.get_xdata(), [10, 30, 40])
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["while exploring", "no episode ended"]
    display.figure_.canvas.draw()
    # The ticks stay at the bottom and do not stretch the axis of the returns.
    low, high = display.ax_.get_ylim()
    assert low > 6
    assert high < 8


def test_where_all_iterations_have_a_return_nothing_is_marked():
    assert LearningCurveDisplay([10, 20], [0.0, 1.0]).plot().unfinished_ is None


def test_without_validation_there_is_one_line():
    policy = AMPOPolicy(Ridge(), **SMALL).fit(RewardingEnv)
    display = LearningCurveDisplay.from_estimator(policy, name="ridge")
    assert display.validation_line_ is display.band_ is display.best_ is None
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["ridge, while exploring"]


def test_keywords_reach_the_artists_and_axes_can_be_shared():
    first = LearningCurveDisplay([10, 20, 30], [0.0] * 3, **CURVE)
    first.plot(color="red", band_kw={"alpha": 0.5})
    second = LearningCurveDisplay([5], [1.0]).plot(first.ax_)
    assert first.line_.get_color() == first.validation_line_.get_color() == "red"
    assert first.band_.get_alpha() == 0.5
    assert second.ax_ is first.ax_


def test_policies_that_took_no_steps_are_refused(mdp):
    with pytest.raises(ValueError, match="ConvergenceDisplay"):
        LearningCurveDisplay.from_estimator(AMPOPolicy(max_iter=1).fit(mdp))
    with pytest.raises(NotFittedError):
        LearningCurveDisplay.from_estimator(AMPOPolicy())


def test_columns_have_one_entry_for_each_iteration():
    with pytest.raises(ValueError, match=r"returns .* Got \(2,\) and \(3,\)"):
        LearningCurveDisplay([1, 2, 3], [0.0, 1.0])
    with pytest.raises(ValueError, match="from 1 to 3"):
        LearningCurveDisplay([1, 2, 3], [0.0] * 3, best_iteration=4)
