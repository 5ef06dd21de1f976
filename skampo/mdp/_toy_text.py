"""Models of gymnasium's toy-text environments."""

from typing import NamedTuple

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from scipy.sparse import csr_array

from skampo.mdp._storage import compact


class _Moves(NamedTuple):
    """What can happen, one entry for each successor of a state and an action."""

    states: np.ndarray
    actions: np.ndarray
    probabilities: np.ndarray
    successors: np.ndarray
    rewards: np.ndarray
    terminated: np.ndarray

    def only(self, chosen):
        """Leave out the others."""
        return _Moves(*(column[chosen] for column in self))


def read_model(env):
    """Transition, reward and initial distribution of an environment with a model."""
    name, model, start = _open(env)
    moves, n_actions = _list_moves(name, model, len(start))
    ended = _only_entered_by_ending(moves, start)
    # Models list moves out of states in which the episode is over; none happens.
    moves = moves.only(~ended[moves.states])
    # An end where others pass through must not end their episodes.
    nowhere = moves.terminated & ~ended[moves.successors]
    if nowhere.any():
        moves = moves._replace(
            successors=np.where(nowhere, len(start), moves.successors)
        )
        start, ended = np.append(start, 0.0), np.append(ended, True)
    rows = moves.states * n_actions + moves.actions
    entries = moves.probabilities, moves.successors
    reward = np.bincount(
        rows, moves.probabilities * moves.rewards, minlength=len(start) * n_actions
    )
    transition = _assemble(rows, *entries, np.flatnonzero(ended), n_actions, len(start))
    return transition, reward.reshape(-1, n_actions), start


def _assemble(rows, probabilities, successors, absorbing, n_actions, n_states):
    """Transition probabilities; absorbing states follow themselves."""
    own_rows = (absorbing[:, None] * n_actions + np.arange(n_actions)).ravel()
    own = np.repeat(absorbing, n_actions)
    entries = (
        np.concatenate([probabilities, np.ones(len(own))]),
        (np.concatenate([rows, own_rows]), np.concatenate([successors, own])),
    )
    shape = (n_states * n_actions, n_states)
    return compact(csr_array(entries, shape=shape), n_actions)


def _open(env):
    """Name, model and initial distribution of an environment."""
    if isinstance(env, str | EnvSpec):
        made = gymnasium.make(env)
        try:
            return _open(made)
        finally:
            made.close()
    if not isinstance(env, gymnasium.Env):
        raise ValueError(
            "from_env needs a gymnasium environment, an id or an EnvSpec. Got "
            f"{type(env).__name__} instead."
        )
    inner = env.unwrapped
    name = type(inner).__name__ if env.spec is None else env.spec.id
    model = getattr(inner, "P", None)
    start = getattr(inner, "initial_state_distrib", None)
    if model is None or start is None:
        raise ValueError(
            f"{name} has no model: env.unwrapped must have P[state][action] and "
            "initial_state_distrib, as FrozenLake-v1, Taxi-v4 and CliffWalking-v1 "
            "have. Fit the policy to the environment itself."
        )
    return name, model, np.asarray(start, dtype=np.float64)


def _list_moves(name, model, n_states):
    """Possible moves, and the number of actions."""
    try:
        n_actions = _count_actions(model, n_states)
        moves = [
            (state, action, *move)
            for state in range(n_states)
            for action in range(n_actions)
            for move in model[state][action]
        ]
        columns = np.array(moves, dtype=np.float64).reshape(len(moves), 6).T
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"The model of {name} must be P[state][action] = [(probability, next "
            f"state, reward, terminated), ...] with states from 0 to {n_states - 1} "
            f"and the same actions in each. It has another form: {error!r}."
        ) from error
    # Before the conversion to integers, which would cut fractions off.
    if not np.isin(columns[3], np.arange(n_states)).all():
        raise ValueError(
            f"The next states in the model of {name} must be integers from 0 to "
            f"{n_states - 1}. Got {columns[3].min()} to {columns[3].max()}."
        )
    kinds = (np.intp, np.intp, np.float64, np.intp, np.float64, np.bool_)
    columns = [column.astype(kind) for column, kind in zip(columns, kinds, strict=True)]
    moves = _Moves(*columns)
    # A successor without probability would pass for a state that is entered.
    return moves.only(moves.probabilities != 0), n_actions


def _count_actions(model, n_states):
    """The number of actions, which must be the same in each state."""
    n_actions = len(model[0])
    for state in range(n_states):
        if len(model[state]) != n_actions:
            raise ValueError(
                f"state {state} has {len(model[state])} actions, state 0 {n_actions}"
            )
    return n_actions


def _only_entered_by_ending(moves, start):
    """States where episodes end, and that no episode begins in or passes through."""
    ended = np.zeros(len(start), dtype=bool)
    ended[moves.successors[moves.terminated]] = True
    ended &= start == 0
    while True:
        # What leaves an ended state never happens, and enters nothing.
        passing = moves.only(~moves.terminated & ~ended[moves.states]).successors
        if not ended[passing].any():
            return ended
        ended[passing] = False
