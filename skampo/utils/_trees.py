"""Trees as arrays of children."""

import numpy as np

_DEEPEST = 5000


def require(condition, what):
    """Raise a ValueError that says what is wrong, unless the condition holds."""
    if not condition:
        raise ValueError(what)


def check_tree(left, right, is_leaf, what):
    """
    The longest way to a leaf of a binary tree; what is none is refused under a name.

    The children of a node come behind it, none of them twice, so that paths end and are
    no longer than the nodes are many. Those of leaves do not matter.
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
