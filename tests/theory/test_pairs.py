"""Line 1 under (s, a) ~ d x pi, against explicit normal equations."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skampo import AMPOPolicy
from skampo.critics import Exact, MonteCarlo
from skampo.exceptions import InvalidParameterError
from skampo.mdp import make_random_mdp
from skampo.step_sizes import Constant
from skampo.theory import approximation_error
from tests.theory.walks import Recorded

N_ITER = 12
PAIRS = Exact("state_action_visitation")
LEAST_SQUARES = LinearRegression(fit_intercept=False)
# The first few show a mistake as well as all.
SEEDS = [pytest.param(i, marks=[pytest.mark.slow] * (i > 3)) for i in range(30)]


class Problem:
    """A random model, discount, step and features."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        n_states, n_actions = int(rng.integers(6, 31)), int(rng.integers(2, 7))
        self.mdp = make_random_mdp(n_states, n_actions, random_state=seed)
        self.gamma, self.eta = rng.uniform(0.3, 0.95), rng.uniform(0.1, 1.0)
        n_features = int(rng.integers(2, 6))
        self.psi = rng.normal(size=(n_states, n_features))
        self.pairs = rng.normal(size=(n_states * n_actions, n_features + 2))

    def look_up(self, states):
        return self.psi[states[:, 0].astype(int)]

    def look_up_pairs(self, rows):
        states, actions = rows[:, 0].astype(int), rows[:, 1:].argmax(axis=1)
        return self.pairs[states * self.mdp.n_actions + actions]

    def blocks(self):
        """phi(s, a) = e_a x psi(s), pair by pair."""
        eye = np.eye(self.mdp.n_actions)
        return np.concatenate([np.kron(eye, row[None]) for row in self.psi])

    def q_npg(self, phi):
        """Policies by theta += eta w, and the normal equations of w under d x pi."""
        theta, shape = np.zeros(phi.shape[1]), (self.mdp.n_states, self.mdp.n_actions)
        for _ in range(N_ITER):
            proba = softmax((phi @ theta).reshape(shape))
            yield proba
            visited, q_values = evaluate(self.mdp, proba, self.gamma)
            weights = (visited[:, None] * proba).ravel()
            fisher = phi.T @ (weights[:, None] * phi)
            right = phi.T @ (weights * q_values.ravel())
            theta = theta + self.eta * solve(fisher, right)
        yield softmax((phi @ theta).reshape(shape))

    def npg(self, phi):
        """Policies by theta += eta F^+ g, with the Fisher matrix and the gradient."""
        theta, shape = np.zeros(phi.shape[1]), (self.mdp.n_states, self.mdp.n_actions)
        cube = phi.reshape(*shape, -1)
        for _ in range(N_ITER):
            proba = softmax((phi @ theta).reshape(shape))
            yield proba
            visited, q_values = evaluate(self.mdp, proba, self.gamma)
            scores = cube - np.einsum("sa,sad->sd", proba, cube)[:, None]
            pairs = visited[:, None] * proba
            fisher = np.einsum("sa,sad,sae->de", pairs, scores, scores)
            gradient = np.einsum("sa,sa,sad->d", pairs, q_values, scores)
            theta = theta + self.eta * np.linalg.pinv(fisher, hermitian=True) @ gradient
        yield softmax((phi @ theta).reshape(shape))

    def policies(self, regressor, **parameters):
        """Three of the iterates, of one fit each."""
        settings = {"step_size": Constant(self.eta), "gamma": self.gamma}
        settings |= {"critic": PAIRS, "random_state": 0} | parameters
        fits = [AMPOPolicy(regressor, max_iter=k, **settings) for k in (1, 2, N_ITER)]
        return {fit.max_iter: fit.fit(self.mdp) for fit in fits}


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def solve(matrix, right):
    """In units in which every diagonal entry is 1: rare actions have tiny blocks."""
    unit = 1 / np.sqrt(np.diag(matrix))
    return unit * np.linalg.solve(matrix * np.outer(unit, unit), unit * right)


def evaluate(mdp, proba, gamma):
    """Visitation and action values by their definitions, on dense arrays."""
    moves = mdp.transition
    chain = np.einsum("sa,sat->st", proba, moves)
    system = np.eye(mdp.n_states) - gamma * chain
    values = np.linalg.solve(system, (proba * mdp.reward).sum(axis=1))
    visited = (1 - gamma) * np.linalg.solve(system.T, mdp.initial_distribution)
    return visited, mdp.reward + gamma * moves @ values


