"""Mirror maps given by an omega-potential, and the user's own one."""

from abc import abstractmethod

import numpy as np

from skampo.mirror_maps._base import MirrorMap, normalize, separable_divergence
from skampo.mirror_maps._normalizer import find_root
from skampo.utils._rows import row_sum

# Below this residual, what is left is rounding and is divided away.
_ROUNDING = 1e-12
# By so much a user's potential and its inverse may disagree.
_MISMATCH = 1e-6

# Double exponential rule on (0, 1): exact to rounding for the end point
# singularities (logarithms and powers) that inverse potentials have.
_SINH = 0.5 * np.pi * np.sinh(np.linspace(-3.4, 3.4, 61))
# Neither is 1 less the other, which would round away the points next to an end.
_FROM_Q, _FROM_P = 1.0 / (1.0 + np.exp(-2.0 * _SINH)), 1.0 / (1.0 + np.exp(2.0 * _SINH))
_WEIGHTS = np.sqrt(_SINH**2 + 0.25 * np.pi**2) / np.cosh(_SINH) ** 2
_WEIGHTS /= _WEIGHTS.sum()


class PotentialMap(MirrorMap):
    """
    Base of the maps whose policy is ``max(potential(scores + normalizer), 0)``.

    Notes
    -----
    The unknown of each row is its largest probability, the peak. It lies between
    ``1 / n_actions`` and 1 for every potential, and it fixes the normalizer, which is
    ``inverse_potential(peak)`` because the row maximum of the scores is 0. The sum of
    the row is increasing in the peak; potentials with large or tiny values are as well
    scaled as any other.
    """

    @abstractmethod
    def _potential(self, x):
        """Increasing function of the dual; negative values count as 0."""

    @abstractmethod
    def _inverse_potential(self, p):
        """Inverse of the potential; the derivative of `_mirror_function`."""

    @abstractmethod
    def _mirror_function(self, p):
        """One action's term of the mirror map."""

    def _project(self, shifted):
        return normalize(self._solve(shifted)[0])

    def _dual(self, shifted):
        floor = self._inverse_potential(np.zeros(1))
        if np.isneginf(floor).all():
            return shifted
        normalizer = self._inverse_potential(self._solve(shifted)[1])
        return np.maximum(shifted, floor - normalizer[:, None])

    def _gradient(self, proba):
        return self._inverse_potential(proba)

    def _divergence(self, p, q):
        return separable_divergence(
            self._mirror_function, self._inverse_potential, p, q
        )

    def _solve(self, shifted):
        """Return weights that sum to 1 but for rounding, and the peak of each row."""
        n, n_actions = shifted.shape
        weigh = self._weigher(shifted)
        bracket = find_root(
            lambda peak: row_sum(weigh(peak)) - 1.0,
            np.full(n, 1.0 / n_actions),
            np.ones(n),
        )
        self._check_solution(bracket)
        weights, steep = weigh(bracket.root), bracket.residual > _ROUNDING
        if steep.any():
            blended = _blend(weigh(bracket.lower), weigh(bracket.upper), bracket)
            weights[steep] = blended[steep]
        return weights, bracket.root

    def _weigher(self, shifted):
        """Return the function that maps peaks to unnormalized probabilities."""
        best, forbidden = shifted == 0.0, np.isneginf(shifted)

        def weigh(peak):
            peak = peak[:, None]
            weights = self._potential(shifted + self._inverse_potential(peak))
            # φ(φ⁻¹(peak)) is 0 instead of the peak where φ⁻¹(peak) underflows.
            weights = np.where(best, peak, np.maximum(weights, 0.0))
            # A user's potential may be NaN at -inf.
            weights[forbidden] = 0.0
            return weights

        return weigh

    def _check_solution(self, bracket):
        """Refuse a potential that turned out not to be one."""
        return None


def _blend(lower, upper, bracket):
    """
    Weights between the two ends of a bracket that floats cannot shrink.

    A steep potential jumps there; the missing mass belongs to what jumps.
    """
    return lower + bracket.fraction[:, None] * (upper - lower)


