"""Bandits that explore: their posterior, their probabilities, and arms that come."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.linear_model import Lasso, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from skampo import AMPOPolicy, load
from skampo.bandits import LinearBandit
from skampo.critics import RewardModel
from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.off_policy import doubly_robust
from skampo.regressors import NystroemFeatures

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)) * [1.0, 50.0] + [3.0, 0.0]
ARMS = RNG.integers(3, size=60)
PAID = X @ [0.5, 0.02] * (ARMS == 1) + RNG.normal(size=60)
STATES = X[:7] + 0.1


def fitted(**parameters):
    return LinearBandit(**{"width": 1.0} | parameters).fit(X, ARMS, PAID)


def by_hand(states, arm, alpha=1.0):
    """Means and squared errors of the rewards of an arm, and of all rows the noise."""
    rows = np.column_stack([np.ones(60), StandardScaler().fit_transform(X)])
    asked = (states - X.mean(axis=0)) / X.std(axis=0)
    asked = np.column_stack([np.ones(len(states)), asked])
    paid, left, found = PAID - PAID.mean(), 0.0, None
    for a in range(3):
        own, y = rows[ARMS == a], paid[ARMS == a]
        inverse = np.linalg.inv(own.T @ own + alpha * np.eye(3))
        weights = inverse @ own.T @ y
        left += ((y - own @ weights) ** 2).sum() + alpha * (weights**2).sum()
        if a == arm:
            spread = (asked @ inverse * asked).sum(axis=1)
            found = PAID.mean() + asked @ weights, spread
    noise = (left + paid.var()) / 61
    return found[0], noise * found[1]


@pytest.mark.parametrize("alpha", [1.0, 7.0])
def test_values_are_those_of_a_ridge(alpha):
    values = fitted(regressor=Ridge(alpha)).action_values(STATES)
    for arm in range(3):
        assert_allclose(values[:, arm], by_hand(STATES, arm, alpha)[0])


@pytest.mark.parametrize("width", [1.0, 0.3])
def test_probabilities_of_two_arms_are_those_of_their_difference(width):
    mask = [True, True, False]
    proba = fitted(width=width).predict_proba(STATES, action_mask=mask)
    (first, a), (second, b) = by_hand(STATES, 0), by_hand(STATES, 1)
    expected = norm.cdf((second - first) / (width * np.sqrt(a + b)))
    # The integral is a sum.
    assert_allclose(proba[:, 1], expected, rtol=0.02, atol=2e-3)
    assert_array_equal(proba[:, 2], 0)


def test_probabilities_are_those_of_being_the_best():
    draws = np.random.default_rng(1).normal(size=(20_000, 3))
    for state, proba in zip(STATES, fitted().predict_proba(STATES), strict=True):
        means, squares = np.ravel([by_hand(state[None], a) for a in range(3)], "F")[
            :6
        ].reshape(2, 3)
        best = (means + np.sqrt(squares) * draws).argmax(axis=1)
        assert_allclose(proba, np.bincount(best, minlength=3) / 20_000, atol=0.015)


def test_upper_bounds():
    found = [by_hand(STATES, arm) for arm in range(3)]
    bounds = np.transpose([mean + 2 * np.sqrt(square) for mean, square in found])
    proba = fitted(exploration="upper_bound", width=2.0).predict_proba(STATES)
    assert_array_equal(proba, np.eye(3)[bounds.argmax(axis=1)])
    assert len(np.unique(bounds.argmax(axis=1))) > 1


@pytest.mark.parametrize("exploration", ["thompson", "upper_bound"])
def test_no_width_is_greedy(exploration):
    bandit = fitted(exploration=exploration, width=0.0)
    best = bandit.action_values(STATES).argmax(axis=1)
    assert_allclose(bandit.predict_proba(STATES), np.eye(3)[best], atol=1e-9)


@pytest.mark.parametrize("exploration", ["thompson", "upper_bound"])
def test_least_probability(exploration):
    free = fitted(exploration=exploration, width=0.1)
    bandit = fitted(exploration=exploration, width=0.1, min_proba=0.05)
    expected = 0.05 + 0.85 * free.predict_proba(STATES)
    assert_allclose(bandit.predict_proba(STATES), expected)
    mask = [True, False, True]
    found = bandit.predict_proba(STATES, action_mask=mask)
    assert_array_equal(found[:, 1], 0)
    assert_allclose(found.sum(axis=1), 1)
    assert_allclose(found[:, [0, 2]].min(), 0.05)
    # All that there is of an even choice.
    assert_allclose(fitted(min_proba=0.9).predict_proba(STATES), 1 / 3)


def test_neither_order_nor_portions_matter():
    expected = fitted().predict_proba(STATES)
    order = np.random.default_rng(2).permutation(60)
    bandit = LinearBandit(width=1.0)
    for rows in np.split(order, [1, 2, 30, 31]):
        bandit.partial_fit(X[rows], ARMS[rows], PAID[rows])
    assert_allclose(bandit.predict_proba(STATES), expected, rtol=1e-9)
    assert bandit.n_steps_ == 60


def test_columns_far_from_zero():
    moved = LinearBandit(width=1.0).fit(X + 1e6, ARMS, PAID).predict_proba(STATES + 1e6)
    assert_allclose(moved, fitted().predict_proba(STATES), rtol=1e-6)


def test_constant_columns_say_nothing():
    wide = np.column_stack([X, np.full(60, 7.3)])
    found = LinearBandit(width=1.0).fit(wide, ARMS, PAID)
    states = np.column_stack([STATES, np.full(7, 7.3)])
    assert_allclose(found.predict_proba(states), fitted().predict_proba(STATES))


def test_what_pays_nothing_is_shared():
    bandit = LinearBandit(width=1.0).fit(X, ARMS, np.zeros(60))
    assert_allclose(bandit.predict_proba(STATES), 1 / 3)


def test_fit_forgets():
    bandit = fitted().fit(X[:30], ARMS[:30], PAID[:30])
    again = LinearBandit(width=1.0).fit(X[:30], ARMS[:30], PAID[:30])
    assert_array_equal(bandit.predict_proba(STATES), again.predict_proba(STATES))
    assert set(vars(clone(bandit))) == set(bandit.get_params(deep=False))


def test_arms_that_come():
    bandit = fitted()
    values = bandit.action_values(STATES)
    bandit.partial_fit(X[:1], ARMS[:1], PAID[:1], classes=[-1, 9])
    assert_array_equal(bandit.classes_, [-1, 0, 1, 2, 9])
    assert_allclose(bandit.action_values(STATES)[:, [1, 2, 3]], values, atol=0.2)
    proba = bandit.predict_proba(STATES)
    # Nothing is known of them.
    assert_allclose(proba[:, 0], proba[:, 4])
    assert proba[:, 0].min() > 0.05
    bandit.partial_fit(X[:1], [5], PAID[:1])
    assert_array_equal(bandit.classes_, [-1, 0, 1, 2, 5, 9])


def test_arms_that_go():
    bandit = fitted()
    mask = np.isin(bandit.classes_, [0, 2])
    assert_array_equal(bandit.predict_proba(STATES, action_mask=mask)[:, 1], 0)
    drawn = bandit.sample(np.repeat(STATES, 20, 0), random_state=0, action_mask=mask)
    assert set(drawn) == {0, 2}
    assert bandit.act(STATES[0], action_mask=[False, True, False]) == 1


def test_what_is_drawn_is_what_is_logged():
    bandit, rng = fitted(width=3.0), np.random.RandomState(0)
    proba = bandit.predict_proba(STATES[:1])[0]
    drawn = bandit.sample(np.repeat(STATES[:1], 4000, axis=0), random_state=rng)
    acted = [bandit.act(STATES[0], rng=rng) for _ in range(500)]
    assert_allclose(np.bincount(drawn) / 4000, proba, atol=0.03)
    assert_allclose(np.bincount(acted) / 500, proba, atol=0.08)
    most = bandit.act(STATES[0], deterministic=True)
    assert most == bandit.predict(STATES[:1])[0] == proba.argmax()


def test_the_log_of_a_bandit_teaches_and_judges_others():
    rng = np.random.RandomState(0)
    states = rng.normal(size=(400, 1))
    arms, proba, paid = np.zeros((3, 400))
    bandit = LinearBandit(width=1.0).fit([[0.0], [0.0]], [0.0, 1.0], [0.0, 0.5])
    for rows in np.split(np.arange(400), 20):
        now = bandit.predict_proba(states[rows])
        arms[rows] = bandit.sample(states[rows], random_state=rng)
        proba[rows] = now[np.arange(20), arms[rows].astype(int)]
        paid[rows] = arms[rows] * states[rows, 0] + 0.1 * rng.normal(size=20)
        bandit.partial_fit(states[rows], arms[rows], paid[rows])
    assert_array_equal(bandit.predict([[-1.0], [1.0]]), [0, 1])
    log = TransitionLog(states, arms, paid, propensities=proba)
    policy = AMPOPolicy(critic=RewardModel(method="weighted"), random_state=0).fit(log)
    assert_array_equal(policy.predict([[-1.0], [1.0]]), [0, 1])
    assert 0.3 < doubly_robust(policy, log, random_state=0).estimate < 0.5
    assert np.isfinite(bandit.score(log))


@pytest.mark.parametrize(
    "features",
    [PolynomialFeatures(2), NystroemFeatures(5)],
    ids=str,
)
def test_features_of_a_pipeline(features):
    bandit = LinearBandit(
        make_pipeline(StandardScaler(), features, Ridge(0.1)), width=1.0
    )
    bandit.fit(X, ARMS, PAID)
    before = bandit.action_values(STATES)
    bandit.partial_fit(X[:0:-1], ARMS[:0:-1], PAID[:0:-1])
    again = clone(bandit).set_params(random_state=0).fit(X, ARMS, PAID)
    assert bandit.predict_proba(STATES).shape == again.predict_proba(STATES).shape
    # Twice the rows: nearer to what they paid.
    assert abs(bandit.action_values(STATES) - before).max() > 1e-3


def test_data_frames():
    table = pd.DataFrame({"place": ["a", "b", "c"] * 20, "size": X[:, 0]})
    bandit = LinearBandit(width=1.0).fit(
        table, ARMS, 1.0 * (table["place"] == "b") * ARMS
    )
    bandit.partial_fit(table, ARMS, 1.0 * (table["place"] == "b") * ARMS)
    assert bandit.predict(table)[1] == 2
    assert bandit.act({"place": "b", "size": 3.0}, deterministic=True) == 2
    with pytest.raises(ValueError, match="feature names"):
        bandit.partial_fit(table.rename(columns={"size": "width"}), ARMS, PAID)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"exploration": "luck"}, "'exploration'.*'thompson', 'upper_bound'.*'luck'"),
        ({"width": -1.0}, "'width'"),
        ({"min_proba": 1.5}, "'min_proba'"),
        ({"regressor": Lasso()}, r"needs a ridge.*Lasso.*Ridge\(alpha\)"),
        ({"regressor": make_pipeline(StandardScaler(), Ridge(0))}, "alpha > 0"),
    ],
)
def test_parameters_that_are_refused(parameters, words):
    with pytest.raises(InvalidParameterError, match=words):
        fitted(**parameters)


def test_data_that_are_refused():
    bandit = fitted()
    before = bandit.predict_proba(STATES)
    with pytest.raises(ValueError, match="3 features, but LinearBandit is expecting 2"):
        bandit.partial_fit(np.ones((2, 3)), [0, 1], [0.0, 1.0])
    with pytest.raises(ValueError, match=r"'rewards'.*not finite|rewards"):
        bandit.partial_fit(X[:2], [0, 1], [0.0, np.nan])
    with pytest.raises(ValueError, match="same length"):
        bandit.partial_fit(X[:2], [0, 1], [0.0])
    assert_array_equal(bandit.predict_proba(STATES), before)
    assert bandit.n_steps_ == 60


@pytest.mark.parametrize(
    "regressor", [None, make_pipeline(PolynomialFeatures(2), Ridge())], ids=str
)
def test_copies_go_on(regressor, tmp_path):
    bandit = fitted(regressor=regressor)
    bandit.save(tmp_path / "bandit.skampo")
    copies = load(tmp_path / "bandit.skampo"), pickle.loads(pickle.dumps(bandit))
    bandit.partial_fit(X[:5], ARMS[:5], PAID[:5])
    expected = bandit.predict_proba(STATES)
    for copy in copies:
        copy.partial_fit(X[:5], ARMS[:5], PAID[:5])
        assert_array_equal(copy.predict_proba(STATES), expected)
