"""Files that somebody wrote with bad intentions are refused, and nothing is done."""

import subprocess
import sys
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
from tests.persistence.crafting import edit, seal
from tests.persistence.edits import (
    attribute,
    callback,
    doubled,
    entries,
    first,
    header,
    in_booster,
    nested,
    parameter,
    renamed,
    task,
)
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


UNSORTED = np.array([0.0, 2.0, 1.0, np.nan])
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
    "a cache of pickles": ("Nystroem", parameter("Pipeline", "memory", "cache")),
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
    "cores that are counted": ("LightGBM", parameter("LGBMRegressor", "n_jobs", None)),
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
    "another keyword of rollouts": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["sampling", "steps"]]}),
    ),
    "steps of a generator that are none": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["draws", [0, -1]]]}),
    ),
    "episodes without actions": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["unfinished", {"dict": []}]]}),
    ),
    "a digest that is none": (
        "Ridge",
        attribute("State", "rollouts", {"dict": [["digest", "0"]]}),
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
    "half a feature of LightGBM": (
        "LightGBM",
        in_booster("split_feature", first(0.5)),
    ),
    "a count beyond LightGBM's": (
        "LightGBM",
        in_booster("internal_count", first(2.0**40)),
    ),
    "a threshold of LightGBM": ("LightGBM", in_booster("threshold", first(np.nan))),
    "a line in a name of LightGBM": (
        "LightGBM",
        attribute("Booster", "names", ["a", "b\nnum_class=9"]),
    ),
    "more features of a leaf of LightGBM": (
        "linear LightGBM",
        in_booster("num_features", first(50)),
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
    "a support vector before the first": (
        "support vectors",
        attribute("SVR", "support_", first(-1)),
    ),
    "moments of another shape": (
        "network",
        attribute("AdamOptimizer", "ms", lambda a: a[:1]),
    ),
    "a feature before the first": (
        "tree",
        attribute("Tree", "nodes", entries(0, 2, -1)),
    ),
    "a feature of histograms before the first": (
        "histograms",
        attribute("TreePredictor", "nodes", entries(0, 2, -1)),
    ),
    "an encoder of more features": (
        "encoders",
        attribute("OrdinalEncoder", "n_features_in_", 2),
    ),
    "features that are no integer": (
        "Lasso",
        attribute("Lasso", "n_features_in_", 2.0),
    ),
    "parameters of what has none": ("Ridge", parameter("ClippedValues", "unit", 1.0)),
    "categories out of order before none": (
        "encoders",
        attribute("OrdinalEncoder", "categories_", lambda a: UNSORTED),
    ),
    "landmarks of other features": (
        "Nystroem",
        attribute("Nystroem", "components_", lambda a: a[:, :1]),
    ),
    "text in place of numbers": (
        "Lasso",
        attribute("Lasso", "coef_", lambda a: a.astype("<U9")),
    ),
    "an object among data": (
        "Ridge",
        attribute("State", "parts", {"dict": [["critic", 1], ["a", NONE]]}),
    ),
    # What is computed with when it predicts.
    "a unit of text": ("Ridge", attribute("ClippedValues", "unit", "rbf")),
    "no unit": ("Ridge", attribute("ClippedValues", "unit", None)),
    "a bound that is true": ("Ridge", attribute("ClippedValues", "low", True)),
    "scores that nobody can call": (
        "Ridge",
        attribute("ClippedValues", "scores", NONE),
    ),
    "no scores": ("Ridge", attribute("MirrorPolicy", "f", None)),
    "a mirror map that is none": (
        "Ridge",
        attribute("MirrorPolicy", "mirror_map", {"object": ["SVR", {}, {}]}),
    ),
    "a file of a time zone": (
        "table",
        parameter("TableColumns", "dtypes", ["datetime64[ns, dateutil/any]", "str"]),
    ),
    "a function of polars": (
        "table",
        parameter("TableColumns", "dtypes", ["read_csv", "str"]),
    ),
    "a time zone of polars": (
        "table",
        parameter("TableColumns", "dtypes", [["Datetime", "ms", "any"], "str"]),
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


NAMES = ("a task as a seed", "a callback", "the name of a module")


def test_nothing_is_done_while_a_crafted_file_is_refused(tmp_path, tmp_path_factory):
    data = honest("Ridge", tmp_path_factory.getbasetemp())
    for i, name in enumerate(NAMES):
        (tmp_path / f"crafted{i}").write_bytes(edit(data, CRAFTED[name][1]))
    parsed = {"arrays": [["2f8", [1], "C"]], "value": None}
    (tmp_path / "crafted3").write_bytes(seal(b"{}", parsed, b"\0" * 8))
    code = """
import sys, skampo
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
for i in range(4):
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