class OmegaPotential(PotentialMap):
    r"""
    Mirror map of the user's own omega-potential.

    Parameters
    ----------
    potential : callable
        The potential :math:`\phi`: increasing, applied to an array element by element.
        Negative values count as probability 0.
    inverse_potential : callable
        Its inverse :math:`\phi^{-1}` on (0, 1], element by element; at 0 it may be
        ``-inf``.
    mirror_function : callable, default=None
        An antiderivative of `inverse_potential` on [0, 1], element by element. It is
        only needed by `divergence`, which integrates numerically without it.

    Notes
    -----
    .. math::

        h(p) = \sum_a \int_1^{p_a} \phi^{-1}(x) dx, \quad
        \nabla h(p)_a = \phi^{-1}(p_a), \quad
        \pi_a = \max(\phi(y_a + \lambda), 0),

    where the normalizer :math:`\lambda` makes the row sum to 1 [1]_. It lies in
    :math:`[\phi^{-1}(1/A) - \max_a y_a, \phi^{-1}(1) - \max_a y_a]` for A actions.
    Pass functions that can be imported (not lambdas) if the map is to be pickled.

    Functions that are not an increasing function and its inverse are found out when
    they are used: `project` and `dual` raise a ValueError for them.

    References
    ----------
    .. [1] W. Krichene, S. Krichene, A. Bayen, "Efficient Bregman projections onto the
       simplex", CDC 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.mirror_maps import OmegaPotential
    >>> mirror_map = OmegaPotential(np.exp, np.log)
    >>> mirror_map.project([[np.log(3.0), 0.0]]).round(6)
    array([[0.75, 0.25]])
    >>> mirror_map.divergence([[0.75, 0.25]], [[0.5, 0.5]]).round(6)
    array([0.130812])
    """

    def __init__(self, potential, inverse_potential, mirror_function=None):
        self.potential = potential
        self.inverse_potential = inverse_potential
        self.mirror_function = mirror_function

    def _check_parameters(self):
        for name in ("potential", "inverse_potential"):
            self._check_callable(name, "a callable")
        if self.mirror_function is not None:
            self._check_callable("mirror_function", "a callable or None")

    def _check_callable(self, name, expected):
        value = getattr(self, name)
        if not callable(value):
            raise ValueError(
                f"The {name!r} parameter of OmegaPotential must be {expected}. "
                f"Got {value!r} instead."
            )

    def _potential(self, x):
        return np.asarray(self.potential(x), dtype=np.float64)

    def _inverse_potential(self, p):
        return np.asarray(self.inverse_potential(p), dtype=np.float64)

    def _mirror_function(self, p):
        return np.asarray(self.mirror_function(p), dtype=np.float64)

    def _divergence(self, p, q):
        if self.mirror_function is not None:
            return super()._divergence(p, q)
        slope = self._inverse_potential(q)
        # D(p, q) = Σ ∫ (φ⁻¹(x) − φ⁻¹(q)) dx from q to p, one integral for each action.
        path = q[..., None] * _FROM_Q + p[..., None] * _FROM_P
        slopes = self._inverse_potential(path)
        # Points that round onto a pole at the end, or beyond it, hold no mass.
        excess = np.where(np.isfinite(slopes), slopes - slope[..., None], 0.0)
        terms = np.where(p == q, 0.0, (excess @ _WEIGHTS) * (p - q))
        return row_sum(np.maximum(terms, 0.0))

    def _check_solution(self, bracket):
        peak = bracket.root
        mismatch = np.abs(self._potential(self._inverse_potential(peak)) - peak)
        # An increasing φ sums to at most 1 at the lower end, at least 1 at the upper.
        brackets = (bracket.at_lower <= _MISMATCH) & (bracket.at_upper >= -_MISMATCH)
        if not (brackets & (mismatch <= _MISMATCH)).all():
            raise ValueError(
                "The 'potential' and 'inverse_potential' parameters of OmegaPotential "
                "must be an increasing function without NaN that takes every value in "
                "(0, 1], and its inverse on (0, 1]. Got functions for which no "
                "normalizer makes the probabilities sum to 1: check that "
                "potential(inverse_potential(p)) equals p and that both increase."
            )
