"""Flat vectors of observations, refused where gymnasium would wrap or cast them."""

from operator import index as as_index

import numpy as np
from gymnasium import spaces

from skampo.rollouts._checks import shorten
from skampo.utils._validation import as_mask


def flattener(space):
    """
    Return the function that makes flat vectors of the observations of a space.

    The columns are those of ``gymnasium.spaces.flatten``, which does not look at what
    it is given: -1 out of three values becomes the last of them, 300 in a box of bytes
    becomes 44. A subclass is flattened by gymnasium, for it may have its own way.
    """
    make = _MAKERS.get(type(space))
    return make(space) if make else lambda x: np.asarray(spaces.flatten(space, x))


def real_numbers(values):
    """Return an array of real numbers, or raise."""
    values = np.asarray(values)
    if values.dtype.kind not in "fiub":
        raise ValueError(
            f"an array of dtype {values.dtype} while a real number type was expected"
        )
    return values


def as_integer(observation):
    """Return the integer that an observation stands for, or None."""
    if type(observation) is int:
        return observation
    if isinstance(observation, np.ndarray) and observation.size == 1:
        observation = observation.item()
    if isinstance(observation, float | np.floating) and float(observation).is_integer():
        return int(observation)
    try:
        return as_index(observation)
    except TypeError:
        return None


def _box(space):
    return lambda x: _sized(real_numbers(x), space.shape)


def _multi_binary(space):
    def flatten(x):
        bits = as_mask(_sized(x, space.shape))
        if bits is None:
            raise ValueError(f"{shorten(x, 80)} while zeros and ones were expected")
        return bits

    return flatten


def _discrete(space):
    start, n = int(space.start), int(space.n)

    def flatten(x):
        value = as_integer(x)
        if value is None or not start <= value < start + n:
            raise ValueError(
                f"{shorten(x, 80)} while an integer from {start} to {start + n - 1} "
                "was expected"
            )
        row = np.zeros(n)
        row[value - start] = 1.0
        return row

    return flatten


def _multi_discrete(space):
    sizes = space.nvec.ravel()
    start = np.broadcast_to(space.start, space.shape).ravel()
    offsets = np.cumsum(sizes) - sizes

    def flatten(x):
        values = _sized(real_numbers(x), space.shape) - start
        # Fractions are no members, and NaN is in no range.
        if not ((values >= 0) & (values < sizes) & (values % 1 == 0)).all():
            raise ValueError(f"{shorten(x, 80)} while a member of {space} was expected")
        row = np.zeros(int(sizes.sum()))
        row[offsets + values.astype(np.int64)] = 1.0
        return row

    return flatten


def _dict(space):
    parts = [(key, flattener(part)) for key, part in space.spaces.items()]
    return lambda x: np.concatenate([flatten(x[key]) for key, flatten in parts])


def _tuple(space):
    parts = [flattener(part) for part in space.spaces]

    def flatten(x):
        return np.concatenate([f(part) for f, part in zip(parts, x, strict=True)])

    return flatten


def _sized(values, shape):
    """Flatten an array; as gymnasium does, a number may stand for an array of one."""
    values = np.asarray(values).ravel()
    if values.size != np.prod(shape, dtype=int):
        raise ValueError(
            f"{values.size} numbers while an array of shape {shape} was expected"
        )
    return values


_MAKERS = {
    spaces.Box: _box,
    spaces.Dict: _dict,
    spaces.Discrete: _discrete,
    spaces.MultiBinary: _multi_binary,
    spaces.MultiDiscrete: _multi_discrete,
    spaces.Tuple: _tuple,
}
