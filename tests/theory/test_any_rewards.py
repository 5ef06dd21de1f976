"""Bounds of fits that name nothing but a step size, whatever rewards are paid in."""

from types import SimpleNamespace

import numpy as np
import pytest

from skampo import AMPOPolicy
from skampo.mdp import TabularMDP
from skampo.mirror_maps import NegativeEntropy
from skampo.step_sizes import Adaptive, Constant, Geometric, StepSize
from skampo.theory import ampo_improvement_bound, johnson_bound, yuan_bound
from tests.theory.test_exact_bounds import (
    assert_below,
    check_adaptive,
    check_constant,
    check_geometric,
)
from tests.theory.walks import Problem, random_problem

SEEDS = [pytest.param(i, marks=[pytest.mark.slow] * (i > 1)) for i in range(100)]
GAMMAS = [0.0, 0.999, 0.01, 0.99, 0.1, 0.9, 0.5]
ENTROPY = NegativeEntropy()
DEFAULT = StepSize.by_name[AMPOPolicy().step_size]


def problem(seed):
    """A random model whose rewards are scaled by 1e-6 to 1e6, and shifted."""
    rng = np.random.default_rng(seed)
    mdp = random_problem(seed).mdp
    scale, shift = 10 ** rng.uniform(-6, 6), rng.uniform(-10, 10)
    rewards = scale * (mdp.reward + shift)
    mdp = TabularMDP(mdp.transition, rewards, mdp.initial_distribution)
    return Problem(mdp, GAMMAS[seed % len(GAMMAS)])


def in_units(walk):
    """The walk as if rewards were in [0, 1], with rounding taken off its gaps."""
    mdp, gamma = walk.problem.mdp, walk.problem.gamma
    unit = np.ptp(mdp.reward)
    rounding = rounding_of(walk.problem)
    return SimpleNamespace(
        problem=SimpleNamespace(
            mdp=SimpleNamespace(reward=mdp.reward / unit),
            gamma=gamma,
            theta=walk.problem.theta,
            divergence=walk.problem.divergence,
        ),
        n_iter=walk.n_iter,
        etas=[eta * unit for eta in walk.etas],
        gaps=(walk.gaps - rounding) / unit,
        largest_gaps=(walk.largest_gaps - rounding) / unit,
        mismatches=walk.mismatches,
    )


def rounding_of(problem):
    return 1e-12 * np.abs(problem.mdp.reward).max() / (1 - problem.gamma)


def walk_in_units(seed, step_size):
    """Twelve iterations, which never make a policy worse, and gain what they must."""
    walk = problem(seed).walk(12, step_size, ENTROPY, None, encoding="auto")
    check_one_iteration(walk)
    return in_units(walk)


def check_one_iteration(walk):
    gamma, gains = walk.problem.gamma, -np.diff(walk.gaps)
    assert (gains >= -rounding_of(walk.problem)).all()
    for t, both in enumerate(walk.symmetric_divergences):
        if np.isfinite(walk.etas[t]):
            least = ampo_improvement_bound(gamma, max(both, 0.0), walk.etas[t])
            assert least <= gains[t] + rounding_of(walk.problem)


def n_actions(seed):
    return problem(seed).mdp.n_actions


@pytest.mark.parametrize("seed", SEEDS)
def test_constant_steps(seed):
    eta = 10 ** np.random.default_rng(seed).uniform(-1, 1)
    unit = np.ptp(problem(seed).mdp.reward)
    walk = walk_in_units(seed, Constant(eta / unit))
    check_constant(walk, ENTROPY, n_actions(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_geometric_steps(seed):
    if problem(seed).gamma == 0:
        walk = walk_in_units(seed, Geometric())
        assert_below(walk.gaps, yuan_bound(walk.n_iter, 0.0, walk.problem.theta))
        return
    gamma, unit = problem(seed).gamma, np.ptp(problem(seed).mdp.reward)
    eta0 = np.log(n_actions(seed)) * (1 - gamma) / gamma / unit
    check_geometric(walk_in_units(seed, Geometric(eta0)), ENTROPY, n_actions(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_adaptive_steps(seed):
    check_adaptive(walk_in_units(seed, Adaptive()), ENTROPY, n_actions(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_greedy_steps(seed):
    walk = walk_in_units(seed, StepSize.by_name["greedy"]())
    bound = johnson_bound(
        walk.n_iter, walk.problem.gamma, walk.largest_gaps[0], np.zeros(12)
    )
    assert_below(walk.largest_gaps, bound)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_default_step(seed):
    walk_in_units(seed, DEFAULT())
