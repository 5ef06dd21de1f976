"""Parameter constraints in scikit-learn's wording, and checks of action masks."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Self

import numpy as np
from sklearn.base import clone

from skampo.exceptions import InvalidParameterError


@dataclass(frozen=True)
class Constraint:
    """A description of valid values and the test for them."""

    description: str
    accepts: Callable

    def __or__(self, other):
        """Either of two constraints."""
        return Constraint(
            f"{self.description} or {other.description}",
            lambda value: self.accepts(value) or other.accepts(value),
        )


def Interval(kind, low, high=None, *, high_open=False):
    """Numbers of one kind (``int`` or ``float``) from `low` to `high`; never bool."""
    number = Integral if kind is int else Real
    top = np.inf if high is None else high
    end = ")" if high is None or high_open else "]"

    def accepts(value):
        # Python counts bools among the integers: True would be 1.
        if isinstance(value, bool | np.bool_) or not isinstance(value, number):
            return False
        # NaN is in no range, because no comparison with it is true.
        return low <= value < top if end == ")" else low <= value <= top

    name = "an int" if kind is int else "a float"
    shown = "inf" if high is None else kind(high)
    return Constraint(f"{name} in the range [{kind(low)}, {shown}{end}", accepts)


def OneOf(names):
    """One of these strings."""
    names = set(names)
    return Constraint(
        f"a str among {sorted(names)}",
        lambda value: isinstance(value, str) and value in names,
    )


def Provides(description, *methods):
    """An instance that has these methods."""
    return Constraint(
        description,
        lambda value: (
            # A class has the methods too: its parentheses were forgotten.
            not isinstance(value, type)
            and all(callable(getattr(value, method, None)) for method in methods)
        ),
    )


def Member(description, kinds):
    """An instance of one of these types."""
    return Constraint(description, lambda value: isinstance(value, kinds))


Nothing = Constraint("None", lambda value: value is None)
Flag = Constraint("a bool", lambda value: isinstance(value, bool | np.bool_))


def check_parameters(owner, constraints):
    """Refuse the first parameter of an object that breaks its constraint."""
    for name, constraint in constraints.items():
        check_argument(type(owner).__name__, name, getattr(owner, name), constraint)


def check_argument(owner, name, value, constraint):
    """Refuse an argument of a function, or parameter of a class, by name."""
    if not constraint.accepts(value):
        raise InvalidParameterError(
            f"The {name!r} parameter of {owner} must be {constraint.description}. Got "
            f"{value!r} instead."
        )


class NestedParameters:
    """Says why a nested name does not reach a parameter; left of `BaseEstimator`."""

    def set_params(self, **params) -> Self:
        """
        Set parameters, also those of parts, as in ``regressor__alpha``.

        Parameters
        ----------
        **params : dict
            Names and values. A part must be an object: None and strings stand for
            default objects and have no parameters.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        InvalidParameterError
            If a part has no parameters.
        ValueError
            If there is no parameter of that name.
        """
        try:
            return super().set_params(**params)  # type: ignore[misc]
        except AttributeError as error:
            # scikit-learn asks None for `set_params`, and does not name the parameter.
            for name in params:
                self._refuse_part(*name.split("__", maxsplit=1), error=error)
            raise

    def _refuse_part(self, name, inner=None, *, error):
        part = getattr(self, name, None)
        if inner is not None and not hasattr(part, "set_params"):
            raise InvalidParameterError(
                f"{name}__{inner} needs an object with the parameter {inner!r} as "
                f"{name!r}. Got {name}={part!r} instead: construct "
                f"{type(self).__name__} with an object as {name!r}."
            ) from error


def check_positive(owner, name, expected="a float in the range (0.0, inf)"):
    """Return the parameter `name` of `owner`, or refuse what is not positive."""
    value = getattr(owner, name)
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < np.inf:
        raise InvalidParameterError(
            f"The {name!r} parameter of {type(owner).__name__} must be {expected}. "
            f"Got {value!r} instead."
        )
    return float(value)


def check_discount(gamma):
    """Refuse a discount outside [0, 1), for which values need not exist."""
    if not isinstance(gamma, Real) or not 0 <= gamma < 1:
        raise InvalidParameterError(
            f"gamma must be a float in the range [0.0, 1.0). Got {gamma!r} instead."
        )


def check_distribution(proba, name):
    """Refuse what is no probability distribution, by name."""
    if not (np.isfinite(proba).all() and (proba >= 0).all()):
        raise ValueError(
            f"{name} must be finite and not negative. Got {proba} instead."
        )
    if abs(proba.sum() - 1) > 1e-9:
        raise ValueError(f"{name} must sum to 1. Got a sum of {proba.sum()!r} instead.")


def as_mask(values):
    """Booleans of an array of booleans, zeros and ones; None of any other."""
    if values.dtype.kind == "b":
        # A copy, because environments write into theirs.
        return values.copy()
    # Text has a truth value too.
    if values.dtype.kind not in "iufO":
        return None
    try:
        mask = values.astype(bool)
        # NaN and 0.5 count as true, but are not equal to it.
        return None if np.count_nonzero(mask != values) else mask
    except (TypeError, ValueError):
        return None


def _odd_entry(values):
    """The first entry that is neither zero nor one, for a message."""
    entries = values.ravel().tolist()
    odd = (x for x in entries if not isinstance(x, Real) or x not in (0, 1))
    return next(odd, None)


def check_action_mask(action_mask, shape):
    """
    A mask as booleans of the shape (n, n_actions); None stays None.

    One row stands for all. Another shape, a row that allows no action, or anything else
    than zeros and ones is refused.
    """
    if action_mask is None:
        return None
    given = np.asarray(action_mask)
    mask = as_mask(given)
    if mask is None:
        raise ValueError(
            "action_mask must hold booleans, or zeros and ones: 1 where an action is "
            f"allowed. Got dtype {given.dtype} with {_odd_entry(given)!r}."
        )
    if mask.shape == shape[1:]:
        mask = np.broadcast_to(mask, shape)
    if mask.shape != shape:
        raise ValueError(
            f"action_mask has shape {mask.shape}; expected {shape}, one row per "
            "observation and one column per action in the order of classes_."
        )
    # Probabilities of no action at all cannot sum to 1.
    if not mask.any(axis=1).all():
        row = int(np.argmin(mask.any(axis=1)))
        raise ValueError(
            f"action_mask forbids every action in row {row}; allow at least one."
        )
    return mask


def resolve(value, names):
    """An object for a name out of `names`; a clone of anything else."""
    return names[value]() if isinstance(value, str) else clone(value)
