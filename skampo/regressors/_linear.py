"""Regressors that are linear in their features, factorized once for many targets."""

from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, pinvh, qr, svd
from scipy.linalg.lapack import dpotrs
from scipy.sparse import issparse
from sklearn.linear_model import LinearRegression, Ridge

# Other solvers are iterative: they are chosen where a Gram matrix would be too large.
_DIRECT = {"auto", "cholesky", "svd"}
_FEW_COLUMNS = 1000


class RidgeForm(NamedTuple):
    r"""
    A ridge regression: :math:`\min_w \|y - X w - b\|^2 + \alpha \|w\|^2`.

    The penalty alpha is positive, and that of the intercept b is none.
    """

    alpha: float
    fit_intercept: bool = True

    def factorize(self, features):
        """
        Do what does not depend on the target, for rows of shape (n, n_features).

        ``solve(y)`` of what is returned gives the weights and the intercept for a
        target of shape (n,).
        """
        # An intercept would tie the columns together.
        if not self.fit_intercept and _has_disjoint_columns(features):
            return DisjointSystem(features, self.alpha)
        # So few columns are quick either way.
        is_wide = features.shape[1] > max(features.shape[0], _FEW_COLUMNS)
        return (WideRidgeSystem if is_wide else RidgeSystem)(features, self)


class LeastSquaresForm(NamedTuple):
    r"""
    Least squares: of all :math:`w` that minimize :math:`\|y - X w - b\|`, the shortest.

    Singular values below `cut` times the largest count as zero. Dense features are
    factorized as they are. Sparse ones through their Gram matrix, where singular values
    below about 1e-6 cannot be told from zero.
    """

    fit_intercept: bool = True
    cut: float = 1e-6

    def factorize(self, features):
        """As that of `RidgeForm`."""
        return LeastSquaresSystem(features, self)


@singledispatch
def linear_form(regressor) -> Any:
    """
    Say how a regressor fits a function that is linear in its features.

    `FittedQ` factorizes such a regressor once per action and iteration instead of
    fitting it in every sweep. `Ridge` with a direct solver and `LinearRegression` are
    known; your own joins with ``linear_form.register(MyRegressor)(function)``, where
    the function takes the unfitted regressor and returns a form, or None to be fitted
    as any other. A form is any object with ``factorize(features)``, which returns an
    object with ``solve(y)``, which returns the weights of shape (n_features,) and the
    intercept: exactly what the regressor's own `fit` would find.

    Parameters
    ----------
    regressor : estimator
        An unfitted regressor. Pipelines are taken apart before.

    Returns
    -------
    object or None
        The form, or None for others. That of `Ridge` or `LinearRegression` serves your
        own regressor, too, if it fits as one of them with other parameters.

    Notes
    -----
    A subclass of a registered class has the form of that class. If it fits otherwise,
    register it with a function that returns None. Subclasses of scikit-learn's classes
    have no form unless they are registered.

    Examples
    --------
    >>> from sklearn.linear_model import Lasso, Ridge
    >>> from skampo.regressors import linear_form
    >>> linear_form(Ridge(0.5))
    RidgeForm(alpha=0.5, fit_intercept=True)
    >>> print(linear_form(Lasso()))
    None
    >>> class HalfRidge(Ridge):
    ...     def fit(self, X, y, sample_weight=None):
    ...         model = Ridge(self.alpha / 2).fit(X, y, sample_weight)
    ...         self.coef_, self.intercept_ = model.coef_, model.intercept_
    ...         return self
    >>> print(linear_form(HalfRidge()))
    None
    >>> @linear_form.register
    ... def _(regressor: HalfRidge):
    ...     return linear_form(Ridge(regressor.alpha / 2))
    >>> linear_form(HalfRidge(3.0))
    RidgeForm(alpha=1.5, fit_intercept=True)
    """
    return None


@linear_form.register
def _(regressor: Ridge):
    # A subclass may fit otherwise.
    if type(regressor) is not Ridge or regressor.positive:
        return None
    alpha = regressor.alpha
    # One penalty per target is asked for first: an array is not just below zero.
    if regressor.solver not in _DIRECT or np.ndim(alpha) or alpha < 0:
        return None
    if alpha == 0:
        return LeastSquaresForm(regressor.fit_intercept, 1e-12)
    return RidgeForm(float(alpha), regressor.fit_intercept)


@linear_form.register
def _(regressor: LinearRegression):
    if type(regressor) is not LinearRegression or regressor.positive:
        return None
    # scikit-learn, too, cuts singular values of dense features at this share.
    return LeastSquaresForm(regressor.fit_intercept, regressor.tol)


