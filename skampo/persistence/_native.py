"""Fitted parts that compiled code reads without checking indices.

A file that passes every check of types can still hold a tree whose nodes point outside
of it, and such a tree ends the interpreter when it predicts. What is refused here is
refused before it is built.
"""

import io

import numpy as np

from skampo.persistence._lightgbm import check_model_text

__all__ = ["OWNED", "check_native_parts"]

# Observation spaces become arrays of this many numbers, so that a file of a few bytes
# could ask for any amount of memory.
_LARGEST_SPACE = 10**7
_SVM_KERNELS = ("linear", "poly", "rbf", "sigmoid")
_SVM_SHAPES = {"_n_support": (2,), "_intercept_": (1,)}
_DISABLES_CHECKS = "predict_disable_shape_check"


def check_native_parts(schema, trusted):
    """
    Refuse native structures that lead outside of their arrays.

    Parameters
    ----------
    schema : Schema
        The nodes of the file.
    trusted : set of str
        Types that the user trusts; they are not looked into.

    Raises
    ------
    ValueError
        With what is wrong.
    """
    named = [(f"{n['__module__']}.{n['__class__']}", n) for n in schema.nodes]
    # What these types hold has no form that is known here.
    named = [(name, node) for name, node in named if name not in trusted]
    owned = set()
    for name, node in named:
        for prefix, check in _CHECKS.items():
            # A type alone, as that of a key, has no contents.
            if name.startswith(prefix) and node["__loader__"] != "TypeNode":
                owned |= {id(part) for part in check(schema, node) or ()}
    # A second pass: nodes come in any order, parts also before their owners.
    for name, node in named:
        if name in OWNED and node["__loader__"] != "TypeNode" and id(node) not in owned:
            raise ValueError(f"a {node['__class__']} outside of its estimator")
    _check_spaces(schema, [node for name, node in named if name.startswith(_SPACES)])


def _attribute(schema, node, name, default=None):
    part = schema.attributes(node).get(name)
    return default if part is None else schema.value(part)


def _parts(value):
    """The nodes in nested lists."""
    if isinstance(value, list):
        return [part for item in value for part in _parts(item)]
    return [value]


def _n_features(schema, node):
    n_features = _attribute(schema, node, "n_features_in_")
    if not isinstance(n_features, int) or n_features < 1:
        raise ValueError(f"a {node['__class__']} without its number of features")
    return n_features


def _check_tree_estimator(schema, node):
    """A decision tree has the features that its nodes ask for."""
    tree = schema.attributes(node).get("tree_")
    if tree is None:
        return []
    if tree["__loader__"] != "TreeNode":
        raise ValueError("a decision tree without nodes")
    if _check_tree(schema, tree) != _n_features(schema, node):
        raise ValueError("a decision tree with another number of features")
    return [tree]


def _check_tree(schema, node):
    arguments = schema.value(node["__reduce__"]["args"])
    n_features, n_classes, n_outputs = arguments
    state = {k: schema.value(v) for k, v in schema.attributes(node).items()}
    nodes, values = state["nodes"], state["values"]
    n_classes = np.atleast_1d(n_classes)
    shape = (state["node_count"], n_outputs, int(n_classes.max(initial=0)))
    if len(n_classes) != n_outputs or n_classes.min() < 1 or values.shape != shape:
        raise ValueError("a decision tree with values of another shape")
    if nodes.shape != (state["node_count"],):
        raise ValueError("a decision tree with another number of nodes")
    # Compiled code goes by the left child alone: a leaf may have any right one.
    is_leaf = nodes["left_child"] == -1
    _check_children(nodes["left_child"], nodes["right_child"], is_leaf)
    _check_depth(nodes, is_leaf, state["max_depth"])
    _check_features(nodes["feature"][~is_leaf], n_features)
    return n_features


def _check_children(left, right, is_leaf):
    """Children come after their parents, so that every path ends in a leaf."""
    parents = np.flatnonzero(~is_leaf)
    children = np.stack([left, right]).astype(np.int64)[:, parents]
    if len(left) == 0 or not ((parents < children) & (children < len(left))).all():
        raise ValueError("a decision tree with a child that does not exist")


