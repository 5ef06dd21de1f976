"""
The only place that may touch scikit-learn's private interfaces.

Its callbacks, which are public and experimental, are behind `skampo.utils._callbacks`.
"""

import copy
import importlib
import sys

from sklearn.base import BaseEstimator
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_sample_weight, has_fit_parameter

from skampo.utils._callbacks import OF_CALLBACKS

# Where the reference of the released version is published.
REFERENCE = "https://skampo.readthedocs.io/en/stable/reference"


class Documented:
    """Links the picture of an estimator in a notebook to its reference page."""

    # BaseEstimator has names of its own: this class has to stand left of it.
    _doc_link_module = "skampo"
    _doc_link_template = f"{REFERENCE}/{{estimator_module}}.{{estimator_name}}.html"

    def _get_doc_link(self):
        """Only what a package lists in ``__all__`` has a page."""
        link = super()._get_doc_link()
        page = link.removeprefix(f"{REFERENCE}/").removesuffix(".html")
        module, _, name = page.rpartition(".")
        return link if name in getattr(sys.modules.get(module), "__all__", ()) else ""


def blank_estimator(name):
    """An estimator of this name without parameters, for checks and what they say."""
    return type(name, (BaseEstimator,), {})()


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


# A fitted search holds its estimator in a scorer as well.
_SCORERS = "sklearn.metrics._scorer"


def without_callbacks(estimator):
    """
    Copy an estimator without callbacks and what they left while it fits.

    Parts that have callbacks are copied as well; all others are the same objects.
    """
    return _without_callbacks(estimator, {})


def _without_callbacks(value, known):
    # An object that is met again is the same copy, and one that holds itself ends.
    if id(value) in known:
        return known[id(value)]
    known[id(value)] = value
    if type(value) in (list, tuple):
        parts = [_without_callbacks(part, known) for part in value]
        if any(new is not old for new, old in zip(parts, value, strict=True)):
            known[id(value)] = type(value)(parts)
    elif type(value) is dict:
        known[id(value)] = _without_in_dict(value, known)
    elif isinstance(value, BaseEstimator) or type(value).__module__ == _SCORERS:
        state = {k: v for k, v in vars(value).items() if k not in OF_CALLBACKS}
        kept = _without_in_dict(state, known)
        if kept is not state or len(state) < len(vars(value)):
            # Shallow: attributes are replaced on the copy, and none of them is changed.
            bare = known[id(value)] = copy.copy(value)
            vars(bare).clear()
            vars(bare).update(kept)
    return known[id(value)]


def _without_in_dict(items, known):
    """The same dict if nothing in it has callbacks."""
    kept = {key: _without_callbacks(part, known) for key, part in items.items()}
    return kept if any(kept[key] is not items[key] for key in items) else items


def append_rows(frame, other):
    """The rows of two data frames of one library, numbered from 0 where they are."""
    library = importlib.import_module(type(frame).__module__.partition(".")[0])
    return _numbered(library.concat([frame, other]))


def append_columns(frame, other, names):
    """The columns of two data frames of one library, those of the other renamed."""
    columns = {new: _numbered(other)[name] for name, new in names.items()}
    frame = _numbered(frame)
    # pandas and polars.
    add = frame.assign if hasattr(frame, "assign") else frame.with_columns
    return add(**columns)


def _numbered(frame):
    return frame.reset_index(drop=True) if hasattr(frame, "reset_index") else frame


def take_rows(X, rows):
    """Rows of an array or a data frame, by a mask, a slice or positions."""
    return _safe_indexing(X, rows)
