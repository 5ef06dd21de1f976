"""Models by themselves, and how they are refused when they are edited.

Which model, what is changed in its file, and words of the error.
"""

import numpy as np
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
)
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from tests.persistence.crafting import find
from tests.persistence.edits import all_of, attribute, both, entries, grouped, parameter

TREE, FOREST = "DecisionTreeRegressor", "RandomForestRegressor"
BOOSTING, HISTOGRAMS = "GradientBoostingRegressor", "HistGradientBoostingRegressor"
STACK = "StackingRegressor"
parts = [("a", Ridge()), ("b", Ridge())]
MODELS = {
    TREE: DecisionTreeRegressor(max_depth=2),
    "leaf": DecisionTreeRegressor(min_samples_split=100),
    FOREST: RandomForestRegressor(2, max_depth=1),
    BOOSTING: GradientBoostingRegressor(n_estimators=2, max_depth=1),
    "zero": GradientBoostingRegressor(n_estimators=2, max_depth=1, init="zero"),
    HISTOGRAMS: HistGradientBoostingRegressor(max_iter=1),
    "SVR": SVR(),
    "OneHotEncoder": OneHotEncoder(),
    "OrdinalEncoder": OrdinalEncoder(),
    "PolynomialFeatures": PolynomialFeatures((1, 2)),
    "SplineTransformer": SplineTransformer(),
    "KBinsDiscretizer": KBinsDiscretizer(2, quantile_method="linear"),
    "MLPRegressor": MLPRegressor(hidden_layer_sizes=(3,), tol=1e9, n_iter_no_change=1),
    STACK: StackingRegressor(parts),
    "VotingRegressor": VotingRegressor(parts),
}
NODES = "a decision tree whose nodes do not fit together"
OUTPUTS = "a decision tree of other features or outputs"
STAGES = "boosted trees that do not fit together"
RECORDS = "a tree of histograms whose nodes do not fit together"
PREDICTORS = "trees of histograms that do not fit together"
VECTORS = "support vectors that do not fit together"
CATEGORIES = "categories that cannot be found"
LAYERS = "layers that do not fit together"
DUMMY = {"object": ["DummyRegressor", {}, {}]}


def single(array):
    return array.astype(np.float32)


def fewer(array):
    return array[:, :-1].copy()


def doubled(array):
    return np.concatenate([array, array], axis=-1)


def emptied(owner, *names):
    """Arrays of no columns, or of no rows if they have no columns."""
    return [attribute(owner, name, lambda a: a[..., :0]) for name in names]


def as_tuple(owner, name):
    """An attribute that is a tuple of what it was a list of."""

    def change(value, arrays):
        for _, state in find(value, owner):
            state[name] = {"tuple": state[name]}

    return change


