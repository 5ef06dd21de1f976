"""A form as a graph of ONNX, in double precision."""

import importlib
from functools import singledispatch

import numpy as np

from skampo.exceptions import ExportError
from skampo.export._projections import Greedy, Peaked, Projection, Simplex, Softmax
from skampo.export._steps import (
    Affine,
    Constant,
    Gaussian,
    Impute,
    Join,
    Map,
    OneHot,
    Pick,
    Powers,
    Splines,
    Standardize,
    Stretch,
    Times,
    Trees,
    in_order,
)
from skampo.export._words import Table

_FUNCTIONS = {
    "cosine": "Cos",
    "exponential": "Exp",
    "logistic": "Sigmoid",
    "rectify": "Relu",
    "tangent": "Tanh",
}
# Versions of the operators: the first that know trees of doubles.
_VERSIONS = {"": 18, "ai.onnx.ml": 5}


def require_onnx(name="onnx"):
    """The package, which few policies need."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            'to_onnx needs the package onnx. Run pip install "skampo[onnx]".'
        ) from error


def onnx_model(form):
    """A model of the observation and the mask to the probabilities and the action."""
    helper = require_onnx("onnx.helper")
    onnx, graph = require_onnx(), Graph()
    steps = in_order(form)
    first, infos = _enter(steps[0], graph)
    names = {id(steps[0]): first}
    for step in steps[1:]:
        inputs = [names[id(source)] for source in step.sources]
        names[id(step)] = _emit(step, graph, *inputs)
    graph.node("Identity", names[id(form)], output="probabilities")
    graph.node("ArgMax", "probabilities", output="action", axis=1, keepdims=0)
    graph.arrays["action_mask"] = np.ones((1, form.size), dtype=bool)
    double, integer = onnx.TensorProto.DOUBLE, onnx.TensorProto.INT64
    info, size = helper.make_tensor_value_info, form.size
    made = helper.make_graph(
        graph.nodes,
        "policy",
        [
            *(info(name, kind, ["n", width]) for name, kind, width in infos),
            info("action_mask", onnx.TensorProto.BOOL, ["m", size]),
        ],
        [
            info("probabilities", double, ["n", size]),
            info("action", integer, ["n"]),
        ],
        # A mask that is not given allows everything.
        [onnx.numpy_helper.from_array(a, n) for n, a in graph.arrays.items()],
    )
    versions = [helper.make_opsetid(*item) for item in _VERSIONS.items()]
    model = helper.make_model(made, opset_imports=versions, ir_version=10)
    onnx.checker.check_model(model)
    return model


class Graph:
    """Nodes and arrays, with a name for each."""

    def __init__(self):
        self.nodes, self.arrays = [], {}

    def array(self, values, dtype=np.float64):
        """The name of an array."""
        name = f"_array{len(self.arrays)}"
        self.arrays[name] = np.asarray(values, dtype=dtype)
        return name

    def node(self, operator, *inputs, output=None, domain="", **attributes):
        """The name of what an operator gives; numbers become arrays."""
        output = output or f"_v{len(self.nodes)}"
        names = [x if isinstance(x, str) else self.array(x) for x in inputs]
        make = require_onnx("onnx.helper").make_node
        self.nodes.append(make(operator, names, [output], domain=domain, **attributes))
        return output

    def pick(self, x, columns):
        """Some columns."""
        return self.node("Gather", x, self.array(columns, np.int64), axis=1)

    def sum(self, x, axis=1, keepdims=1):
        """The sum over an axis."""
        axes = self.array([axis], np.int64)
        return self.node("ReduceSum", x, axes, keepdims=keepdims)

    def place(self, words, listed, others):
        """Where words are in a list, and the place of others."""
        place = self.node(
            "LabelEncoder",
            words,
            domain="ai.onnx.ml",
            keys_strings=listed,
            values_int64s=list(range(len(listed))),
            default_int64=others,
        )
        return self.number(place)

    def number(self, flags):
        """Truth values as numbers."""
        return self.node("Cast", flags, to=require_onnx().TensorProto.DOUBLE)


@singledispatch
def _enter(observation, graph):
    """The name of the numbers of an observation; names, types and widths of inputs."""
    kind = require_onnx().TensorProto.DOUBLE
    return "observation", [("observation", kind, observation.size)]


@_enter.register
def _(table: Table, graph):
    kinds, parts, infos = require_onnx().TensorProto, [], []
    for column, name in enumerate(table.names):
        listed = table.words.get(column)
        infos.append((name, kinds.DOUBLE if listed is None else kinds.STRING, 1))
        parts.append(name)
        if listed is not None:
            parts[-1] = graph.place(name, listed, table.others(column))
    return graph.node("Concat", *parts, axis=1), infos


@singledispatch
def _emit(step, graph, *inputs):
    raise ExportError(f"{type(step).__name__} has no form in ONNX")


@_emit.register
def _(step: Standardize, graph, x):
    return graph.node("Div", graph.node("Sub", x, step.center), step.scale)


@_emit.register
def _(step: Stretch, graph, x):
    return graph.node("Add", graph.node("Mul", x, step.factor), step.offset)


@_emit.register
def _(step: Times, graph, x):
    return graph.node("Mul", x, step.factor)


@_emit.register
def _(step: Affine, graph, x):
    return graph.node("Add", graph.node("MatMul", x, step.rows.T), step.offset)


@_emit.register
def _(step: Gaussian, graph, x):
    row = graph.node("Unsqueeze", x, graph.array([1], np.int64))
    difference = graph.node("Sub", row, step.points)
    squares = graph.sum(graph.node("Mul", difference, difference), 2, 0)
    return graph.node("Exp", graph.node("Mul", squares, -step.gamma))


@_emit.register
def _(step: OneHot, graph, x):
    return graph.number(graph.node("Equal", graph.pick(x, [step.column]), step.known))


@_emit.register
def _(step: Impute, graph, x):
    missing = graph.node("IsNaN", x)
    filled = graph.node("Where", missing, step.values, x)
    if not len(step.flagged):
        return filled
    flags = graph.number(graph.pick(missing, step.flagged))
    return graph.node("Concat", filled, flags, axis=1)


@_emit.register
def _(step: Pick, graph, x):
    return graph.pick(x, step.columns)


@_emit.register
def _(step: Join, graph, *parts):
    return graph.node("Concat", *parts, axis=1)


@_emit.register
def _(step: Map, graph, x):
    return graph.node(_FUNCTIONS[step.name], x)


@_emit.register
def _(step: Constant, graph, x):
    return graph.node("Add", graph.node("Mul", graph.pick(x, [0]), 0.0), step.values)


@_emit.register
def _(step: Powers, graph, x):
    row = graph.node("Unsqueeze", x, graph.array([1], np.int64))
    powers = graph.node("Pow", row, step.exponents)
    axes = graph.array([2], np.int64)
    return graph.node("ReduceProd", powers, axes, keepdims=0)


@_emit.register
def _(step: Splines, graph, x):
    t, k, n = step.knots, step.degree, step.size
    x = graph.pick(x, [step.column])
    x = graph.node("Min", graph.node("Max", x, t[k]), t[n])
    # Spans between the first and the last knot; the last has its right end as well.
    low, high = np.full(len(t) - 1, np.inf), t[1:].copy()
    low[k:n], high[n - 1] = t[k:n], np.inf
    above, below = graph.node("GreaterOrEqual", x, low), graph.node("Less", x, high)
    values = graph.number(graph.node("And", above, below))
    for level in range(1, k + 1):
        left, right = t[: -level - 1], t[level + 1 :]
        count = len(t) - 1 - level
        up, down = graph.node("Sub", x, left), graph.node("Sub", right, x)
        up = graph.node("Mul", up, _inverse(t[level:-1] - left))
        down = graph.node("Mul", down, _inverse(right - t[1:-level]))
        first = graph.pick(values, np.arange(count))
        second = graph.pick(values, np.arange(1, count + 1))
        first, second = graph.node("Mul", up, first), graph.node("Mul", down, second)
        values = graph.node("Add", first, second)
    return values


def _inverse(widths):
    """Zero where knots coincide: the spline there is nothing."""
    return np.where(widths > 0, 1.0 / np.where(widths > 0, widths, 1.0), 0.0)


@_emit.register
def _(step: Trees, graph, x):
    columns = [_ensemble(step, graph, x, j) for j in range(step.size)]
    return columns[0] if len(columns) == 1 else graph.node("Concat", *columns, axis=1)


def _ensemble(step, graph, x, output):
    """The sum of one number of each leaf."""
    inner = step.column >= 0
    # A root that is a leaf becomes a node that leads there on both sides.
    kept = inner | np.isin(np.arange(len(inner)), step.roots)
    place, leaf = np.cumsum(kept) - 1, np.flatnonzero(kept & ~inner)
    left, right = step.left[kept].copy(), step.right[kept].copy()
    left[place[leaf]] = right[place[leaf]] = leaf
    tensor = require_onnx("onnx.numpy_helper").from_array
    return graph.node(
        "TreeEnsemble",
        x,
        domain="ai.onnx.ml",
        n_targets=1,
        tree_roots=place[step.roots].tolist(),
        nodes_featureids=np.maximum(step.column[kept], 0).tolist(),
        nodes_splits=tensor(step.threshold[kept], "splits"),
        nodes_modes=tensor(np.zeros(kept.sum(), dtype=np.uint8), "modes"),
        **_children(step, "true", left, inner, place),
        **_children(step, "false", right, inner, place),
        leaf_targetids=[0] * len(step.values),
        leaf_weights=tensor(np.ascontiguousarray(step.values[:, output]), "weights"),
    )


def _children(step, side, children, inner, place):
    is_inner = inner[children]
    where = np.where(is_inner, place[children], step.left[children])
    return {
        f"nodes_{side}nodeids": where.tolist(),
        f"nodes_{side}leafs": (~is_inner).astype(int).tolist(),
    }


@_emit.register
def _(step: Projection, graph, scores):
    allowed = graph.node("Where", "action_mask", scores, -np.inf)
    axes = graph.array([1], np.int64)
    shifted = graph.node("Sub", allowed, graph.node("ReduceMax", allowed, axes))
    weights = _weights(step, graph, shifted)
    return graph.node("Div", weights, graph.sum(weights))


@singledispatch
def _weights(step, graph, shifted):
    """Weights of scores whose largest is 0."""


@_weights.register
def _(step: Greedy, graph, shifted):
    return graph.number(graph.node("Equal", shifted, 0.0))


@_weights.register
def _(step: Softmax, graph, shifted):
    return graph.node("Exp", graph.node("Mul", shifted, step.eta))


@_weights.register
def _(step: Simplex, graph, shifted):
    y = graph.node("Max", graph.node("Mul", shifted, step.eta), -2.0)
    # Of each action, those that are at least as good: nothing has to be sorted.
    others = graph.node("Unsqueeze", y, graph.array([1], np.int64))
    own = graph.node("Unsqueeze", y, graph.array([2], np.int64))
    above = graph.number(graph.node("GreaterOrEqual", others, own))
    rank = graph.sum(above, 2, 0)
    missing = graph.node("Sub", 1.0, graph.sum(graph.node("Mul", above, others), 2, 0))
    margin = graph.node("Add", graph.node("Mul", y, rank), missing)
    support = graph.number(graph.node("Greater", margin, 0.0))
    rest = graph.node("Sub", 1.0, graph.sum(graph.node("Mul", support, y)))
    offset = graph.node("Div", rest, graph.sum(support))
    return graph.node("Relu", graph.node("Add", y, offset))


@_weights.register
def _(step: Peaked, graph, shifted):
    raise ExportError(
        f"{type(step).__name__}: its normalizer is found by halving an interval, and "
        "no operator does so; use another mirror map, to_c or to_python"
    )
