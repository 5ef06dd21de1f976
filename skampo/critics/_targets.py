"""Regression targets of fitted Q evaluation: one step, or traces along the data."""

from dataclasses import dataclass, replace

import numpy as np

from skampo.data._returns import Retrace
from skampo.features._blocks import blocks, by_blocks, room, taken
from skampo.features._lending import stack

# More than there are rows.
_AFTER_ENDS = 2**62


@dataclass(frozen=True, eq=False)
class StoredSteps:
    """
    The stored transitions by the rows of their states.

    Step i leads from row `at[i]` of the states by `actions[i]` to row `after[i]`. In
    `counts` is how many steps start from each state, None if states do not repeat.
    `numbers` are those of the states, ascending, and `rows` those of the steps; None if
    nobody counts.
    """

    states: np.ndarray
    at: np.ndarray
    actions: np.ndarray
    after: np.ndarray
    masks: np.ndarray | None = None
    counts: np.ndarray | None = None
    numbers: np.ndarray | None = None
    rows: range | None = None

    @classmethod
    def of(cls, transitions):
        """Put the states that ended trajectories after all others."""
        n_rows, ends = len(transitions), _shown_ends(transitions)
        last = taken(transitions.next_observations, ends)
        # Inside a trajectory the next row is what followed: no state is there twice.
        at, after = _numbers(0, n_rows), _numbers(1, n_rows + 1)
        after[ends] = n_rows + np.arange(len(last))
        if transitions.terminated.all():
            # Nothing that follows counts: any row will do.
            after = at
        states = stack(transitions.observations, last)
        masks = _all_masks(transitions)
        return cls(
            states,
            at,
            transitions.actions,
            after,
            masks,
            numbers=_numbers_of(transitions),
            rows=transitions.row_numbers,
        )

    @property
    def have_one_number(self):
        """Whether a state is one number, so that equal ones are easily found."""
        return self.states.shape[1] == 1 and np.asarray(self.states).dtype != object

    def merge(self):
        """The same with equal states in one row; itself where few are equal."""
        states = np.asarray(self.states)
        _, first, row = np.unique(states, return_index=True, return_inverse=True)
        # numpy gives it the shape of the states, which is one column.
        row = row.ravel()
        if 2 * len(first) > len(row) or not self._allows_the_same(first[row]):
            return self
        at, after = row[self.at], row[self.after]
        counts = np.bincount(at, minlength=len(first))
        masks = None if self.masks is None else self.masks[first]
        return replace(
            self,
            states=self.states[first],
            at=at,
            after=after,
            masks=masks,
            counts=counts,
            numbers=None,
        )

    def _allows_the_same(self, rows):
        """Whether each state allows what another one, equal to it, allows."""
        return self.masks is None or np.array_equal(self.masks, self.masks[rows])

    def project(self, policy, f):
        """Probabilities in all states, from the scores there."""
        # Of many states, what is computed on the way would take several times as much.
        return by_blocks(
            lambda rows: policy.project(
                f[rows], None if self.masks is None else self.masks[rows]
            ),
            len(f),
        )

    def each(self):
        """Places that the steps start from, step by step."""
        return slice(len(self.at)) if self.counts is None else self.at

    def starts(self):
        """Places that steps start from, their weights, and the steps if one each."""
        if self.counts is None:
            return self.each(), None, self.at
        places = np.flatnonzero(self.counts)
        return places, self.counts[places].astype(float), None


def _numbers(start, stop):
    """Numbers that follow each other."""
    numbers = room((stop - start,), np.int64)
    for rows in blocks(stop - start):
        last = min(start + rows.stop, stop)
        numbers[rows] = np.arange(start + rows.start, last)
    return numbers


def _shown_ends(transitions):
    """Rows behind which another state is seen: none, if nothing ever follows."""
    ends = transitions.ends
    return np.zeros_like(ends) if transitions.terminated.all() else ends


def _numbers_of(transitions):
    """Numbers of the states of all rows, and of those at the ends."""
    rows = transitions.row_numbers
    if rows is None:
        return None
    rows = _numbers(rows.start, rows.stop)
    # What follows an end is no row: its number is that of the end, far beyond all.
    return stack(rows, _AFTER_ENDS + rows[_shown_ends(transitions)])


def _all_masks(transitions):
    """Allowed actions of all states, None when all are."""
    if transitions.action_masks is None:
        return None
    last = transitions.next_action_masks[_shown_ends(transitions)]
    return np.vstack([transitions.action_masks, last])


@dataclass(frozen=True, eq=False)
class SweepTargets:
    """
    What the targets of one evaluation share, in units of the largest reward.

    `taken` is where the pairs (s, a) of the steps are in all values, action by action;
    None unless there are traces.
    """

    rewards: np.ndarray
    discounts: np.ndarray
    proba: np.ndarray
    actions: np.ndarray
    at: np.ndarray
    after: np.ndarray
    taken: np.ndarray | None
    retrace: Retrace | None
    unit: float
    low: float
    high: float

    @classmethod
    def of(cls, proba, steps, transitions, gamma, trace_decay):
        """Prepare the targets for a policy with probabilities `proba` in all states."""
        # Rewards of 1e-6 or 1e12 give the regressor the same numbers.
        unit = float(np.abs(transitions.rewards).max()) or 1.0
        rewards = transitions.rewards / unit
        discounts = gamma * ~transitions.terminated
        taken = retrace = None
        # A log may not know its probabilities: without them there are no weights.
        if trace_decay > 0 and transitions.behavior_proba is not None:
            taken = steps.actions * len(proba) + steps.at
            chosen = proba.T.ravel()[taken]
            # cₜ = λ min(1, π(aₜ | sₜ) / μ(aₜ | sₜ))
            traces = trace_decay * np.minimum(1, chosen / transitions.behavior_proba)
            retrace = Retrace(rewards, discounts, transitions.ends, traces)
        return cls(
            rewards,
            discounts,
            # Stored like values of linear models: sums over actions join columns.
            np.asfortranarray(proba),
            steps.actions,
            steps.at,
            steps.after,
            taken,
            retrace,
            unit,
            *attainable_values(rewards, gamma),
        )

    @property
    def nothing_follows(self):
        """Whether values are rewards: there is no next state, or it does not count."""
        return not self.discounts.any()

    def clip(self, q_values):
        """Limit values, where they are, to what returns in this unit can be."""
        return np.clip(q_values, self.low, self.high, out=q_values)

    def __call__(self, q_values):
        """Targets of all transitions, from values of all actions in all states."""
        values = np.einsum("sa,sa->s", self.proba, q_values)
        next_values = values[self.after]
        if self.retrace is None:
            # y = r + γ (1 - terminated) Σₐ π(a | s') Q(s', a)
            return self.rewards + self.discounts * next_values
        # Values lie action by action, so that this ravels without a copy.
        return self.retrace(next_values, q_values.T.ravel()[self.taken])


def attainable_values(rewards, gamma):
    """Smallest and largest discounted sum that rewards of this range can have."""
    return (
        # An episode may end at any time, and what follows is worth 0.
        min(0.0, float(rewards.min()) / (1 - gamma)),
        max(0.0, float(rewards.max()) / (1 - gamma)),
    )
