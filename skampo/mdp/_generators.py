"""Random models and chains."""

import numpy as np
from scipy.sparse import csr_array

from skampo.mdp._moves import check_slip, mix_moves
from skampo.mdp._tabular import TabularMDP
from skampo.utils._validation import Interval, check_argument


def make_random_mdp(
    n_states: int = 10,
    n_actions: int = 4,
    *,
    n_successors: int = 3,
    sparse: bool = False,
    random_state=None,
) -> TabularMDP:
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
    sparse : bool, default=False
        Store the same numbers in sparse form, as more than a few thousand states need.
    random_state : int, Generator or None, default=None
        Seed of `numpy.random.default_rng`.

    Returns
    -------
    TabularMDP
        With a uniform initial distribution.

    Raises
    ------
    InvalidParameterError
        If a number of states, actions or successors is no positive integer.

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
    sizes = {"n_states": n_states, "n_actions": n_actions, "n_successors": n_successors}
    for name, size in sizes.items():
        check_argument("make_random_mdp", name, size, Interval(int, 1))
    rng = np.random.default_rng(random_state)
    n_successors = min(n_successors, n_states)
    weights = np.empty((n_states * n_actions, n_successors))
    successors = np.empty(weights.shape, dtype=np.intp)
    # Published numbers depend on the order of these draws, rewards last.
    for row in range(len(weights)):
        weights[row] = rng.dirichlet(np.ones(n_successors))
        successors[row] = rng.choice(n_states, n_successors, replace=False)
    ends = np.arange(0, weights.size + 1, n_successors)
    transition = csr_array(
        (weights.ravel(), successors.ravel(), ends), shape=(len(weights), n_states)
    )
    if not sparse:
        transition = transition.toarray().reshape(n_states, n_actions, n_states)
    return TabularMDP(transition, rng.uniform(size=(n_states, n_actions)))


def make_chain(
    n_states: int = 10,
    *,
    slip: float = 0.1,
    small_reward: float = 0.1,
    large_reward: float = 1.0,
) -> TabularMDP:
    """
    Make a chain with a small reward at its near end and a large one at its far end.

    Action 0 moves one state to the left, and pays at the left end; action 1 moves to
    the right, and pays at the right end. At an end, the move that would leave the chain
    stays there. Episodes begin at the left end and never end.

    Parameters
    ----------
    n_states : int, default=10
        Length of the chain.
    slip : float, default=0.1
        Probability of moving in the other direction.
    small_reward : float, default=0.1
        Reward of action 0 at the left end.
    large_reward : float, default=1.0
        Reward of action 1 at the right end.

    Returns
    -------
    TabularMDP
        Dense if that takes no more than 8 MB.

    Raises
    ------
    ValueError
        If there are fewer than two states, or `slip` is not in [0, 1].

    See Also
    --------
    make_gridworld : Models in two dimensions.

    References
    ----------
    .. [1] M. Lagoudakis and R. Parr, "Least-squares policy iteration", JMLR 4, 2003
       (chains of states).

    Examples
    --------
    Waiting at the far end is worth 1 / (1 - 0.9):

    >>> from skampo.mdp import make_chain
    >>> make_chain(4, slip=0.0).solve(0.9).values.round(2)
    array([ 7.29,  8.1 ,  9.  , 10.  ])
    """
    if n_states < 2:
        raise ValueError(f"A chain needs at least two states. Got {n_states}.")
    check_slip(slip)
    here = np.arange(n_states)
    moved = np.stack([np.maximum(here - 1, 0), np.minimum(here + 1, n_states - 1)], 1)
    transition = mix_moves([(1 - slip, moved), (slip, moved[:, ::-1])])
    reward = np.zeros((n_states, 2))
    reward[0, 0], reward[-1, 1] = small_reward, large_reward
    return TabularMDP(transition, reward, np.eye(1, n_states)[0])
