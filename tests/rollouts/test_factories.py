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
from skampo.rollouts import EnvTask, is_environment
from skampo.rollouts._checked_env import close_all, open_envs
from skampo.rollouts._factories import resolve_factories
from tests.faulty_envs import Counter, CountingEnv, LockedEnv, SpaceEnv, fails

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
    "list of ids": ["CartPole-v1", "Acrobot-v1"],
    "list of one": ["CartPole-v1"],
    "tuple": (CARTPOLE, CountingEnv),
    "object array": np.array([CARTPOLE, CARTPOLE], dtype=object),
    "U array": np.array(["CartPole-v1", "Acrobot-v1"]),
    "series": pd.Series(["CartPole-v1", "Acrobot-v1"]),
    "vector": gymnasium.make_vec("CartPole-v1", 2),
}


class Task:
    """An environment and a seed of its own."""

    def __init__(self, seed):
        self.seed = seed

    def __call__(self):
        return CountingEnv()


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


@pytest.mark.parametrize("X", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_environments_are_recognized(X):
    assert is_environment(X)


@pytest.mark.parametrize("X", OTHERS.values(), ids=OTHERS)
def test_other_things_are_not_environments(X):
    assert not is_environment(X)
    with pytest.raises(ValueError, match=f"Got {type(X).__name__} instead"):
        resolve_factories(X)


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
        is_environment(X)


def test_a_mixed_list():
    with pytest.raises(ValueError, match="Got int at position 1"):
        is_environment(["CartPole-v1", 3])


@pytest.mark.parametrize("X", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_every_source_makes_a_new_environment(X):
    for factory in resolve_factories(X):
        first, second = factory.make(), factory.make()
        assert isinstance(first, gymnasium.Env)
        assert first is not second
        assert first is not X
        first.reset(seed=0)
        first.close()
        second.close()


def test_a_live_environment_is_left_alone():
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=3)
    state = env.unwrapped.state.copy()
    copied = resolve_factories(env)[0].make()
    copied.reset(seed=0)
    copied.step(1)
    np.testing.assert_array_equal(env.unwrapped.state, state)


def test_a_rendered_environment_is_rebuilt():
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
    env.reset(seed=0)
    env.render()
    with pytest.raises(TypeError, match="cannot pickle"):
        copy.deepcopy(env)
    made = resolve_factories(env)[0].make()
    assert made.spec.id == "CartPole-v1"
    made.close()
    env.close()


def test_copies_open_no_window():
    env = gymnasium.make("CartPole-v1", render_mode="human")
    assert resolve_factories(env)[0].make().render_mode is None
    assert resolve_factories(env.spec)[0].make().render_mode is None
    env.close()


def test_an_environment_that_cannot_be_copied():
    with pytest.raises(ValueError, match=r"LockedEnv cannot be copied .* Pass its id"):
        resolve_factories(LockedEnv())[0].make()
    assert isinstance(resolve_factories(LockedEnv)[0].make(), LockedEnv)


@pytest.mark.filterwarnings("ignore:.*out of date:DeprecationWarning")
@pytest.mark.parametrize(
    ("X", "match"),
    [("NoSuchEnv-v0", "NoSuchEnv-v0"), ("x", "'x' cannot be made"), ("Taxi-v3", "v4")],
)
def test_an_unknown_id(X, match):
    with pytest.raises(ValueError, match=match) as caught:
        resolve_factories(X)[0].make()
    assert "function that makes the environment" in str(caught.value)


def test_a_package_that_is_missing():
    def make():
        raise gymnasium.error.DependencyNotInstalled("Box2D is not installed")

    with pytest.raises(ImportError, match=r'pip install "skampo\[box2d\]"'):
        resolve_factories(EnvSpec("Missing-v0", make))[0].make()


@pytest.mark.parametrize("error", [KeyError("k"), SystemExit(3)])
def test_an_environment_that_cannot_be_made(error):
    def make():
        fails(error)(None)

    for X in (make, EnvSpec("Broken-v0", make)):
        with pytest.raises(RolloutError, match=type(error).__name__) as caught:
            resolve_factories(X)[0].make()
        assert isinstance(caught.value.__cause__, type(error))


def test_a_factory_of_something_else():
    with pytest.raises(TypeError, match=r"must return a gymnasium.Env. Got int"):
        resolve_factories(lambda: 3)[0].make()


def test_tasks_carry_a_seed():
    assert resolve_factories(Task(5))[0].task_seed == 5
    assert resolve_factories([Task(5), CountingEnv])[1].task_seed is None
    seeds = set()
    for task in (Task(0), Task(1), CountingEnv):
        env = open_envs(resolve_factories(task), 1, 0, 0)[0]
        env.reset(1)
        seeds.add(env.seed)
    assert len(seeds) == 3


def test_environments_cycle_through_the_factories():
    lengths = (3, 4)
    X = [partial(CountingEnv, length=length) for length in lengths]
    envs = open_envs(resolve_factories(X), 5, 0, 0)
    assert [env.env.length for env in envs] == [3, 4, 3, 4, 3]


@pytest.mark.parametrize("kind", ["observation_space", "action_space"])
def test_spaces_must_agree_and_what_was_made_is_closed(kind):
    counter = Counter()
    space = gymnasium.spaces.Discrete(7)
    X = [
        partial(SpaceEnv, counter=counter),
        partial(SpaceEnv, counter=counter, **{kind: space}),
    ]
    with pytest.raises(ValueError, match=rf"{kind}=Discrete\(7\)"):
        open_envs(resolve_factories(X), 2, 0, 0)
    assert counter.opened == counter.closed == 2


def test_a_factory_must_not_return_the_same_environment_twice():
    env = CountingEnv()
    for make in (lambda: env, lambda: TimeLimit(env, 10)):
        with pytest.raises(ValueError, match="the same environment twice"):
            open_envs(resolve_factories(make), 2, 0, 0)


def test_a_seed_that_is_negative():
    negative = partial(EnvTask, CountingEnv, -1)
    for make in (partial(resolve_factories, Task(-1)), negative):
        with pytest.raises(ValueError, match=r"range \[0, inf\)\. Got -1 instead"):
            make()


@pytest.mark.parametrize("first", ["CartPole-v1", "Unknown-v3", CountingEnv])
def test_pairs_of_environment_and_seed(first):
    with pytest.raises(ValueError, match="An environment with a seed is a task"):
        is_environment([(first, 3)])


def test_closing_goes_on_after_an_error():
    counter = Counter()
    envs = open_envs(resolve_factories(lambda: CountingEnv(counter=counter)), 3, 0, 0)
    envs[1].env.close = lambda: sys.exit(1)
    assert isinstance(close_all(envs), SystemExit)
    assert counter.closed == 2
    assert close_all(envs) is None
    assert counter.closed == 2
