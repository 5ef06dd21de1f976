"""Families of mirror maps whose normalizer is found numerically."""

import numpy as np
from scipy.special import expit, logit

from skampo.exceptions import InvalidParameterError
from skampo.mirror_maps._base import (
    MirrorMap,
    normalize,
)
from skampo.mirror_maps._closed_form import (
    relative_entropy,
    simplex_normalizer,
    simplex_projection,
    softmax,
)
from skampo.mirror_maps._normalizer import find_root
from skampo.mirror_maps._potential import PotentialMap
from skampo.utils._rows import row_max, row_sum
from skampo.utils._validation import check_positive

# Up to this index the potential is written around p = 1, where it stays accurate as
# q approaches 1; above it around p = 0, where it stays accurate for large q.
_LAST_SHIFTED_INDEX = 1.5
# Nearer to q = 1, the constant 1 / (q − 1) would cost a gradient six digits or more.
_LEAST_POWER = 1e-6
# For a smaller scale b, 1 / b or a hyperbolic sine of its size may overflow.
_SMALLEST_SCALE = np.finfo(float).tiny
# Instead of the infinite distance of the next best action where none is allowed.
_FARTHEST = 1e300


class Tsallis(PotentialMap):
    r"""
    Negative Tsallis entropy: between softmax and sparse policies, and beyond both.

    Parameters
    ----------
    q : float, default=1.5
        Entropic index in (0, inf). Below 1 every action keeps a probability with
        polynomial tails, 1 is `NegativeEntropy`, above 1 the policy is sparse, and 2 is
        `Euclidean` with scores halved.

    Notes
    -----
    .. math::

        h(p) = \frac{\sum_a p_a^q - 1}{q - 1}, \quad
        \nabla h(p)_a = \frac{q}{q - 1} p_a^{q - 1}, \quad
        \pi_a = \left[ \frac{q - 1}{q} (y_a + \lambda) \right]_+^{1 / (q - 1)} .

    `project`, `dual` and `divergence` are continuous in `q` at 1. So is `gradient` but
    for the constant :math:`1 / (q - 1)`, which changes no policy. It is left out within
    1e-6 of 1, where it would drown the probabilities.

    References
    ----------
    .. [1] C. Tsallis, "Possible generalization of Boltzmann-Gibbs statistics", Journal
       of Statistical Physics 52, 1988.

    Examples
    --------
    >>> from skampo.mirror_maps import Tsallis
    >>> Tsallis(q=1.5).project([[1.0, 0.0, -3.0]]).round(4)
    array([[0.7291, 0.2709, 0.    ]])
    >>> Tsallis(q=0.5).project([[1.0, 0.0, -3.0]]).round(4)
    array([[0.7474, 0.215 , 0.0376]])
    """

    def __init__(self, q: float = 1.5):
        self.q = q

    def _check_parameters(self):
        check_positive(self, "q")

    def _potential(self, x):
        power = self.q - 1.0
        slope = power * (x / self.q)
        if self.q > _LAST_SHIFTED_INDEX:
            return np.maximum(slope, 0.0) ** (1.0 / power)
        # At -1 the logarithm is -inf: φ is 0 there for q > 1, and infinite for q < 1.
        return np.exp(np.log1p(np.maximum(slope, -1.0)) / power)

    def _inverse_potential(self, p):
        power = self.q - 1.0
        if self.q > _LAST_SHIFTED_INDEX:
            return self.q / power * p**power
        return self.q * np.expm1(power * np.log(p)) / power

    def _mirror_function(self, p):
        power = self.q - 1.0
        if self.q > _LAST_SHIFTED_INDEX:
            return p**self.q / power
        # An antiderivative of the shifted inverse; for q < 1 it is NaN at 0, as 0 · ∞.
        value = p * np.expm1(power * np.log(p)) / power - p
        return np.where(p > 0.0, value, 0.0)

    def _project(self, shifted):
        if self.q == 1:
            return softmax(shifted)
        if self.q == 2:
            # φ(x) = x / 2 has a closed form: that of `Euclidean` at half the scores.
            return simplex_projection(0.5 * shifted)
        return super()._project(shifted)

    def _dual(self, shifted):
        # φ⁻¹(0) is -inf, so that the normalizer is not needed.
        if self.q <= 1:
            return shifted
        if self.q == 2:
            return np.maximum(shifted, -2.0 * simplex_normalizer(0.5 * shifted))
        return super()._dual(shifted)

    def _gradient(self, proba):
        if self.q == 1:
            return 1.0 + np.log(proba)
        if abs(self.q - 1.0) < _LEAST_POWER:
            return 1.0 + self._inverse_potential(proba)
        return self.q / (self.q - 1.0) * proba ** (self.q - 1.0)

    def _divergence(self, p, q):
        if self.q == 1:
            return relative_entropy(p, q)
        return super()._divergence(p, q)


