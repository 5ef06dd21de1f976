"""A finite Markov decision process and its exact evaluation."""

from functools import cached_property
from typing import Any, Self

import gymnasium
import numpy as np
from gymnasium.wrappers import TimeLimit
from scipy.special import entr

from skampo.mdp._checks import check_initial, check_reward, read_reward
from skampo.mdp._environment import TabularEnv
from skampo.mdp._policies import as_policy
from skampo.mdp._solvers import Solution, find_optimum
from skampo.mdp._storage import store
from skampo.mdp._toy_text import read_model
from skampo.utils._rows import row_max, row_sum
from skampo.utils._validation import Interval, check_argument, check_discount


class TabularMDP:
    r"""
    A Markov decision process with finitely many states and actions.

    It has no discount of its own: the methods take it, as learners do.

    Parameters
    ----------
    transition : array-like, sparse array or list of sparse arrays
        Probabilities :math:`P(s' | s, a)`. An array has shape
        (n_states, n_actions, n_states). A sparse array has shape
        (n_states * n_actions, n_states), and row ``state * n_actions + action`` holds
        the successors of a state and an action. In a list, there is one of shape
        (n_states, n_states) for each action.
    reward : array-like of shape (n_states, n_actions)
        Expected rewards r(s, a). Of rewards that depend on the successor, r(s, a, s'),
        they are the mean, ``(transition * reward).sum(axis=2)``.
    initial_distribution : array-like of shape (n_states,), default=None
        Distribution :math:`\mu` of the first state; None is uniform.

    Attributes
    ----------
    n_states : int
        Number of states.
    n_actions : int
        Number of actions.
    n_successors : int
        Most states that can follow one state and action.
    states : ndarray of shape (n_states, 1)
        The states as observations: their numbers, as one column of floats.

    Raises
    ------
    ValueError
        If the shapes do not fit, a reward is not finite, or a row of probabilities is
        none; the state and the action are named.

    Warns
    -----
    ConvergenceWarning
        By the methods that evaluate a policy, if a sparse system could not be solved
        to 1e-10 of the largest value, which takes a gamma above 0.9999.

    See Also
    --------
    make_random_mdp : Random models.
    make_gridworld : Models drawn with letters.

    Notes
    -----
    Both forms are copied, and a list becomes one sparse array. Where a policy is
    asked for, rows may sum to 1 up to 1e-6, as float32 has them, and are divided by
    their sum; an error of the sum would be multiplied by :math:`1 / (1 - \gamma)`.

    A policy is evaluated by LAPACK if the form is dense. If it
    is sparse, BiCGSTAB and, where that does not help, sweeps of the operator of the
    policy go on until the largest residual r certifies an error of at most
    :math:`r / (1 - \gamma)` that is below 1e-12 of the values, or all that float64
    allows.

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
        reward = read_reward(reward)
        self._transition = store(transition, reward.shape)
        check_reward(reward)
        self.reward = reward
        self.n_states, self.n_actions = reward.shape
        self.n_successors = self._transition.n_successors
        self.initial_distribution = check_initial(initial_distribution, self.n_states)
        self.states = np.arange(self.n_states, dtype=np.float64)[:, None]

    @classmethod
    def from_env(cls, env) -> Self:
        """
        Read the model of a toy-text environment of gymnasium.

        Parameters
        ----------
        env : gymnasium.Env, str or gymnasium.envs.registration.EnvSpec
            An environment, or an id or specification to make it from. Its
            ``env.unwrapped`` must have a model ``P[state][action]``, a list of
            (probability, next state, reward, terminated), and an
            ``initial_state_distrib``: FrozenLake-v1, Taxi-v4, CliffWalking-v1.

        Returns
        -------
        TabularMDP
            Dense if that takes no more than 8 MB. States keep their numbers.

        Raises
        ------
        ValueError
            If the environment has no such model.

        Notes
        -----
        Nothing follows the end of an episode. A state that is only ever entered by
        ending there becomes absorbing, with reward 0. If the environment ends episodes
        in a state that can also be entered in passing, the end is one more absorbing
        state with the last number (Taxi-v4 has 501 states). What wrappers do, time
        limits for instance, is not part of the model.
        """
        return cls(*read_model(env))

    @property
    def transition(self) -> Any:
        """
        The probabilities, dense or sparse as they were given.

        Returns
        -------
        ndarray of shape (n_states, n_actions, n_states) or csr_array of shape \
                (n_states * n_actions, n_states)
            Float64.
        """
        return self._transition.array

    @cached_property
    def transition_rows(self) -> Any:
        """
        The probabilities in sparse form, whatever form they were given in.

        Returns
        -------
        csr_array of shape (n_states * n_actions, n_states)
            Row ``state * n_actions + action`` holds the successors.
        """
        return self._transition.rows()

    @cached_property
    def absorbing(self) -> np.ndarray:
        """
        Where episodes end: states that every action stays in without any reward.

        Returns
        -------
        ndarray of shape (n_states,)
            Booleans.
        """
        rows = self.transition_rows
        alone = np.diff(rows.indptr) == 1
        successor = rows.indices[rows.indptr[:-1]]
        stays = alone & (
            successor == np.repeat(np.arange(self.n_states), self.n_actions)
        )
        return (stays.reshape(self.reward.shape) & (self.reward == 0)).all(axis=1)

    def to_env(self, *, max_episode_steps: int | None = None) -> gymnasium.Env:
        """
        Make a gymnasium environment that plays the model.

        Parameters
        ----------
        max_episode_steps : int, default=None
            Truncate episodes after so many steps; None never does.

        Returns
        -------
        TabularEnv or gymnasium.wrappers.TimeLimit
            Its episodes terminate in the `absorbing` states, and only there.
        """
        env = TabularEnv(self)
        return env if max_episode_steps is None else TimeLimit(env, max_episode_steps)

    def bellman(self, values, gamma: float) -> np.ndarray:
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
        return row_max(self.look_ahead(values, gamma))

    def policy_bellman(self, values, proba, gamma: float) -> np.ndarray:
        r"""
        Apply the operator of a policy, :math:`(T_\pi v)(s) = E_\pi (r + \gamma P v)`.

        Parameters
        ----------
        values : array-like of shape (n_states,)
            State values.
        proba : array-like of shape (n_states, n_actions) or (n_states,)
            The policy: probabilities, or the integer action of each state.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states,)
            The new values.
        """
        proba = self._as_policy(proba, gamma)
        return row_sum(proba * self.look_ahead(values, gamma))

    def look_ahead(self, values, gamma: float) -> np.ndarray:
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
        return self.reward + gamma * self._transition.expect(np.asarray(values))

    def greedy(self, values, gamma: float) -> np.ndarray:
        """
        Choose the best action of each state by looking one step ahead.

        Parameters
        ----------
        values : array-like of shape (n_states,)
            State values.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states, n_actions)
            A deterministic policy; the first of equally good actions.
        """
        best = self.look_ahead(values, gamma).argmax(axis=1)
        return np.eye(self.n_actions)[best]

    def values(self, proba, gamma: float, *, tau: float = 0.0) -> np.ndarray:
        r"""
        Solve :math:`v = r_\pi + \tau H_\pi + \gamma P_\pi v`.

        Parameters
        ----------
        proba : array-like of shape (n_states, n_actions) or (n_states,)
            The policy: probabilities, or the integer action of each state.
        gamma : float
            Discount factor in [0, 1).
        tau : float, default=0.0
            What a unit of entropy :math:`H_\pi(s)` pays, a finite number of at least 0.

        Returns
        -------
        ndarray of shape (n_states,)
            State values of the policy.
        """
        proba = self._as_policy(proba, gamma)
        check_argument("TabularMDP.values", "tau", tau, Interval(float, 0))
        rewards = row_sum(proba * self.reward)
        if tau > 0:
            rewards = rewards + tau * entr(proba).sum(axis=1)
        kernel = self._transition.kernel(proba)
        # LAPACK may return -0.0.
        return self._transition.solve(kernel, gamma, rewards) + 0.0

    def action_values(self, proba, gamma: float) -> np.ndarray:
        r"""
        Compute :math:`Q_\pi(s, a)` exactly.

        Parameters
        ----------
        proba : array-like of shape (n_states, n_actions) or (n_states,)
            The policy: probabilities, or the integer action of each state.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states, n_actions)
            Action values of the policy.
        """
        return self.look_ahead(self.values(proba, gamma), gamma)

    def visitation(self, proba, gamma: float) -> np.ndarray:
        r"""
        Compute :math:`d = (1 - \gamma) \mu^T (I - \gamma P_\pi)^{-1}`.

        Parameters
        ----------
        proba : array-like of shape (n_states, n_actions) or (n_states,)
            The policy: probabilities, or the integer action of each state.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        ndarray of shape (n_states,)
            The discounted distribution of the states.
        """
        kernel = self._transition.kernel(self._as_policy(proba, gamma))
        start = (1 - gamma) * self.initial_distribution
        visitation = self._transition.solve_transposed(kernel, gamma, start)
        # Zeros may come out as -1e-20, which weights must not be.
        return np.maximum(visitation, 0.0)

    def expected_return(self, proba, gamma: float) -> float:
        """
        Average the values of a policy over the initial distribution.

        Parameters
        ----------
        proba : array-like of shape (n_states, n_actions) or (n_states,)
            The policy: probabilities, or the integer action of each state.
        gamma : float
            Discount factor in [0, 1).

        Returns
        -------
        float
            The expected discounted return.
        """
        return float(self.initial_distribution @ self.values(proba, gamma))

    def solve(
        self, gamma: float, *, method: str = "policy_iteration", tol: float = 1e-10
    ) -> Solution:
        """
        Find the optimal values and a deterministic optimal policy.

        Parameters
        ----------
        gamma : float
            Discount factor in [0, 1).
        method : {"policy_iteration", "modified_policy_iteration", "value_iteration"}, \
                default="policy_iteration"
            Policy iteration evaluates exactly, and ends when no action is better;
            where that leaves a larger error than `tol`, some sweeps of value iteration
            follow. Value iteration applies `bellman` until MacQueen's bounds are close.
            Modified policy iteration [1]_ does so as well, and evaluates the greedy
            policy by 20 sweeps of its own in between: the fastest for large models.
        tol : float, default=1e-10
            Sweeps end when `error` is at most `tol`, or `tol` times the largest value
            if that is larger than 1.

        Returns
        -------
        Solution
            Optimal `values`, a policy `proba` of shape (n_states, n_actions), the
            number of rounds `n_iter`, and a certified bound on the `error` of the
            values.

        Raises
        ------
        InvalidParameterError
            If `gamma`, `method` or `tol` is invalid.

        Warns
        -----
        ConvergenceWarning
            If rounding keeps sweeps from the tolerance.

        References
        ----------
        .. [1] M. Puterman and M. Shin, "Modified policy iteration algorithms for
           discounted Markov decision problems", Management Science 24(11), 1978.
        """
        return find_optimum(self, gamma, method, tol)

    def _as_policy(self, proba, gamma):
        """Rows that sum to 1; what is no policy of this model is refused."""
        check_discount(gamma)
        return as_policy(proba, self.reward.shape)
