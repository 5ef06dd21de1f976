"""A log as the transitions that critics see."""

from dataclasses import replace

import numpy as np

from skampo.data._checks import without_na
from skampo.data._tables import is_table
from skampo.data._transitions import Transitions
from skampo.features._blocks import blocks, room
from skampo.features._lending import FrameRows, stack


def as_transitions(log, sample_weight=None):
    """The transitions of a log, see `TransitionLog.transitions`."""
    observations = _as_rows(log.states, log.columns)
    over = np.ones(len(log), dtype=bool) if log.is_one_step else log.terminated
    following = observations
    if not log.is_one_step:
        following = _as_rows(log.next_states, log.columns)
        # What is said to follow an end may be NaN, and features are computed of it too.
        following = _choose(over, observations, following)
    no = np.zeros(len(log), dtype=bool)
    truncated = no if log.is_one_step else log.truncated & ~over
    transitions = Transitions(
        observations,
        np.searchsorted(log.classes, log.actions),
        log.rewards,
        following,
        over,
        truncated,
        _ends(log, observations, following, over | truncated),
        log.propensities,
    )
    return transitions if sample_weight is None else _weigh(transitions, sample_weight)


def _weigh(transitions, sample_weight):
    """The rows that have a weight."""
    # Features are drawn from the rows, and a row without weight must not be drawn.
    kept = sample_weight > 0
    return replace(transitions.take(kept), sample_weight=sample_weight[kept])


def _as_rows(states, columns):
    """Rows of a data frame where the states are one: next states of the same types."""
    if columns is not None:
        return columns.rows(states)
    return without_na(states.to_numpy()) if is_table(states) else states


def _choose(where, first, second):
    """Rows of the first where it is said so, of the second elsewhere."""
    n_rows = len(where)
    if isinstance(first, FrameRows):
        return stack(first, second)[np.arange(n_rows) + np.where(where, 0, n_rows)]
    if not where.any():
        return second
    found = room(second.shape, np.result_type(first, second))
    for rows in blocks(n_rows):
        found[rows] = np.where(where[rows, None], first[rows], second[rows])
    return found


def _ends(log, observations, following, ends):
    """Add to the ends where the next row does not go on with what followed."""
    if ends.all():
        return ends
    last = len(ends) - 1
    for rows in blocks(last):
        here = slice(rows.start, min(rows.stop, last))
        there = slice(here.start + 1, here.stop + 1)
        pair = following[here], observations[there]
        before, after = (without_na(np.asarray(some)) for some in pair)
        ends[here] |= (before != after).any(axis=1)
    # Two episodes may meet in one state, and returns must not run on to the other.
    if log.episodes is not None:
        ends[:-1] |= log.is_start[1:]
    ends[-1] = True
    return ends