def deviation(problem, regressor, phi, **parameters):
    expected = list(problem.q_npg(phi))
    fits = problem.policies(regressor, **parameters)
    return max(
        np.abs(fit.predict_proba(problem.mdp.states) - expected[k]).max()
        for k, fit in fits.items()
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_q_npg_of_a_log_linear_policy(seed):
    problem = Problem(seed)
    regressor = make_pipeline(FunctionTransformer(problem.look_up), LEAST_SQUARES)
    assert deviation(problem, regressor, problem.blocks()) < 1e-10


@pytest.mark.parametrize("seed", SEEDS)
def test_q_npg_with_features_of_pairs(seed):
    problem = Problem(seed)
    regressor = make_pipeline(FunctionTransformer(problem.look_up_pairs), LEAST_SQUARES)
    assert deviation(problem, regressor, problem.pairs, encoding="joint") < 1e-10


@pytest.mark.parametrize("seed", SEEDS)
def test_npg_with_features_of_pairs(seed):
    problem = Problem(seed)
    recorded = Recorded(Constant(problem.eta))
    policy = AMPOPolicy(
        make_pipeline(FunctionTransformer(problem.look_up_pairs), LEAST_SQUARES),
        encoding="compatible_joint",
        critic=Exact("visitation"),
        step_size=recorded,
        gamma=problem.gamma,
        max_iter=N_ITER,
    ).fit(problem.mdp)
    found = [*recorded.policies, policy.predict_proba(problem.mdp.states)]
    assert_allclose(found, list(problem.npg(problem.pairs)), rtol=0, atol=1e-10)


def test_the_recorded_error_is_under_the_same_distribution():
    problem = Problem(0)
    regressor = make_pipeline(FunctionTransformer(problem.look_up), LEAST_SQUARES)
    fits = problem.policies(regressor)
    before, after = fits[1], fits[2]
    proba = before.predict_proba(problem.mdp.states)
    visited, q_values = evaluate(problem.mdp, proba, problem.gamma)
    # The scores of a log-linear policy are its dual, up to a constant per state.
    target = q_values + np.log(proba) / problem.eta
    scores = np.log(after.predict_proba(problem.mdp.states)) / problem.eta
    expected = approximation_error(scores, target, visited[:, None] * proba)
    assert after.history_[-1]["approximation_error"] == pytest.approx(expected)
    uniform = approximation_error(
        scores, target, np.full_like(proba, visited[:, None] / proba.shape[1])
    )
    assert abs(uniform - expected) > 1e-4 * expected


def test_a_table_is_policy_mirror_descent_whatever_the_weights():
    # Also where a pair is visited no more: its scores stay.
    problem = Problem(3)
    steps = Constant(30.0)
    pair = AMPOPolicy(critic=PAIRS, step_size=steps, gamma=0.9, max_iter=20)
    plain = AMPOPolicy(critic="exact", step_size=steps, gamma=0.9, max_iter=20)
    states = problem.mdp.states
    found = pair.fit(problem.mdp).predict_proba(states)
    assert_allclose(found, plain.fit(problem.mdp).predict_proba(states), atol=1e-10)


@pytest.mark.parametrize("mirror_map", ["euclidean", "tsallis", "hyperbolic_entropy"])
def test_other_mirror_maps_keep_their_table(mirror_map):
    mdp = Problem(1).mdp
    settings = {"mirror_map": mirror_map, "step_size": Constant(0.5), "gamma": 0.9}
    settings["max_iter"] = 15
    pair = AMPOPolicy(critic=PAIRS, **settings).fit(mdp)
    plain = AMPOPolicy(critic="exact", **settings).fit(mdp)
    assert_allclose(
        pair.predict_proba(mdp.states), plain.predict_proba(mdp.states), atol=1e-8
    )


def test_policy_iteration_with_pairs():
    mdp = Problem(2).mdp
    policy = AMPOPolicy(critic=PAIRS, step_size="greedy", gamma=0.9, max_iter=20)
    best = mdp.solve(0.9).proba.argmax(axis=1)
    assert (policy.fit(mdp).predict(mdp.states) == best).all()


class Recording(MonteCarlo):
    """Keeps the pairs and returns of every iteration."""

    drawn = ()

    def evaluate(self, policy, transitions, setting):
        rows, returns = self._returns(policy, transitions, setting.gamma)
        taken = transitions.observations[rows, 0], transitions.actions[rows], returns
        self.drawn = (*self.drawn, taken)
        return super().evaluate(policy, transitions, setting)


def test_sampled_q_npg_by_the_unbiased_sampler():
    problem, critic = Problem(5), Recording("geometric", regressor="policy")
    policy = AMPOPolicy(
        make_pipeline(FunctionTransformer(problem.look_up), LEAST_SQUARES),
        critic=critic,
        encoding="per_action",
        step_size=Constant(problem.eta),
        gamma=0.8,
        exploration=0.0,
        min_odds=0.0,
        max_iter=3,
        steps_per_iter=2_000,
        max_episode_steps=10**6,
        random_state=0,
    )
    policy.fit(problem.mdp.to_env())
    phi, n_actions = problem.blocks(), problem.mdp.n_actions
    theta = np.zeros(phi.shape[1])
    for states, actions, returns in policy.critic_.drawn:
        rows = phi[states.astype(int) * n_actions + actions]
        theta += problem.eta * solve(rows.T @ rows, rows.T @ returns)
    expected = softmax((phi @ theta).reshape(-1, n_actions))
    assert len(policy.critic_.drawn) == 3
    assert_allclose(policy.predict_proba(problem.mdp.states), expected, atol=1e-10)


def test_one_regressor_of_all_actions_cannot_weigh_them():
    mdp = make_random_mdp(random_state=0)
    policy = AMPOPolicy(critic=PAIRS, encoding="multi_output", gamma=0.9)
    with pytest.raises(InvalidParameterError, match="use encoding='per_action'"):
        policy.fit(mdp)
