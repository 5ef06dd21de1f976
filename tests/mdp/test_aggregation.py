"""Greedy policies go in circles on aggregated states, gentle steps arrive."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError
from skampo.mdp import TabularMDP, make_aggregation_counterexample
from skampo.mirror_maps import NegativeEntropy
from skampo.step_sizes import Constant

GAMMA, EPSILON = 0.9, 0.05
MDP, GROUPS = make_aggregation_counterexample(EPSILON, GAMMA)


def members(states):
    """One column for each group."""
    return np.eye(2)[GROUPS[states[:, 0].astype(int)]]


AVERAGES = make_pipeline(
    FunctionTransformer(members), LinearRegression(fit_intercept=False)
)


def fit(step_size, n_iter):
    policy = AMPOPolicy(
        AVERAGES, step_size=step_size, gamma=GAMMA, max_iter=n_iter, random_state=0
    )
    return policy.fit(MDP)


def largest_gap(policy):
    return -MDP.values(policy.predict_proba(MDP.states), GAMMA).min()


def test_the_optimum_moves_to_the_other_group():
    solution = MDP.solve(GAMMA)
    assert_array_equal(solution.values, 0)
    assert_array_equal(solution.proba, np.eye(3)[[1, 1, 1, 1]])


def test_averages_are_wrong_by_epsilon():
    q_values = MDP.action_values(np.eye(3)[[0, 0, 1, 1]], GAMMA)
    means = np.array([q_values[GROUPS == group].mean(axis=0) for group in (0, 1)])
    assert np.abs(means[GROUPS] - q_values).max() == pytest.approx(EPSILON)


@pytest.mark.parametrize("n_iter", [1, 2, 3, 10, 41])
def test_greedy_policies_never_settle(n_iter):
    policy = fit("greedy", n_iter)
    stay, leave = (0, 1) if n_iter % 2 else (1, 0)
    assert_array_equal(policy.predict(MDP.states), [stay, stay, leave, leave])
    assert largest_gap(policy) == pytest.approx(3.0)
    # On average over the states, no iterate is better than the bound of the theory.
    bound = EPSILON / (2 * (1 - GAMMA) ** 2)
    assert bound == pytest.approx(2.5)
    assert all(record["return_mean"] < -bound for record in policy.history_[1:])


@pytest.mark.parametrize(
    ("step_size", "n_iter"),
    [(Constant(0.2), 400), (Constant(1.0), 100), ("geometric", 60)],
)
def test_gentle_steps_arrive(step_size, n_iter):
    policy = fit(step_size, n_iter)
    assert largest_gap(policy) == pytest.approx(0, abs=5e-5)
    assert_array_equal(policy.predict(MDP.states), [1, 1, 1, 1])


@pytest.mark.parametrize(("eta", "mixture"), [(0.2, 0.507), (1.0, 0.104)])
def test_published_gaps_of_the_mean_policy(eta, mixture):
    mdp = TabularMDP(MDP.transition[:, :2], MDP.reward[:, :2])
    start = np.array([[0.999, 0.001], [0.001, 0.999]])
    scores, values = np.log(start), []
    for _ in range(400):
        proba = NegativeEntropy().project(scores)[GROUPS]
        values.append(mdp.values(proba, GAMMA))
        q_values = mdp.look_ahead(values[-1], GAMMA)
        scores += eta * q_values.reshape(2, 2, 2).mean(axis=1)
    assert -np.mean(values, axis=0).min() == pytest.approx(mixture, abs=5e-4)
    assert_allclose(values[-1], 0, atol=5e-5)


@pytest.mark.parametrize("gamma", [0.6, 0.8, 0.95, 0.99])
@pytest.mark.parametrize("epsilon", [1e-3, 2.0])
def test_other_numbers(gamma, epsilon):
    mdp, groups = make_aggregation_counterexample(epsilon, gamma)
    proba = np.full((4, 3), 1 / 3)
    for t in range(6):
        q_values = mdp.action_values(proba, gamma)
        means = np.array([q_values[groups == group].mean(axis=0) for group in (0, 1)])
        proba = np.eye(3)[means.argmax(axis=1)][groups]
        first = t % 2
        assert_array_equal(proba.argmax(axis=1), [first, first, 1 - first, 1 - first])
        gap = -mdp.values(proba, gamma).min()
        assert gap >= epsilon / (2 * (1 - gamma) ** 2)


@pytest.mark.parametrize(("epsilon", "gamma"), [(0, 0.9), (0.1, 0.5), (0.1, 1.0)])
def test_invalid_numbers(epsilon, gamma):
    with pytest.raises(InvalidParameterError, match=r"gamma in the range \(0.5, 1.0\)"):
        make_aggregation_counterexample(epsilon, gamma)
