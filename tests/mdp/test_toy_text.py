"""Models of gymnasium's environments, and environments that have none."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Discrete
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse

from skampo.mdp import TabularMDP


class Toy(gymnasium.Env):
    """An environment that consists of a model."""

    def __init__(self, model, start):
        self.P, self.initial_state_distrib = model, start
        self.observation_space, self.action_space = Discrete(len(start)), Discrete(1)


def expected_return(name, gamma):
    mdp = TabularMDP.from_env(name)
    return mdp.initial_distribution @ mdp.solve(gamma).values


def test_known_optima():
    assert expected_return("FrozenLake-v1", 0.99) == pytest.approx(0.5420259, abs=1e-7)
    # Along the cliff there are 13 moves, each of which costs 1.
    assert expected_return("CliffWalking-v1", 1 - 1e-9) == pytest.approx(-13, abs=1e-6)
    # Without slipping, six moves lead to the goal, and the last one pays.
    lake = gymnasium.make("FrozenLake-v1", is_slippery=False)
    mdp = TabularMDP.from_env(lake)
    assert mdp.solve(0.9).values[0] == pytest.approx(0.9**5)


@pytest.mark.parametrize("name", ["FrozenLake-v1", "Taxi-v4", "CliffWalking-v1"])
def test_the_model_is_that_of_the_environment(name):
    env = gymnasium.make(name)
    mdp = TabularMDP.from_env(name)
    model, n_actions = env.unwrapped.P, int(env.action_space.n)
    n_states = int(env.observation_space.n)
    rows = mdp.transition_rows.toarray().reshape(mdp.n_states, n_actions, -1)
    assert_array_equal(
        mdp.initial_distribution[:n_states], env.unwrapped.initial_state_distrib
    )
    for state in np.flatnonzero(~mdp.absorbing[:n_states]):
        for action in range(n_actions):
            moves = model[state][action]
            reward = sum(p * pays for p, _, pays, _ in moves)
            assert mdp.reward[state, action] == pytest.approx(reward)
            for _, successor, _, terminated in moves:
                into = successor
                if terminated and not mdp.absorbing[successor]:
                    into = n_states
                share = sum(
                    p
                    for p, other, _, ends in moves
                    if (other, ends) == (successor, terminated)
                )
                assert rows[state, action, into] == pytest.approx(share)


def test_ends_become_absorbing_in_place():
    lake = TabularMDP.from_env("FrozenLake-v1")
    assert_array_equal(np.flatnonzero(lake.absorbing), [5, 7, 11, 12, 15])
    assert lake.n_states == 16
    # The way up from the goal of CliffWalking is in its model, but never taken.
    cliff = TabularMDP.from_env("CliffWalking-v1")
    assert_array_equal(np.flatnonzero(cliff.absorbing), [47])
    assert cliff.n_states == 48


def test_an_end_that_is_also_passed_through_is_one_more_state():
    taxi = TabularMDP.from_env("Taxi-v4")
    assert (taxi.n_states, np.flatnonzero(taxi.absorbing).tolist()) == (501, [500])
    assert issparse(taxi.transition)
    # Delivering the passenger pays 20 and ends the episode, wherever that is.
    assert (taxi.reward == 20).sum() == 4
    assert (taxi.transition_rows.toarray()[taxi.reward.ravel() == 20, 500] == 1).all()


def test_an_episode_may_begin_where_another_ends():
    toy = Toy(
        {0: {0: [(1.0, 1, 2.0, True)]}, 1: {0: [(1.0, 0, 5.0, False)]}}, [0.5] * 2
    )
    mdp = TabularMDP.from_env(toy)
    assert_array_equal(mdp.initial_distribution, [0.5, 0.5, 0])
    # From state 1 the episode goes on: 5 + 0.5 * 2.
    assert_allclose(mdp.values(np.ones((3, 1)), 0.5), [2, 6, 0])


def test_what_would_follow_an_end_enters_nothing():
    model = {
        0: {0: [(0.5, 1, 1.0, True), (0.5, 2, 1.0, True)]},
        1: {0: [(1.0, 2, 9.0, False)]},
        2: {0: [(1.0, 1, 9.0, False)]},
    }
    mdp = TabularMDP.from_env(Toy(model, [1.0, 0, 0]))
    assert_array_equal(mdp.absorbing, [False, True, True])
    assert_allclose(mdp.values(np.ones((3, 1)), 0.5), [1, 0, 0])


def test_successors_that_are_listed_twice_are_summed():
    model = {0: {0: [(0.25, 1, 4.0, True), (0.5, 1, 0.0, True), (0.25, 0, 0, False)]}}
    model[1] = {0: [(0.0, 0, 0.0, False), (1.0, 1, 0.0, True)]}
    mdp = TabularMDP.from_env(Toy(model, [1.0, 0]))
    assert_array_equal(mdp.transition[:, 0], [[0.25, 0.75], [0, 1]])
    assert_array_equal(mdp.reward, [[1], [0]])


def test_successors_without_probability_are_none():
    model = {0: {0: [(1.0, 1, 4.0, True), (0.0, 1, 0.0, False)]}}
    model[1] = {0: [(1.0, 1, 0.0, True)]}
    mdp = TabularMDP.from_env(Toy(model, [1.0, 0]))
    assert_array_equal(mdp.absorbing, [False, True])


def test_an_id_a_specification_and_an_environment_are_the_same():
    env = gymnasium.make("FrozenLake-v1")
    expected = TabularMDP.from_env(env)
    for source in ("FrozenLake-v1", env.spec, env.unwrapped):
        mdp = TabularMDP.from_env(source)
        assert_array_equal(mdp.transition, expected.transition)
        assert_array_equal(mdp.reward, expected.reward)


def test_the_environment_stays_as_it_was():
    env = gymnasium.make("FrozenLake-v1")
    env.reset(seed=1)
    state, model = env.unwrapped.s, str(env.unwrapped.P)
    mdp = TabularMDP.from_env(env)
    mdp.initial_distribution[:] = 0
    assert (env.unwrapped.s, str(env.unwrapped.P)) == (state, model)
    assert env.unwrapped.initial_state_distrib[0] == 1
    env.step(0)


def test_what_was_made_is_closed_and_what_was_given_is_not(monkeypatch):
    toy = Toy({0: {0: [(1.0, 0, 0.0, False)]}}, [1.0])
    closed = []
    toy.close = lambda: closed.append(True)
    TabularMDP.from_env(toy)
    assert closed == []
    monkeypatch.setattr(gymnasium, "make", lambda env: toy)
    TabularMDP.from_env("Toy-v0")
    assert closed == [True]


def test_environments_without_a_model():
    with pytest.raises(ValueError, match="CartPole-v1 has no model"):
        TabularMDP.from_env("CartPole-v1")
    with pytest.raises(ValueError, match=r"needs a gymnasium environment.*Got dict"):
        TabularMDP.from_env({})


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({0: {0: [(1.0, 0, 0.0, False)]}}, r"P\[state\]\[action\] = .* KeyError\(1\)"),
        ({0: {0: [(1.0, 0, 0.0)]}, 1: {0: []}}, "states from 0 to 1 .* another form"),
        (
            {s: {a: [(1.0, 0, 0.0, False)] for a in range(s + 1)} for s in (0, 1)},
            "same actions in each.*state 1 has 2 actions, state 0 1",
        ),
        ({s: {0: [(1.0, 2, 0.0, False)]} for s in (0, 1)}, "integers from 0 to 1"),
        ({s: {0: [(1.0, 0.5, 0.0, False)]} for s in (0, 1)}, "integers from 0 to 1"),
        ({s: {0: [(0.5, s, 0.0, False)]} for s in (0, 1)}, r"\[0, 0\] must sum to 1"),
    ],
)
def test_models_of_another_form(model, words):
    with pytest.raises(ValueError, match=words):
        TabularMDP.from_env(Toy(model, [0.5, 0.5]))
