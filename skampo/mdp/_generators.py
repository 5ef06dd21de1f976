"""Random models."""

import numpy as np

from skampo.mdp._tabular import TabularMDP

__all__ = ["make_random_mdp"]


def make_random_mdp(n_states=10, n_actions=4, *, n_successors=3, random_state=None):
    """
    Make a random model in which few states follow each state and action (Garnet).

    Parameters
    ----------
    n_states : int, default=10
        Number of states.
    n_actions : int, default=4
        Number of actions.
    n_successors : int, default=3
        States that can follow each state and action, drawn without replacement; their
        probabilities are uniform on the simplex. Rewards are uniform in [0, 1).
    random_state : int, Generator or None, default=None
        Seed of `numpy.random.default_rng`.

    Returns
    -------
    TabularMDP
        With a uniform initial distribution.

    See Also
    --------
    TabularMDP : The model.

    References
    ----------
    .. [1] T. Archibald, K. McKinnon and L. Thomas, "On the generation of Markov
       decision processes", Journal of the Operational Research Society 46, 1995.

    Examples
    --------
    >>> from skampo.mdp import make_random_mdp
    >>> mdp = make_random_mdp(random_state=0)
    >>> round(float(mdp.solve(0.9).values.mean()), 6)
    8.412034
    """
    rng = np.random.default_rng(random_state)
    n_successors = min(n_successors, n_states)
    transition = np.zeros((n_states, n_actions, n_states))
    for state, action in np.ndindex(n_states, n_actions):
        weights = rng.dirichlet(np.ones(n_successors))
        successors = rng.choice(n_states, n_successors, replace=False)
        transition[state, action, successors] = weights
    return TabularMDP(transition, rng.uniform(size=(n_states, n_actions)))
