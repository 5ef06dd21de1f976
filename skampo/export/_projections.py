"""From scores to probabilities: the last step, which knows the mask."""

from dataclasses import dataclass

import numpy as np

from skampo.export._steps import Step

# Halves an interval until floats have no middle.
_HALVINGS = 1100


@dataclass(frozen=True, eq=False)
class Projection(Step):
    """Probabilities of scores, of which forbidden actions have none."""

    @property
    def helper(self):
        """Name of the function that computes it."""
        return f"project_{super().helper}"

    def evaluate(self, scores, mask=None):
        """A row of probabilities for each row."""
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        with np.errstate(all="ignore"):
            shifted = scores - scores.max(axis=1, keepdims=True)
            # No action is allowed: the difference of equal infinities.
            weights = self.weigh(np.nan_to_num(shifted, nan=0.0, neginf=-np.inf))
            return weights / weights.sum(axis=1, keepdims=True)

    def weigh(self, shifted):
        """Weights of scores whose largest is 0."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Greedy(Projection):
    """All probability on the largest score; exact ties share it."""

    def weigh(self, shifted):
        """1 for the best."""
        return (shifted == 0.0).astype(float)


@dataclass(frozen=True, eq=False)
class Softmax(Projection):
    """Proportional to the exponential."""

    eta: float

    def weigh(self, shifted):
        """The exponential."""
        return np.exp(self.eta * shifted)


@dataclass(frozen=True, eq=False)
class Simplex(Projection):
    """The nearest probabilities, by sorting."""

    eta: float

    def weigh(self, shifted):
        """``max(y + constant, 0)``, which sums to 1."""
        # What is two below the best has no weight, and sums stay finite.
        y = np.maximum(self.eta * shifted, -2.0)
        descending = -np.sort(-y, axis=1)
        missing = 1.0 - np.cumsum(descending, axis=1)
        ranks = np.arange(1, y.shape[1] + 1)
        support = np.count_nonzero(descending * ranks + missing > 0, axis=1)[:, None]
        constant = np.take_along_axis(missing, support - 1, axis=1) / support
        return np.maximum(y + constant, 0.0)


@dataclass(frozen=True, eq=False)
class Peaked(Projection):
    """Weights that follow from the largest of them, which is found by halving."""

    eta: float

    def weigh(self, shifted):
        """Those that sum to 1."""
        y = self.eta * shifted
        n, n_actions = y.shape
        low, high = np.full(n, 1.0 / n_actions), np.ones(n)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if ((middle <= low) | (middle >= high)).all():
                break
            small = self.at(y, middle).sum(axis=1) < 1.0
            low, high = np.where(small, middle, low), np.where(small, high, middle)
        # The lower end, for a peak of 1 would leave nothing to the others.
        return self.at(y, low)

    def at(self, y, peak):
        """Weights of scores, the largest of which is `peak`."""
        peak = peak[:, None]
        weights = self.potential(y + self.inverse(peak))
        return np.where(y == 0.0, peak, np.where(np.isneginf(y), 0.0, weights))

    def potential(self, x):
        """Increasing; 0 for what has no weight."""
        raise NotImplementedError

    def inverse(self, p):
        """The inverse of the potential."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Tsallis(Peaked):
    """The potential is a power, or nearly an exponential."""

    q: float

    def potential(self, x):
        """``(1 + (q - 1) x / q) ** (1 / (q - 1))``."""
        power = self.q - 1.0
        slope = np.maximum(power * x / self.q, -1.0)
        return np.where(slope > -1.0, np.exp(np.log1p(slope) / power), 0.0)

    def inverse(self, p):
        """``q (p ** (q - 1) - 1) / (q - 1)``."""
        power = self.q - 1.0
        return self.q * np.expm1(power * np.log(p)) / power


@dataclass(frozen=True, eq=False)
class Hyperbolic(Peaked):
    """The potential is a hyperbolic sine."""

    b: float

    def potential(self, x):
        """``b sinh(x)``."""
        return self.b * np.sinh(np.maximum(x, 0.0))

    def inverse(self, p):
        """``arcsinh(p / b)``."""
        return np.arcsinh(p / self.b)


@dataclass(frozen=True, eq=False)
class Tangent(Peaked):
    """The potential is a hyperbolic tangent between 0 and 1."""

    def potential(self, x):
        """``(1 + tanh(x)) / 2``."""
        return 1.0 / (1.0 + np.exp(-2.0 * x))

    def inverse(self, p):
        """``log(p / (1 - p)) / 2``."""
        return 0.5 * np.log(p / (1.0 - p))
