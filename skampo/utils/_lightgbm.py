"""Models of LightGBM as numbers, and back.

Its text of a model is read by a parser that trusts what it reads. Nothing of a file
ever reaches it: the numbers are checked, and a text is written of them here.
"""

import re

import numpy as np

from skampo.utils._trees import check_tree, require

#: Parameters without a name of their own in the estimator that may be in a file: they
#: say how trees grow. Others open files and connections, or switch off checks.
WORDS = {
    "verbose",
    "verbosity",
    "linear_tree",
    "max_bin",
    "min_data_in_bin",
    "extra_trees",
    "path_smooth",
    "deterministic",
    "force_col_wise",
    "force_row_wise",
    "linear_lambda",
    "feature_fraction_bynode",
    "max_delta_step",
    "drop_rate",
    "max_drop",
    "skip_drop",
    "top_rate",
    "other_rate",
    "use_missing",
    "zero_as_missing",
    "boost_from_average",
    "enable_bundle",
    "subsample_for_bin",
    "bagging_seed",
    "feature_fraction_seed",
}
# Predictions are the sum of the trees, or its exponential.
_OBJECTIVES = {
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "poisson",
    "gamma",
    "tweedie",
}
_KIND = "a LightGBM model whose trees do not fit together"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
# One number for each split, for each leaf, and for each leaf of linear trees.
_SPLITS = (
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "internal_value",
    "internal_weight",
    "internal_count",
)
_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_LINEAR = ("leaf_const", "num_features")
_WHOLE = {"split_feature", "decision_type", "left_child", "right_child", "num_features"}
_WHOLE |= {"internal_count", "leaf_count", "leaf_features"}


def take_booster(booster):
    """The numbers of a model, of each tree an array for each line."""
    head, *blocks = re.split(
        r"(?m)^Tree=\d+\n", booster.model_to_string(num_iteration=-1)
    )
    lines = _lines(head)
    blocks = [_lines(block.partition("end of trees")[0]) for block in blocks]
    require(
        not any(int(block["num_cat"]) for block in blocks), "categories of LightGBM"
    )
    header = {
        "objective": lines["objective"],
        "average_output": "average_output" in lines,
        "best_iteration": booster.best_iteration,
    }
    keys = _keys(blocks[0])
    # The trees one behind the other, for they may be many and small.
    trees = {key: _numbers(" ".join(block[key] for block in blocks)) for key in keys}
    lengths = {key: [len(block[key].split()) for block in blocks] for key in keys}
    trees["lengths"] = np.array(list(lengths.values()))
    return {
        "header": header,
        "names": lines["feature_names"].split(" "),
        "trees": trees,
    }


def _lines(block):
    return {
        key: value for key, _, value in (s.partition("=") for s in block.split("\n"))
    }


def _numbers(text):
    return np.array(text.split(), dtype=float)


def _keys(block):
    """The lines of a tree that are kept."""
    linear = (*_LINEAR, "leaf_features", "leaf_coeff") if "leaf_const" in block else ()
    return (*_SPLITS, *_LEAVES, *linear, "shrinkage")


def build_booster(header, names, trees):
    """A model of the same numbers."""
    from lightgbm import Booster

    require(len(names) > 0 and all(map(_NAME.fullmatch, names)), "names")
    trees = _split(dict(trees))
    require(header["objective"] in _OBJECTIVES, _KIND)
    best = header["best_iteration"]
    require(type(best) is int and -1 <= best <= len(trees), _KIND)
    blocks = [_block(number, tree, len(names)) for number, tree in enumerate(trees)]
    head = {
        "version": "v4",
        "num_class": "1",
        "num_tree_per_iteration": "1",
        "label_index": "0",
        "max_feature_idx": str(len(names) - 1),
        "objective": header["objective"],
        "feature_names": " ".join(names),
        "feature_infos": " ".join(["none"] * len(names)),
        "tree_sizes": " ".join(str(len(block)) for block in blocks),
    }
    lines = ["tree", *(f"{key}={value}" for key, value in head.items())]
    if header["average_output"] is True:
        lines.insert(7, "average_output")
    text = "".join(f"{line}\n" for line in [*lines, ""])
    # Each tree is found by the size of the last one: nothing may stand between them.
    end = "end of trees\n\nparameters:\nend of parameters\n"
    booster = Booster(model_str=text + "".join(blocks) + end)
    booster.best_iteration = best
    return booster


