"""Files that somebody wrote with bad intentions are refused, and nothing is done."""

import copy
import json
import subprocess
import sys
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gymnasium import spaces
from sklearn.linear_model import Ridge

import skampo
from skampo import AMPOPolicy
from skampo.exceptions import SkampoFileError
from tests.faulty_envs import SpaceEnv
from tests.persistence.crafting import edit, find, nodes, pack, seal, unpack
from tests.persistence.samples import SMALL, fit, fitted, others

ROOT = Path(__file__).parents[2]
NONE = {"object": ["Euclidean", {}, {}]}


@cache
def honest(name, folder):
    """The bytes of a file that is as it should be."""
    path = Path(folder) / "honest"
    if name in OTHERS:
        OTHERS[name]().save(path)
    elif any(name == other for other, _, _ in others()):
        policy, data = next((p, d) for other, p, d in others() if other == name)
        fit(policy, data).save(path)
    else:
        fitted(name, warm_start=True).save(path)
    skampo.load(path)
    return path.read_bytes()


def in_space(observations):
    """A policy of an environment that shows these."""
    policy = AMPOPolicy(Ridge(), **SMALL)
    return policy.fit(lambda: SpaceEnv(observations, spaces.Discrete(2)))


def of_table():
    """A policy of states of two kinds."""
    table = pd.DataFrame({"stock": [3, 0] * 8, "season": ["dry", "wet"] * 8})
    policy = AMPOPolicy(max_iter=1, random_state=0)
    return policy.fit(table, [0, 1] * 8, rewards=[1.0, 0.0] * 8)


OTHERS = {
    "discrete": lambda: in_space(spaces.Discrete(4)),
    "bits": lambda: in_space(spaces.MultiBinary(3)),
    "letters": lambda: in_space(spaces.Text(3)),
    "table": of_table,
}


def parameter(owner, name, new):
    """Another value of a parameter, or a new one."""

    def change(value, arrays):
        for parameters, _ in find(value, owner):
            parameters[name] = new

    return change


def attribute(owner, name, new):
    """Another value of a fitted attribute; a function changes its array."""

    def change(value, arrays):
        found = find(value, owner)
        assert any(name in state or not callable(new) for _, state in found), owner
        for _, state in found:
            # A regressor as a parameter is not fitted.
            if callable(new) and name not in state:
                continue
            if not callable(new):
                state[name] = new
            for node in nodes(state[name]) if callable(new) else ():
                arrays[node["array"]] = new(arrays[node["array"]])

    return change


def entries(row, column, number):
    """A function that sets one number of an array."""

    def change(array):
        array = array.copy()
        array[row, column] = number
        return array

    return change


def renamed(old, new):
    """Another name of a class."""

    def change(value, arrays):
        text = json.dumps(value).replace(json.dumps(old), json.dumps(new))
        value["object"] = json.loads(text)["object"]

    return change


def in_booster(name, change):
    """Another line of a LightGBM model."""

    def changed(value, arrays):
        for _, state in find(value, "Booster"):
            trees = dict(map(tuple, state["trees"]["dict"]))
            place = trees[name]["array"]
            arrays[place] = change(arrays[place].copy())

    return changed


def first(number):
    """A function that sets the first number of an array."""

    def change(array):
        array.reshape(-1)[0] = number
        return array

    return change


def header(name, new):
    """Another entry in the head of a LightGBM model."""

    def change(value, arrays):
        for _, state in find(value, "Booster"):
            items = state["header"]["dict"]
            items[:] = [[k, new if k == name else v] for k, v in items]

    return change


def nested(n):
    """Pipelines inside each other."""

    def change(value, arrays):
        (parameters, _) = find(value, "AMPOPolicy")[0]
        inner = copy.deepcopy(parameters["regressor"])
        for _ in range(n):
            outer = copy.deepcopy(parameters["regressor"])
            outer["object"][1]["steps"] = [{"tuple": ["a", inner]}]
            inner = outer
        parameters["regressor"] = inner

    return change


def doubled(n):
    """A union of a union of itself, which is 2ⁿ parts in n nodes."""

    def change(value, arrays):
        parameters, _ = find(value, "AMPOPolicy")[0]
        parts = [{"object": ["StandardScaler", {}, {}]}]
        for i in range(n):
            pair = [{"tuple": [f"{k}", {"again": i}]} for k in "ab"]
            union = ["FeatureUnion", {"transformer_list": pair}, {}]
            parts.append({"object": union})
        parameters["regressor"] = parts

    return change


