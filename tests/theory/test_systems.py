"""The algorithms of the field are special cases, computed here on their own."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from skampo import AMPOPolicy
from skampo.critics import Exact
from skampo.mdp import make_random_mdp
from skampo.step_sizes import Constant, Geometric, TrustRegion

GAMMA, ETA, N_ITER = 0.9, 0.7, 6
MDP = make_random_mdp(15, 3, random_state=4)
PSI = np.random.default_rng(1).normal(size=(15, 5))


def look_up(states):
    return PSI[states[:, 0].astype(int)]


LEAST_SQUARES = LinearRegression(fit_intercept=False)
TABLE = make_pipeline(OneHotEncoder(sparse_output=False), LEAST_SQUARES)
LOG_LINEAR = make_pipeline(FunctionTransformer(look_up), LEAST_SQUARES)


def fit(regressor, **parameters):
    settings = {"step_size": Constant(ETA), "gamma": GAMMA, "max_iter": N_ITER}
    policy = AMPOPolicy(regressor, random_state=0, **settings | parameters)
    return policy.fit(MDP)


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def multiplicative_weights(etas):
    """Softmax natural gradient on a table: p <- p exp(eta A), normalized."""
    proba = np.full((MDP.n_states, MDP.n_actions), 1 / MDP.n_actions)
    for eta in etas:
        q_values = MDP.action_values(proba, GAMMA)
        advantages = q_values - (proba * q_values).sum(axis=1, keepdims=True)
        proba = softmax(np.log(proba) + eta * advantages)
    return proba


@pytest.mark.parametrize("encoding", ["auto", "per_action", "compatible"])
def test_a_table_is_the_softmax_natural_gradient(encoding):
    policy = fit(TABLE, encoding=encoding)
    expected = multiplicative_weights([ETA] * N_ITER)
    assert_allclose(policy.predict_proba(MDP.states), expected, atol=1e-10)


def test_growing_steps_are_policy_mirror_descent_with_linear_convergence():
    policy = fit(TABLE, step_size=Geometric(eta0=0.1))
    expected = multiplicative_weights(0.1 * GAMMA ** -np.arange(N_ITER))
    assert_allclose(policy.predict_proba(MDP.states), expected, atol=1e-10)


@pytest.mark.parametrize("state_distribution", ["uniform", "visitation"])
def test_a_log_linear_policy_is_q_npg(state_distribution):
    theta = np.zeros((PSI.shape[1], MDP.n_actions))
    for _ in range(N_ITER):
        proba = softmax(PSI @ theta)
        weight = np.ones(MDP.n_states)
        if state_distribution == "visitation":
            weight = MDP.visitation(proba, GAMMA)
        root = np.sqrt(weight)[:, None]
        q_values = MDP.action_values(proba, GAMMA)
        theta += ETA * np.linalg.lstsq(root * PSI, root * q_values)[0]
    policy = fit(LOG_LINEAR, critic=Exact(state_distribution))
    assert_allclose(policy.predict_proba(MDP.states), softmax(PSI @ theta), atol=1e-8)


def test_a_trust_region_keeps_its_divergence_in_every_iteration():
    policy = fit(TABLE, step_size=TrustRegion(0.05))
    divergences = [record["divergence"] for record in policy.history_]
    assert_allclose(divergences, 0.05, rtol=1e-6)


@pytest.mark.parametrize("max_divergence", [0.05, 0.5])
def test_the_constraint_of_trpo(max_divergence):
    steps = TrustRegion(max_divergence, direction="old_from_new")
    policies = [
        fit(
            None, step_size=steps, critic=Exact("visitation"), max_iter=n_iter
        ).predict_proba(MDP.states)
        for n_iter in range(4)
    ]
    for old, new in pairwise(policies):
        divergences = (old * np.log(old / new)).sum(axis=1)
        mean = MDP.visitation(old, GAMMA) @ divergences
        assert mean == pytest.approx(max_divergence, rel=1e-6)


def test_greedy_steps_are_policy_iteration():
    proba = np.full((MDP.n_states, MDP.n_actions), 1 / 3)
    for n_iter in range(1, 4):
        best = MDP.action_values(proba, GAMMA).argmax(axis=1)
        proba = np.eye(MDP.n_actions)[best]
        policy = fit(TABLE, step_size="greedy", max_iter=n_iter)
        assert_array_equal(policy.predict_proba(MDP.states), proba)
