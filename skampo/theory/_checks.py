"""Arguments of the bounds, refused by name."""

from numbers import Real

import numpy as np

from skampo.exceptions import InvalidParameterError
from skampo.utils._validation import check_distribution


def at_least(lowest, hint="", **values):
    """Refuse numbers below `lowest`; infinity is accepted, NaN is not."""
    for name, value in values.items():
        if not isinstance(value, Real) or not value >= lowest:
            raise InvalidParameterError(
                f"{name} must be a float of at least {lowest:g}. Got {value!r} "
                f"instead.{hint}"
            )


def positive(**values):
    """Refuse what is not a positive finite number."""
    for name, value in values.items():
        if not isinstance(value, Real) or not 0 < value < np.inf:
            raise InvalidParameterError(
                f"{name} must be a float in the range (0.0, inf). Got {value!r} "
                "instead."
            )


def mismatch(gamma, theta):
    """Refuse a coefficient that no initial distribution has."""
    # A sum of floats that should be one may fall short of it.
    if not isinstance(theta, Real) or not theta * (1 - gamma) >= 1 - 1e-9:
        raise InvalidParameterError(
            f"theta must be a float of at least 1 / (1 - gamma) = {1 / (1 - gamma):g}. "
            f"Got {theta!r} instead; see mismatch_coefficient."
        )


def numbers(name, values):
    """Floats of any shape; what is no number is refused by name."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidParameterError(
            f"{name} must hold numbers. Got {values!r} instead."
        ) from error


def finite(name, values):
    """Floats of any shape, none of them NaN or infinite."""
    values = numbers(name, values)
    for place in np.argwhere(~np.isfinite(values))[:1]:
        index = tuple(map(int, place))
        raise InvalidParameterError(
            f"{name} must be finite. Got {values[index]} at {index}."
        )
    return values


def counts(n_iter, lowest=0):
    """Iteration counts as floats of any shape."""
    values = numbers("n_iter", n_iter)
    if not ((values >= lowest) & (values == np.floor(values))).all():
        raise InvalidParameterError(
            f"n_iter must hold integers of at least {lowest}. Got {n_iter!r} instead."
        )
    return values


def distributions(**arrays):
    """Probability distributions of equal shapes, as arrays."""
    values = {name: numbers(name, array) for name, array in arrays.items()}
    shapes = {name: array.shape for name, array in values.items()}
    if len(set(shapes.values())) > 1:
        raise InvalidParameterError(
            f"{' and '.join(shapes)} must have one shape. Got "
            f"{' and '.join(map(str, shapes.values()))} instead."
        )
    for name, array in values.items():
        check_distribution(array, name)
    return tuple(values.values())


def error_floor(gamma, coefficient, concentrability, approximation_error):
    """Twice the error of action values times 1 + the coefficient, over 1 - gamma."""
    at_least(0, concentrability=concentrability)
    at_least(0, approximation_error=approximation_error)
    # An error of 0 where v never looks promises nothing, and ∞ · 0 would be NaN.
    if np.isinf(max(concentrability, approximation_error)):
        return np.inf
    root = np.sqrt(concentrability * approximation_error)
    # Without error an infinite mismatch costs nothing here.
    return float(2 * (1 + coefficient) * root / (1 - gamma)) if root else 0.0


def float_or_array(values):
    """A float for a single number, else the array."""
    return values if np.ndim(values) else float(values)
