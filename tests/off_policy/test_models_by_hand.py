"""Estimates of values that are fitted or blended, so small that a pencil is enough."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures

from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.off_policy import (
    doubly_robust,
    fit_action_values,
    fitted_q_evaluation,
    magic,
)
from tests.benchmarks.log_memory import make_log
from tests.off_policy.certain import ALWAYS, pays

pytestmark = pytest.mark.filterwarnings(
    "ignore:The effective sample size", "ignore:Only about"
)


def fit_means(log, **options):
    options = {"regressor": DummyRegressor(), "n_bootstraps": 0} | options
    return doubly_robust(ALWAYS, log, random_state=0, **options).estimate


MEAN = make_pipeline(PolynomialFeatures(1), Ridge(1e-9, fit_intercept=False))


def test_the_interval_of_a_fixed_point_of_one_step():
    # What pays 1, 3 and 5 is worth 3; the others say nothing of it.
    log = TransitionLog(np.zeros((5, 1)), [1, 0, 1, 0, 1], [1.0, 7.0, 3.0, 9.0, 5.0])
    found = fitted_q_evaluation(ALWAYS, log, regressor=MEAN, n_bootstraps=None)
    # The squared errors of the mean of three are (4 + 0 + 4) / 9.
    assert found.estimate == pytest.approx(3)
    reach = t.ppf(0.975, 3) * np.sqrt(8 / 9)
    assert [found.low, found.high] == pytest.approx([3 - reach, 3 + reach])


def test_the_interval_of_a_fixed_point_knows_of_other_starts():
    # Values are the states, without error.
    regressor = Ridge(1e-9, fit_intercept=False)
    found = fitted_q_evaluation(
        ALWAYS, pays([1.0, 2.0, 6.0]), regressor=regressor, n_bootstraps=None
    )
    reach = t.ppf(0.975, 1) * np.sqrt(4 + 1 + 9) / 3
    assert [found.low, found.high] == pytest.approx([3 - reach, 3 + reach])


def test_the_interval_of_a_fixed_point_of_steps():
    # Each step pays on average 2, and is followed by another one.
    rewards, episodes = np.array([1.0, 3.0, 0.0, 4.0, 2.0, 2.0]), [0, 0, 1, 1, 2, 2]
    log = TransitionLog(
        np.zeros((6, 1)),
        [1] * 6,
        rewards,
        np.zeros((6, 1)),
        episodes=episodes,
        truncated=[0, 1] * 3,
        classes=[0, 1],
    )
    options = {"gamma": 0.5, "regressor": MEAN}
    found = fitted_q_evaluation(ALWAYS, log, n_bootstraps=None, **options)
    # The episodes are all worth 2 in the mean, and so their errors are 0.
    assert [found.low, found.estimate, found.high] == pytest.approx([4, 4, 4])
    uneven = dataclasses.replace(log, rewards=[1.0, 3.0, 0.0, 4.0, 5.0, 5.0])
    found = fitted_q_evaluation(ALWAYS, uneven, n_bootstraps=None, **options)
    # Means of 2, 2 and 5 are worth 4, 4 and 10: errors of -2, -2 and 4 in units of n.
    reach = t.ppf(0.975, 1) * np.sqrt(4 + 4 + 16) / 3
    assert found.estimate == pytest.approx(6)
    assert [found.low, found.high] == pytest.approx([6 - reach, 6 + reach])


def evaluate_both(regressor, **options):
    """Estimates by sweeps and by their fixed point, for one log."""
    log = make_log(1000, "logged")
    log = dataclasses.replace(log, episodes=np.arange(1000) // 100)
    log.truncated[99::100] = True
    policy = GaussianNB().fit(log.states, log.actions)
    given = {"gamma": 0.8, "regressor": regressor}
    return (
        fitted_q_evaluation(policy, log, n_bootstraps=n, **given, random_state=0)
        for n in (options.get("n_bootstraps", 0), None)
    )


@pytest.mark.parametrize("regressor", [MEAN, Ridge(0.1)])
def test_a_fixed_point_is_where_sweeps_lead(regressor):
    expected, found = evaluate_both(regressor)
    assert found.estimate == pytest.approx(expected.estimate, rel=1e-3)


@pytest.mark.slow
def test_the_interval_of_a_fixed_point_is_as_wide_as_by_refits():
    expected, found = evaluate_both(Ridge(0.1), n_bootstraps=100)
    width = expected.high - expected.low
    assert found.high - found.low == pytest.approx(width, rel=0.3)


def test_only_linear_values_have_a_fixed_point():
    with pytest.raises(InvalidParameterError, match="n_bootstraps=None solves for"):
        fitted_q_evaluation(
            ALWAYS, pays([1.0, 2.0]), regressor=DummyRegressor(), n_bootstraps=None
        )
    with pytest.raises(InvalidParameterError, match=r"'n_bootstraps' .* or None"):
        fitted_q_evaluation(ALWAYS, pays([1.0, 2.0]), n_bootstraps=-1)


@pytest.mark.filterwarnings("ignore:The importance weights")
def test_each_half_is_judged_by_the_values_of_the_other():
    # Episodes 0 and 2 pay 1, and their rows weigh 2, 2, 0; episodes 1 and 3 pay 4, and
    # theirs weigh 2, 0, 0.
    log = TransitionLog(
        np.zeros((12, 1)),
        [1, 1, 0, 1, 0, 0] * 2,
        [1.0, 1.0, 1.0, 4.0, 4.0, 4.0] * 2,
        episodes=np.repeat(range(4), 3),
        propensities=[0.5] * 12,
    )
    first = 3 * 4 + 2 * (1 - 4) + 2 * (1 - 4)
    second = 3 * 1 + 2 * (4 - 1)
    assert fit_means(log) == pytest.approx((first + second) / 6)


@pytest.mark.filterwarnings("ignore:The importance weights")
def test_what_is_beyond_a_cut_is_judged_by_the_other_half():
    # Paid 1 and 5 for ever, the halves take a step to be worth 2 and 10.
    log = TransitionLog(
        np.zeros((2, 1)),
        [1, 1],
        [1.0, 5.0],
        np.zeros((2, 1)),
        truncated=[1, 1],
        episodes=[0, 1],
        propensities=[0.25, 0.5],
        classes=[0, 1],
    )
    first = 10 + 4 * (1 - 10) + 0.5 * 4 * 10
    second = 2 + 2 * (5 - 2) + 0.5 * 2 * 2
    assert fit_means(log, gamma=0.5) == pytest.approx((first + second) / 2, rel=1e-2)


def always(value):
    return lambda states: np.full((len(states), 2), value)


# Of the interval of the longest return, if two episodes pay -1 and 1.
REACH = 3 * np.sqrt(2)


def blend_from(side, **options):
    """A model without noise, 1 beyond the interval; all of it times a number."""
    log = pays([-abs(side), abs(side)])
    values = always(side * (REACH + 1))
    return magic(ALWAYS, log, action_values=values, **options)


@pytest.mark.parametrize("side", [-1, 1, 1e-4, 1e4])
def test_a_model_outside_of_the_interval_is_blended(side):
    # Its squared distance of 1 stands against a variance of 1/2.
    far = side * (REACH + 1)
    result = blend_from(side, n_bootstraps=4000, random_state=0)
    assert result.estimate == pytest.approx(far / 3)
    # The interval moves with the mean of a resample: a quarter of them come nearer by
    # 1, so that the model is all of the blend, and a quarter go away to a distance of
    # 2, where it is a ninth. The reach is that of the longest return.
    blends = [far, far / 3, far / 3, far / 9 - side * 8 / 9]
    reach = REACH / np.sqrt(1 / 2) * np.std(blends)
    assert result.high == pytest.approx(far / 3 + reach, rel=0.05)
    assert result.low == pytest.approx(far / 3 - reach, rel=0.05)


def test_the_interval_of_two_blends_is_student_s():
    result = blend_from(1, n_bootstraps=2, random_state=69)
    # This seed draws the resamples with means of -1 and 1: the reach is between
    # their -6 and 6 errors, 95 % of the way from the middle.
    blends = [REACH + 1, (REACH + 1) / 9 - 8 / 9]
    error = 12.7062 / 1.95996 * np.std(blends, ddof=1)
    assert result.high - result.estimate == pytest.approx(0.95 * 6 * error, rel=1e-4)
    assert result.estimate - result.low == pytest.approx(0.95 * 6 * error, rel=1e-4)


def test_a_single_resample_has_an_interval_of_blends():
    result = blend_from(1, n_bootstraps=1, random_state=0)
    assert np.isfinite([result.low, result.high]).all()


@pytest.mark.parametrize("value", [-4.0, 0.0, 4.0])
def test_a_model_inside_of_the_interval_is_believed(value):
    values = always(value)
    result = magic(ALWAYS, pays([-1.0, 1.0]), action_values=values, random_state=0)
    assert result.estimate == pytest.approx(value)


def test_the_interval_of_fits_to_two_resamples_is_student_s():
    result = fitted_q_evaluation(
        ALWAYS,
        pays([-1.0, 1.0]),
        regressor=DummyRegressor(),
        n_bootstraps=2,
        random_state=0,
    )
    # With this seed the means of the two resamples differ by 1.
    assert result.estimate == pytest.approx(0)
    assert result.high == pytest.approx(12.7062 * np.sqrt(1 / 2), rel=1e-4)
    assert result.low == pytest.approx(-result.high)


def test_a_regressor_finds_the_columns_of_a_table_by_name():
    table = pd.DataFrame({"kind": ["a", "b", "a", "b"], "size": [3.0, 1.0, 2.0, 4.0]})
    log = TransitionLog(table, [1, 1, 1, 1], [1.0, 4.0, 3.0, 6.0], classes=[0, 1])
    by_name = make_column_transformer((OneHotEncoder(), ["kind"]))
    model = make_pipeline(by_name, LinearRegression())
    values = fit_action_values(ALWAYS, log, regressor=model)
    assert values(table)[:, 1] == pytest.approx([2, 5, 2, 5])
    # The default is given numbers instead.
    default = fit_action_values(ALWAYS, log)(table)[:, 1]
    assert default[1] > default[0]


def test_a_blend_knows_the_noise_of_its_model():
    # Three episodes of one half pay 1, those of the other -1 and 1: their model is
    # 1 and 0, its mean 2/5 and that of the rewards 3/5.
    log = dataclasses.replace(pays([1.0, -1.0, 1.0, 1.0, 1.0]), episodes=range(5))
    result = magic(
        ALWAYS,
        log,
        regressor=DummyRegressor(),
        n_refits=3,
        n_bootstraps=0,
        random_state=0,
    )
    model, rewards = np.array([0, 1, 0, 1, 0]), log.rewards
    noise = np.cov(model, rewards, ddof=0) / 5
    # With this seed the refits of the second half, which stand for 3/5 of the rows,
    # are -1, 0 and 1.
    noise[0, 0] += (3 / 5) ** 2 * np.var([-1, 0, 1], ddof=1)
    share = (noise[1, 1] - noise[0, 1]) / (noise[0, 0] + noise[1, 1] - 2 * noise[0, 1])
    assert result.estimate == pytest.approx(3 / 5 + share * (2 / 5 - 3 / 5))
