"""Optimal values and policies, with a certificate."""

import copy
import math
import warnings
from itertools import count
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skampo.exceptions import InvalidParameterError
from skampo.utils._rows import row_max
from skampo.utils._validation import check_discount

# Sweeps after policy iteration, whose values are nearly optimal.
_MOST_SWEEPS = 10_000
# Sweeps of one policy after each sweep of the optimality operator.
_MORE_SWEEPS = 20
# Rewards this many spreads away from 0 would lose their differences in rounding.
_FAR = 10.0


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
        Rounds of policy iteration, or sweeps of the optimality operator.
    error : float
        No entry of `values` is farther than this from the optimal value. It follows
        from the Bellman residual, rounding included.

    Examples
    --------
    >>> from skampo.mdp import make_random_mdp
    >>> solution = make_random_mdp(3, 2, random_state=0).solve(0.9)
    >>> solution.values.shape
    (3,)
    >>> solution.error < 1e-12
    True
    """

    values: np.ndarray
    proba: np.ndarray
    n_iter: int
    error: float


def policy_iteration(mdp, gamma, tol):
    """Evaluate and improve until no action is better, then sweep to the tolerance."""
    solution = _iterate_policies(mdp, gamma)
    # Sweeps reduce the error to twice that of rounding, if not to the tolerance.
    rounding = 2 * _rounding(mdp, solution.values) / (1 - gamma)
    if solution.error <= max(_allowed(tol, solution.values), rounding):
        return solution
    polished, _ = _sweep(mdp, gamma, tol, solution.values, _MOST_SWEEPS)
    better = min(solution, polished, key=lambda found: found.error)
    return better._replace(n_iter=solution.n_iter)


def _iterate_policies(mdp, gamma):
    """Evaluate and improve until the gain may be an error of the evaluation."""
    states, values = np.arange(mdp.n_states), None
    actions = mdp.reward.argmax(axis=1)
    for n_iter in count(1):
        values = _evaluate(mdp, actions, gamma, values)
        q_values = mdp.look_ahead(values, gamma)
        better = _worth_changing(q_values[states, actions], values, q_values, gamma)
        if not better.any():
            error = _residual_bound(mdp, values, q_values, gamma)
            return Solution(values, np.eye(mdp.n_actions)[actions], n_iter, error)
        # States keep actions that are as good: changing between equals might never end.
        actions = np.where(better, q_values.argmax(axis=1), actions)


def _evaluate(mdp, actions, gamma, start):
    """Values of a deterministic policy; those of the last one are a good start."""
    kernel = mdp._transition.kernel_of(actions)
    rewards = mdp.reward[np.arange(mdp.n_states), actions]
    # LAPACK may return -0.0.
    return mdp._transition.solve(kernel, gamma, rewards, start) + 0.0


def _worth_changing(own, values, q_values, gamma):
    """States with a real gain: errors of the evaluation would go in circles."""
    error = np.abs(own - values).max() / (1 - gamma)
    gain = row_max(q_values) - own
    # Both values in the gain may be wrong by as much as the evaluation is.
    return gain > max(1e-12 * np.abs(q_values).max(), 2 * error)


def _residual_bound(mdp, values, q_values, gamma):
    residual = np.abs(row_max(q_values) - values).max()
    return float((residual + _rounding(mdp, values)) / (1 - gamma))


def value_iteration(mdp, gamma, tol):
    """Apply the Bellman operator until MacQueen's bounds are close enough."""
    return _from_zero(mdp, gamma, tol, n_more=0)


def modified_policy_iteration(mdp, gamma, tol):
    """The same, and after each sweep some of its greedy policy, which cost less."""
    return _from_zero(mdp, gamma, tol, n_more=_MORE_SWEEPS)


def _from_zero(mdp, gamma, tol, n_more):
    start = np.zeros(mdp.n_states)
    solution, is_stuck = _sweep(mdp, gamma, tol, start, n_more=n_more)
    if is_stuck:
        _warn_of_rounding(solution.error, _allowed(tol, solution.values), gamma)
    return solution


