"""Gridworlds drawn with letters."""

import numpy as np

from skampo.mdp._moves import check_slip, mix_moves
from skampo.mdp._tabular import TabularMDP

_START, _FREE, _WALL, _GOAL, _HOLE = "S.#GH"
# Rows and columns that each action moves by: left, down, right, up.
_DIRECTIONS = np.array([(0, -1), (1, 0), (0, 1), (-1, 0)])


def make_gridworld(
    layout,
    *,
    slip: float = 0.0,
    goal_reward: float = 1.0,
    hole_reward: float = 0.0,
    step_reward: float = 0.0,
) -> TabularMDP:
    """
    Make a gridworld from a drawing.

    States are numbered row by row over all cells, walls included. The actions are those
    of FrozenLake: 0 left, 1 down, 2 right, 3 up. A move against a wall or the border
    stays where it is.

    Parameters
    ----------
    layout : sequence of str
        One string for each row, all of one length, of ``S`` (start), ``.`` (free),
        ``#`` (wall), ``G`` (goal) and ``H`` (hole), or ``F`` (free) as in the maps of
        FrozenLake. Goals and holes are absorbing.
        Episodes begin in all starts alike, or in all free cells if there is no start.
        A single string is a single row.
    slip : float, default=0.0
        Probability of moving at a right angle to the action, half of it to either
        side. FrozenLake has 2/3.
    goal_reward : float, default=1.0
        Reward of entering a goal.
    hole_reward : float, default=0.0
        Reward of entering a hole.
    step_reward : float, default=0.0
        Reward of every move, added to the others.

    Returns
    -------
    TabularMDP
        Dense if that takes no more than 8 MB.

    Raises
    ------
    ValueError
        If the rows differ in length, hold another character, or nothing to start from;
        or if `slip` is not in [0, 1].

    See Also
    --------
    TabularMDP.from_env : Models of gymnasium's gridworlds.
    make_chain : Models in one dimension.

    Examples
    --------
    The way around the wall takes four moves, of which the last one pays:

    >>> from skampo.mdp import make_gridworld
    >>> mdp = make_gridworld(["S#G", "..."])
    >>> mdp.solve(0.9).values.reshape(2, 3).round(3)
    array([[0.729, 0.   , 0.   ],
           [0.81 , 0.9  , 1.   ]])
    """
    cells = _read(layout)
    check_slip(slip)
    letters = cells.ravel()
    closed = np.isin(letters, [_WALL, _GOAL, _HOLE])
    moved = _move(cells, closed)
    # Neighbors in the circle of directions are at right angles to each other.
    moves = [
        (1 - slip, moved),
        (slip / 2, np.roll(moved, 1, axis=1)),
        (slip / 2, np.roll(moved, -1, axis=1)),
    ]
    entering = goal_reward * (letters == _GOAL) + hole_reward * (letters == _HOLE)
    reward = step_reward + sum(share * entering[after] for share, after in moves)
    # What pays is not absorbing, and `step_reward` has been added everywhere.
    reward[closed] = 0.0
    return TabularMDP(mix_moves(moves), reward, _starts(letters))


def _move(cells, closed):
    """Next states of shape (n_states, n_actions); closed cells are never left."""
    size = np.array(cells.shape)
    places = np.stack(np.unravel_index(np.arange(cells.size), cells.shape), axis=1)
    targets = np.clip(places[:, None] + _DIRECTIONS, 0, size - 1)
    after = np.ravel_multi_index(tuple(np.moveaxis(targets, 2, 0)), cells.shape)
    here = np.arange(cells.size)[:, None]
    stays = closed[:, None] | (cells.ravel()[after] == _WALL)
    return np.where(stays, here, after)


def _starts(letters):
    """Uniform distribution over the starts, or over the free cells without any."""
    starts = letters == _START
    if not starts.any():
        starts = letters == _FREE
    if not starts.any():
        raise ValueError(
            "layout has no cell to start from: mark one with S or a dot. Got "
            f"{''.join(letters)!r}."
        )
    return starts / starts.sum()


def _read(layout):
    """The letters as an array of shape (n_rows, n_columns)."""
    rows = [layout] if isinstance(layout, str) else list(layout)
    # FrozenLake's letter; its maps are lists of strings.
    rows = [row.replace("F", _FREE) for row in rows]
    if not rows or not rows[0] or len({len(row) for row in rows}) > 1:
        raise ValueError(
            "layout must have rows of one length, at least one cell each. Got lengths "
            f"{[len(row) for row in rows]}."
        )
    unknown = set("".join(rows)) - {_START, _FREE, _WALL, _GOAL, _HOLE}
    if unknown:
        raise ValueError(
            "layout may hold the letters S (start), . (free), # (wall), G (goal) and H "
            f"(hole). Got {sorted(unknown)} as well."
        )
    return np.array([list(row) for row in rows])
