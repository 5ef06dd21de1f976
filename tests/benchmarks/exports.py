"""
How far exported policies are from the policies, on a million random states.

Run with ``python -m tests.benchmarks.exports [--n-states 1000000]`` for a table. C is
compiled by gcc, and models of ONNX are run by onnxruntime; a column is empty where one
of them is missing. Programs of Python take up to a millisecond for a state, and get one
in fifty of the states.

Columns are the largest difference of a probability, and in parentheses the states whose
most probable action is another one, with the largest difference of its probability to
that of the action that was taken: a few last bits at most, where two are equal.
"""

import argparse
import ctypes
import subprocess
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.exceptions import ExportError
from skampo.export import to_c, to_onnx, to_python
from skampo.mirror_maps import Tsallis

FEW = {"max_iter": 3, "random_state": 0}
_BLOCK = 10_000
# Calls of ctypes would take longer than the program.
_LOOP = """
void many(long n, const double *x, double *out, int *action) {
    for (long i = 0; i < n; i++) {
        probabilities(x + i * N_FEATURES, 0, out + i * N_ACTIONS);
        action[i] = act(x + i * N_FEATURES, 0);
    }
}
"""


def pole(regressor=None, **parameters):
    """A policy of CartPole."""
    return AMPOPolicy(regressor, **(FEW | parameters)).fit("CartPole-v1")


def of_a_log():
    """A policy with kernels of two widths."""
    rng = np.random.default_rng(0)
    X, shown = rng.normal(size=(2000, 3)), rng.integers(3, size=2000)
    paid = (shown == (X[:, 0] > 0)) + rng.normal(size=2000)
    log = TransitionLog(X, shown, paid, propensities=np.full(2000, 1 / 3))
    return AMPOPolicy(**FEW).fit(log)


def customers(regions, n, seed):
    """Words and numbers, some of which are missing."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"age": rng.normal(50, 15, size=n)})
    table["region"] = rng.choice([*regions, None], size=n)
    table.loc[rng.random(n) < 0.1, "age"] = None
    return table


def of_a_table():
    """A policy of them."""
    rng, n = np.random.default_rng(0), 2000
    table = customers(["north", "south", "west"], n, 0)
    log = TransitionLog(table, rng.integers(3, size=n), rng.normal(size=n))
    return AMPOPolicy(**FEW).fit(log)


def states_of(policy, n):
    """Numbers that were seen and others, and points near to those and far from them."""
    rng = np.random.default_rng(1)
    if hasattr(policy, "feature_names_in_"):
        # One region is new.
        return customers(["north", "south", "west", "east"], n, 1)
    if policy.n_features_in_ == 1:
        return rng.integers(18, size=(n, 1)).astype(float)
    widths = 10 ** rng.uniform(-1.5, 1.5, size=(n, 1))
    rows = widths * rng.standard_normal((n, policy.n_features_in_))
    # Half of the numbers are round ones, on which trees may split.
    return np.where(rng.random(rows.shape) < 0.5, np.round(2 * rows) / 2, rows)


POLICIES = {
    "default, CartPole": pole,
    "default, FrozenLake": lambda: AMPOPolicy(**FEW).fit("FrozenLake-v1"),
    "two widths, a log": of_a_log,
    "Ridge": lambda: pole(Ridge()),
    "splines and Ridge": lambda: pole(make_pipeline(SplineTransformer(), Ridge())),
    "LightGBM": lambda: pole(LGBMRegressor(verbose=-1)),
    "random forest": lambda: pole(RandomForestRegressor(50)),
    "MLP": lambda: pole(MLPRegressor(hidden_layer_sizes=(32, 32), max_iter=50)),
    "Euclidean map": lambda: pole(mirror_map="euclidean"),
    "Tsallis map, q=2": lambda: pole(mirror_map=Tsallis(2.0)),
    "Tsallis map, q=1.5": lambda: pole(mirror_map=Tsallis(1.5)),
    "table with categories": of_a_table,
}


def run_python(policy):
    """Probabilities and actions of an exported module."""
    module: dict = {}
    exec(to_python(policy).text, module)
    places = {action: i for i, action in enumerate(policy.classes_.tolist())}

    def run(states):
        rows = states.tolist()
        proba = np.array([module["probabilities"](row) for row in rows])
        return proba, np.array([places[module["act"](row)] for row in rows])

    return run


def run_c(policy):
    """The same of a compiled file."""
    folder = Path(tempfile.mkdtemp())
    source, library = folder / "policy.c", folder / "policy.so"
    source.write_text(to_c(policy).text + _LOOP, "utf8")
    build = ["gcc", "-std=c99", "-O2", "-shared", "-fPIC", "-o", library, source, "-lm"]
    subprocess.run(build, check=True)
    many = ctypes.CDLL(str(library)).many

    def run(states):
        states = np.ascontiguousarray(states)
        proba = np.empty((len(states), len(policy.classes_)))
        actions = np.empty(len(states), dtype=np.intc)
        arrays = (x.ctypes.data_as(ctypes.c_void_p) for x in (states, proba, actions))
        many(ctypes.c_long(len(states)), *arrays)
        return proba, actions

    return run


def run_onnx(policy):
    """The same of a model."""
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # It warns that a mask with a default can still be given.
    options.log_severity_level = 3
    text = to_onnx(policy).text
    session = InferenceSession(text, options, providers=["CPUExecutionProvider"])
    return lambda states: session.run(None, inputs(states))


def inputs(states):
    """Arrays by the name of an input: one, or one for each column of a table."""
    if not hasattr(states, "columns"):
        return {"observation": states}
    words = states["region"].astype(object).fillna("")
    columns = {"age": states["age"], "region": words}
    return {name: column.to_numpy()[:, None] for name, column in columns.items()}


def difference(policy, run, states):
    """What stands in the table."""
    largest, margin, n_others = 0.0, 0.0, 0
    for start in range(0, len(states), _BLOCK):
        block = states[start : start + _BLOCK]
        wanted = policy.predict_proba(block)
        proba, action = run(block)
        largest = max(largest, np.abs(proba - wanted).max())
        others = np.flatnonzero(action != wanted.argmax(axis=1))
        lost = wanted[others].max(axis=1, initial=0) - wanted[others, action[others]]
        margin, n_others = max(margin, lost.max(initial=0)), n_others + len(others)
    return f"{largest:.1e} ({n_others}" + (f", {margin:.0e})" if n_others else ")")


def row(policy, n_states):
    """Differences of the three kinds of programs."""
    states = states_of(policy, n_states)
    runs = {run_c: states, run_onnx: states, run_python: states[::50]}
    missing = set() if find_spec("onnxruntime") else {run_onnx}
    cells = []
    for make, rows in runs.items():
        try:
            run = None if make in missing else make(policy)
            cell = "" if run is None else difference(policy, run, rows)
        except ExportError as error:
            cell = f"refused: {str(error).split(': ', 1)[1]:.60}..."
        cells.append(cell)
    return cells


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--n-states", type=int, default=10**6)
    parser.add_argument("policies", nargs="*", default=[*POLICIES])
    asked = parser.parse_args()
    print("| policy | C | ONNX | Python |\n|---|---|---|---|")
    for name in asked.policies:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cells = row(POLICIES[name](), asked.n_states)
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
