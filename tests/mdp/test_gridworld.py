"""Gridworlds by hand, and FrozenLake drawn with letters."""

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.toy_text.frozen_lake import MAPS
from numpy.testing import assert_allclose, assert_array_equal

from skampo.exceptions import InvalidParameterError
from skampo.mdp import TabularMDP, make_gridworld

LEFT, DOWN, RIGHT, UP = range(4)


def test_moves_walls_and_borders():
    mdp = make_gridworld(["S#", ".."])
    after = mdp.transition.argmax(axis=2)
    assert_array_equal(after[0], [0, 2, 0, 0])
    assert_array_equal(after[2], [2, 2, 3, 0])
    assert_array_equal(after[3], [2, 3, 3, 3])
    # A wall is a state like any other, but nothing leads in or out.
    assert_array_equal(mdp.absorbing, [False, True, False, False])
    assert_array_equal(mdp.transition[[0, 2, 3], :, 1], 0)


def test_slipping_is_shared_by_both_sides():
    mdp = make_gridworld(["...", ".S.", "..."], slip=0.2)
    assert_allclose(mdp.transition[4, DOWN, [7, 3, 5]], [0.8, 0.1, 0.1])
    assert_allclose(mdp.transition[4, LEFT, [3, 1, 7]], [0.8, 0.1, 0.1])
    # In a corner, half of the slipping goes nowhere.
    assert_allclose(mdp.transition[0, RIGHT, [1, 3, 0]], [0.8, 0.1, 0.1])


def test_rewards_of_entering():
    mdp = make_gridworld(
        ["HSG"], slip=0.5, goal_reward=8.0, hole_reward=-4.0, step_reward=-1.0
    )
    assert_allclose(mdp.reward[1], [-3, 0, 3, 0])
    assert_array_equal(mdp.reward[[0, 2]], 0)
    assert_array_equal(mdp.absorbing, [True, False, True])


def test_where_episodes_begin():
    assert_allclose(
        make_gridworld(["S.S", "G#H"]).initial_distribution[:3], [0.5, 0, 0.5]
    )
    free = make_gridworld(["..", "G#"])
    assert_allclose(free.initial_distribution, [0.5, 0.5, 0, 0])


@pytest.mark.parametrize("size", ["4x4", "8x8"])
@pytest.mark.parametrize("is_slippery", [False, True])
def test_frozen_lake(size, is_slippery):
    env = gymnasium.make("FrozenLake-v1", map_name=size, is_slippery=is_slippery)
    expected = TabularMDP.from_env(env)
    mdp = make_gridworld(MAPS[size], slip=2 / 3 if is_slippery else 0.0)
    assert_allclose(mdp.transition, expected.transition, atol=1e-15)
    assert_allclose(mdp.reward, expected.reward, atol=1e-15)
    assert_array_equal(mdp.initial_distribution, expected.initial_distribution)


@pytest.mark.parametrize(
    ("layout", "words"),
    [
        ([], r"rows of one length.*Got lengths \[\]"),
        (["", ""], r"Got lengths \[0, 0\]"),
        (["S.", "G"], r"Got lengths \[2, 1\]"),
        (["SFxG"], r"letters S \(start\).*Got \['x'\] as well"),
        ("S.\n.G", r"Got \['\\n'\] as well"),
        (["#G"], "no cell to start from"),
    ],
)
def test_invalid_layouts(layout, words):
    with pytest.raises(ValueError, match=words):
        make_gridworld(layout)


def test_an_invalid_slip():
    with pytest.raises(InvalidParameterError, match=r"slip must be .* Got 2 instead"):
        make_gridworld(["S.G"], slip=2)


def test_one_row_may_be_a_string():
    assert_array_equal(
        make_gridworld("S.G").transition, make_gridworld(["S.G"]).transition
    )


def test_a_large_gridworld_by_distance():
    size = 60
    mdp = make_gridworld(["." * size] * (size - 1) + ["." * (size - 1) + "G"])
    distance = np.add.outer(np.arange(size)[::-1], np.arange(size)[::-1]).ravel()
    expected = np.where(distance > 0, 0.95 ** (distance - 1.0), 0.0)
    solution = mdp.solve(0.95, method="value_iteration")
    assert_allclose(solution.values, expected, atol=1e-10)
