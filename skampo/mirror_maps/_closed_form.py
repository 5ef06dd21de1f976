"""Mirror maps whose projection has a closed form."""

import numpy as np
from scipy.special import rel_entr

from skampo.mirror_maps._base import MirrorMap, normalize
from skampo.utils._rows import row_sum

# Lower scores never get weight, and are cut to keep cumulative sums finite.
_SIMPLEX_FLOOR = -2.0
# For p / q below rounding, p log(p / q) is nothing next to q, and 0 for p = 0.
_ABOVE_MINUS_ONE = np.nextafter(-1.0, 0.0)


def softmax(shifted):
    """Softmax of scores whose row maximum is 0."""
    weights = np.exp(shifted)
    weights /= row_sum(weights)[:, None]
    return weights


def relative_entropy(p, q):
    """Sum over actions of ``p log(p / q) - p + q``."""
    # At p = q + 1e-7, log1p leaves ten digits of the divergence, log(p / q) three.
    more = p - q
    # numpy's logarithm is ten times faster than `rel_entr`, but knows no limits.
    terms = more / q
    np.maximum(terms, _ABOVE_MINUS_ONE, out=terms)
    np.log1p(terms, out=terms)
    terms *= p
    finite = np.isfinite(terms)
    if not finite.all():
        terms[~finite] = rel_entr(p[~finite], q[~finite])
    # Every p log(p / q) − p + q is at least 0: what is negative is rounding.
    terms -= more
    return row_sum(np.maximum(terms, 0.0, out=terms))


def simplex_normalizer(shifted):
    """Constant per row for which ``max(shifted + constant, 0)`` sums to 1."""
    descending = -np.sort(-np.maximum(shifted, _SIMPLEX_FLOOR), axis=1)
    missing = 1.0 - np.cumsum(descending, axis=1)
    ranks = np.arange(1, shifted.shape[1] + 1)
    # The largest k with k y₍ₖ₎ + 1 − Σⱼ₌₁ᵏ y₍ⱼ₎ > 0, true for all smaller k as well.
    support = np.count_nonzero(descending * ranks + missing > 0.0, axis=1)[:, None]
    return np.take_along_axis(missing, support - 1, axis=1) / support


def simplex_projection(shifted):
    """Euclidean projection of scores whose row maximum is 0 onto the simplex."""
    return normalize(np.maximum(shifted + simplex_normalizer(shifted), 0.0))


class NegativeEntropy(MirrorMap):
    r"""
    Negative entropy: the policy is the softmax of its scores.

    Every action keeps positive probability, and the divergence is the
    Kullback-Leibler divergence.

    Notes
    -----
    .. math::

        h(p) = \sum_a p_a \log p_a, \quad
        \nabla h(p)_a = 1 + \log p_a, \quad
        \pi_a = \frac{e^{y_a}}{\sum_b e^{y_b}}, \quad
        D_h(p, q) = \sum_a p_a \log \frac{p_a}{q_a} .

    References
    ----------
    .. [1] C. Alfano, R. Yuan, P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.mirror_maps import NegativeEntropy
    >>> mirror_map = NegativeEntropy()
    >>> proba = mirror_map.project([[np.log(3.0), 0.0], [0.0, -np.inf]])
    >>> proba
    array([[0.75, 0.25],
           [1.  , 0.  ]])
    >>> mirror_map.divergence(proba, [[0.5, 0.5], [0.5, 0.5]]).round(4)
    array([0.1308, 0.6931])
    """

    is_softmax = True

    def _project(self, shifted):
        return softmax(shifted)

    def _gradient(self, proba):
        return 1.0 + np.log(proba)

    def _divergence(self, p, q):
        return relative_entropy(p, q)


class Euclidean(MirrorMap):
    r"""
    Half the squared Euclidean norm: the policy is the projection onto the simplex.

    The policy is sparse: an action whose score is far enough below the best one gets
    probability exactly 0, and it can come back later.

    Notes
    -----
    .. math::

        h(p) = \tfrac12 \sum_a p_a^2, \quad
        \nabla h(p) = p, \quad
        \pi_a = \max(y_a + \lambda, 0), \quad
        D_h(p, q) = \tfrac12 \lVert p - q \rVert_2^2 .

    The normalizer :math:`\lambda` comes from sorting the scores [1]_. The map from
    scores to probabilities is also known as sparsemax.

    References
    ----------
    .. [1] J. Duchi, S. Shalev-Shwartz, Y. Singer, T. Chandra, "Efficient projections
       onto the l1-ball for learning in high dimensions", ICML 2008.

    Examples
    --------
    >>> from skampo.mirror_maps import Euclidean
    >>> mirror_map = Euclidean()
    >>> mirror_map.project([[0.5, 0.25, -3.0]])
    array([[0.625, 0.375, 0.   ]])
    >>> mirror_map.dual([[0.5, 0.25, -3.0]])
    array([[ 0.   , -0.25 , -0.625]])
    """

    def _project(self, shifted):
        return simplex_projection(shifted)

    def _dual(self, shifted):
        # max(y, φ⁻¹(0) − λ) with φ⁻¹(0) = 0.
        return np.maximum(shifted, -simplex_normalizer(shifted))

    def _gradient(self, proba):
        # The checks copy nothing: this may be the caller's own array.
        return proba.copy()

    def _divergence(self, p, q):
        return 0.5 * row_sum(np.square(p - q))
