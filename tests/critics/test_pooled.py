"""Ridges whose actions are pulled to what they share, and sweeps that must settle."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import FittedQ, QSample, Sweeps
from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError, RegressorError
from skampo.regressors import (
    NystroemFeatures,
    PooledRidge,
    default_regressor,
    linear_form,
)
from tests.faulty_envs import CountingEnv
from tests.iterates import softmax_of
from tests.naming import show

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(60, 4))
ACTIONS = RNG.integers(3, size=60)
TARGETS = RNG.normal(size=60) + ACTIONS
FORM = linear_form(PooledRidge(0.5))


def pooled(features=FEATURES, actions=ACTIONS, form=FORM):
    steps = SimpleNamespace(at=np.arange(len(actions)), actions=actions)
    setting = SimpleNamespace(n_actions=3)
    return Sweeps.by_form[type(form)](form, features, steps, setting)


def textbook(alpha):
    """Least squares for the shared weights and what each action adds to them."""
    rows = np.zeros((60, 4, 4))
    rows[:, 0] = FEATURES
    rows[np.arange(60), 1 + ACTIONS] = FEATURES
    rows = rows.reshape(60, 16)
    penalty = np.repeat([alpha, 10 * alpha, 10 * alpha, 10 * alpha], 4)
    found = np.linalg.solve(rows.T @ rows + np.diag(penalty), rows.T @ TARGETS)
    shared, *added = found.reshape(4, 4)
    return (shared + np.array(added)).T


@pytest.mark.parametrize("n_stronger", [0, 1, 2])
def test_weights_minimize_the_pooled_squares(n_stronger):
    sweeps = pooled()
    for _ in range(n_stronger):
        sweeps.strengthen()
    sweeps.fit(TARGETS)
    assert_allclose(sweeps.weights, textbook(0.5 * 10**n_stronger), atol=1e-5)
    assert_allclose(sweeps.values(), FEATURES @ sweeps.weights, atol=1e-5)
    assert_allclose(sweeps.scores(FEATURES), FEATURES @ sweeps.weights)


def test_an_action_never_taken_has_what_the_others_share():
    sweeps = pooled(actions=np.where(ACTIONS == 2, 0, ACTIONS))
    sweeps.fit(TARGETS)
    w, v = sweeps.weights[:, 2], sweeps.weights - sweeps.weights[:, 2:]
    # What minimizes the penalties of w + v.
    assert_allclose(w, 10 * v.sum(axis=1), atol=1e-4)


def test_penalties_grow_until_nothing_of_the_data_is_left():
    sweeps, sizes = pooled(), []
    while sweeps.can_strengthen:
        sweeps.fit(TARGETS)
        sizes.append(np.abs(sweeps.values()).max())
        sweeps.strengthen()
    sweeps.fit(TARGETS)
    assert np.abs(sweeps.values()).max() < 0.01 * np.abs(TARGETS).max() < sizes[-3]


class Targets:
    """Targets that move away by a factor as long as the penalty is small."""

    proba = np.zeros((60, 3))
    nothing_follows = False

    def __init__(self, sweeps, factor):
        self.sweeps, self.factor = sweeps, factor

    def __call__(self, q_values):
        growth = self.factor if self.sweeps.factor < 100 else 0.5
        return TARGETS + growth * q_values[np.arange(60), ACTIONS]

    def clip(self, q_values):
        return np.clip(q_values, -1e30, 1e30)


@pytest.mark.parametrize(("factor", "penalty"), [(0.5, 1.0), (3.0, 100.0)])
def test_the_penalty_grows_until_sweeps_settle(factor, penalty):
    sweeps, critic = pooled(), FittedQ()
    critic._solve(sweeps, Targets(sweeps, factor), None)
    assert sweeps.factor == penalty


def values(critic, regressor=None):
    policy = AMPOPolicy(regressor, critic=critic, max_iter=1, steps_per_iter=64)
    states = np.random.default_rng(1).normal(size=(5, 4)) * 0.1
    return policy.set_params(random_state=0).fit("CartPole-v1").action_values(states)


def own(model):
    return FittedQ(make_pipeline(StandardScaler(), NystroemFeatures(), model))


class TestWhoPools:
    def test_the_value_model_of_environments_does(self):
        pooling, alone = own(PooledRidge(0.1)), own(Ridge(0.1, fit_intercept=False))
        assert_allclose(values("auto"), values(pooling))
        assert np.abs(values("auto") - values(alone)).max() > 1e-3

    def test_whatever_the_regressor_of_the_policy_is(self):
        assert_allclose(values("auto", DecisionTreeRegressor()), values("auto"))

    def test_it_follows_nine_tenths_of_the_stored_steps(self):
        found = values("auto")
        assert_allclose(found, values(FittedQ(trace_decay=0.9)))
        for decay in (0.8, 1.0):
            assert np.abs(found - values(FittedQ(trace_decay=decay))).max() > 1e-3

    def test_the_policy_s_own_regressor_when_asked(self):
        regressor = default_regressor()
        assert_allclose(
            values(FittedQ("policy"), regressor), values(FittedQ(regressor))
        )

    def test_sharing_is_a_parameter(self):
        alike, apart = (values(own(PooledRidge(0.1, sharing=s))) for s in (1e3, 1e-2))
        assert np.ptp(alike, axis=1).mean() < 0.5 * np.ptp(apart, axis=1).mean()

    def test_sparse_features_are_refused(self):
        sparse = make_pipeline(OneHotEncoder(handle_unknown="ignore"), PooledRidge())
        policy = AMPOPolicy(critic=FittedQ(sparse), max_iter=1, steps_per_iter=64)
        with pytest.raises(InvalidParameterError, match="dense features"):
            policy.fit(CountingEnv)


def test_penalties_too_small_for_single_precision_are_named():
    form = linear_form(PooledRidge(1e-12))
    twice = np.hstack([1e3 * FEATURES, 1e3 * FEATURES])
    with pytest.raises(RegressorError, match=r"alpha=1e-12.*60 x 8.*Raise its alpha"):
        pooled(twice, form=form)


def test_features_wider_than_there_are_states_are_refused():
    with pytest.raises(InvalidParameterError, match="features of 60 states"):
        pooled(features=np.hstack([FEATURES] * 600))


def test_scores_far_below_the_best_count_as_less_far():
    scores = lambda X: np.array([[0.0, -5.0, -50.0]])
    policy = softmax_of(scores, min_odds=np.exp(-10.0))
    sample = QSample(np.zeros((1, 1)), np.zeros((1, 3)), 0.9)
    here = policy.at(sample)
    assert_allclose(here.dual, [[0.0, -5.0, -10.0]])
    # The step starts from the policy with these scores: no step, no divergence.
    assert_allclose(here.proba, here.step(np.zeros((1, 3)), 1.0))


@pytest.mark.parametrize("regressor", [None, Ridge()], ids=show)
@pytest.mark.parametrize("critic", ["auto", "lambda_return"])
@pytest.mark.parametrize(
    ("X", "odds"), [("CartPole-v1", 1e-3), ("FrozenLake-v1", 1e-2)]
)
def test_every_policy_forgets_where_it_explores(regressor, critic, X, odds):
    policy = AMPOPolicy(regressor, critic=critic, max_iter=1, steps_per_iter=16)
    assert policy.fit(X).min_odds_ == odds


def test_a_log_has_no_floor_unless_it_is_asked_for():
    log = TransitionLog([[0.0]] * 2, [0, 1], [0.0, 1.0])
    assert AMPOPolicy(max_iter=1).fit(log).min_odds_ == 0
    assert AMPOPolicy(max_iter=1, min_odds=0.1).fit(log).min_odds_ == 0.1
