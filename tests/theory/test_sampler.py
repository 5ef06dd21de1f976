"""The unbiased sampler on a finite model: what it draws, and what a draw costs."""

import numpy as np
import pytest

from skampo import AMPOPolicy
from skampo.critics import MonteCarlo
from skampo.mdp import make_random_mdp
from skampo.rollouts import Rollouts
from skampo.step_sizes import Constant
from tests.rollouts.policies import TablePolicy
from tests.theory.walks import PIPELINE

MDP, GAMMA = make_random_mdp(random_state=0), 0.9
PROBA = np.random.default_rng(0).dirichlet(np.ones(MDP.n_actions), MDP.n_states)
# A mean is within 4 standard errors with probability 0.9999; there are 80 of them.
N_ERRORS = 4


@pytest.fixture(scope="module")
def drawn():
    """Samples (state, action, sum of rewards), and the steps that were taken."""
    with Rollouts(
        MDP.to_env(),
        n_envs=32,
        steps_per_iter=150_000,
        exploration=0.0,
        sampling="geometric",
        gamma=GAMMA,
        max_episode_steps=10_000,
    ) as experience:
        rows = experience.gather(TablePolicy(PROBA))
    starts = np.flatnonzero(rows.is_start)
    states = rows.observations[starts, 0].astype(int)
    sums = np.add.reduceat(rows.rewards, starts)
    return states, rows.actions[starts], sums, experience.n_steps


def test_pairs_follow_the_discounted_visitation(drawn):
    states, actions, _, _ = drawn
    expected = MDP.visitation(PROBA, GAMMA)[:, None] * PROBA
    counts = np.zeros_like(expected)
    np.add.at(counts, (states, actions), 1)
    error = np.sqrt(expected * (1 - expected) / len(states))
    assert (np.abs(counts / len(states) - expected) < N_ERRORS * error).all()


def test_undiscounted_sums_are_action_values_on_average(drawn):
    states, actions, sums, _ = drawn
    q_values = MDP.action_values(PROBA, GAMMA)
    residuals = sums - q_values[states, actions]
    pairs = states * MDP.n_actions + actions
    n = np.bincount(pairs, minlength=PROBA.size)
    common = n >= 30
    mean = np.bincount(pairs, residuals, PROBA.size)[common] / n[common]
    error = np.sqrt(
        np.bincount(pairs, residuals**2, PROBA.size)[common] / n[common] ** 2
    )
    assert common.sum() > 30
    assert (np.abs(mean) < N_ERRORS * error).all()


def test_a_sample_costs_nineteen_steps(drawn):
    states, _, _, n_steps = drawn
    expected = 2 / (1 - GAMMA) - 1
    error = np.sqrt(2 * GAMMA / (1 - GAMMA) ** 2 / len(states))
    assert expected == pytest.approx(19)
    assert abs(n_steps / len(states) - expected) < N_ERRORS * error


def test_the_estimator_evaluates_with_the_sampler():
    """The critic's table after one iteration is that of the uniform policy."""
    policy = AMPOPolicy(
        PIPELINE,
        critic=MonteCarlo("geometric"),
        step_size=Constant(1.0),
        gamma=GAMMA,
        exploration=0.0,
        max_iter=1,
        steps_per_iter=60_000,
        n_envs=32,
        max_episode_steps=10_000,
        random_state=0,
    ).fit(MDP.to_env())
    uniform = np.full_like(PROBA, 1 / MDP.n_actions)
    error = policy.action_values(MDP.states) - MDP.action_values(uniform, GAMMA)
    # A sum of rewards has a standard deviation of about 6; a pair has 80 samples.
    assert np.abs(error).max() < 4
    assert np.sqrt(np.mean(error**2)) < 1
