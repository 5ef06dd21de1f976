"""Exact evaluation against values worked out by hand, and the model's refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skampo.mdp import TabularMDP, make_random_mdp

# Action 0 stays, action 1 moves to the other state; only state 1 pays.
TRANSITION = np.array([[[1.0, 0], [0, 1]], [[0, 1.0], [1, 0]]])
REWARD = np.array([[0.0, 0.0], [1.0, 1.0]])
STAY = np.array([[1.0, 0], [1, 0]])
UNIFORM = np.full((2, 2), 0.5)


@pytest.fixture
def mdp():
    return TabularMDP(TRANSITION, REWARD)


def test_values_by_hand(mdp):
    # Staying in state 1 pays 1 for ever: 1 / (1 - 0.5).
    assert_allclose(mdp.values(STAY, 0.5), [0, 2])
    # v0 = 0.25 (v0 + v1), v1 = 1 + 0.25 (v0 + v1), so that v1 = v0 + 1.
    assert_allclose(mdp.values(UNIFORM, 0.5), [0.5, 1.5])
    assert_allclose(mdp.action_values(UNIFORM, 0.5), [[0.25, 0.75], [1.75, 1.25]])
    assert mdp.expected_return(UNIFORM, 0.5) == pytest.approx(1.0)


def test_visitation_by_hand():
    mdp = TabularMDP(TRANSITION, REWARD, initial_distribution=[1.0, 0.0])
    assert_allclose(mdp.visitation(STAY, 0.5), [1, 0])
    # d1 = 0.5 * 0.5 (d0 + d1) = 0.25.
    assert_allclose(mdp.visitation(UNIFORM, 0.5), [0.75, 0.25])


def test_optimum_by_hand(mdp):
    solution = mdp.solve(0.5)
    assert_allclose(solution.values, [1, 2])
    assert_array_equal(solution.proba, [[0, 1], [1, 0]])
    assert_allclose(mdp.bellman(solution.values, 0.5), solution.values)


def test_without_discount_only_rewards_count(mdp):
    assert_allclose(mdp.solve(0.0).values, [0, 1])


@given(st.integers(0, 10_000), st.integers(2, 8), st.integers(1, 4), st.floats(0, 0.99))
def test_fixed_points_and_the_performance_difference(seed, n_states, n_actions, gamma):
    mdp = make_random_mdp(n_states, n_actions, n_successors=2, random_state=seed)
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.ones(n_actions), size=(2, n_states))
    values, solution = mdp.values(first, gamma), mdp.solve(gamma)
    assert_allclose(mdp.policy_bellman(values, first, gamma), values, atol=1e-9)
    assert_allclose(mdp.bellman(solution.values, gamma), solution.values, atol=1e-9)
    assert (solution.values >= values - 1e-9).all()
    visitation = mdp.visitation(second, gamma)
    assert visitation.sum() == pytest.approx(1)
    # V(second) - V(first) = E_d(second) <Q_first, second - first> / (1 - gamma)
    gain = (mdp.action_values(first, gamma) * (second - first)).sum(axis=1)
    difference = mdp.expected_return(second, gamma) - mdp.expected_return(first, gamma)
    assert visitation @ gain / (1 - gamma) == pytest.approx(difference, abs=1e-8)


def change(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("transition", "reward", "words"),
    [
        (TRANSITION[0], REWARD, r"\(n_states, n_actions, n_states\)"),
        (TRANSITION, REWARD[0], r"and reward \(n_states, n_actions\)"),
        (change(TRANSITION, (1, 0, 0), 0.5), REWARD, r"transition\[1, 0\] must sum to"),
        (change(TRANSITION, (0, 1), [2.0, -1]), REWARD, r"\[0, 1\] .* not negative"),
        (change(TRANSITION, (0, 1, 1), np.nan), REWARD, r"\[0, 1\] must be finite"),
        (TRANSITION, change(REWARD, (1, 1), np.inf), r"reward\[1, 1\] must be finite"),
    ],
)
def test_invalid_models(transition, reward, words):
    with pytest.raises(ValueError, match=words):
        TabularMDP(transition, reward)


@pytest.mark.parametrize(
    ("initial", "words"), [([1.0], "shape"), ([0.5, 0.4], "initial_.* must sum to 1")]
)
def test_invalid_initial_distributions(initial, words):
    with pytest.raises(ValueError, match=words):
        TabularMDP(TRANSITION, REWARD, initial)


@pytest.mark.parametrize("gamma", [1, -0.1, np.nan, "0.5"])
def test_invalid_discounts(mdp, gamma):
    with pytest.raises(ValueError, match="gamma must be a float in the range"):
        mdp.values(UNIFORM, gamma)


def test_a_policy_of_another_shape(mdp):
    with pytest.raises(ValueError, match=r"A policy must have shape \(2, 2\)"):
        mdp.values(UNIFORM[:1], 0.5)


def test_arrays_are_copied():
    reward = REWARD.copy()
    mdp = TabularMDP(TRANSITION, reward)
    reward[:] = 7
    assert_array_equal(mdp.reward, REWARD)


def test_random_models_have_few_successors():
    mdp = make_random_mdp(6, 2, n_successors=2, random_state=1)
    assert ((mdp.transition > 0).sum(axis=2) == 2).all()
    assert_array_equal(make_random_mdp(6, 2, random_state=1).reward.shape, (6, 2))
