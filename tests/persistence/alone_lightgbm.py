"""Models of LightGBM by themselves, and how they are refused when they are edited.

Which model, what is changed in its file, and words of the error.
"""

import numpy as np
from lightgbm import LGBMRegressor

from tests.persistence.crafting import find
from tests.persistence.edits import (
    all_of,
    attribute,
    both,
    first,
    grouped,
    header,
    in_booster,
    parameter,
)

LIGHTGBM = "LGBMRegressor"
SMALL = {"n_estimators": 2, "min_child_samples": 5, "verbose": -1}
LIGHTGBM_MODELS = {
    LIGHTGBM: LGBMRegressor(**SMALL),
    "linear": LGBMRegressor(linear_tree=True, **SMALL),
}
BOOSTER = "a LightGBM model whose trees do not fit together"


def without_line(name):
    """A LightGBM model that lacks a line."""

    def change(value, arrays):
        for _, state in find(value, "Booster"):
            lines = state["trees"]["dict"]
            lines[:] = [line for line in lines if line[0] != name]

    return change


def one_line_more(value, arrays):
    """A LightGBM model with a line of another name."""
    for _, state in find(value, "Booster"):
        state["trees"]["dict"].append(["more", {"array": 0}])


# Lines of a linear LightGBM model, in the order of their lengths.
LINES = ["split_feature", "split_gain", "threshold", "decision_type", "left_child"]
LINES += ["right_child", "internal_value", "internal_weight", "internal_count"]
LINES += ["leaf_value", "leaf_weight", "leaf_count", "leaf_const", "num_features"]
LINES += ["leaf_features", "leaf_coeff"]
NUMBERS = [*LINES[:12], "shrinkage"]


def last_less(*names):
    """A linear LightGBM model whose last tree has one number less in these lines."""

    def less(lengths):
        lengths[[LINES.index(name) for name in names], -1] -= 1
        return lengths

    changes = [in_booster(name, lambda a: a[:-1]) for name in names]
    return both(*changes, in_booster("lengths", less))


def last_joined(counts):
    """The features of the last leaf belong to the one before."""
    counts[-2] += counts[-1]
    counts[-1] = 0
    return counts


def a_shrinkage_more(value, arrays):
    """A LightGBM model whose last tree shrinks twice."""

    def more(lengths):
        lengths[-1, -1] += 1
        return lengths

    in_booster("shrinkage", lambda a: np.append(a, 1.0))(value, arrays)
    in_booster("lengths", more)(value, arrays)


def from_behind(lengths):
    """The same parts, the first of them counted from behind."""
    n, m = lengths[0]
    lengths[0] = -m, n + 2 * m
    return lengths


def longer(lengths):
    """One number more than there is, behind the last one."""
    lengths[0, -1] += 1
    return lengths


LIGHTGBM_REFUSED = grouped(
    {
        (LIGHTGBM, BOOSTER): {
            "a best tree behind the last": header("best_iteration", 3),
            "a best tree before none": header("best_iteration", -2),
            "half a best tree": header("best_iteration", 0.5),
            "one name": attribute("Booster", "names", ["a"]),
            "a model of more features": attribute(LIGHTGBM, "_n_features", 3),
            "features that were more": attribute(LIGHTGBM, "_n_features_in", 3),
            "a model of more features than its trees": both(
                attribute(LIGHTGBM, "_n_features", 3),
                attribute(LIGHTGBM, "_n_features_in", 3),
            ),
            "a split before the first feature": in_booster("split_feature", first(-1)),
            "a shrinkage more": a_shrinkage_more,
            "a line less": without_line("split_gain"),
            "a line more": one_line_more,
            "lengths of fewer lines": in_booster("lengths", lambda a: a[:-1]),
            "lengths of halves": in_booster("lengths", lambda a: a.astype(float)),
            "lengths from behind": in_booster("lengths", from_behind),
            "a length behind the end": in_booster("lengths", longer),
            "whole thresholds": in_booster("threshold", lambda a: a.astype(int)),
            "thresholds in a table": in_booster("threshold", lambda a: a[:, None]),
            "no trees": all_of(
                in_booster("lengths", lambda a: a[:, :0]),
                *(in_booster(name, lambda a: a[:0]) for name in NUMBERS),
            ),
        },
        (LIGHTGBM, "names"): {"no names": attribute("Booster", "names", [])},
        (LIGHTGBM, "a LGBMRegressor with boosting_type=[], which files do not hold"): {
            "a parameter that is a list": parameter(LIGHTGBM, "boosting_type", [])
        },
        ("linear", BOOSTER): {
            "a leaf before the first feature": in_booster("leaf_features", first(-1)),
            "a gain less": last_less("split_gain"),
            "a weight less": last_less("leaf_weight"),
            "a coefficient less": last_less("leaf_coeff"),
            "a count less": both(
                in_booster("num_features", last_joined), last_less("num_features")
            ),
            "a linear leaf less": both(
                in_booster("num_features", last_joined),
                last_less("num_features", "leaf_const"),
            ),
        },
    }
)
