"""What counts as an environment, and how a fresh one is made from it."""

import copy
import inspect
import re
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from numbers import Integral

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import VectorEnv

from skampo.exceptions import RolloutError
from skampo.rollouts._advice import advise
from skampo.rollouts._vector import single_environments


@dataclass(frozen=True)
class EnvFactory:
    """A way to make one environment, again and again."""

    make: Callable
    label: str
    task_seed: int | None = None
    #: Episodes that may be given up one after the other.
    max_faults: int = 0

    def __post_init__(self):
        """Refuse a seed that no generator takes."""
        check_task_seed(self.label, self.task_seed)


def check_task_seed(label, seed):
    """Require the seed of a task to be at least 0."""
    if seed is not None and seed < 0:
        raise ValueError(
            f"The seed of the task {label!r} must be an int in the range [0, inf). Got "
            f"{seed!r} instead."
        )


def is_environment(X):
    """
    Tell whether an object stands for one environment or several.

    So do a `gymnasium.Env`, a `gymnasium.vector.VectorEnv`, an id, an `EnvSpec`, a
    function or class that makes an environment without arguments, a task of
    `make_tasks`, and a non-empty sequence or one-dimensional array of these. The answer
    depends on types only; nothing is made or converted. Environments that are mixed
    with other objects or come in pairs with their seeds are refused, as are the single
    characters that a search makes of an id.
    """
    if is_single(X):
        return True
    # Pairs would otherwise be taken for rows of data.
    _refuse_pairs(X)
    elements = _elements(X)
    if not elements:
        return False
    _refuse_characters(elements)
    if not is_single(elements[0]):
        return False
    for position, element in enumerate(elements):
        if not is_single(element):
            raise ValueError(
                "A list of environments must hold nothing else. Got "
                f"{type(element).__name__} at position {position}. Seeds come with "
                "tasks: skampo.model_selection.make_tasks(env, n, seed=0)."
            )
    return True


def resolve_factories(X):
    """Return the factories that an environment, or a list of them, stands for."""
    if not is_environment(X):
        advice = advise(X)
        raise ValueError(
            "An environment, an id, an EnvSpec, a function that makes an environment, "
            f"or a list of these was expected. Got {type(X).__name__} instead."
            f"{'' if advice is None else f' {advice}'}"
        )
    return [_resolve_single(single) for single in single_elements(X)]


def single_elements(X):
    """Return the environments that `X` holds; a vector holds its sub-environments."""
    singles = [X] if is_single(X) else _elements(X)
    return [part for single in singles for part in _parts(single)]


def _parts(X):
    return single_environments(X) if isinstance(X, VectorEnv) else [X]


def _elements(X):
    """Return the elements of a one-dimensional container, else an empty list."""
    return list(X) if isinstance(X, Sequence) or _is_column(X) else []


def _is_column(X):
    """Tell whether something with a length is one-dimensional and not of numbers."""
    # A long column of numbers is not worth turning into a list.
    if not hasattr(X, "__getitem__") or _kind(X) in {*"biufc"}:
        return False
    if hasattr(X, "shape"):
        return len(X.shape) == 1
    # Only the first element is looked at: a data set may be large.
    return isinstance(X, Sized) and len(X) > 0 and is_single(_first(X))


def _first(X):
    """Return element 0, None where numbers are no keys."""
    try:
        return X[0]
    except (LookupError, TypeError):
        return None


def _kind(X):
    """Return the kind of numpy dtype that an array or column has, else None."""
    return getattr(getattr(X, "dtype", None), "kind", None)


def is_single(X):
    """Tell whether an object stands for a single environment or vector of them."""
    if isinstance(X, gymnasium.Env | VectorEnv | EnvSpec | str):
        return True
    if isinstance(X, type):
        return issubclass(X, gymnasium.Env)
    return callable(X) and _takes_no_arguments(X)


