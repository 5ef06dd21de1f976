"""Probabilities of arms whose expected rewards are known up to normal errors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from skampo._policy import greedy_proba

__all__ = ["EXPLORATIONS", "ExploringPolicy", "best_proba", "upper_bound_proba"]

# Standard deviations around each mean, where the distribution of the best is summed.
_KNOTS = np.linspace(-6.0, 6.0, 33)
# Numbers that are held at a time.
_MANY = 2**20
_SMALLEST = 1e-300


def upper_bound_proba(means, errors, allowed):
    """All probability on the largest upper bound; exact ties share equally."""
    return greedy_proba(np.where(allowed, means + errors, -np.inf))


def best_proba(means, errors, allowed):
    r"""
    Probabilities that each arm is the best of those that are allowed.

    Parameters
    ----------
    means, errors : ndarray of shape (n, n_arms)
        Means and standard deviations of independent normal distributions.
    allowed : ndarray of bool of shape (n, n_arms)
        Arms that may be the best.

    Returns
    -------
    ndarray of shape (n, n_arms)
        :math:`\int \prod_{b \neq a} F_b(z) \, dF_a(z)`. Rows sum to 1.
    """
    n_arms = means.shape[1]
    # Errors of 0 make steps, which equal arms share.
    size = np.abs(means).max(axis=1, keepdims=True) + errors.max(axis=1, keepdims=True)
    errors = np.maximum(errors, 1e-9 * size + _SMALLEST)
    step = max(1, _MANY // (n_arms**2 * len(_KNOTS)))
    parts = [
        _best_proba(means[start : start + step], errors[start : start + step], mask)
        for start in range(0, len(means), step)
        for mask in [allowed[start : start + step]]
    ]
    return np.concatenate(parts)


def _best_proba(means, errors, allowed):
    n_rows = len(means)
    # Knots of all arms: those of a well known one see where it is.
    knots = (means[:, :, None] + errors[:, :, None] * _KNOTS).reshape(n_rows, 1, -1)
    knots.sort(axis=2)
    below = ndtr((knots - means[:, :, None]) / errors[:, :, None])
    logs = np.log(np.maximum(below, _SMALLEST)) * allowed[:, :, None]
    # Π Fᵦ over the other arms, at the knots.
    others = np.exp(logs.sum(axis=1, keepdims=True) - logs)
    parts = np.diff(below) * (others[:, :, 1:] + others[:, :, :-1])
    proba = np.where(allowed, parts.sum(axis=2), 0.0)
    return proba / proba.sum(axis=1, keepdims=True)


EXPLORATIONS = {"thompson": best_proba, "upper_bound": upper_bound_proba}


@dataclass(frozen=True, eq=False)
class ExploringPolicy:
    """
    A policy that knows how sure it is of the rewards of its arms.

    Parameters
    ----------
    f : callable
        Rows to means and standard deviations of expected rewards, (2, n, n_arms).
    exploration : str
        A name of `EXPLORATIONS`.
    width : float
        Multiplies the standard deviations.
    min_proba : float
        Least probability of an arm that can be taken.
    """

    f: Any
    exploration: str
    width: float
    min_proba: float

    def proba(self, X, action_mask=None):
        """Probabilities of the arms, shape (n, n_arms)."""
        means, errors = self.f(X)
        allowed = True if action_mask is None else action_mask
        allowed = np.broadcast_to(allowed, means.shape)
        proba = EXPLORATIONS[self.exploration](means, self.width * errors, allowed)
        n_allowed = allowed.sum(axis=1, keepdims=True)
        least = np.minimum(self.min_proba, 1 / n_allowed)
        return (1 - n_allowed * least) * proba + least * allowed

    def scores(self, X):
        """Means of the expected rewards, shape (n, n_arms)."""
        return self.f(X)[0]

    def unchecked(self):
        """The same: there is nothing that checks."""
        return self
