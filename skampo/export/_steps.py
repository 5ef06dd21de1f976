"""What can be exported: steps of arithmetic from one observation to scores.

A step knows the steps that it takes its numbers from, how many numbers it gives, and
how numpy computes them for many rows. Its other fields are the arguments of a helper of
the same name in each language.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from skampo.exceptions import ExportError


@dataclass(frozen=True, eq=False)
class Step:
    """One vector, computed from others."""

    source: Any
    #: The field that has an entry for each number; None where the source has.
    numbered: ClassVar[str | None] = None

    @property
    def sources(self):
        """The steps that it takes its numbers from."""
        return (self.source,)

    @property
    def helper(self):
        """Name of the function that computes it."""
        return type(self).__name__.lower()

    def origin(self, column):
        """The step that one of its columns comes from unchanged, and where it is."""
        return self, column

    def places(self, column, known):
        """Numbers in the place of words."""
        raise ExportError("it encodes words that are no column of the table itself")

    def fill(self, column, value):
        """Remember nothing."""

    @property
    def arguments(self):
        """Numbers and arrays, in the order of the helper's parameters."""
        names = [field.name for field in fields(self)][1:]
        return [getattr(self, name) for name in names]

    @property
    def size(self):
        """How many numbers it gives."""
        return len(getattr(self, self.numbered)) if self.numbered else self.source.size

    def evaluate(self, x):
        """What it gives for rows of its source."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Observation(Step):
    """The observation itself; its source is the number of features."""

    @property
    def sources(self):
        """None."""
        return ()

    @property
    def size(self):
        """The number of features."""
        return self.source

    def encode(self, rows):
        """Rows of numbers, as they are."""
        return rows

    def decode(self, numbers):
        """The same."""
        return numbers

    def inputs(self, numbers):
        """What a model is given, by name."""
        return {"observation": numbers}


@dataclass(frozen=True, eq=False)
class Standardize(Step):
    """``(x - center) / scale``."""

    center: np.ndarray
    scale: np.ndarray

    def evaluate(self, x):
        """Column by column."""
        return (x - self.center) / self.scale


@dataclass(frozen=True, eq=False)
class Stretch(Step):
    """``x * factor + offset``."""

    factor: np.ndarray
    offset: np.ndarray

    def evaluate(self, x):
        """Column by column."""
        return x * self.factor + self.offset


@dataclass(frozen=True, eq=False)
class Times(Step):
    """A multiple."""

    factor: float

    def evaluate(self, x):
        """Of all columns."""
        return x * self.factor


@dataclass(frozen=True, eq=False)
class Affine(Step):
    """A row of weights for each result, and an offset."""

    numbered = "rows"
    rows: np.ndarray
    offset: np.ndarray

    def evaluate(self, x):
        """One product."""
        return x @ self.rows.T + self.offset

    @classmethod
    def of(cls, source, rows, offset=0.0):
        """Weights of what comes before, where that is linear itself."""
        rows = np.atleast_2d(np.asarray(rows, dtype=np.float64))
        offset = np.zeros(len(rows)) + offset
        parts = source.sources if isinstance(source, Join) else (source,)
        # A kernel needs a number for each landmark and action then, and no matrix.
        if not any(type(part) is cls for part in parts):
            return cls(source, rows, offset)
        ends = np.cumsum([part.size for part in parts])
        blocks = np.split(rows, ends[:-1], axis=1)
        for i, part in enumerate(parts):
            if type(part) is cls:
                offset = offset + blocks[i] @ part.offset
                blocks[i] = _product(blocks[i], part.rows)
        bases = [part.source if type(part) is cls else part for part in parts]
        return cls(Join.of(bases), np.hstack(blocks), offset)


def _product(first, second):
    """In all digits: weights of kernel values are large, and cancel."""
    return (first.astype(np.longdouble) @ second.astype(np.longdouble)).astype(float)


@dataclass(frozen=True, eq=False)
class Gaussian(Step):
    """``exp(-gamma * ||x - point||**2)`` for each of some points."""

    numbered = "points"
    points: np.ndarray
    gamma: float

    def evaluate(self, x):
        """By differences, which cancel nothing."""
        squares = np.zeros((len(x), len(self.points)))
        for column, place in zip(x.T, self.points.T, strict=True):
            squares += np.square(column[:, None] - place)
        return np.exp(-self.gamma * squares)


@dataclass(frozen=True, eq=False)
class OneHot(Step):
    """1 at the known value that a column has, and 0 elsewhere."""

    numbered = "known"
    column: int
    known: np.ndarray

    def evaluate(self, x):
        """By comparison."""
        return (x[:, [self.column]] == self.known).astype(float)


@dataclass(frozen=True, eq=False)
class Impute(Step):
    """Values in the place of missing ones, and 1 where some columns miss theirs."""

    values: np.ndarray
    flagged: np.ndarray

    @property
    def helper(self):
        """None: programs refuse what is no number."""
        raise ExportError("SimpleImputer: only models of ONNX know missing values")

    @property
    def size(self):
        """The number of columns, and of flags."""
        return len(self.values) + len(self.flagged)

    def evaluate(self, x):
        """Column by column."""
        missing = np.isnan(x)
        return np.hstack([np.where(missing, self.values, x), missing[:, self.flagged]])


@dataclass(frozen=True, eq=False)
class Pick(Step):
    """Some columns."""

    numbered = "columns"
    columns: np.ndarray

    def origin(self, column):
        """That of the column that it picks."""
        return self.source.origin(int(self.columns[column]))

    def evaluate(self, x):
        """By their numbers."""
        return x[:, self.columns]


@dataclass(frozen=True, eq=False)
class Join(Step):
    """Several vectors, one behind the other."""

    @property
    def sources(self):
        """The vectors."""
        return self.source

    @property
    def size(self):
        """The sum of their sizes."""
        return sum(part.size for part in self.source)

    def evaluate(self, *parts):
        """Columns beside each other."""
        return np.hstack(parts)

    @classmethod
    def of(cls, parts):
        """Join several; a single one is itself."""
        return parts[0] if len(parts) == 1 else cls(tuple(parts))


@dataclass(frozen=True, eq=False)
class Map(Step):
    """A function of each number, known by its name."""

    name: str
    functions: ClassVar[dict] = {
        "cosine": np.cos,
        "exponential": np.exp,
        "logistic": expit,
        "rectify": lambda x: np.maximum(x, 0.0),
        "tangent": np.tanh,
    }

    @property
    def helper(self):
        """The name of the function."""
        return self.name

    @property
    def arguments(self):
        """None."""
        return []

    def evaluate(self, x):
        """Number by number."""
        return self.functions[self.name](x)


@dataclass(frozen=True, eq=False)
class Powers(Step):
    """Products of powers of the columns."""

    numbered = "exponents"
    exponents: np.ndarray

    def evaluate(self, x):
        """Each product by itself."""
        products = [np.prod(x**powers, axis=1) for powers in self.exponents]
        return np.column_stack(products)


@dataclass(frozen=True, eq=False)
class Splines(Step):
    """The B-splines of a column, constant beyond the first and the last knot."""

    column: int
    degree: int
    knots: np.ndarray

    @property
    def size(self):
        """The number of splines."""
        return len(self.knots) - self.degree - 1

    def evaluate(self, x):
        """By the recursion of Cox and de Boor, level by level."""
        t, k, n = self.knots, self.degree, self.size
        x = np.clip(x[:, self.column], t[k], t[n])[:, None]
        # The last interval has its right end as well.
        span = np.clip(np.searchsorted(t, x, side="right") - 1, k, n - 1)
        values = (np.arange(len(t) - 1) == span).astype(float)
        for level in range(1, k + 1):
            left, right = t[: -level - 1], t[level + 1 :]
            up = _share(x - left, t[level:-1] - left) * values[:, :-1]
            values = up + _share(right - x, right - t[1:-level]) * values[:, 1:]
        return values


def _share(part, whole):
    """Zero where knots coincide: the spline there is nothing."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class Trees(Step):
    """
    The sum of trees that go left where a column is at most a threshold.

    The nodes of all trees are numbered through; where the column is -1 there is a leaf,
    and `left` is its row of `values`.
    """

    n_trees: int
    roots: np.ndarray
    column: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray

    @property
    def size(self):
        """The numbers at each leaf."""
        return self.values.shape[1]

    def evaluate(self, x):
        """Down all trees, one after the other, and added up in their order."""
        total, rows = np.zeros((len(x), self.size)), np.arange(len(x))
        for root in self.roots:
            node = np.full(len(x), root)
            while (inner := self.column[node] >= 0).any():
                below = x[rows, self.column[node]] <= self.threshold[node]
                child = np.where(below, self.left[node], self.right[node])
                node = np.where(inner, child, node)
            total += self.values[self.left[node]]
        return total


@dataclass(frozen=True, eq=False)
class Constant(Step):
    """The same numbers for every observation."""

    numbered = "values"
    values: np.ndarray

    def evaluate(self, x):
        """A row for each row."""
        return np.tile(self.values, (len(x), 1))


def in_order(step):
    """Every step once, each behind those that it takes its numbers from."""
    found: dict = {}

    def visit(step):
        if id(step) not in found:
            for part in step.sources:
                visit(part)
            found[id(step)] = step

    visit(step)
    return list(found.values())


def values_of(step, X, **masks):
    """What the last step gives for rows of observations."""
    known = {}
    for part in in_order(step):
        inputs = [known[id(source)] for source in part.sources]
        last = masks if part is step else {}
        known[id(part)] = part.evaluate(*inputs, **last) if inputs else X
    return known[id(step)]
