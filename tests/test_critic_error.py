"""How wrong action values are, estimated without knowing the true ones."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.critics import FittedQ
from skampo.mdp import make_random_mdp
from skampo.step_sizes import Constant
from skampo.theory import approximation_error
from tests.naming import show
from tests.scripted import DATA_CRITICS, RewardingEnv

SMALL = {"max_iter": 3, "steps_per_iter": 64, "random_state": 0}
# Whole episodes for whole returns, and steps without end for the others.
CRITICS = {
    "fitted_q": None,
    "lstdq": None,
    "lambda_return": None,
    "monte_carlo": 100,
}


def errors(policy, name="critic_error"):
    return np.array([record[name] for record in policy.history_])


def said_and_true(seed, critic, limit, gamma=0.9):
    """What one iteration says its errors are, and what they are by the model."""
    # Ten successors leave no pair of state and action untried, as fewer would.
    mdp = make_random_mdp(30, 3, n_successors=10, random_state=seed)
    policy = AMPOPolicy(
        critic=critic,
        step_size=Constant(1.0),
        gamma=gamma,
        max_iter=1,
        min_odds=0.0,
        steps_per_iter=2_000,
        critic_error=True,
        random_state=seed,
    ).fit(mdp.to_env(max_episode_steps=limit or 10**6))
    uniform = np.full((30, 3), 1 / 3)
    # The scores are log π₁, up to a constant of each state.
    scores = np.log(policy.predict_proba(mdp.states))
    q_values = mdp.action_values(uniform, gamma)
    visited = mdp.visitation(uniform, gamma)
    true = approximation_error(scores, q_values, visited[:, None] * uniform)
    said = errors(policy) + errors(policy, "approximation_error")
    return said[0], true


@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("n", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_it_is_right_within_a_factor_of_two(critic, n):
    pairs = [said_and_true(seed, critic, CRITICS[critic]) for seed in range(n)]
    said, true = np.transpose(pairs)
    ratios = said / true
    assert 0.7 < np.median(ratios) < 1.4
    assert (ratios > 0.5).all()
    assert (ratios < 2).all()


def test_what_line_1_misses_is_not_all():
    # A table fits whatever the critic says, right or wrong.
    mdp = make_random_mdp(30, 3, random_state=0)
    policy = AMPOPolicy(critic_error=True, gamma=0.9, **SMALL).fit(mdp.to_env())
    small = errors(policy, "approximation_error") < 0.2 * errors(policy)
    assert small.all()


@pytest.mark.parametrize("critic", DATA_CRITICS, ids=show)
def test_nothing_that_is_learned_depends_on_it(critic):
    policy = AMPOPolicy(Ridge(), critic=critic, **SMALL).fit(RewardingEnv)
    assert np.isnan(errors(policy)).all()
    states = np.random.default_rng(0).normal(size=(20, policy.n_features_in_))
    before = policy.predict_proba(states)
    policy.set_params(critic_error=True).fit(RewardingEnv)
    assert_array_equal(policy.predict_proba(states), before)
    assert np.isfinite(errors(policy)).all()


def test_exact_values_have_no_error():
    assert (errors(AMPOPolicy(max_iter=2).fit(make_random_mdp())) == 0).all()
    X, y = np.arange(20.0)[:, None], np.arange(20) % 2
    assert (errors(AMPOPolicy(max_iter=2).fit(X, y)) == 0).all()


@pytest.mark.parametrize("critic", ["fitted_q", "pessimistic"])
def test_logs(critic):
    rng = np.random.default_rng(0)
    path, actions = rng.normal(size=(61, 2)), rng.integers(2, size=60)
    states = path[:-1]
    columns = {"rewards": rng.normal(size=60), "next_states": path[1:]}
    columns["terminated"] = np.zeros(60)
    episodes = np.repeat(np.arange(6), 10)
    policy = AMPOPolicy(
        Ridge(), critic=critic, gamma=0.9, critic_error=True, max_iter=2
    )
    policy.fit(states, actions, episodes=episodes, **columns)
    assert (errors(policy) > 0).all()
    # One trajectory has no halves.
    policy.fit(states, actions, episodes=np.zeros(60), **columns)
    assert np.isnan(errors(policy)).all()


class Picky(Ridge):
    """Refuses more rows than a critic has."""

    def fit(self, X, y, sample_weight=None):
        if len(X) > 64:
            raise ValueError("too many rows")
        return super().fit(X, y, sample_weight)


def test_a_regressor_that_fails_on_repeated_rows_does_not_end_the_fit():
    critic = FittedQ(Picky(), capacity=64)
    policy = AMPOPolicy(
        Ridge(), critic=critic, critic_error=True, **SMALL | {"max_iter": 1}
    )
    policy.fit(RewardingEnv)
    assert np.isnan(errors(policy)).all()


def test_another_fit_goes_on():
    mdp = make_random_mdp(5, 2, random_state=0)
    policy = AMPOPolicy(critic_error=True, warm_start=True, gamma=0.9, **SMALL)
    policy.fit(mdp.to_env()).fit(mdp.to_env())
    # More data of the same kind.
    assert errors(policy)[-1] < errors(policy)[0]
