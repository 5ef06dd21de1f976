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
from tests.persistence.edits import (
    all_of,
    attribute,
    both,
    entries,
    of,
    parameter,
)

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


REFUSED = {
    "nodes of other numbers": (TREE, attribute("Tree", "nodes", single), NODES),
    "nodes of fewer numbers": (TREE, attribute("Tree", "nodes", fewer), NODES),
    "values of other numbers": (TREE, attribute("Tree", "values", single), NODES),
    "values of no output": (
        TREE,
        all_of(attribute("Tree", "values", lambda a: a[:, :0])),
        NODES,
    ),
    "values of classes": (TREE, attribute("Tree", "values", doubled), OUTPUTS),
    "a leaf of no features": ("leaf", attribute("Tree", "n_features", 0), NODES),
    "a tree of all features": (
        TREE,
        attribute("Tree", "n_features", 10**7 + 1),
        NODES,
    ),
    "a tree of more features": (TREE, attribute("Tree", "n_features", 3), OUTPUTS),
    "a tree of more outputs": (*of(TREE, "n_outputs_", 2), OUTPUTS),
    "a forest of more outputs": (*of(FOREST, "n_outputs_", 2), OUTPUTS),
    "a forest of fewer features": (*of(FOREST, "n_features_in_", 1), OUTPUTS),
    "boosting from elsewhere": (BOOSTING, parameter(BOOSTING, "init", DUMMY), STAGES),
    "boosting from zero and a mean": (
        BOOSTING,
        parameter(BOOSTING, "init", "zero"),
        STAGES,
    ),
    "boosting from a mean of zero": ("zero", parameter(BOOSTING, "init", None), STAGES),
    "boosting from a number": (*of(BOOSTING, "init_", 0.5), STAGES),
    "boosting from half": ("zero", parameter(BOOSTING, "init", 0.5), STAGES),
    "boosting from the same half": (
        "zero",
        both(parameter(BOOSTING, "init", 0.5), attribute(BOOSTING, "init_", 0.5)),
        STAGES,
    ),
    "boosting from two means": (
        BOOSTING,
        all_of(
            attribute("DummyRegressor", "constant_", doubled),
            attribute("DummyRegressor", "n_outputs_", 2),
        ),
        STAGES,
    ),
    "a mean of nothing": (
        BOOSTING,
        all_of(
            attribute("DummyRegressor", "constant_", lambda a: a[:, :0]),
            attribute("DummyRegressor", "n_outputs_", 0),
        ),
        "a constant of other outputs",
    ),
    "more stages": (*of(BOOSTING, "n_estimators_", 3), STAGES),
    "stages of fewer features": (*of(BOOSTING, "n_features_in_", 1), OUTPUTS),
    "no stages": (
        BOOSTING,
        all_of(
            attribute(BOOSTING, "n_estimators_", 0),
            attribute(BOOSTING, "estimators_", []),
            *emptied(BOOSTING, "train_score_"),
        ),
        STAGES,
    ),
    "a leaf of halves": (
        HISTOGRAMS,
        attribute("TreePredictor", "nodes", entries(0, 9, 2)),
        RECORDS,
    ),
    "a preprocessor that is a number": (
        *of(HISTOGRAMS, "_preprocessor", 1),
        PREDICTORS,
    ),
    "categories of features": (*of(HISTOGRAMS, "is_categorical_", True), PREDICTORS),
    "categories that move": (
        *of(HISTOGRAMS, "_is_categorical_remapped", True),
        PREDICTORS,
    ),
    "trees of two outputs": (*of(HISTOGRAMS, "n_trees_per_iteration_", 2), PREDICTORS),
    "histograms of more features": (*of(HISTOGRAMS, "_n_features", 3), PREDICTORS),
    "a mean of other numbers": (
        *of(HISTOGRAMS, "_baseline_prediction", single),
        PREDICTORS,
    ),
    "long indices": (
        *of("SVR", "support_", lambda a: a.astype(np.int64)),
        VECTORS,
    ),
    "short vectors": (*of("SVR", "support_vectors_", single), VECTORS),
    "vectors of columns": (*of("SVR", "support_vectors_", np.asfortranarray), VECTORS),
    "vectors of fewer rows": (*of("SVR", "shape_fit_", {"tuple": [1, 2]}), VECTORS),
    "no vectors": (
        "SVR",
        all_of(
            *emptied("SVR", "support_", "_dual_coef_", "dual_coef_"),
            attribute("SVR", "support_vectors_", lambda a: a[:0]),
        ),
        VECTORS,
    ),
    "half a degree": ("SVR", parameter("SVR", "degree", 2.5), VECTORS),
    "a gamma below zero": (*of("SVR", "_gamma", -1.0), VECTORS),
    "a tuple of categories": (
        "OneHotEncoder",
        as_tuple("OneHotEncoder", "categories_"),
        CATEGORIES,
    ),
    "rare categories": (*of("OneHotEncoder", "_infrequent_enabled", True), CATEGORIES),
    "tables of categories": (
        *of("OneHotEncoder", "categories_", lambda a: a[:, None]),
        CATEGORIES,
    ),
    "no categories": (
        *of("OrdinalEncoder", "categories_", lambda a: a[:0]),
        CATEGORIES,
    ),
    "the same category": (
        *of("OrdinalEncoder", "categories_", np.zeros_like),
        CATEGORIES,
    ),
    "a category left out": (
        "OneHotEncoder",
        parameter("OneHotEncoder", "drop", "first"),
        "categories that are left",
    ),
    "the index of a category": (
        *of("OneHotEncoder", "drop_idx_", 1),
        "categories that are left",
    ),
    "many terms": (
        "PolynomialFeatures",
        parameter("PolynomialFeatures", "degree", {"tuple": [1, 10_000]}),
        "a PolynomialFeatures with degree",
    ),
    "many terms of many features": (
        *of("PolynomialFeatures", "n_features_in_", 1000),
        "polynomials of more than 100,000 terms",
    ),
    "half a degree of splines": (
        "SplineTransformer",
        parameter("SplineTransformer", "degree", 2.5),
        "periodic splines",
    ),
    "periods": (
        "SplineTransformer",
        parameter("SplineTransformer", "extrapolation", "periodic"),
        "periodic splines",
    ),
    "splines of one feature": (
        *of("SplineTransformer", "n_features_in_", 1),
        "other splines",
    ),
    "splines of more columns": (
        *of("SplineTransformer", "n_features_out_", 3),
        "other splines",
    ),
    "splines without end": (
        "SplineTransformer",
        both(
            attribute(
                "SplineTransformer", "bsplines_", lambda a: np.linspace(0, 1, 1005)
            ),
            attribute("SplineTransformer", "n_features_out_", 2002),
        ),
        "other splines",
    ),
    "knots out of order": (
        *of("SplineTransformer", "bsplines_", lambda a: a[::-1].copy()),
        "Knots must be in a non-decreasing order",
    ),
    "edges in a table": (
        *of("KBinsDiscretizer", "bin_edges_", lambda a: a[:, None]),
        "bins whose edges are no numbers",
    ),
    "more layers": (*of("MLPRegressor", "n_layers_", 4), LAYERS),
    "more outputs": (*of("MLPRegressor", "n_outputs_", 2), LAYERS),
    "weights on end": (*of("MLPRegressor", "coefs_", np.transpose), LAYERS),
    "best weights on end": (
        *of("MLPRegressor", "_best_coefs", lambda a: a[:1]),
        LAYERS,
    ),
    "methods of a stack": (
        *of(STACK, "stack_method_", ["predict", "fit"]),
        "a stack of other methods",
    ),
    "columns of a stack": (
        *of(STACK, "_n_feature_outs", [1, 2]),
        "a stack of other columns",
    ),
    "votes of nobody": (
        "VotingRegressor",
        attribute("VotingRegressor", "estimators_", [DUMMY]),
        "argument 2 is shorter than argument 1",
    ),
}
