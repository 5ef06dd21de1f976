"""Algorithm 1 with an exact regression is policy mirror descent, for every map."""

import numpy as np
import pytest

from skampo.mirror_maps import (
    Euclidean,
    HyperbolicEntropy,
    HyperbolicTangent,
    NegativeEntropy,
    OmegaPotential,
    Tsallis,
)
from tests.naming import show

GAMMA = 0.9
N_STATES, N_ACTIONS, N_NEXT = 10, 4, 3
ETAS = np.random.default_rng(1).uniform(0.2, 2, 8)
GAPS = [
    (NegativeEntropy(), 0.30338),
    (Euclidean(), 0.03505),
    (Tsallis(q=0.5), 0.47786),
    (Tsallis(q=1.5), 0.17234),
    (HyperbolicEntropy(b=0.3), 0.11299),
    (HyperbolicTangent(), 0.23142),
]
OWN = OmegaPotential(np.exp, np.log)
SPARSE = (Euclidean, Tsallis, HyperbolicEntropy)


def make_mdp():
    rng = np.random.default_rng(0)
    transition = np.zeros((N_STATES, N_ACTIONS, N_STATES))
    for state in range(N_STATES):
        for action in range(N_ACTIONS):
            proba = rng.dirichlet(np.ones(N_NEXT))
            successors = rng.choice(N_STATES, N_NEXT, replace=False)
            transition[state, action, successors] = proba
    return transition, rng.uniform(size=(N_STATES, N_ACTIONS))


TRANSITION, REWARD = make_mdp()


def evaluate(proba):
    """Mean value and action values of a policy, by a linear solve."""
    transition = np.einsum("sa,san->sn", proba, TRANSITION)
    reward = (proba * REWARD).sum(axis=1)
    values = np.linalg.solve(np.eye(N_STATES) - GAMMA * transition, reward)
    return values.mean(), REWARD + GAMMA * TRANSITION @ values


def best_value():
    proba = np.full((N_STATES, N_ACTIONS), 1 / N_ACTIONS)
    for _ in range(20):
        proba = np.eye(N_ACTIONS)[evaluate(proba)[1].argmax(axis=1)]
    return evaluate(proba)[0]


BEST = best_value()


def targets_of_the_dual(mirror_map, q_values, eta, scores, proba):
    return q_values + mirror_map.dual(scores) / eta


def targets_of_the_gradient(mirror_map, q_values, eta, scores, proba):
    return q_values + mirror_map.gradient(proba) / eta


def approximate_policies(mirror_map, targets, etas=ETAS):
    """Lines 1 and 2 of Algorithm 1; the regression returns its targets."""
    scores = np.zeros((N_STATES, N_ACTIONS))
    policies = [mirror_map.project(scores)]
    for eta in etas:
        _, q_values = evaluate(policies[-1])
        f = targets(mirror_map, q_values, eta, scores, policies[-1])
        scores = eta * f
        policies.append(mirror_map.project(scores))
    return np.array(policies)


def proximal_policies(mirror_map, etas=ETAS):
    """The mirror descent step itself, in terms of policies only."""
    policies = [np.full((N_STATES, N_ACTIONS), 1 / N_ACTIONS)]
    for eta in etas:
        _, q_values = evaluate(policies[-1])
        dual = mirror_map.gradient(policies[-1])
        policies.append(mirror_map.project(dual + eta * q_values))
    return np.array(policies)


def test_the_test_problem():
    uniform = np.full((N_STATES, N_ACTIONS), 1 / N_ACTIONS)
    np.testing.assert_allclose(BEST, 8.412034, atol=5e-7)
    np.testing.assert_allclose(evaluate(uniform)[0], 5.495733, atol=5e-7)


@pytest.mark.parametrize("mirror_map", [pair[0] for pair in GAPS] + [OWN], ids=show)
@pytest.mark.parametrize("targets", [targets_of_the_dual, targets_of_the_gradient])
def test_both_targets_are_the_proximal_step(mirror_map, targets):
    np.testing.assert_allclose(
        approximate_policies(mirror_map, targets),
        proximal_policies(mirror_map),
        rtol=0,
        atol=1e-12,
    )


@pytest.mark.parametrize(("mirror_map", "gap"), GAPS, ids=show)
def test_gap_after_eight_steps(mirror_map, gap):
    policies = approximate_policies(mirror_map, targets_of_the_dual)
    gaps = [BEST - evaluate(proba)[0] for proba in policies]
    np.testing.assert_allclose(gaps[-1], gap, rtol=0, atol=5.001e-6)
    assert (np.diff(gaps) < 0).all()


@pytest.mark.parametrize("mirror_map", [pair[0] for pair in GAPS], ids=show)
def test_only_maps_with_a_finite_slope_reach_exact_zeros(mirror_map):
    policies = approximate_policies(mirror_map, targets_of_the_dual)
    finite_slope = np.isfinite(mirror_map.gradient([[0.0, 1.0]])[0, 0])
    assert (policies == 0).any() == finite_slope


@pytest.mark.parametrize("mirror_map", [pair[0] for pair in GAPS], ids=show)
def test_without_eta_in_the_projection_it_is_another_algorithm(mirror_map):
    eta = ETAS[0]
    _, q_values = evaluate(np.full((N_STATES, N_ACTIONS), 1 / N_ACTIONS))
    assert eta != 1
    wrong = mirror_map.project(q_values)
    right = proximal_policies(mirror_map, ETAS[:1])[-1]
    assert np.abs(wrong - right).max() > 1e-3


@pytest.mark.parametrize("mirror_map", [pair[0] for pair in GAPS], ids=show)
def test_two_huge_steps_are_policy_iteration_to_the_optimum(mirror_map):
    policies = approximate_policies(mirror_map, targets_of_the_dual, [1e9, 1e12])
    np.testing.assert_allclose(BEST - evaluate(policies[-1])[0], 0, atol=1e-8)
