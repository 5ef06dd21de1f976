"""A log as the transitions that critics see."""

from dataclasses import replace

import numpy as np

from skampo.data._checks import without_na
from skampo.data._tables import is_table
from skampo.data._transitions import Transitions
from skampo.features._blocks import blocks, room

__all__ = ["as_transitions"]


def as_transitions(log, sample_weight=None):
    """The transitions of a log, see `TransitionLog.transitions`."""
    observations = _array(log.states)
    over = np.ones(len(log), dtype=bool) if log.is_one_step else log.terminated
    following = observations if log.is_one_step else _array(log.next_states)
    if over.any():
        # What is said to follow an end may be NaN, and features are computed of it too.
        following = _where(over, observations, following)
    no = np.zeros(len(log), dtype=bool)
    truncated = no if log.is_one_step else log.truncated & ~over
    transitions = Transitions(
        _as_rows(observations, log.columns),
        np.searchsorted(log.classes, log.actions),
        log.rewards,
        _as_rows(following, log.columns),
        over,
        truncated,
        _ends(log, observations, following, over | truncated),
        log.propensities,
    )
    return transitions if sample_weight is None else _weigh(transitions, sample_weight)


def _where(over, observations, following):
    """Observations where it is over, what followed elsewhere."""
    found = room(following.shape, np.result_type(observations, following))
    for rows in blocks(len(over)):
        block = over[rows, None], observations[rows], following[rows]
        found[rows] = np.where(*block)
    return found


def _weigh(transitions, sample_weight):
    """The rows that have a weight."""
    # Features are drawn from the rows, and a row without weight must not be drawn.
    kept = sample_weight > 0
    return replace(transitions.take(kept), sample_weight=sample_weight[kept])


def _as_rows(states, columns):
    """Rows of a data frame where the states are one: next states of the same types."""
    return states if columns is None else columns.rows(states)


def _array(states):
    """The values of a table, or the array itself."""
    return without_na(states.to_numpy()) if is_table(states) else states


def _ends(log, observations, following, ends):
    """Add to the ends where the next row does not go on with what followed."""
    for rows in blocks(len(ends) - 1):
        there = observations[1:][rows]
        ends[:-1][rows] |= (following[:-1][rows] != there).any(axis=1)
    # Two episodes may meet in one state, and returns must not run on to the other.
    if log.episodes is not None:
        ends[:-1] |= log.is_start[1:]
    ends[-1] = True
    return ends