def _split(lines):
    """The lines of each tree."""
    lengths, keys = lines.pop("lengths"), _keys(lines)
    require(lines.keys() == set(keys) and lengths.shape[:-1] == (len(keys),), _KIND)
    require(lengths.dtype.kind == "i" and (lengths >= 0).all(), _KIND)
    parts = {}
    for key, ends in zip(keys, lengths.cumsum(axis=1), strict=True):
        numbers = lines[key]
        require(numbers.dtype == float and numbers.ndim == 1, _KIND)
        require(not len(ends) or ends[-1] == len(numbers), _KIND)
        is_whole = (numbers == numbers.round()).all() and (
            np.abs(numbers) < 2**31
        ).all()
        require(
            (np.abs(numbers) < 1e300).all() and (is_whole or key not in _WHOLE), _KIND
        )
        parts[key] = np.split(numbers, ends[:-1])
    return [
        dict(zip(keys, tree, strict=True)) for tree in zip(*parts.values(), strict=True)
    ]


def _block(number, tree, n_features):
    """The lines of one tree, after its numbers were looked at."""
    _check_tree(tree, n_features)
    n_leaves, is_linear = len(tree["leaf_value"]), "leaf_const" in tree
    lines = [f"Tree={number}", f"num_leaves={n_leaves}", "num_cat=0"]
    keys = [key for key in _keys(tree) if key != "shrinkage"]
    lines += [f"{key}={_text(key, tree[key])}" for key in (*_SPLITS, *_LEAVES)]
    lines.append(f"is_linear={int(is_linear)}")
    lines += [
        f"{key}={_text(key, tree[key])}" for key in keys[len(_SPLITS + _LEAVES) :]
    ]
    return "\n".join([*lines, f"shrinkage={_text('', tree['shrinkage'])}", "", "", ""])


def _text(key, numbers):
    # All digits, for the same number has to be read again.
    form = (lambda x: str(int(x))) if key in _WHOLE else (lambda x: f"{x:.17g}")
    return " ".join(map(form, numbers.tolist()))


def _check_tree(tree, n_features):
    n = len(tree["leaf_value"])
    require(len(tree["shrinkage"]) == 1, _KIND)
    require(all(len(tree[key]) == n - 1 for key in _SPLITS), _KIND)
    # A tree of one leaf has no statistics.
    allowed = (n,) if n > 1 else (0, 1)
    require(all(len(tree[key]) in allowed for key in _LEAVES), _KIND)
    _check_splits(tree, n, n_features)
    if "leaf_const" in tree:
        _check_linear(tree, n, n_features)


def _check_splits(tree, n_leaves, n_features):
    features, decisions = tree["split_feature"], tree["decision_type"]
    require(((features >= 0) & (features < n_features)).all(), _KIND)
    # Odd ones are those of categories; the others say where missing values go.
    require(np.isin(decisions, (0, 2, 4, 6, 8, 10)).all(), _KIND)
    sides = [tree[side].astype(np.int64) for side in ("left_child", "right_child")]
    # Leaves are numbered from -1 downwards: here they come behind all splits, and what
    # is none of them behind all nodes.
    left, right = (np.where(s < 0, n_leaves - 2 - s, s) for s in sides)
    none = np.zeros(n_leaves, dtype=np.int64)
    is_leaf = np.arange(2 * n_leaves - 1) >= n_leaves - 1
    check_tree(np.append(left, none), np.append(right, none), is_leaf, _KIND)


def _check_linear(tree, n_leaves, n_features):
    features, counts = tree["leaf_features"], tree["num_features"]
    require(len(counts) == len(tree["leaf_const"]) == n_leaves, _KIND)
    require((counts >= 0).all() and counts.sum() == len(features), _KIND)
    require(len(features) == len(tree["leaf_coeff"]), _KIND)
    require(((features >= 0) & (features < n_features)).all(), _KIND)


def counts_cores(model, n_jobs):
    """Whether predictions with this `n_jobs` would ask the machine for its cores."""
    return getattr(model, "_Booster", None) is not None and n_jobs is None


def check_lightgbm(model):
    """Refuse a model of another width than its trees, or one that counts cores."""
    n_features = model._n_features
    # The cores are counted by a command of the system.
    require(not counts_cores(model, model.n_jobs), _KIND)
    require(n_features == model._n_features_in == model._Booster.num_feature(), _KIND)


def is_word(value):
    """Whether a parameter is a number or one word, which cannot hold another one."""
    # LightGBM is given all parameters in one text.
    is_number = value is None or isinstance(value, bool | int | float | np.number)
    return is_number or (isinstance(value, str) and _NAME.fullmatch(value) is not None)