class HyperbolicEntropy(PotentialMap):
    r"""
    Hyperbolic entropy: sparse like `Euclidean`, fast like `NegativeEntropy`.

    Parameters
    ----------
    b : float, default=0.3
        Scale in [2.23e-308, inf), the normal floats. A small one comes near
        `NegativeEntropy`, a large one near `Euclidean` with scores multiplied by `b`.

    Notes
    -----
    .. math::

        h(p) = \sum_a p_a \operatorname{arcsinh}(p_a / b) - \sqrt{p_a^2 + b^2}, \quad
        \nabla h(p)_a = \operatorname{arcsinh}(p_a / b), \quad
        \pi_a = b \sinh(\max(y_a + \lambda, 0)) .

    References
    ----------
    .. [1] U. Ghai, E. Hazan, Y. Singer, "Exponentiated gradient meets gradient
       descent", ALT 2020.

    Examples
    --------
    >>> from skampo.mirror_maps import HyperbolicEntropy
    >>> HyperbolicEntropy(b=0.3).project([[1.0, 0.0, -3.0]]).round(4)
    array([[0.779, 0.221, 0.   ]])
    """

    def __init__(self, b: float = 0.3):
        self.b = b

    def _check_parameters(self):
        if check_positive(self, "b") < _SMALLEST_SCALE:
            raise InvalidParameterError(
                "The 'b' parameter of HyperbolicEntropy must be at least "
                f"{_SMALLEST_SCALE:.3g}, the smallest normal float. Got {self.b!r} "
                "instead: use NegativeEntropy() for the limit of small ones."
            )

    def _potential(self, x):
        return self.b * np.sinh(np.maximum(x, 0.0))

    def _inverse_potential(self, p):
        return np.arcsinh(p / self.b)

    def _mirror_function(self, p):
        # The square root less b, written so that a large b cancels nothing.
        root_excess = p * (p / (self.b + np.hypot(p, self.b)))
        return p * np.arcsinh(p / self.b) - root_excess


class HyperbolicTangent(MirrorMap):
    r"""
    Binary negative entropy of every action; its potential is a hyperbolic tangent.

    With two actions the policy is the softmax; with more, an action loses weight only
    against the sum of the others.

    Notes
    -----
    .. math::

        h(p) = \tfrac12 \sum_a p_a \log p_a + (1 - p_a) \log(1 - p_a), \quad
        \nabla h(p)_a = \tfrac12 \log \frac{p_a}{1 - p_a}, \quad
        \pi_a = \tfrac12 + \tfrac12 \tanh(y_a + \lambda) .

    The potential is bounded by 1, so that the normalizer of a nearly deterministic row
    is huge. It is found from the balance between the best action's missing probability
    and the other actions, which keeps tiny probabilities accurate: with
    :math:`y_{(2)}` the second largest score less the largest, the normalizer of A
    actions lies between :math:`-\tfrac12 y_{(2)} - \tfrac12 \log(A - 1)` and
    :math:`-\tfrac12 y_{(2)}`.

    References
    ----------
    .. [1] C. Alfano, R. Yuan, P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.mirror_maps import HyperbolicTangent
    >>> HyperbolicTangent().project([[np.log(3.0), 0.0]]).round(6)
    array([[0.75, 0.25]])
    >>> HyperbolicTangent().project([[1.0, 0.0, -3.0]]).round(4)
    array([[0.7306, 0.2685, 0.0009]])
    """

    def _project(self, shifted):
        others = shifted.copy()
        # Exactly one action is taken out; what ties with it is among the others.
        others[np.arange(len(others)), shifted.argmax(axis=1)] = -np.inf
        upper = -0.5 * np.maximum(row_max(others), -_FARTHEST)

        def imbalance(normalizer):
            rest = row_sum(expit(2.0 * (others + normalizer[:, None])))
            missing = expit(-2.0 * normalizer)
            # Tiny sides count by their logarithms; where they underflow, any λ will do.
            return np.where(missing > 0.0, np.log(rest) - np.log(missing), 0.0)

        lower = upper - 0.5 * np.log(shifted.shape[1] - 1.0)
        normalizer = find_root(imbalance, lower, upper).root
        return normalize(expit(2.0 * (shifted + normalizer[:, None])))

    def _gradient(self, proba):
        slopes = np.where(proba == 1.0, -np.log(_complement(proba)), logit(proba))
        return 0.5 * slopes

    def _divergence(self, p, q):
        others = relative_entropy(_complement(p), _complement(q))
        return 0.5 * (relative_entropy(p, q) + others)


def _complement(p):
    """``1 - p``, and the sum of the other actions where that rounds to 0."""
    complement = 1.0 - p
    rounded = complement == 0.0
    if rounded.any():
        others = row_sum(np.where(rounded, 0.0, p))
        complement = np.where(rounded, others[:, None], complement)
    return complement
