"""Sums of fitted action values, against sums that are computed here."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.encodings import DualAveraging
from skampo.exceptions import InvalidParameterError
from skampo.mdp import TabularMDP, make_random_mdp
from skampo.step_sizes import Constant
from skampo.theory import approximation_error, politex_bound
from tests.theory.walks import Listed, Recorded

N_ITER = 12
# The first few show a mistake as well as all.
SEEDS = [pytest.param(i, marks=[pytest.mark.slow] * (i > 3)) for i in range(30)]


class Problem:
    """A random model, its discount, features and steps."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        n_states, n_actions = int(rng.integers(6, 31)), int(rng.integers(2, 7))
        mdp = make_random_mdp(n_states, n_actions, random_state=seed)
        # The bounds want rewards in [0, 1].
        reward = (mdp.reward - mdp.reward.min()) / np.ptp(mdp.reward)
        self.mdp = TabularMDP(mdp.transition, reward)
        self.gamma, self.etas = rng.uniform(0.3, 0.95), rng.uniform(0.1, 1.0, N_ITER)
        self.psi = rng.normal(size=(n_states, 4))
        self.memory = int(rng.integers(1, 6))

    def look_up(self, states):
        return self.psi[states[:, 0].astype(int)]

    def walk(self, regressor, memory=None, step_size=None, n_iter=N_ITER, **parameters):
        recorded = Recorded(step_size or Listed(self.etas))
        policy = AMPOPolicy(
            regressor,
            encoding=DualAveraging(memory),
            critic="exact",
            step_size=recorded,
            gamma=self.gamma,
            max_iter=n_iter,
            **parameters,
        ).fit(self.mdp)
        return [*recorded.policies, policy.predict_proba(self.mdp.states)], policy

    def q_values(self, proba):
        chain = np.einsum("sa,sat->st", proba, self.mdp.transition)
        system = np.eye(self.mdp.n_states) - self.gamma * chain
        values = np.linalg.solve(system, (proba * self.mdp.reward).sum(axis=1))
        return self.mdp.reward + self.gamma * self.mdp.transition @ values

    def expected(self, fitted, memory=None):
        """Policies that follow from sums of the last fits."""
        parts = []
        for eta in self.etas:
            proba = softmax(sum(parts, np.zeros_like(self.mdp.reward)))
            yield proba
            parts.append(eta * fitted(self.q_values(proba)))
            parts = parts[-memory:] if memory else parts
        yield softmax(sum(parts))


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def centered(values):
    return values - values.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_table_sums_the_last_action_values(seed):
    problem = Problem(seed)
    found, _ = problem.walk(None, problem.memory)
    expected = problem.expected(centered, problem.memory)
    assert_allclose(found, list(expected), rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_scores_sum_the_solutions_of_normal_equations(seed):
    problem = Problem(seed)
    least_squares = LinearRegression(fit_intercept=False)
    features = make_pipeline(FunctionTransformer(problem.look_up), least_squares)
    found, _ = problem.walk(features, problem.memory)
    psi = problem.psi

    def fitted(q_values):
        return psi @ np.linalg.solve(psi.T @ psi, psi.T @ centered(q_values))

    expected = problem.expected(fitted, problem.memory)
    assert_allclose(found, list(expected), rtol=0, atol=1e-10)


def test_without_errors_it_is_mirror_descent():
    problem = Problem(1)
    found, policy = problem.walk(None)
    plain = policy.set_params(encoding="auto").fit(problem.mdp)
    assert_allclose(found[-1], plain.predict_proba(problem.mdp.states), atol=1e-10)


def test_nothing_is_fitted_again():
    problem, fits = Problem(2), []
    tree = DecisionTreeRegressor(max_leaf_nodes=4, random_state=0)

    def fitted(q_values):
        fits.append(q_values)
        model = clone(tree).fit(problem.mdp.states, centered(q_values))
        return model.predict(problem.mdp.states)

    found, policy = problem.walk(tree)
    expected = list(problem.expected(fitted))
    assert len(fits) == len(policy.regressor_) == N_ITER
    assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n_leaves", [3, 12])
def test_the_mean_gap_is_as_small_as_politex_says(seed, n_leaves):
    problem, n_iter = Problem(seed), 25
    mdp, gamma = problem.mdp, problem.gamma
    eta = (1 - gamma) * np.sqrt(2 * np.log(mdp.n_actions) / n_iter)
    tree = DecisionTreeRegressor(max_leaf_nodes=n_leaves, random_state=0)
    found, policy = problem.walk(tree, None, Constant(eta), n_iter)
    worst = 0.0
    for proba, models in zip(found, policy.regressor_, strict=False):
        fit = np.reshape(models.predict(mdp.states), proba.shape)
        worst = max(worst, np.abs(fit - centered(problem.q_values(proba))).max())
    values = [mdp.values(proba, gamma) for proba in found[:-1]]
    gaps = mdp.solve(gamma).values - np.mean(values, axis=0)
    assert gaps.max() <= politex_bound(n_iter, gamma, mdp.n_actions, worst)


def test_what_is_dropped_is_an_error_of_line_1():
    problem = Problem(3)
    found, policy = problem.walk(None, 2, Constant(0.5), 4)
    q_values = [centered(problem.q_values(proba)) for proba in found]
    target = q_values[1] + q_values[2] + q_values[3]
    sampling = np.full_like(target, 1 / target.size)
    expected = approximation_error(q_values[2] + q_values[3], target, sampling)
    errors = [record["approximation_error"] for record in policy.history_]
    assert errors[-1] == pytest.approx(expected)
    assert max(errors[:2]) < 1e-20


def test_goes_on_from_itself_and_from_another_encoding():
    problem = Problem(4)
    _, policy = problem.walk(None, None, Constant(0.5), 2, warm_start=True)
    policy.fit(problem.mdp)
    expected, plain = problem.walk(None, None, Constant(0.5), 4, warm_start=True)
    states = problem.mdp.states
    assert_allclose(policy.predict_proba(states), expected[-1])
    plain.set_params(encoding="auto", max_iter=2).fit(problem.mdp)
    plain.set_params(encoding="dual_averaging").fit(problem.mdp)
    expected, _ = problem.walk(None, None, Constant(0.5), 8)
    assert_allclose(plain.predict_proba(states), expected[-1], atol=1e-10)


def test_a_greedy_step_forgets():
    problem = Problem(5)
    _, policy = problem.walk(None, None, Listed([0.5, np.inf, 0.25]), 3)
    assert len(policy.regressor_) == 2


def test_learns_from_an_environment():
    policy = AMPOPolicy(Ridge(), encoding="dual_averaging", max_iter=3, random_state=0)
    policy.set_params(steps_per_iter=64).fit("CartPole-v1")
    assert policy.min_odds_ == 0.0
    assert policy.act(np.zeros(4)) in policy.classes_


@pytest.mark.parametrize("memory", [0, 1.5, "all"])
def test_memories_are_checked(memory):
    with pytest.raises(InvalidParameterError, match="'memory' parameter of DualAver"):
        Problem(0).walk(None, memory)


@pytest.mark.parametrize("mirror_map", ["euclidean", "tsallis"])
def test_other_mirror_maps_are_refused(mirror_map):
    with pytest.raises(InvalidParameterError, match="scores of softmax policies"):
        Problem(0).walk(None, mirror_map=mirror_map)
