"""The exact critic, and where it is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skampo import AMPOPolicy
from skampo.critics import CriticSetting, Exact
from skampo.exceptions import InvalidParameterError
from skampo.mdp import make_random_mdp

MDP = make_random_mdp(5, 3, random_state=0)
SMALL = {"gamma": 0.8, "max_iter": 3, "random_state": 0}


def test_action_values_are_those_of_the_last_policy_evaluated():
    first = AMPOPolicy(**SMALL | {"max_iter": 2}).fit(MDP)
    policy = AMPOPolicy(**SMALL).fit(MDP)
    expected = MDP.action_values(first.predict_proba(MDP.states), 0.8)
    assert_allclose(policy.action_values(MDP.states), expected)


def test_auto_is_exact_for_a_model():
    assert isinstance(AMPOPolicy(**SMALL).fit(MDP).critic_, Exact)


def evaluate(proba, *parameters):
    policy = SimpleNamespace(proba=lambda states: proba)
    setting = CriticSetting(3, 0.8, None, None, np.random.default_rng(0))
    return Exact(*parameters).evaluate(policy, MDP, setting)


UNIFORM = np.full((5, 3), 1 / 3)


def test_states_are_weighted_by_their_visitation():
    sample = evaluate(UNIFORM, "visitation")
    assert_allclose(sample.sample_weight, MDP.visitation(UNIFORM, 0.8))
    assert_allclose(sample.q_values, MDP.action_values(UNIFORM, 0.8))
    assert evaluate(UNIFORM).sample_weight is None


def test_a_sample_knows_how_far_rewards_are_apart():
    assert evaluate(UNIFORM).reward_range == MDP.reward.max() - MDP.reward.min()


def test_parameters_are_checked_when_a_policy_is_evaluated():
    with pytest.raises(InvalidParameterError, match=r"state_distribution.*'visits'"):
        evaluate(UNIFORM, "visits")


@pytest.mark.parametrize("n_episodes", [0, 10])
def test_early_stopping_uses_the_exact_value(n_episodes):
    policy = AMPOPolicy(
        early_stopping=True, validation_episodes=n_episodes, **SMALL
    ).fit(MDP)
    assert policy.n_validation_steps_ == 0
    best = max(record["validation_return"] for record in policy.history_)
    assert policy.score(MDP) == best


def test_the_history_holds_the_exact_returns_of_the_policies_evaluated():
    policy = AMPOPolicy(**SMALL).fit(MDP)
    for n_iter, record in enumerate(policy.history_):
        before = AMPOPolicy(**SMALL | {"max_iter": n_iter}).fit(MDP)
        proba = before.predict_proba(MDP.states)
        assert record["return_mean"] == MDP.expected_return(proba, 0.8)
        assert np.isnan(record["return_std"])


def test_act_takes_the_index_of_a_state():
    policy = AMPOPolicy(**SMALL).fit(MDP)
    assert policy.act(2) == policy.predict(MDP.states[2:3])[0]


@pytest.mark.parametrize("critic", ["fitted_q", "lambda_return", "monte_carlo"])
def test_a_model_needs_the_exact_critic(critic):
    with pytest.raises(InvalidParameterError, match="needs critic='exact' or 'auto'"):
        AMPOPolicy(critic=critic).fit(MDP)


def test_environments_have_no_exact_critic():
    with pytest.raises(InvalidParameterError, match="needs a TabularMDP"):
        AMPOPolicy(critic="exact").fit("CartPole-v1")


def test_a_model_takes_no_labels():
    with pytest.raises(ValueError, match="takes no y"):
        AMPOPolicy().fit(MDP, [0, 1])


def test_an_unknown_distribution():
    with pytest.raises(InvalidParameterError, match="'state_distribution' parameter"):
        AMPOPolicy(critic=Exact("stationary")).fit(MDP)


def test_a_discount_of_1_is_refused():
    with pytest.raises(InvalidParameterError, match="gamma"):
        AMPOPolicy(gamma=1).fit(MDP)


@pytest.mark.parametrize("state", [-1.0, 0.7, 5.0, 1e30])
def test_values_of_what_is_no_state_are_refused(state):
    policy = AMPOPolicy(**SMALL).fit(MDP)
    with pytest.raises(ValueError, match=r"integers 0 to 4\. Got .*pass the number"):
        policy.action_values([[0.0], [state]])
