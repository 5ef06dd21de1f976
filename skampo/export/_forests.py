"""Trees of scikit-learn and LightGBM as one step."""

import numpy as np

from skampo.exceptions import ExportError
from skampo.export._steps import Trees
from skampo.utils._lightgbm import take_booster

# Bits of LightGBM's decisions: those of categories, and zeros that count as missing.
_CATEGORY = 1
# Numbers up to this size, 1e-35 in single precision, are 0 to LightGBM.
_NOTHING = float(np.float32(1e-35))


def sklearn_trees(source, trees, values):
    """The sum of fitted `Tree` objects, whose nodes hold these values."""
    starts = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
    column = np.concatenate([tree.feature for tree in trees])
    return _trees(
        source,
        starts,
        np.where(column < 0, -1, column),
        exact_thresholds(np.concatenate([tree.threshold for tree in trees])),
        _children(starts, [tree.children_left for tree in trees]),
        _children(starts, [tree.children_right for tree in trees]),
        np.concatenate(values),
    )


def exact_thresholds(thresholds):
    """
    The largest double that scikit-learn's trees let go to the left.

    They round what they compare to single precision; compared with these numbers, it
    goes the same way without being rounded.
    """
    below = thresholds.astype(np.float32)
    # The last single that is not above the threshold, and the next one.
    below = np.where(
        below > thresholds, np.nextafter(below, np.float32(-np.inf)), below
    )
    above = np.nextafter(below, np.float32(np.inf)).astype(np.float64)
    middle = (below.astype(np.float64) + above) / 2
    # Of two neighbors just as near, a number in the middle becomes the even one.
    goes_down = middle.astype(np.float32) <= thresholds
    return np.where(goes_down, middle, np.nextafter(middle, -np.inf))


def histogram_trees(source, predictors):
    """The sum of the trees of `HistGradientBoostingRegressor`."""
    nodes = [predictor.nodes for predictor in predictors]
    if any(part["is_categorical"].any() for part in nodes):
        raise ExportError("it splits categories, and only numbers can be exported")
    starts = np.cumsum([0, *map(len, nodes)])[:-1]
    is_leaf = np.concatenate([part["is_leaf"] for part in nodes]) > 0
    column = np.concatenate([part["feature_idx"] for part in nodes]).astype(int)
    return _trees(
        source,
        starts,
        np.where(is_leaf, -1, column),
        np.concatenate([part["num_threshold"] for part in nodes]),
        _children(starts, [part["left"].astype(int) for part in nodes]),
        _children(starts, [part["right"].astype(int) for part in nodes]),
        np.concatenate([part["value"] for part in nodes])[:, None],
    )


def boosted_trees(source, booster):
    """The sum of LightGBM's trees, or their mean; and the name of its objective."""
    try:
        data = take_booster(booster)
    except ValueError as error:
        raise ExportError(f"of {error}: only numbers can be exported") from error
    header, trees = data["header"], data["trees"]
    decisions = trees["decision_type"].astype(int)
    if (decisions & _CATEGORY).any() or ((decisions >> 2 & 3) == 1).any():
        raise ExportError(
            "it splits categories, or takes zeros as missing: leave zero_as_missing "
            "and categories away"
        )
    if "leaf_const" in trees:
        raise ExportError("it has linear models in its leaves: set linear_tree=False")
    best = header["best_iteration"]
    # How many each tree has: the lengths of its first and tenth line.
    splits, leaves = trees["lengths"][0], trees["lengths"][9]
    kept = best if best > 0 else len(leaves)
    step = _leaf_wise(source, trees, splits[:kept], leaves[:kept])
    return step, header


def _leaf_wise(source, trees, splits, leaves):
    """Nodes of trees whose leaves are numbered from -1 downwards."""
    sizes = splits + leaves
    starts, first_leaves = _before(sizes), _before(leaves)
    columns, thresholds, left, right, values = [], [], [], [], []
    at = _before(splits)
    for tree, start in enumerate(starts):
        inner = slice(at[tree], at[tree] + splits[tree])
        own = slice(first_leaves[tree], first_leaves[tree] + leaves[tree])
        none = np.full(leaves[tree], -1)
        columns.append(np.append(trees["split_feature"][inner].astype(int), none))
        known = _beside_zero(trees["threshold"][inner])
        thresholds.append(np.append(known, 0.0 * none))
        for side, children in (("left_child", left), ("right_child", right)):
            child = trees[side][inner].astype(int)
            child = np.where(child < 0, splits[tree] - 1 - child, child) + start
            children.append(np.append(child, start + splits[tree] - 1 - none * 0))
        values.append(np.append(np.zeros(splits[tree]), trees["leaf_value"][own]))
    parts = map(np.concatenate, (columns, thresholds, left, right, values))
    column, threshold, left, right, values = parts
    return _trees(source, starts, column, threshold, left, right, values[:, None])


def _beside_zero(thresholds):
    """Thresholds for numbers as they are, of those for numbers without tiny ones."""
    is_tiny, below = np.abs(thresholds) <= _NOTHING, np.nextafter(-_NOTHING, -np.inf)
    return np.where(is_tiny, np.where(thresholds < 0, below, _NOTHING), thresholds)


def _before(counts):
    return np.cumsum([0, *counts])[:-1]


def _children(starts, parts):
    moved = [part + start for part, start in zip(parts, starts, strict=True)]
    return np.concatenate(moved)


def _trees(source, roots, column, threshold, left, right, values):
    """Leaves know their row of values; nothing else has one."""
    is_leaf = column < 0
    row = np.cumsum(is_leaf) - 1
    return Trees(
        source,
        len(roots),
        np.asarray(roots),
        column.astype(int),
        np.where(is_leaf, 0.0, threshold),
        np.where(is_leaf, row, left),
        np.where(is_leaf, row, right),
        values[is_leaf],
    )
