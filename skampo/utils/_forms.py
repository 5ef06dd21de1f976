"""Forms of values: which axes an array has, which objects are meant."""

import numpy as np


def flat(value):
    """What is in nested lists and tuples."""
    if isinstance(value, list | tuple):
        return [part for item in value for part in flat(item)]
    return [value]


def fits(value, form, sizes):
    """Whether a value has this form; the lengths of its axes are noted in `sizes`."""
    if form[:1] == "@":
        names = form[1:].split(",")
        parts = [part for part in flat(value) if part is not None]
        return form == "@" or all(type(part).__name__ in names for part in parts)
    if form in ("()", "()?"):
        return callable(value)
    if form == "#":
        is_number = isinstance(value, int | float | np.number)
        return is_number and not isinstance(value, bool)
    if form == "*":
        return _is_data(value)
    if not form:
        return isinstance(value, bool | int | float | str | np.generic)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        return False
    found = {**sizes, **{digit: int(digit) for digit in form if digit.isdigit()}}
    if value.ndim != len(form) or any(
        found.setdefault(letter, n) != n
        for letter, n in zip(form, value.shape, strict=True)
    ):
        return False
    sizes.update(found)
    return True


def _is_data(value):
    """Whether a value is made of numbers, text and arrays alone."""
    if isinstance(value, list | tuple):
        return all(map(_is_data, value))
    if isinstance(value, dict):
        return all(map(_is_data, value.values()))
    kinds = bool | int | float | str | np.generic | np.ndarray | np.dtype | slice | None
    return isinstance(value, kinds)
