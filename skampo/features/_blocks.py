"""Many rows block by block: what is computed of them, and sums over them.

Features of many rows are held in single precision, half the memory, in a file if they
are very many, and are cast back where precision counts: everything that is solved from
them is then the exact solution for features that are rounded to one part in 16 million.
"""

import os
from tempfile import TemporaryFile

import numpy as np

__all__ = ["BLOCK", "MANY", "blocks", "by_blocks", "rounded_features", "tree_sum"]

# Rows of a block: enough for matrix products, and few megabytes.
BLOCK = 4096
# Fewer rows are not worth a look at the number of their features.
MANY = 2**15
# Features that take fewer bytes than this are held as they are.
_LARGE = 2**28
# And more bytes than this are in a file, of which memory holds what it has room for.
_ON_DISK = 2**30
_LARGEST = np.finfo(np.float32).max


def blocks(n_rows):
    """Slices of the rows of all blocks."""
    return [slice(start, start + BLOCK) for start in range(0, n_rows, BLOCK)]


def rounded_features(transform, observations):
    """Features of many rows in single precision; None where they take little memory."""
    n_rows = len(observations)
    if n_rows < MANY:
        return None
    one = transform(observations[:1])
    is_dense = isinstance(one, np.ndarray) and one.dtype == np.float64
    if not is_dense or n_rows * one.nbytes < _LARGE:
        return None
    features = _room((n_rows, *one.shape[1:]))
    for rows in blocks(n_rows):
        exact = transform(observations[rows])
        # Squares of large numbers, for example, overflow.
        if not np.abs(exact).max() < _LARGEST:
            return None
        features[rows] = exact
    return features


def _room(shape):
    """An array of single precision, in a file where memory has better uses."""
    n_bytes = 4 * int(np.prod(shape))
    if n_bytes < _ON_DISK or not hasattr(os, "posix_fallocate"):
        return np.empty(shape, dtype=np.float32)
    try:
        # It is gone when the array is.
        with TemporaryFile() as file:
            # Without room for it, the process would be killed when it writes.
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            return np.memmap(file, np.float32, shape=shape).view(np.ndarray)
    except OSError:
        return np.empty(shape, dtype=np.float32)


def by_blocks(function, n_rows):
    """Rows that a function of a slice computes, in columns; all at once if few."""
    if n_rows < MANY:
        return function(slice(n_rows))
    values = None
    for rows in blocks(n_rows):
        part = function(rows)
        if values is None:
            values = np.empty((n_rows, *part.shape[1:]), part.dtype, order="F")
        values[rows] = part
    return values


def tree_sum(parts):
    """
    Sum of arrays, two and two, and so on: few roundings follow one another.

    Only one array for each level is held. The order depends on the number of parts
    alone, so that whoever computes them in whatever order gets the same bits.
    """
    levels = []
    for part in parts:
        total, level = part, 0
        while level < len(levels) and levels[level] is not None:
            total, levels[level], level = levels[level] + total, None, level + 1
        if level == len(levels):
            levels.append(None)
        levels[level] = total
    left = [total for total in reversed(levels) if total is not None]
    return sum(left[1:], left[0])
