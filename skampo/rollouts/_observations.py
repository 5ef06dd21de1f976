"""From what an environment shows to a row of floats."""

import copy

import numpy as np
from gymnasium import spaces

from skampo.rollouts._checks import shorten
from skampo.rollouts._flattening import as_integer, flattener, real_numbers
from skampo.rollouts._spaces import SpaceEncoder
from skampo.utils._warnings import warn_user

# As many as a color image of 256 by 256 has: 512 steps of them take 1.6 gigabytes.
# From the lower number on, fits of fifty iterations take minutes.
MAX_FEATURES, MANY_FEATURES = 200_000, 5000


class ObservationEncoder(SpaceEncoder):
    """
    Turn observations of a gymnasium space into rows of `n_features` floats.

    An observation of a `Discrete` space becomes one column that holds the integer, as
    in ``TabularMDP.states``. Every other space that gymnasium can flatten becomes its
    flat vector; parts of it that are discrete are one-hot encoded. Spaces that cannot
    be flattened (`Graph`, `Sequence`), or to no feature or more than 200,000, are
    refused.

    `feature_names` are those of the keys of a `Dict` space, ``"key_0", "key_1", ...``
    where a key has several columns; None for other spaces, and where two columns would
    share a name. An environment may give others.
    """

    def __init__(self, space):
        _refuse_unflattenable(space)
        self.space = without_generator(space)
        self.is_discrete = isinstance(space, spaces.Discrete)
        # A subclass may be flattened in a way of its own.
        self._is_box = type(space) is spaces.Box
        self.n_features = 1 if self.is_discrete else spaces.flatdim(space)
        _check_width(space, self.n_features)
        names = _feature_names(space)
        self.feature_names = names if names and len(set(names)) == len(names) else None
        self.low, self.high = self._bounds()
        self._flatten = flattener(space)
        self._shape = space.shape
        self._encode = self._encode_box if self._is_box else self._encode_flat
        if self.is_discrete:
            self._encode = self._encode_integer

    def encode(self, observation):
        """
        One observation as floats of shape (n_features,), which may share its memory.

        Its shape and kind, and the range of a `Discrete` space, have to be those of the
        space; bounds of a `Box` are not checked.
        """
        return self._encode(observation)

    def encode_batch(self, observations):
        """
        Several observations as rows of shape (n, n_features).

        For `Box` and `Discrete` spaces they may be an array with one observation per
        row.
        """
        rows = self._stack(observations)
        if rows is None:
            rows = np.empty((len(observations), self.n_features))
            for row, observation in enumerate(observations):
                rows[row] = self._encode(observation)
        return rows

    def _stack(self, observations):
        """Encode boxes at once; None where each has to be looked at."""
        if not self._is_box or not len(observations):
            return None
        try:
            # A copy: an environment may return the same array at every step.
            values = np.array(observations)
        except (TypeError, ValueError):
            return None
        # Others are encoded one by one, where the error shows the observation.
        is_usual = values.shape[1:] == self.space.shape and values.dtype.kind in "fiub"
        return _as_rows(values) if is_usual else None

    def name_feature(self, column):
        """A column in words for a message, with its name if it has one."""
        if self.feature_names is None:
            return f"feature {column}"
        return f"feature {column} ('{self.feature_names[column]}')"

    def _bounds(self):
        """Return the bounds of the columns, or None where nothing is bounded."""
        # The range of integers is checked where they are encoded.
        if self.is_discrete:
            return None, None
        box = spaces.flatten_space(self.space)
        low = np.asarray(box.low, dtype=np.float64).ravel()
        high = np.asarray(box.high, dtype=np.float64).ravel()
        if np.isinf(low).all() and np.isinf(high).all():
            return None, None
        return low, high

    def _encode_integer(self, observation):
        """Encode an observation of a Discrete space."""
        value = as_integer(observation)
        start, n = int(self.space.start), int(self.space.n)
        if value is None or not start <= value < start + n:
            raise ValueError(
                f"{shorten(observation, 80)} while an integer from {start} to "
                f"{start + n - 1} was expected"
            )
        return np.array([value], dtype=np.float64)

    def _encode_box(self, observation):
        """Encode an observation of a Box space."""
        values = np.asarray(observation)
        if values.shape != self._shape:
            raise ValueError(
                f"an array of shape {values.shape} while shape {self._shape} was "
                "expected"
            )
        # At every step of every environment: no call for what is usual.
        if values.dtype.char != "d":
            values = real_numbers(values).astype(np.float64)
        return values if values.ndim == 1 else values.ravel()

    def _encode_flat(self, observation):
        """Encode an observation of a space that gymnasium flattens."""
        try:
            values = self._flatten(observation).astype(np.float64)
        # Each space fails in its own way on what is not a member of it.
        except Exception as error:
            raise ValueError(
                f"{shorten(observation, 80)} while a member of {self.space} was "
                f"expected ({type(error).__name__}: {error})"
            ) from error
        if values.shape != (self.n_features,):
            raise ValueError(
                f"{values.size} numbers while {self.n_features} were expected, those "
                f"of {self.space}"
            )
        return values


