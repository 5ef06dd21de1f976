"""Policy mirror descent with the entropy in the values, against its own formulas."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp

from skampo import AMPOPolicy
from skampo.critics import Exact
from skampo.exceptions import InvalidParameterError
from skampo.mdp import TabularMDP, make_random_mdp
from skampo.step_sizes import Constant
from skampo.theory import cen_bound
from tests.theory.walks import Recorded

N_ITER = 12


class Problem:
    """A random model, its discount, weight of the entropy and step size."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        n_states, n_actions = int(rng.integers(3, 31)), int(rng.integers(2, 7))
        self.mdp = make_random_mdp(n_states, n_actions, random_state=seed)
        self.gamma, self.tau = rng.uniform(0.3, 0.95), 10 ** rng.uniform(-2, 0)
        self.eta = rng.uniform(0.1, 1.0) / self.tau

    def walk(self, n_iter, step_size=None):
        """All policies of one fit."""
        recorded = Recorded(step_size or Constant(self.eta))
        policy = AMPOPolicy(
            critic=Exact(tau=self.tau),
            step_size=recorded,
            gamma=self.gamma,
            max_iter=n_iter,
        ).fit(self.mdp)
        return [*recorded.policies, policy.predict_proba(self.mdp.states)], policy

    def soft(self, proba):
        """Action values with entropy, from a dense linear system."""
        mdp, gamma = self.mdp, self.gamma
        paid = (proba * (mdp.reward - self.tau * np.log(proba))).sum(axis=1)
        chain = np.einsum("sa,sat->st", proba, mdp.transition)
        values = np.linalg.solve(np.eye(mdp.n_states) - gamma * chain, paid)
        return mdp.reward + gamma * mdp.transition @ values

    def optimum(self):
        """The fixed point of the soft Bellman operator."""
        q_values = np.zeros_like(self.mdp.reward)
        for _ in range(2000):
            values = self.tau * logsumexp(q_values / self.tau, axis=1)
            q_values = self.mdp.reward + self.gamma * self.mdp.transition @ values
        return q_values, softmax(q_values / self.tau)

    def updates(self):
        """p <- p^(1 - eta tau) exp(eta Q), normalized."""
        proba = np.full_like(self.mdp.reward, 1 / self.mdp.n_actions)
        for _ in range(N_ITER):
            yield proba
            kept = (1 - self.eta * self.tau) * np.log(proba)
            proba = softmax(kept + self.eta * self.soft(proba))
        yield proba


def softmax(scores):
    return np.exp(scores - logsumexp(scores, axis=1, keepdims=True))


def largest_difference(one, other):
    return np.abs(one - other).max()


@pytest.mark.parametrize("seed", range(30))
def test_every_iterate_is_that_of_the_formula(seed):
    problem = Problem(seed)
    for found, expected in zip(problem.walk(N_ITER)[0], problem.updates(), strict=True):
        assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "seed", [pytest.param(i, marks=[pytest.mark.slow] * (i > 9)) for i in range(30)]
)
def test_the_bound_holds(seed):
    problem = Problem(seed)
    best, optimal = problem.optimum()
    policies, _ = problem.walk(30)
    gaps = [largest_difference(best, problem.soft(proba)) for proba in policies]
    distance = largest_difference(np.log(optimal), np.log(policies[0]))
    setting = problem.gamma, problem.tau, problem.eta, gaps[0], distance
    bounds = cen_bound(np.arange(31), *setting)
    assert (gaps <= bounds + 1e-10 * np.abs(best).max()).all()


def test_the_bound_by_hand():
    # 0.5 * (1 - 0.5 * 0.5)^2 * (8 + 2 * 0.1 * 0.5 * 1)
    found = cen_bound([0, 3], 0.5, 0.1, 5.0, initial_gap=8.0, log_distance=1.0)
    assert_allclose(found, [8.0, 0.5 * 0.75**2 * 8.1])


