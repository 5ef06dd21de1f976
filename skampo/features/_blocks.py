"""Many rows block by block: what is computed of them, and sums over them.

Features of many rows are held in single precision, half the memory, and are cast back
where precision counts: everything that is solved from them is then the exact solution
for features that are rounded to one part in 16 million. Large arrays are in files, of
whose pages the process gives back what it has read.
"""

import math
import mmap
import os
from tempfile import TemporaryFile
from threading import Lock
from weakref import WeakSet

import numpy as np

# Rows of a block: enough for matrix products, and few megabytes.
BLOCK = 4096
_FEW = 256
# Fewer rows are not worth a look at the number of their features.
MANY = 2**15
# Features that take fewer bytes than this are held as they are.
_LARGE = 2**28
# And more bytes than this are in a file, of which memory holds what it has room for.
_ON_DISK = 2**30
# So are columns and values of rows: each has few of them, and there are many.
_LONG = 2**26
# Pages of files are given back after so many blocks.
_READ = 8
_LARGEST = np.finfo(np.float32).max
_maps: WeakSet = WeakSet()
_lock = Lock()


def blocks(n_rows, size=BLOCK):
    """Slices of the rows of all blocks."""
    for number, start in enumerate(range(0, n_rows, size), 1):
        yield slice(start, start + size)
        if number % _READ == 0 or start + size >= n_rows:
            give_back()


def rounded_features(transform, observations):
    """Features of many rows in single precision; None where they take little memory."""
    n_rows = len(observations)
    if n_rows < MANY:
        return None
    one = transform(observations[:1])
    is_dense = isinstance(one, np.ndarray) and one.dtype == np.float64
    if not is_dense or n_rows * one.nbytes < _LARGE:
        return None
    features = room((n_rows, *one.shape[1:]), np.float32, _ON_DISK)
    for rows in blocks(n_rows):
        exact = transform(observations[rows])
        # Squares of large numbers, for example, overflow.
        if not np.abs(exact).max() < _LARGEST:
            return None
        features[rows] = exact
    return features


def in_double(features):
    """Features in double precision; those that are so already are not copied."""
    return features.astype(float, copy=False)


def room(shape, dtype=np.float64, most=None):
    """An empty array, in a file if it has so many bytes."""
    dtype = np.dtype(dtype)
    n_bytes = dtype.itemsize * math.prod(shape)
    in_memory = n_bytes < (_LONG if most is None else most) or dtype.hasobject
    if in_memory or not hasattr(os, "posix_fallocate"):
        return np.empty(shape, dtype)
    try:
        # It is gone when the array is.
        with TemporaryFile() as file:
            # Without room for it, the process would be killed when it writes.
            os.posix_fallocate(file.fileno(), 0, n_bytes)
            pages = mmap.mmap(file.fileno(), n_bytes)
    except OSError:
        return np.empty(shape, dtype)
    with _lock:
        _maps.add(pages)
    return np.frombuffer(pages, dtype).reshape(shape)


def give_back():
    """Let the system have the memory of pages that were read or written."""
    with _lock:
        maps = list(_maps)
    for pages in maps:
        # They are in the file, and come again when they are asked for.
        pages.madvise(mmap.MADV_DONTNEED)


def taken(values, rows):
    """Some rows, by a slice, a mask or positions; in a file if they are many."""
    if getattr(values, "nbytes", 0) < _LONG or isinstance(rows, slice):
        return values[rows]
    rows = np.asarray(rows)
    rows = np.flatnonzero(rows) if rows.dtype == bool else rows
    found = room((len(rows), *values.shape[1:]), values.dtype)
    size = min(BLOCK, max(_FEW, BLOCK * len(rows) // len(values)))
    for block in blocks(len(rows), size):
        found[block] = values[rows[block]]
        # Rows that are far apart are on pages of their own.
        if size < BLOCK:
            give_back()
    return found


def by_blocks(function, n_rows):
    """Rows that a function of a slice computes, in columns; all at once if few."""
    if n_rows < MANY:
        return function(slice(n_rows))
    values = None
    for rows in blocks(n_rows):
        part = function(rows)
        if values is None:
            values = room((n_rows, *part.shape[1:])[::-1], part.dtype).T
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
