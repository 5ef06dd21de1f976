"""Fitted transformers and linear models as plain arithmetic.

scikit-learn checks its input at every call, which takes ten times longer than the
arithmetic for the few rows of a lock-step. Rollouts check observations where they enter
and use these functions, which give the same bits; register more with
``unchecked_transform.register`` and ``unchecked_predict.register``.
"""

import sys
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from skampo.features._lending import lend
from skampo.features._steps import last_step
from skampo.utils._threads import in_order


@dataclass(frozen=True)
class _Own:
    """What a transformer does itself, which asks a cluster for no workers."""

    transformer: Any

    def __call__(self, X):
        with in_order():
            return self.transformer.transform(X)


@singledispatch
def unchecked_transform(transformer):
    """Function of an array for a fitted transformer; its own where none is known."""
    return _Own(transformer)


@unchecked_transform.register
def _(transformer: Pipeline):
    if type(transformer) is not Pipeline:
        return _Own(transformer)
    steps = [step for _, step in transformer.steps if step not in (None, "passthrough")]
    functions = [unchecked_transform(step) for step in steps]
    # A step that was fitted to a frame looks for its columns: arithmetic gives none.
    named = [i for i, step in enumerate(steps) if _looks_for_names(step, functions[i])]
    for i in range(named[-1] if named else 0):
        functions[i] = _Own(steps[i])

    def transform(X):
        for function in functions:
            X = function(X)
        return X

    return transform


def _looks_for_names(step, function):
    # The method itself where a subclass may do more than what is known.
    is_own = function in (_Own(step), step.transform)
    return is_own and hasattr(step, "feature_names_in_")


@unchecked_transform.register
def _(transformer: StandardScaler):
    is_usual = transformer.with_mean and transformer.with_std
    # A subclass may do more.
    if type(transformer) is not StandardScaler or not is_usual:
        return transformer.transform
    mean, scale = transformer.mean_, transformer.scale_
    return lambda X: (X - mean) / scale


@unchecked_transform.register
def _(transformer: MinMaxScaler):
    if type(transformer) is not MinMaxScaler or transformer.clip:
        return transformer.transform
    scale, offset = transformer.scale_, transformer.min_
    return lambda X: X * scale + offset


@unchecked_transform.register
def _(transformer: MaxAbsScaler):
    if type(transformer) is not MaxAbsScaler or getattr(transformer, "clip", False):
        return transformer.transform
    scale = transformer.scale_
    return lambda X: X / scale


@unchecked_transform.register
def _(transformer: RobustScaler):
    is_usual = transformer.with_centering and transformer.with_scaling
    if type(transformer) is not RobustScaler or not is_usual:
        return transformer.transform
    center, scale = transformer.center_, transformer.scale_
    return lambda X: (X - center) / scale


@unchecked_transform.register
def _(transformer: OneHotEncoder):
    if not _encodes_one_number(transformer):
        return transformer.transform
    known, dtype = transformer.categories_[0], transformer.dtype

    def transform(X):
        # Numbers beyond the largest known one are found behind the last column.
        column = np.minimum(known.searchsorted(X[:, 0]), len(known) - 1)
        is_known = known[column] == X[:, 0]
        # An unknown number has an empty row, as scikit-learn's `ignore` gives it.
        ends = np.append(0, is_known.cumsum())
        ones = np.ones(ends[-1], dtype=dtype)
        return csr_matrix((ones, column[is_known], ends), (len(X), len(known)))

    return transform


def _encodes_one_number(transformer):
    """Whether it is a column of numbers, each known one has a column of its own."""
    settings = transformer.get_params()
    usual = {"drop": None, "min_frequency": None, "max_categories": None}
    usual |= {"handle_unknown": "ignore", "sparse_output": True}
    known = transformer.categories_
    is_usual = all(settings[name] == value for name, value in usual.items())
    is_number = len(known) == 1 and known[0].dtype.kind in "iuf"
    if type(transformer) is not OneHotEncoder or not (is_usual and is_number):
        return False
    # NaN is a category of its own, which no comparison would find.
    return bool(np.isfinite(known[0]).all())


@singledispatch
def unchecked_predict(model):
    """Function of an array for a fitted model, None where none is known."""
    # Asked by its name, so that lightgbm is imported only by those who use it.
    if type(model).__module__ == "lightgbm.sklearn":
        # For single rows the wrapper takes fifteen times as long as its booster.
        return model.booster_.predict
    return _plain_trees(model)


def _plain_trees(model):
    """Mean of the trees of a forest, or a single tree; None for anything else."""
    # Whoever has such a model has imported its module, which takes a while.
    tree, ensemble = (sys.modules.get(f"sklearn.{n}") for n in ("tree", "ensemble"))
    if tree and type(model) is tree.DecisionTreeRegressor:
        trees = [model.tree_]
    elif ensemble and type(model) in (
        ensemble.ExtraTreesRegressor,
        ensemble.RandomForestRegressor,
    ):
        trees = [member.tree_ for member in model.estimators_]
    else:
        return None

    def predict(X):
        # Of fewer columns, compiled code would read beyond the rows.
        if issparse(X) or X.shape[1] != trees[0].n_features:
            return model.predict(X)
        X = np.ascontiguousarray(X, dtype=np.float32)
        # In the order of the trees, as scikit-learn adds them up in one thread.
        total = trees[0].predict(X)
        for other in trees[1:]:
            total += other.predict(X)
        total /= len(trees)
        return total[..., 0]

    return predict


@unchecked_predict.register(Ridge)
@unchecked_predict.register(LinearRegression)
def _(model):
    if type(model) not in (Ridge, LinearRegression):
        return None
    weights, intercept = model.coef_.T, model.intercept_
    return lambda X: X @ weights + intercept


@unchecked_predict.register
def _(model: Pipeline):
    last = unchecked_predict(last_step(model)[1])
    if type(model) is not Pipeline or last is None or len(model.steps) < 2:
        return None
    transform = unchecked_transform(model[:-1])

    def predict(X):
        features = transform(lend(model, X))
        # A model that was fitted to a frame looks for its columns.
        return model.predict(X) if hasattr(features, "columns") else last(features)

    return predict
