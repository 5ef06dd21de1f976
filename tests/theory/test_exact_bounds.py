"""No gap of a fit with exact action values crosses its bound, on 100 random models."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skampo.mdp import TabularMDP
from skampo.mirror_maps import NegativeEntropy
from skampo.step_sizes import Adaptive, Constant, Geometric
from skampo.theory import (
    agarwal_bound,
    ampo_improvement_bound,
    ampo_linear_bound,
    ampo_sublinear_bound,
    johnson_bound,
    xiao_linear_bound,
    xiao_sublinear_bound,
    yuan_bound,
)
from tests.naming import show
from tests.theory.walks import MAPS, PIPELINE, Problem, random_problem

N_PROBLEMS = 100
N_ITER = 12
TOLERANCE = 1e-12

problem = cache(random_problem)
every_map = pytest.mark.parametrize("mirror_map", MAPS, ids=show)


def constant(seed):
    return Constant(10 ** np.random.default_rng(seed).uniform(-1, 1))


def geometric(seed):
    return Geometric()


def adaptive(seed):
    return Adaptive()


def assert_below(values, bound):
    assert (values <= bound + TOLERANCE).all(), np.max(values - bound)


def check_constant(walk, mirror_map, n_actions):
    distance, gamma = walk.problem.divergence(mirror_map), walk.problem.gamma
    bound = xiao_sublinear_bound(walk.n_iter, gamma, distance, walk.etas[0])
    assert_below(walk.gaps, bound)
    check_mean(walk, distance)
    if mirror_map.is_softmax:
        step = walk.etas[0] * (1 - gamma)
        assert_below(walk.gaps, agarwal_bound(walk.n_iter, gamma, n_actions, step))


def check_mean(walk, distance):
    """The mean of the gaps so far, with the mismatch that was measured."""
    n_iter, nu = walk.n_iter[1:], walk.mismatches.max()
    means = np.cumsum(walk.gaps[:-1]) / n_iter
    gamma, eta0 = walk.problem.gamma, walk.etas[0]
    assert_below(means, ampo_sublinear_bound(n_iter, gamma, nu, distance, eta0))


def check_geometric(walk, mirror_map, n_actions):
    setting = walk.n_iter, walk.problem.gamma, walk.problem.theta
    first = walk.problem.divergence(mirror_map), walk.etas[0]
    gap = walk.gaps[0]
    assert_below(walk.gaps, xiao_linear_bound(*setting, *first, initial_gap=gap))
    assert_below(walk.gaps, ampo_linear_bound(*setting, *first, initial_gap=gap))
    assert_below(walk.gaps, xiao_sublinear_bound(*setting[:2], *first))
    check_mean(walk, first[0])
    if mirror_map.is_softmax:
        assert_below(walk.gaps, yuan_bound(*setting))


def check_adaptive(walk, mirror_map, n_actions):
    gamma = walk.problem.gamma
    slacks = np.ptp(walk.problem.mdp.reward) * gamma ** (2 * walk.n_iter[1:])
    bound = johnson_bound(walk.n_iter, gamma, walk.largest_gaps[0], slacks)
    assert_below(walk.largest_gaps, bound)


def check_recursion(walk, mirror_map):
    """What all rates follow from: one iteration, with nothing given away."""
    distances = [walk.problem.divergence(mirror_map, pi) for pi in walk.policies]
    # A probability that underflowed makes a distance infinite.
    known = np.isfinite(distances[1:]) & np.isfinite(walk.mismatches)
    with np.errstate(invalid="ignore"):
        step = -np.diff(distances) / ((1 - walk.problem.gamma) * np.array(walk.etas))
        left = walk.mismatches * np.diff(walk.gaps) + walk.gaps[:-1]
    assert known[0]
    assert_below(left[known], step[known])


def check_improvement(walk):
    gamma, improvements = walk.problem.gamma, -np.diff(walk.gaps)
    for t, both in enumerate(walk.symmetric_divergences):
        least = ampo_improvement_bound(gamma, max(both, 0.0), walk.etas[t])
        assert_below(least, improvements[t])


CASES = [
    (constant, check_constant),
    (geometric, check_geometric),
    (adaptive, check_adaptive),
]


# Every map meets half of the models, a sixth with each step size; when slow, all.
@pytest.mark.parametrize("case", range(len(CASES)), ids=lambda i: CASES[i][0].__name__)
@every_map
@pytest.mark.parametrize(
    ("n_iter", "share"),
    [(N_ITER, 2 * len(CASES)), pytest.param(50, 1, marks=pytest.mark.slow)],
    ids=["12", "50"],
)
def test_gaps_stay_below_their_bounds(mirror_map, case, n_iter, share):
    step_size, check = CASES[case]
    for seed in range(case % share, N_PROBLEMS, share):
        walk = problem(seed).walk(n_iter, step_size(seed), mirror_map)
        assert (np.diff(walk.gaps) <= TOLERANCE).all(), seed
        check(walk, mirror_map, problem(seed).mdp.n_actions)


@every_map
def test_one_iteration(mirror_map):
    for seed in range(30):
        step_size = CASES[seed % 3][0](seed)
        walk = problem(seed).walk(8, step_size, mirror_map)
        check_recursion(walk, mirror_map)
        check_improvement(walk)


@pytest.mark.slow
def test_a_pipeline_on_every_model():
    cases = [(mirror_map, *case) for mirror_map in MAPS for case in CASES]
    for seed in range(N_PROBLEMS):
        mirror_map, step_size, check = cases[seed % len(cases)]
        walk = problem(seed).walk(N_ITER, step_size(seed), mirror_map, PIPELINE)
        assert (np.diff(walk.gaps) <= TOLERANCE).all()
        check(walk, mirror_map, problem(seed).mdp.n_actions)


def test_the_models_differ():
    problems = [problem(seed) for seed in range(N_PROBLEMS)]
    sizes = [(p.mdp.n_states, p.mdp.n_actions) for p in problems]
    assert np.ptp(sizes, axis=0).tolist() == [57, 6]
    assert {np.isfinite(p.theta) for p in problems} == {True, False}
    assert min(p.gamma for p in problems) < 0.51
    assert max(p.gamma for p in problems) > 0.98


def test_rewards_in_another_range():
    # For rewards from -3 to 7 a tenth of the step does the same, for ten times the gap.
    mdp, gamma = problem(0).mdp, problem(0).gamma
    rewards, start = 10 * mdp.reward - 3, mdp.initial_distribution
    scaled = Problem(TabularMDP(mdp.transition, rewards, start), gamma)
    walk = scaled.walk(N_ITER, Constant(0.1), NegativeEntropy())
    unit = problem(0).walk(N_ITER, Constant(1.0), NegativeEntropy())
    assert_allclose(walk.gaps, 10 * unit.gaps, rtol=1e-9)
    distance = scaled.divergence(NegativeEntropy())
    bound = 10 * xiao_sublinear_bound(walk.n_iter, gamma, distance, 10 * walk.etas[0])
    assert_below(walk.gaps, bound)
