"""Fits that end at any time and go on are the same as those that never stopped."""

import os

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy, load
from skampo.critics import LSTDQ, FittedQ, LambdaReturn, MonteCarlo, Pessimistic
from skampo.regressors import NystroemFeatures
from tests.benchmarks import resume
from tests.benchmarks.log_memory import make_log

# The logs are random, and how their policies should be played is not the subject.
pytestmark = pytest.mark.filterwarnings("ignore:Held-out episodes of the log")

SMALL = {"warm_start": True, "random_state": 0, "max_iter": 5, "steps_per_iter": 100}
LOG = make_log(600, "shuffled")


def rows(policy):
    """Everything that was learned, but for times."""
    names = [n for n in policy.history_[-1] if not n.endswith("_time")]
    history = [[record[name] for name in names] for record in policy.history_]
    states = np.random.default_rng(0).normal(size=(50, policy.n_features_in_))
    values = policy.action_values(states), policy.predict_proba(states)
    return (np.array(history, dtype=float), *values)


def check(make, data, cut, path):
    """Compare a fit with one that is saved, loaded and continued."""
    whole = make().fit(data)
    part = make().set_params(max_iter=cut).fit(data)
    part.save(path)
    rest = {"max_iter": whole.n_iter_ - cut}
    loaded = load(path).set_params(**rest).fit(data)
    for policy in (loaded, part.set_params(**rest).fit(data)):
        for found, expected in zip(rows(policy), rows(whole), strict=True):
            assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "critic", ["fitted_q", LSTDQ(), LambdaReturn(), MonteCarlo()], ids=str
)
@pytest.mark.parametrize("regressor", [None, DecisionTreeRegressor(max_depth=4)])
def test_environments(critic, regressor, tmp_path):
    parameters = SMALL | {"critic": critic, "regressor": regressor}
    path = tmp_path / "policy.skampo"
    check(lambda: AMPOPolicy(**parameters), "CartPole-v1", 2, path)


def test_few_new_rows(tmp_path):
    # Features of a few rows differ in the last bit from those of many.
    parameters = SMALL | {"steps_per_iter": 6, "n_envs": 2, "max_iter": 40}
    path = tmp_path / "policy.skampo"
    check(lambda: AMPOPolicy(**parameters), "MountainCar-v0", 30, path)


@pytest.mark.parametrize(
    ("critic", "cut"),
    # Features of environments would be drawn anew after eight iterations.
    [(Pessimistic(n_states=300), 2), ("fitted_q", 9), (LSTDQ(), 9)],
    ids=str,
)
def test_logs(critic, cut, tmp_path):
    parameters = SMALL | {"critic": critic, "max_iter": 11}
    check(lambda: AMPOPolicy(**parameters), LOG, cut, tmp_path / "policy.skampo")


def test_other_features_of_the_same_log():
    few, many = (make_pipeline(NystroemFeatures(n), Ridge()) for n in (5, 9))
    policy = AMPOPolicy(few, critic=FittedQ("policy"), **SMALL).fit(LOG)
    policy.set_params(regressor=many).fit(LOG)
    (features,) = policy.critic_.transformer_
    assert len(features.landmarks_) == 9


def test_another_log_is_chosen_for_anew():
    policy = AMPOPolicy(**SMALL | {"max_iter": 1}).fit(LOG)
    policy.critic_.copies_ = not policy.critic_.copies_
    policy._state.critic.copies_ = policy.critic_.copies_
    before = policy.critic_.copies_
    assert policy.fit(LOG).critic_.copies_ == before
    other = make_log(600, "shuffled", seed=1)
    assert policy.fit(other).critic_.copies_ != before


X, LABELS = np.repeat(np.eye(2), 20, axis=0), np.repeat([0, 1], 20)
PAID, DONE = np.eye(2)[LABELS], np.tile([0, 1], 20)
SETTLES = {
    "log": ((X, DONE), {"rewards": 1.0 * (DONE == LABELS)}),
    "rewards": ((X,), {"rewards": PAID}),
    "labels": ((X, LABELS), {}),
}


def settle(kind):
    """A policy that has settled, and what it was fitted to."""
    data, given = SETTLES[kind]
    policy = AMPOPolicy(**SMALL | {"max_iter": 50}).fit(*data, **given)
    assert policy.n_iter_ < 50
    return policy, data, given


@pytest.mark.parametrize("kind", SETTLES)
def test_a_policy_that_has_settled_stays(kind, tmp_path):
    policy, data, given = settle(kind)
    policy.save(tmp_path / "policy.skampo")
    loaded = load(tmp_path / "policy.skampo").fit(*data, **given)
    assert loaded.n_iter_ == policy.n_iter_
    assert_array_equal(loaded.predict_proba(X), policy.predict_proba(X))


@pytest.mark.parametrize("kind", SETTLES)
@pytest.mark.parametrize("other", ["parameter", "data"])
def test_what_is_new_moves_a_policy_that_has_settled(kind, other):
    policy, data, given = settle(kind)
    n_iter = policy.n_iter_
    if other == "parameter":
        policy.set_params(step_size="greedy")
    else:
        given = given | {"sample_weight": np.arange(1.0, 41)}
    assert policy.fit(*data, **given).n_iter_ > n_iter


@pytest.mark.parametrize("kind", ["CartPole", "log"])
def test_killed_after_an_iteration(kind, tmp_path):
    path = os.fspath(tmp_path / "policy.skampo")
    child, _ = resume.start(kind, path)
    resume.wait_for_file(child, path)
    child.kill()
    child.join()
    assert load(path).n_iter_ < resume.N_ITER[kind]
    assert resume.work(kind, path) == resume.work(kind, os.fspath(tmp_path / "whole"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", resume.KINDS)
def test_killed_at_random_times(kind):
    assert resume.measure(kind, 1, np.random.default_rng())
