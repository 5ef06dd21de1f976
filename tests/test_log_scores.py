"""Logs are never scored by how well a policy imitates whoever made them."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_score,
    learning_curve,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.off_policy import fitted_q_evaluation, make_off_policy_scorer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 2))
GOOD = (X[:, 0] > 0).astype(int)
# Whoever acted was wrong in four of five states.
ACTIONS = np.where(RNG.random(600) < 0.8, 1 - GOOD, GOOD)
REWARDS = (ACTIONS == GOOD).astype(float)
LOG = TransitionLog(X, ACTIONS, REWARDS)
# The first imitates whoever acted; the second learns what pays.
GRID = {"regressor": [Ridge(1e5), Ridge()]}


def make_policy(regressor=None, **parameters):
    parameters = {"max_iter": 10, "random_state": 0} | parameters
    return AMPOPolicy(Ridge() if regressor is None else regressor, **parameters)


def search(**keywords):
    return GridSearchCV(make_policy(), GRID, cv=2, **keywords)


@pytest.fixture(scope="module")
def policy():
    return make_policy().fit(X, ACTIONS, rewards=REWARDS)


@pytest.fixture(scope="module")
def steps():
    """A log of three steps per episode."""
    columns = {"rewards": REWARDS, "next_states": np.roll(X, -1, axis=0)}
    columns["terminated"] = np.arange(600) % 3 == 2
    return columns | {"episodes": np.arange(600) // 3}


SEARCHES = {
    "grid": search(),
    "random": RandomizedSearchCV(make_policy(), GRID, n_iter=2, cv=2),
    "halving": HalvingGridSearchCV(make_policy(), GRID, cv=2),
    "raise": search(error_score="raise"),
}


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.filterwarnings("ignore:The policy was fitted to a log")
def test_a_search_over_actions_alone_stops(name):
    with pytest.raises(ValueError, match=r"make_off_policy_scorer\(\.\.\.\)"):
        SEARCHES[name].fit(X, ACTIONS, rewards=REWARDS)


def has_learned(fitted):
    assert fitted.best_params_ == {"regressor": GRID["regressor"][1]}
    assert np.isfinite(fitted.cv_results_["mean_test_score"]).all()
    return (fitted.predict(X) == GOOD).mean() == pytest.approx(0.975, abs=0.01)


def test_a_search_over_a_log_finds_the_right_policy():
    fitted = search().fit(LOG)
    assert has_learned(fitted)
    scored = search(scoring=make_off_policy_scorer()).fit(LOG)
    key = "mean_test_score"
    assert fitted.cv_results_[key].tolist() == scored.cv_results_[key].tolist()


def test_a_search_with_routing_finds_the_right_policy():
    with sklearn.config_context(enable_metadata_routing=True):
        fitted = search().fit(X, ACTIONS, rewards=REWARDS)
        assert has_learned(fitted)
        known = search().fit(X, rewards=np.eye(2)[GOOD])
    assert known.best_params_ == {"regressor": GRID["regressor"][1]}
    key = "mean_test_score"
    by_log = search().fit(LOG).cv_results_[key]
    assert_allclose(fitted.cv_results_[key], by_log)


def test_a_search_over_episodes(steps):
    log = TransitionLog(X, ACTIONS, **steps)
    grid = {"regressor": [Ridge(1e9), Ridge()]}
    policy = make_policy(critic="fitted_q", max_iter=3, gamma=0.5)
    found = GridSearchCV(policy, grid, cv=GroupKFold(2)).fit(log, groups=log.episodes)
    assert found.best_params_["regressor"] is grid["regressor"][1]


@pytest.mark.filterwarnings("ignore:A log whose rows follow each other")
def test_a_search_over_steps_without_episodes_stops(steps):
    log = TransitionLog(X, ACTIONS, REWARDS, steps["next_states"])
    policy = make_policy(critic="fitted_q", max_iter=2)
    with pytest.raises(ValueError, match=r"episodes=, a label for each row"):
        GridSearchCV(policy, {"gamma": [0.5]}, cv=2).fit(log)


@pytest.mark.parametrize(
    "tool",
    [
        lambda estimator: learning_curve(
            estimator, X, ACTIONS, cv=2, params={"rewards": REWARDS}
        ),
        lambda estimator: validation_curve(
            estimator,
            X,
            ACTIONS,
            cv=2,
            param_name="gamma",
            param_range=[0.5],
            params={"rewards": REWARDS},
        ),
        lambda estimator: cross_val_score(
            estimator, X, ACTIONS, cv=2, params={"rewards": REWARDS}
        ),
        lambda estimator: permutation_importance(estimator, X, ACTIONS, n_repeats=1),
    ],
    ids=["learning_curve", "validation_curve", "cross_val_score", "permutation"],
)
@pytest.mark.filterwarnings("ignore:The policy was fitted to a log")
def test_curves_and_importances_stop(tool):
    estimator = make_policy(max_iter=1).fit(X, ACTIONS, rewards=REWARDS)
    with pytest.raises(ValueError, match="how often it does what was done"):
        tool(estimator)


@pytest.mark.parametrize(
    "use",
    [
        lambda score: float(score),
        lambda score: score > 0.5,
        lambda score: max([score, score]),
        lambda score: np.mean([score]),
        lambda score: np.asarray([score], dtype=float),
        lambda score: 1 - score,
        lambda score: f"{score:.2f}",
        bool,
    ],
)
def test_what_is_no_score_cannot_be_used_as_one(policy, use):
    with pytest.warns(UserWarning, match="make_off_policy_scorer") as caught:
        score = policy.score(X, ACTIONS)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "how often it does what was done" in repr(score)
    with pytest.raises(ValueError, match="how often it does what was done"):
        use(score)


def test_a_log_object_is_no_other_than_its_columns(steps):
    policy = make_policy(critic="fitted_q", max_iter=1)
    policy.fit(TransitionLog(X, ACTIONS, **steps))
    with pytest.warns(UserWarning, match="fitted to a log"):
        policy.score(X, ACTIONS)
    log = TransitionLog(X, ACTIONS, **steps)
    assert policy.score(X, ACTIONS, **steps) == policy.score(log)


def test_a_pipeline_around_the_policy():
    pipe = make_pipeline(StandardScaler(), make_policy(max_iter=1))
    pipe.fit(X, ACTIONS, ampopolicy__rewards=REWARDS)
    with pytest.warns(UserWarning, match="fitted to a log"):
        pipe.score(X, ACTIONS)
    with sklearn.config_context(enable_metadata_routing=True):
        pipe.fit(X, ACTIONS, rewards=REWARDS)
        value = pipe.score(X, ACTIONS, rewards=REWARDS)
    scaled = pipe[0].transform(X)
    assert value == pipe[-1].score(scaled, ACTIONS, rewards=REWARDS)


def test_the_score_with_rewards_is_an_estimate_of_the_value(policy):
    value = policy.score(X, ACTIONS, rewards=REWARDS)
    assert type(value) is float
    expected = fitted_q_evaluation(policy, LOG, n_bootstraps=0, random_state=0)
    assert value == expected.estimate == policy.score(LOG)
    right = policy.predict_proba(X)[np.arange(600), GOOD].mean()
    assert value == pytest.approx(right, abs=0.15)
    with_propensities = np.where(ACTIONS == GOOD, 0.2, 0.8)
    assert value == policy.score(
        X, ACTIONS, rewards=REWARDS, propensities=with_propensities
    )


def test_the_score_with_rewards_of_all_actions_is_their_mean(policy):
    rewards = np.random.default_rng(1).normal(size=(600, 2))
    expected = np.mean((policy.predict_proba(X) * rewards).sum(axis=1))
    assert policy.score(X, rewards=rewards) == pytest.approx(expected, abs=1e-12)
    assert policy.score(X, ACTIONS, rewards=pd.DataFrame(rewards)) == pytest.approx(
        expected, abs=1e-12
    )


def test_actions_that_only_the_held_out_rows_know(policy):
    actions = np.where(X[:, 1] > 1, 2, ACTIONS)
    assert np.isfinite(policy.score(X, actions, rewards=REWARDS))
    assert np.isfinite(policy.score(X[:9], ACTIONS[:9] * 0, rewards=REWARDS[:9]))


@pytest.mark.parametrize(
    ("arguments", "columns", "words"),
    [
        ((LOG, ACTIONS), {}, r"score\(log\) takes no y and no columns. Got y"),
        ((LOG,), {"rewards": REWARDS}, r"Got \['rewards'\]; the TransitionLog"),
        ((X,), {"rewards": REWARDS}, r"Got \['rewards'\] without y"),
        ((X, ACTIONS), {"next_states": X}, r"Got \['next_states'\] with y"),
        ((LOG,), {"sample_weight": np.ones(600)}, "sample_weight weighs labels"),
        ((X,), {"rewards": np.eye(3)}, r"shape \(3, 3\); expected \(600, 2\)"),
        (
            (X,),
            {"rewards": np.ones((600, 2)), "episodes": np.arange(600)},
            r"Got \['episodes'\] as well",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(policy, arguments, columns, words):
    with pytest.raises(ValueError, match=words):
        policy.score(*arguments, **columns)


def test_labels_are_scored_by_accuracy():
    labels = make_policy().fit(X, GOOD)
    assert labels.score(X, GOOD) == (labels.predict(X) == GOOD).mean()
    table = make_policy().fit(X, GOOD, rewards=np.eye(2)[GOOD])
    assert table.score(X, GOOD) == (table.predict(X) == GOOD).mean()
    found = search().fit(X, GOOD)
    assert found.best_score_ > 0.95