def _check_depth(nodes, is_leaf, max_depth):
    """The depth is that of the nodes: paths are written to buffers of this length."""
    level, depth, n_seen = np.zeros(1, dtype=np.int64), 0, 1
    while (inner := level[~is_leaf[level]]).size:
        level = np.append(nodes["left_child"][inner], nodes["right_child"][inner])
        depth, n_seen = depth + 1, n_seen + len(level)
        # Nodes of two parents would be seen on every path, and there are 2ⁿ of those.
        if n_seen > len(is_leaf):
            raise ValueError("a decision tree with a node of two parents")
    if max_depth != depth:
        raise ValueError("a decision tree of another depth")


def _check_features(features, n_features):
    features = features.astype(np.int64)
    if features.min(initial=0) < 0 or features.max(initial=-1) >= n_features:
        raise ValueError("a decision tree with a feature that does not exist")


def _check_ensemble(schema, node):
    """The trees of an ensemble see all of its features."""
    # Gradient boosting hands its rows to bare trees, which do not look at the width.
    for tree in _parts(_attribute(schema, node, "estimators_", [])):
        if _n_features(schema, tree) != _n_features(schema, node):
            raise ValueError("a tree with other features than its ensemble")


def _check_histogram_boosting(schema, node):
    """Binned trees, without categorical features."""
    attributes = schema.attributes(node)
    predictors = _parts(_attribute(schema, node, "_predictors", []))
    if predictors:
        # Categories are bits in bitsets, by indices that are not looked into here.
        mapper = attributes["_bin_mapper"]
        if np.any(_attribute(schema, mapper, "is_categorical_")):
            raise ValueError("categorical features of histogram boosting")
    for predictor in predictors:
        nodes = _attribute(schema, predictor, "nodes")
        is_leaf = nodes["is_leaf"].astype(bool)
        _check_children(nodes["left"], nodes["right"], is_leaf)
        _check_features(nodes["feature_idx"][~is_leaf], _n_features(schema, node))
        if nodes["is_categorical"].any():
            raise ValueError("categorical features of histogram boosting")
    return predictors


def _check_lightgbm(schema, node):
    """The text of a LightGBM model, and that its reader looks at shapes."""
    attributes = schema.attributes(node)
    # LightGBM joins all parameters to one text: any of them could hold another one.
    parameters = {name: p for name, p in attributes.items() if name != "_Booster"}
    if any(_DISABLES_CHECKS in text for text in _texts(schema, parameters)):
        raise ValueError(f"{_DISABLES_CHECKS} in a parameter")
    booster = attributes.get("_Booster")
    if booster is None or booster["__loader__"] == "JsonNode":
        return []
    text = _attribute(schema, booster, "_handle")
    if "handle" in schema.attributes(booster) or not isinstance(text, str):
        raise ValueError("a LightGBM model without its text")
    check_model_text(text, _attribute(schema, node, "_n_features"))
    return [booster]


