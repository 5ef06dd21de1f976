"""Estimates against exact truth: bias, coverage, and what makes them fail."""

import dataclasses
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skampo.data import TransitionLog
from skampo.off_policy import (
    direct_method,
    doubly_robust,
    estimate_propensities,
    fit_action_values,
    fitted_q_evaluation,
    importance_sampling,
    magic,
)
from tests.benchmarks.coverage import ESTIMATORS, MODELS, logs_of, measure
from tests.off_policy.layered import Layered, TablePolicy, one_hot

per_decision_importance_sampling = partial(importance_sampling, per_decision=True)

MODEL = Layered.random(1)
TARGET = TablePolicy(MODEL.target)
TRUE_VALUES, TRUTH = MODEL.truth
ROUGH_VALUES = TRUE_VALUES + 0.5 * np.random.default_rng(0).normal(
    size=TRUE_VALUES.shape
)
# One action is overrated by 2, the other underrated.
WRONG_VALUES = TRUE_VALUES + np.array([2.0, -2.0])
TABULAR = make_pipeline(
    OneHotEncoder(handle_unknown="ignore"), Ridge(1e-6, fit_intercept=False)
)
NO_INTERVAL = {"gamma": MODEL.gamma, "n_bootstraps": 0}


def look_up(table):
    return lambda states: table[np.asarray(states)[:, 0].astype(int)]


ROUGH = {"action_values": look_up(ROUGH_VALUES)}
SELF = {"self_normalized": True}
UNBIASED = {
    "importance_sampling": (importance_sampling, {}),
    "per_decision": (per_decision_importance_sampling, {}),
    "doubly_robust": (doubly_robust, ROUGH),
}
CONSISTENT = {
    "self_normalized": (importance_sampling, SELF),
    "self_normalized_per_decision": (per_decision_importance_sampling, SELF),
    "weighted_doubly_robust": (doubly_robust, ROUGH | SELF),
    "magic": (magic, ROUGH),
}
ALL = UNBIASED | CONSISTENT


def wrong_propensities(log):
    """Squeezed towards one half: some weights too large, others too small."""
    return dataclasses.replace(log, propensities=0.25 + 0.5 * log.propensities)


def estimate(name, log, **options):
    function, given = ALL[name]
    return function(TARGET, log, **(NO_INTERVAL | given | options))


@pytest.fixture(scope="module")
def large():
    return MODEL.draw(40_000, seed=0)


@pytest.mark.parametrize("name", UNBIASED)
def test_unbiased_estimators_over_2000_replications(name, large):
    # They are means over episodes: one estimate from all episodes of 2,000 logs is
    # the mean of the 2,000 estimates.
    n_logs, n_episodes = 2000, 20
    steps = len(large) // large.n_episodes
    estimates = [
        estimate(name, large[block : block + 1000 * steps]).estimate
        for block in range(0, len(large), 1000 * steps)
    ]
    assert len(estimates) * 1000 == n_logs * n_episodes
    error = np.std(estimates, ddof=1) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - TRUTH) < 3 * error


