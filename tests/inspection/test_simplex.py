"""Paths over the simplex."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skampo.inspection import SimplexDisplay
from skampo.mirror_maps import Euclidean, NegativeEntropy, Tsallis

HEIGHT = np.sqrt(3) / 2
MAPS = {"entropy": NegativeEntropy(), "Euclidean": Euclidean(), "q": Tsallis(0.5)}


def test_distributions_lie_where_they_should():
    path = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0]]
    line = SimplexDisplay({"a": path}).plot().lines_["a"]
    assert_allclose(line.get_xdata(), [0, 1, 0.5, 0.5])
    assert_allclose(line.get_ydata(), [0, 0, HEIGHT, 0])


def test_artists():
    paths = {"a": [[1.0, 0.0, 0.0]], "b": [[0.0, 1.0, 0.0]]}
    display = SimplexDisplay(paths, actions=("left", "wait", "right")).plot()
    assert list(display.lines_) == ["a", "b"]
    colors = {line.get_color() for line in display.lines_.values()}
    markers = {line.get_marker() for line in display.lines_.values()}
    assert (len(colors), len(markers)) == (2, 2)
    assert [text.get_text() for text in display.corners_] == ["left", "wait", "right"]
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["a", "b"]
    assert_allclose(display.border_.get_xy()[2], [0.5, HEIGHT])


def test_shared_axes_and_keywords():
    _, ax = plt.subplots()
    display = SimplexDisplay({"a": [[1.0, 0.0, 0.0]]})
    assert display.plot(ax, marker="x") is display
    assert display.lines_["a"].get_marker() == "x"
    assert (display.ax_, display.figure_) == (ax, ax.figure)
    assert len(plt.get_fignums()) == 1


def test_no_paths_are_an_empty_simplex():
    display = SimplexDisplay({}).plot()
    assert (display.lines_, display.ax_.get_legend()) == ({}, None)


def test_entropy_multiplies_by_the_exponential():
    q_values = np.array([1.0, 0.5, 0.0])
    display = SimplexDisplay.from_mirror_maps(MAPS, q_values, eta=0.3, n_steps=4)
    weights = np.exp(0.3 * np.arange(5)[:, None] * q_values)
    expected = weights / weights.sum(axis=1, keepdims=True)
    assert_allclose(display.paths["entropy"], expected)


def test_euclidean_adds_and_projects():
    display = SimplexDisplay.from_mirror_maps(MAPS, [0.6, 0.3, 0.0], n_steps=2)
    expected = [[1 / 3] * 3, [19 / 30, 10 / 30, 1 / 30], [29 / 30 - 1 / 60, 1 / 60, 0]]
    assert_allclose(display.paths["Euclidean"][:2], expected[:2])
    # The second step starts from a policy, and projects (1.2333, 0.6333, 0.0333).
    assert_allclose(display.paths["Euclidean"][2], [0.8, 0.2, 0.0])


def test_all_maps_start_at_the_center():
    display = SimplexDisplay.from_mirror_maps(MAPS, [1.0, 0.0, 0.0], n_steps=0)
    for path in display.paths.values():
        assert_allclose(path, [[1 / 3, 1 / 3, 1 / 3]])


def test_paths_start_where_they_are_told_to():
    start = [0.1, 0.2, 0.7]
    display = SimplexDisplay.from_mirror_maps(
        MAPS, [1.0, 0.0, 0.0], n_steps=1, start=start
    )
    for path in display.paths.values():
        assert_allclose(path[0], start)
    weights = start * np.exp([1.0, 0.0, 0.0])
    assert_allclose(display.paths["entropy"][1], weights / weights.sum())


@pytest.mark.parametrize("start", [[0.5, 0.5, 0.0], [0.5, 0.5], [1.0, 1.0, 1.0]])
def test_impossible_starts(start):
    with pytest.raises(ValueError, match="start"):
        SimplexDisplay.from_mirror_maps(MAPS, [1.0, 0.0, 0.0], start=start)


def test_the_given_paths_stay_as_they_were():
    path = np.array([[1.0, 0.0, 0.0]])
    display = SimplexDisplay({"a": path})
    display.paths["a"][0] = 0.5
    assert_array_equal(path, [[1.0, 0.0, 0.0]])


@pytest.mark.parametrize("path", [[1.0, 0.0, 0.0], [[0.5, 0.5]], np.ones((1, 4)) / 4])
def test_paths_of_another_shape(path):
    with pytest.raises(ValueError, match=r"path of 'a' must have shape \(n_steps, 3\)"):
        SimplexDisplay({"a": path})


@pytest.mark.parametrize("row", [[0.5, 0.6, 0.0], [1.5, -0.5, 0.0], [np.nan, 1, 0]])
def test_rows_that_are_no_distribution(row):
    with pytest.raises(ValueError, match="sum to 1"):
        SimplexDisplay({"a": [row]})


def test_labels_of_the_corners():
    with pytest.raises(ValueError, match="three labels"):
        SimplexDisplay({}, actions=("left", "right"))


def test_values_of_another_shape():
    with pytest.raises(ValueError, match=r"q_values must have shape \(3,\)"):
        SimplexDisplay.from_mirror_maps(MAPS, [1.0, 0.0])
    assert plt.get_fignums() == []