def _as_rows(values):
    """One row of float64 for each entry of the first axis."""
    return values.astype(np.float64, copy=False).reshape(len(values), -1)


def without_generator(space):
    """Copy a space, leaving its random generators behind."""
    space = copy.deepcopy(space)
    for part in _walk(space):
        # Files of equal policies would differ once a space has been sampled.
        part._np_random = None
    return space


def _walk(space):
    """Visit a space and the spaces that it is made of."""
    yield space
    parts = getattr(space, "spaces", ())
    parts = parts.values() if isinstance(parts, dict) else parts
    inner = (getattr(space, name, None) for name in ("feature_space", "node_space"))
    edges = getattr(space, "edge_space", None)
    for part in (*parts, *inner, edges):
        if isinstance(part, spaces.Space):
            yield from _walk(part)


def _refuse_unflattenable(space):
    """Raise for spaces whose observations differ in size."""
    if not isinstance(space, spaces.Space):
        raise ValueError(
            "The observation space must be a gymnasium space. Got "
            f"{type(space).__name__} instead."
        )
    if space.is_np_flattenable:
        return
    # The last is the innermost, which is why those around it cannot be flattened.
    culprit = [p for p in _walk(space) if not p.is_np_flattenable][-1]
    raise ValueError(
        f"Observations of a {type(culprit).__name__} space have no fixed number of "
        f"features. Got observation_space={space}. Wrap the environment so that its "
        "observations have one, for example with "
        "gymnasium.wrappers.TransformObservation."
    )


def _check_width(space, n_features):
    """Raise for no features, or for more than rows of them fit into memory."""
    if n_features == 0:
        raise ValueError(
            "Observations must have at least one feature. Got observation_space="
            f"{space}. Where there is nothing to see, show a constant: "
            "gymnasium.spaces.Discrete(1) and 0."
        )
    if n_features > MAX_FEATURES:
        raise ValueError(
            f"Observations have {n_features} features, more than the {MAX_FEATURES} "
            f"that can be learned from. Got observation_space={shorten(space)}. "
            "Wrap the environment so that it shows fewer, for example with "
            "gymnasium.wrappers.TransformObservation; parts of a Dict or Tuple that "
            "are Discrete have a column for each value."
        )


def refuse_images(name, space):
    """Raise for pixels, from which regressors learn next to nothing."""
    n_features = spaces.flatdim(space)
    is_image = isinstance(space, spaces.Box) and space.dtype == np.uint8
    if is_image and len(space.shape) > 1 and n_features > MANY_FEATURES:
        raise ValueError(
            f"Observations of {name} are images of shape {space.shape}, which is "
            f"{n_features} pixels. Regressors expect some to a few hundred features, "
            "and single pixels rarely tell them what matters. Make features of them in "
            "an environment wrapper or by skampo.preprocessing.EnvTransformer, shrink "
            "them by gymnasium.wrappers.ResizeObservation, or pass the pixels as they "
            "are by gymnasium.wrappers.FlattenObservation."
        )


def warn_about_width(name, n_features):
    """Warn of observations that are images rather than features."""
    if n_features > MANY_FEATURES:
        warn_user(
            f"Observations of {name} have {n_features} features, as images have. "
            "Regressors of this package expect a few to some hundred: fits will be "
            "slow, and pixels rarely tell them what matters. Make features of them, "
            "for example with skampo.preprocessing.EnvTransformer or "
            "gymnasium.wrappers.ResizeObservation."
        )


def _feature_names(space, prefix=""):
    """Name the columns of a Dict space after its keys."""
    if not isinstance(space, spaces.Dict):
        return None
    names = []
    # gymnasium flattens the parts in this order.
    for key, part in space.spaces.items():
        name = f"{prefix}{key}"
        nested = _feature_names(part, prefix=f"{name}_")
        width = spaces.flatdim(part)
        plain = [name] if width == 1 else [f"{name}_{i}" for i in range(width)]
        names += plain if nested is None else nested
    return names
