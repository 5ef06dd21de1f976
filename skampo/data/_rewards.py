"""Rewards of every action, as labels or full information give them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class RewardTable:
    """
    States (n, n_features) with the reward of every action, (n, n_actions).

    Nothing follows them; they may have weights (n,).
    """

    observations: np.ndarray
    rewards: np.ndarray
    sample_weight: np.ndarray | None = None

    def __len__(self):
        """Number of states."""
        return len(self.observations)

    @classmethod
    def of(cls, states, rewards, sample_weight=None):
        """The table of those states whose weight is not zero."""
        if sample_weight is None:
            return cls(states, rewards)
        # Features are drawn from the rows, and a row without weight must not be drawn.
        kept = sample_weight > 0
        return cls(states[kept], rewards[kept], sample_weight[kept])
