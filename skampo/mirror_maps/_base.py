"""The interface of a mirror map, and what all mirror maps share."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from skampo.utils._rows import row_max, row_sum
from skampo.utils._sklearn import Documented

_LARGEST = np.finfo(float).max


def check_rows(array, name):
    """Return `array` as float64 with one row per state and one column per action."""
    array = np.asarray(array, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"Expected {name} to be a 2D array of shape (n, n_actions) with at least "
            f"one action, got an array of shape {array.shape} instead. Reshape a "
            f"single state with {name}.reshape(1, -1)."
        )
    return array


def check_proba(array, name):
    """Return `array` as rows of non-negative numbers."""
    array = check_rows(array, name)
    if not (array >= 0.0).all():
        raise ValueError(
            f"Expected {name} to hold probabilities, got negative or missing values: "
            f"the minimum is {array.min()!r}."
        )
    return array


def shift(scores):
    """Scores less their row maximum; the largest ones, infinite or not, become 0."""
    scores = check_rows(scores, "scores")
    largest = row_max(scores)[:, None]
    shifted = scores - largest
    # The maximum of a row with NaN is NaN: n numbers are searched instead of all.
    if not np.isfinite(largest).all():
        if np.isnan(largest).any():
            raise ValueError(
                "Input scores contain NaN. Use -inf for an action that is forbidden."
            )
        # The difference of equal infinities is NaN.
        shifted[scores == largest] = 0.0
    return shifted


def normalize(weights):
    """Rows of non-negative weights, scaled to sum to 1."""
    return weights / row_sum(weights)[:, None]


def separable_divergence(function, slope, p, q):
    """Bregman divergence of the sum over actions of `function`, derivative `slope`."""
    terms = function(p) - function(q) - slope(q) * (p - q)
    # Where both are 0, an infinite slope has made this NaN.
    terms[p == q] = 0.0
    # The function is convex: what is negative is rounding.
    return row_sum(np.maximum(terms, 0.0))


class MirrorMap(Documented, BaseEstimator, ABC):
    r"""
    Base class of all mirror maps.

    A mirror map is a strictly convex function :math:`h` on the positive orthant. It
    turns scores into a policy by a Bregman projection, and it measures how far apart
    two policies are. All methods work on arrays of shape (n, n_actions), one state per
    row, and know nothing about fitting.

    See Also
    --------
    NegativeEntropy : The map of the softmax policy.
    OmegaPotential : Any map that is a sum over the actions.

    Notes
    -----
    A subclass writes ``_project`` (scores whose row maximum is 0, at least two actions,
    to probabilities), ``_gradient`` and ``_divergence``; if :math:`\nabla h(0)` is
    finite it writes ``_dual`` too. They run with NumPy's floating point warnings off,
    because overflow of a score to ``-inf`` is the right answer. A subclass with
    parameters writes ``_check_parameters``, which is called before each of them.

    References
    ----------
    .. [1] C. Alfano, R. Yuan, P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023.

    Examples
    --------
    Every map projects its own gradient back to the policy it came from.

    >>> from skampo.mirror_maps import MirrorMap
    >>> proba = [[0.5, 0.3, 0.2]]
    >>> for mirror_map in MirrorMap.by_name.values():
    ...     print(mirror_map().project(mirror_map().gradient(proba)).round(6))
    [[0.5 0.3 0.2]]
    [[0.5 0.3 0.2]]
    [[0.5 0.3 0.2]]
    [[0.5 0.3 0.2]]
    [[0.5 0.3 0.2]]
    """

    #: The mirror maps that a string can name.
    by_name: ClassVar[dict[str, type["MirrorMap"]]] = {}
    #: Whether probabilities are proportional to the exponential of the scores.
    is_softmax = False

    def project(self, scores) -> np.ndarray:
        r"""
        Turn scores into probabilities.

        Parameters
        ----------
        scores : array-like of shape (n, n_actions)
            Scores :math:`y = \eta f` of any size. An action with score ``-inf`` is
            forbidden and gets probability 0; actions with score ``inf`` share all
            probability; a row of ``-inf`` only is uniform.

        Returns
        -------
        ndarray of shape (n, n_actions)
            Probabilities; every row sums to 1. Equal scores get equal probabilities.

        Raises
        ------
        ValueError
            If `scores` has not two dimensions or contains NaN, or if a parameter of
            the mirror map is out of range.

        Notes
        -----
        The result is :math:`\arg\min_{p \in \Delta} D_h(p, \nabla h^*(y))`. It does not
        change when a constant is added to a row of scores.
        """
        self._check_parameters()
        with np.errstate(all="ignore"):
            shifted = shift(scores)
            if shifted.shape[1] == 1:
                return np.ones_like(shifted)
            return self._project(shifted)

    def dual(self, scores) -> np.ndarray:
        r"""
        Gradient of the mirror map at the projected policy, without its logarithm.

        Parameters
        ----------
        scores : array-like of shape (n, n_actions)
            Scores :math:`y = \eta f`, as in `project`.

        Returns
        -------
        ndarray of shape (n, n_actions)
            :math:`\nabla h(\pi)` up to a constant per row, where :math:`\pi` are the
            probabilities ``project(scores)``. The row maximum is 0. Finite scores have
            a finite dual, even where the probability underflows to 0.

        Raises
        ------
        ValueError
            As in `project`.

        Notes
        -----
        For a map with :math:`\nabla h(0) = -\infty` these are the shifted scores; for
        the others they are :math:`\max(y, \phi^{-1}(0) - \lambda)`, where
        :math:`\lambda` is the normalizer of the row.
        """
        self._check_parameters()
        with np.errstate(all="ignore"):
            shifted = shift(scores)
            # Finite scores may be farther apart than the largest float.
            finite = np.where(np.isneginf(shifted), -_LARGEST, shifted)
            dual = self._dual(finite)
            # With a floor φ⁻¹(0) − λ, the dual of a forbidden action is finite.
            return np.where(np.isneginf(scores) & (dual == -_LARGEST), -np.inf, dual)

    def gradient(self, proba) -> np.ndarray:
        r"""
        Gradient of the mirror map, action by action.

        Parameters
        ----------
        proba : array-like of shape (n, n_actions)
            Probabilities, or any non-negative numbers.

        Returns
        -------
        ndarray of shape (n, n_actions)
            :math:`\nabla h(p)`; it may be ``-inf`` where a probability is 0.

        Raises
        ------
        ValueError
            If `proba` has not two dimensions or is negative somewhere.
        """
        self._check_parameters()
        with np.errstate(all="ignore"):
            return self._gradient(check_proba(proba, "proba"))

    def divergence(self, p, q) -> np.ndarray:
        r"""
        Bregman divergence between the rows of two policies.

        Parameters
        ----------
        p : array-like of shape (n, n_actions)
            Probabilities, the new policy.
        q : array-like of shape (n, n_actions)
            Probabilities, the policy it is compared with.

        Returns
        -------
        ndarray of shape (n,)
            :math:`D_h(p, q) = h(p) - h(q) - \langle \nabla h(q), p - q \rangle \ge 0`,
            0 where the rows are equal. It is ``inf`` where `p` gives weight to an
            action that `q` excludes and the slope of h at 0 is infinite.

        Raises
        ------
        ValueError
            If `p` and `q` have not the same two-dimensional shape or are negative
            somewhere.
        """
        self._check_parameters()
        p, q = check_proba(p, "p"), check_proba(q, "q")
        if p.shape != q.shape:
            raise ValueError(
                f"Expected p and q of the same shape, got {p.shape} and {q.shape} "
                "instead. Compare one row of probabilities with one row."
            )
        with np.errstate(all="ignore"):
            return self._divergence(p, q)

    def _check_parameters(self):
        """Raise a ValueError for a parameter that is out of range."""
        return None

    @abstractmethod
    def _project(self, shifted):
        """Probabilities of scores whose row maximum is 0."""

    @abstractmethod
    def _gradient(self, proba):
        """Gradient of h, elementwise."""

    @abstractmethod
    def _divergence(self, p, q):
        """Bregman divergence of every row."""

    def _dual(self, shifted):
        """Dual of finite scores whose row maximum is 0."""
        return shifted
