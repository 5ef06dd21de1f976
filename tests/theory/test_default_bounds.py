"""Every guarantee, for fits that name no regressor."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skampo import AMPOPolicy
from skampo.critics import Exact
from skampo.mdp import TabularMDP, make_gridworld, make_random_mdp
from skampo.mirror_maps import Euclidean, NegativeEntropy
from skampo.step_sizes import Adaptive, Constant, Geometric, StepSize
from skampo.theory import (
    agarwal_bound,
    ampo_improvement_bound,
    ampo_linear_bound,
    ampo_sublinear_bound,
    johnson_bound,
    politex_bound,
    xiao_linear_bound,
    xiao_sublinear_bound,
    yuan_bound,
)
from tests.naming import show
from tests.theory.walks import MAPS, Problem, random_problem

ENTROPY = NegativeEntropy()
TOLERANCE = 1e-12
SEEDS = range(6)
README = make_random_mdp(random_state=0)

problem = cache(random_problem)
every_map = pytest.mark.parametrize("mirror_map", MAPS, ids=show)


@cache
def fit(seed, step_size, mirror_map, n_iter, **parameters):
    """A fit with the regressor left out, and its encoding."""
    parameters = {"encoding": "auto", **parameters}
    return problem(seed).walk(n_iter, step_size, mirror_map, None, **parameters)


def assert_below(values, bound):
    assert (values <= bound + TOLERANCE).all(), np.max(values - bound)


def walks(step_size, mirror_map, n_iter=12, **parameters):
    for seed in SEEDS:
        walk = fit(seed, step_size, mirror_map, n_iter, **parameters)
        # Exact mirror descent never makes a policy worse.
        assert (np.diff(walk.gaps) <= TOLERANCE).all(), seed
        yield walk, walk.problem.gamma, walk.problem.divergence(mirror_map)


@every_map
def test_constant_steps(mirror_map):
    for walk, gamma, distance in walks(Constant(1.0), mirror_map):
        assert_below(walk.gaps, xiao_sublinear_bound(walk.n_iter, gamma, distance, 1.0))
        n_iter, nu = walk.n_iter[1:], walk.mismatches.max()
        means = np.cumsum(walk.gaps[:-1]) / n_iter
        assert_below(means, ampo_sublinear_bound(n_iter, gamma, nu, distance, 1.0))
        if mirror_map.is_softmax:
            n_actions = walk.problem.mdp.n_actions
            bound = agarwal_bound(walk.n_iter, gamma, n_actions, 1.0 - gamma)
            assert_below(walk.gaps, bound)


@every_map
def test_geometric_steps(mirror_map):
    for walk, gamma, distance in walks(Geometric(), mirror_map):
        setting, gap = (walk.n_iter, gamma, walk.problem.theta), walk.gaps[0]
        first = distance, walk.etas[0]
        assert_below(walk.gaps, xiao_linear_bound(*setting, *first, initial_gap=gap))
        assert_below(walk.gaps, ampo_linear_bound(*setting, *first, initial_gap=gap))
        if mirror_map.is_softmax:
            assert_below(walk.gaps, yuan_bound(*setting))


@every_map
def test_adaptive_steps_in_the_worst_state(mirror_map):
    for walk, gamma, _ in walks(Adaptive(), mirror_map):
        slacks = np.ptp(walk.problem.mdp.reward) * gamma ** (2 * walk.n_iter[1:])
        bound = johnson_bound(walk.n_iter, gamma, walk.largest_gaps[0], slacks)
        assert_below(walk.largest_gaps, bound)


@every_map
def test_policy_iteration_in_the_worst_state(mirror_map):
    for walk, gamma, _ in walks(StepSize.by_name["greedy"](), mirror_map, 5):
        bound = johnson_bound(walk.n_iter, gamma, walk.largest_gaps[0], np.zeros(5))
        assert_below(walk.largest_gaps, bound)


@every_map
@pytest.mark.parametrize("step_size", [Constant(1.0), Geometric()], ids=show)
def test_one_iteration(mirror_map, step_size):
    for walk, gamma, _ in walks(step_size, mirror_map):
        improvements = -np.diff(walk.gaps)
        for t, both in enumerate(walk.symmetric_divergences):
            least = ampo_improvement_bound(gamma, max(both, 0.0), walk.etas[t])
            assert_below(least, improvements[t])


def test_the_natural_policy_gradient():
    for walk, gamma, _ in walks(Geometric(), ENTROPY, encoding="compatible"):
        setting = walk.n_iter, gamma, walk.problem.theta
        assert_below(walk.gaps, yuan_bound(*setting, centered=True))


def test_the_mean_iterate():
    for seed in SEEDS:
        mdp, gamma = problem(seed).mdp, problem(seed).gamma
        eta = (1 - gamma) * np.sqrt(2 * np.log(mdp.n_actions) / 20)
        walk = fit(seed, Constant(eta), ENTROPY, 20)
        bound = politex_bound(20, gamma, mdp.n_actions)
        assert walk.largest_gaps[:-1].mean() <= bound


def fit_the_readme(eta, gamma, n_iter):
    policy = AMPOPolicy(
        step_size=Constant(eta), gamma=gamma, max_iter=n_iter, random_state=0
    ).fit(README)
    returns = [record["return_mean"] for record in policy.history_]
    gaps = README.solve(gamma).values.mean() - np.array(returns)
    bound = xiao_sublinear_bound(np.arange(n_iter), gamma, np.log(4), eta)
    assert_below(gaps, bound)
    assert (np.diff(gaps) <= TOLERANCE).all()
    return gaps


def test_what_is_lost_in_an_iteration_does_not_add_up():
    # A ridge is above the bound from the 68th on.
    assert fit_the_readme(0.1, 0.3, 100)[-1] < 0.1


@pytest.mark.slow
def test_a_thousand_iterations():
    # A ridge is above the bound from the 437th on.
    gaps = fit_the_readme(1.0, 0.9, 1000)
    assert gaps[200] == pytest.approx(1.546e-5, rel=1e-3)
    assert gaps[-1] < 1e-12


@pytest.mark.parametrize("step_size", ["constant", "geometric", "adaptive", "greedy"])
@pytest.mark.parametrize("distribution", ["uniform", "visitation"])
def test_the_error_of_line_1_is_rounding(step_size, distribution):
    policy = AMPOPolicy(
        step_size=step_size, critic=Exact(distribution), gamma=0.9, max_iter=30
    ).fit(README)
    errors = [record["approximation_error"] for record in policy.history_]
    assert max(errors) < 1e-25


@every_map
@pytest.mark.parametrize("encoding", ["auto", "per_action", "multi_output"])
def test_a_fit_is_mirror_descent(mirror_map, encoding):
    walk = fit(3, Constant(0.7), mirror_map, 8, encoding=encoding)
    for old, new in zip(walk.policies, walk.policies[1:], strict=False):
        q_values = walk.problem.mdp.action_values(old, walk.problem.gamma)
        step = mirror_map.project(mirror_map.gradient(old) + 0.7 * q_values)
        assert_allclose(new, step, rtol=0, atol=1e-11)


@pytest.mark.parametrize("distribution", ["uniform", "visitation"])
def test_compatible_features_are_mirror_descent(distribution):
    critic = Exact(distribution)
    walk = Problem(README, 0.9).walk(20, Geometric(), ENTROPY, None, critic=critic)
    natural = Problem(README, 0.9).walk(
        20, Geometric(), ENTROPY, None, critic=critic, encoding="compatible"
    )
    assert_allclose(natural.policies, walk.policies, atol=1e-11)


def test_states_that_a_policy_leaves_keep_their_scores():
    rng = np.random.default_rng(55)
    mdp = make_random_mdp(6, 3, n_successors=1, random_state=rng)
    one_start = Problem(TabularMDP(mdp.transition, mdp.reward, np.eye(6)[0]), 0.9)
    expected = one_start.walk(25, Constant(1.0), Euclidean())
    # For a while the policy goes around a state that it then comes back to.
    missed = np.array(expected.visitations) == 0
    assert (missed[:-1] & ~missed[1:]).any()
    walk = one_start.walk(
        25, Constant(1.0), Euclidean(), None, critic=Exact("visitation")
    )
    assert_allclose(walk.policies, expected.policies, atol=1e-12)


def test_a_bandit_is_solved_by_one_geometric_step():
    bandit = TabularMDP([[[1.0], [1.0]]], [[0.0, 1.0]])
    policy = AMPOPolicy(step_size="geometric", gamma=0.0, max_iter=4).fit(bandit)
    gaps = 1.0 - np.array([record["return_mean"] for record in policy.history_])
    assert_below(gaps, yuan_bound([0, 1, 2, 3], 0.0, 1.0))
    # The bound of a step that is infinite: its first summand alone.
    assert_array_equal(gaps, [0.5, 0.0, 0.0, 0.0])


@every_map
def test_bandits_of_any_size(mirror_map):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        n_states, n_actions = rng.integers(1, 6), rng.integers(1, 7)
        transition = np.full((n_states, n_actions, n_states), 1 / n_states)
        rewards = rng.uniform(size=(n_states, n_actions))
        bandit = Problem(TabularMDP(transition, rewards), 0.0)
        walk = bandit.walk(3, Geometric(), mirror_map, None, encoding="auto")
        assert_below(walk.gaps, yuan_bound(walk.n_iter, 0.0, bandit.theta))
        assert (np.diff(walk.gaps) <= TOLERANCE).all()


def test_the_scores_of_a_model_are_a_table():
    mdp = make_gridworld(["S..", ".#.", "..G"])
    policy = AMPOPolicy(gamma=0.9, max_iter=3).fit(mdp)
    names = [name for name, step in policy.regressor_.steps]
    assert names == ["onehotencoder", "leastsquares"]


@pytest.mark.parametrize("env", ["FrozenLake-v1", "Taxi-v4"])
def test_environments_with_discrete_observations_keep_the_ridge(env):
    policy = AMPOPolicy(max_iter=1, random_state=0).fit(env)
    assert [name for name, _ in policy.regressor_.steps] == ["onehotencoder", "ridge"]
