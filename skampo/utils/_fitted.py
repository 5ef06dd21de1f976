"""Fitted parts of scikit-learn, as numbers and back, checked or made anew.

Compiled code reads them without looking: a tree whose nodes point outside of it ends
the interpreter when it predicts, and an array of another shape than the rest is read
beyond its end. Functions in `TAKEN` take apart what is not described by its attributes,
those in `BUILT` put it together, and those in `REMADE` look at an estimator whose
attributes came out of a file, and make what no file holds.
"""

import copy
import math
from itertools import pairwise

import numpy as np

from skampo.utils._lightgbm import build_booster, check_lightgbm, take_booster
from skampo.utils._trees import check_tree, require

_MOST_COLUMNS = 10**5
_METRICS = ("minkowski", "euclidean", "manhattan", "l1", "l2", "cityblock", "chebyshev")
_KERNELS = ("linear", "poly", "rbf", "sigmoid")
_INTEGERS_OF_SVM = ("_n_support", "support_", "_num_iter")
_FLOATS_OF_SVM = ("support_vectors_", "_dual_coef_", "_intercept_", "_probA", "_probB")


def _replacing(name, change):
    """A function from an object to its attributes, one of them in another form."""

    def take(model):
        state = vars(model)
        return state | {name: change(state[name])} if name in state else state

    return take


def _rows(records):
    """Records as rows of numbers."""
    return np.column_stack(
        [records[name].astype(float) for name in records.dtype.names]
    )


