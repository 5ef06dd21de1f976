"""What is known of the rewards of all arms, from sums over the rows so far."""

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
from scipy.sparse import issparse

from skampo.features._lending import as_numbers

__all__ = ["Posterior"]


@dataclass(frozen=True, eq=False)
class Posterior:
    r"""
    Normal posteriors of the rewards of all arms, given a ridge for each.

    With features u = [1, x - origin], the prior of the weights of each arm is
    :math:`N(0, \sigma^2 / \alpha)` around the mean reward of all rows. The noise
    :math:`\sigma` is the same for all arms, and estimated.

    Parameters
    ----------
    grams : ndarray of shape (n_arms, p, p)
        Sums of u uᵀ over the rows of each arm.
    moments : ndarray of shape (n_arms, p)
        Sums of u r.
    square : float
        Sum of r² over all rows.
    origin : ndarray of shape (p - 1,)
        Subtracted from all rows, because squares of numbers far from 0 lose digits.
    alpha : float
        The penalty of the ridge.
    standardizes : bool
        Whether columns are standardized, by the rows so far, before they are penalized.
    """

    grams: np.ndarray
    moments: np.ndarray
    square: float
    origin: np.ndarray
    alpha: float
    standardizes: bool

    @classmethod
    def prior(cls, features, alpha, standardizes):
        """What is known of no arms before the first row, which is the origin."""
        origin = _dense(features)[0]
        size = 1 + len(origin)
        sums = np.zeros((0, size, size)), np.zeros((0, size))
        return cls(*sums, 0.0, origin, alpha, standardizes)

    def with_arms(self, places, n_arms):
        """The same with more arms, of which nothing is known; the old ones go here."""
        grams = np.zeros((n_arms, *self.grams.shape[1:]))
        moments = np.zeros((n_arms, *self.moments.shape[1:]))
        grams[places], moments[places] = self.grams, self.moments
        return replace(self, grams=grams, moments=moments)

    def update(self, features, arms, rewards):
        """The posterior after more rows."""
        rows = self._rows(features)
        grams, moments = self.grams.copy(), self.moments.copy()
        for arm in np.unique(arms):
            own = rows[arms == arm]
            grams[arm] += own.T @ own
            moments[arm] += own.T @ rewards[arms == arm]
        square = self.square + float(rewards @ rewards)
        return replace(self, grams=grams, moments=moments, square=square)

    def __call__(self, features):
        """Means and standard deviations of the expected rewards, (2, n, n_arms)."""
        basis, mean, weights, covariances = self._solved
        rows = self._rows(features) @ basis.T
        # zᵀ C z for each row z and arm.
        variances = ((rows @ covariances) * rows).sum(axis=2).T
        return np.stack([mean + rows @ weights.T, np.sqrt(np.maximum(variances, 0.0))])

    def _check_loaded(self):
        """Refuse sums that no rows have."""
        grams, size = self.grams, 1 + len(self.origin)
        sums = grams, self.moments, self.origin, self.square
        if grams.shape[1] != size or not all(np.isfinite(x).all() for x in sums):
            raise ValueError(f"sums over rows of other than {size} finite numbers")
        rounding = 1e-9 * np.abs(grams).max()
        skew = np.abs(grams - grams.swapaxes(1, 2)).max()
        if skew > rounding or np.linalg.eigvalsh(grams).min() < -rounding:
            raise ValueError("sums of squares that are none")
        if not (self.alpha > 0 and grams[:, 0, 0].sum() > 0):
            raise ValueError("a penalty that is not above 0, or no rows")

    def _to_data(self):
        """What a file holds: not what was solved."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _solved(self):
        """Units of the features, mean reward, and weights with their covariances."""
        total = self.grams.sum(axis=0)
        n_rows, basis = total[0, 0], self._basis(total)
        mean = self.moments[:, 0].sum() / n_rows
        grams = basis @ self.grams @ basis.T
        moments = (self.moments - mean * self.grams[:, 0]) @ basis.T
        inverses = np.linalg.inv(grams + self.alpha * np.eye(len(total)))
        weights = (inverses @ moments[:, :, None])[:, :, 0]
        # σ² = (Σ (r - r̄)² - Σ bᵀ A⁻¹ b + one row of prior) / (n + 1)
        spread = max(self.square - n_rows * mean**2, 0.0)
        left = max(spread - float((moments * weights).sum()), 0.0)
        noise = (left + spread / n_rows) / (n_rows + 1)
        return basis, mean, weights, noise * inverses

    def _basis(self, total):
        """The matrix that makes standardized columns of rows [1, x - origin]."""
        basis = np.eye(len(total))
        if self.standardizes:
            means = total[0, 1:] / total[0, 0]
            squares = np.diagonal(total)[1:] / total[0, 0]
            variances = squares - means**2
            # What is left of a constant column is rounding.
            variances[variances <= 1e-12 * squares] = 1.0
            basis[1:, 1:] /= np.sqrt(np.where(variances > 0, variances, 1.0))
            basis[1:, 0] = -basis[1:, 1:] @ means
        return basis

    def _rows(self, features):
        features = _dense(features) - self.origin
        return np.hstack([np.ones((len(features), 1)), features])


def _dense(features):
    features = as_numbers(features)
    return features.toarray() if issparse(features) else features
