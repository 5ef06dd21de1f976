"""QuantEcon's solver of finite models finds the same optimal values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from quantecon.markov import DiscreteDP
from scipy.sparse import csr_matrix

from skampo.mdp import TabularMDP, make_random_mdp
from tests.mdp.forms import stored

METHODS = ["policy_iteration", "modified_policy_iteration", "value_iteration"]
TOY_TEXT = ["FrozenLake-v1", "FrozenLake8x8-v1", "Taxi-v4", "CliffWalking-v1"]


def optimal_values(mdp, gamma):
    """What QuantEcon's policy iteration finds."""
    states, actions = np.indices(mdp.reward.shape).reshape(2, -1)
    rows = csr_matrix(mdp.transition_rows)
    problem = DiscreteDP(mdp.reward.ravel(), rows, gamma, states, actions)
    return problem.solve(method="policy_iteration").v


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("seed", range(50))
def test_random_models(seed, form):
    rng = np.random.default_rng(seed)
    n_states, n_actions, n_successors = rng.integers([2, 1, 1], [60, 6, 10])
    mdp = make_random_mdp(
        int(n_states),
        int(n_actions),
        n_successors=int(n_successors),
        sparse=form == "sparse",
        random_state=seed,
    )
    gamma = float(rng.uniform(0, 0.99))
    expected = optimal_values(mdp, gamma)
    for method in METHODS:
        solution = mdp.solve(gamma, method=method, tol=1e-12)
        assert_allclose(solution.values, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("name", TOY_TEXT)
def test_toy_text(name, form, method):
    mdp = stored(TabularMDP.from_env(name), form)
    solution = mdp.solve(0.99, method=method, tol=1e-12)
    assert_allclose(solution.values, optimal_values(mdp, 0.99), rtol=0, atol=1e-10)
