"""What an attacker would edit in a file: each edit with words of its refusal."""

import io
import json

import numpy as np

from tests.persistence.crafting import find, resized


def node(loader, name, **parts):
    module, _, short = name.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": short, **parts}


def text(value):
    return node("JsonNode", "builtins.str", content=json.dumps(value))


def as_attribute(part):
    """An edit that hides a node in the policy as one more attribute."""

    def change(schema, members):
        content = schema["content"]
        content["content"]["verbose"] = part

    return change


def in_array(name, attribute, change):
    """An edit of the array that objects of one class have under a name."""

    def edit_arrays(schema, members):
        states = [part["content"]["content"] for part in find(schema, name)]
        files = {state[attribute]["file"] for state in states if attribute in state}
        assert files
        for file in files:
            array = np.load(io.BytesIO(members[file])).copy()
            array = array if (changed := change(array)) is None else changed
            buffer = io.BytesIO()
            np.save(buffer, array)
            members[file] = buffer.getvalue()

    return edit_arrays


def set_field(field, value, where=0):
    def change(array):
        array[field][where] = value

    return change


def set_value(name, attribute, value):
    """An edit of a number or text that objects of one class have."""

    def change(schema, members):
        states = [part["content"]["content"] for part in find(schema, name)]
        states = [state for state in states if attribute in state]
        assert states
        for state in states:
            state[attribute] = text(value)

    return change


def in_model_text(old, new, right_sizes=True):
    def change(schema, members):
        for part in find(schema, "Booster"):
            handle = part["content"]["content"]["_handle"]
            model = json.loads(handle["content"])
            assert old in model
            model = model.replace(old, new, 1)
            handle["content"] = json.dumps(resized(model) if right_sizes else model)

    return change


def without_shape_checks(name, value):
    """An option under which LightGBM reads rows that are too short."""

    def change(schema, members):
        for model in find(schema, "LGBMRegressor"):
            others = model["content"]["content"]["_other_params"]
            others["content"][name] = value
            kinds = others["key_types"]["content"]
            kinds.append(node("TypeNode", "builtins.str"))

    return change


def without_number_of_features(schema, members):
    """The key is there for who looks, and lost for who builds."""
    for tree in find(schema, "DecisionTreeRegressor"):
        content = tree["content"]
        rest = content["content"]
        if "n_features_in_" not in rest:
            continue
        rest["n_features_in_"] = rest.pop("n_features_in_")
        content["key_types"]["content"].pop()


def with_two_objects_of_one_identity(schema, members):
    first, second, *_ = find(schema, "Ridge")
    second["__id__"] = first["__id__"]
    second["content"]["content"]["alpha"] = text(7.0)


def deeply_nested(schema, members):
    part = text(1)
    for _ in range(300):
        part = node("ListNode", "builtins.list", content=[part])
    schema["content"]["content"]["verbose"] = part


def with_member(name, contents):
    def change(schema, members):
        members[name] = contents

    return change


def two_parents(nodes):
    """Both children of every node are the same."""
    nodes["right_child"] = nodes["left_child"]
    nodes["left_child"][1:-2] = nodes["right_child"][1:-2] = range(2, len(nodes) - 1)


def npy(array=None, header=None):
    buffer = io.BytesIO()
    if header is None:
        np.save(buffer, array, allow_pickle=True)
    else:
        np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def bare_tree(schema, members):
    """A tree where something else calls it, on rows of any width."""
    tree = find(schema, "Tree")[0]
    schema["content"]["content"]["regressor"] = json.loads(
        json.dumps(tree).replace('"__id__": ', '"__id__": 1')
    )


HUGE = {"descr": "<f8", "fortran_order": False, "shape": (2**40,)}
ARGUMENTS = node("TupleNode", "builtins.tuple", content=[text("touch ran-code")])
CODE = {
    "a function": node("FunctionNode", "os.system"),
    "a constructor": node(
        "ConstructorFromReduceNode", "subprocess.Popen", content=ARGUMENTS
    ),
    "a foreign class": node("ObjectNode", "subprocess.Popen", content=text(None)),
    "a method": node(
        "MethodNode",
        "skampo._ampo.AMPOPolicy",
        content={"func": "save", "obj": text(1)},
    ),
    "a partial": node("PartialNode", "functools.partial", content={}),
    "an operator": node("OperatorFuncNode", "operator.attrgetter", attrs=ARGUMENTS),
    "a constructor of ours": node(
        "ConstructorFromReduceNode", "skampo._ampo.AMPOPolicy", content=ARGUMENTS
    ),
    "a list of another type": node("ListNode", "lightgbm.basic.Booster", content=[]),
    "a type": node("TypeNode", "os.system"),
    "a type of ours": node("TypeNode", "skampo._ampo.AMPOPolicy"),
    "an old loader": node("CachedNode", "builtins.str", __id__=5),
    "a name with a path": node("ObjectNode", "skampo/../os.system", content=text(1)),
}

