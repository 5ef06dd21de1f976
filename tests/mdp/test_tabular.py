"""Exact evaluation against values worked out by hand, and the model's refusals."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skampo.mdp import TabularMDP, make_chain, make_random_mdp
from tests.mdp.forms import FORMS

# Action 0 stays, action 1 moves to the other state; only state 1 pays.
TRANSITION = np.array([[[1.0, 0], [0, 1]], [[0, 1.0], [1, 0]]])
REWARD = np.array([[0.0, 0.0], [1.0, 1.0]])
STAY = np.array([[1.0, 0], [1, 0]])
UNIFORM = np.full((2, 2), 0.5)


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


@pytest.fixture
def mdp(form):
    return TabularMDP(form(TRANSITION), REWARD)


def test_values_by_hand(mdp):
    # Staying in state 1 pays 1 for ever: 1 / (1 - 0.5).
    assert_allclose(mdp.values(STAY, 0.5), [0, 2])
    # v0 = 0.25 (v0 + v1), v1 = 1 + 0.25 (v0 + v1), so that v1 = v0 + 1.
    assert_allclose(mdp.values(UNIFORM, 0.5), [0.5, 1.5])
    assert_allclose(mdp.action_values(UNIFORM, 0.5), [[0.25, 0.75], [1.75, 1.25]])
    assert mdp.expected_return(UNIFORM, 0.5) == pytest.approx(1.0)


def test_operators_by_hand(mdp):
    # r + gamma P v with v = (4, 2).
    assert_array_equal(mdp.look_ahead([4, 2], 0.5), [[2, 1], [2, 3]])
    assert_array_equal(mdp.bellman([4, 2], 0.5), [2, 3])
    assert_array_equal(mdp.policy_bellman([4, 2], UNIFORM, 0.5), [1.5, 2.5])
    assert_array_equal(mdp.greedy([4, 2], 0.5), [[1, 0], [0, 1]])


def test_the_first_of_equally_good_actions_is_greedy(mdp):
    assert_array_equal(mdp.greedy([1, 1], 0.5), [[1, 0], [1, 0]])


def test_visitation_by_hand(form):
    mdp = TabularMDP(form(TRANSITION), REWARD, initial_distribution=[1.0, 0.0])
    assert_allclose(mdp.visitation(STAY, 0.5), [1, 0])
    # d1 = 0.5 * 0.5 (d0 + d1) = 0.25.
    assert_allclose(mdp.visitation(UNIFORM, 0.5), [0.75, 0.25])


def test_optimum_by_hand(mdp):
    solution = mdp.solve(0.5)
    assert_allclose(solution.values, [1, 2])
    assert_array_equal(solution.proba, [[0, 1], [1, 0]])
    assert_allclose(mdp.bellman(solution.values, 0.5), solution.values)


def test_without_discount_only_rewards_count(mdp):
    assert_allclose(mdp.values(UNIFORM, 0.0), [0, 1])
    assert_allclose(mdp.solve(0.0).values, [0, 1])


@given(
    st.integers(0, 10_000),
    st.integers(2, 8),
    st.integers(1, 4),
    st.floats(0, 0.99),
    st.booleans(),
)
def test_fixed_points_and_the_performance_difference(
    seed, n_states, n_actions, gamma, sparse
):
    mdp = make_random_mdp(
        n_states, n_actions, n_successors=2, sparse=sparse, random_state=seed
    )
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


def test_visitation_is_never_negative(form):
    chain = make_chain(500)
    rng = np.random.default_rng(0)
    mdp = TabularMDP(form(chain.transition), chain.reward, chain.initial_distribution)
    for gamma in (0.9, 0.99, 0.999):
        visitation = mdp.visitation(rng.dirichlet([0.1, 0.1], size=500), gamma)
        assert (visitation >= 0).all()
        assert visitation.sum() == pytest.approx(1)


def test_absorbing_states(form):
    # State 0 can leave, state 1 pays for staying, state 2 does neither.
    transition = np.eye(3)[[[0, 1], [1, 1], [2, 2]]]
    mdp = TabularMDP(form(transition), [[0, 0], [0, 1], [0, 0]])
    assert_array_equal(mdp.absorbing, [False, False, True])


def test_the_forms_of_the_probabilities(mdp, form):
    assert type(mdp.transition) is type(form(TRANSITION))
    assert_array_equal(mdp.transition_rows.toarray(), TRANSITION.reshape(4, 2))


def test_a_model_can_be_stored_and_copied(mdp):
    for again in (pickle.loads(pickle.dumps(mdp)), copy.deepcopy(mdp)):
        assert_array_equal(again.values(UNIFORM, 0.5), mdp.values(UNIFORM, 0.5))


def change(array, index, value):
    array = array.copy()
    array[index] = value
    return array


@pytest.mark.parametrize(
    ("transition", "reward", "words"),
    [
        (TRANSITION[0], REWARD, r"\(n_states, n_actions, n_states\)"),
        (TRANSITION, REWARD[0], r"and reward \(n_states, n_actions\)"),
        (TRANSITION[:0], REWARD[:0], r"Got \(0, 2, 2\) and \(0, 2\) instead"),
    ],
)
def test_invalid_shapes(transition, reward, words):
    with pytest.raises(ValueError, match=words):
        TabularMDP(transition, reward)


@pytest.mark.parametrize(
    ("transition", "words"),
    [
        (change(TRANSITION, (1, 0, 0), 0.5), r"transition\[1, 0\] must sum to 1. Got"),
        (change(TRANSITION, (0, 1), [0, 0]), r"transition\[0, 1\] must sum to 1. Got"),
        (change(TRANSITION, (0, 1), [2.0, -1]), r"transition\[0, 1\] .* not negative"),
        (change(TRANSITION, (1, 1, 1), np.nan), r"transition\[1, 1\] must be finite"),
        (change(TRANSITION, (0, 1), [np.inf, -np.inf]), r"\[0, 1\] must be finite"),
    ],
)
def test_invalid_probabilities(transition, words, form):
    with pytest.raises(ValueError, match=words):
        TabularMDP(form(transition), REWARD)


def test_invalid_rewards(form):
    with pytest.raises(ValueError, match=r"reward\[1, 1\] must be finite. Got inf"):
        TabularMDP(form(TRANSITION), change(REWARD, (1, 1), np.inf))


@pytest.mark.parametrize(
    ("initial", "words"),
    [
        ([1.0], r"must have shape \(2,\). Got \(1,\)"),
        ([0.5, 0.4], "initial_distribution must sum to 1"),
        ([1.5, -0.5], "initial_distribution must be finite and not negative"),
        ([np.nan, 1.0], "initial_distribution must be finite and not negative"),
    ],
)
def test_invalid_initial_distributions(initial, words, form):
    with pytest.raises(ValueError, match=words):
        TabularMDP(form(TRANSITION), REWARD, initial)


@pytest.mark.parametrize("gamma", [1, -0.1, np.nan, "0.5"])
def test_invalid_discounts(mdp, gamma):
    with pytest.raises(ValueError, match="gamma must be a float in the range"):
        mdp.values(UNIFORM, gamma)
    with pytest.raises(ValueError, match="gamma must be a float in the range"):
        mdp.solve(gamma)


@pytest.mark.parametrize(
    ("proba", "words"),
    [
        (UNIFORM[:1], r"A policy must have shape \(2, 2\)"),
        ([[0.5, 0.5], [0.5, 0.6]], r"Got \[0.5 0.6\] in state 1"),
        ([[1.5, -0.5], [0.5, 0.5]], r"Got \[ 1.5 -0.5\] in state 0"),
        ([[0.5, 0.5], [np.nan, 0.5]], r"Got \[nan 0.5\] in state 1"),
    ],
)
def test_invalid_policies(mdp, proba, words):
    with pytest.raises(ValueError, match=words):
        mdp.values(proba, 0.5)
    with pytest.raises(ValueError, match=words):
        mdp.visitation(proba, 0.5)


def test_policies_of_single_precision_are_taken(mdp):
    proba = np.array([[1 / 3, 2 / 3], [0.9, 0.1]], dtype=np.float32)
    assert_allclose(mdp.values(proba, 0.5), mdp.values(proba.astype(float), 0.5))
