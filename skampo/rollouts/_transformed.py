"""Environments whose observations pass through a fitted transformer."""

import copy
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from skampo.features._lending import lend
from skampo.features._unchecked import unchecked_transform
from skampo.rollouts._factories import is_single, resolve_factories, single_elements
from skampo.rollouts._observations import ObservationEncoder


@dataclass(frozen=True, eq=False)
class RowTransform:
    """A fitted transformer as a function of arrays that checks what comes out."""

    transformer: Any
    n_features: int

    def __deepcopy__(self, memo):
        """Stay one object in all copies of an environment: it is never changed."""
        return self

    def function(self):
        """The transformation of rows without scikit-learn's checks."""
        transform = unchecked_transform(self.transformer)

        def rows(X):
            values = transform(lend(self.transformer, X))
            # OneHotEncoder, for one, returns sparse rows by default.
            values = values.toarray() if hasattr(values, "toarray") else values
            values = np.asarray(values, dtype=np.float64)
            # Rollouts check what goes in; nobody else looks at what comes out.
            self._check(values, (len(X), self.n_features))
            return values

        return rows

    def _check(self, values, shape):
        name = type(self.transformer).__name__
        if values.shape != shape:
            raise ValueError(
                f"{name} turned observations into an array of shape {values.shape}; "
                f"{shape} was expected, as in its fit."
            )
        if not np.isfinite(values).all():
            raise ValueError(
                f"{name} turned finite observations into NaN or infinity. Use a "
                "transformer that is defined for every observation."
            )


class TransformedEnv(gymnasium.Wrapper, RecordConstructorArgs):
    """
    An environment whose observations are transformed.

    Rollouts look inside: they step the environment itself, and transform the
    observations of all environments at once.
    """

    def __init__(self, env, transform):
        # Without this record gymnasium cannot make a wrapper again from its spec.
        RecordConstructorArgs.__init__(self, transform=transform)
        gymnasium.Wrapper.__init__(self, env)
        self.transform = transform
        self.observation_space = gymnasium.spaces.Box(
            -np.inf, np.inf, (transform.n_features,), np.float64
        )
        self._encode = ObservationEncoder(env.observation_space).encode
        self._rows = transform.function()

    def reset(self, *, seed=None, options=None):
        """Begin an episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        return self._transformed(observation), info

    def step(self, action):
        """Take a step."""
        observation, *rest = self.env.step(action)
        return self._transformed(observation), *rest

    def __deepcopy__(self, memo):
        """Copy the environment and share the transformation."""
        return type(self)(copy.deepcopy(self.env, memo), self.transform)

    def __reduce__(self):
        """Leave the function out, which need not pickle."""
        return type(self), (self.env, self.transform)

    def _transformed(self, observation):
        return self._rows(np.array(self._encode(observation), ndmin=2))[0]


@dataclass(frozen=True, eq=False)
class TransformedTask:
    """What makes an environment, and then transforms its observations."""

    env: Any
    transform: RowTransform

    def __call__(self):
        return self.as_factory().make()

    def as_factory(self):
        """Return how the environment is made, and the seed of a task."""
        factory = resolve_factories(self.env)[0]
        return replace(
            factory, make=lambda: TransformedEnv(factory.make(), self.transform)
        )


def transform_environments(X, transformer, n_features):
    """
    Environments whose encoded observations pass through a fitted transformer.

    A wrapped environment for a live one, a function that makes one for anything else; a
    list for several. The seed of a task is kept.
    """
    transform = RowTransform(transformer, n_features)
    transformed = [_transformed(part, transform) for part in single_elements(X)]
    return transformed[0] if is_single(X) and len(transformed) == 1 else transformed


@singledispatch
def _transformed(environment, transform):
    return TransformedTask(environment, transform)


@_transformed.register
def _(environment: gymnasium.Env, transform):
    return TransformedEnv(environment, transform)


def peel(environments):
    """
    Take off the transformations that several environments have in common.

    Returns the environments inside, and the transformations of rows as functions, in
    the order in which they are applied.
    """
    functions = []
    while _are_alike(environments):
        functions.insert(0, environments[0].transform.function())
        environments = [environment.env for environment in environments]
    return environments, functions


def _are_alike(environments):
    """Tell whether the same is done to the same kind of observations."""
    first = environments[0]
    return all(
        type(environment) is TransformedEnv
        and environment.transform is first.transform
        # Environments that differ inside may be transformed to the same box.
        and environment.env.observation_space == first.env.observation_space
        for environment in environments
    )