REFUSED = grouped(
    {
        (TREE, NODES): {
            "nodes of other numbers": attribute("Tree", "nodes", single),
            "nodes of fewer numbers": attribute("Tree", "nodes", fewer),
            "values of other numbers": attribute("Tree", "values", single),
            "values of no output": all_of(
                attribute("Tree", "values", lambda a: a[:, :0])
            ),
            "a tree of all features": attribute("Tree", "n_features", 10**7 + 1),
        },
        (TREE, OUTPUTS): {
            "values of classes": attribute("Tree", "values", doubled),
            "a tree of more features": attribute("Tree", "n_features", 3),
            "a tree of more outputs": attribute(TREE, "n_outputs_", 2),
        },
        ("leaf", NODES): {"a leaf of no features": attribute("Tree", "n_features", 0)},
        (FOREST, OUTPUTS): {
            "a forest of more outputs": attribute(FOREST, "n_outputs_", 2),
            "a forest of fewer features": attribute(FOREST, "n_features_in_", 1),
        },
        (BOOSTING, STAGES): {
            "boosting from elsewhere": parameter(BOOSTING, "init", DUMMY),
            "boosting from zero and a mean": parameter(BOOSTING, "init", "zero"),
            "boosting from a number": attribute(BOOSTING, "init_", 0.5),
            "boosting from two means": all_of(
                attribute("DummyRegressor", "constant_", doubled),
                attribute("DummyRegressor", "n_outputs_", 2),
            ),
            "more stages": attribute(BOOSTING, "n_estimators_", 3),
            "no stages": all_of(
                attribute(BOOSTING, "n_estimators_", 0),
                attribute(BOOSTING, "estimators_", []),
                *emptied(BOOSTING, "train_score_"),
            ),
        },
        ("zero", STAGES): {
            "boosting from a mean of zero": parameter(BOOSTING, "init", None),
            "boosting from half": parameter(BOOSTING, "init", 0.5),
            "boosting from the same half": both(
                parameter(BOOSTING, "init", 0.5), attribute(BOOSTING, "init_", 0.5)
            ),
        },
        (BOOSTING, "a constant of other outputs"): {
            "a mean of nothing": all_of(
                attribute("DummyRegressor", "constant_", lambda a: a[:, :0]),
                attribute("DummyRegressor", "n_outputs_", 0),
            )
        },
        (BOOSTING, OUTPUTS): {
            "stages of fewer features": attribute(BOOSTING, "n_features_in_", 1)
        },
        (HISTOGRAMS, RECORDS): {
            "a leaf of halves": attribute("TreePredictor", "nodes", entries(0, 9, 2))
        },
        (HISTOGRAMS, PREDICTORS): {
            "a preprocessor that is a number": attribute(
                HISTOGRAMS, "_preprocessor", 1
            ),
            "categories of features": attribute(HISTOGRAMS, "is_categorical_", True),
            "categories that move": attribute(
                HISTOGRAMS, "_is_categorical_remapped", True
            ),
            "trees of two outputs": attribute(HISTOGRAMS, "n_trees_per_iteration_", 2),
            "histograms of more features": attribute(HISTOGRAMS, "_n_features", 3),
            "a mean of other numbers": attribute(
                HISTOGRAMS, "_baseline_prediction", single
            ),
        },
        ("SVR", VECTORS): {
            "long indices": attribute("SVR", "support_", lambda a: a.astype(np.int64)),
            "short vectors": attribute("SVR", "support_vectors_", single),
            "vectors of columns": attribute(
                "SVR", "support_vectors_", np.asfortranarray
            ),
            "vectors of fewer rows": attribute("SVR", "shape_fit_", {"tuple": [1, 2]}),
            "no vectors": all_of(
                *emptied("SVR", "support_", "_dual_coef_", "dual_coef_"),
                attribute("SVR", "support_vectors_", lambda a: a[:0]),
            ),
            "half a degree": parameter("SVR", "degree", 2.5),
            "a gamma below zero": attribute("SVR", "_gamma", -1.0),
        },
        ("OneHotEncoder", CATEGORIES): {
            "a tuple of categories": as_tuple("OneHotEncoder", "categories_"),
            "rare categories": attribute("OneHotEncoder", "_infrequent_enabled", True),
            "tables of categories": attribute(
                "OneHotEncoder", "categories_", lambda a: a[:, None]
            ),
        },
        ("OrdinalEncoder", CATEGORIES): {
            "no categories": attribute(
                "OrdinalEncoder", "categories_", lambda a: a[:0]
            ),
            "the same category": attribute(
                "OrdinalEncoder", "categories_", np.zeros_like
            ),
        },
        ("OneHotEncoder", "categories that are left"): {
            "a category left out": parameter("OneHotEncoder", "drop", "first"),
            "the index of a category": attribute("OneHotEncoder", "drop_idx_", 1),
        },
        ("PolynomialFeatures", "a PolynomialFeatures with degree"): {
            "many terms": parameter(
                "PolynomialFeatures", "degree", {"tuple": [1, 10_000]}
            )
        },
        ("PolynomialFeatures", "polynomials of more than 100,000 terms"): {
            "many terms of many features": attribute(
                "PolynomialFeatures", "n_features_in_", 1000
            )
        },
        ("SplineTransformer", "periodic splines"): {
            "half a degree of splines": parameter("SplineTransformer", "degree", 2.5),
            "periods": parameter("SplineTransformer", "extrapolation", "periodic"),
        },
        ("SplineTransformer", "other splines"): {
            "splines of one feature": attribute(
                "SplineTransformer", "n_features_in_", 1
            ),
            "splines of more columns": attribute(
                "SplineTransformer", "n_features_out_", 3
            ),
            "splines without end": both(
                attribute(
                    "SplineTransformer", "bsplines_", lambda a: np.linspace(0, 1, 1005)
                ),
                attribute("SplineTransformer", "n_features_out_", 2002),
            ),
        },
        ("SplineTransformer", "Knots must be in a non-decreasing order"): {
            "knots out of order": attribute(
                "SplineTransformer", "bsplines_", lambda a: a[::-1].copy()
            )
        },
        ("KBinsDiscretizer", "bins whose edges are no numbers"): {
            "edges in a table": attribute(
                "KBinsDiscretizer", "bin_edges_", lambda a: a[:, None]
            )
        },
        ("MLPRegressor", LAYERS): {
            "more layers": attribute("MLPRegressor", "n_layers_", 4),
            "more outputs": attribute("MLPRegressor", "n_outputs_", 2),
            "weights on end": attribute("MLPRegressor", "coefs_", np.transpose),
            "best weights on end": attribute(
                "MLPRegressor", "_best_coefs", lambda a: a[:1]
            ),
        },
        (STACK, "a stack of other methods"): {
            "methods of a stack": attribute(STACK, "stack_method_", ["predict", "fit"])
        },
        (STACK, "a stack of other columns"): {
            "columns of a stack": attribute(STACK, "_n_feature_outs", [1, 2])
        },
        ("VotingRegressor", "argument 2 is shorter than argument 1"): {
            "votes of nobody": attribute("VotingRegressor", "estimators_", [DUMMY])
        },
    }
)
