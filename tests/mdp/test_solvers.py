"""All methods find the optimum, and what they say of their error is true."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from skampo.exceptions import InvalidParameterError
from skampo.mdp import TabularMDP, make_chain, make_gridworld, make_random_mdp
from tests.mdp.products import counted_products

METHODS = ["policy_iteration", "modified_policy_iteration", "value_iteration"]


def best_of_all_policies(mdp, gamma):
    """Optimal values by trying every deterministic policy."""
    choices = np.indices((mdp.n_actions,) * mdp.n_states).reshape(mdp.n_states, -1).T
    policies = np.eye(mdp.n_actions)[choices]
    return np.max([mdp.values(proba, gamma) for proba in policies], axis=0)


@given(
    st.integers(0, 10_000),
    st.integers(1, 4),
    st.integers(1, 3),
    st.floats(0, 0.99),
    st.booleans(),
    st.sampled_from(METHODS),
    st.sampled_from([1e-1, 1e-4, 1e-10]),
)
def test_the_error_is_certified(seed, n_states, n_actions, gamma, sparse, method, tol):
    mdp = make_random_mdp(n_states, n_actions, sparse=sparse, random_state=seed)
    optimum = best_of_all_policies(mdp, gamma)
    solution = mdp.solve(gamma, method=method, tol=tol)
    slack = 1e-12 * np.abs(optimum).max()
    assert np.abs(solution.values - optimum).max() <= solution.error + slack
    assert solution.error <= tol * max(1, optimum.max())
    # MacQueen's bounds hold the value of the policy as well.
    loss = (optimum - mdp.values(solution.proba, gamma)).max()
    assert loss <= 2 * solution.error + slack


@given(st.floats(0.001, 100), st.floats(0, 0.9999), st.sampled_from(METHODS))
def test_rounding_is_part_of_the_error(reward, gamma, method):
    solution = TabularMDP([[[1.0]]], [[reward]]).solve(gamma, method=method)
    # Fractions know the sum of the series to the last digit.
    optimum = Fraction(reward) / (1 - Fraction(gamma))
    missing = abs(Fraction(float(solution.values[0])) - optimum)
    assert missing <= Fraction(solution.error)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_pays_nothing(method):
    mdp = TabularMDP(np.eye(2)[[[0, 1], [1, 0]]], np.zeros((2, 2)))
    solution = mdp.solve(0.9, method=method)
    assert_array_equal(solution.values, 0)
    assert_array_equal(solution.proba, [[1, 0], [1, 0]])
    assert (solution.n_iter, solution.error) == (1, 0)


def test_sweeps_by_hand():
    # One state that pays 1: the first sweep gives 1, and the bounds meet at 1 / 0.5.
    mdp = TabularMDP([[[1.0]]], [[1.0]])
    solution = mdp.solve(0.5, method="value_iteration")
    assert (solution.values[0], solution.n_iter) == (2, 1)


def test_a_tolerance_is_not_overshot():
    mdp = make_chain(20)
    n_sweeps = [
        mdp.solve(0.9, method="value_iteration", tol=tol).n_iter
        for tol in (1e-2, 1e-5, 1e-8)
    ]
    # Three digits more take ln(1000) / -ln(0.9) = 66 sweeps at most.
    assert n_sweeps[0] < n_sweeps[1] <= n_sweeps[0] + 66
    assert n_sweeps[1] < n_sweeps[2] <= n_sweeps[1] + 66


def test_few_rounds_of_policy_iteration_are_enough():
    mdp = make_random_mdp(200, 5, random_state=0)
    assert mdp.solve(0.99).n_iter <= 10


@pytest.mark.parametrize("unit", [1e-300, 1e-12, 1e-6, 1e12])
def test_policy_iteration_does_not_depend_on_the_unit_of_the_rewards(unit):
    base = make_random_mdp(random_state=0)
    expected = base.solve(0.9)
    solution = TabularMDP(base.transition, unit * base.reward).solve(0.9)
    assert solution.n_iter == expected.n_iter
    assert_array_equal(solution.proba, expected.proba)
    assert_allclose(solution.values, unit * expected.values, rtol=1e-12)


def test_equal_actions_do_not_go_in_circles():
    # Actions that do the same differ in the last bits of their probabilities.
    base = make_random_mdp(30, 1, n_successors=7, random_state=0)
    noise = 1 + 1e-16 * np.random.default_rng(0).normal(size=(30, 6, 30))
    transition = base.transition * noise
    mdp = TabularMDP(transition, np.repeat(base.reward, 6, axis=1))
    for gamma in (0.9, 0.999, 0.999999):
        assert mdp.solve(gamma).n_iter == 1


def test_a_state_keeps_its_action_when_no_other_is_better():
    # In state 0, action 1 looks better by rounding. In state 1, it is worth 5 more.
    after = [[2, 3], [2, 4], [5, 5], [5, 5], [5, 5], [5, 5]]
    reward = [[1e-20, 0], [1, 0], [1, 1], [1 + 4e-16] * 2, [10, 10], [0, 0]]
    solution = TabularMDP(np.eye(6)[after], reward).solve(0.5)
    assert_array_equal(solution.proba[:2], [[1, 0], [0, 1]])
    assert solution.n_iter == 2


def test_what_float64_does_not_hold_is_not_waited_for():
    mdp = make_random_mdp(20, 3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Use a larger tol"):
        solution = mdp.solve(0.99, method="value_iteration", tol=1e-16)
    exact = mdp.solve(0.99)
    assert_allclose(solution.values, exact.values, rtol=1e-12)
    assert np.abs(solution.values - exact.values).max() <= solution.error
    assert_array_equal(solution.proba, exact.proba)


@pytest.mark.parametrize("method", ["linear_programming", None, ["value_iteration"]])
def test_unknown_methods(method):
    words = (
        r"\['modified_policy_iteration', 'policy_iteration', 'value_iteration'\]. Got"
    )
    with pytest.raises(InvalidParameterError, match=words):
        make_chain(3).solve(0.9, method=method)


@pytest.mark.parametrize("tol", [0, -1e-3, np.nan, np.inf, True, "small"])
def test_invalid_tolerances(tol):
    with pytest.raises(InvalidParameterError, match="tol must be a float in the range"):
        make_chain(3).solve(0.9, method="value_iteration", tol=tol)


def test_policy_iteration_reaches_the_tolerance():
    # Evaluations of sparse models leave an error that 1 / (1 - gamma) multiplies.
    rows = ["S" + 34 * ".", *33 * [35 * "."], 34 * "." + "G"]
    mdp = make_gridworld(rows, slip=0.2, step_reward=-1.0)
    found, more, swept = (mdp.solve(0.9999, method=method) for method in METHODS)
    assert found.error <= 1e-10 * np.abs(found.values).max()
    for other in (more, swept):
        assert np.abs(other.values - found.values).max() <= other.error + found.error


@pytest.mark.parametrize("method", METHODS)
def test_rewards_that_hardly_differ(method):
    for seed in range(10):
        base = make_random_mdp(30, 4, random_state=seed)
        best = base.solve(0.9)
        mdp = TabularMDP(base.transition, 1 + 1e-9 * base.reward)
        found = mdp.solve(0.9, method=method, tol=1e-14)
        # The rewards themselves are rounded, by 1e-7 of their differences.
        assert_allclose(base.values(found.proba, 0.9), best.values, atol=1e-5)
        assert found.error < 1e-12
        assert_allclose(found.values, 10 + 1e-9 * best.values, atol=1e-13)


@pytest.mark.parametrize("gamma", [0.5, 0.9, 0.999])
@pytest.mark.parametrize("method", METHODS)
def test_a_reward_that_is_far_away(method, gamma):
    # The best action of a state is known one round after that of the next.
    n_states = 60
    stay, go = np.eye(n_states), np.eye(n_states, k=1)
    go[-1, -1] = 1
    reward = np.zeros((n_states, 2))
    reward[-1] = 1
    mdp = TabularMDP(np.stack([stay, go], axis=1), reward)
    solution = mdp.solve(gamma, method=method)
    expected = gamma ** np.arange(n_states - 1, -1, -1) / (1 - gamma)
    assert_allclose(solution.values, expected, rtol=0, atol=1e-8 * expected.max())
    assert solution.error < 1e-8 * expected.max()


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_modified_policy_iteration_is_right_in_fewer_sweeps(seed, sparse):
    mdp = make_random_mdp(200, 4, n_successors=5, sparse=sparse, random_state=seed)
    found, expected, plain = (
        mdp.solve(0.99, method=method, tol=1e-11)
        for method in ("modified_policy_iteration", METHODS[0], METHODS[-1])
    )
    assert_allclose(found.values, expected.values, rtol=0, atol=1e-8)
    assert_array_equal(found.proba, expected.proba)
    assert found.n_iter < plain.n_iter


def test_policy_iteration_starts_from_the_last_values():
    rows = ["S" + 29 * ".", *28 * [30 * "."], 29 * "." + "G"]
    mdp = make_gridworld(rows, slip=0.2)
    with counted_products() as products:
        solution = mdp.solve(0.99)
    proba = np.full(mdp.reward.shape, 1 / mdp.n_actions)
    # The same policies, each evaluated from zero.
    with counted_products() as from_zero:
        for _ in range(solution.n_iter):
            values = mdp.values(proba, 0.99)
            proba = mdp.greedy(values, 0.99)
    assert_allclose(values, solution.values)
    assert 0 < len(products) < 0.8 * len(from_zero)