SPLITS = "split_feature=1 0"
EDITS = {
    **{name: ("ridge", as_attribute(part), "") for name, part in CODE.items()},
    "a dict in place of text": ("ridge", as_attribute(text({"a": 1})), "number or te"),
    "two objects": ("ridge", with_two_objects_of_one_identity, "one identity stands"),
    "nesting": ("ridge", deeply_nested, ""),
    "a path": ("ridge", with_member("../../evil.npy", b""), "member of the archive is"),
    "an absolute path": ("ridge", with_member("/etc/evil", b""), "is called '/etc/evi"),
    "a pickled array": ("ridge", with_member("1.npy", npy([{}])), "not have the size"),
    "a huge array": (
        "ridge",
        with_member("1.npy", npy(header=HUGE)),
        "not have the si",
    ),
    "no array": ("ridge", with_member("1.npy", b"\x80\x04."), ""),
    "a child far away": (
        "tree",
        in_array("Tree", "nodes", set_field("left_child", 10**9)),
        "a child that does not exist",
    ),
    "a negative child": (
        "tree",
        in_array("Tree", "nodes", set_field("right_child", -5)),
        "a child that does not exist",
    ),
    "a loop": (
        "tree",
        in_array("Tree", "nodes", set_field("left_child", 0)),
        "a child that does not exist",
    ),
    "a feature far away": (
        "tree",
        in_array("Tree", "nodes", set_field("feature", 10**8)),
        "a feature that does not exist",
    ),
    "a negative feature": (
        "tree",
        in_array("Tree", "nodes", set_field("feature", -3)),
        "a feature that does not exist",
    ),
    "more nodes than there are": (
        "tree",
        set_value("Tree", "node_count", 10**6),
        "a decision tree with values of another shape",
    ),
    "fewer values than nodes": (
        "tree",
        in_array("Tree", "values", lambda values: values[:1]),
        "a decision tree with values of another shape",
    ),
    "an estimator of fewer features": (
        "tree",
        set_value("DecisionTreeRegressor", "n_features_in_", 1),
        "another number of features",
    ),
    "an estimator without features": (
        "tree",
        without_number_of_features,
        "a dict that has not one type for each key",
    ),
    "a depth that is not there": (
        "tree",
        set_value("Tree", "max_depth", 1),
        "a decision tree of another depth",
    ),
    "a node of two parents": (
        "tree",
        in_array("Tree", "nodes", two_parents),
        "a decision tree with a node of two parents",
    ),
    "a bare tree": ("tree", bare_tree, "a Tree outside of its estimator"),
    "an ensemble of fewer features": (
        "boosting",
        set_value("GradientBoostingRegressor", "n_features_in_", 1),
        "a tree with other features than its ensemble",
    ),
    "a forest of fewer features": (
        "forest",
        set_value("RandomForestRegressor", "n_features_in_", 1),
        "a tree with other features than its ensemble",
    ),
    "a child of histograms": (
        "histograms",
        in_array("TreePredictor", "nodes", set_field("left", 2**31)),
        "a child that does not exist",
    ),
    "a feature of histograms": (
        "histograms",
        in_array("TreePredictor", "nodes", set_field("feature_idx", 2**30)),
        "a feature that does not exist",
    ),
    "a category of histograms": (
        "histograms",
        in_array("TreePredictor", "nodes", set_field("is_categorical", 1)),
        "categorical features of histogram boosting",
    ),
    "LightGBM's feature": (
        "lightgbm",
        in_model_text("split_feature=", "split_feature=77"),
        "a feature that does not exist",
    ),
    "LightGBM's number of features": (
        "lightgbm",
        in_model_text("max_feature_idx=1", "max_feature_idx=9"),
        "another number of features",
    ),
    "LightGBM's child": (
        "lightgbm",
        in_model_text("left_child=", "left_child=5"),
        "a child that does not exist",
    ),
    "LightGBM's leaves": (
        "lightgbm",
        in_model_text("leaf_value=", "leaf_value=1.0 "),
        "'leaf_value' that is not",
    ),
    "LightGBM's letters": (
        "lightgbm",
        in_model_text("threshold=", "threshold=x"),
        "letters among its numbers",
    ),
    "LightGBM's sizes": (
        "lightgbm",
        in_model_text("tree_sizes=", "tree_sizes=9", right_sizes=False),
        "sizes of LightGBM trees",
    ),
    "LightGBM's checks": (
        "lightgbm",
        without_shape_checks("predict_disable_shape_check", text(True)),
        "disable_shape_check in a parameter",
    ),
    "LightGBM's checks in text": (
        "lightgbm",
        without_shape_checks("foo", text("1 predict_disable_shape_check=true")),
        "disable_shape_check in a parameter",
    ),
    "LightGBM's checks in a list": (
        "lightgbm",
        without_shape_checks(
            "foo",
            node(
                "ListNode",
                "builtins.list",
                content=[text("1 predict_disable_shape_check=true")],
            ),
        ),
        "disable_shape_check in a parameter",
    ),
    "a search tree's points": (
        "neighbors",
        lambda schema, members: edit_search_tree(schema, members, 1, 10**9),
        "a search tree that leads outside",
    ),
    "a support vector machine": (
        "svr",
        in_array("SVR", "_dual_coef_", lambda array: array[:, :3].copy()),
        "arrays do not fit together",
    ),
    "neighbors of another width": (
        "neighbors",
        set_value("KNeighborsRegressor", "n_features_in_", 1),
        "neighbors with another number",
    ),
    "a sparse index": ("sparse", lambda schema, members: edit_sparse(members), ""),
}


def edit_search_tree(schema, members, position, value):
    for tree in find(schema, "KDTree"):
        file = tree["content"]["content"][position]["file"]
        array = np.load(io.BytesIO(members[file])).copy()
        array[0] = value
        members[file] = npy(array)


def edit_sparse(members):
    """Column indices that lie outside of the matrix."""
    for name in [name for name in members if name.endswith(".npz")]:
        with np.load(io.BytesIO(members[name])) as arrays:
            parts = dict(arrays)
        parts["indices"] = parts["indices"] + 10**6
        buffer = io.BytesIO()
        np.savez(buffer, **parts)
        members[name] = buffer.getvalue()
