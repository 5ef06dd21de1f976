"""Arrays of numbers and text as bytes, whose sizes are known before they are made."""

import math
import re

import numpy as np

_NAME = re.compile(r"[<>|][biufU][0-9]{1,5}")


def is_plain(dtype):
    """Whether an array of this type is numbers, or text of one width."""
    return dtype.kind in "biufU" and dtype.isnative and 0 < dtype.itemsize <= 2**16


def read_dtype(text):
    """The type of numbers or text of this name."""
    # NumPy would compile some other texts, and read them as records or objects.
    is_name = type(text) is str and _NAME.fullmatch(text)
    dtype = np.dtype(text) if is_name else None
    if dtype is None or dtype.str != text or not is_plain(dtype):
        raise ValueError(f"{text!r} is no type of numbers")
    return dtype


def read_arrays(headers, data):
    """Arrays that lie one behind the other, and nothing else in `data`."""
    arrays, start = [], 0
    for text, shape, order in headers:
        if any(type(n) is not int or n < 0 for n in shape) or order not in ("C", "F"):
            raise ValueError("an array of no shape")
        dtype, size = read_dtype(text), math.prod(shape)
        # Nothing in the file would pay for the other lengths of an empty array either.
        if max(size * dtype.itemsize, *shape, 0) > len(data) - start:
            raise ValueError("an array that is larger than the rest of the file")
        flat = np.frombuffer(data, dtype, size, start)
        _check_bits(flat)
        # A copy: aligned, and free to be written to.
        arrays.append(np.array(flat.reshape(shape, order=order), order=order))
        start += flat.nbytes
    if start != len(data):
        raise ValueError("bytes behind the last array")
    return arrays


def _check_bits(flat):
    """Compiled code counts bools as what they are, and takes letters as they come."""
    if flat.dtype == bool and (flat.view(np.uint8) > 1).any():
        raise ValueError("a bool that is neither true nor false")
    if flat.dtype.kind == "U" and (flat.view(np.uint32) > 0x10FFFF).any():
        raise ValueError("a letter that is none")
