"""Observation and action spaces as plain data, for files, and back."""

import math

import numpy as np
from gymnasium import spaces

# Observations become rows of this many numbers at most, whatever a file says.
_WIDEST, _MOST_STATES = 200_000, 10**12


def describe_space(space):
    """A space as the name of its class and numbers and arrays; others are refused."""
    name = type(space).__name__
    if name not in _MADE_OF or type(space) is not getattr(spaces, name):
        raise TypeError(f"a space of the class {type(space).__name__}")
    return [name, *_MADE_OF[name](space)]


def make_space(description):
    """The space that `describe_space` described; sizes are checked first."""
    name, *parts = description
    space = _MADE_BY[name](*parts)
    # The bounds of a box are in the file, and a number in no space but its own is one.
    if name not in ("Box", "Discrete") and spaces.flatdim(space) > _WIDEST:
        raise ValueError(f"a space of more than {_WIDEST:,} numbers")
    return space


def _whole(sizes):
    """Sizes that are positive and not too large, one by one and together."""
    sizes = np.asarray(sizes)
    is_whole = sizes.dtype.kind in "iu" and (sizes > 0).all()
    if not is_whole or (sizes > _WIDEST).any() or sizes.sum() > _WIDEST:
        raise ValueError(f"a space of sizes other than 1 to {_WIDEST:,}")
    return sizes


def _box(low, high):
    if (
        low.shape != high.shape
        or low.dtype != high.dtype
        or low.dtype.kind not in "biuf"
    ):
        raise ValueError("a box of two shapes")
    return spaces.Box(low, high, low.shape, low.dtype)


def _discrete(n, start):
    is_whole = type(n) is type(start) is int
    if not is_whole or not 0 < n <= _MOST_STATES or abs(start) > _MOST_STATES:
        raise ValueError("a discrete space without a size")
    return spaces.Discrete(n, start=start)


def _multi_binary(sizes):
    if not all(type(n) is int and 0 < n for n in sizes) or math.prod(sizes) > _WIDEST:
        raise ValueError("a space of bits without a size")
    return spaces.MultiBinary(sizes[0] if len(sizes) == 1 else sizes)


def _multi_discrete(nvec, start):
    if start.shape != nvec.shape or start.dtype.kind != "i":
        raise ValueError("a space of two shapes")
    return spaces.MultiDiscrete(_whole(nvec), dtype=nvec.dtype, start=start)


def _text(shortest, longest, letters):
    _whole([longest, len(letters) * longest, len(letters)])
    return spaces.Text(longest, min_length=shortest, charset=letters)


def _dict(keys, parts):
    # Pairs keep their order, where a dict would be sorted.
    made = [make_space(part) for part in parts]
    return spaces.Dict(list(zip(keys, made, strict=True)))


_MADE_OF = {
    "Box": lambda space: (space.low, space.high),
    "Dict": lambda space: (
        list(space.spaces),
        [describe_space(part) for part in space.spaces.values()],
    ),
    "Discrete": lambda space: (int(space.n), int(space.start)),
    "MultiBinary": lambda space: (list(map(int, space.shape)),),
    "MultiDiscrete": lambda space: (space.nvec, space.start),
    "OneOf": lambda space: [describe_space(part) for part in space.spaces],
    "Text": lambda space: (space.min_length, space.max_length, space.characters),
    "Tuple": lambda space: [describe_space(part) for part in space.spaces],
}
_MADE_BY = {
    "Box": _box,
    "Dict": _dict,
    "Discrete": _discrete,
    "MultiBinary": _multi_binary,
    "MultiDiscrete": _multi_discrete,
    "OneOf": lambda *parts: spaces.OneOf([make_space(part) for part in parts]),
    "Text": _text,
    "Tuple": lambda *parts: spaces.Tuple([make_space(part) for part in parts]),
}


class SpaceEncoder:
    """Base of what is made of a space alone."""

    def __eq__(self, other):
        if type(other) is not type(self):
            return NotImplemented
        return self.space == other.space

    def __reduce__(self):
        """Store the space alone, everything follows from it."""
        return type(self), (self.space,)

    def _to_data(self):
        """What a file holds of it."""
        return {"space": describe_space(self.space)}

    @classmethod
    def _from_data(cls, space):
        return cls(make_space(space))

    def __repr__(self):
        return f"{type(self).__name__}({self.space})"