def _texts(schema, value):
    """All text in a part of the description, and in its arrays."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for part in value for text in _texts(schema, part)]
    if not isinstance(value, dict):
        return []
    found = [*value, *_texts(schema, list(value.values()))]
    # Text is described as text: with escapes, and arrays in files of their own.
    if value.get("__loader__") == "JsonNode" or "file" in value:
        found.append(str(schema.value(value)))
    return found


def _check_svm(schema, node):
    """Arrays of a support vector regression that fit together."""
    vectors = _attribute(schema, node, "support_vectors_")
    if vectors is None:
        return
    get = lambda name: np.asarray(_attribute(schema, node, name))
    n, width = vectors.shape
    shapes = {"_dual_coef_": (1, n), "support_": (n,), **_SVM_SHAPES}
    if (
        node["__class__"] not in ("SVR", "NuSVR", "LinearSVR")
        or _attribute(schema, node, "_sparse") is not False
        # A precomputed kernel is read at the indices of the support vectors.
        or _attribute(schema, node, "kernel") not in _SVM_KERNELS
        or width != _n_features(schema, node)
        or any(get(name).shape != shape for name, shape in shapes.items())
        or any(get(name).size > 1 for name in ("_probA", "_probB"))
    ):
        raise ValueError("a support vector machine whose arrays do not fit together")


def _check_neighbors(schema, node):
    """Stored points with the features that the estimator is asked about."""
    points = _points(schema, node, "_fit_X")
    if points is None:
        return
    # Brute force reads the stored points with the width of the rows it is given.
    if points.shape[1:] != (_n_features(schema, node),):
        raise ValueError("neighbors with another number of features")
    classes, labels = (_attribute(schema, node, name) for name in ("classes_", "_y"))
    # Votes are counted at the label of a neighbor; several outputs are Python's.
    if isinstance(classes, np.ndarray) and np.ndim(labels) == 1:
        labels = np.asarray(labels)
        if len(labels) != len(points) or not np.isin(labels, range(len(classes))).all():
            raise ValueError("neighbors with labels that do not exist")


def _check_centers(schema, node):
    """Centers of clusters with the features that the estimator is asked about."""
    centers = _points(schema, node, "cluster_centers_")
    if centers is not None and centers.shape[1:] != (_n_features(schema, node),):
        raise ValueError("cluster centers with another number of features")


def _points(schema, node, name):
    """An attribute that is an array, perhaps a sparse one."""
    points = _attribute(schema, node, name)
    if isinstance(points, dict) and points["__loader__"] == "SparseMatrixNode":
        return _load_sparse(schema, points)
    return points if isinstance(points, np.ndarray) else None


def _check_search_tree(schema, node):
    """A tree over points: ranges within the points, children within the tree."""
    data, index, nodes, bounds, _, _, n_nodes, *_, metric, _ = schema.value(
        node["content"]
    )
    n, width = data.shape
    n_bounds = 2 if node["__class__"].startswith("KD") else 1
    # The children of node i are the nodes 2 i + 1 and 2 i + 2.
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    starts, ends = nodes["idx_start"], nodes["idx_end"]
    if (
        index.shape != (n,)
        or not ((index >= 0) & (index < n)).all()
        or nodes.shape != (n_nodes,)
        or bounds.shape != (n_bounds, n_nodes, width)
        or not ((starts >= 0) & (starts <= ends) & (ends <= n)).all()
        or (2 * inner + 2 >= n_nodes).any()
        or metric["__module__"] != "sklearn.metrics._dist_metrics"
    ):
        raise ValueError("a search tree that leads outside of its points")


def _check_sparse(schema, node):
    """A sparse array whose indices lie within its shape."""
    array = _load_sparse(schema, node)
    # What is built depends on the format in the inner archive, not on the node.
    if array.format not in ("csr", "csc"):
        raise ValueError(f"a sparse array of format {array.format!r}")
    # The usual check compares lengths; only the full one looks at every index.
    array.check_format(full_check=True)


def _load_sparse(schema, node):
    from scipy.sparse import load_npz

    return load_npz(io.BytesIO(schema.archive.read(node["file"])))


def _check_spaces(schema, nodes):
    """Observations that fit into memory."""
    sizes = [
        # Floats: a sum of huge integers would wrap around.
        np.sum(_attribute(schema, node, key, 0), dtype=float)
        for node in nodes
        for key in ("n", "nvec", "max_length")
    ]
    if sum(sizes) > _LARGEST_SPACE:
        raise ValueError(f"a space of more than {_LARGEST_SPACE:,} numbers")


_SPACES = "gymnasium.spaces."
_CHECKS = {
    "lightgbm.sklearn.": _check_lightgbm,
    "scipy.sparse.": _check_sparse,
    "sklearn.cluster._kmeans.": _check_centers,
    "sklearn.ensemble._forest.": _check_ensemble,
    "sklearn.ensemble._gb.": _check_ensemble,
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.": (
        _check_histogram_boosting
    ),
    "sklearn.neighbors._ball_tree.": _check_search_tree,
    "sklearn.neighbors._kd_tree.": _check_search_tree,
    "sklearn.neighbors._classification.": _check_neighbors,
    "sklearn.neighbors._graph.": _check_neighbors,
    "sklearn.neighbors._lof.": _check_neighbors,
    "sklearn.neighbors._regression.": _check_neighbors,
    "sklearn.neighbors._unsupervised.": _check_neighbors,
    "sklearn.svm.": _check_svm,
    "sklearn.tree._classes.": _check_tree_estimator,
}
#: Only the estimator around them knows how many features they will be given.
OWNED = {
    "lightgbm.basic.Booster",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
}
