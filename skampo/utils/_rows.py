"""Sums, means and maxima of short rows.

numpy reduces the last axis row by row, which takes ten to a hundred times longer than
joining whole columns when there are few of them. The bits are the same: up to seven
numbers numpy adds from left to right as well.
"""

import numpy as np

_MOST_COLUMNS = 7
# For fewer rows of three columns one call of numpy is the quicker one.
_FEWEST_ROWS = 100


def row_sum(values):
    """Sums of float rows, shape (n,)."""
    return _join(np.add, values)


def row_mean(values):
    """Means of float rows, shape (n,)."""
    return _join(np.add, values) / values.shape[1]


def row_max(values):
    """Largest entries of the rows, shape (n,)."""
    return _join(np.maximum, values)


def _join(operation, values):
    n_rows, n_columns = values.shape
    if n_rows < _FEWEST_ROWS or not 1 < n_columns <= _MOST_COLUMNS:
        return operation.reduce(values, axis=1)
    first, second, *others = values.T
    result = operation(first, second)
    for column in others:
        # The first operation made an array of its own, so that `values` stay.
        operation(result, column, out=result)
    return result
