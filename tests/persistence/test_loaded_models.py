"""Models by themselves: each number that others depend on is looked at."""

from functools import cache

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_array_equal
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

import skampo
from skampo.exceptions import SkampoFileError
from skampo.persistence import save
from tests.persistence.crafting import edit, find
from tests.persistence.edits import (
    attribute,
    both,
    entries,
    first,
    header,
    in_booster,
    parameter,
)

X = np.random.default_rng(0).normal(size=(40, 2)).round(1)
TREE, FOREST = "DecisionTreeRegressor", "RandomForestRegressor"
BOOSTING, HISTOGRAMS = "GradientBoostingRegressor", "HistGradientBoostingRegressor"
STACK, LIGHTGBM = "StackingRegressor", "LGBMRegressor"
parts = [("a", Ridge()), ("b", Ridge())]
SMALL = {"n_estimators": 2, "min_child_samples": 5, "verbose": -1}
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
    LIGHTGBM: LGBMRegressor(**SMALL),
    "linear": LGBMRegressor(linear_tree=True, **SMALL),
}
NODES = "a decision tree whose nodes do not fit together"
OUTPUTS = "a decision tree of other features or outputs"
STAGES = "boosted trees that do not fit together"
RECORDS = "a tree of histograms whose nodes do not fit together"
PREDICTORS = "trees of histograms that do not fit together"
VECTORS = "support vectors that do not fit together"
CATEGORIES = "categories that cannot be found"
LAYERS = "layers that do not fit together"
BOOSTER = "a LightGBM model whose trees do not fit together"
DUMMY = {"object": ["DummyRegressor", {}, {}]}


def single(array):
    return array.astype(np.float32)


def fewer(array):
    return array[:, :-1].copy()


def behind(array):
    return np.concatenate([array, array], axis=-1)


def all_of(*changes):
    """Several changes, and an array that pays for empty ones."""
    return both(*changes, lambda value, arrays: arrays.append(np.zeros(100)))


def emptied(owner, *names):
    """Arrays of no columns, or of no rows if they have no columns."""
    return [attribute(owner, name, lambda a: a[..., :0]) for name in names]


def as_tuple(owner, name):
    """An attribute that is a tuple of what it was a list of."""

    def change(value, arrays):
        for _, state in find(value, owner):
            state[name] = {"tuple": state[name]}

    return change


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


def of(owner, *change):
    """A model and a change of its own attribute."""
    return owner, attribute(owner, *change)


REFUSED = {
    "nodes of other numbers": (TREE, attribute("Tree", "nodes", single), NODES),
    "nodes of fewer numbers": (TREE, attribute("Tree", "nodes", fewer), NODES),
    "values of other numbers": (TREE, attribute("Tree", "values", single), NODES),
    "values of no output": (
        TREE,
        all_of(attribute("Tree", "values", lambda a: a[:, :0])),
        NODES,
    ),
    "values of classes": (TREE, attribute("Tree", "values", behind), NODES),
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
            attribute("DummyRegressor", "constant_", behind),
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
    "a best tree behind the last": (LIGHTGBM, header("best_iteration", 3), BOOSTER),
    "a best tree before none": (LIGHTGBM, header("best_iteration", -2), BOOSTER),
    "half a best tree": (LIGHTGBM, header("best_iteration", 0.5), BOOSTER),
    "no names": (LIGHTGBM, attribute("Booster", "names", []), "names"),
    "one name": (LIGHTGBM, attribute("Booster", "names", ["a"]), BOOSTER),
    "a model of more features": (*of(LIGHTGBM, "_n_features", 3), BOOSTER),
    "features that were more": (*of(LIGHTGBM, "_n_features_in", 3), BOOSTER),
    "a model of more features than its trees": (
        LIGHTGBM,
        both(
            attribute(LIGHTGBM, "_n_features", 3),
            attribute(LIGHTGBM, "_n_features_in", 3),
        ),
        BOOSTER,
    ),
    "a parameter that is a list": (
        LIGHTGBM,
        parameter(LIGHTGBM, "boosting_type", []),
        "a LGBMRegressor with boosting_type=[], which files do not hold",
    ),
    "a split before the first feature": (
        LIGHTGBM,
        in_booster("split_feature", first(-1)),
        BOOSTER,
    ),
    "a leaf before the first feature": (
        "linear",
        in_booster("leaf_features", first(-1)),
        BOOSTER,
    ),
    "a gain less": ("linear", last_less("split_gain"), BOOSTER),
    "a weight less": ("linear", last_less("leaf_weight"), BOOSTER),
    "a coefficient less": ("linear", last_less("leaf_coeff"), BOOSTER),
    "a count less": (
        "linear",
        both(in_booster("num_features", last_joined), last_less("num_features")),
        BOOSTER,
    ),
    "a linear leaf less": (
        "linear",
        both(
            in_booster("num_features", last_joined),
            last_less("num_features", "leaf_const"),
        ),
        BOOSTER,
    ),
    "a shrinkage more": (LIGHTGBM, a_shrinkage_more, BOOSTER),
    "a line less": (LIGHTGBM, without_line("split_gain"), BOOSTER),
    "a line more": (LIGHTGBM, one_line_more, BOOSTER),
    "lengths of fewer lines": (
        LIGHTGBM,
        in_booster("lengths", lambda a: a[:-1]),
        BOOSTER,
    ),
    "lengths of halves": (
        LIGHTGBM,
        in_booster("lengths", lambda a: a.astype(float)),
        BOOSTER,
    ),
    "lengths from behind": (LIGHTGBM, in_booster("lengths", from_behind), BOOSTER),
    "a length behind the end": (LIGHTGBM, in_booster("lengths", longer), BOOSTER),
    "whole thresholds": (
        LIGHTGBM,
        in_booster("threshold", lambda a: a.astype(int)),
        BOOSTER,
    ),
    "thresholds in a table": (
        LIGHTGBM,
        in_booster("threshold", lambda a: a[:, None]),
        BOOSTER,
    ),
    "no trees": (
        LIGHTGBM,
        all_of(
            in_booster("lengths", lambda a: a[:, :0]),
            *(in_booster(name, lambda a: a[:0]) for name in NUMBERS),
        ),
        BOOSTER,
    ),
}


@cache
def honest(name, folder):
    """The bytes of a model as it should be."""
    save(MODELS[name].fit(X, X[:, 0]), folder / "model")
    skampo.load(folder / "model")
    return (folder / "model").read_bytes()


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_of_other_numbers_is_refused(name, tmp_path, tmp_path_factory):
    model, change, words = REFUSED[name]
    data = honest(model, tmp_path_factory.getbasetemp())
    crafted = edit(data, change)
    assert crafted != edit(data, lambda value, arrays: None)
    (tmp_path / "crafted").write_bytes(crafted)
    with pytest.raises(SkampoFileError, match="was not loaded, because it is") as error:
        skampo.load(tmp_path / "crafted")
    assert words in str(error.value)


def test_what_nobody_depends_on_may_be_unknown(tmp_path, tmp_path_factory):
    data = honest(TREE, tmp_path_factory.getbasetemp())
    unknown = attribute("Tree", "nodes", entries(0, 4, np.nan))
    (tmp_path / "model").write_bytes(edit(data, unknown))
    loaded = skampo.load(tmp_path / "model")
    assert np.isnan(loaded.tree_.impurity[0])
    assert_array_equal(loaded.predict(X), MODELS[TREE].predict(X))
