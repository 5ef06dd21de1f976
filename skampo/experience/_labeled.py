"""One-step problems with full information: rewards of all actions, or labels."""

from dataclasses import dataclass

import numpy as np

from skampo.experience._fixed import FixedExperience

__all__ = ["LabeledExperience", "RewardTable", "RewardedExperience"]


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
    >>> from skampo.experience import RewardTable
    >>> len(RewardTable(np.zeros((3, 2)), np.eye(3)))
    3
    """

    observations: np.ndarray
    rewards: np.ndarray
    sample_weight: np.ndarray | None = None

    def __len__(self):
        """Number of states."""
        return len(self.observations)


class RewardedExperience(FixedExperience):
    """
    States with the reward of every action.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        States.
    rewards : ndarray of shape (n, n_actions)
        Reward of every action.
    classes : ndarray of shape (n_actions,)
        Labels of the columns.
    sample_weight : ndarray of shape (n,), default=None
        Weights; states of weight zero are left out.

    See Also
    --------
    LabeledExperience : Labels, whose reward is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.experience import RewardedExperience
    >>> data = RewardedExperience(np.zeros((2, 1)), np.eye(2), np.arange(2))
    >>> len(data.gather(None))
    2
    """

    def __init__(self, X, rewards, classes, sample_weight=None):
        # Features are drawn from the rows, and a row without weight must not be drawn.
        kept = slice(None) if sample_weight is None else sample_weight > 0
        weights = None if sample_weight is None else sample_weight[kept]
        table = RewardTable(X[kept], rewards[kept], weights)
        super().__init__(table, classes, X.shape[1])


class LabeledExperience(RewardedExperience):
    """
    Labeled states: reward 1 for the label and 0 for every other action.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        States.
    y : ndarray of shape (n,)
        Labels.
    classes : ndarray of shape (n_actions,)
        All labels, sorted.
    sample_weight : ndarray of shape (n,), default=None
        Weights; states of weight zero are left out.

    See Also
    --------
    EnvironmentExperience : Transitions from environments.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.experience import LabeledExperience
    >>> data = LabeledExperience(np.zeros((2, 1)), np.array([3, 5]), np.array([3, 5]))
    >>> data.gather(None).rewards
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(self, X, y, classes, sample_weight=None):
        rewards = (y[:, None] == classes).astype(np.float64)
        super().__init__(X, rewards, classes, sample_weight)
