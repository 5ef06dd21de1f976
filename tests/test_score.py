"""Scores: greedy episodes on seeds of their own, or accuracy."""

import re

import numpy as np
import pytest
from scipy.stats import sem
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from tests.faulty_envs import Counter, CountingEnv
from tests.scripted import RewardingEnv

SMALL = {"max_iter": 2, "steps_per_iter": 48, "n_envs": 2, "random_state": 0}
STATES = np.random.default_rng(0).normal(scale=3.0, size=(50, 2))


def make_env():
    return RewardingEnv(n_actions=3)


@pytest.fixture(scope="module")
def policy():
    return AMPOPolicy(DecisionTreeRegressor(max_depth=4), **SMALL).fit(make_env)


def test_score_is_reproducible():
    counter = Counter()
    make = lambda: RewardingEnv(n_actions=3, counter=counter)
    policy = AMPOPolicy(DecisionTreeRegressor(), **SMALL).fit(make)
    first = policy.score(make, n_episodes=5)
    assert type(first) is float
    policy.act([0.0, 0.0], deterministic=False)
    policy.sample(STATES)
    np.random.seed(0)  # noqa: NPY002 (an environment may use the global state)
    assert policy.score(make, n_episodes=5) == first
    assert counter.opened == counter.closed


def test_score_plays_the_greedy_policy():
    policy = AMPOPolicy(DecisionTreeRegressor(), step_size="greedy", gamma=0, **SMALL)
    policy.set_params(steps_per_iter=480, exploration=1.0)
    assert policy.fit(make_env).score(make_env, n_episodes=3) == 5.0
    assert policy.score([make_env, lambda: RewardingEnv(9, 3)], n_episodes=2) >= 5.0


def test_play_knows_how_far_to_trust_score():
    pole = AMPOPolicy(DecisionTreeRegressor(), **SMALL).fit("CartPole-v1")
    played = pole.play("CartPole-v1", 8)
    assert played.mean == pole.score("CartPole-v1", n_episodes=8)
    assert type(played.mean) is type(played.standard_error) is float
    assert played.standard_error == pytest.approx(sem(played.returns))
    assert f"standard error {played.standard_error:.2g}, 8 episodes" in str(played)
    alone = pole.play("CartPole-v1", 1)
    assert np.isnan(alone.standard_error)
    assert str(alone) == f"{alone.mean:.4g} (1 episode)"


def test_score_leaves_the_environment_as_it_is(policy):
    environment = make_env()
    environment.reset(seed=3)
    environment.step(1)
    policy.score(environment, n_episodes=2)
    assert environment.t == 1
    assert environment.seeds == [3]
    assert environment.counter.opened == 1


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (CountingEnv, "CountingEnv has action_space=Discrete(2), but the policy was"),
        ("CartPole-v1", "CartPole-v1 has observation_space=Box("),
    ],
)
def test_score_refuses_other_spaces(policy, environment, words):
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        policy.score(environment)
    assert "but the policy was fitted with" in str(caught.value)
    assert "Score it on environments with the same spaces." in str(caught.value)


@pytest.mark.parametrize("n_episodes", [0, -1, 2.0, None, True])
def test_score_needs_episodes(policy, n_episodes):
    with pytest.raises(ValueError, match="'n_episodes' parameter of play_episodes"):
        policy.score(make_env, n_episodes=n_episodes)


def test_score_of_states_is_accuracy(policy):
    y = policy.predict(STATES)
    assert policy.score(STATES, y) == 1.0
    y[:10] = 99
    assert policy.score(STATES, y) == 0.8
