"""Estimators that write into what they are given change nothing but their own copy."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from skampo import AMPOPolicy
from skampo.critics import LSTDQ, FittedQ, LambdaReturn, MonteCarlo, Pessimistic
from skampo.data import TransitionLog
from skampo.off_policy import doubly_robust, fit_action_values, fitted_q_evaluation
from skampo.preprocessing import EnvTransformer
from skampo.regressors import default_regressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)) * 5 + 3
Y = (X[:, 0] > 3).astype(int)


class Scribbler(RegressorMixin, BaseEstimator):
    """A ridge that leaves nothing as it was, if it may."""

    def __init__(self, scribbles=True):
        self.scribbles = scribbles

    def fit(self, X, y, sample_weight=None):
        self.model_ = Ridge().fit(X, y, sample_weight)
        self._scribble(X, y, sample_weight)
        return self

    def partial_fit(self, X, y, sample_weight=None):
        return self.fit(X, y, sample_weight)

    def predict(self, X):
        found = self.model_.predict(X)
        self._scribble(X)
        return found

    def _scribble(self, *arrays):
        for array in arrays:
            if self.scribbles and array is not None:
                array[...] = 7.0


class WarmScribbler(Scribbler):
    """One that goes on by another fit."""

    partial_fit = property()

    def __init__(self, scribbles=True, warm_start=True):
        super().__init__(scribbles)
        self.warm_start = warm_start


class ScribblingScaler(TransformerMixin, BaseEstimator):
    """Centers rows, in place if it may."""

    def __init__(self, scribbles=True):
        self.scribbles = scribbles

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        centered = X - self.mean_
        if self.scribbles:
            X[...] = 7.0
        return centered


PAIRS = {
    "standard": lambda copy: make_pipeline(StandardScaler(copy=copy), Ridge()),
    "minmax": lambda copy: make_pipeline(
        MinMaxScaler(clip=True, copy=copy), KNeighborsRegressor(3)
    ),
    "robust": lambda copy: make_pipeline(RobustScaler(copy=copy), Ridge(copy_X=copy)),
    "nested": lambda copy: make_pipeline(
        "passthrough", make_pipeline(MaxAbsScaler(copy=copy), Ridge())
    ),
    "ridge": lambda copy: Ridge(copy_X=copy),
    "iterative ridge": lambda copy: Ridge(copy_X=copy, solver="lsqr"),
    "least squares": lambda copy: LinearRegression(copy_X=copy),
    "target": lambda copy: TransformedTargetRegressor(
        make_pipeline(StandardScaler(copy=copy), Ridge(copy_X=copy)),
        transformer=StandardScaler(),
    ),
    "own": lambda copy: Scribbler(not copy),
    "own warm": lambda copy: WarmScribbler(not copy),
    "own scaler": lambda copy: make_pipeline(ScribblingScaler(not copy), Ridge()),
}
LINEAR = ["ridge", "least squares", "standard", "robust"]


def both(name):
    return PAIRS[name](False), PAIRS[name](True)


def fitted(*regressor, **parameters):
    """A policy after two short iterations."""
    policy = AMPOPolicy(*regressor, max_iter=2, random_state=0, **parameters)
    return policy.set_params(steps_per_iter=32).fit("CartPole-v1")


def make_log(states=None):
    n = len(X)
    return TransitionLog(
        X.copy() if states is None else states,
        Y,
        X[:, 1] * Y,
        next_states=np.roll(X, -1, axis=0),
        terminated=np.arange(n) % 6 == 5,
        propensities=np.full(n, 0.5),
        episodes=np.arange(n) // 6,
    )


def assert_same(first, second, states=X):
    """Equal policies, which leave the states alone."""
    states = states.copy()
    for method in ["predict_proba", "decision_function", "predict"]:
        found = getattr(first, method)(states)
        assert_array_equal(found, getattr(second, method)(states))
    assert_array_equal(states, X[:, : states.shape[1]])
    assert_array_equal(first.act(states[0]), second.act(states[0]))
    assert_array_equal(states, X[:, : states.shape[1]])


@pytest.mark.parametrize("encoding", ["per_action", "joint"])
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.filterwarnings("ignore:encoding='joint' with a linear:UserWarning")
def test_environments(name, encoding):
    assert_same(*(fitted(regressor, encoding=encoding) for regressor in both(name)))


@pytest.mark.parametrize("name", LINEAR)
def test_compatible_features(name):
    first, second = (fitted(r, encoding="compatible") for r in both(name))
    assert_same(first, second)


CRITICS = {
    "fitted_q": lambda regressor: FittedQ(regressor, n_states=20),
    "lambda": lambda regressor: LambdaReturn(
        regressor=regressor, value_regressor=clone(regressor)
    ),
    "monte carlo": lambda regressor: MonteCarlo(regressor=regressor),
}


@pytest.mark.parametrize("critic", CRITICS)
@pytest.mark.parametrize("name", ["standard", "target", "own", "own warm", "nested"])
def test_critics(name, critic):
    policies = [fitted(critic=CRITICS[critic](regressor)) for regressor in both(name)]
    assert_same(*policies)
    values = [policy.action_values(X.copy()) for policy in policies]
    assert_array_equal(*values)


@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test_features_of_the_fixed_point(scaler):
    first, second = (fitted(critic=LSTDQ(scaler(copy=copy))) for copy in (False, True))
    assert_same(first, second)


@pytest.mark.parametrize("name", PAIRS)
def test_labels(name):
    states, labels, weights = X.copy(), Y.copy(), np.linspace(0.5, 1, len(X))
    policies = [
        AMPOPolicy(regressor, max_iter=2, random_state=0).fit(
            states, labels, sample_weight=weights
        )
        for regressor in both(name)
    ]
    assert_array_equal(states, X)
    assert_array_equal(labels, Y)
    assert_array_equal(weights, np.linspace(0.5, 1, len(X)))
    assert_same(*policies)


@pytest.mark.parametrize("name", ["standard", "target", "own", "own scaler"])
def test_logs(name):
    logs = [make_log(), make_log()]
    policies = [
        AMPOPolicy(regressor, max_iter=2, random_state=0).fit(log)
        for regressor, log in zip(both(name), logs, strict=True)
    ]
    for log in logs:
        assert_array_equal(log.states, X)
        assert_array_equal(log.next_states, np.roll(X, -1, axis=0))
    assert_same(*policies)


def classifier(copy):
    return make_pipeline(StandardScaler(copy=copy), LogisticRegression())


def test_classifiers_of_logs():
    policies = [
        AMPOPolicy(
            Ridge(),
            critic=Pessimistic(classifier=classifier(copy)),
            max_iter=2,
            random_state=0,
        ).fit(make_log())
        for copy in (False, True)
    ]
    assert_same(*policies)


@pytest.mark.parametrize("name", ["standard", "target", "own", "own scaler"])
def test_values_of_logs(name):
    found, logs = [], [make_log(), make_log()]
    for regressor, log in zip(both(name), logs, strict=True):
        policy = LogisticRegression().fit(X, Y)
        fits = {"regressor": regressor, "gamma": 0.5, "random_state": 0}
        options = fits | {"n_bootstraps": 3}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            values = fit_action_values(policy, log, n_sweeps=3, **fits)
            dr = doubly_robust(policy, log, **options)
            fqe = fitted_q_evaluation(policy, log, **options)
        states = X.copy()
        found.append([values(states), dr.estimate, fqe.estimate])
        assert_array_equal(states, X)
        assert_array_equal(log.states, X)
    for first, second in zip(*found, strict=True):
        assert_array_equal(first, second)


def scribbled(states):
    values = states[:, :2].copy()
    states[...] = 7.0
    return values


def test_policies_of_others():
    log, states = make_log(), X.copy()
    policies = [classifier(copy).fit(X.copy(), Y) for copy in (False, True)]
    with warnings.catch_warnings():
        # There are few episodes.
        warnings.simplefilter("ignore", UserWarning)
        first, second = (
            doubly_robust(policy, log, action_values=scribbled) for policy in policies
        )
    assert first.estimate == second.estimate
    assert_array_equal(log.states, states)


def test_tables():
    table = pd.DataFrame(X, columns=list("abcd"))
    policies = [
        AMPOPolicy(make_pipeline(FrameEater(scribbles), Ridge()), max_iter=2)
        .set_params(random_state=0)
        .fit(table, Y, rewards=X[:, 1] * Y)
        for scribbles in (True, False)
    ]
    assert_array_equal(*(policy.predict_proba(table) for policy in policies))
    pd.testing.assert_frame_equal(table, pd.DataFrame(X, columns=list("abcd")))


class FrameEater(TransformerMixin, BaseEstimator):
    """Takes a column out of a table, and the table with it if it may."""

    def __init__(self, scribbles=True):
        self.scribbles = scribbles

    def fit(self, X, y=None):
        self._scribble(X)
        return self

    def transform(self, X):
        rounded = X[["a", "b"]].round().to_numpy(copy=True)
        self._scribble(X)
        return rounded

    def _scribble(self, X):
        if self.scribbles:
            X.loc[:, :] = 0.0

    def __sklearn_is_fitted__(self):
        return True


PARAMETERS = {StandardScaler: "copy", ScribblingScaler: "scribbles"}


@pytest.mark.parametrize("scaler", PARAMETERS)
def test_transformed_environments(scaler):
    states, kept = X.copy(), []
    for in_place in (True, False):
        own = (
            scaler(in_place)
            if scaler is ScribblingScaler
            else scaler(copy=not in_place)
        )
        pipe = make_pipeline(
            EnvTransformer(own, random_state=0, n_steps=128),
            AMPOPolicy(Ridge(), max_iter=2, steps_per_iter=32, random_state=0),
        ).fit("CartPole-v1")
        kept.append([pipe.predict_proba(states), pipe.score("CartPole-v1")])
        assert_array_equal(states, X)
    assert_array_equal(kept[0][0], kept[1][0])
    assert kept[0][1] == kept[1][1]


def test_the_scaled_linear_policy_of_cartpole():
    scores = [
        AMPOPolicy(make_pipeline(StandardScaler(copy=copy), Ridge()), random_state=0)
        .set_params(max_iter=4)
        .fit("CartPole-v1")
        .score("CartPole-v1", n_episodes=5)
        for copy in (True, False)
    ]
    assert scores[0] == scores[1] > 30


@pytest.mark.parametrize(
    "reader",
    [
        LinearRegression(),
        MaxAbsScaler(),
        MinMaxScaler(clip=True),
        Ridge(),
        Ridge(fit_intercept=False, solver="sag"),
        RobustScaler(),
        StandardScaler(),
        default_regressor(),
        default_regressor(linear=True),
    ],
    ids=str,
)
def test_what_is_known_to_read_does_nothing_else(reader):
    states, target, weights = X.copy(), X[:, 1:3] ** 2, np.linspace(0.5, 1, len(X))
    takes_weights = hasattr(reader, "predict") and not hasattr(reader, "steps")
    keywords = {"sample_weight": weights} if takes_weights else {}
    reader.fit(states, target, **keywords)
    (reader.predict if hasattr(reader, "predict") else reader.transform)(states)
    assert_array_equal(states, X)
    assert_array_equal(target, X[:, 1:3] ** 2)
    assert_array_equal(weights, np.linspace(0.5, 1, len(X)))
