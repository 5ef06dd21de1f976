"""Fitted transformers and linear models as plain arithmetic.

scikit-learn checks its input at every call, which takes ten times longer than the
arithmetic for the few rows of a lock-step. Rollouts check observations where they enter
and use these functions, which give the same bits; register more with
``plain_transform.register`` and ``plain_predict.register``.
"""

from functools import singledispatch

from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

__all__ = ["plain_predict", "plain_transform"]


@singledispatch
def plain_transform(transformer):
    """Function of an array for a fitted transformer; its own where none is known."""
    return transformer.transform


@plain_transform.register
def _(transformer: Pipeline):
    steps = [step for _, step in transformer.steps if step not in (None, "passthrough")]
    functions = [plain_transform(step) for step in steps]

    def transform(X):
        for function in functions:
            X = function(X)
        return X

    return transform


@plain_transform.register
def _(transformer: StandardScaler):
    is_usual = transformer.with_mean and transformer.with_std
    # A subclass may do more.
    if type(transformer) is not StandardScaler or not is_usual:
        return transformer.transform
    mean, scale = transformer.mean_, transformer.scale_
    return lambda X: (X - mean) / scale


@plain_transform.register
def _(transformer: MinMaxScaler):
    if type(transformer) is not MinMaxScaler or transformer.clip:
        return transformer.transform
    scale, offset = transformer.scale_, transformer.min_
    return lambda X: X * scale + offset


@plain_transform.register
def _(transformer: MaxAbsScaler):
    if type(transformer) is not MaxAbsScaler or getattr(transformer, "clip", False):
        return transformer.transform
    scale = transformer.scale_
    return lambda X: X / scale


@plain_transform.register
def _(transformer: RobustScaler):
    is_usual = transformer.with_centering and transformer.with_scaling
    if type(transformer) is not RobustScaler or not is_usual:
        return transformer.transform
    center, scale = transformer.center_, transformer.scale_
    return lambda X: (X - center) / scale


@singledispatch
def plain_predict(model):
    """Function of an array for a fitted model, None where none is known."""
    # Asked by its name, so that lightgbm is imported only by those who use it.
    is_lightgbm = type(model).__module__ == "lightgbm.sklearn"
    return model.booster_.predict if is_lightgbm else None


@plain_predict.register(Ridge)
@plain_predict.register(LinearRegression)
def _(model):
    if type(model) not in (Ridge, LinearRegression):
        return None
    weights, intercept = model.coef_.T, model.intercept_
    return lambda X: X @ weights + intercept
