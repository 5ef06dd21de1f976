"""The fixed point of fitted Q evaluation, against sweeps and exact values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import LSTDQ, CriticSetting, FittedQ
from skampo.data import Transitions
from skampo.encodings import Encoding
from skampo.exceptions import InvalidParameterError
from tests.faulty_envs import CountingEnv
from tests.iterates import softmax_of, uniform

STATES = np.array([[0.0], [1.0]])
UNIFORM = uniform(2)
ONE_HOT = OneHotEncoder(sparse_output=False)


def log(states, actions, rewards, after, *, terminated=None):
    """One transition per row; every row is a trajectory of its own."""
    no = np.zeros(len(states), dtype=bool)
    return Transitions(
        STATES[states],
        np.asarray(actions),
        np.asarray(rewards, dtype=float),
        STATES[after],
        no if terminated is None else np.asarray(terminated),
        no,
        ~no,
    )


# Action 1 moves to the other state, action 0 stays; only state 1 pays.
ALL_PAIRS = log([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1], [0, 1, 1, 0])


def evaluate(
    critic, transitions, policy=UNIFORM, regressor=None, gamma=0.5, n_actions=2
):
    regressor = make_pipeline(ONE_HOT, Ridge(0.1)) if regressor is None else regressor
    encoding = Encoding.by_name["per_action"]()
    rng = np.random.default_rng(0)
    setting = CriticSetting(n_actions, gamma, regressor, encoding, rng)
    return critic.evaluate(policy, transitions, setting)


@pytest.mark.parametrize("transformer", [None, ONE_HOT, OneHotEncoder()], ids=str)
def test_values_by_hand(transformer):
    critic = LSTDQ(transformer, alpha=0)
    # v0 = 0.25 (v0 + v1) and v1 = v0 + 1, so that v = 0.5, 1.5.
    sample = evaluate(critic, ALL_PAIRS)
    assert_allclose(sample.q_values, [[0.25, 0.75], [1.75, 1.25]])


def test_nothing_follows_a_terminated_transition():
    no = np.zeros(4, dtype=bool)
    ends = log([0, 0, 1, 1], [0, 1, 0, 1], [0, 3, 1, 1], [0, 1, 1, 0], terminated=no)
    ends.terminated[1] = True
    # v0 = (v0 / 2 + 3) / 2 = 2 and v1 = (1 + v1 / 2 + 1 + v0 / 2) / 2 = 2.
    sample = evaluate(LSTDQ(alpha=0), ends)
    assert_allclose(sample.q_values, [[1, 3], [2, 2]])


@given(st.integers(0, 1000), st.floats(0, 0.9))
def test_it_is_what_many_sweeps_reach(seed, gamma):
    rng = np.random.default_rng(seed)
    n = 40
    transitions = log(*rng.integers(0, 2, (2, n)), rng.normal(size=n), [0, 1] * 20)
    values = rng.normal(size=(2, 2))
    policy = softmax_of(lambda X: values[X[:, 0].astype(int)])
    ridge = make_pipeline(ONE_HOT, Ridge(0.1, fit_intercept=False))
    sweeps = FittedQ(n_sweeps=2000, tol=0, trace_decay=0)
    swept = evaluate(sweeps, transitions, policy, ridge, gamma)
    solved = evaluate(LSTDQ(alpha=0.1), transitions, policy, ridge, gamma)
    assert_allclose(solved.q_values, swept.q_values, atol=1e-8)


def test_an_action_never_taken_gets_the_mean_of_the_others():
    transitions = log([0, 1], [0, 0], [0, 1], [0, 1])
    sample = evaluate(LSTDQ(alpha=0), transitions)
    assert_allclose(sample.q_values, [[0, 0], [2, 2]])


def test_an_action_never_taken_is_bootstrapped_from_as_the_mean_of_the_others():
    proba = np.array([[0.5, 0.25, 0.25], [0.125, 0.375, 0.5]])
    policy = softmax_of(lambda X: np.log(proba)[X[:, 0].astype(int)])
    sample = evaluate(LSTDQ(alpha=0), ALL_PAIRS, policy, n_actions=3)
    # As of the policy (5/8, 3/8), (3/8, 5/8) of two actions: v = 3/8, 11/8.
    expected = [[0.1875, 0.6875, 0.4375], [1.6875, 1.1875, 1.4375]]
    assert_allclose(sample.q_values, expected)


def test_features_are_shared_with_the_regressor_they_come_from():
    regressor = make_pipeline(ONE_HOT, Ridge())
    sample = evaluate(LSTDQ(), ALL_PAIRS, regressor=regressor)
    assert sample.shared[1] is regressor[-1]
    # Equal features are the same features, whoever names them.
    assert evaluate(LSTDQ(ONE_HOT), ALL_PAIRS).shared[1] is not None
    assert evaluate(LSTDQ(PolynomialFeatures(2)), ALL_PAIRS).shared is None


def test_a_plain_ridge_is_linear_in_the_observations():
    sample = evaluate(LSTDQ(alpha=1e-9), ALL_PAIRS, regressor=Ridge())
    assert_allclose(sample.q_values[0], 0, atol=1e-9)


def test_any_policy_regressor_with_features_of_its_own():
    critic = LSTDQ(PolynomialFeatures(2))
    policy = AMPOPolicy(DecisionTreeRegressor(max_depth=2), critic=critic, max_iter=2)
    policy.set_params(steps_per_iter=40, n_envs=2, random_state=0).fit(CountingEnv)
    assert np.isfinite(policy.action_values([[0.0, 0.0]])).all()


def test_values_stay_where_returns_can_be():
    policy = AMPOPolicy(critic="lstdq", max_iter=2, steps_per_iter=40, random_state=0)
    far = policy.fit(CountingEnv).action_values([[1e3, 0.0], [3.0, 1.0]])
    assert (far >= 0).all()
    assert (far <= 100 + 1e-9).all()


def test_a_regressor_without_features_is_refused():
    policy = AMPOPolicy(DecisionTreeRegressor(), steps_per_iter=8)
    policy.set_params(critic=LSTDQ("policy"))
    with pytest.raises(InvalidParameterError, match="LSTDQ is linear in features"):
        policy.fit(CountingEnv)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alpha", -1),
        ("alpha", "much"),
        ("capacity", 0),
        ("transformer", "poly"),
        ("transformer", Ridge()),
        ("transformer", OneHotEncoder),
    ],
)
def test_parameters_are_checked_in_fit(name, value):
    policy = AMPOPolicy(critic=LSTDQ(**{name: value}), steps_per_iter=8)
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of LSTDQ"):
        policy.fit(CountingEnv)
