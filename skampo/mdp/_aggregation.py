"""Where greedy policies go in circles, and gentle steps do not."""

import numpy as np

from skampo.exceptions import InvalidParameterError
from skampo.mdp._tabular import TabularMDP


def make_aggregation_counterexample(
    epsilon: float = 0.05, gamma: float = 0.9
) -> tuple[TabularMDP, np.ndarray]:
    r"""
    Make a model on which greedy policy iteration with aggregated states never settles.

    The states u1, l1, u2, l2 form two groups whose action values are averaged. Action 0
    goes to the l of its own group and pays :math:`-r`, or :math:`2 \epsilon` more in an
    upper state. Action 1 goes to the l of the other group and pays nothing: taking it
    everywhere is optimal, and worth 0. Upper states are never entered, but half of an
    average is theirs, an error of :math:`\epsilon`.

    So the greedy policy stays in the group that it used to leave, and leaves the one
    that it used to stay in, for ever. With :math:`r = \epsilon + \epsilon / (2 (1 -
    \gamma))` it always loses :math:`r / (1 - \gamma)` from one of the states, more than
    :math:`\epsilon / (2 (1 - \gamma)^2)`. Steps that keep a share of the past find the
    optimum.

    Parameters
    ----------
    epsilon : float, default=0.05
        Error of the aggregated action values.
    gamma : float, default=0.9
        Discount factor in (0.5, 1) that the policies will be learned with.

    Returns
    -------
    mdp : TabularMDP
        States in the order u1, l1, u2, l2.
    groups : ndarray of shape (4,)
        Group of each state: 0, 0, 1, 1.

    Raises
    ------
    InvalidParameterError
        If `epsilon` is not positive or `gamma` not in (0.5, 1).

    See Also
    --------
    make_random_mdp : Models without a trap.

    Notes
    -----
    Policies that start uniform see both groups alike and would be lucky. Action 2 ends
    that: it goes to l1 at a price, so that in both groups another action leads to the
    same state for less. As it costs more in group 2, the first greedy policy prefers to
    stay in group 1, and is one of the two of the cycle. Actions 0 and 1 alone are the
    example of [1]_, after [2]_.

    References
    ----------
    .. [1] C. Szepesvari, "Lecture notes on the theory of reinforcement learning",
       lecture 13, https://rltheory.github.io.
    .. [2] D. Russo, "Approximation benefits of policy gradient methods with aggregated
       states", Management Science 69(11), 2023.

    Examples
    --------
    >>> from skampo.mdp import make_aggregation_counterexample
    >>> mdp, groups = make_aggregation_counterexample(epsilon=0.05, gamma=0.9)
    >>> mdp.reward.round(2)
    array([[-0.2,  0. , -0.6],
           [-0.3,  0. , -0.6],
           [-0.2,  0. , -1.8],
           [-0.3,  0. , -1.8]])
    """
    # The group that leaves wants to stay only if r (1 − γ) < ε, that is γ > 1 / 2.
    if not epsilon > 0 or not 0.5 < gamma < 1:
        raise InvalidParameterError(
            "epsilon must be positive and gamma in the range (0.5, 1.0). Got "
            f"epsilon={epsilon!r} and gamma={gamma!r} instead."
        )
    price = epsilon + epsilon / (2 * (1 - gamma))
    groups = np.array([0, 0, 1, 1])
    lower = np.array([1, 3])
    after = np.stack([lower[groups], lower[1 - groups], np.full(4, 1)], axis=1)
    reward = np.zeros((4, 3))
    reward[:, 0] = [2 * epsilon - price, -price] * 2
    reward[:, 2] = np.array([-2, -6])[groups] * price
    return TabularMDP(np.eye(4)[after], reward), groups
