import copy
import sys
from functools import partial

import gymnasium
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from gymnasium.envs.registration import EnvSpec
from gymnasium.wrappers import TimeLimit

from skampo.exceptions import RolloutError
from skampo.model_selection import make_tasks
from skampo.rollouts import Rollouts
from tests.faulty_envs import Counter, CountingEnv, LockedEnv, SpaceEnv, fails
from tests.rollouts.policies import UniformPolicy

CARTPOLE = gymnasium.make("CartPole-v1")
ENVIRONMENTS = {
    "id": "CartPole-v1",
    "numpy id": np.str_("CartPole-v1"),
    "env": CARTPOLE,
    "bare env": CountingEnv(),
    "spec": gymnasium.spec("CartPole-v1"),
    "function": lambda: CountingEnv(),
    "partial": partial(CountingEnv, length=3),
    "class": CountingEnv,
    "list of ids": ["CartPole-v1", "CartPole-v1"],
    "list of one": ["CartPole-v1"],
    "tuple": (CARTPOLE, partial(gymnasium.make, "CartPole-v1")),
    "object array": np.array([CARTPOLE, CARTPOLE], dtype=object),
    "U array": np.array(["CartPole-v1", "CartPole-v1"]),
    "series": pd.Series(["CartPole-v1", "CartPole-v1"]),
    "vector": gymnasium.make_vec("CartPole-v1", 2),
}


class Task:
    """An environment and a seed of its own."""

    def __init__(self, seed, make=CountingEnv):
        self.seed = seed
        self.make = make

    def __call__(self):
        return self.make()


OTHERS = {
    "list": [1.0, 2.0],
    "lists": [[1.0, 2.0], [3.0, 4.0]],
    "empty": [],
    "array": np.zeros((3, 2)),
    "column": np.zeros(3),
    "objects": np.array([[1, "a"]], dtype=object),
    "text and number": [["red", 3], ["blue", 4]],
    "objects, two columns": np.array([["red", 3]], dtype=object),
    "strings in 2-D": np.array([["CartPole-v1"]]),
    "frame": pd.DataFrame({"a": [1.0]}),
    "numbers": pd.Series([1.0]),
    "sparse": scipy.sparse.csr_array(np.eye(3)),
    "none": None,
    "number": 3,
    "dict": {"id": "CartPole-v1"},
    "other class": dict,
    "takes arguments": lambda x: x,
    "no signature": np.add,
}


def make(X):
    """A new environment of the first element."""
    return make_tasks(X, 1)[0]()


