"""Least squares without intercept, exact on sparse features."""

from typing import Self

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from skampo.features._unchecked import unchecked_predict
from skampo.regressors._linear import LeastSquaresForm, linear_form
from skampo.utils._sklearn import Documented, check_sample_weight

# Singular values below this share of the largest of their block are rounding.
_CUT = 1e-14
# Errors below this share of the target are rounding.
_EXACT = 1e-12


class LeastSquares(Documented, MultiOutputMixin, RegressorMixin, BaseEstimator):
    r"""
    Linear least squares without an intercept, exact on sparse features as well.

    Of all :math:`w` that minimize :math:`\sum_i \omega_i (y_i - x_i^T w)^2` it finds
    the shortest, to rounding, whatever the weights are.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        The weights of the features.
    intercept_ : float
        Zero.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    default_regressor : Uses it on the one-hot states of a model.

    Notes
    -----
    scikit-learn's `LinearRegression` solves sparse systems by an iteration that ends at
    a tolerance, later the more the weights differ. Here features are taken apart into
    blocks of rows and columns that have nothing to do with each other. One-hot features
    have one block for each column, and so the weighted mean of each category; the
    compatible features of one-hot states have one for each state. A block is solved
    through its pseudoinverse, and through the weighted one only where there is no
    solution without error: such a one is right for all weights, however small. Features
    that are one large block take as long, and as much memory, as dense ones.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> from skampo.regressors import LeastSquares
    >>> table = make_pipeline(OneHotEncoder(), LeastSquares())
    >>> table.fit([[0], [1], [1]], [5.0, 1.0, 2.0]).predict([[0], [1]])
    array([5. , 1.5])
    """

    def fit(self, X, y, sample_weight=None) -> Self:
        """
        Find the weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, n_features)
            Features.
        y : array-like of shape (n,) or (n, n_targets)
            Targets.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows; None weighs them equally.

        Returns
        -------
        LeastSquares
            The fitted regressor.
        """
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, y_numeric=True
        )
        weights = np.ones(len(y))
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X)
        kept = weights > 0
        entries = coo_array(X[kept], dtype=np.float64)
        # Stored zeros would tie together what has nothing to do with each other.
        entries.eliminate_zeros()
        columns = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        coefficients = _solve(entries, columns[kept], weights[kept])
        self.coef_ = coefficients[:, 0] if np.ndim(y) == 1 else coefficients.T
        self.intercept_ = 0.0
        return self

    def predict(self, X) -> np.ndarray:
        """
        Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets)
            The predictions.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        return X @ self.coef_.T

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@linear_form.register
def _(regressor: LeastSquares):
    return LeastSquaresForm(fit_intercept=False, cut=_CUT)


@unchecked_predict.register
def _(model: LeastSquares):
    weights = model.coef_.T
    return lambda X: X @ weights


def _solve(entries, y, weights):
    """Shortest least squares solutions, shape (n_features, n_targets)."""
    row, _ = entries.coords
    is_disjoint = np.bincount(row).max(initial=0) <= 1
    return (_divide if is_disjoint else _solve_blocks)(entries, y, weights)


def _divide(entries, y, weights):
    """Solve for columns of which each row has one at most."""
    row, column = entries.coords
    # wⱼ = Σ ωᵢ xᵢⱼ yᵢ / Σ ωᵢ xᵢⱼ², because no two columns share a row.
    factors = weights[row] * entries.data
    terms = [*(factors * target[row] for target in y.T), factors * entries.data]
    sums = [np.bincount(column, term, minlength=entries.shape[1]) for term in terms]
    *moments, squares = np.array(sums)
    quotients = np.zeros((len(squares), y.shape[1]))
    # A column without rows has no say.
    met = squares[:, None] > 0
    return np.divide(np.transpose(moments), squares[:, None], out=quotients, where=met)


def _solve_blocks(entries, y, weights):
    """Solve each block of rows and columns alone, all those of one shape at once."""
    row, column = entries.coords
    rows, columns = _find_blocks(entries)
    solutions = np.zeros((entries.shape[1], y.shape[1]))
    shapes = np.column_stack([rows.sizes, columns.sizes])
    for shape in np.unique(shapes[shapes.all(axis=1)], axis=0):
        alike = np.flatnonzero((shapes == shape).all(axis=1))
        place = np.full(len(shapes), -1)
        place[alike] = np.arange(len(alike))
        at = place[rows.blocks[row]]
        i, j, inside = rows.ranks[row], columns.ranks[column], at >= 0
        matrices = np.zeros((len(alike), *shape))
        matrices[at[inside], i[inside], j[inside]] = entries.data[inside]
        own = rows.members(alike)
        solved = _shortest(matrices, y[own], weights[own])
        solutions[columns.members(alike)] = solved
    return solutions


def _shortest(matrices, y, weights):
    """Shortest weighted least squares solutions of systems of one shape."""
    solutions = np.linalg.pinv(matrices, rcond=_CUT) @ y
    errors = np.abs(matrices @ solutions - y).max(axis=(1, 2))
    # What has no error has none for any weights, and was not rounded by them.
    bad = errors > _EXACT * np.abs(y).max(axis=(1, 2))
    if bad.any():
        root = np.sqrt(weights[bad])[:, :, None]
        inverses = np.linalg.pinv(root * matrices[bad], rcond=_CUT)
        solutions[bad] = inverses @ (root * y[bad])
    return solutions


def _find_blocks(entries):
    """Which rows, and which columns, are tied to each other by entries."""
    (row, column), (n_rows, n_columns) = entries.coords, entries.shape
    n_nodes = n_rows + n_columns
    ties = coo_array((np.ones(len(row)), (row, n_rows + column)), (n_nodes, n_nodes))
    n_blocks, blocks = connected_components(ties, directed=False)
    return _Blocks(blocks[:n_rows], n_blocks), _Blocks(blocks[n_rows:], n_blocks)


class _Blocks:
    """The block of each row (or column), and its rank among those of its block."""

    def __init__(self, blocks, n_blocks):
        self.blocks = blocks
        self.sizes = np.bincount(blocks, minlength=n_blocks)
        self._starts = self.sizes.cumsum() - self.sizes
        self._order = np.argsort(blocks, kind="stable")
        self.ranks = np.empty(len(blocks), dtype=np.intp)
        self.ranks[self._order] = (
            np.arange(len(blocks)) - self._starts[blocks[self._order]]
        )

    def members(self, blocks):
        """Those of blocks of one size, one row of numbers for each block."""
        size = self.sizes[blocks[0]]
        return self._order[self._starts[blocks][:, None] + np.arange(size)]
