"""Models as environments: gymnasium's check, frequencies, ends and copies."""

import copy
import pickle
import time
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import TimeLimit
from numpy.testing import assert_allclose

from skampo import AMPOPolicy
from skampo.mdp import TabularMDP, make_gridworld, make_random_mdp
from tests.mdp.forms import FORMS, stored

LAKE = make_gridworld(["S...", ".H.H", "...H", "H..G"], slip=2 / 3)
RANDOM = make_random_mdp(6, 3, random_state=0)


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


# It cannot try other render modes of an environment that is not registered.
@pytest.mark.filterwarnings("ignore:.*not having a spec.*:UserWarning")
@pytest.mark.parametrize("mdp", [LAKE, RANDOM])
def test_gymnasium_accepts_it(mdp, form):
    check_env(stored(mdp, form).to_env())


def play(env, n_steps, seed):
    rng = np.random.default_rng(seed)
    state, _ = env.reset(seed=seed)
    for _ in range(n_steps):
        action = int(rng.integers(env.action_space.n))
        after, reward, terminated, truncated, _ = env.step(action)
        yield state, action, reward, after, terminated, truncated
        state = env.reset()[0] if terminated or truncated else after


def test_frequencies_are_the_probabilities(form):
    env = stored(LAKE, form).to_env()
    counts = np.zeros((16, 4, 16))
    for state, action, reward, after, terminated, _ in play(env, 40_000, 0):
        counts[state, action, after] += 1
        assert reward == LAKE.reward[state, action]
        assert terminated == LAKE.absorbing[after]
    n = counts.sum(axis=2, keepdims=True)
    often = n[..., 0] > 200
    shares = (counts / np.maximum(n, 1))[often]
    expected = LAKE.transition[often]
    assert often.sum() > 20
    assert (shares[expected == 0] == 0).all()
    error = np.sqrt(expected * (1 - expected) / n[often])
    assert (np.abs(shares - expected) <= 4.5 * error).all()


def test_episodes_begin_as_the_model_says():
    mdp = TabularMDP(RANDOM.transition, RANDOM.reward, [0.5, 0, 0.3, 0.2, 0, 0])
    env = mdp.to_env()
    env.reset(seed=0)
    counts = np.bincount([env.reset()[0] for _ in range(10_000)], minlength=6)
    assert_allclose(counts / 10_000, mdp.initial_distribution, atol=0.02)
    assert (counts[[1, 4, 5]] == 0).all()


@pytest.mark.parametrize("uniform", [0.0, np.nextafter(1.0, 0.0)])
def test_the_ends_of_the_unit_interval_draw_possible_states(uniform):
    mdp = TabularMDP(np.eye(3)[[[1], [1], [1]]], np.zeros((3, 1)), [0, 1, 0])
    env = mdp.to_env()
    env.np_random = SimpleNamespace(random=lambda: uniform)
    assert env.reset()[0] == 1


def test_mean_discounted_returns_are_the_expected_one():
    gamma, returns = 0.9, []
    env = LAKE.to_env()
    total, factor = 0.0, 1.0
    for _, _, reward, _, terminated, _ in play(env, 40_000, 1):
        total, factor = total + factor * reward, factor * gamma
        if terminated:
            returns.append(total)
            total, factor = 0.0, 1.0
    expected = LAKE.expected_return(np.full((16, 4), 0.25), gamma)
    error = np.std(returns) / np.sqrt(len(returns))
    assert abs(np.mean(returns) - expected) < 4 * error


def test_a_seed_decides_everything(form):
    mdp = stored(RANDOM, form)
    first, again, other = (list(play(mdp.to_env(), 50, s)) for s in (3, 3, 4))
    assert first == again != other


def test_copies_go_on_from_the_same_place(form):
    env = stored(RANDOM, form).to_env()
    list(play(env, 10, 0))
    copies = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    expected = [env.step(i % 3)[0] for i in range(20)]
    for other in copies:
        assert [other.step(i % 3)[0] for i in range(20)] == expected


def test_a_time_limit_truncates():
    env = RANDOM.to_env(max_episode_steps=5)
    assert isinstance(env, TimeLimit)
    flags = [truncated for *_, truncated in play(env, 10, 0)]
    assert flags == [False] * 4 + [True] + [False] * 4 + [True]
    assert not isinstance(RANDOM.to_env(), TimeLimit)


def test_an_absorbing_state_is_never_left():
    env = make_gridworld(["SG"]).to_env()
    env.reset(seed=0)
    assert env.step(2) == (1, 1.0, True, False, {})
    assert env.step(0) == (1, 0.0, True, False, {})


@pytest.mark.parametrize("action", [4, -1, 0.5, None])
def test_invalid_actions(action):
    env = LAKE.to_env()
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"must be an integer from 0 to 3\. Got"):
        env.step(action)


def test_a_step_without_a_reset():
    with pytest.raises(ResetNeeded, match="Call reset before step"):
        LAKE.to_env().step(0)


def test_a_policy_is_fitted_to_it(form):
    env = stored(LAKE, form).to_env()
    policy = AMPOPolicy(
        max_iter=3, steps_per_iter=64, max_episode_steps=50, random_state=0
    ).fit(env)
    assert policy.n_steps_ == 3 * 64
    assert policy.predict(LAKE.states).shape == (16,)


def test_a_step_of_a_large_model_is_quick():
    env = make_random_mdp(20_000, 1, sparse=True, random_state=0).to_env()
    env.reset(seed=0)
    start = time.process_time()
    for _ in range(1_000):
        env.step(0)
    # Summing 20,000 probabilities at each step would take longer than that.
    assert time.process_time() - start < 0.04