@pytest.mark.parametrize("X", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_environments_are_recognized(X):
    Rollouts(X).close()


@pytest.mark.parametrize("X", OTHERS.values(), ids=OTHERS)
def test_other_things_are_not_environments(X):
    with pytest.raises(ValueError, match=f"Got {type(X).__name__} instead"):
        Rollouts(X)


@pytest.mark.parametrize(
    "X",
    [
        list("CartPole-v1"),
        tuple("abc"),
        np.array(list("CartPole-v1")),
        np.array(list("Car"), dtype=object),
        ["C"],
    ],
)
def test_an_id_that_was_split(X):
    with pytest.raises(ValueError, match=r"make_tasks\(\"CartPole-v1\", 6\)"):
        Rollouts(X)


def test_a_mixed_list():
    with pytest.raises(ValueError, match="Got int at position 1"):
        Rollouts(["CartPole-v1", 3])


@pytest.mark.parametrize("X", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_every_factory_makes_a_new_environment(X):
    is_list = isinstance(X, list | tuple | np.ndarray | pd.Series)
    for element in X if is_list else [X]:
        first, second = make(element), make(element)
        assert isinstance(first, gymnasium.Env)
        assert first is not second
        assert first is not element
        first.reset(seed=0)
        first.close()
        second.close()


def test_a_live_environment_is_left_alone():
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=3)
    state = env.unwrapped.state.copy()
    copied = make(env)
    copied.reset(seed=0)
    copied.step(1)
    np.testing.assert_array_equal(env.unwrapped.state, state)


def test_a_rendered_environment_is_rebuilt():
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
    env.reset(seed=0)
    env.render()
    with pytest.raises(TypeError, match="cannot pickle"):
        copy.deepcopy(env)
    made = make(env)
    assert made.spec.id == "CartPole-v1"
    made.close()
    env.close()


def test_copies_open_no_window():
    env = gymnasium.make("CartPole-v1", render_mode="human")
    assert make(env).render_mode is None
    assert make(env.spec).render_mode is None
    env.close()


def test_an_environment_that_cannot_be_copied():
    with pytest.raises(ValueError, match=r"LockedEnv cannot be copied .* Pass its id"):
        make(LockedEnv())
    assert isinstance(make(LockedEnv), LockedEnv)


@pytest.mark.filterwarnings("ignore:.*out of date:DeprecationWarning")
@pytest.mark.parametrize(
    ("X", "match"),
    [("NoSuchEnv-v0", "NoSuchEnv-v0"), ("x", "'x' cannot be made"), ("Taxi-v3", "v4")],
)
def test_an_unknown_id(X, match):
    with pytest.raises(ValueError, match=match) as caught:
        make(X)
    assert "function that makes the environment" in str(caught.value)


def test_a_package_that_is_missing():
    def absent():
        raise gymnasium.error.DependencyNotInstalled("Box2D is not installed")

    with pytest.raises(ImportError, match=r'pip install "skampo\[box2d\]"'):
        make(EnvSpec("Missing-v0", absent))


@pytest.mark.parametrize("error", [KeyError("k"), SystemExit(3)])
def test_an_environment_that_cannot_be_made(error):
    def broken():
        fails(error)(None)

    for X in (broken, EnvSpec("Broken-v0", broken)):
        with pytest.raises(RolloutError, match=type(error).__name__) as caught:
            make(X)
        assert isinstance(caught.value.__cause__, type(error))


def test_a_factory_of_something_else():
    with pytest.raises(TypeError, match=r"must return a gymnasium.Env. Got int"):
        make(lambda: 3)


def test_tasks_carry_a_seed():
    made = []

    def record():
        made.append(CountingEnv())
        return made[-1]

    def first_seeds(X):
        made.clear()
        with Rollouts(X, n_envs=1, steps_per_iter=1) as rollouts:
            rollouts.gather(UniformPolicy())
        return [env.seeds[0] for env in made]

    tasks = [Task(0, record), Task(1, record), record]
    seeds = [first_seeds(task)[0] for task in tasks]
    assert len(set(seeds)) == 3
    # Each in its own place of a list, where the first is that of the list's index 0.
    assert first_seeds(tasks[:1] * 2)[0] == seeds[0]
    assert first_seeds([tasks[2], tasks[0]])[0] == seeds[2]


def test_environments_cycle_through_the_factories():
    X = [partial(CountingEnv, length=length) for length in (3, 4)]
    with Rollouts(X, n_envs=5, steps_per_iter=1, sampling="episodes") as rollouts:
        ends = rollouts.gather(UniformPolicy()).ends
    assert np.diff(np.flatnonzero(ends), prepend=-1).tolist() == [3, 4, 3, 4, 3]


@pytest.mark.parametrize("kind", ["observation_space", "action_space"])
def test_spaces_must_agree_and_what_was_made_is_closed(kind):
    counter = Counter()
    space = gymnasium.spaces.Discrete(7)
    X = [
        partial(SpaceEnv, counter=counter),
        partial(SpaceEnv, counter=counter, **{kind: space}),
    ]
    with pytest.raises(ValueError, match=rf"{kind}=Discrete\(7\)"):
        Rollouts(X, n_envs=2)
    assert counter.opened == counter.closed == 2


def test_a_factory_must_not_return_the_same_environment_twice():
    env = CountingEnv()
    for factory in (lambda: env, lambda: TimeLimit(env, 10)):
        with pytest.raises(ValueError, match="the same environment twice"):
            Rollouts(factory, n_envs=2)


def test_a_seed_that_is_negative():
    with pytest.raises(ValueError, match=r"range \[0, inf\)\. Got -1 instead"):
        Rollouts(Task(-1))


@pytest.mark.parametrize("first", ["CartPole-v1", "Unknown-v3", CountingEnv])
def test_pairs_of_environment_and_seed(first):
    with pytest.raises(ValueError, match="An environment with a seed is a task"):
        Rollouts([(first, 3)])


def test_closing_goes_on_after_an_error():
    counter, made = Counter(), []

    def record():
        made.append(CountingEnv(counter=counter))
        return made[-1]

    rollouts = Rollouts(record, n_envs=3)
    made[1].close = lambda: sys.exit(1)
    rollouts.close()
    assert counter.closed == 2
    rollouts.close()
    assert counter.closed == 2
