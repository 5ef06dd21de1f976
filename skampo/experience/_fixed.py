"""What experiences have in common that hold the same data for every policy."""


class FixedExperience:
    """
    The same data for every policy: there is no environment.

    Parameters
    ----------
    data : Transitions or RewardTable
        What critics see.
    classes : ndarray of shape (n_actions,)
        Labels of the actions.
    n_features : int
        Number of columns of a state.
    """

    n_steps = 0
    episode_returns = ()
    observation_encoder = None
    action_encoder = None

    def __init__(self, data, classes, n_features):
        self.classes = classes
        self.n_features = n_features
        self._data = data

    def gather(self, policy):
        """
        Return the same data for every policy.

        Parameters
        ----------
        policy : MirrorPolicy
            Not needed.

        Returns
        -------
        Transitions or RewardTable
            All rows.
        """
        return self._data

    def continuation(self):
        """
        Return what a later experience needs to go on: nothing.

        Returns
        -------
        dict
            Empty.
        """
        return {}

    def close(self):
        """Do nothing: there is no environment."""
