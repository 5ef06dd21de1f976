"""Episodes side by side, and what they count for under another policy."""

from dataclasses import dataclass

import numpy as np

from skampo.features._blocks import by_blocks
from skampo.features._lending import lend
from skampo.utils._sklearn import take_rows

# Probabilities of a row may be rounded to four digits.
_ROUNDED = 1e-4
# exp(709) is near the largest float; below exp(700) sums of 10,000 weights are finite.
LARGEST_EXPONENT = 700.0


def action_proba(policy, states, classes):
    """Probabilities of the log's actions, in their order, under a policy."""
    n_rows = len(states)
    return by_blocks(lambda rows: _some_proba(policy, states, classes, rows), n_rows)


def _some_proba(policy, states, classes, rows):
    """The same in some of the states."""
    some = states_at(states, rows)
    # Any classifier may be a policy, also one that works in its input.
    lent = lend(policy, some)
    proba = np.asarray(policy.predict_proba(lent), dtype=np.float64)
    known = np.asarray(getattr(policy, "classes_", classes))
    _check_proba(proba, len(some), known, rows.start or 0)
    unknown = known[~np.isin(known, classes)]
    # An action that the log does not know may be there, if it is never chosen.
    if len(unknown) and proba[:, np.isin(known, unknown)].any():
        raise ValueError(
            "The policy chooses actions that the log does not know: "
            f"{unknown.tolist()}. The log has {classes.tolist()}; give a log all "
            "actions as `classes`."
        )
    aligned = np.zeros((len(proba), len(classes)))
    kept = np.isin(known, classes)
    aligned[:, np.searchsorted(classes, known[kept])] = proba[:, kept]
    return aligned


def states_at(states, rows):
    """States of a block of rows; all at once have no start, and are not copied."""
    return states if rows.start is None else take_rows(states, rows)


def of_actions(proba, log):
    """Probabilities of what was done."""
    # A log sorts its classes, and refuses actions that are not among them.
    done = np.searchsorted(log.classes, log.actions)
    return proba[np.arange(len(log)), done]


def _check_proba(proba, n_rows, classes, first_row):
    """Refuse what is no probability of each action in each row."""
    if proba.shape != (n_rows, len(classes)):
        raise ValueError(
            f"predict_proba of the policy gave an array of shape {proba.shape}; "
            f"expected {(n_rows, len(classes))}, a row for each state and a column for "
            f"each of its actions {classes.tolist()}."
        )
    # Negated, so that NaN is outside as well.
    outside = ~(proba >= -_ROUNDED).all(axis=1)
    bad = np.flatnonzero(outside | ~(np.abs(proba.sum(axis=1) - 1) <= _ROUNDED))
    if len(bad):
        raise ValueError(
            f"predict_proba of the policy gave {len(bad)} rows that are no "
            f"probabilities, first row {first_row + bad[0]}: "
            f"{proba[bad[0]].tolist()} with the sum "
            f"{proba[bad[0]].sum():.6g}. Expected numbers of at least 0 that sum to 1: "
            "divide each row by its sum."
        )


def first_rows(log):
    """Where episodes begin: in every row, if nothing follows whatever its label."""
    return np.ones(len(log), dtype=bool) if log.is_one_step else log.is_start


def cut_rows(log):
    """Last rows of episodes that would have gone on."""
    if log.is_one_step:
        return np.zeros(len(log), dtype=bool)
    # A last row without any flag was cut as well: the log ends there.
    return np.append(log.is_start[1:], True) & ~log.terminated


@dataclass(frozen=True, eq=False)
class Trajectories:
    r"""
    Episodes as rows, steps as columns; everything is 0 behind the end of an episode.

    `weights` holds :math:`w_{0:t} = \prod_{k \le t} \pi(a_k | s_k) / \pi_b(a_k | s_k)`,
    which stays what it was behind the end, and `previous` :math:`w_{0:t-1}`. There is
    one column more than the longest episode has steps.
    """

    rows: np.ndarray
    steps: np.ndarray
    lengths: np.ndarray
    horizon: int
    weights: np.ndarray | None
    previous: np.ndarray | None

    @classmethod
    def of(cls, log, proba):
        """Arrange a log; `proba` are the target probabilities of what was done."""
        starts = np.flatnonzero(first_rows(log))
        lengths = np.diff(np.append(starts, len(log)))
        rows = np.repeat(np.arange(len(starts)), lengths)
        steps = np.arange(len(log)) - np.repeat(starts, lengths)
        # One column more holds what is behind the cut of the longest episode.
        horizon = int(lengths.max()) + 1
        arranged = cls(rows, steps, lengths, horizon, None, None)
        # A probability of 0 is meant to become minus infinity, and then a weight of 0.
        with np.errstate(divide="ignore"):
            ratios = np.log(proba) - np.log(log.propensities)
        # Products of hundreds of ratios leave the range of floats, sums of logs do not.
        # Behind the end there are zeros, so that a weight stays what it was.
        exponents = arranged.place(ratios).cumsum(axis=1)
        weights = np.exp(np.minimum(exponents, LARGEST_EXPONENT))
        previous = np.hstack([np.ones((len(starts), 1)), weights[:, :-1]])
        return cls(rows, steps, lengths, horizon, weights, previous)

    def place(self, values):
        """One value per row of the log, as an array (n_episodes, horizon)."""
        placed = np.zeros((len(self.lengths), self.horizon))
        placed[self.rows, self.steps] = values
        return placed

    def after_end(self, values):
        """One value per episode, in the column behind its last step."""
        placed = np.zeros((len(self.lengths), self.horizon))
        placed[np.arange(len(self.lengths)), self.lengths] = values
        return placed

    def discounts(self, gamma):
        """Powers of gamma, one per column."""
        return float(gamma) ** np.arange(self.horizon)
