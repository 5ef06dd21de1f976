"""Environments with a seed of their own: the samples of a model selection."""

import copy
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import Any

import gymnasium
from gymnasium.envs.registration import EnvSpec

from skampo.rollouts._factories import (
    EnvFactory,
    copy_live,
    make_registered,
    resolve_factories,
    single_elements,
)


@dataclass(frozen=True, repr=False)
class EnvTask:
    """
    An environment together with a seed; calling it makes a new environment.

    Whatever takes an environment takes a task as well. The seed enters the seeds of
    all resets, so that two tasks never show the same episodes.

    Parameters
    ----------
    env : EnvSpec, gymnasium.Env or callable
        How the environment is made.
    seed : int
        The seed, at least 0.

    See Also
    --------
    skampo.model_selection.make_tasks : Makes several of them.

    Examples
    --------
    >>> import gymnasium
    >>> from skampo.rollouts._env_task import EnvTask
    >>> task = EnvTask(gymnasium.spec("CartPole-v1"), seed=3)
    >>> task
    EnvTask('CartPole-v1', seed=3)
    >>> task().spec.id
    'CartPole-v1'
    """

    # Specs, for example, cannot be hashed.
    env: Any = field(hash=False)
    seed: int

    def __call__(self):
        return self.as_factory().make()

    def __repr__(self):
        return f"EnvTask({self.__name__!r}, seed={self.seed})"

    @property
    def __name__(self):
        # Messages name it as they name a function.
        return self.as_factory().label

    def as_factory(self) -> EnvFactory:
        """
        Return how the environment is made, and the seed.

        Returns
        -------
        EnvFactory
            What a rollout makes its environments from.
        """
        return replace(resolve_factories(self.env)[0], task_seed=self.seed)


def portable_environments(X):
    """
    What makes each environment, in other processes as well as in this one.

    The spec for an id, and a copy of a live environment: a copy knows what was changed
    since the environment was made. One that cannot be copied, as after ``render``, is
    replaced by its spec.
    """
    # Refuses what is no environment; none is made yet.
    resolve_factories(X)
    return [_portable(environment) for environment in single_elements(X)]


@singledispatch
def _portable(environment):
    return environment


@_portable.register
def _(environment: str):
    # An id says nothing to a process in which it was not registered.
    return _spec_of(environment)


@_portable.register
def _(environment: EnvSpec):
    return _spec_of(environment)


@_portable.register
def _(environment: gymnasium.Env):
    try:
        return copy.deepcopy(environment)
    except Exception:
        return _close(copy_live(environment)).spec


def _spec_of(registered):
    """Make an environment once, so that what is wrong shows early."""
    return _close(make_registered(registered)).spec


def _close(environment):
    environment.close()
    return environment
