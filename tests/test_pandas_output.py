"""Transformers that return data frames, by their own doing or by a setting."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skampo import AMPOPolicy, load
from skampo.critics import LSTDQ, FittedQ, LambdaReturn, MonteCarlo
from skampo.data import TransitionLog
from skampo.exceptions import RegressorError
from skampo.off_policy import doubly_robust, fit_action_values
from skampo.preprocessing import EnvTransformer
from skampo.regressors import PooledRidge

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
A = RNG.integers(2, size=80)
TABLE = pd.DataFrame(X, columns=list("abcd")).assign(
    d=np.where(X[:, 3] > 0, "wet", "dry")
)
LIBRARIES = ["pandas", "polars"]
MODELS = {
    "ridge": Ridge(),
    "lightgbm": LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1),
    "forest": RandomForestRegressor(3),
    "neighbors": KNeighborsRegressor(3),
    "boosting": HistGradientBoostingRegressor(max_iter=3),
}


class Vectorizer(TransformerMixin, BaseEstimator):
    """Columns with names out of whatever comes in, as vectorizers of tables do."""

    def __init__(self, categories=False):
        self.categories = categories

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        numbers = X[["a", "b"]] if hasattr(X, "columns") else np.asarray(X)[:, :2]
        frame = pd.DataFrame(np.asarray(numbers, dtype=float), columns=["one", "two"])
        if self.categories:
            signs = np.where(frame["one"] > 0, "plus", "minus")
            frame["sign"] = pd.Categorical(signs, categories=["minus", "plus"])
        return frame


def small(regressor=None, **keywords):
    keywords = {"max_iter": 2, "random_state": 0} | keywords
    return AMPOPolicy(regressor, **keywords)


def make_log(states=X, following=None):
    following = np.roll(X, -1, axis=0) if following is None else following
    return TransitionLog(
        states,
        A,
        X[:, 1] * A,
        next_states=following,
        terminated=np.arange(80) % 8 == 7,
        episodes=np.arange(80) // 8,
        propensities=np.full(80, 0.5),
    )


@pytest.fixture(params=LIBRARIES)
def library(request):
    pytest.importorskip(request.param)
    return request.param


@pytest.fixture
def everywhere(library):
    """The setting of the whole process."""
    with sklearn.config_context(transform_output=library):
        yield library


def assert_equal_policies(first, second, states=X):
    assert_allclose(first.predict_proba(states), second.predict_proba(states))
    assert_array_equal(
        first._policy.unchecked().proba(states), first._policy.proba(states)
    )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("encoding", ["per_action", "joint"])
@pytest.mark.filterwarnings("ignore:encoding='joint' with a linear:UserWarning")
def test_output_of_pipelines(model, encoding, library):
    def fit(container):
        pipe = make_pipeline(StandardScaler(), PolynomialFeatures(2), MODELS[model])
        pipe.set_output(transform=container)
        policy = small(pipe, encoding=encoding, steps_per_iter=32)
        policy.set_params(critic=FittedQ("policy", n_states=20)).fit("CartPole-v1")
        assert np.isfinite(policy.score("CartPole-v1", n_episodes=1))
        policy.act(X[0])
        return policy

    assert_equal_policies(fit(library), fit("default"))


@pytest.mark.parametrize(
    "critic",
    [
        FittedQ("policy"),
        LambdaReturn(regressor="policy", value_regressor="policy"),
        MonteCarlo(regressor="policy"),
        LSTDQ("policy"),
    ],
    ids=str,
)
def test_the_setting_in_critics(critic, everywhere):
    pipe = make_pipeline(StandardScaler(), Ridge())
    policy = small(pipe, critic=critic, steps_per_iter=32).fit("CartPole-v1")
    found = policy.predict_proba(X), policy.action_values(X)
    with sklearn.config_context(transform_output="default"):
        policy.fit("CartPole-v1")
        assert_allclose(found[0], policy.predict_proba(X))
        assert_allclose(found[1], policy.action_values(X))


@pytest.mark.parametrize(
    "ridge", [PooledRidge(), Ridge(fit_intercept=False)], ids=["pooled", "plain"]
)
def test_linear_critics(ridge, everywhere):
    pipe = make_pipeline(StandardScaler(), ridge)
    critic = FittedQ("policy")
    policy = small(pipe, critic=critic, steps_per_iter=32).fit("CartPole-v1")
    features = small(pipe, critic=LSTDQ(PolynomialFeatures(2))).fit("CartPole-v1")
    assert np.isfinite(policy.score("CartPole-v1", n_episodes=1))
    assert np.isfinite(features.action_values(X)).all()


def test_compatible_features(everywhere):
    pipe = make_pipeline(StandardScaler(), Ridge())
    policy = small(pipe, encoding="compatible", steps_per_iter=32).fit("CartPole-v1")
    found = policy.predict_proba(X)
    with sklearn.config_context(transform_output="default"):
        assert_allclose(found, policy.fit("CartPole-v1").predict_proba(X))


@pytest.mark.parametrize("env", ["CartPole-v1", "FrozenLake-v1"])
def test_the_default_regressor(env, everywhere):
    policy = small(steps_per_iter=64).fit(env)
    states = X if env == "CartPole-v1" else np.arange(16.0)[:, None]
    found = policy.predict_proba(states)
    policy.score(env, n_episodes=1)
    with sklearn.config_context(transform_output="default"):
        assert_array_equal(found, policy.fit(env).predict_proba(states))


@pytest.mark.parametrize("regressor", [None, make_pipeline(StandardScaler(), Ridge())])
@pytest.mark.parametrize("one_step", [True, False])
def test_logs_of_numbers(regressor, one_step, everywhere):
    log = TransitionLog(X, A, X[:, 1] * A) if one_step else make_log()
    policy = small(regressor).fit(log)
    found = policy.predict_proba(X)
    with sklearn.config_context(transform_output="default"):
        assert_allclose(found, policy.fit(log).predict_proba(X))


@pytest.mark.parametrize("one_step", [True, False])
def test_the_default_on_tables(one_step, everywhere):
    following = TABLE.iloc[np.roll(np.arange(80), -1)].reset_index(drop=True)
    log = TransitionLog(TABLE, A, X[:, 1] * A)
    log = log if one_step else make_log(TABLE, following)
    policy = small().fit(log)
    found = policy.predict_proba(TABLE)
    with sklearn.config_context(transform_output="default"):
        assert_allclose(found, policy.fit(log).predict_proba(TABLE))


@pytest.mark.parametrize("model", ["ridge", "lightgbm", "boosting"])
@pytest.mark.parametrize("one_step", [True, False])
def test_vectorizers_of_tables(model, one_step):
    following = TABLE.iloc[np.roll(np.arange(80), -1)].reset_index(drop=True)
    log = TransitionLog(TABLE, A, X[:, 1] * A)
    log = log if one_step else make_log(TABLE, following)
    policy = small(make_pipeline(Vectorizer(), MODELS[model])).fit(log)
    assert policy.predict_proba(TABLE).shape == (80, 2)
    policy.act(TABLE.iloc[0].to_dict())


@pytest.mark.parametrize("model", ["lightgbm", "boosting"])
def test_categories_reach_the_model(model):
    regressor = MODELS[model]
    if model == "boosting":
        regressor = HistGradientBoostingRegressor(max_iter=3, categorical_features=[2])
        regressor.set_params(categorical_features=["sign"])
    pipe = make_pipeline(Vectorizer(categories=True), regressor)
    policy = small(pipe, critic=FittedQ("policy", n_states=20))
    policy.set_params(steps_per_iter=32).fit("CartPole-v1")
    assert_array_equal(policy._policy.unchecked().proba(X), policy._policy.proba(X))
    ridge = make_pipeline(Vectorizer(categories=True), Ridge())
    with pytest.raises(RegressorError, match="not all numbers"):
        small(ridge, critic=FittedQ("policy")).fit("CartPole-v1")


def test_columns_that_are_selected_by_name(library):
    chosen = make_column_transformer((StandardScaler(), ["x0", "x2"]))
    pipe = make_pipeline(StandardScaler(), chosen, Ridge())
    pipe.set_output(transform=library)
    policy = small(pipe, steps_per_iter=32).fit("CartPole-v1")
    assert_array_equal(policy._policy.unchecked().proba(X), policy._policy.proba(X))
    inner = make_pipeline(StandardScaler(), make_pipeline(chosen, Ridge()))
    inner.set_output(transform=library)
    other = small(inner, steps_per_iter=32).fit("CartPole-v1")
    assert_allclose(other.predict_proba(X), policy.predict_proba(X))


@pytest.mark.parametrize("regressor", [None, "ridge", "lightgbm", "forest"])
# Values of forests do not settle, and there are few episodes.
@pytest.mark.filterwarnings(
    "ignore:.*settled:UserWarning", "ignore:.*effective:UserWarning"
)
def test_off_policy(regressor, everywhere):
    model = regressor and make_pipeline(StandardScaler(), MODELS[regressor])
    log = make_log()
    policy = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, A)
    values = fit_action_values(policy, log, regressor=model, gamma=0.5, random_state=0)
    assert values(X).shape == (80, 2)
    found = doubly_robust(policy, log, action_values=values, gamma=0.5)
    assert np.isfinite(found.estimate)


@pytest.mark.parametrize("regressor", [None, "ridge", "lightgbm"])
def test_labels(regressor, everywhere):
    model = regressor and make_pipeline(StandardScaler(), MODELS[regressor])
    policy = small(model).fit(X, A)
    assert policy.predict(X).shape == (80,)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_setting_in_threads(n_jobs, everywhere):
    # Not taken apart, so that each fit in a thread transforms.
    inner = make_pipeline(make_pipeline(StandardScaler(), MODELS["lightgbm"]))
    policy = small(inner, n_jobs=n_jobs, steps_per_iter=32).fit("CartPole-v1")
    assert policy.predict_proba(X).shape == (80, 2)


def test_vectorizers_before_environments():
    pipe = make_pipeline(
        EnvTransformer(Vectorizer(), random_state=0, n_steps=64),
        small(Ridge(), steps_per_iter=32),
    ).fit("CartPole-v1")
    assert np.isfinite(pipe.score("CartPole-v1", n_episodes=1))


def test_files(tmp_path, everywhere):
    policy = small(steps_per_iter=32).fit("FrozenLake-v1")
    policy.save(tmp_path / "policy.skampo")
    states = np.arange(16.0)[:, None]
    found = load(tmp_path / "policy.skampo").predict_proba(states)
    assert_array_equal(found, policy.predict_proba(states))
