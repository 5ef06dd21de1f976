"""Root finder for the normalizers: one increasing function per row, all at once."""

from typing import NamedTuple

import numpy as np

_TOLERANCE = 1e-15
_MAX_STEPS = 300


class Bracket(NamedTuple):
    """Two ends per row, and the values of the function there."""

    lower: np.ndarray
    upper: np.ndarray
    at_lower: np.ndarray
    at_upper: np.ndarray

    @property
    def root(self):
        """The end of each row where the function is nearer to 0."""
        nearer = np.abs(self.at_lower) <= np.abs(self.at_upper)
        return np.where(nearer, self.lower, self.upper)

    @property
    def residual(self):
        """Absolute value of the function at the root."""
        return np.minimum(np.abs(self.at_lower), np.abs(self.at_upper))

    @property
    def fraction(self):
        """Share of the way from `lower` to `upper` where a straight line is 0."""
        share = -self.at_lower / (self.at_upper - self.at_lower)
        return np.clip(np.nan_to_num(share), 0.0, 1.0)


@np.errstate(all="ignore")
def find_root(function, lower, upper):
    """
    Shrink a bracket around the root of one increasing function per row.

    Parameters
    ----------
    function : callable
        Maps an array of shape (n,) to an array of shape (n,), row by row.
    lower, upper : ndarray of shape (n,)
        Ends of an interval that holds the root.

    Returns
    -------
    Bracket
        The last bracket. It never grows, and a row stops as soon as its own residual
        is below the tolerance, so that a row does not depend on the others.

    Notes
    -----
    The method of Anderson and Björck: regula falsi in which the value at an end that
    stays is scaled down. A row whose residual did not halve bisects next, which bounds
    the number of steps for every continuous or jumping function.
    """
    bracket = Bracket(lower, upper, function(lower), function(upper))
    weights = bracket.at_lower, bracket.at_upper
    # -1 equals neither truth value: no end has stayed yet.
    last, was_below = np.inf, np.full(lower.shape, -1)
    bisect = False
    for _ in range(_MAX_STEPS):
        lower, upper, at_lower, at_upper = bracket
        middle = 0.5 * lower + 0.5 * upper
        # NaN fails both comparisons and ends a row, as does a missing change of sign.
        unsolved = (at_lower < -_TOLERANCE) & (at_upper > _TOLERANCE)
        # Between neighboring floats there is no middle.
        unsolved &= (lower < middle) & (middle < upper)
        if not unsolved.any():
            break
        point = _false_position(lower, upper, *weights)
        # Negated, so that the NaN of a level line bisects as well.
        point = np.where(bisect | ~((lower < point) & (point < upper)), middle, point)
        value = function(point)
        below = value <= 0.0
        weights = _reweight(weights, value, below, below == was_below)
        bracket = _shrink(bracket, point, value, unsolved & below, unsolved & ~below)
        bisect = np.abs(value) > 0.5 * last
        last, was_below = np.abs(value), below
    return bracket


def _false_position(lower, upper, w_lower, w_upper):
    """Zero of the straight line through the weighted ends."""
    return lower - w_lower * ((upper - lower) / (w_upper - w_lower))


def _reweight(weights, value, below, repeated):
    """Values that the next straight line uses at the two ends."""
    w_lower, w_upper = weights
    factor = 1.0 - value / np.where(below, w_lower, w_upper)
    # A factor below 0 would turn the line around; a half is always safe.
    factor = np.where(repeated, np.where(factor > 0.0, factor, 0.5), 1.0)
    w_lower, w_upper = (
        np.where(below, value, w_lower * factor),
        np.where(below, w_upper * factor, value),
    )
    return w_lower, w_upper


def _shrink(bracket, point, value, below, above):
    """Move the lower end of the rows `below`, the upper end of the rows `above`."""
    return Bracket(
        np.where(below, point, bracket.lower),
        np.where(above, point, bracket.upper),
        np.where(below, value, bracket.at_lower),
        np.where(above, value, bracket.at_upper),
    )
