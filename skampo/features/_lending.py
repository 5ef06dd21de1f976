"""What estimators are given of our rows, and what is made of the rows they return.

An estimator may work in its input: ``StandardScaler(copy=False)`` does, and so may
anybody's own. The same rows are fitted and predicted again and again, and some of them
are the caller's, so every estimator gets a copy that is its own, unless it is known to
do nothing but read; register more with ``only_reads.register``.
"""

from contextlib import contextmanager
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from skampo.exceptions import RegressorError
from skampo.features._blocks import blocks, room
from skampo.utils._sklearn import append_rows, take_rows
from skampo.utils._warnings import warn_user

# Single precision, which trees take, ends about here; squares end later.
_HUGE = 1e38
# What these do to their input is one parameter; a subclass may do more.
_COPYING = {
    LinearRegression: "copy_X",
    MaxAbsScaler: "copy",
    MinMaxScaler: "copy",
    Ridge: "copy_X",
    RobustScaler: "copy",
    StandardScaler: "copy",
}


@singledispatch
def only_reads(step):
    """Whether a step is known never to write into what it is given."""
    copies = _COPYING.get(type(step))
    return copies is not None and getattr(step, copies) is True


@only_reads.register
def _(step: OneHotEncoder):
    return type(step) is OneHotEncoder


@only_reads.register
def _(step: FunctionTransformer):
    # What a fitted union has in the place of "passthrough".
    return type(step) is FunctionTransformer and step.func is None


@only_reads.register
def _(step: Pipeline):
    return type(step) is Pipeline and _all_read(step.steps)


@only_reads.register
def _(step: FeatureUnion):
    return type(step) is FeatureUnion and _all_read(step.transformer_list)


def _all_read(steps):
    # A step that passes its input through gives the next one what is ours.
    return all(
        step is None or isinstance(step, str) or only_reads(step) for _, step in steps
    )


def lend(step, rows):
    """
    Rows as they are handed to a step, which may do with them what it likes.

    A copy in the same memory layout; the rows themselves if the step only reads.
    """
    rows = unwrap(rows)
    if rows is None or only_reads(step):
        return rows
    if isinstance(rows, np.ndarray):
        # Sums over another layout differ in the last bit.
        return rows.copy(order="K")
    # Frames of polars have no `copy`, and cannot be written to.
    return rows.copy() if hasattr(rows, "copy") else rows


def unwrap(rows):
    """The data frame itself, or any other rows as they are."""
    return rows.frame if isinstance(rows, FrameRows) else rows


@dataclass(frozen=True, eq=False)
class FrameRows:
    """
    Rows of a data frame, which are selected as those of an array are.

    States travel like this, and features that are a frame. An estimator gets the frame
    itself, because it may select columns by name, or treat those differently that hold
    no numbers.
    """

    frame: Any
    ndim = 2

    @property
    def shape(self):
        """Number of rows and of columns."""
        return self.frame.shape

    @property
    def size(self):
        """Number of values."""
        n_rows, n_columns = self.shape
        return n_rows * n_columns

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        return FrameRows(take_rows(self.frame, rows))

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.frame.to_numpy(), dtype=dtype)

    def append(self, others):
        """These rows, and those of another frame of the same kind behind them."""
        return FrameRows(append_rows(self.frame, others.frame))


def stack(first, second):
    """The rows of the first, then those of the second; numbers of rows, too."""
    if isinstance(first, FrameRows):
        return first.append(second)
    n_first = len(first)
    shape = n_first + len(second), *first.shape[1:]
    rows = room(shape, np.result_type(first, second))
    for block in blocks(n_first):
        rows[:n_first][block] = first[block]
    rows[n_first:] = second
    return rows


def size_hint(rows):
    """What to add to the message of a failure: where numbers overflow."""
    largest = _largest(rows)
    if not largest > _HUGE:
        return ""
    return (
        f" The largest of its numbers is {largest:.1e}, and numbers of that size "
        "overflow: divide the observations, for example in an environment wrapper."
    )


def _largest(rows):
    if not isinstance(rows, np.ndarray) or rows.dtype.kind != "f":
        return 0.0
    return max(rows.max(initial=0.0), -rows.min(initial=0.0))


@contextmanager
def warning_of_size(step, rows):
    """Say once that numbers overflow, in place of what NumPy says of each of them."""
    if not _largest(rows) > _HUGE:
        yield
        return
    with np.errstate(over="ignore", invalid="ignore"):
        yield
    warn_user(
        f"{type(step).__name__} was fitted to numbers above {_HUGE:.0e}, which "
        "overflow in single precision or in squares, so that it may have learned "
        "nothing: divide the observations, for example in an environment wrapper."
    )


def as_rows(features):
    """What a transformer returned, as something whose rows can be selected."""
    if issparse(features):
        return features.tocsr()
    return FrameRows(features) if hasattr(features, "columns") else np.asarray(features)


def as_numbers(features):
    """Rows as an array, sparse if they are; refuse a frame that holds other things."""
    if not isinstance(features, FrameRows):
        return features
    try:
        return np.asarray(features.frame.to_numpy(), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RegressorError(
            "regressor features are a data frame whose columns are not all numbers, "
            f"and a linear model needs numbers: {error}. Encode them, for example by "
            "OneHotEncoder, in the step before the model."
        ) from error
