"""Sparse systems are solved to a certified error, also where Krylov methods fail."""

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array, diags_array
from sklearn.exceptions import ConvergenceWarning

from skampo.mdp import TabularMDP, make_chain, make_gridworld, make_random_mdp
from tests.mdp.products import counted_products

RNG = np.random.default_rng(0)


def cycle(n_states=2_000):
    """All eigenvalues on the unit circle: nothing is faster than sweeps."""
    after = np.roll(np.arange(n_states), 1)
    rows = csr_array((np.ones(n_states), after, np.arange(n_states + 1)))
    return TabularMDP(rows, RNG.uniform(size=(n_states, 1)))


def corridor(n_states=2_000):
    """Breaks BiCGSTAB down: the reward is far from where episodes begin."""
    forward = diags_array(np.ones(n_states - 1), offsets=1).tolil()
    forward[-1, -1] = 1
    reward = np.zeros((n_states, 1))
    reward[-1] = 1
    return TabularMDP(forward.tocsr(), reward, np.eye(1, n_states)[0])


MODELS = {
    "random": make_random_mdp(2_000, 3, n_successors=5, sparse=True, random_state=0),
    "gridworld": make_gridworld(["." * 45] * 44 + ["." * 44 + "G"], slip=0.2),
    "chain": make_chain(2_000),
    "cycle": cycle(),
    "corridor": corridor(),
}


def policies(mdp):
    yield np.full(mdp.reward.shape, 1 / mdp.n_actions)
    yield np.eye(mdp.n_actions)[RNG.integers(0, mdp.n_actions, mdp.n_states)]


@pytest.mark.parametrize("gamma", [0.9, 0.99, 0.999])
@pytest.mark.parametrize("name", MODELS)
def test_values_and_visitation_are_certified(name, gamma):
    mdp = MODELS[name]
    for proba in policies(mdp):
        values = mdp.values(proba, gamma)
        residual = np.abs(mdp.policy_bellman(values, proba, gamma) - values).max()
        assert residual / (1 - gamma) <= 2e-11 * max(1, np.abs(values).max())
        visitation = mdp.visitation(proba, gamma)
        inflow = mdp.transition_rows.T @ (visitation[:, None] * proba).ravel()
        balance = (1 - gamma) * mdp.initial_distribution + gamma * inflow - visitation
        assert np.abs(balance).sum() / (1 - gamma) <= 2e-11


def test_values_that_are_known():
    n_states, gamma = 2_000, 0.999
    values = MODELS["corridor"].values(np.ones((n_states, 1)), gamma)
    steps = np.arange(n_states)[::-1]
    assert_allclose(values, gamma**steps / (1 - gamma), rtol=1e-9)


def test_no_rewards_have_no_values():
    mdp = TabularMDP(MODELS["random"].transition, np.zeros((2_000, 3)))
    assert (mdp.values(np.full((2_000, 3), 1 / 3), 0.99) == 0).all()


def test_rewards_of_any_size():
    mdp, proba = MODELS["random"], np.full((2_000, 3), 1 / 3)
    values = mdp.values(proba, 0.99)
    for factor in (1e-200, 1e-8, 1e8, 1e200):
        scaled = TabularMDP(mdp.transition, factor * mdp.reward)
        assert_allclose(scaled.values(proba, 0.99), factor * values, rtol=1e-10)


def test_more_than_float64_holds_is_not_promised():
    mdp = MODELS["random"]
    proba = np.full(mdp.reward.shape, 1 / 3)
    with counted_products() as products:
        with pytest.warns(ConvergenceWarning, match=r"gamma=0\.99999999 is too close"):
            values = mdp.values(proba, 0.99999999)
    assert np.isfinite(values).all()
    # Rounding ends it after a few rounds of Krylov steps, of 200 at most.
    assert 0 < len(products) < 10 * 2 * 200


@pytest.mark.slow
def test_a_budget_ends_the_iteration():
    # A hundred million sweeps would divide the error by e.
    with pytest.warns(ConvergenceWarning, match=r"gamma=0\.99999999 is too close"):
        cycle(200).values(np.ones((200, 1)), 0.99999999)


def test_many_successors_do_not_cost_sweeps_for_nothing():
    # Rounding keeps sums of 500 terms from the goal, but not from the promise.
    mdp = make_random_mdp(500, 1, n_successors=500, sparse=True, random_state=0)
    start = time.process_time()
    values = mdp.values(np.ones((500, 1)), 0.9999)
    assert time.process_time() - start < 0.5
    residual = np.abs(mdp.bellman(values, 0.9999) - values).max()
    assert residual / 1e-4 <= 1e-10 * values.max()


def test_one_evaluation_of_ten_thousand_states_takes_less_than_two_seconds():
    mdp = make_random_mdp(10_000, 8, n_successors=10, sparse=True, random_state=0)
    proba = np.full(mdp.reward.shape, 1 / 8)
    for gamma in (0.99, 0.999):
        start = time.process_time()
        mdp.action_values(proba, gamma)
        assert time.process_time() - start < 2