def _takes_no_arguments(function):
    """Tell whether a callable can be called without arguments."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in variadic for p in parameters)


def _refuse_pairs(X):
    """Raise for environments that come with their seed in a tuple, row or dict."""
    is_table = isinstance(X, Sequence) or _kind(X) == "O"
    if not is_table or not len(X):
        return
    first = X[0] if isinstance(X, Sequence) else np.asarray(X)[0]
    if isinstance(first, dict) or _is_pair(first):
        table = " Rows of named values are a table: pandas.DataFrame(X)."
        raise ValueError(
            f"Got {type(X).__name__} of {type(first).__name__}."
            f"{table if isinstance(first, dict) else ''} An environment with a "
            "seed is a task: skampo.model_selection.make_tasks(env, n, seed=0) returns "
            "a list of n."
        )


def _is_pair(element):
    """Tell whether an element holds an environment and an integer."""
    # numpy makes rows of a list of pairs.
    is_row = isinstance(element, tuple | list | np.ndarray) and len(element) == 2
    if not is_row or not isinstance(element[1], Integral):
        return False
    first = element[0]
    # Rows of data hold text and numbers as well.
    return _is_id(first) if isinstance(first, str) else is_single(first)


def _is_id(text):
    """Tell whether text is an id: registered, or with a version at its end."""
    return text in gymnasium.registry or re.search(r"-v\d+$", text) is not None


def _refuse_characters(elements):
    """Raise if the elements are what is left of an id that was cut in pieces."""
    if all(isinstance(element, str) and len(element) == 1 for element in elements):
        raise ValueError(
            f"Got single characters, {elements[:3]}..., instead of environment ids: a "
            "search splits its X, and one id cannot be split. Give it several tasks: "
            'skampo.model_selection.make_tasks("CartPole-v1", 6).'
        )


def _resolve_single(X):
    """Return the factory of one element."""
    if isinstance(X, gymnasium.Env):
        return EnvFactory(lambda: copy_live(X), label_of(X))
    if isinstance(X, str):
        # A string of numpy would show its type in messages.
        return EnvFactory(lambda: make_registered(str(X)), str(X))
    if isinstance(X, EnvSpec):
        return EnvFactory(lambda: make_registered(X), X.id)
    if hasattr(X, "as_factory"):
        return X.as_factory()
    seed = getattr(X, "seed", None)
    task_seed = int(seed) if isinstance(seed, int | np.integer) else None
    return EnvFactory(lambda: _call_factory(X), label_of(X), task_seed)


def label_of(X):
    """Name a factory before its environment exists."""
    if isinstance(X, gymnasium.Env):
        return environment_name(X)
    return getattr(X, "__name__", type(X).__name__)


def environment_name(environment):
    """Name an environment by its id, else by its class."""
    if environment.spec is not None:
        return environment.spec.id
    inner = environment.unwrapped
    # What runs in another process is here one class for all.
    return getattr(inner, "class_name", type(inner).__name__)


def copy_live(environment):
    """Copy an environment that belongs to the caller, or rebuild it from its spec."""
    try:
        copied = copy.deepcopy(environment)
        # A copy of one on the screen must not open a window of its own.
        if getattr(copied, "render_mode", None) == "human":
            copied.unwrapped.render_mode = None
        return copied
    except Exception as error:
        # Python forgets `error` at the end of the block.
        reason = error
    try:
        return maker_of(environment.spec)()
    except Exception:
        raise ValueError(
            f"{label_of(environment)} cannot be copied ({type(reason).__name__}: "
            f"{reason}) nor rebuilt from a spec. Pass its id, or a function that makes "
            "it: fit(lambda: gymnasium.make(...))."
        ) from reason


def maker_of(spec):
    """What makes an environment from an id or spec, without opening a window."""
    options = {}
    if isinstance(spec, EnvSpec) and spec.kwargs.get("render_mode") == "human":
        options["render_mode"] = None
    # Our own checks are always on and say where in the rollout they failed.
    return partial(gymnasium.make, spec, disable_env_checker=True, **options)


def make_registered(spec):
    """Make an environment from an id or spec, saying what to do if that fails."""
    label = spec if isinstance(spec, str) else spec.id
    try:
        return maker_of(spec)()
    # An Error of gymnasium as well, so that it has to come first.
    except gymnasium.error.DependencyNotInstalled as error:
        hint = ' pip install "skampo[box2d]"' if "box2d" in str(error).lower() else ""
        raise ImportError(
            f"{label} needs a package that is not installed: {error}.{hint}"
        ) from error
    except gymnasium.error.Error as error:
        raise ValueError(
            f"Environment {label!r} cannot be made: {type(error).__name__}: {error} "
            "Check the id, or pass an EnvSpec or a function that makes the "
            "environment; an id registered in one process is unknown in others."
        ) from error
    except (Exception, SystemExit) as error:
        raise failed_to_make(label, error) from error


def _call_factory(factory):
    """Call a factory and look at what it made."""
    label = label_of(factory)
    try:
        environment = factory()
    except (Exception, SystemExit) as error:
        raise failed_to_make(label, error) from error
    if not isinstance(environment, gymnasium.Env):
        raise TypeError(
            f"{label}() must return a gymnasium.Env. Got "
            f"{type(environment).__name__} instead."
        )
    return environment


def failed_to_make(label, error):
    """Build the error for an environment that could not be made."""
    return RolloutError(
        f"Making {label} raised {type(error).__name__}: {error}. Check that it can be "
        "made outside of skampo.",
        environment=label,
    )
