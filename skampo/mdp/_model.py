"""A model in the place of experience: nothing has to be gathered."""

import numpy as np

__all__ = ["ModelExperience"]


class ModelExperience:
    """
    Hand the model itself to a critic that evaluates policies exactly.

    Parameters
    ----------
    mdp : TabularMDP
        The model.

    See Also
    --------
    TabularMDP : The model.

    Examples
    --------
    >>> from skampo.mdp import ModelExperience, make_random_mdp
    >>> ModelExperience(make_random_mdp(3, 2, random_state=0)).classes
    array([0, 1])
    """

    n_steps = 0
    episode_returns = ()
    observation_encoder = None
    action_encoder = None
    n_features = 1

    def __init__(self, mdp):
        self.mdp = mdp
        self.classes = np.arange(mdp.n_actions)

    def gather(self, policy):
        """
        Return the model.

        Parameters
        ----------
        policy : MirrorPolicy
            Not needed.

        Returns
        -------
        TabularMDP
            The model.
        """
        return self.mdp

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
