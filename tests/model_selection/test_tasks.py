"""Tasks: environments with seeds, small, portable and apart from each other."""

import pickle
import re
from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import TransformReward
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError, RolloutError
from skampo.model_selection import make_tasks
from skampo.rollouts import Rollouts
from tests.faulty_envs import CountingEnv, LockedEnv, fails

SPEC = gymnasium.spec("CartPole-v1")


ENVIRONMENTS = {
    "id": "CartPole-v1",
    "numpy id": np.str_("CartPole-v1"),
    "spec": SPEC,
    "live": gymnasium.make("CartPole-v1"),
    "function": partial(gymnasium.make, "CartPole-v1"),
    "class": gymnasium.envs.classic_control.CartPoleEnv,
    "vector": gymnasium.make_vec("CartPole-v1", 2),
    "sync vector": gymnasium.make_vec("CartPole-v1", 2, vectorization_mode="sync"),
    "task": make_tasks("CartPole-v1", 1)[0],
}


@pytest.mark.parametrize("env", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_every_kind_of_environment(env):
    tasks = make_tasks(env, 3, seed=0)
    assert type(tasks) is list
    assert [task.seed for task in tasks] == [0, 1, 2]
    for X in (tasks, tasks[0]):
        Rollouts(X).close()
    copied = pickle.loads(pickle.dumps(tasks))
    for task in (*tasks, *copied):
        made = task()
        assert type(made.unwrapped).__name__ == "CartPoleEnv"
        made.close()


def test_tasks_are_small_and_equal():
    tasks = make_tasks("CartPole-v1", 6)
    assert len(pickle.dumps(tasks)) < 1000
    assert tasks == make_tasks(SPEC, 6)
    assert tasks == pickle.loads(pickle.dumps(tasks))
    assert len(set(tasks)) == 6
    assert repr(tasks[4]) == "EnvTask('CartPole-v1', seed=4)"


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_no_two_tasks_share_a_seed(seed, other, n, m):
    first = [task.seed for task in make_tasks(CountingEnv, n, seed=seed)]
    second = [task.seed for task in make_tasks(CountingEnv, m, seed=other)]
    shared = min(n, m) if seed == other else 0
    assert len(set(first) & set(second)) == shared
    assert len(set(first)) == n
    assert first[:shared] == second[:shared]


def starts(task):
    """The observations in which the episodes of a fit begin."""
    seen = []

    class Recorder(gymnasium.Wrapper):
        def reset(self, **keywords):
            observation, info = super().reset(**keywords)
            seen.append(tuple(observation))
            return observation, info

    recorded = make_tasks(lambda: Recorder(task()), 2)[task.seed]
    AMPOPolicy(max_iter=1, steps_per_iter=100, n_envs=2, random_state=0).fit(recorded)
    return seen


def test_the_seed_determines_the_episodes():
    tasks = make_tasks("CartPole-v1", 2)
    first, second = starts(tasks[0]), starts(tasks[1])
    assert first == starts(tasks[0])
    assert set(first).isdisjoint(second)


def test_several_environments_take_turns():
    tasks = make_tasks(["CartPole-v1", "Acrobot-v1"], 3)
    assert [task.__name__ for task in tasks] == [
        "CartPole-v1",
        "Acrobot-v1",
        "CartPole-v1",
    ]


def test_a_copy_keeps_what_was_changed():
    env = gymnasium.make("CartPole-v1")
    env.unwrapped.gravity = 1.6
    task = make_tasks(env, 1)[0]
    env.unwrapped.gravity = 9.8
    assert task().unwrapped.gravity == 1.6
    assert task() is not task()


def test_a_rendered_environment_is_rebuilt_from_its_spec():
    env = gymnasium.make("CartPole-v1", render_mode="rgb_array", max_episode_steps=7)
    env.reset(seed=0)
    env.render()
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(env)
    task = pickle.loads(pickle.dumps(make_tasks(env, 1)[0]))
    assert task().spec.max_episode_steps == 7
    env.close()


def test_wrappers_are_kept():
    env = TransformReward(gymnasium.make("CartPole-v1"), lambda reward: 2 * reward)
    made = make_tasks(env, 1)[0]()
    made.reset(seed=0)
    assert made.step(0)[1] == 2.0


def test_an_environment_that_is_registered_at_run_time():
    gymnasium.register("Counting-v0", CountingEnv)
    try:
        task = make_tasks("Counting-v0", 1)[0]
    finally:
        del gymnasium.registry["Counting-v0"]
    assert isinstance(task().unwrapped, CountingEnv)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ("NoSuchEnv-v0", "NoSuchEnv-v0"),
        (np.zeros((3, 2)), "Got ndarray instead"),
        ([], "Got list instead"),
        (None, "Got NoneType instead"),
        (["CartPole-v1", 3], "Got int at position 1"),
    ],
)
def test_what_is_no_environment(env, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make_tasks(env, 2)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"n": 0}, "The 'n' parameter of make_tasks must be an int in the range [1, "),
        ({"n": 2.0}, "Got 2.0 instead"),
        ({"n": True}, "Got True instead"),
        ({"n": 2, "seed": -1}, "The 'seed' parameter of make_tasks must be an int"),
        ({"n": 2, "seed": None}, "Got None instead"),
    ],
)
def test_numbers_that_are_refused(keywords, words):
    with pytest.raises(InvalidParameterError, match=re.escape(words)):
        make_tasks("CartPole-v1", **keywords)


def fail():
    fails(KeyError("k"))(None)


def test_a_function_that_fails_is_named():
    with pytest.raises(RolloutError, match="Making fail raised KeyError"):
        AMPOPolicy().fit(make_tasks(fail, 2))


def test_an_environment_that_cannot_be_copied():
    with pytest.raises(ValueError, match=r"LockedEnv cannot be copied .* Pass its id"):
        make_tasks(LockedEnv(), 2)


def test_scores_on_tasks_are_means_over_them():
    policy = AMPOPolicy(max_iter=1, n_envs=2, random_state=0).fit("CartPole-v1")
    tasks = make_tasks("CartPole-v1", 4)
    returns = policy.play(tasks, 8).returns
    assert policy.score(tasks, n_episodes=8) == returns.mean()
    assert_array_equal(policy.play(tasks, 4).returns, returns[:4])
    assert len(set(returns.tolist())) > 1
