"""Files with broken models, which compiled code would trust, and how they are refused.

A kind of policy, what is changed in its file, and words of the error.
"""

import numpy as np

from tests.persistence.edits import (
    attribute,
    entries,
    first,
    grouped,
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

MODELS = grouped(
    {
        ("LightGBM", LIGHTGBM): {
            "classes of LightGBM": header("objective", "multiclass num_class:3000000"),
            "lines of LightGBM": header("objective", "regression\nnum_class=9"),
            "a cycle of LightGBM": in_booster("left_child", first(0)),
            "a leaf of LightGBM": in_booster("right_child", first(-(10**6))),
            "a feature of LightGBM": in_booster("split_feature", first(10**6)),
            "a category of LightGBM": in_booster("decision_type", first(1)),
            "half a feature of LightGBM": in_booster("split_feature", first(0.5)),
            "a count beyond LightGBM's": in_booster("internal_count", first(2.0**40)),
            "a threshold of LightGBM": in_booster("threshold", first(np.nan)),
            "lengths of LightGBM": in_booster("lengths", first(-1)),
        },
        ("boosting", "boosted trees that do not fit together"): {
            "columns of boosting": attribute(
                "GradientBoostingRegressor", "n_trees_per_iteration_", 20_000
            )
        },
        ("boosting", "a constant of other outputs"): {
            "no column of boosting": attribute(
                "DummyRegressor", "constant_", lambda a: a[:, :0]
            ),
            "no output of boosting": attribute("DummyRegressor", "n_outputs_", 0),
            "outputs of boosting": attribute("DummyRegressor", "n_outputs_", 10**9),
        },
        ("stacking", "a stack of other methods"): {
            "a method of a stack": attribute(
                "StackingRegressor", "stack_method_", ["set_params", "fit"]
            )
        },
        (
            "histograms",
            "a HistGradientBoostingRegressor whose _preprocessor has another form",
        ): {
            "a preprocessor of histograms": attribute(
                "HistGradientBoostingRegressor", "_preprocessor", NONE
            )
        },
        ("histograms", "trees of histograms that do not fit together"): {
            "a feature of histograms": attribute(
                "TreePredictor", "nodes", entries(0, 2, 10**8)
            )
        },
        ("histograms", HISTOGRAMS): {
            "categories of histograms": attribute(
                "TreePredictor", "nodes", entries(0, 11, 1)
            ),
            "a cycle of histograms": attribute(
                "TreePredictor", "nodes", entries(0, 5, 0)
            ),
            "a feature of histograms before the first": attribute(
                "TreePredictor", "nodes", entries(0, 2, -1)
            ),
        },
        ("ball tree", "a KNeighborsRegressor whose _fit_X has another form"): {
            "neighbors of another width": attribute(
                "KNeighborsRegressor", "n_features_in_", 2_000
            )
        },
        ("ball tree", "neighbors with parameters of a metric"): {
            "a metric with weights": parameter(
                "KNeighborsRegressor", "metric_params", {"dict": [["w", [1.0]]]}
            )
        },
        ("ball tree", "neighbors with an unknown metric"): {
            "a metric that is none": parameter(
                "KNeighborsRegressor", "metric", "precomputed"
            )
        },
        ("tree", TREES): {
            "a child that is not there": attribute(
                "Tree", "nodes", entries(0, 0, 10**6)
            ),
            "a child before its parent": attribute("Tree", "nodes", entries(1, 0, 0)),
            "a child of two": attribute(
                "Tree", "nodes", lambda a: entries(0, 1, a[0, 0])(a)
            ),
            "a feature that is not there": attribute("Tree", "nodes", entries(0, 2, 2)),
            "half a child": attribute("Tree", "nodes", entries(0, 0, 1.5)),
            "no child": attribute("Tree", "nodes", entries(0, 0, np.nan)),
            "a feature before the first": attribute("Tree", "nodes", entries(0, 2, -1)),
        },
        ("tree", "a Tree whose values has another form"): {
            "values of other nodes": attribute("Tree", "values", lambda a: a[:1])
        },
        ("forest", "a decision tree of other features or outputs"): {
            "a tree of other features": attribute(TREE, "n_features_in_", 1)
        },
        ("linear LightGBM", LIGHTGBM): {
            "a leaf's feature of LightGBM": in_booster("leaf_features", first(99)),
            "more features of a leaf of LightGBM": in_booster(
                "num_features", first(50)
            ),
        },
        ("LightGBM", "names"): {
            "a line in a name of LightGBM": attribute(
                "Booster", "names", ["a", "b\nnum_class=9"]
            )
        },
        ("support vectors", "a SVR whose support_vectors_ has another form"): {
            "support vectors of another width": attribute(
                "SVR", "support_vectors_", lambda a: a[:, :1]
            )
        },
        ("support vectors", "a SVR whose support_ has another form"): {
            "fewer coefficients": attribute("SVR", "_dual_coef_", lambda a: a[:, :1])
        },
        ("support vectors", VECTORS): {
            "a kernel that is an index": parameter("SVR", "kernel", "precomputed"),
            "sparse support vectors": attribute("SVR", "_sparse", True),
            "a support vector before the first": attribute(
                "SVR", "support_", first(-1)
            ),
        },
        ("encoders", "categories that cannot be found"): {
            "categories out of order": attribute(
                "OneHotEncoder", "categories_", lambda a: a[::-1].copy()
            ),
            "an encoder of more features": attribute(
                "OrdinalEncoder", "n_features_in_", 2
            ),
            "categories out of order before none": attribute(
                "OrdinalEncoder", "categories_", lambda a: UNSORTED
            ),
        },
        ("encoders", "a OneHotEncoder with the attribute '_n_features_outs'"): {
            "other columns of an encoder": attribute(
                "OneHotEncoder", "_n_features_outs", [9]
            )
        },
        ("network", "layers that do not fit together"): {
            "a layer of another width": attribute("MLPRegressor", "n_outputs_", 5),
            "moments of another shape": attribute(
                "AdamOptimizer", "ms", lambda a: a[:1]
            ),
        },
        ("Lasso", "a Lasso whose dual_gap_ has another form"): {
            "a weight of another shape": attribute("Lasso", "coef_", lambda a: a[:1])
        },
        ("missing values", "an indicator of other columns"): {
            "an indicator of no column": attribute(
                "MissingIndicator", "features_", first(2)
            ),
            "an indicator of a column before the first": attribute(
                "MissingIndicator", "features_", first(-1)
            ),
            "an indicator of fractions": attribute(
                "MissingIndicator", "features_", lambda a: a + 0.5
            ),
            "an indicator of more columns": attribute(
                "MissingIndicator", "_n_features", 3
            ),
            "an indicator of each new table": attribute(
                "MissingIndicator", "_precomputed", False
            ),
        },
        (
            "splines",
            "a SplineTransformer with n_features_out_=1000000000, more than 1,000,000",
        ): {
            "knots out of order": attribute(
                "SplineTransformer", "n_features_out_", 10**9
            )
        },
        ("Lasso", "a Lasso of 2.0 features"): {
            "features that are no integer": attribute("Lasso", "n_features_in_", 2.0)
        },
        ("Ridge", "a ClippedValues of other parts"): {
            "parameters of what has none": parameter("ClippedValues", "unit", 1.0)
        },
        ("Nystroem", "a Nystroem whose components_ has another form"): {
            "landmarks of other features": attribute(
                "Nystroem", "components_", lambda a: a[:, :1]
            )
        },
        ("Lasso", "a Lasso whose coef_ has another form"): {
            "a list in place of numbers": attribute("Lasso", "coef_", [1.0, 2.0]),
            "text in place of numbers": attribute(
                "Lasso", "coef_", lambda a: a.astype("<U9")
            ),
        },
        ("Ridge", "a State whose parts has another form"): {
            "an object among data": attribute(
                "State", "parts", {"dict": [["critic", 1], ["a", NONE]]}
            )
        },
    }
)