def callback(value, arrays):
    value["object"][2]["_skl_callbacks"] = [
        {"object": ["Checkpoint", {"path": "any-file"}, {}]}
    ]


def task(name):
    """An object that somebody could call."""
    spec = {"object": ["EnvSpec", {}, {"entry_point": "os:system"}]}
    return {"object": [name, {"env": spec}, {"seed": 0}]}


TREE = "DecisionTreeRegressor"
CRAFTED = {
    # What ran commands, or imported modules.
    "a task as a seed": (
        "Ridge",
        parameter("AMPOPolicy", "random_state", task("EnvTask")),
    ),
    "a random state": (
        "Ridge",
        parameter("AMPOPolicy", "random_state", {"object": ["RandomState", {}, {}]}),
    ),
    "a generator": ("Ridge", attribute("Ridge", "n_iter_", task("Generator"))),
    "the name of a module": ("Ridge", renamed("Ridge", "os.system")),
    "the name of a function": ("Ridge", renamed("Ridge", "clone")),
    "a class of skampo that is no part of policies": (
        "Ridge",
        renamed("Ridge", "EnvTask"),
    ),
    "a private method": ("Ridge", attribute("AMPOPolicy", "__sklearn_clone__", NONE)),
    "another class": ("Ridge", attribute("AMPOPolicy", "__class__", NONE)),
    "an unknown kind of node": ("Ridge", attribute("Ridge", "n_iter_", {"call": []})),
    "a type that is none": ("Ridge", attribute("Ridge", "n_iter_", {"type": "eval"})),
    # What ended the interpreter.
    "classes of LightGBM": (
        "LightGBM",
        header("objective", "multiclass num_class:3000000"),
    ),
    "lines of LightGBM": ("LightGBM", header("objective", "regression\nnum_class=9")),
    "columns of boosting": (
        "boosting",
        attribute("GradientBoostingRegressor", "n_trees_per_iteration_", 20_000),
    ),
    "no column of boosting": (
        "boosting",
        attribute("DummyRegressor", "constant_", lambda a: a[:, :0]),
    ),
    "no output of boosting": ("boosting", attribute("DummyRegressor", "n_outputs_", 0)),
    "outputs of boosting": (
        "boosting",
        attribute("DummyRegressor", "n_outputs_", 10**9),
    ),
    "a method of a stack": (
        "stacking",
        attribute("StackingRegressor", "stack_method_", ["set_params", "fit"]),
    ),
    "a preprocessor of histograms": (
        "histograms",
        attribute("HistGradientBoostingRegressor", "_preprocessor", NONE),
    ),
    "a feature of histograms": (
        "histograms",
        attribute("TreePredictor", "nodes", entries(0, 2, 10**8)),
    ),
    "categories of histograms": (
        "histograms",
        attribute("TreePredictor", "nodes", entries(0, 11, 1)),
    ),
    "a cycle of histograms": (
        "histograms",
        attribute("TreePredictor", "nodes", entries(0, 5, 0)),
    ),
    "neighbors of another width": (
        "ball tree",
        attribute("KNeighborsRegressor", "n_features_in_", 2_000),
    ),
    "a metric with weights": (
        "ball tree",
        parameter("KNeighborsRegressor", "metric_params", {"dict": [["w", [1.0]]]}),
    ),
    "a metric that is none": (
        "ball tree",
        parameter("KNeighborsRegressor", "metric", "precomputed"),
    ),
    # What acted when it was used again.
    "a callback": ("Ridge", callback),
    "a cache of pickles": ("Nystroem", parameter("Pipeline", "memory", "any-folder")),
    "processes": ("bagging", parameter("BaggingRegressor", "n_jobs", 1000)),
    "machines of LightGBM": (
        "LightGBM",
        parameter("LGBMRegressor", "machines", "a:1,b:2"),
    ),
    "a parameter in another one": (
        "LightGBM",
        parameter(
            "LGBMRegressor", "boosting_type", "gbdt predict_disable_shape_check=true"
        ),
    ),
    "no check of shapes": (
        "LightGBM",
        parameter("LGBMRegressor", "predict_disable_shape_check", True),
    ),
    # What took memory and time.
    "a space below nothing": (
        "discrete",
        attribute(
            "ObservationEncoder",
            "space",
            ["Tuple", ["Discrete", -(10**7), 0], ["Discrete", 10**7, 0]],
        ),
    ),
    "a space of many": (
        "bits",
        attribute("ObservationEncoder", "space", ["MultiBinary", [10**9]]),
    ),
    "a long text": (
        "letters",
        attribute("ObservationEncoder", "space", ["Text", 1, 10**9, "ab"]),
    ),
    "a large number": (
        "discrete",
        attribute("ObservationEncoder", "space", ["Discrete", 10**30, 0]),
    ),
    "many parts in few nodes": ("Ridge", doubled(40)),
    "pipelines inside pipelines": ("Nystroem", nested(30)),
    "too many trees": (
        "forest",
        parameter("RandomForestRegressor", "n_estimators", 10**9),
    ),
    "too wide a network": (
        "network",
        parameter("MLPRegressor", "hidden_layer_sizes", [10**6]),
    ),
    "too many terms": ("polynomials", parameter("PolynomialFeatures", "degree", 10**6)),
    "all pairs with actions": ("joint", attribute("JointScores", "n_actions", 10**6)),
    "too many features": (
        "scalers",
        attribute("FunctionTransformer", "n_features_in_", 10**12),
    ),
    "actions that are counted": (
        "Ridge",
        attribute("Transitions", "actions", first(10**9)),
    ),
    "another keyword of an experience": (
        "Ridge",
        attribute("State", "experience", {"dict": [["sampling", "steps"]]}),
    ),
    "many names": (
        "Nystroem",
        attribute("Nystroem", "_n_features_out", 10**9),
    ),
    # What compiled code trusts.
    "a child that is not there": (
        "tree",
        attribute("Tree", "nodes", entries(0, 0, 10**6)),
    ),
    "a child before its parent": ("tree", attribute("Tree", "nodes", entries(1, 0, 0))),
    "a child of two": (
        "tree",
        attribute("Tree", "nodes", lambda a: entries(0, 1, a[0, 0])(a)),
    ),
    "a feature that is not there": (
        "tree",
        attribute("Tree", "nodes", entries(0, 2, 2)),
    ),
    "half a child": ("tree", attribute("Tree", "nodes", entries(0, 0, 1.5))),
    "no child": ("tree", attribute("Tree", "nodes", entries(0, 0, np.nan))),
    "values of other nodes": ("tree", attribute("Tree", "values", lambda a: a[:1])),
    "a tree of other features": ("forest", attribute(TREE, "n_features_in_", 1)),
    "a cycle of LightGBM": ("LightGBM", in_booster("left_child", first(0))),
    "a leaf of LightGBM": ("LightGBM", in_booster("right_child", first(-(10**6)))),
    "a feature of LightGBM": ("LightGBM", in_booster("split_feature", first(10**6))),
    "a category of LightGBM": ("LightGBM", in_booster("decision_type", first(1))),
    "a leaf's feature of LightGBM": (
        "linear LightGBM",
        in_booster("leaf_features", first(99)),
    ),
    "lengths of LightGBM": ("LightGBM", in_booster("lengths", first(-1))),
    "support vectors of another width": (
        "support vectors",
        attribute("SVR", "support_vectors_", lambda a: a[:, :1]),
    ),
    "fewer coefficients": (
        "support vectors",
        attribute("SVR", "_dual_coef_", lambda a: a[:, :1]),
    ),
    "a kernel that is an index": (
        "support vectors",
        parameter("SVR", "kernel", "precomputed"),
    ),
    "sparse support vectors": ("support vectors", attribute("SVR", "_sparse", True)),
    "categories out of order": (
        "encoders",
        attribute("OneHotEncoder", "categories_", lambda a: a[::-1].copy()),
    ),
    "other columns of an encoder": (
        "encoders",
        attribute("OneHotEncoder", "_n_features_outs", [9]),
    ),
    "a layer of another width": ("network", attribute("MLPRegressor", "n_outputs_", 5)),
    "a weight of another shape": (
        "Lasso",
        attribute("Lasso", "coef_", lambda a: a[:1]),
    ),
    "knots out of order": (
        "splines",
        attribute("SplineTransformer", "n_features_out_", 10**9),
    ),
    "a file of a time zone": (
        "table",
        parameter(
            "TableColumns", "dtypes", ["datetime64[ns, dateutil//etc/passwd]", "str"]
        ),
    ),
    "a function of polars": (
        "table",
        parameter("TableColumns", "dtypes", ["read_csv", "str"]),
    ),
    "a time zone of polars": (
        "table",
        parameter("TableColumns", "dtypes", [["Datetime", "ms", "../../etc"], "str"]),
    ),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted_files_are_refused(name, tmp_path, tmp_path_factory):
    original, change = CRAFTED[name]
    data = honest(original, tmp_path_factory.getbasetemp())
    crafted = edit(data, change)
    assert crafted != edit(data, lambda value, arrays: None)
    (tmp_path / "crafted").write_bytes(crafted)
    with pytest.raises(SkampoFileError, match="was not loaded, because it is"):
        skampo.load(tmp_path / "crafted")


def an_array(dtype, shape, data, order="C"):
    return seal(b"{}", {"arrays": [[dtype, shape, order]], "value": None}, data)


LEVELS = 100_000
NAMES = ("a task as a seed", "a callback", "the name of a module")
MALFORMED = {
    "bools that are neither": an_array("|b1", [2], b"\x01\x02"),
    "letters that are none": an_array("<U1", [1], b"\xff\xff\xff\xff"),
    "objects": an_array("|O", [1], b"\0" * 8),
    "records": an_array("<f8,O", [1], b"\0" * 16),
    "bytes of no kind": an_array("|V8", [1], b"\0" * 8),
    "types of no size": an_array("<U0", [10**9], b""),
    "another order of bytes": an_array(">f8", [1], b"\0" * 8),
    "a shape below nothing": an_array("<f8", [-1, -1], b"\0" * 8),
    "a shape that overflows": an_array("<f8", [2**32, 2**32], b"\0" * 8),
    "a shape of text": an_array("<f8", ["a", 10**9], b""),
    "a length that nothing pays for": an_array("<f8", [0, 10**9], b""),
    "more than there is": an_array("<f8", [2], b"\0" * 8),
    "less than there is": an_array("<f8", [1], b"\0" * 16),
    "an order of neither": an_array("<f8", [1], b"\0" * 8, order="A"),
    "no description": seal(b"{}", b"null"),
    "a list of versions": seal(b"[]", {"arrays": [], "value": None}),
    "a long line of versions": seal(b'{"a":"%s"}' % (b"a" * 10**6), b"{}"),
    "levels without end": seal(
        b"{}", b'{"value":' + b"[" * LEVELS + b"]" * LEVELS + b"}"
    ),
    "levels": seal(b"{}", {"arrays": [], "value": json.loads("[" * 99 + "]" * 99)}),
    "an integer without end": seal(
        b"{}", b'{"arrays":[],"value":' + b"9" * 9999 + b"}"
    ),
    "a large integer": seal(b"{}", {"arrays": [], "value": 2**64}),
    "letters of another script": seal(b"{}", '{"arrays":[],"value":"é"}'.encode()),
    "an array that is not there": seal(b"{}", {"arrays": [], "value": {"array": 0}}),
    "what comes later": seal(b"{}", {"arrays": [], "value": {"again": 0}}),
    "two kinds at once": seal(
        b"{}", {"arrays": [], "value": {"tuple": [], "slice": []}}
    ),
    "a key that is a list": seal(b"{}", {"arrays": [], "value": {"dict": [[[], 1]]}}),
    "millions of lists": seal(
        b"{}", b'{"arrays":[],"value":[' + b"[]," * 10**6 + b"[]]}"
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused_within_a_little_memory(name, tmp_path):
    (tmp_path / "crafted").write_bytes(MALFORMED[name])
    tracemalloc.start()
    with pytest.raises(SkampoFileError, match="was not loaded, because it is"):
        skampo.load(tmp_path / "crafted")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * len(MALFORMED[name]) + 2**24


def test_nothing_is_done_while_a_crafted_file_is_refused(tmp_path, tmp_path_factory):
    data = honest("Ridge", tmp_path_factory.getbasetemp())
    for i, name in enumerate(NAMES):
        (tmp_path / f"crafted{i}").write_bytes(edit(data, CRAFTED[name][1]))
    code = """
import sys, skampo
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
for i in range(3):
    try:
        skampo.load(f"crafted{i}")
    except skampo.exceptions.SkampoFileError:
        pass
    else:
        raise SystemExit("loaded")
bad = ("import", "exec", "compile", "os.", "subprocess.", "socket.")
found = [event for event in seen if event[0].startswith(bad)]
found += [e for e in seen if e[0] == "open" and not str(e[1][0]).startswith("crafted")]
raise SystemExit(str(found) if found else 0)
"""
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=True,
    )


def test_a_repeated_part_is_one_object(tmp_path):
    pair = [{"object": ["Ridge", {}, {}]}, {"again": 0}]
    versions, *_ = unpack(honest("Ridge", tmp_path))
    (tmp_path / "pair").write_bytes(pack(versions, pair, []))
    loaded = skampo.load(tmp_path / "pair")
    assert loaded[0] is loaded[1]