class LinearSystem:
    """What the fits of one linear regression share."""

    def __init__(self, features, form):
        self.fit_intercept = form.fit_intercept
        self.mean = np.zeros(features.shape[1])
        if form.fit_intercept:
            self.mean = np.asarray(features.mean(axis=0)).ravel()
            # Subtracting the means from products would cancel far from zero.
            if not issparse(features):
                features = features - self.mean
        self.features = features
        self._factorize(form)

    def _factorize(self, form):
        """Do what does not depend on the target."""
        raise NotImplementedError

    def _weights(self, y):
        """Weights for a centered target."""
        raise NotImplementedError

    def solve(self, y):
        """Weights and intercept for the target `y` of shape (n,)."""
        y_mean = y.mean() if self.fit_intercept else 0.0
        weights = self._weights(y - y_mean)
        return weights, y_mean - self.mean @ weights


class RidgeSystem(LinearSystem):
    """The normal equations of one ridge regression, factorized for many targets."""

    def _factorize(self, form):
        gram = _gram(self.features, self.mean)
        gram[np.diag_indices_from(gram)] += form.alpha
        # It knows the factor and not `self`: a cycle would keep the factor for long.
        self._solve = _gram_solver(gram)

    def _weights(self, y):
        return self._solve(_moment(self.features, y))


class WideRidgeSystem(LinearSystem):
    """The same by products of the rows, where there are fewer of them than columns."""

    def _factorize(self, form):
        # w = Xᵀ (X Xᵀ + α I)⁻¹ y, with centered rows.
        gram = self.features @ self.features.T
        if issparse(gram):
            gram = gram.toarray()
            # Σ (x - m)(z - m) = xᵀz - xᵀm - zᵀm + mᵀm, as such rows are not centered.
            along = self.features @ self.mean
            gram += self.mean @ self.mean - along[:, None] - along
        gram[np.diag_indices_from(gram)] += form.alpha
        self._solve = _gram_solver(gram)

    def _weights(self, y):
        shares = self._solve(y)
        weights = _moment(self.features, shares)
        if issparse(self.features):
            # Dense rows are centered already.
            weights -= shares.sum() * self.mean
        return weights


class DisjointSystem:
    """A ridge regression on sparse columns of which each row has one at most."""

    def __init__(self, features, alpha):
        self.rows = np.flatnonzero(np.diff(features.indptr))
        self.columns, self.values = features.indices, features.data
        self.n_columns = features.shape[1]
        self.divisors = self._sums(self.values**2) + alpha

    def _sums(self, entries):
        return np.bincount(self.columns, entries, minlength=self.n_columns)

    def solve(self, y):
        """Weights and intercept for the target `y` of shape (n,)."""
        # wⱼ = Σ xᵢⱼ yᵢ / (Σ xᵢⱼ² + α), because no two columns share a row.
        return self._sums(self.values * y[self.rows]) / self.divisors, 0.0


class LeastSquaresSystem(LinearSystem):
    """The pseudoinverse of the features of one least squares regression."""

    def _factorize(self, form):
        self._basis, self._back = _split_inverse(self.features, self.mean, form.cut)

    def _weights(self, y):
        return self._back @ _moment(self._basis, y)


def _has_disjoint_columns(features):
    """Whether these are one-hot features, or their like."""
    is_sparse = issparse(features) and features.format == "csr"
    return is_sparse and np.diff(features.indptr).max(initial=0) <= 1


def _split_inverse(features, mean, cut):
    """Two matrices; the second times the transposed first is the pseudoinverse."""
    if issparse(features):
        # Rounding leaves eigenvalues of this size where there should be none.
        return features, pinvh(_gram(features, mean), rtol=max(cut**2, 1e-12))
    basis, triangle = qr(features, mode="economic", check_finite=False)
    # The triangle has the singular values of all rows, and is small.
    left, values, right = svd(triangle, full_matrices=False, check_finite=False)
    kept = values > cut * values.max(initial=0.0)
    return basis, right[kept].T / values[kept] @ left[:, kept].T


def _gram(features, mean):
    """Products of the columns, centered."""
    gram = features.T @ features
    if not issparse(gram):
        return gram
    # Centered rows would no longer be sparse: Σ (x - m)(x - m)ᵀ = XᵀX - n m mᵀ.
    return gram.toarray() - features.shape[0] * np.outer(mean, mean)


def _moment(features, y):
    # Sparse features are not centered, and need not be where the target is.
    return np.asarray(features.T @ y).ravel()


def _gram_solver(gram):
    """Solver of a symmetric system; if it is singular, of the least squares problem."""
    diagonal = np.diagonal(gram).copy()
    # One-hot features.
    if diagonal.all() and np.count_nonzero(gram) == len(diagonal):
        return lambda moment: moment / diagonal
    try:
        factor, lower = cho_factor(gram, check_finite=False)
    except LinAlgError:
        return pinvh(gram).dot
    # `cho_solve` looks at its arguments longer than LAPACK solves.
    return lambda moment: dpotrs(factor, moment, lower=lower)[0]
