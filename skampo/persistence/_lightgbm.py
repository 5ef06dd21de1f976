"""The text of a LightGBM model, whose reader and predictor trust every index in it."""

import re

__all__ = ["check_model_text"]

_HEADER = {
    "average_output",
    "feature_infos",
    "feature_names",
    "label_index",
    "max_feature_idx",
    "monotone_constraints",
    "num_class",
    "num_tree_per_iteration",
    "objective",
    "tree",
    "tree_sizes",
    "version",
}
# Python takes digits of all scripts for numbers, LightGBM those of ASCII alone.
_INTEGER = re.compile(r"-?\d{1,10}", re.ASCII)
_NUMBER = re.compile(r"-?(\d+(\.\d*)?(e[+-]?\d+)?|inf|nan)", re.ASCII)

# For each key of a tree, how many entries it has.
_PER_SPLIT = (
    "decision_type",
    "internal_count",
    "internal_value",
    "internal_weight",
    "left_child",
    "right_child",
    "split_feature",
    "split_gain",
    "threshold",
)
_PER_LEAF = ("leaf_value", "leaf_weight", "leaf_count", "leaf_const", "num_features")
_WHOLE = {"decision_type", "left_child", "right_child", "split_feature"}
_WHOLE |= {"num_features", "cat_boundaries", "cat_threshold", "leaf_features"}
_WHOLE |= {"num_leaves", "num_cat", "is_linear"}
_OTHER = {"num_leaves", "num_cat", "is_linear", "shrinkage", "cat_boundaries"}
_OTHER |= {"cat_threshold", "leaf_features", "leaf_coeff"}
_CATEGORICAL = 1


def check_model_text(text, n_features):
    """
    Refuse a model text whose trees lead outside of themselves.

    Parameters
    ----------
    text : str
        What ``Booster.model_to_string`` gives.
    n_features : int
        Number of features of the estimator that holds the model.

    Raises
    ------
    ValueError
        If the text is not as LightGBM writes it.
    """
    # For LightGBM a text ends at NUL and a line at a carriage return as well: it would
    # read other trees than those that are checked here.
    if "\0" in text or "\r" in text:
        raise ValueError("control characters in a LightGBM model")
    head, *trees = re.split(r"(?m)^(?=Tree=)", text)
    trees = _without_tail(head, trees)
    header = _entries(head)
    _check_header(header, n_features)
    # LightGBM finds its trees by these sizes in bytes, not by their first lines.
    sizes = [str(len(tree.encode())) for tree in trees]
    if header.get("tree_sizes", "").split() != sizes:
        raise ValueError("sizes of LightGBM trees that are not those of its trees")
    for number, tree in enumerate(trees):
        entries = _entries(tree)
        if entries.pop("Tree", None) != str(number):
            raise ValueError("LightGBM trees out of order")
        _check_tree(entries, n_features)


def _without_tail(head, trees):
    """The blocks of the trees, each with the empty lines that end it."""
    last = trees[-1] if trees else head
    block, end, _ = last.partition("end of trees\n")
    if not end or "end of trees" in "".join([head, *trees[:-1]]):
        raise ValueError("a LightGBM model without the end of its trees")
    return [*trees[:-1], block] if trees else []


def _entries(block):
    """The ``key=value`` lines of a block; none comes twice."""
    entries = {}
    for line in filter(None, block.split("\n")):
        key, _, value = line.partition("=")
        # LightGBM goes by the last of two lines, another reader by the first.
        if key in entries:
            raise ValueError(f"two lines {key!r} in a LightGBM model")
        entries[key] = value
    return entries


