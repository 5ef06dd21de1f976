"""Estimates that are sums of ratios of means over episodes, and their intervals."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t
from sklearn.utils import check_random_state

# So many numbers of resamples are in memory at once.
_BLOCK = 10**7


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

    def minus(self, other):
        """The difference to another sum of ratios over the same episodes."""
        return RatioSum(
            np.hstack([self.numerators, -other.numerators]),
            np.hstack([self.denominators, other.denominators]),
        )

    def estimate(self):
        """The value for all episodes, each counted once."""
        return float(self.ratios(self.once)[0].sum())

    def interval(self, confidence, n_bootstraps, random_state):
        """
        Studentized bootstrap over episodes; NaN where there are too few to tell.

        The error of each resample is taken from the resample itself, so that the
        interval is wider where the weights are uneven; and wider again for what the
        log is too short to show.
        """
        # Weights of 1e304 have no interval: a complaint says so, not an overflow.
        with np.errstate(over="ignore", invalid="ignore"):
            below, above = self.reach(confidence, n_bootstraps, random_state)
            if np.isnan(below):
                return np.nan, np.nan
            value, error = (x[0] for x in self.resample(self.once))
            return value - below * error, value + above * error

    def reach(self, confidence, n_bootstraps, random_state):
        """How many standard errors the interval reaches below and above the value."""
        draws = self.draws(n_bootstraps, random_state)
        resampled = [self.resample(counts) for counts in draws]
        if not resampled:
            return np.nan, np.nan
        values, errors = (np.concatenate(x) for x in zip(*resampled, strict=True))
        value, error = (x[0] for x in self.resample(self.once))
        if not error > 0:
            return norm.ppf((1 + confidence) / 2) * np.ones(2)
        # A resample that misses the few rows that differ would be certain.
        errors = np.maximum(errors, error / 3)
        tails = (1 + confidence) / 2, (1 - confidence) / 2
        # The upper quantile of the error is what the lower end has to leave out.
        high, low = np.quantile((values - value) / errors, tails) * self._allowance()
        return high, -low

    def _allowance(self):
        """
        By how much the error grows with what a log this long is too short to show.

        The largest of n values is met once in n on average: what lies beyond it adds
        about its square to their sum of squares, and twice that if tails fall with the
        fourth power. Where no episode stands out, that is next to nothing.
        """
        squares = self.influence().sum(axis=1) ** 2
        return np.sqrt(1 + 2 * squares.max() / squares.sum())

    def draws(self, n_bootstraps, random_state):
        """How often each episode counts in each resample, in blocks of resamples."""
        n_episodes = len(self.numerators)
        if n_episodes < 2:
            # Every resample of a single episode is that episode.
            return
        rng = check_random_state(random_state)
        shares = np.full(n_episodes, 1 / n_episodes)
        size = max(1, _BLOCK // n_episodes)
        for start in range(0, n_bootstraps, size):
            # Counts instead of rows make all resamples one product of matrices.
            n_resamples = min(size, n_bootstraps - start)
            drawn = rng.multinomial(n_episodes, shares, size=n_resamples)
            yield drawn.astype(np.float64)

    def resample(self, counts):
        """Values and their standard errors, where episode i counts (b, i) times."""
        ratios, inverse = self.ratios(counts)
        # What each episode adds, to first order: Σₖ (xᵢₖ - ρₖ zᵢₖ) / Zₖ.
        influence = inverse @ self.numerators.T
        influence -= (ratios * inverse) @ self.denominators.T
        return ratios.sum(axis=1), np.sqrt((counts * influence**2).sum(axis=1))

    def ratios(self, counts):
        """The ratios (b, k) in each resample, and one over their denominators."""
        above, below = counts @ self.numerators, counts @ self.denominators
        # All weights of a step may be 0 in a resample: it then adds 0 and not NaN.
        inverse = np.divide(1.0, below, where=below != 0, out=np.zeros_like(below))
        return above * inverse, inverse

    def influence(self):
        """What each episode adds to each ratio, to first order: (i, k)."""
        ratios, inverse = self.ratios(self.once)
        return inverse * (self.numerators - ratios * self.denominators)

    @property
    def once(self):
        """The counts of all episodes, each once."""
        return np.ones((1, len(self.numerators)))


def grouped(ratio, log):
    """Rows of one label, as of one customer, are drawn together if nothing follows."""
    if not log.is_one_step or log.is_start.all():
        return ratio
    starts = np.flatnonzero(log.is_start)
    sums = (np.add.reduceat(x, starts) for x in (ratio.numerators, ratio.denominators))
    return RatioSum(*sums)


def spread(value, resampled, confidence):
    """The value and a multiple of the standard deviation of few of its resamples."""
    if len(resampled) < 2:
        return np.nan, np.nan
    # Student's: a standard deviation of 25 resamples is itself uncertain.
    multiple = t.ppf((1 + confidence) / 2, len(resampled) - 1)
    margin = multiple * np.std(resampled, ddof=1)
    return value - margin, value + margin


def effective_size(weights):
    """Number of equally weighted episodes that would know as much."""
    largest = weights.max(initial=0.0)
    if not largest > 0:
        return 0.0
    # Weights reach 1e304, and their squares would be infinite.
    scaled = weights / largest
    return float(scaled.sum() ** 2 / (scaled**2).sum())
