"""Nystroem features of the Gaussian kernel that survive few and repeated points."""

from typing import ClassVar, Self

import numpy as np
from scipy.linalg import eigh
from scipy.spatial.distance import cdist
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skampo.features._lending import only_reads
from skampo.features._unchecked import unchecked_transform
from skampo.utils._sklearn import Documented, check_sample_weight
from skampo.utils._validation import Flag, Interval, Nothing, check_parameters

# So few landmarks cost nothing, and small tables are then fitted exactly.
_FEWEST = 50


class NystroemFeatures(
    Documented, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    r"""
    Features of the Gaussian kernel from landmarks among the data.

    The features of all points span the functions that the kernel has on the
    landmarks, as in `sklearn.kernel_approximation.Nystroem`. Different from there, the
    landmarks are distinct, their number grows with the data, and directions that the
    landmarks hardly span are dropped, so that clustered, repeated or collinear data
    give a well-conditioned regression.

    Parameters
    ----------
    n_components : int, default=300
        Largest number of landmarks. With n distinct rows there are
        :math:`\min(n, n\_components, \max(50, 4 \sqrt n))`.
    count_repeats : bool, default=False
        Whether the n under the root is that of all rows: where few states come again
        and again, more of them are then landmarks.
    gamma : float, default=None
        Kernel coefficient in :math:`\exp(-\gamma \|x - z\|^2)`; None is 2 over the
        number of columns that are not constant, which suits standardized columns.
    eigenvalue_cut : float, default=1e-7
        Eigenvalues of the landmark kernel below this share of the largest are dropped.
    random_state : int, RandomState instance or None, default=None
        Draws the landmarks.

    Attributes
    ----------
    landmarks_ : ndarray of shape (n_landmarks, n_features)
        The distinct rows that were drawn.
    normalization_ : ndarray of shape (n_landmarks, n_kept)
        Kernel values times this matrix are the features.
    gamma_ : float
        The kernel coefficient used.
    n_features_in_ : int
        Number of columns seen in `fit`.

    See Also
    --------
    default_regressor : Uses these features.
    sklearn.kernel_approximation.Nystroem : Any kernel, without the safeguards.

    References
    ----------
    .. [1] C. Williams and M. Seeger, "Using the Nystroem method to speed up kernel
       machines", NeurIPS 2001.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.regressors import NystroemFeatures
    >>> X = np.array([[0.0], [0.0], [1.0]])
    >>> features = NystroemFeatures(gamma=1.0, random_state=0).fit_transform(X)
    >>> (features @ features.T).round(4)
    array([[1.    , 1.    , 0.3679],
           [1.    , 1.    , 0.3679],
           [0.3679, 0.3679, 1.    ]])
    """

    _constraints: ClassVar = {
        "n_components": Interval(int, 1),
        "count_repeats": Flag,
        "gamma": Interval(float, 0) | Nothing,
        "eigenvalue_cut": Interval(float, 0, 1, high_open=True),
    }

    def __init__(
        self,
        n_components: int = 300,
        *,
        count_repeats: bool = False,
        gamma: float | None = None,
        eigenvalue_cut: float = 1e-7,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_components = n_components
        self.count_repeats = count_repeats
        self.gamma = gamma
        self.eigenvalue_cut = eigenvalue_cut
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None) -> Self:
        """
        Draw the landmarks and find the directions that they span.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Standardized points.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            Rows of weight zero are left out; other weights do not matter.

        Returns
        -------
        NystroemFeatures
            The fitted transformer.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        """
        check_parameters(self, self._constraints)
        X = validate_data(self, X, dtype=np.float64)
        if sample_weight is not None:
            X = X[check_sample_weight(sample_weight, X) > 0]
        self.gamma_ = _default_gamma(X) if self.gamma is None else self.gamma
        self.landmarks_ = self._draw_landmarks(X)
        kernel = gaussian_kernel(self.landmarks_, self.landmarks_, self.gamma_)
        values, vectors = eigh(kernel)
        # Below, eigenvalues are rounding and may be negative: they have no root.
        kept = values > self.eigenvalue_cut * values[-1]
        # K^(-1/2) up to a rotation, which changes no inner product of features.
        self.normalization_ = vectors[:, kept] / np.sqrt(values[kept])
        return self

    def _draw_landmarks(self, X):
        """Distinct rows, sorted: the same for every order and repetition of few."""
        rng = check_random_state(self.random_state)
        n_rows, n_candidates = len(X), 4 * self.n_components
        # Sorting distinct rows of everything would take longer than the regression.
        if n_rows > n_candidates:
            X = X[rng.choice(n_rows, size=n_candidates, replace=False)]
        distinct = np.unique(X, axis=0)
        # Of a sample, the number of distinct rows is scaled up to all rows.
        n_counted = len(X) if self.count_repeats else len(distinct)
        enough = int(4 * np.sqrt(n_counted * n_rows / len(X)))
        n_landmarks = min(self.n_components, max(_FEWEST, enough))
        if len(distinct) <= n_landmarks:
            return distinct
        return distinct[np.sort(rng.permutation(len(distinct))[:n_landmarks])]

    def transform(self, X) -> np.ndarray:
        """
        Compute the features.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Standardized points.

        Returns
        -------
        ndarray of shape (n, n_kept)
            One row of features per point; their inner products approximate the kernel.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        kernel = gaussian_kernel(X, self.landmarks_, self.gamma_)
        return kernel @ self.normalization_

    @property
    def _n_features_out(self):
        return self.normalization_.shape[1]


def _default_gamma(X):
    """Constant columns are left out, as they add nothing to distances."""
    return 2.0 / max(1, np.count_nonzero(np.ptp(X, axis=0)))


@only_reads.register
def _(transformer: NystroemFeatures):
    return type(transformer) is NystroemFeatures


@unchecked_transform.register
def _(transformer: NystroemFeatures):
    # A subclass may do more.
    if type(transformer) is not NystroemFeatures:
        return transformer.transform
    landmarks, gamma = transformer.landmarks_, transformer.gamma_
    normalization = transformer.normalization_
    return lambda X: gaussian_kernel(X, landmarks, gamma) @ normalization


def gaussian_kernel(X, Z, gamma):
    """Kernel of all pairs; scikit-learn's checks its inputs longer than it computes."""
    # Differences are squared: ‖x‖² - 2 xᵀz + ‖z‖² would cancel far from zero.
    kernel = cdist(X, Z, "sqeuclidean")
    kernel *= -gamma
    return np.exp(kernel, out=kernel)
