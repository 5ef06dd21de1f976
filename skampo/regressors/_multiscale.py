"""Kernel features of two widths."""

from typing import ClassVar

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skampo.features._lending import only_reads
from skampo.features._unchecked import unchecked_transform
from skampo.regressors._nystroem import NystroemFeatures
from skampo.utils._sklearn import Documented
from skampo.utils._validation import Interval, check_parameters

# Bumps that few points feel would be fitted to these points alone.
_COVERED = 0.5


class MultiscaleNystroem(
    Documented, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    r"""
    Nystroem features of a wide Gaussian kernel, and of a narrow one where it has room.

    A wide kernel generalizes from few data, but has too few directions for sharp
    borders between actions if there are few columns. As many components, or so many
    as are left, are then those of a kernel that is several times narrower, provided
    that its landmarks cover the data: the mean over the data of
    :math:`\|\phi(x)\|^2`, the share of :math:`k(x, x) = 1` that the narrow features
    represent, is at least one half. This is so for two columns and hardly ever for
    four.

    Parameters
    ----------
    n_components : int, default=300
        Largest number of features in all, and of landmarks of each kernel. Their number
        grows with all rows, also where rows repeat (``count_repeats=True``).
    ratio : float, default=4.0
        How many times narrower the narrow kernel is, in [1, inf).
    random_state : int, RandomState instance or None, default=None
        Draws the landmarks.

    Attributes
    ----------
    parts_ : list of NystroemFeatures
        The fitted features, the wide ones first.
    """

    _constraints: ClassVar = {
        "n_components": Interval(int, 1),
        "ratio": Interval(float, 1),
    }

    def __init__(self, n_components=300, *, ratio=4.0, random_state=None):
        self.n_components = n_components
        self.ratio = ratio
        self.random_state = random_state

    def fit(self, X, y=None):
        """Draw the landmarks of both kernels and find the directions that they span."""
        check_parameters(self, self._constraints)
        X = validate_data(self, X, dtype=np.float64)
        wide = _part(self.n_components, random_state=self.random_state)
        self.parts_ = [wide.fit(X)]
        n_wide = wide.normalization_.shape[1]
        n_narrow = min(n_wide, self.n_components - n_wide)
        if n_narrow > 0:
            # Other landmarks than those of the wide kernel: details lie between them.
            seed = check_random_state(self.random_state).randint(2**31)
            gamma = self.ratio**2 * wide.gamma_
            narrow = _part(n_narrow, gamma=gamma, random_state=seed).fit(X)
            if _coverage(narrow, X) >= _COVERED:
                self.parts_.append(narrow)
        return self

    def transform(self, X):
        """The wide features of each point, then the narrow ones."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.hstack([part.transform(X) for part in self.parts_])

    @property
    def _n_features_out(self):
        return sum(part.normalization_.shape[1] for part in self.parts_)


def _part(*args, **keywords):
    """Features that stay arrays, whatever those of both kernels become."""
    # Where states of a log come again, there are rows enough for what is between them.
    features = NystroemFeatures(*args, count_repeats=True, **keywords)
    return features.set_output(transform="default")


def _coverage(features, X):
    """Share of the kernel that features represent, at a thousand points or more."""
    return np.mean(np.sum(features.transform(X[:: 1 + len(X) // 2000]) ** 2, axis=1))


@only_reads.register
def _(transformer: MultiscaleNystroem):
    return type(transformer) is MultiscaleNystroem


@unchecked_transform.register
def _(transformer: MultiscaleNystroem):
    # A subclass may do more.
    if type(transformer) is not MultiscaleNystroem:
        return transformer.transform
    parts = [unchecked_transform(part) for part in transformer.parts_]
    return lambda X: np.hstack([part(X) for part in parts])
