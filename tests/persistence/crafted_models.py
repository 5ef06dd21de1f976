"""Files with broken models, which compiled code would trust, and how they are refused.

A kind of policy, what is changed in its file, and words of the error.
"""

import numpy as np

from tests.persistence.edits import (
    attribute,
    entries,
    first,
    header,
    in_booster,
    parameter,
)

UNSORTED = np.array([0.0, 2.0, 1.0, np.nan])
NONE = {"object": ["Euclidean", {}, {}]}
TREE = "DecisionTreeRegressor"
LIGHTGBM = "a LightGBM model whose trees do not fit together"
TREES = "a decision tree whose nodes do not fit together"
HISTOGRAMS = "a tree of histograms whose nodes do not fit together"
VECTORS = "support vectors that do not fit together"

MODELS = {
    # What ended the interpreter.
    "classes of LightGBM": (
        "LightGBM",
        header("objective", "multiclass num_class:3000000"),
        LIGHTGBM,
    ),
    "lines of LightGBM": (
        "LightGBM",
        header("objective", "regression\nnum_class=9"),
        LIGHTGBM,
    ),
    "columns of boosting": (
        "boosting",
        attribute("GradientBoostingRegressor", "n_trees_per_iteration_", 20_000),
        "boosted trees that do not fit together",
    ),
    "no column of boosting": (
        "boosting",
        attribute("DummyRegressor", "constant_", lambda a: a[:, :0]),
        "a constant of other outputs",
    ),
    "no output of boosting": (
        "boosting",
        attribute("DummyRegressor", "n_outputs_", 0),
        "a constant of other outputs",
    ),
    "outputs of boosting": (
        "boosting",
        attribute("DummyRegressor", "n_outputs_", 10**9),
        "a constant of other outputs",
    ),
    "a method of a stack": (
        "stacking",
        attribute("StackingRegressor", "stack_method_", ["set_params", "fit"]),
        "a stack of other methods",
    ),
    "a preprocessor of histograms": (
        "histograms",
        attribute("HistGradientBoostingRegressor", "_preprocessor", NONE),
        "a HistGradientBoostingRegressor whose _preprocessor has another form",
    ),
    "a feature of histograms": (
        "histograms",
        attribute("TreePredictor", "nodes", entries(0, 2, 10**8)),
        "trees of histograms that do not fit together",
    ),
    "categories of histograms": (
        "histograms",
        attribute("TreePredictor", "nodes", entries(0, 11, 1)),
        HISTOGRAMS,
    ),
    "a cycle of histograms": (
        "histograms",
        attribute("TreePredictor", "nodes", entries(0, 5, 0)),
        HISTOGRAMS,
    ),
    "neighbors of another width": (
        "ball tree",
        attribute("KNeighborsRegressor", "n_features_in_", 2_000),
        "a KNeighborsRegressor whose _fit_X has another form",
    ),
    "a metric with weights": (
        "ball tree",
        parameter("KNeighborsRegressor", "metric_params", {"dict": [["w", [1.0]]]}),
        "neighbors with parameters of a metric",
    ),
    "a metric that is none": (
        "ball tree",
        parameter("KNeighborsRegressor", "metric", "precomputed"),
        "neighbors with an unknown metric",
    ),
    # What compiled code trusts.
    "a child that is not there": (
        "tree",
        attribute("Tree", "nodes", entries(0, 0, 10**6)),
        TREES,
    ),
    "a child before its parent": (
        "tree",
        attribute("Tree", "nodes", entries(1, 0, 0)),
        TREES,
    ),
    "a child of two": (
        "tree",
        attribute("Tree", "nodes", lambda a: entries(0, 1, a[0, 0])(a)),
        TREES,
    ),
    "a feature that is not there": (
        "tree",
        attribute("Tree", "nodes", entries(0, 2, 2)),
        TREES,
    ),
    "half a child": (
        "tree",
        attribute("Tree", "nodes", entries(0, 0, 1.5)),
        TREES,
    ),
    "no child": (
        "tree",
        attribute("Tree", "nodes", entries(0, 0, np.nan)),
        TREES,
    ),
    "values of other nodes": (
        "tree",
        attribute("Tree", "values", lambda a: a[:1]),
        "a Tree whose values has another form",
    ),
    "a tree of other features": (
        "forest",
        attribute(TREE, "n_features_in_", 1),
        "a decision tree of other features or outputs",
    ),
    "a cycle of LightGBM": (
        "LightGBM",
        in_booster("left_child", first(0)),
        LIGHTGBM,
    ),
    "a leaf of LightGBM": (
        "LightGBM",
        in_booster("right_child", first(-(10**6))),
        LIGHTGBM,
    ),
    "a feature of LightGBM": (
        "LightGBM",
        in_booster("split_feature", first(10**6)),
        LIGHTGBM,
    ),
    "a category of LightGBM": (
        "LightGBM",
        in_booster("decision_type", first(1)),
        LIGHTGBM,
    ),
    "a leaf's feature of LightGBM": (
        "linear LightGBM",
        in_booster("leaf_features", first(99)),
        LIGHTGBM,
    ),
    "half a feature of LightGBM": (
        "LightGBM",
        in_booster("split_feature", first(0.5)),
        LIGHTGBM,
    ),
    "a count beyond LightGBM's": (
        "LightGBM",
        in_booster("internal_count", first(2.0**40)),
        LIGHTGBM,
    ),
    "a threshold of LightGBM": (
        "LightGBM",
        in_booster("threshold", first(np.nan)),
        LIGHTGBM,
    ),
    "a line in a name of LightGBM": (
        "LightGBM",
        attribute("Booster", "names", ["a", "b\nnum_class=9"]),
        "names",
    ),
    "more features of a leaf of LightGBM": (
        "linear LightGBM",
        in_booster("num_features", first(50)),
        LIGHTGBM,
    ),
    "lengths of LightGBM": (
        "LightGBM",
        in_booster("lengths", first(-1)),
        LIGHTGBM,
    ),
    "support vectors of another width": (
        "support vectors",
        attribute("SVR", "support_vectors_", lambda a: a[:, :1]),
        "a SVR whose support_vectors_ has another form",
    ),
    "fewer coefficients": (
        "support vectors",
        attribute("SVR", "_dual_coef_", lambda a: a[:, :1]),
        "a SVR whose support_ has another form",
    ),
    "a kernel that is an index": (
        "support vectors",
        parameter("SVR", "kernel", "precomputed"),
        VECTORS,
    ),
    "sparse support vectors": (
        "support vectors",
        attribute("SVR", "_sparse", True),
        VECTORS,
    ),
    "categories out of order": (
        "encoders",
        attribute("OneHotEncoder", "categories_", lambda a: a[::-1].copy()),
        "categories that cannot be found",
    ),
    "other columns of an encoder": (
        "encoders",
        attribute("OneHotEncoder", "_n_features_outs", [9]),
        "a OneHotEncoder with the attribute '_n_features_outs'",
    ),
    "a layer of another width": (
        "network",
        attribute("MLPRegressor", "n_outputs_", 5),
        "layers that do not fit together",
    ),
    "a weight of another shape": (
        "Lasso",
        attribute("Lasso", "coef_", lambda a: a[:1]),
        "a Lasso whose dual_gap_ has another form",
    ),
    "an indicator of no column": (
        "missing values",
        attribute("MissingIndicator", "features_", first(2)),
        "an indicator of other columns",
    ),
    "an indicator of a column before the first": (
        "missing values",
        attribute("MissingIndicator", "features_", first(-1)),
        "an indicator of other columns",
    ),
    "an indicator of fractions": (
        "missing values",
        attribute("MissingIndicator", "features_", lambda a: a + 0.5),
        "an indicator of other columns",
    ),
    "an indicator of more columns": (
        "missing values",
        attribute("MissingIndicator", "_n_features", 3),
        "an indicator of other columns",
    ),
    "an indicator of each new table": (
        "missing values",
        attribute("MissingIndicator", "_precomputed", False),
        "an indicator of other columns",
    ),
    "knots out of order": (
        "splines",
        attribute("SplineTransformer", "n_features_out_", 10**9),
        "a SplineTransformer with n_features_out_=1000000000, more than 1,000,000",
    ),
    "a support vector before the first": (
        "support vectors",
        attribute("SVR", "support_", first(-1)),
        VECTORS,
    ),
    "moments of another shape": (
        "network",
        attribute("AdamOptimizer", "ms", lambda a: a[:1]),
        "layers that do not fit together",
    ),
    "a feature before the first": (
        "tree",
        attribute("Tree", "nodes", entries(0, 2, -1)),
        TREES,
    ),
    "a feature of histograms before the first": (
        "histograms",
        attribute("TreePredictor", "nodes", entries(0, 2, -1)),
        HISTOGRAMS,
    ),
    "an encoder of more features": (
        "encoders",
        attribute("OrdinalEncoder", "n_features_in_", 2),
        "categories that cannot be found",
    ),
    "features that are no integer": (
        "Lasso",
        attribute("Lasso", "n_features_in_", 2.0),
        "a Lasso of 2.0 features",
    ),
    "parameters of what has none": (
        "Ridge",
        parameter("ClippedValues", "unit", 1.0),
        "a ClippedValues of other parts",
    ),
    "categories out of order before none": (
        "encoders",
        attribute("OrdinalEncoder", "categories_", lambda a: UNSORTED),
        "categories that cannot be found",
    ),
    "landmarks of other features": (
        "Nystroem",
        attribute("Nystroem", "components_", lambda a: a[:, :1]),
        "a Nystroem whose components_ has another form",
    ),
    "a list in place of numbers": (
        "Lasso",
        attribute("Lasso", "coef_", [1.0, 2.0]),
        "a Lasso whose coef_ has another form",
    ),
    "text in place of numbers": (
        "Lasso",
        attribute("Lasso", "coef_", lambda a: a.astype("<U9")),
        "a Lasso whose coef_ has another form",
    ),
    "an object among data": (
        "Ridge",
        attribute("State", "parts", {"dict": [["critic", 1], ["a", NONE]]}),
        "a State whose parts has another form",
    ),
}
