"""Learning on a real environment: the median of five seeds solves CartPole."""

import numpy as np
import pytest

from skampo import AMPOPolicy
from skampo.mirror_maps import MirrorMap
from skampo.step_sizes import StepSize
from tests.learning.regressors import LARGEST_BUDGET, REGRESSORS, SEEDS, SOLVED

pytestmark = [
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
    # A network that is stopped early is fitted further in the next iteration.
    pytest.mark.filterwarnings("ignore:Stochastic Optimizer. Maximum iterations"),
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", REGRESSORS)
def test_solves_cartpole_with_the_default_parameters(name):
    scores = []
    for seed in SEEDS:
        policy = AMPOPolicy(REGRESSORS[name], random_state=seed).fit("CartPole-v1")
        assert policy.n_steps_ <= LARGEST_BUDGET
        scores.append(policy.score("CartPole-v1"))
    assert np.median(scores) >= SOLVED, scores


@pytest.fixture(scope="module")
def uniform_return():
    """Mean return of the first iterate, which is uniform."""
    policy = AMPOPolicy(max_iter=1, steps_per_iter=4096, random_state=0)
    return policy.fit("CartPole-v1").history_[0]["return_mean"]


@pytest.mark.parametrize("mirror_map", sorted(MirrorMap.by_name))
def test_every_mirror_map_improves_on_the_uniform_policy(mirror_map, uniform_return):
    policy = AMPOPolicy(mirror_map=mirror_map, max_iter=6, random_state=0)
    assert policy.fit("CartPole-v1").score("CartPole-v1") > 2 * uniform_return


@pytest.mark.parametrize("step_size", sorted(StepSize.by_name))
def test_every_step_size_improves_on_the_uniform_policy(step_size, uniform_return):
    policy = AMPOPolicy(step_size=step_size, max_iter=6, random_state=0)
    assert policy.fit("CartPole-v1").score("CartPole-v1") > 2 * uniform_return


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_geometric_steps_solve_cartpole(seed):
    policy = AMPOPolicy(step_size="geometric", max_iter=17, random_state=seed)
    policy.fit("CartPole-v1")
    assert policy.n_steps_ <= 10_240
    assert policy.score("CartPole-v1") >= 475


def test_greedy_steps_give_one_hot_policies():
    policy = AMPOPolicy(step_size="greedy", max_iter=2, random_state=0)
    policy.fit("CartPole-v1")
    states = np.random.default_rng(0).normal(size=(500, 4))
    proba = policy.predict_proba(states)
    assert set(np.unique(proba)) <= {0.0, 0.5, 1.0}
    assert np.isinf(policy.step_size_)
