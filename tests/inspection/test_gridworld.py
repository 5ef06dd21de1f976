"""Arrows, values and marks of gridworlds."""

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skampo import AMPOPolicy
from skampo.inspection import GridworldDisplay
from skampo.mdp import TabularMDP, make_gridworld

LAYOUT = ["S.#", "H.G"]
UNIFORM = np.full((6, 4), 0.25)


def corridor():
    """Cells 0, 1 and 2; moving right from 1 or staying in 2 pays 1."""
    transition = np.zeros((3, 4, 3))
    for state in range(3):
        goes = [max(state - 1, 0), state, min(state + 1, 2), state]
        transition[state, range(4), goes] = 1
    transition[2] = [0, 0, 1]
    reward = np.zeros((3, 4))
    reward[1, 2] = 1
    return TabularMDP(transition, reward)


@pytest.fixture(scope="module")
def fitted():
    return AMPOPolicy(step_size="greedy", gamma=0.5, max_iter=3).fit(corridor())


def test_every_direction_has_its_vector():
    proba = np.array([[0.1, 0.2, 0.3, 0.4]])
    arrows = GridworldDisplay(proba, [0.0], ["."]).arrows
    expected = [[-0.1, 0], [0, 0.2], [0.3, 0], [0, -0.4]]
    assert_allclose(arrows[:, 2:], expected)


def test_directions_in_another_order():
    cliff_walking = ("up", "right", "down", "left")
    proba = np.array([[0.1, 0.2, 0.3, 0.4]])
    arrows = GridworldDisplay(proba, [0.0], ["."], directions=cliff_walking).arrows
    assert_allclose(arrows[:, 2:], [[0, -0.1], [0.2, 0], [0, 0.3], [-0.4, 0]])


def test_states_are_numbered_row_by_row():
    proba = np.zeros((6, 4))
    proba[:, 2] = 1
    arrows = GridworldDisplay(proba, np.zeros(6), (2, 3)).arrows
    places = [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]
    assert_array_equal(arrows[:, :2], places)


def test_walls_goals_and_holes_have_neither_arrows_nor_values():
    display = GridworldDisplay(UNIFORM, np.arange(6.0), LAYOUT)
    assert_array_equal(display.value_grid, [[0, 1, np.nan], [np.nan, 4, np.nan]])
    assert {tuple(place) for place in display.arrows[:, :2]} == {(0, 0), (1, 0), (1, 1)}


def test_improbable_directions_have_no_arrow():
    display = GridworldDisplay([[0.0, 0.0, 1.0, 0.0]], [0.0], (1, 1))
    assert_array_equal(display.arrows, [[0, 0, 1, 0]])


def test_the_state_where_episodes_end_is_no_cell():
    proba, values = np.full((7, 4), 0.25), np.arange(7.0)
    assert GridworldDisplay(proba, values, LAYOUT).value_grid[1, 1] == 4


def test_artists():
    display = GridworldDisplay(UNIFORM, np.arange(6.0), LAYOUT).plot()
    assert [mark.get_text() for mark in display.marks_] == ["S", "H", "G"]
    assert len(display.quiver_.U) == 3 * 4
    assert_array_equal(display.image_.get_array().mask, np.isnan(display.value_grid))
    assert display.colorbar_.ax.get_ylabel() == "value"
    assert display.ax_.get_ylim() == (1.5, -0.5)
    assert display.figure_ is display.ax_.figure


def test_an_arrow_of_probability_one_stays_in_its_cell():
    display = GridworldDisplay([[0.0, 0.0, 0.0, 1.0]], [0.0], (1, 1)).plot()
    assert 0.3 < -display.quiver_.V[0] < 0.5


def test_staying_has_no_length():
    display = GridworldDisplay([[1.0]], [0.0], (1, 1), directions=["stay"]).plot()
    assert_array_equal(display.arrows, [[0, 0, 0, 0]])


