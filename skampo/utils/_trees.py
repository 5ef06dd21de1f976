"""Trees as arrays of children."""

import numpy as np

__all__ = ["check_tree", "require"]

_DEEPEST = 5000


def require(condition, what):
    """Raise a ValueError that says what is wrong, unless the condition holds."""
    if not condition:
        raise ValueError(what)


def check_tree(left, right, is_leaf, what):
    """
    Count the levels of a binary tree, and refuse one that is none.

    Parameters
    ----------
    left, right : ndarray of int of shape (n,)
        The children of each node, which come behind it.
    is_leaf : ndarray of bool of shape (n,)
        Where the children do not matter.
    what : str
        What it is, for the error.

    Returns
    -------
    int
        The longest number of steps to a leaf.

    Raises
    ------
    ValueError
        If a child is not there, comes before its parent or has two of them, so that
        paths might not end, or be more than the nodes.
    """
    n, inner = len(left), np.flatnonzero(~is_leaf)
    children, parents = np.append(left[inner], right[inner]), np.append(inner, inner)
    require(n > 0 and ((parents < children) & (children < n)).all(), what)
    require((np.bincount(children, minlength=n)[1:] == 1).all(), what)
    level, depth = np.zeros(1, dtype=np.int64), 0
    while (level := level[~is_leaf[level]]).size:
        level, depth = np.append(left[level], right[level]), depth + 1
        # Each takes a moment, and compiled code may go down by calls.
        require(depth <= _DEEPEST, f"{what}, and more than {_DEEPEST:,} levels deep")
    return depth