def _records(rows, dtype, kind):
    """Rows of numbers as records; no integer may change on the way."""
    require(rows.dtype == float and rows.shape[1] == len(dtype.names), kind)
    records = np.zeros(len(rows), dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        for name, column in zip(dtype.names, rows.T, strict=True):
            records[name] = column
            same = dtype[name].kind == "f" or (records[name] == column).all()
            require(same, kind)
    return records


def _build_tree(n_features, nodes, values):
    from sklearn.tree._tree import NODE_DTYPE, Tree

    kind = "a decision tree whose nodes do not fit together"
    is_value = values.dtype == float and min(values.shape[1:]) > 0
    require(is_value and 0 < n_features <= 10**7, kind)
    nodes = _records(nodes, NODE_DTYPE, kind)
    left, right, is_leaf = nodes["left_child"], nodes["right_child"], None
    is_leaf = left == -1
    # Paths are written to memory of this length.
    depth = check_tree(left, right, is_leaf, kind)
    features = nodes["feature"][~is_leaf]
    require(((features >= 0) & (features < n_features)).all(), kind)
    n_outputs, n_classes = values.shape[1:]
    tree = Tree(n_features, np.full(n_outputs, n_classes, dtype=np.intp), n_outputs)
    state = {"max_depth": depth, "node_count": len(nodes)}
    tree.__setstate__(state | {"nodes": nodes, "values": np.ascontiguousarray(values)})
    return tree


def _take_tree(tree):
    state = tree.__getstate__()
    nodes, values = _rows(state["nodes"]), state["values"]
    return {"n_features": tree.n_features, "nodes": nodes, "values": values}


def _remake_tree(model):
    _require_same(model.tree_, model.n_features_in_, model.n_outputs_)


def _remake_classifying_tree(model):
    n_classes = model.n_classes_
    _require_same(model.tree_, model.n_features_in_, model.n_outputs_, n_classes)
    is_one = model.n_outputs_ == 1 and np.shape(model.classes_) == (n_classes,)
    require(is_one, "a decision tree of other classes")


def _require_same(tree, n_features, n_outputs, n_classes=1):
    sizes = tree.n_features, tree.n_outputs, tree.max_n_classes
    is_same = sizes == (n_features, n_outputs, n_classes)
    require(is_same, "a decision tree of other features or outputs")


def _remake_forest(model):
    for part in model.estimators_:
        _require_same(part.tree_, model.n_features_in_, model.n_outputs_)


def _remake_boosting(model):
    kind = "boosted trees that do not fit together"
    # Trees add to rows of one sum, whose length compiled code does not look at.
    require(model.n_trees_per_iteration_ == 1, kind)
    first = getattr(model.init_, "constant_", None)
    if model.init is None:
        require(first is not None and first.shape == (1, 1), kind)
    else:
        require(model.init == model.init_ == "zero", kind)
    for part in model.estimators_:
        _require_same(part.tree_, model.n_features_in_, 1)
    stages = np.empty((len(model.estimators_), 1), dtype=object)
    stages[:, 0] = model.estimators_
    model.estimators_ = stages
    require(len(stages) == model.n_estimators_ > 0, kind)
    model._loss, model._rng = model._get_loss(None), np.random.RandomState(0)


def _without_generator(stages):
    """The trees of a boosting, which share a random generator that they do not need."""
    trees = [copy.copy(tree) for tree in stages.ravel()]
    for tree in trees:
        tree.random_state = None
    return trees


def _build_predictor(nodes):
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor

    kind = "a tree of histograms whose nodes do not fit together"
    nodes = _records(nodes, np.dtype(PREDICTOR_RECORD_DTYPE), kind)
    is_leaf = nodes["is_leaf"] == 1
    # Categories are bits in bitsets, by indices that nobody looks at.
    require((nodes["is_leaf"] <= 1).all() and not nodes["is_categorical"].any(), kind)
    left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
    check_tree(left, right, is_leaf, kind)
    require((nodes["feature_idx"][~is_leaf] >= 0).all(), kind)
    no_bits = np.zeros((0, 8), dtype=np.uint32)
    return TreePredictor(nodes, no_bits, no_bits)


def _remake_histograms(model):
    from sklearn.ensemble._hist_gradient_boosting.binning import _BinMapper

    kind, n_features = (
        "trees of histograms that do not fit together",
        model.n_features_in_,
    )
    no_categories = model._preprocessor is None and model.is_categorical_ is None
    require(no_categories and not model._is_categorical_remapped, kind)
    require(model.n_trees_per_iteration_ == 1 and model._n_features == n_features, kind)
    require(model._baseline_prediction.dtype == float, kind)
    for (predictor,) in model._predictors:
        require(predictor.nodes["feature_idx"].max() < n_features, kind)
    # Bins are for fitting alone: without thresholds the mapper refuses to bin anything.
    mapper = model._bin_mapper = _BinMapper()
    mapper.is_categorical_ = np.zeros(n_features, dtype=np.uint8)
    mapper.bin_thresholds_, mapper.n_bins_non_missing_ = (
        [],
        np.zeros(0, dtype=np.uint32),
    )
    model._loss, model._scorer = model._get_loss(None), None
    model._feature_subsample_rng = np.random.default_rng(int(model._random_seed))


def _remake_neighbors(model):
    # The search tree is the same when it is built again.
    require(model.metric_params is None, "neighbors with parameters of a metric")
    require(model.metric in _METRICS, "neighbors with an unknown metric")
    model.fit(model._fit_X, model._y)


def _remake_svm(model):
    kind = "support vectors that do not fit together"
    integers = [getattr(model, name) for name in _INTEGERS_OF_SVM]
    floats = [getattr(model, name) for name in _FLOATS_OF_SVM]
    require(all(array.dtype == np.int32 for array in integers), kind)
    require(all(array.dtype == float for array in floats), kind)
    require(all(array.flags.c_contiguous for array in floats), kind)
    n_rows, support = model.shape_fit_[0], model.support_
    require(((support >= 0) & (support < n_rows)).all() and len(support), kind)
    # A precomputed kernel is read at the indices of the support vectors.
    require(not model._sparse and model.kernel in _KERNELS, kind)
    require(type(model.degree) is int and model._gamma >= 0, kind)


def _remake_encoder(model):
    kind = "categories that cannot be found"
    known = model.categories_
    require(type(known) is list and len(known) == model.n_features_in_, kind)
    require(not model._infrequent_enabled, kind)
    for values in known:
        require(values.ndim == 1 and len(values) > 0, kind)
        if values.dtype.kind in "biuf":
            # Numbers are searched for, and NaN lies behind all others.
            numbers = values[:-1] if values[-1] != values[-1] else values
            require((np.diff(numbers.astype(float)) > 0).all(), kind)
    if hasattr(model, "drop"):
        require(
            model.drop is None and model.drop_idx_ is None, "categories that are left"
        )
        model._drop_idx_after_grouping = None
        # Where the columns of sparse rows end, which compiled code takes for granted.
        model._n_features_outs = [len(values) for values in known]


def _remake_polynomials(model):
    highest = model.degree if type(model.degree) is int else max(model.degree)
    n_terms = math.comb(model.n_features_in_ + min(highest, 100), model.n_features_in_)
    require(
        n_terms <= _MOST_COLUMNS, f"polynomials of more than {_MOST_COLUMNS:,} terms"
    )
    _keeping_names(model, lambda: model.fit(np.zeros((1, model.n_features_in_))))


def _keeping_names(model, fit):
    names = vars(model).get("feature_names_in_")
    fit()
    if names is not None:
        model.feature_names_in_ = names


def _remake_splines(model):
    from scipy.interpolate import BSpline

    degree, goes_on = model.degree, model.extrapolation == "continue"
    require(
        type(degree) is int and model.extrapolation != "periodic", "periodic splines"
    )
    counts = [len(knots) - degree - 1 for knots in model.bsplines_]
    require(
        len(counts) == model.n_features_in_ and max(counts) <= 1000, "other splines"
    )
    model.bsplines_ = [
        # It looks at the knots.
        BSpline(knots, np.eye(n, dtype=knots.dtype), degree, extrapolate=goes_on)
        for knots, n in zip(model.bsplines_, counts, strict=True)
    ]
    n_columns = sum(counts) - (0 if model.include_bias else len(counts))
    require(model.n_features_out_ == n_columns, "other splines")


def _remake_indicator(model):
    kind, columns = "an indicator of other columns", model.features_
    require(columns.dtype.kind == "i" and model._precomputed is True, kind)
    require(model._n_features == model.n_features_in_, kind)
    require(((columns >= 0) & (columns < model._n_features)).all(), kind)
    require((np.diff(columns) > 0).all(), kind)


def _remake_bins(model):
    edges = np.empty(len(model.bin_edges_), dtype=object)
    edges[:] = model.bin_edges_
    require(all(edge.ndim == 1 for edge in edges), "bins whose edges are no numbers")
    model.bin_edges_ = edges


def _remake_network(model):
    kind = "layers that do not fit together"
    biases = model.intercepts_
    widths = [model.n_features_in_, *(len(bias) for bias in biases)]
    shapes = [*pairwise(widths), *((n,) for n in widths[1:])]
    optimizer = vars(getattr(model, "_optimizer", model))
    groups = [model.coefs_ + biases, model._best_coefs + model._best_intercepts]
    groups += [
        optimizer[name] for name in ("ms", "vs", "velocities") if name in optimizer
    ]
    require(all([part.shape for part in group] == shapes for group in groups), kind)
    require(len(widths) == model.n_layers_ and widths[-1] == model.n_outputs_, kind)


def _remake_constant(model):
    is_right = model.constant_.shape == (1, model.n_outputs_) != (1, 0)
    require(is_right, "a constant of other outputs")


def _remake_stack(model):
    # They are looked up by this name.
    n = len(model.estimators_)
    require(model.stack_method_ == ["predict"] * n, "a stack of other methods")
    require(model._n_feature_outs == [1] * n, "a stack of other columns")
    _remake_vote(model)


def _remake_vote(model):
    from sklearn.utils import Bunch

    names = [name for name, part in model.estimators if part != "drop"]
    model.named_estimators_ = Bunch(**dict(zip(names, model.estimators_, strict=True)))


TAKEN = {
    "Booster": take_booster,
    "GradientBoostingRegressor": _replacing("estimators_", _without_generator),
    "KBinsDiscretizer": _replacing("bin_edges_", list),
    "SplineTransformer": _replacing("bsplines_", lambda b: [spline.t for spline in b]),
    "Tree": _take_tree,
    "TreePredictor": lambda predictor: {"nodes": _rows(predictor.nodes)},
}
BUILT = {
    "Booster": build_booster,
    "Tree": _build_tree,
    "TreePredictor": _build_predictor,
}
REMADE = {
    "DummyRegressor": _remake_constant,
    "DecisionTreeClassifier": _remake_classifying_tree,
    "DecisionTreeRegressor": _remake_tree,
    "ExtraTreeRegressor": _remake_tree,
    "ExtraTreesRegressor": _remake_forest,
    "GradientBoostingRegressor": _remake_boosting,
    "HistGradientBoostingRegressor": _remake_histograms,
    "KBinsDiscretizer": _remake_bins,
    "KNeighborsRegressor": _remake_neighbors,
    "LGBMRegressor": check_lightgbm,
    "MLPRegressor": _remake_network,
    "MissingIndicator": _remake_indicator,
    "OneHotEncoder": _remake_encoder,
    "OrdinalEncoder": _remake_encoder,
    "PolynomialFeatures": _remake_polynomials,
    "RadiusNeighborsRegressor": _remake_neighbors,
    "RandomForestRegressor": _remake_forest,
    "SVR": _remake_svm,
    "SplineTransformer": _remake_splines,
    "StackingRegressor": _remake_stack,
    "VotingRegressor": _remake_vote,
}
