"""Optimal values and policies, with a certificate."""

import math
import warnings
from itertools import count
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skampo.exceptions import InvalidParameterError
from skampo.utils._validation import check_discount

__all__ = ["Solution", "find_optimum"]


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
        Rounds of policy iteration, or sweeps of value iteration.
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
    """Evaluate and improve until no action is better, which needs no tolerance."""
    proba = mdp.greedy(np.zeros(mdp.n_states), gamma)
    for n_iter in count(1):
        values = mdp.values(proba, gamma)
        q_values = mdp.look_ahead(values, gamma)
        better = _worth_changing(proba, values, q_values, gamma)
        if not better.any():
            error = _residual_bound(mdp, values, q_values, gamma)
            return Solution(values, proba, n_iter, error)
        # States keep actions that are as good: changing between equals might never end.
        proba = np.where(better[:, None], mdp.greedy(values, gamma), proba)


def _worth_changing(proba, values, q_values, gamma):
    """States with a real gain: errors of the evaluation would go in circles."""
    own = (proba * q_values).sum(axis=1)
    error = np.abs(own - values).max() / (1 - gamma)
    gain = q_values.max(axis=1) - own
    # Both values in the gain may be wrong by as much as the evaluation is.
    return gain > max(1e-12 * np.abs(q_values).max(), 2 * error)


def _residual_bound(mdp, values, q_values, gamma):
    residual = np.abs(q_values.max(axis=1) - values).max()
    return float((residual + _rounding(mdp, values)) / (1 - gamma))


def value_iteration(mdp, gamma, tol):
    """Apply the Bellman operator until MacQueen's bounds are close enough."""
    values = np.zeros(mdp.n_states)
    sweeps_per_check, last_spread = math.ceil(1 / (1 - gamma)), np.inf
    for n_iter in count(1):
        new = mdp.bellman(values, gamma)
        low, high = _macqueen(new - values, gamma)
        spread = high - low
        # The values returned lie in the middle of the bounds.
        error = spread / 2 + _rounding(mdp, new) / (1 - gamma)
        allowed = tol * max(1.0, np.abs(new).max())
        is_check = n_iter % sweeps_per_check == 0
        # Exact sweeps divide the spread by e from check to check; the rest is rounding.
        is_stuck = is_check and spread >= 0.9 * last_spread
        if error <= allowed or is_stuck:
            break
        if is_check:
            last_spread = spread
        values = new
    if is_stuck:
        _warn_of_rounding(error, allowed, gamma)
    best = new + (low + high) / 2
    # Greedy for the values before the sweep: the bounds hold for this policy as well.
    return Solution(best, mdp.greedy(values, gamma), n_iter, float(error))


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
        stacklevel=5,
    )


_METHODS = {"policy_iteration": policy_iteration, "value_iteration": value_iteration}


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
    return _METHODS[method](mdp, gamma, tol)