def test_the_bound_is_tight_within_a_factor_of_100():
    # Short steps: long ones converge faster than any bound that is linear.
    problem = Problem(4)
    problem.eta = 0.05 / problem.tau
    best, optimal = problem.optimum()
    policies, _ = problem.walk(10)
    gaps = np.array(
        [largest_difference(best, problem.soft(proba)) for proba in policies]
    )
    distance = largest_difference(np.log(optimal), np.log(policies[0]))
    setting = problem.gamma, problem.tau, problem.eta, gaps[0], distance
    assert (cen_bound(np.arange(11), *setting) < 100 * gaps).all()


def test_constant_steps_reach_the_regularized_optimum():
    problem = Problem(7)
    policies, _ = problem.walk(300)
    assert largest_difference(policies[-1], problem.optimum()[1]) < 1e-9


def test_steps_are_cut_where_they_are_soft_policy_iteration():
    problem = Problem(8)
    policies, policy = problem.walk(3, Constant(1e6))
    for old, new in pairwise(policies):
        expected = softmax(problem.soft(old) / problem.tau)
        assert_allclose(new, expected, rtol=0, atol=1e-10)
    assert policy.step_size_ == 1 / problem.tau


def test_greedy_steps_are_soft_policy_iteration():
    problem = Problem(9)
    settings = {"critic": Exact(tau=problem.tau), "gamma": problem.gamma}
    policy = AMPOPolicy(step_size="greedy", max_iter=20, **settings).fit(problem.mdp)
    found = policy.predict_proba(problem.mdp.states)
    assert largest_difference(found, problem.optimum()[1]) < 1e-9


def test_values_by_hand():
    # One state that pays 1 or 0, for ever: (0.5 + 2 log 2) / (1 - 0.5).
    mdp = TabularMDP(np.ones((1, 2, 1)), [[1.0, 0.0]])
    found = mdp.values([[0.5, 0.5]], 0.5, tau=2.0)
    assert found == pytest.approx([1.0 + 4 * np.log(2)])
    assert mdp.values([[1.0, 0.0]], 0.5, tau=2.0) == pytest.approx([2.0])


def test_what_is_kept_and_recorded():
    problem = Problem(1)
    policies, policy = problem.walk(2)
    mdp, states = problem.mdp, problem.mdp.states
    assert_allclose(policy.action_values(states), problem.soft(policies[1]))
    found = [record["return_mean"] for record in policy.history_]
    plain = [mdp.expected_return(proba, problem.gamma) for proba in policies[:2]]
    assert_allclose(found, plain)


def test_other_mirror_maps_are_refused():
    policy = AMPOPolicy(critic=Exact(tau=0.1), mirror_map="euclidean", gamma=0.9)
    with pytest.raises(InvalidParameterError, match="use 'negative_entropy', or tau=0"):
        policy.fit(make_random_mdp(random_state=0))


@pytest.mark.parametrize("tau", [-1.0, np.inf, np.nan, "a"])
def test_weights_of_the_entropy_are_checked(tau):
    mdp = make_random_mdp(random_state=0)
    with pytest.raises(InvalidParameterError, match=r"tau.* a float in the range"):
        AMPOPolicy(critic=Exact(tau=tau), gamma=0.9).fit(mdp)
    with pytest.raises(ValueError, match=r"tau.* a float in the range"):
        mdp.values(np.zeros(mdp.n_states, dtype=int), 0.9, tau=tau)


def test_steps_beyond_the_longest_have_no_bound():
    with pytest.raises(InvalidParameterError, match="eta must be at most 1 / tau = 10"):
        cen_bound(1, 0.9, 0.1, 10.1, 1.0, 1.0)
    # A product of floats may exceed 1 by rounding.
    assert cen_bound(1, 0.9, 0.1, 1 / 0.1, 1.0, 1.0) == pytest.approx(0.9)
