"""Values as plain nodes beside raw arrays, and back.

A node is null, a bool, an int, a float, a str, a list, or a dict of one key out of
`_KINDS`; what an object is made of is up to two functions that are passed in.
"""

import numpy as np

from skampo.exceptions import SkampoFileError
from skampo.utils._arrays import is_plain, read_dtype

_DEEPEST = 60
# Parts that are repeated count each time: else a short file could hold an endless one.
_MOST_OBJECTS = 100_000
_SCALARS = (str, int, float, bool, type(None), np.generic)
_TYPES = {
    t.__name__: t for t in (float, int, np.float64, np.float32, np.int64, np.int32)
}


def unsaveable(where, what, hint=None):
    """The error for what has no stored form."""
    hint = hint or (
        "Files hold skampo's own classes and the common regressors and transformers of "
        "scikit-learn and LightGBM, with numbers and text as parameters"
    )
    return SkampoFileError(
        f"cannot be saved, because {where} is {what}. {hint}. Use joblib.dump for "
        "files that only you will read."
    )


class Writer:
    """The node of a value; `arrays` are those in it, each once."""

    def __init__(self, take_apart):
        self.take_apart = take_apart
        self.arrays, self.objects, self.known = [], 0, {}

    def node(self, value, where):
        """The node of one value; `where` says in errors which part it is."""
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if kind is list:
            return [self.node(part, where) for part in value]
        if kind is tuple:
            return {"tuple": [self.node(part, where) for part in value]}
        if kind is dict:
            keys = [self.node(key, where) for key in value]
            parts = [self.node(part, f"{where}[{k!r}]") for k, part in value.items()]
            return {"dict": [list(item) for item in zip(keys, parts, strict=True)]}
        if kind is np.ndarray:
            return self._array(value, where)
        return self._constant(value) or self._object(value, where)

    def _constant(self, value):
        """What is no object of the table, but no node of JSON either."""
        if type(value) is slice:
            return {"slice": [value.start, value.stop, value.step]}
        if isinstance(value, np.generic) and is_plain(value.dtype):
            return {"number": [value.dtype.str, value.item()]}
        if isinstance(value, np.dtype) and is_plain(value):
            return {"dtype": value.str}
        if isinstance(value, type) and value in _TYPES.values():
            return {"type": value.__name__}
        return None

    def _array(self, value, where):
        if value.dtype == object and value.ndim == 1:
            return {"objects": [self.node(part, where) for part in value]}
        if not is_plain(value.dtype):
            raise unsaveable(where, f"an array of {value.dtype}")
        if id(value) not in self.known:
            # Held in this list, so that no other array can take its identity.
            self.known[id(value)] = len(self.arrays)
            is_fortran = value.flags.f_contiguous and not value.flags.c_contiguous
            self.arrays.append((value, "F" if is_fortran else "C"))
        return {"array": self.known[id(value)]}

    def _object(self, value, where):
        if id(value) in self.known:
            return {"again": self.known[id(value)][0]}
        node, *groups = self.take_apart(value, where)
        parts = [
            {k: self.node(v, f"{where}.{k}") for k, v in g.items()} for g in groups
        ]
        self.known[id(value)] = self.objects, value
        self.objects += 1
        return {"object": [node, *parts]}


class Reader:
    """The value of a node; malformed ones raise a ValueError."""

    def __init__(self, arrays, put_together):
        self.put_together = put_together
        self.arrays, self.built, self.count = arrays, [], 0

    def value(self, node, depth=0):
        """What a node stands for."""
        if depth > _DEEPEST:
            raise ValueError(f"parts inside each other on more than {_DEEPEST} levels")
        if node is None or type(node) in (bool, float, str):
            return node
        if type(node) is int:
            if not -(2**63) <= node < 2**64:
                raise ValueError("an integer of more than 64 bits")
            return node
        if type(node) is list:
            return [self.value(part, depth + 1) for part in node]
        if len(node) != 1:
            raise ValueError("a node that is not of one kind")
        ((kind, content),) = node.items()
        return _entry_of(_KINDS, kind, "node")(self, content, depth + 1)

    def _dict(self, items, depth):
        pairs = [(self.value(k, depth), self.value(v, depth)) for k, v in items]
        if any(type(key) not in (str, int, float, bool) for key, _ in pairs):
            raise ValueError("a key that is neither text nor a number")
        return dict(pairs)

    def _slice(self, ends, depth):
        if any(type(end) not in (int, type(None)) for end in ends):
            raise ValueError("a slice between what are no integers")
        return slice(*ends)

    def _number(self, content, depth):
        dtype, value = content
        if type(value) not in (bool, int, float, str):
            raise ValueError("a number that is none")
        return np.array(value, dtype=read_dtype(dtype))[()]

    def _objects(self, parts, depth):
        array = np.empty(len(parts), dtype=object)
        array[:] = [self.value(part, depth) for part in parts]
        if not all(isinstance(part, _SCALARS) for part in array):
            raise ValueError("an array of what is neither text nor numbers")
        return array

    def _again(self, number, depth):
        value, cost = _entry(self.built, number)
        self._add(cost)
        return value

    def _object(self, content, depth):
        name, *groups = content
        before = self.count
        self._add(1)
        # Time grows fast with estimators inside estimators, which is no use to anyone.
        depths = (depth + 4, depth)
        parameters, state = (
            {key: self.value(part, deep) for key, part in group.items()}
            for group, deep in zip(groups, depths, strict=True)
        )
        value = self.put_together(name, parameters, state)
        self.built.append((value, self.count - before))
        return value

    def _add(self, n):
        self.count += n
        if self.count > _MOST_OBJECTS:
            raise ValueError(f"more than {_MOST_OBJECTS:,} objects")


_KINDS = {
    "again": Reader._again,
    "array": lambda reader, number, depth: _entry(reader.arrays, number),
    "dict": Reader._dict,
    "dtype": lambda reader, text, depth: read_dtype(text),
    "number": Reader._number,
    "object": Reader._object,
    "objects": Reader._objects,
    "slice": Reader._slice,
    "tuple": lambda reader, parts, depth: tuple(reader.value(p, depth) for p in parts),
    "type": lambda reader, name, depth: _entry_of(_TYPES, name, "type"),
}


def _entry_of(table, name, what):
    if type(name) is not str or name not in table:
        raise ValueError(f"{name!r:.60} as a {what}, which files do not hold")
    return table[name]


def _entry(entries, number):
    if type(number) is not int or not 0 <= number < len(entries):
        raise ValueError("a number of what is not there")
    return entries[number]
