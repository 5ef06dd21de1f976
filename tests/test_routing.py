"""Metadata that searches and Pipelines pass on, with and without routing."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy
from skampo.model_selection import make_tasks
from skampo.preprocessing import EnvTransformer
from tests.scripted import RewardingEnv

SMALL = {"max_iter": 1, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] + 0.5 * np.random.default_rng(1).normal(size=40) > 0).astype(int)
W = np.where(X[:, 1] > 0, 3.0, 0.01)
MASK = np.repeat([[1, 0]], 40, axis=0)
TASKS = make_tasks(RewardingEnv, 4)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def make_policy():
    return AMPOPolicy(Ridge(), **SMALL)


def search(estimator, *args, **keywords):
    grid = {"max_iter": [1]} if hasattr(estimator, "max_iter") else {}
    return GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(
        *args, **keywords
    )


def test_without_routing_weights_are_split_and_reach_fit():
    fitted = search(make_policy(), X, Y, sample_weight=W)
    expected = make_policy().fit(X, Y, sample_weight=W)
    assert_array_equal(
        fitted.best_estimator_.predict_proba(X), expected.predict_proba(X)
    )


def test_without_routing_what_only_score_takes_is_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'n_episodes'"):
        search(make_policy(), TASKS, n_episodes=3)


@pytest.mark.usefixtures("routing")
def test_metadata_must_be_requested():
    words = r"\[sample_weight\] are passed but are not explicitly set as requested"
    with pytest.raises(UnsetMetadataPassedError, match=words):
        search(make_policy(), X, Y, sample_weight=W)


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize(
    ("in_fit", "in_score"), [(True, False), (False, True), (True, True)]
)
def test_weights_go_where_they_are_requested(in_fit, in_score):
    policy = make_policy().set_fit_request(sample_weight=in_fit)
    policy.set_score_request(sample_weight=in_score)
    train, test = np.arange(20, 40), np.arange(20)
    fitted = GridSearchCV(
        policy, {"max_iter": [1]}, cv=[(train, test)], error_score="raise"
    ).fit(X, Y, sample_weight=W)
    weights = {"sample_weight": W[train]} if in_fit else {}
    expected = make_policy().fit(X[train], Y[train], **weights)
    weights = {"sample_weight": W[test]} if in_score else {}
    assert fitted.cv_results_["split0_test_score"][0] == expected.score(
        X[test], Y[test], **weights
    )


@pytest.mark.usefixtures("routing")
def test_the_number_of_episodes_is_routed():
    policy = make_policy().set_score_request(n_episodes=True)
    found = cross_validate(
        policy, TASKS, cv=2, params={"n_episodes": 3}, return_estimator=True
    )
    expected = found["estimator"][0].score(TASKS[:2], n_episodes=3)
    assert found["test_score"][0] == expected


@pytest.mark.usefixtures("routing")
def test_through_a_pipeline():
    policy = make_policy().set_score_request(n_episodes=True)
    policy.set_fit_request(sample_weight=True)
    policy.set_predict_proba_request(action_mask=True)
    policy.set_predict_request(action_mask=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipe = make_pipeline(scaler, policy).fit(X, Y, sample_weight=W)
    assert_array_equal(pipe.predict_proba(X, action_mask=MASK), MASK)
    assert_array_equal(pipe.predict(X, action_mask=MASK), 0)
    expected = make_policy().fit(scaler.fit_transform(X), Y, sample_weight=W)
    assert_array_equal(
        pipe.predict_proba(X), expected.predict_proba(scaler.transform(X))
    )
    pipe = make_pipeline(EnvTransformer(StandardScaler(), random_state=0), policy)
    pipe.fit(RewardingEnv)
    transformed = pipe[0].transform(RewardingEnv)
    expected = pipe[-1].score(transformed, n_episodes=3)
    assert pipe.score(RewardingEnv, n_episodes=3) == expected


@pytest.mark.usefixtures("routing")
def test_routing_changes_nothing_for_those_who_do_not_use_it():
    proba = make_policy().fit(RewardingEnv).predict_proba(X[:, :2])
    with sklearn.config_context(enable_metadata_routing=False):
        expected = make_policy().fit(RewardingEnv).predict_proba(X[:, :2])
    assert_array_equal(proba, expected)
