"""Estimates that are sums of ratios of means over episodes, and their intervals."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

__all__ = ["RatioSum", "effective_size"]


@dataclass(frozen=True, eq=False)
class RatioSum:
    r"""
    The sum over k of :math:`\sum_i x_{ik} / \sum_i z_{ik}`, i running over episodes.

    A mean is one such ratio with z = 1; self-normalized estimates have one per step.
    """

    numerators: np.ndarray
    denominators: np.ndarray

    @classmethod
    def mean(cls, values):
        """The mean of one value per episode."""
        return cls(values[:, None], np.ones((len(values), 1)))

    def estimate(self):
        """The value for all episodes, each counted once."""
        return float(self.resample(np.ones((1, len(self.numerators))))[0][0])

    def interval(self, confidence, n_bootstraps, random_state):
        """
        Studentized bootstrap over episodes; NaN where there are too few to tell.

        The error of each resample is taken from the resample itself, so that the
        interval is wider where the weights are uneven.
        """
        n_episodes = len(self.numerators)
        if n_bootstraps == 0 or n_episodes < 2:
            return np.nan, np.nan
        rng = check_random_state(random_state)
        shares = np.full(n_episodes, 1 / n_episodes)
        counts = rng.multinomial(n_episodes, shares, size=n_bootstraps)
        values, errors = self.resample(counts.astype(np.float64))
        value, error = (x[0] for x in self.resample(np.ones((1, n_episodes))))
        known = errors > 0
        if not known.any():
            return value, value
        tails = (1 + confidence) / 2, (1 - confidence) / 2
        high, low = np.quantile((values - value)[known] / errors[known], tails)
        return value - high * error, value - low * error

    def influence(self):
        """What each episode adds to the estimate, to first order."""
        return self._ratios(np.ones((1, len(self.numerators))))[1][0]

    def resample(self, counts):
        """Values and their standard errors, where episode i counts (b, i) times."""
        ratios, influence = self._ratios(counts)
        return ratios.sum(axis=1), np.sqrt((counts * influence**2).sum(axis=1))

    def _ratios(self, counts):
        """Ratios (b, k), and the influence (b, i) of the episodes on their sum."""
        above, below = counts @ self.numerators, counts @ self.denominators
        inverse = np.divide(1.0, below, where=below != 0, out=np.zeros_like(below))
        ratios = above * inverse
        influence = inverse @ self.numerators.T
        influence -= (ratios * inverse) @ self.denominators.T
        return ratios, influence


def effective_size(weights):
    """Number of equally weighted episodes that would know as much."""
    largest = weights.max(initial=0.0)
    if not largest > 0:
        return 0.0
    scaled = weights / largest
    return float(scaled.sum() ** 2 / (scaled**2).sum())
