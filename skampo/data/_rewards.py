"""Rewards of every action, as labels or full information give them."""

from dataclasses import dataclass

import numpy as np

__all__ = ["RewardTable"]


@dataclass(frozen=True, eq=False)
class RewardTable:
    """
    States with the reward of every action; nothing follows them.

    Parameters
    ----------
    observations : ndarray of shape (n, n_features)
        The states.
    rewards : ndarray of shape (n, n_actions)
        Reward of every action.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the states.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.data._rewards import RewardTable
    >>> len(RewardTable(np.zeros((3, 2)), np.eye(3)))
    3
    """

    observations: np.ndarray
    rewards: np.ndarray
    sample_weight: np.ndarray | None = None

    def __len__(self):
        """Number of states."""
        return len(self.observations)

    @classmethod
    def of(cls, states, rewards, sample_weight=None):
        """
        Make a table of the states that have a weight.

        Parameters
        ----------
        states : ndarray of shape (n, n_features)
            The states.
        rewards : ndarray of shape (n, n_actions)
            Reward of every action.
        sample_weight : ndarray of shape (n,), default=None
            Weights; states of weight zero are left out.

        Returns
        -------
        RewardTable
            The states that count.
        """
        if sample_weight is None:
            return cls(states, rewards)
        # Features are drawn from the rows, and a row without weight must not be drawn.
        kept = sample_weight > 0
        return cls(states[kept], rewards[kept], sample_weight[kept])
