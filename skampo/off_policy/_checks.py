"""Arguments that estimators share."""

import functools
import inspect
from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np

from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.utils._validation import Interval, Nothing, OneOf, check_argument

Function = TypeVar("Function", bound=Callable)

_CONSTRAINTS = {
    "baseline": OneOf(["logged"]),
    "gamma": Interval(float, 0, 1),
    "confidence": Interval(float, 0, 1, high_open=True),
    "min_gain": Interval(float, -np.inf),
    "n_bootstraps": Interval(int, 0),
    "n_refits": Interval(int, 2),
    "n_splits": Interval(int, 2),
    "n_sweeps": Interval(int, 1) | Nothing,
}


def check_options(owner, **options):
    """Refuse the first of these parameters of a function that is not accepted."""
    for name, value in options.items():
        check_argument(owner, name, value, _CONSTRAINTS[name])


def takes_log(function: Function) -> Function:
    """Refuse anything but a TransitionLog as `log`, and columns in its place."""
    positional = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]

    @functools.wraps(function)
    def checked(*args, **options):
        given = dict(zip(positional, args, strict=False)) | options
        is_log = isinstance(given.get("log"), TransitionLog)
        if "log" in given and (not is_log or len(args) > len(positional)):
            kind, n_more = type(given["log"]).__name__, len(args) - len(positional)
            more = f" and {n_more} more arguments" if n_more > 0 else ""
            raise InvalidParameterError(
                f"The 'log' parameter of {function.__name__} must be a TransitionLog. "
                f"Got {kind}{more}: make one of a data frame by "
                "TransitionLog.from_frame(df, state=[...], action=..., reward=..., "
                "episode=...), or of arrays by TransitionLog(states, actions, rewards, "
                "propensities=...); it is in skampo.off_policy."
            )
        return function(*args, **options)

    return cast(Function, checked)
