"""A logged policy is estimated with trees where they predict it better."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skampo import AMPOPolicy
from skampo.critics import Pessimistic

LOGISTIC = {"use_legacy_attributes": False, "scoring": "neg_log_loss", "tol": 1e-6}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 6))
ACTIONS = {
    "smooth": X[:, 0] + X[:, 1] + 0.5 * RNG.normal(size=600) > 0,
    "corners": (X[:, 0] > 0.3) & (X[:, 4] < 0.2) | (X[:, 2] > 1),
    "noise": RNG.random(600) < 0.5,
}


@pytest.mark.parametrize(
    ("kind", "expected"), [("smooth", 1), ("corners", 2), ("noise", 1)]
)
def test_the_log_chooses(kind, expected):
    found = Pessimistic.default_classifier().fit(X, ACTIONS[kind].astype(int))
    assert len(found.models_) == expected
    assert np.argmin(found.losses_) == expected - 1


def mean_with(trees):
    linear = make_pipeline(LogisticRegressionCV(l1_ratios=(0,), **LOGISTIC))
    return Pessimistic.default_classifier().set_params(linear=linear, trees=trees)


def test_the_mean_of_models_that_saw_all_rows():
    y = ACTIONS["corners"].astype(int)
    model = mean_with(DecisionTreeClassifier(max_depth=3))
    parts = [clone(m).fit(X, y).predict_proba(X) for m in (model.linear, model.trees)]
    proba = model.fit(X, y).predict_proba(X)
    assert_array_equal(proba, np.mean(parts, axis=0))
    assert_array_equal(model.predict(X), proba.argmax(axis=1))


@pytest.mark.parametrize("kind", ["corners", "smooth"])
def test_other_rows_are_fitted_with_what_all_rows_chose(kind):
    y = ACTIONS[kind].astype(int)
    model = mean_with(DecisionTreeClassifier(max_depth=3)).fit(X, y)
    linear = LogisticRegression(C=model.models_[0][-1].C_, tol=1e-6)
    parts = [linear, *map(clone, model.models_[1:])]
    some = RNG.permutation(600)[:200]
    expected = [part.fit(X[some], y[some]).predict_proba(X) for part in parts]
    found = model.chosen().fit(X[some], y[some]).predict_proba(X)
    assert_array_equal(found, np.mean(expected, axis=0))
    assert len(parts) == {"corners": 2, "smooth": 1}[kind]


def test_blocks_are_held_out():
    # Each state comes ten times in a row, with an action of its own.
    states = np.repeat(RNG.normal(size=(60, 2)), 10, axis=0)
    actions = np.repeat(RNG.integers(2, size=60), 10)
    losses = Pessimistic.default_classifier().fit(states, actions).losses_
    # Who had seen a neighbor of each row would lose nothing.
    assert min(losses) > 0.5


@pytest.mark.parametrize("rare", [range(100, 105), range(200, 400), range(5)])
def test_actions_that_one_part_does_not_show(rare):
    actions = np.isin(np.arange(600), rare).astype(int) + 3
    found = Pessimistic.default_classifier().fit(X, actions)
    assert_array_equal(found.classes_, [3, 4])
    assert np.isfinite(found.losses_).all()


def test_few_rows_do_not_tell():
    model = mean_with(LogisticRegression())
    model.fit(X[:299], ACTIONS["corners"][:299].astype(int))
    assert model.losses_ == []
    assert_array_equal(model.classes_, [0, 1])


def test_the_default_policy_knows_what_was_done_in_each_state_of_a_grid():
    # Three coordinates of five values; each place has an action of its own.
    places = np.stack(np.meshgrid(*[range(5)] * 3), axis=-1).reshape(-1, 3)
    states = np.eye(5)[places].reshape(125, 15)
    done = RNG.integers(2, size=125)
    rows = RNG.integers(125, size=1501)
    policy = AMPOPolicy(max_iter=1, random_state=0).fit(
        states[rows[:-1]],
        done[rows[:-1]],
        rewards=np.ones(1500),
        next_states=states[rows[1:]],
        terminated=np.zeros(1500),
    )
    assert np.mean(policy.predict(states) == done) > 0.95