def test_axes_without_a_scale():
    _, ax = plt.subplots()
    display = GridworldDisplay(UNIFORM, np.zeros(6), LAYOUT)
    assert display.plot(ax, colorbar=False, vmin=-1) is display
    assert (display.ax_, display.colorbar_) == (ax, None)
    assert display.image_.norm.vmin == -1
    assert len(plt.get_fignums()) == 1


def test_a_fitted_policy_shows_its_exact_values(fitted):
    display = GridworldDisplay.from_estimator(fitted, corridor(), ["S.G"])
    assert_allclose(display.value_grid, [[0.5, 1.0, np.nan]])
    assert_array_equal(display.arrows, [[0, 0, 1, 0], [1, 0, 1, 0]])


def test_a_layout_draws_the_model_that_it_made():
    layout = ["S.#", "H.G"]
    mdp = make_gridworld(layout)
    policy = AMPOPolicy(step_size="greedy", gamma=0.5, max_iter=4).fit(mdp)
    display = GridworldDisplay.from_estimator(policy, mdp, layout)
    expected = [[0.25, 0.5, np.nan], [np.nan, 1, np.nan]]
    assert_allclose(display.value_grid, expected)
    assert_array_equal(display.arrows, [[0, 0, 1, 0], [1, 0, 0, 1], [1, 1, 1, 0]])


@pytest.mark.parametrize(
    ("env_id", "shape", "directions", "last"),
    [
        ("FrozenLake-v1", (4, 4), ("left", "down", "right", "up"), [2, 3, 1, 0]),
        ("CliffWalking-v1", (4, 12), ("up", "right", "down", "left"), [11, 2, 0, 1]),
    ],
)
def test_models_of_environments(env_id, shape, directions, last):
    """The best action beside the goal leads into it."""
    options = {"is_slippery": False} if env_id.startswith("Frozen") else {}
    mdp = TabularMDP.from_env(gymnasium.make(env_id, **options))
    policy = AMPOPolicy(step_size="greedy", gamma=0.9, max_iter=20).fit(mdp)
    display = GridworldDisplay.from_estimator(policy, mdp, shape, directions=directions)
    assert last in display.arrows.tolist()


def test_the_layout_of_frozen_lake_comes_as_bytes():
    layout = np.array([[b"S", b"F"], [b"H", b"G"]])
    display = GridworldDisplay(UNIFORM[:4], np.arange(4.0), layout)
    assert_array_equal(display.value_grid, [[0, 1], [np.nan, np.nan]])


def test_a_single_string_is_a_row():
    display = GridworldDisplay(UNIFORM[:3], np.arange(3.0), "S.G")
    assert_array_equal(display.value_grid, [[0, 1, np.nan]])


@pytest.mark.parametrize("layout", [(), (6,), (1, 2, 3), (0, 6), (-2, -3)])
def test_shapes_have_rows_and_columns(layout):
    with pytest.raises(ValueError, match=r"the shape \(n_rows, n_columns\)\. Got"):
        GridworldDisplay(UNIFORM, np.zeros(6), layout)


@pytest.mark.parametrize("layout", [(2, 2), ["..", ".."], (3, 3)])
def test_too_many_or_too_few_cells(layout):
    with pytest.raises(ValueError, match="cells; expected as many states"):
        GridworldDisplay(UNIFORM, np.zeros(6), layout)


def test_values_of_another_shape():
    with pytest.raises(ValueError, match=r"values of shape \(4,\)"):
        GridworldDisplay(UNIFORM, np.zeros(4), LAYOUT)


def test_ragged_rows():
    with pytest.raises(ValueError, match="equally long"):
        GridworldDisplay(UNIFORM, np.zeros(6), ["S..", "G."])


@pytest.mark.parametrize("directions", [["left"], ["left", "down", "right", "north"]])
def test_wrong_directions(directions):
    with pytest.raises(ValueError, match="directions must name one of"):
        GridworldDisplay(UNIFORM, np.zeros(6), LAYOUT, directions=directions)
