"""Gaps to the optimum and their bounds on one random model, to the printed digits."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skampo.mdp import make_random_mdp
from skampo.mirror_maps import Euclidean, HyperbolicEntropy, NegativeEntropy, Tsallis
from skampo.step_sizes import Adaptive, Constant, Geometric, StepSize, TrustRegion
from skampo.theory import (
    agarwal_bound,
    johnson_bound,
    xiao_linear_bound,
    xiao_sublinear_bound,
    yuan_bound,
)
from tests.naming import show
from tests.theory.walks import MAPS, PIPELINE, Listed, Problem

PROBLEM = Problem(make_random_mdp(random_state=0), 0.9)
MDP, GAMMA = PROBLEM.mdp, PROBLEM.gamma
ENTROPY = NegativeEntropy()
SPARSE = (Euclidean(), Tsallis(1.5), HyperbolicEntropy(0.3))
# The printed numbers take 1 for the range of the rewards.
SLACK = 1 / np.ptp(MDP.reward)
GAPS_OF_MAPS = (".30338", ".03505", ".47786", ".17234", ".11299", ".23142")
ETAS = np.random.default_rng(1).uniform(0.2, 2, 8)


@cache
def fit(make_step_size, n_iter, *arguments):
    return PROBLEM.walk(n_iter, make_step_size(*arguments), ENTROPY, PIPELINE)


def digits(printed):
    """Half a unit of the last printed digit."""
    mantissa, _, exponent = printed.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 0.5001 * 10.0 ** (int(exponent or 0) - decimals)


def check(values, n_iter, printed):
    """Compare entries with a line of printed numbers; below 1e-12 they count as 0."""
    for k, number in zip(n_iter, printed.split(), strict=True):
        value, tolerance = values[k], digits(number)
        if abs(float(number)) < 1e-12:
            number, tolerance = "0", 1e-12
        assert value == pytest.approx(float(number), rel=0, abs=tolerance), k


def test_the_model():
    assert PROBLEM.best_return == pytest.approx(8.412034, abs=5e-7)
    assert PROBLEM.theta == pytest.approx(22.712055, abs=5e-7)
    uniform = fit(Constant, 0, 1.0)
    assert PROBLEM.best_return - uniform.gaps[0] == pytest.approx(5.495733, abs=5e-7)
    assert PROBLEM.divergence(ENTROPY) == pytest.approx(np.log(4))


@pytest.mark.parametrize(
    ("eta", "printed"),
    [
        (0.1, "2.8561 2.3457 .86825 .079696"),
        (1.0, "2.3448 .28521 .01261 1.546e-5"),
        (10.0, ".38925 1.339e-3 1.946e-10 0e-13"),
    ],
)
def test_constant_steps(eta, printed):
    walk = fit(Constant, 200, eta)
    check(walk.gaps, (1, 10, 50, 200), printed)
    bound = xiao_sublinear_bound(walk.n_iter, GAMMA, np.log(4), eta)
    assert (walk.gaps <= bound).all()
    assert (np.diff(walk.gaps) <= 1e-12).all()
    npg = agarwal_bound(walk.n_iter, GAMMA, MDP.n_actions, eta * (1 - GAMMA))
    assert (bound < npg).all()


def test_larger_constant_steps_are_faster():
    gaps = [fit(Constant, 200, eta).gaps[1:51] for eta in (0.1, 1.0, 10.0)]
    assert (np.diff(gaps, axis=0) < 0).all()


def test_the_bound_of_constant_steps():
    bound = xiao_sublinear_bound(range(201), GAMMA, np.log(4), 1.0)
    check(bound, (1, 10, 50, 200), "56.93 10.35 2.233 .566")


def test_geometric_steps():
    walk, k = fit(Geometric, 60), (1, 5, 10, 20, 40, 60)
    check(walk.gaps, k, "2.8239 2.3663 1.6016 .28034 1.395e-3 2.3e-13")
    bound = yuan_bound(walk.n_iter, GAMMA, PROBLEM.theta)
    check(bound, k, "19.12 15.97 12.75 8.13 3.30 1.34")
    sharper = xiao_linear_bound(
        walk.n_iter, GAMMA, PROBLEM.theta, np.log(4), walk.etas[0]
    )
    assert (walk.gaps <= sharper).all()
    assert (sharper <= bound).all()


def test_adaptive_steps_in_the_worst_state():
    walk, k = fit(Adaptive, 40, SLACK), (1, 5, 10, 20, 40)
    check(walk.largest_gaps, k, "2.1638 .3378 .08349 7.506e-3 7.283e-5")
    slacks = GAMMA ** (2 * walk.n_iter[1:])
    bound = johnson_bound(walk.n_iter, GAMMA, walk.largest_gaps[0], slacks)
    check(bound, k, "3.638 4.032 3.140 1.343 .1775")
    assert (walk.largest_gaps <= bound).all()


@pytest.mark.parametrize(
    "step_size", [(StepSize.by_name["greedy"],), (Constant, 1e9)], ids=show
)
def test_large_steps_are_policy_iteration(step_size):
    make, *arguments = step_size
    walk = fit(make, 3, *arguments)
    for old, new in zip(walk.policies, walk.policies[1:], strict=False):
        greedy = MDP.action_values(old, GAMMA).argmax(axis=1)
        assert_array_equal(new.argmax(axis=1), greedy)
        assert (new.max(axis=1) > 1 - 1e-12).all()
    check(walk.gaps, (2, 3), "0e-13 0e-13")
    assert walk.gaps[1] > 1e-3


@pytest.mark.parametrize(
    ("mirror_map", "printed"),
    list(zip(MAPS, GAPS_OF_MAPS, strict=True)),
    ids=show,
)
def test_any_mirror_map_with_varying_steps(mirror_map, printed):
    walk = PROBLEM.walk(8, Listed(ETAS), mirror_map, PIPELINE)
    check(walk.gaps, (8,), printed)
    assert (np.diff(walk.gaps) <= 1e-12).all()
    assert (walk.policies[-1] == 0).any() == (str(mirror_map) in map(str, SPARSE))


@pytest.mark.parametrize("mirror_map", MAPS, ids=show)
def test_exact_regression_is_the_mirror_descent_step(mirror_map):
    walk = PROBLEM.walk(8, Listed(ETAS), mirror_map, PIPELINE)
    for eta, old, new in zip(ETAS, walk.policies, walk.policies[1:], strict=False):
        q_values = MDP.action_values(old, GAMMA)
        step = mirror_map.project(mirror_map.gradient(old) + eta * q_values)
        assert_allclose(new, step, rtol=0, atol=1e-12)


def test_the_table_is_the_pipeline():
    for mirror_map in MAPS:
        fast = PROBLEM.walk(8, Listed(ETAS), mirror_map)
        slow = PROBLEM.walk(8, Listed(ETAS), mirror_map, PIPELINE, encoding="auto")
        assert_allclose(fast.policies, slow.policies, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("max_divergence", "printed", "n_iter_to_optimum"),
    [(0.01, "2.584", 20), (0.1, "1.896", 10), (0.5, ".809", 5)],
)
def test_trust_region_steps(max_divergence, printed, n_iter_to_optimum):
    walk = fit(TrustRegion, n_iter_to_optimum, max_divergence)
    check(walk.gaps, (1, n_iter_to_optimum), f"{printed} 0e-13")
