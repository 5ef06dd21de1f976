"""Regression targets of fitted Q evaluation: one step, or traces along the data."""

from dataclasses import dataclass

import numpy as np

from skampo.experience import retrace_returns

__all__ = ["SweepTargets", "attainable_values"]


@dataclass(frozen=True, eq=False)
class SweepTargets:
    """What the targets of one evaluation share, in units of the largest reward."""

    rewards: np.ndarray
    discounts: np.ndarray
    proba_next: np.ndarray
    actions: np.ndarray
    ends: np.ndarray
    traces: np.ndarray | None
    unit: float
    low: float
    high: float

    @classmethod
    def of(cls, policy, transitions, now, after, gamma, trace_decay):
        """Prepare the targets for a policy; `now` and `after` are views of its states."""
        unit = float(np.abs(transitions.rewards).max()) or 1.0
        rewards = transitions.rewards / unit
        masks = transitions.next_action_masks
        traces = None
        if trace_decay > 0 and transitions.behavior_proba is not None:
            proba = policy.project(now.evaluate(policy.f), transitions.action_masks)
            chosen = proba[np.arange(len(proba)), transitions.actions]
            traces = trace_decay * np.minimum(1, chosen / transitions.behavior_proba)
        return cls(
            rewards,
            gamma * ~transitions.terminated,
            policy.project(after.evaluate(policy.f), masks),
            transitions.actions,
            transitions.ends,
            traces,
            unit,
            *attainable_values(rewards, gamma),
        )

    def clip(self, q_values):
        """Limit values, in units of the largest reward, to what a return can be."""
        return np.clip(q_values, self.low, self.high)

    def __call__(self, q_now, q_next):
        """Targets of all rows, from values of all actions now and afterwards."""
        values = (self.proba_next * q_next).sum(axis=1)
        if self.traces is None:
            # y = r + γ (1 - terminated) Σₐ π(a | s') Q(s', a)
            return self.rewards + self.discounts * values
        taken = q_now[np.arange(len(q_now)), self.actions]
        return retrace_returns(
            self.rewards, self.discounts, values, taken, self.ends, self.traces
        )


def attainable_values(rewards, gamma):
    """Smallest and largest discounted sum that rewards of this range can have."""
    return (
        min(0.0, float(rewards.min()) / (1 - gamma)),
        max(0.0, float(rewards.max()) / (1 - gamma)),
    )
