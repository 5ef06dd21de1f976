"""A finite Markov decision process and its exact evaluation."""

from typing import NamedTuple

import numpy as np

from skampo.utils._validation import check_discount, check_distribution

__all__ = ["Solution", "TabularMDP"]


class Solution(NamedTuple):
    """
    What `TabularMDP.solve` finds.

    Parameters
    ----------
    values : ndarray of shape (n_states,)
        Optimal values.
    proba : ndarray of shape (n_states, n_actions)
        A deterministic optimal policy.
    n_iter : int
        Rounds of policy iteration.

    Examples
    --------
    >>> from skampo.mdp import make_random_mdp
    >>> make_random_mdp(3, 2, random_state=0).solve(0.9).values.shape
    (3,)
    """

    values: np.ndarray
    proba: np.ndarray
    n_iter: int


class TabularMDP:
    r"""
    A Markov decision process with finitely many states and actions.

    It has no discount of its own: the methods take it, as learners do.

    Parameters
    ----------
    transition : array-like of shape (n_states, n_actions, n_states)
        Probabilities :math:`P(s' | s, a)`.
    reward : array-like of shape (n_states, n_actions)
        Expected rewards r(s, a).
    initial_distribution : array-like of shape (n_states,), default=None
        Distribution :math:`\mu` of the first state; None is uniform.

    Attributes
    ----------
    n_states : int
        Number of states.
    n_actions : int
        Number of actions.
    states : ndarray of shape (n_states, 1)
        The states as observations: one integer column.

    Raises
    ------
    ValueError
        If the shapes do not fit, a reward is not finite, or a row of probabilities is
        none; the state and the action are named.

    See Also
    --------
    make_random_mdp : Random models.

    References
    ----------
    .. [1] M. Puterman, "Markov Decision Processes", Wiley, 2005.

    Examples
    --------
    Action 1 moves to the other of two states, and only state 1 pays:

    >>> from skampo.mdp import TabularMDP
    >>> stay, move = [[1, 0], [0, 1]], [[0, 1], [1, 0]]
    >>> transition = [[stay[s], move[s]] for s in range(2)]
    >>> mdp = TabularMDP(transition, [[0.0, 0.0], [1.0, 1.0]])
    >>> mdp.solve(0.5).values
    array([1., 2.])
    """

    def __init__(self, transition, reward, initial_distribution=None):
        transition = np.array(transition, dtype=np.float64)
        reward = np.array(reward, dtype=np.float64)
        _check_shapes(transition, reward)
        self.n_states, self.n_actions = reward.shape
        _check_entries(transition, reward)
        if initial_distribution is None:
            initial_distribution = np.full(self.n_states, 1 / self.n_states)
        initial_distribution = np.array(initial_distribution, dtype=np.float64)
        if initial_distribution.shape != (self.n_states,):
            raise ValueError(
                f"initial_distribution must have shape {(self.n_states,)}. Got "
                f"{initial_distribution.shape} instead."
            )
        check_distribution(initial_distribution, "initial_distribution")
        self.transition = transition
        self.reward = reward
        self.initial_distribution = initial_distribution
        self.states = np.arange(self.n_states, dtype=np.float64)[:, None]

    def bellman(self, values, gamma):
        r"""
        Apply the optimality operator, :math:`(Tv)(s) = \max_a (r + \gamma P v)(s, a)`.

        Parameters
        ----------
        values : array-like of shape (n_states,)
            State values.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states,)
            The new values.
        """
        return self.look_ahead(values, gamma).max(axis=1)

    def policy_bellman(self, values, proba, gamma):
        r"""
        Apply the operator of a policy, :math:`(T_\pi v)(s) = E_\pi (r + \gamma P v)`.

        Parameters
        ----------
        values : array-like of shape (n_states,)
            State values.
        proba : array-like of shape (n_states, n_actions)
            The policy.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states,)
            The new values.
        """
        return (np.asarray(proba) * self.look_ahead(values, gamma)).sum(axis=1)

    def look_ahead(self, values, gamma):
        r"""
        Value every action by its reward and what follows, :math:`r + \gamma P v`.

        Parameters
        ----------
        values : array-like of shape (n_states,)
            State values.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states, n_actions)
            Action values.
        """
        check_discount(gamma)
        return self.reward + gamma * self.transition @ np.asarray(values)

    def values(self, proba, gamma):
        r"""
        Solve :math:`v = r_\pi + \gamma P_\pi v`.

        Parameters
        ----------
        proba : array-like of shape (n_states, n_actions)
            The policy.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states,)
            State values of the policy.
        """
        kernel, proba = self._kernel(proba, gamma)
        rewards = (proba * self.reward).sum(axis=1)
        return np.linalg.solve(np.eye(self.n_states) - gamma * kernel, rewards)

    def action_values(self, proba, gamma):
        r"""
        Compute :math:`Q_\pi(s, a)` exactly.

        Parameters
        ----------
        proba : array-like of shape (n_states, n_actions)
            The policy.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states, n_actions)
            Action values of the policy.
        """
        return self.look_ahead(self.values(proba, gamma), gamma)

    def visitation(self, proba, gamma):
        r"""
        Compute :math:`d = (1 - \gamma) \mu^T (I - \gamma P_\pi)^{-1}`.

        Parameters
        ----------
        proba : array-like of shape (n_states, n_actions)
            The policy.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states,)
            The discounted distribution of the states.
        """
        kernel, _ = self._kernel(proba, gamma)
        system = np.eye(self.n_states) - gamma * kernel.T
        return (1 - gamma) * np.linalg.solve(system, self.initial_distribution)

    def expected_return(self, proba, gamma):
        """
        Average the values of a policy over the initial distribution.

        Parameters
        ----------
        proba : array-like of shape (n_states, n_actions)
            The policy.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        float
            The expected discounted return.
        """
        return float(self.initial_distribution @ self.values(proba, gamma))

    def solve(self, gamma):
        """
        Find the optimal values and a deterministic optimal policy.

        Parameters
        ----------
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        Solution
            Optimal `values`, a policy `proba` of shape (n_states, n_actions), and the
            number of rounds of policy iteration.
        """
        proba = _one_hot(self.reward.argmax(axis=1), self.n_actions)
        n_iter = 0
        while True:
            n_iter += 1
            values = self.values(proba, gamma)
            q_values = self.look_ahead(values, gamma)
            # An action changes only for a real gain: rounding would go in circles.
            gain = q_values.max(axis=1) - (proba * q_values).sum(axis=1)
            better = gain > 1e-12 * np.maximum(1.0, np.abs(q_values).max())
            if not better.any():
                return Solution(values, proba, n_iter)
            greedy = _one_hot(q_values.argmax(axis=1), self.n_actions)
            proba = np.where(better[:, None], greedy, proba)

    def _kernel(self, proba, gamma):
        """Transition matrix of a policy, and the policy as an array."""
        check_discount(gamma)
        proba = np.asarray(proba, dtype=np.float64)
        if proba.shape != self.reward.shape:
            raise ValueError(
                f"A policy must have shape {self.reward.shape}, one row per state and "
                f"one column per action. Got {proba.shape} instead."
            )
        return np.einsum("sa,sat->st", proba, self.transition), proba


def _check_entries(transition, reward):
    """Refuse the first state and action whose entries are invalid, by name."""
    valid = np.isfinite(transition).all(axis=2) & (transition >= 0).all(axis=2)
    valid &= np.abs(transition.sum(axis=2) - 1) <= 1e-9
    for state, action in np.argwhere(~valid)[:1]:
        name = f"transition[{state}, {action}]"
        check_distribution(transition[state, action], name)
    for state, action in np.argwhere(~np.isfinite(reward))[:1]:
        raise ValueError(
            f"reward[{state}, {action}] must be finite. Got {reward[state, action]} "
            "instead."
        )


def _one_hot(actions, n_actions):
    return np.eye(n_actions)[actions]


def _check_shapes(transition, reward):
    expected = (*reward.shape, *reward.shape[:1])
    if reward.ndim != 2 or reward.size == 0 or transition.shape != expected:
        raise ValueError(
            "transition must have shape (n_states, n_actions, n_states) and reward "
            f"(n_states, n_actions). Got {transition.shape} and {reward.shape} instead."
        )
