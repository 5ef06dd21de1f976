"""Ridges whose actions are pulled to what they share, and sweeps that must settle."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo._policy import MirrorPolicy
from skampo.critics import FittedQ, QSample
from skampo.critics._pooled import PooledSweeps
from skampo.exceptions import InvalidParameterError, RegressorError
from skampo.experience import TransitionLog
from skampo.mirror_maps import NegativeEntropy
from skampo.regressors import LeastSquaresForm, RidgeForm, default_regressor
from tests.faulty_envs import CountingEnv

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(60, 4))
ACTIONS = RNG.integers(3, size=60)
TARGETS = RNG.normal(size=60) + ACTIONS
FORM = RidgeForm(0.5, fit_intercept=False)


def pooled(features=FEATURES, actions=ACTIONS, form=FORM):
    steps = SimpleNamespace(at=np.arange(len(actions)), actions=actions)
    return PooledSweeps(form, features, steps, SimpleNamespace(n_actions=3))


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


def far_apart(first, second):
    """Whether the values of every single state differ visibly."""
    return np.abs(first - second).max(axis=1).min() > 1e-3


class TestWhoPools:
    states = np.random.default_rng(1).normal(size=(5, 4)) * 0.1

    def fit(self, of_the_policy=None, env="CartPole-v1", **of_the_critic):
        critic = FittedQ(**of_the_critic)
        policy = AMPOPolicy(of_the_policy, critic=critic, max_iter=1, steps_per_iter=64)
        return policy.set_params(random_state=0).fit(env)

    def values(self, *arguments, **parameters):
        return self.fit(*arguments, **parameters).action_values(self.states)

    def test_the_default_does_unless_told_otherwise(self):
        values = self.values()
        assert_allclose(values, self.values(pooling=True))
        assert far_apart(values, self.values(pooling=False))

    def test_it_follows_nine_tenths_of_the_stored_steps(self):
        values = self.values()
        assert_allclose(values, self.values(trace_decay=0.9))
        assert far_apart(values, self.values(trace_decay=0.8))
        assert far_apart(values, self.values(trace_decay=1.0))

    def test_other_regressors_do_not_unless_told_so(self):
        regressor = default_regressor()
        values = self.values(regressor)
        assert_allclose(values, self.values(regressor, pooling=False))
        assert far_apart(values, self.values(regressor, pooling=True))

    def test_an_own_regressor_of_the_critic_does_not_unless_told_so(self):
        own = {"regressor": default_regressor()}
        values = self.values(**own)
        assert_allclose(values, self.values(**own, pooling=False))
        assert far_apart(values, self.values(**own, pooling=True))

    def test_actions_that_are_columns_do_not(self):
        joint = AMPOPolicy(
            critic=FittedQ(), encoding="joint", max_iter=1, steps_per_iter=64
        )
        values = joint.set_params(random_state=0).fit("CartPole-v1")
        apart = joint.set_params(critic__pooling=False).fit("CartPole-v1")
        assert_allclose(
            values.action_values(self.states), apart.action_values(self.states)
        )

    @pytest.mark.parametrize(
        ("regressor", "message"),
        [
            (Ridge(), "ridge without intercept"),
            (LinearRegression(fit_intercept=False), "ridge without intercept"),
            (DecisionTreeRegressor(), r"a ridge per action.*DecisionTreeRegressor\(\)"),
            (
                make_pipeline(
                    OneHotEncoder(handle_unknown="ignore"), Ridge(fit_intercept=False)
                ),
                "dense features",
            ),
        ],
    )
    def test_what_cannot_is_refused(self, regressor, message):
        with pytest.raises(InvalidParameterError, match=message):
            self.fit(regressor, CountingEnv, pooling=True)


def test_penalties_too_small_for_single_precision_are_named():
    form = RidgeForm(1e-12, fit_intercept=False)
    twice = np.hstack([1e3 * FEATURES, 1e3 * FEATURES])
    with pytest.raises(RegressorError, match=r"alpha=1e-12.*60 x 8.*Raise its alpha"):
        pooled(twice, form=form)


def test_forms_and_features_that_cannot_pool_are_refused():
    with pytest.raises(InvalidParameterError, match="ridge without intercept"):
        pooled(form=LeastSquaresForm(fit_intercept=False))
    with pytest.raises(InvalidParameterError, match="ridge without intercept"):
        pooled(form=SimpleNamespace(alpha=1.0))
    with pytest.raises(InvalidParameterError, match="dense features"):
        pooled(features=csr_array(FEATURES))


def test_scores_far_below_the_best_count_as_less_far():
    policy = MirrorPolicy(NegativeEntropy(), lambda X: np.array([[0.0, -5.0, -50.0]]))
    sample = QSample(np.zeros((1, 1)), np.zeros((1, 3)), 0.9, largest_gap=10.0)
    here = policy.at(sample)
    assert_allclose(here.dual, [[0.0, -5.0, -10.0]])
    # The step starts from the policy with these scores: no step, no divergence.
    assert_allclose(here.proba, here.step(np.zeros((1, 3)), 1.0))


@pytest.mark.parametrize(
    ("regressor", "X", "gap"),
    [
        (None, "CartPole-v1", np.log(1000)),
        (None, "FrozenLake-v1", np.log(100)),
        (default_regressor(), "CartPole-v1", np.inf),
        (None, TransitionLog([[0.0]] * 2, [0, 1], [0.0, 1.0]), np.inf),
    ],
    ids=["numbers", "discrete", "own regressor", "log"],
)
def test_the_default_forgets_where_it_explores(regressor, X, gap):
    gaps = []

    class Spy(FittedQ):
        def evaluate(self, policy, transitions, setting):
            gaps.append(setting.largest_gap)
            return super().evaluate(policy, transitions, setting)

    AMPOPolicy(regressor, critic=Spy(), max_iter=1, steps_per_iter=16).fit(X)
    assert gaps == [gap]
