"""The only place that may touch scikit-learn's private interfaces."""

import copy

from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_sample_weight, has_fit_parameter

__all__ = ["Documented", "check_sample_weight", "takes_sample_weight"]
__all__ += ["take_rows", "without_callbacks"]

# Where the reference of the released version is published.
REFERENCE = "https://skampo.readthedocs.io/en/stable/reference"


class Documented:
    """Links the picture of an estimator in a notebook to its reference page."""

    # BaseEstimator has names of its own: this class has to stand left of it.
    _doc_link_module = "skampo"
    _doc_link_template = f"{REFERENCE}/{{estimator_module}}.{{estimator_name}}.html"


def check_sample_weight(sample_weight, X):
    """Weights of the rows of `X` as floats; negative or all-zero ones are refused."""
    return _check_sample_weight(
        sample_weight,
        X,
        dtype=float,
        ensure_non_negative=True,
        allow_all_zero_weights=False,
    )


def takes_sample_weight(estimator):
    """Whether `estimator.fit` names a ``sample_weight`` parameter."""
    return has_fit_parameter(estimator, "sample_weight")


def without_callbacks(estimator):
    """Copy an estimator without its callbacks and what they left while it fits."""
    # Shallow: attributes are taken off the copy, and none of them is changed.
    bare = copy.copy(estimator)
    for name in [name for name in vars(bare) if "callback" in name]:
        delattr(bare, name)
    return bare


def take_rows(X, rows):
    """Rows of an array or a data frame, by a mask, a slice or positions."""
    return _safe_indexing(X, rows)