def _allowed(tol, values):
    return tol * max(1.0, np.abs(values).max())


def _sweep(mdp, gamma, tol, values, most=math.inf, n_more=0):
    """Sweep until the error is allowed; say whether rounding is in the way."""
    sweeps_per_check, last_spread = math.ceil(1 / (1 - gamma)), np.inf
    for n_iter in count(1):
        q_values = mdp.look_ahead(values, gamma)
        new = row_max(q_values)
        low, high = _macqueen(new - values, gamma)
        spread = high - low
        # The values returned lie in the middle of the bounds.
        error = spread / 2 + _rounding(mdp, new) / (1 - gamma)
        is_check = n_iter % sweeps_per_check == 0
        # Exact sweeps divide the spread by e from check to check; the rest is rounding.
        is_stuck = is_check and spread >= 0.9 * last_spread
        if error <= _allowed(tol, new) or is_stuck or n_iter >= most:
            break
        if is_check:
            last_spread = spread
        values = new
        if n_more:
            middle = new + (low + high) / 2
            values = _follow(mdp, q_values.argmax(axis=1), gamma, middle, n_more)
    best = new + (low + high) / 2
    # Greedy for the values before the sweep: the bounds hold for this policy as well.
    proba = np.eye(mdp.n_actions)[q_values.argmax(axis=1)]
    return Solution(best, proba, n_iter, float(error)), is_stuck


def _follow(mdp, actions, gamma, values, n_sweeps):
    """Values after some sweeps of one policy."""
    kernel = mdp._transition.kernel_of(actions)
    rewards = mdp.reward[np.arange(mdp.n_states), actions]
    for _ in range(n_sweeps):
        values = rewards + gamma * (kernel @ values)
    return values


def _macqueen(change, gamma):
    """What must be added to the last sweep, at least and at most."""
    return (gamma / (1 - gamma) * bound for bound in (change.min(), change.max()))


def _rounding(mdp, values):
    """Largest rounding error in one application of the Bellman operator."""
    magnitude = np.abs(mdp.reward).max() + np.abs(values).max()
    # A sum of n products errs by n roundings of eps / 2 at most, the rest by a few.
    return (mdp.n_successors + 4) * np.finfo(np.float64).eps / 2 * magnitude


def _warn_of_rounding(error, allowed, gamma):
    warnings.warn(
        f"Value iteration is certain only to {error:.1e} where {allowed:.1e} was asked "
        f"for: float64 allows no more with gamma={gamma!r}. Use a larger tol.",
        ConvergenceWarning,
        # Where `TabularMDP.solve` was called.
        stacklevel=6,
    )


_METHODS = {
    "modified_policy_iteration": modified_policy_iteration,
    "policy_iteration": policy_iteration,
    "value_iteration": value_iteration,
}


def find_optimum(mdp, gamma, method, tol):
    """Solve by a method of this name, once the tolerance is checked."""
    if not isinstance(method, str) or method not in _METHODS:
        raise InvalidParameterError(
            f"method must be one of {sorted(_METHODS)}. Got {method!r} instead."
        )
    if isinstance(tol, bool) or not isinstance(tol, Real) or not 0 < tol < math.inf:
        raise InvalidParameterError(
            f"tol must be a float in the range (0.0, inf). Got {tol!r} instead."
        )
    check_discount(gamma)
    offset = _offset(mdp.reward)
    if not offset:
        return _METHODS[method](mdp, gamma, tol)
    centered = copy.copy(mdp)
    centered.reward = mdp.reward - offset
    solution = _METHODS[method](centered, gamma, tol)
    values = solution.values + offset / (1 - gamma)
    error = solution.error + _rounding(mdp, values) / (1 - gamma)
    return solution._replace(values=values, error=float(error))


def _offset(reward):
    """A constant beside which rewards hardly differ, else 0: it decides nothing."""
    low, high = reward.min(), reward.max()
    middle = low / 2 + high / 2
    return middle if abs(middle) > _FAR * (high / 2 - low / 2) else 0.0
