"""Regression targets of fitted Q evaluation: one step, or traces along the data."""

from dataclasses import dataclass

import numpy as np

from skampo.experience import retrace_returns
from skampo.utils._rows import row_sum

__all__ = ["StoredStates", "SweepTargets", "attainable_values"]


@dataclass(frozen=True, eq=False)
class StoredStates:
    """
    Each state of the stored pieces once: what a step saw, and what followed the last.

    Row i is the observation of transition i; `after[i]` is the row of what followed.
    """

    observations: np.ndarray
    after: np.ndarray

    @classmethod
    def of(cls, transitions):
        """Put the states behind the last steps of all pieces after all others."""
        n_rows, ends = len(transitions), transitions.ends
        last = transitions.next_observations[ends]
        after = np.arange(1, n_rows + 1)
        after[ends] = n_rows + np.arange(len(last))
        return cls(np.vstack([transitions.observations, last]), after)

    def masks(self, transitions):
        """Allowed actions of all states, None when all are."""
        if transitions.action_masks is None:
            return None
        last = transitions.next_action_masks[transitions.ends]
        return np.vstack([transitions.action_masks, last])


@dataclass(frozen=True, eq=False)
class SweepTargets:
    """What the targets of one evaluation share, in units of the largest reward."""

    rewards: np.ndarray
    discounts: np.ndarray
    proba: np.ndarray
    actions: np.ndarray
    after: np.ndarray
    ends: np.ndarray
    traces: np.ndarray | None
    unit: float
    low: float
    high: float

    @classmethod
    def of(cls, proba, after, transitions, gamma, trace_decay):
        """Prepare the targets for a policy with probabilities `proba` in all states."""
        # Rewards of 1e-6 or 1e12 give the regressor the same numbers.
        unit = float(np.abs(transitions.rewards).max()) or 1.0
        rewards = transitions.rewards / unit
        traces = None
        if trace_decay > 0 and transitions.behavior_proba is not None:
            chosen = proba[np.arange(len(rewards)), transitions.actions]
            traces = trace_decay * np.minimum(1, chosen / transitions.behavior_proba)
        return cls(
            rewards,
            gamma * ~transitions.terminated,
            proba,
            transitions.actions,
            after,
            transitions.ends,
            traces,
            unit,
            *attainable_values(rewards, gamma),
        )

    def clip(self, q_values):
        """Limit values, in units of the largest reward, to what a return can be."""
        return np.clip(q_values, self.low, self.high)

    def __call__(self, q_values):
        """Targets of all transitions, from values of all actions in all states."""
        next_values = row_sum(self.proba * q_values)[self.after]
        if self.traces is None:
            # y = r + γ (1 - terminated) Σₐ π(a | s') Q(s', a)
            return self.rewards + self.discounts * next_values
        taken = q_values[np.arange(len(self.actions)), self.actions]
        return retrace_returns(
            self.rewards, self.discounts, next_values, taken, self.ends, self.traces
        )


def attainable_values(rewards, gamma):
    """Smallest and largest discounted sum that rewards of this range can have."""
    return (
        min(0.0, float(rewards.min()) / (1 - gamma)),
        max(0.0, float(rewards.max()) / (1 - gamma)),
    )
