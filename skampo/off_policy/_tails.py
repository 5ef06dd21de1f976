"""How heavy the largest weights are: the shape of a generalized Pareto distribution."""

import numpy as np

# Fewer different weights have no tail to speak of.
_FEWEST = 5
# What the shape is drawn to, as by so many more weights of this shape.
_PRIOR, _WEIGHT = 0.5, 10


def pareto_shape(weights):
    r"""
    Shape k of a generalized Pareto distribution fitted to the largest weights.

    The tail are the :math:`\min(n / 5, 3 \sqrt n)` largest, less the largest weight
    below them. Of the distribution, the moments of order :math:`1 / k` and above are
    infinite: means converge slowly above 0.7, and a variance exists below 0.5.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        Importance weights, 0 or more.

    Returns
    -------
    float
        The shape by the estimator of Zhang and Stephens with the prior of Pareto
        smoothed importance sampling; NaN where fewer than five weights of the tail
        differ.

    See Also
    --------
    PolicyReport : Says what follows.

    References
    ----------
    .. [1] J. Zhang and M. A. Stephens, "A new and efficient estimation method for the
       generalized Pareto distribution", Technometrics 51, 2009.
    .. [2] A. Vehtari et al., "Pareto smoothed importance sampling", JMLR 25, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.off_policy._tails import pareto_shape
    >>> uniform = (np.arange(10_000) + 0.5) / 10_000
    >>> round(pareto_shape(uniform**-0.9), 1), round(pareto_shape(uniform), 1)
    (0.9, -0.9)
    """
    ordered = np.sort(weights)
    n_tail = int(min(len(ordered) / 5, 3 * np.sqrt(len(ordered))))
    above = ordered[-n_tail:] - ordered[-n_tail - 1]
    above = above[above > 0]
    if len(np.unique(above)) < _FEWEST:
        return np.nan
    shape = _fit(above / above[-1])
    return float((len(above) * shape + _WEIGHT * _PRIOR) / (len(above) + _WEIGHT))


def _fit(excess):
    """The posterior mean of Zhang and Stephens, for a sorted sample up to 1."""
    n = len(excess)
    n_points = 30 + int(np.sqrt(n))
    quartile = excess[max(int(n / 4 + 0.5) - 1, 0)]
    grid = 1 - np.sqrt(n_points / (np.arange(n_points) + 0.5))
    theta = 1 / excess[-1] + grid / (3 * quartile)
    shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
    likelihood = n * (np.log(-theta / shapes) - shapes - 1)
    chances = np.exp(likelihood - likelihood.max())
    mean = theta @ chances / chances.sum()
    return float(np.log1p(-mean * excess).mean())
