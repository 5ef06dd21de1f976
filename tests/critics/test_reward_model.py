"""Rewards of contextual bandits: fitted, weighted, and corrected by propensities."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy, load
from skampo.critics import RewardModel
from skampo.exceptions import InvalidParameterError
from skampo.persistence import save
from skampo.step_sizes import Constant

METHODS = ["direct", "weighted", "doubly_robust"]
RNG = np.random.default_rng(0)
STATES = RNG.uniform(-1, 1, size=(400, 1))
# Action 1 is mostly taken where it pays.
CHANCES = np.where(STATES[:, 0] > 0.3, 0.9, 0.1)
ACTIONS = (RNG.random(400) < CHANCES).astype(int)
PROPENSITIES = np.where(ACTIONS == 1, CHANCES, 1 - CHANCES)


def rewards_of(x, action):
    """The first action pays nothing, the other one the sign of the state."""
    return np.where(action == 0, 0.0, np.sign(x))


REWARDS = rewards_of(STATES[:, 0], ACTIONS)


def fit(critic, regressor=None, **columns):
    policy = AMPOPolicy(regressor, critic=critic, random_state=0)
    return policy.fit(STATES, ACTIONS, rewards=REWARDS, **columns)


def test_weights_of_the_rows_are_inverse_propensities():
    critic = RewardModel(method="weighted")
    policy = fit(critic, LinearRegression(), propensities=PROPENSITIES)
    columns = []
    for action in range(2):
        rows = action == ACTIONS
        model = LinearRegression()
        model.fit(STATES[rows], REWARDS[rows], 1 / PROPENSITIES[rows])
        columns.append(model.predict(STATES))
    assert_allclose(policy.action_values(STATES), np.column_stack(columns))


def test_doubly_robust_values_by_hand():
    # The model says 0 everywhere: values are rᵢ / μᵢ for the action taken, else 0, and
    # a step of length 1 from the uniform policy has them as its scores.
    nothing = DummyRegressor(strategy="constant", constant=0.0)
    states = np.arange(6.0)[:, None]
    actions, paid = np.array([0, 1, 0, 1, 0, 1]), np.array([1.0, 2.0, 0.0, 4.0, 3.0, 0])
    chances = np.array([0.5, 0.5, 0.25, 0.8, 0.75, 0.2])
    policy = AMPOPolicy(
        DecisionTreeRegressor(random_state=0),
        critic=RewardModel(nothing, method="doubly_robust", n_folds=2),
        step_size=Constant(1.0),
        max_iter=1,
    ).fit(states, actions, rewards=paid, propensities=chances)
    expected = [[2, 0], [0, 4], [0, 0], [0, 5], [4, 0], [0, 0]]
    scores = policy.decision_function(states)
    assert_allclose(scores, np.diff(expected)[:, 0], atol=1e-12)


def test_corrections_come_from_models_that_have_not_seen_the_row():
    # Trees that saw a row know its reward, and would leave nothing to correct.
    noise = np.random.default_rng(1).normal(size=400)
    policy = AMPOPolicy(
        DecisionTreeRegressor(random_state=0),
        critic=RewardModel(method="doubly_robust"),
        step_size=Constant(1.0),
        max_iter=1,
        random_state=0,
    ).fit(STATES, ACTIONS, rewards=noise, propensities=PROPENSITIES)
    scores = policy.decision_function(STATES)
    assert np.abs(scores).max() > 3 * np.abs(noise).max()


def true_value(policy):
    x = np.linspace(-1, 1, 1001)
    return rewards_of(x, policy.predict(x[:, None])).mean()


@pytest.mark.parametrize("method", ["weighted", "doubly_robust"])
def test_propensities_help_a_class_that_cannot_fit_the_rewards(method):
    # A straight line fitted where the action was taken misses where it was not.
    direct = true_value(fit(RewardModel(), Ridge()))
    helped = fit(RewardModel(method=method), Ridge(), propensities=PROPENSITIES)
    assert true_value(helped) > direct + 0.02


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_repetitions(method):
    weight = np.random.default_rng(2).integers(0, 3, size=400)
    # Folds differ between the two, and a model of nothing does not.
    nothing = DummyRegressor(strategy="constant", constant=0.0)
    regressor = nothing if method == "doubly_robust" else "policy"
    critic = RewardModel(regressor, method=method)
    columns = {"propensities": PROPENSITIES}
    weighted = fit(critic, LinearRegression(), sample_weight=weight, **columns)
    rows = np.repeat(np.arange(400), weight)
    repeated = AMPOPolicy(LinearRegression(), critic=critic, random_state=0).fit(
        STATES[rows],
        ACTIONS[rows],
        rewards=REWARDS[rows],
        propensities=PROPENSITIES[rows],
    )
    assert_allclose(
        weighted.predict_proba(STATES), repeated.predict_proba(STATES), atol=1e-8
    )


def test_rows_without_weight_do_not_count():
    weight = (ACTIONS == 0) | (STATES[:, 0] > 0)
    weighted = fit("auto", sample_weight=weight.astype(float))
    states, ones = STATES[weight], np.ones(weight.sum())
    left_out = AMPOPolicy(random_state=0).fit(
        states, ACTIONS[weight], rewards=REWARDS[weight], sample_weight=ones
    )
    assert_array_equal(
        weighted.decision_function(STATES), left_out.decision_function(STATES)
    )


@pytest.mark.parametrize("method", METHODS[1:])
def test_methods_that_need_propensities_say_so(method):
    with pytest.raises(InvalidParameterError, match="pass propensities="):
        fit(RewardModel(method=method))


def test_several_steps_are_refused():
    with pytest.raises(ValueError, match="RewardModel is for contextual bandits"):
        fit(RewardModel(), next_states=STATES, terminated=np.zeros(len(STATES)))


def test_less_rows_than_folds_are_refused():
    policy = AMPOPolicy(critic=RewardModel(method="doubly_robust"))
    with pytest.raises(ValueError, match=r"a row per fold\. Got 2 rows"):
        policy.fit([[0.0], [1.0]], [0, 1], rewards=[0, 1], propensities=[0.5, 0.5])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("encoding", ["auto", "joint", "per_action"])
def test_files_and_seeds_keep_every_bit(method, encoding, tmp_path):
    tree = DecisionTreeRegressor(max_depth=3)
    policies = [
        AMPOPolicy(
            tree, critic=RewardModel(method=method), encoding=encoding, random_state=0
        ).fit(STATES, ACTIONS, rewards=REWARDS, propensities=PROPENSITIES)
        for _ in range(2)
    ]
    save(policies[0], tmp_path / "policy.skampo")
    policies.append(load(tmp_path / "policy.skampo"))
    scores = [policy.decision_function(STATES) for policy in policies]
    assert_array_equal(scores[0], scores[1])
    assert_array_equal(scores[0], scores[2])
