"""The critic of contextual bandits whose rewards are all known."""

from skampo.critics._base import Critic, QSample, reward_range


class FullInformation(Critic):
    """
    Rewards of all actions are known, nothing follows them: Q is the reward.

    Labels are such a problem: reward 1 for the label of the row and 0 for every other
    action, gamma = 0.
    """

    estimates_values = False

    def evaluate(self, policy, transitions, setting):
        """The rewards of a `RewardTable` as action values."""
        return QSample(
            transitions.observations,
            transitions.rewards,
            0.0,
            transitions.sample_weight,
            reward_range(transitions.rewards),
        )