@pytest.mark.parametrize("name", ALL)
def test_more_episodes_come_nearer(name, large):
    assert estimate(name, large).estimate == pytest.approx(TRUTH, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_intervals_cover_the_truth(name):
    covered = []
    for seed in range(300):
        log = MODEL.draw(200, seed)
        result = estimate(name, log, n_bootstraps=400, random_state=seed)
        assert result.effective_sample_size > 100
        covered.append(result.low <= TRUTH <= result.high)
    assert 0.92 <= np.mean(covered) <= 0.98


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("model", ["layered", "absorbing"])
def test_intervals_of_fitted_values_cover_the_truth(model, name):
    policy, logs, sizes = logs_of(model, 300)
    logs = [log for log, size in zip(logs, sizes, strict=True) if size > 100]
    known, _ = MODELS[model]
    coverage, *_ = measure(name, policy, logs, known.gamma, known.truth[1])
    assert 0.92 <= coverage <= 0.98


def test_an_interval_of_few_replications_covers():
    # A quick look at what the slow tests measure. Intervals of 90 % cover 90 % of 200
    # truths, give or take 2 %.
    results = [
        estimate(
            "doubly_robust", MODEL.draw(150, seed), n_bootstraps=200, random_state=seed
        )
        for seed in range(200)
    ]
    covered = np.mean([result.low <= TRUTH <= result.high for result in results])
    assert 0.92 <= covered <= 0.98
    # As wide as the estimates are apart, which 200 tell within 10 %, or a little wider;
    # those of 90 % are at 0.93.
    widths = [result.high - result.low for result in results]
    apart = np.std([result.estimate for result in results])
    assert 0.95 <= np.median(widths) / 3.92 / apart <= 1.2


def test_the_interval_of_a_blend_knows_that_its_model_was_fitted():
    log = one_hot(MODEL.draw(200, 0), len(MODEL.target))
    policy = TablePolicy(MODEL.target, one_hot=True)
    ridge = Ridge(1e-6, fit_intercept=False)
    options = {"gamma": MODEL.gamma, "regressor": ridge, "random_state": 0}
    blend = magic(policy, log, n_refits=15, **options)
    model = fitted_q_evaluation(policy, log, n_bootstraps=15, **options)
    # The blend is mostly the model here, and its noise that of the fits.
    assert blend.high - blend.low > 0.7 * (model.high - model.low)
    # The estimate is the same without an interval.
    without = magic(policy, log, n_refits=15, n_bootstraps=0, **options)
    assert without.estimate == blend.estimate
    assert np.isnan(without.low)


@pytest.mark.filterwarnings("ignore:The importance weights")  # which are wrong here
@pytest.mark.parametrize("self_normalized", [False, True])
def test_doubly_robust_needs_one_of_two(self_normalized, large):
    def error(values, log):
        result = doubly_robust(
            TARGET,
            log,
            action_values=look_up(values),
            self_normalized=self_normalized,
            **NO_INTERVAL,
        )
        return abs(result.estimate - TRUTH)

    wrong = wrong_propensities(large)
    assert error(WRONG_VALUES, large) < 0.03
    assert error(TRUE_VALUES, wrong) < 0.03
    assert error(WRONG_VALUES, wrong) > 0.1


def test_exact_values_leave_only_noise(large):
    exact = {"action_values": look_up(TRUE_VALUES)}
    n = 2000 * 4
    few = large[:n]
    by_model = doubly_robust(TARGET, few, **NO_INTERVAL, **exact).estimate
    by_weights = per_decision_importance_sampling(TARGET, few, **NO_INTERVAL).estimate
    assert abs(by_model - TRUTH) < abs(by_weights - TRUTH)
    assert direct_method(
        TARGET, few, exact["action_values"], n_bootstraps=0
    ).estimate == pytest.approx(TRUTH, abs=0.05)


def test_fitted_values_are_the_exact_ones(large):
    values = fit_action_values(TARGET, large, gamma=MODEL.gamma, regressor=TABULAR)
    states = np.arange(len(MODEL.target))[:, None]
    # Rare actions are seen a few hundred times, with noise.
    assert_allclose(values(states), TRUE_VALUES, atol=0.15)
    result = fitted_q_evaluation(TARGET, large, regressor=TABULAR, **NO_INTERVAL)
    assert result.estimate == pytest.approx(TRUTH, abs=0.03)


def test_values_are_fitted_across_halves_if_none_are_given():
    log = MODEL.draw(400, 0)
    result = doubly_robust(TARGET, log, regressor=TABULAR, **NO_INTERVAL)
    assert result.estimate == pytest.approx(TRUTH, abs=0.15)
    with pytest.raises(ValueError, match="Got a single episode"):
        doubly_robust(TARGET, log[:4], regressor=TABULAR)


def test_estimated_propensities_do(large):
    known = large[:4000]
    without = dataclasses.replace(known, propensities=None)
    with pytest.raises(ValueError, match="estimate_propensities"):
        importance_sampling(TARGET, without)
    classifier = make_pipeline(OneHotEncoder(), LogisticRegression(C=100))
    estimated = estimate_propensities(without, classifier)
    assert_allclose(estimated.propensities, known.propensities, atol=0.1)


# Two episodes of two steps; the policy always takes action 1, which had 1/2 and 1/4.
HAND = TransitionLog(
    states=[[0.0], [1.0], [0.0], [1.0]],
    actions=[1, 1, 1, 0],
    rewards=[1.0, 2.0, 3.0, 4.0],
    next_states=[[1.0], [2.0], [1.0], [2.0]],
    terminated=[0, 1, 0, 1],
    episodes=[0, 0, 1, 1],
    propensities=[0.5, 0.25, 0.5, 0.75],
)
ALWAYS = DummyClassifier(strategy="constant", constant=1).fit([[0], [0]], [0, 1])
ONES = {"action_values": lambda states: np.ones((len(states), 2))}


@pytest.mark.filterwarnings("ignore:The effective sample size")
@pytest.mark.parametrize(
    ("function", "options", "expected"),
    [
        # Weights of the steps: 2, 8 in the first episode and 2, 0 in the second.
        (importance_sampling, {}, 8 * (1 + 0.5 * 2) / 2),
        (importance_sampling, SELF, 1 + 0.5 * 2),
        (per_decision_importance_sampling, {}, (2 + 4 * 2 + 6) / 2),
        (per_decision_importance_sampling, SELF, (2 + 6) / 4 + 0.5 * 2),
        # Q = V = 1: first steps (0, 2) times 2, second steps 1 times 8 or 3 times 0.
        (doubly_robust, ONES, (0 + 4) / 2 + 1 + 0.5 * (8 * 1 + 2 + 2) / 2),
        (doubly_robust, ONES | SELF, (0 + 4) / 4 + 1 + 0.5 * (1 + 1)),
    ],
)
def test_by_hand(function, options, expected):
    result = function(ALWAYS, HAND, gamma=0.5, n_bootstraps=0, **options)
    assert result.estimate == pytest.approx(expected)
    assert result.effective_sample_size == pytest.approx(1.0)
    assert np.isnan(result.low)


@pytest.mark.filterwarnings("ignore:The effective sample size")
def test_rewards_behind_a_cut_are_the_model_s():
    cut = dataclasses.replace(HAND, terminated=[0, 1, 0, 0], truncated=[0, 0, 0, 1])
    options = {"gamma": 0.5, "n_bootstraps": 0}
    over = doubly_robust(ALWAYS, HAND, **ONES, **options).estimate
    assert doubly_robust(ALWAYS, cut, **ONES, **options).estimate == over
    # Of the first episode, cut instead of over: 0.25 * 8 * V, and V = 1.
    cut = dataclasses.replace(HAND, terminated=[0, 0, 0, 1], truncated=[0, 1, 0, 0])
    with_rest = doubly_robust(ALWAYS, cut, **ONES, **options).estimate
    assert with_rest == pytest.approx(over + 0.25 * 8 / 2)
    with pytest.warns(UserWarning, match="1 of 2 episodes were cut"):
        per_decision_importance_sampling(ALWAYS, cut, **options)


def test_a_log_that_cannot_answer_says_so():
    with pytest.warns(UserWarning, match=r"effective sample size is 1\.0 of 2"):
        result = importance_sampling(ALWAYS, HAND)
    assert "neither the estimate nor its interval" in result.warning
    assert result.warning in str(result)
    with pytest.warns(UserWarning, match="rows show what the policy would do"):
        direct_method(ALWAYS, HAND, ONES["action_values"])


def test_actions_that_nobody_tried_are_reported():
    log = TransitionLog(
        [[0.0]] * 100, [0] * 100, [1.0] * 100, propensities=[1.0] * 100, classes=[0, 1]
    )
    uniform = DummyClassifier(strategy="uniform").fit([[0], [0]], [0, 1])
    with pytest.warns(UserWarning, match=r"50% .* never shows \(\[1\]\)"):
        importance_sampling(uniform, log)


def test_actions_that_the_log_does_not_know_are_refused():
    policy = DummyClassifier(strategy="constant", constant=2).fit([[0], [0]], [1, 2])
    with pytest.raises(ValueError, match=r"does not know: \[2\]"):
        importance_sampling(policy, HAND)
    # In one of two states is enough.
    sometimes = DecisionTreeClassifier().fit([[0], [1]], [1, 2])
    with pytest.raises(ValueError, match=r"does not know: \[2\]"):
        importance_sampling(sometimes, HAND)


def test_columns_are_matched_by_label():
    policy = DummyClassifier(strategy="constant", constant=1).fit([[0]], [1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = importance_sampling(policy, HAND, gamma=0.5, n_bootstraps=0)
    assert one.estimate == pytest.approx(8.0)


def test_trajectories_need_episodes():
    log = dataclasses.replace(HAND, episodes=None)
    with pytest.raises(ValueError, match="Give the log episodes="):
        importance_sampling(ALWAYS, log)


def test_values_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(4, 3\); expected \(4, 2\)"):
        doubly_robust(
            ALWAYS, HAND, action_values=lambda states: np.ones((len(states), 3))
        )


def test_the_same_seed_gives_the_same_interval():
    log = MODEL.draw(100, 0)
    first, second, other = (
        estimate("magic", log, n_bootstraps=50, random_state=seed) for seed in (3, 3, 4)
    )
    assert first == second
    assert (other.low, other.high) != (first.low, first.high)


def test_magic_follows_the_better_of_model_and_weights(large):
    log = large[: 100 * 4]
    exact = magic(TARGET, log, action_values=look_up(TRUE_VALUES), **NO_INTERVAL)
    model = direct_method(TARGET, log, look_up(TRUE_VALUES), n_bootstraps=0).estimate
    assert exact.estimate == pytest.approx(model, abs=0.1)
    # A model that is wrong by 2 is left for the weights.
    wrong = magic(TARGET, large, action_values=look_up(WRONG_VALUES), **NO_INTERVAL)
    assert wrong.estimate == pytest.approx(TRUTH, abs=0.1)