def _check_header(header, n_features):
    if not header.keys() <= _HEADER:
        raise ValueError("unknown lines in the head of a LightGBM model")
    expected = {"num_class": "1", "num_tree_per_iteration": "1", "version": "v4"}
    if any(header.get(key) != value for key, value in expected.items()):
        raise ValueError("a LightGBM model of another kind than one regression")
    names, infos = (
        header.get(key, "").split(" ") for key in ("feature_names", "feature_infos")
    )
    largest = _integers(header.get("max_feature_idx", ""))
    if largest != [n_features - 1] or not len(names) == len(infos) == n_features:
        raise ValueError("a LightGBM model with another number of features")


def _tokens(text, pattern):
    tokens = [token for token in text.split(" ") if token]
    if not all(map(pattern.fullmatch, tokens)):
        raise ValueError("a LightGBM model with letters among its numbers")
    return tokens


def _integers(text):
    return [int(token) for token in _tokens(text, _INTEGER)]


def _check_tree(entries, n_features):
    """Children come after their parents, features and categories exist."""
    if not entries.keys() <= {*_PER_SPLIT, *_PER_LEAF, *_OTHER}:
        raise ValueError("unknown lines in a LightGBM tree")
    values = {key: _parse(key, text) for key, text in entries.items()}
    n_leaves, n_cat, is_linear = (
        _single(values, key) for key in ("num_leaves", "num_cat", "is_linear")
    )
    _check_lengths(values, n_leaves, is_linear)
    _check_splits(values, n_leaves, n_cat, n_features)
    if is_linear:
        _check_linear(values, n_features)


def _parse(key, text):
    return _integers(text) if key in _WHOLE else _tokens(text, _NUMBER)


def _single(values, key):
    value = values.get(key, [])
    if len(value) != 1 or value[0] < 0:
        raise ValueError(f"a LightGBM tree without {key!r}")
    return value[0]


def _check_lengths(values, n_leaves, is_linear):
    needed = {"leaf_value"} | ({*_PER_SPLIT} if n_leaves > 1 else set())
    needed |= {"leaf_const", "num_features"} if is_linear else set()
    expected = dict.fromkeys(_PER_SPLIT, n_leaves - 1)
    expected |= dict.fromkeys(_PER_LEAF, n_leaves)
    for key, n in expected.items():
        # A tree of one leaf has no statistics.
        if len(values.get(key, "")) != n and (key in needed or values.get(key)):
            raise ValueError(f"a LightGBM line {key!r} that is not {n} long")


def _check_splits(values, n_leaves, n_cat, n_features):
    boundaries, words = (values.get(k, []) for k in ("cat_boundaries", "cat_threshold"))
    rows = zip(
        *(values.get(k, []) for k in ("left_child", "right_child", "split_feature")),
        values.get("decision_type", []),
        values.get("threshold", []),
        strict=True,
    )
    for parent, (left, right, feature, decision, threshold) in enumerate(rows):
        for child in (left, right):
            # Negative children are leaves, from -1 on; others come behind their parent,
            # so that every path ends.
            if not (parent < child < n_leaves - 1 or -n_leaves <= child < 0):
                raise ValueError("a LightGBM tree with a child that does not exist")
        if not 0 <= feature < n_features:
            raise ValueError("a LightGBM tree with a feature that does not exist")
        # The threshold of a categorical split is an index into `cat_boundaries`.
        if decision & _CATEGORICAL and not 0 <= float(threshold) < n_cat:
            raise ValueError("a LightGBM tree with a category that does not exist")
    if n_cat and (
        len(boundaries) != n_cat + 1
        or boundaries[0] != 0
        or boundaries[-1] != len(words)
        or boundaries != sorted(boundaries)
    ):
        raise ValueError("a LightGBM tree with categories that do not exist")


def _check_linear(values, n_features):
    features, counts = values.get("leaf_features", []), values["num_features"]
    n = len(features)
    if sum(counts) != n or n != len(values.get("leaf_coeff", [])) or min(counts) < 0:
        raise ValueError("a LightGBM tree with linear leaves of another length")
    if n and not 0 <= min(features) <= max(features) < n_features:
        raise ValueError("a LightGBM tree with a feature that does not exist")
