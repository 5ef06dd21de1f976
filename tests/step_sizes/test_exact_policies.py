"""The step sizes on a known problem with exact action values."""

from types import SimpleNamespace

import numpy as np
import pytest

from skampo.mirror_maps import NegativeEntropy
from skampo.step_sizes import Adaptive, Constant, Geometric, StepSize, TrustRegion

GAMMA = 0.9
N_STATES, N_ACTIONS, N_NEXT = 10, 4, 3
MISMATCH = 22.712055


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
    transition = np.einsum("sa,san->sn", proba, TRANSITION)
    reward = (proba * REWARD).sum(axis=1)
    values = np.linalg.solve(np.eye(N_STATES) - GAMMA * transition, reward)
    return values, REWARD + GAMMA * TRANSITION @ values


class Table:
    """A tabular policy that remembers its dual."""

    mirror_map = NegativeEntropy()

    def __init__(self, dual):
        self.dual = self.mirror_map.dual(dual)
        self.proba = self.mirror_map.project(dual)

    def step(self, q_values, eta):
        return self.mirror_map.project(self.dual + eta * q_values)


def values_along(step_size, n_iter):
    """Values of the policies after 0, ..., n_iter exact mirror steps."""
    policy, path = Table(np.zeros((N_STATES, N_ACTIONS))), []
    for t in range(n_iter + 1):
        values, q_values = evaluate(policy.proba)
        path.append(values)
        sample = SimpleNamespace(
            q_values=q_values,
            sample_weight=None,
            gamma=GAMMA,
            reward_range=1.0,
            expected_return=0.0,
        )
        eta = min(step_size(t, policy, sample), 1e15)
        policy = Table(policy.dual + eta * q_values)
    return np.array(path)


BEST = values_along(StepSize.by_name["greedy"](), 10)[-1]


def mean_gaps(step_size, n_iter):
    return (BEST - values_along(step_size, n_iter)).mean(axis=1)


def test_greedy_is_policy_iteration():
    gaps = mean_gaps(StepSize.by_name["greedy"](), 2)
    np.testing.assert_allclose(BEST.mean(), 8.412034, atol=5e-7)
    np.testing.assert_allclose(gaps[-1], 0, atol=1e-12)


@pytest.mark.parametrize(
    ("eta", "expected"),
    [
        (0.1, [2.8561, 2.3457, 0.86825, 0.079696]),
        (1.0, [2.3448, 0.28521, 0.01261, 1.546e-5]),
        (10.0, [0.38925, 1.339e-3, 1.96e-10, 0.0]),
    ],
)
def test_constant(eta, expected):
    gaps = mean_gaps(Constant(eta=eta), 200)
    np.testing.assert_allclose(gaps[[1, 10, 50, 200]], expected, rtol=5e-4, atol=2e-12)
    bound = np.log(N_ACTIONS) / (eta * (1 - GAMMA)) + 1 / (1 - GAMMA) ** 2
    assert (gaps <= bound / np.arange(1, 202)).all()


def test_geometric():
    gaps = mean_gaps(Geometric(), 60)
    expected = [2.8239, 2.3663, 1.6016, 0.28034, 1.395e-3]
    np.testing.assert_allclose(gaps[[1, 5, 10, 20, 40]], expected, rtol=5e-4)
    assert gaps[60] < 1e-11
    bound = 2 * (1 - 1 / MISMATCH) ** np.arange(61) / (1 - GAMMA)
    assert (gaps <= bound).all()


def test_adaptive():
    gaps = np.abs(BEST - values_along(Adaptive(), 40)).max(axis=1)
    expected = [2.1638, 0.3378, 0.08349, 7.506e-3, 7.283e-5]
    np.testing.assert_allclose(gaps[[1, 5, 10, 20, 40]], expected, rtol=5e-4)
    k = np.arange(41)
    slack = np.cumsum(np.r_[0.0, GAMMA ** (2.0 * k[1:]) / GAMMA ** k[1:]])
    assert (gaps <= GAMMA**k * (gaps[0] + slack) + 1e-12).all()


@pytest.mark.parametrize(
    ("max_divergence", "n_iter", "first_gap"),
    [(0.01, 20, 2.584), (0.1, 10, 1.896), (0.5, 5, 0.809)],
)
def test_trust_region(max_divergence, n_iter, first_gap):
    gaps = mean_gaps(TrustRegion(max_divergence), n_iter)
    np.testing.assert_allclose(gaps[1], first_gap, atol=5.001e-4)
    np.testing.assert_allclose(gaps[-1], 0, atol=1e-9)
    assert (np.diff(gaps) <= 1e-12).all()
