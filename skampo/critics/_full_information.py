"""The critic of contextual bandits whose rewards are all known."""

from skampo.critics._base import Critic, QSample, reward_range

__all__ = ["FullInformation"]


class FullInformation(Critic):
    """
    Rewards of all actions are known, nothing follows them: Q is the reward.

    Labels are such a problem: reward 1 for the label of the row and 0 for every other
    action, gamma = 0.

    See Also
    --------
    FittedQ : When only the reward of the action taken is seen.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.critics._full_information import FullInformation
    >>> from skampo.data._rewards import RewardTable
    >>> table = RewardTable(np.zeros((2, 1)), np.eye(2))
    >>> FullInformation().evaluate(None, table, None).q_values
    array([[1., 0.],
           [0., 1.]])
    """

    estimates_values = False

    def evaluate(self, policy, transitions, setting):
        """
        Return the rewards as action values.

        Parameters
        ----------
        policy : MirrorPolicy
            Not needed: the values are the same for every policy.
        transitions : RewardTable
            Observations, rewards of all actions and weights.
        setting : CriticSetting
            Not needed.

        Returns
        -------
        QSample
            With gamma = 0.
        """
        return QSample(
            transitions.observations,
            transitions.rewards,
            0.0,
            transitions.sample_weight,
            reward_range(transitions.rewards),
        )
