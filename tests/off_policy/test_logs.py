"""What estimators make of logs and parameters that are out of the ordinary."""

import dataclasses
import warnings
from functools import partial

import numpy as np
import pytest
import sklearn
from sklearn.dummy import DummyClassifier, DummyRegressor

from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.off_policy import (
    direct_method,
    doubly_robust,
    estimate_propensities,
    fit_action_values,
    fitted_q_evaluation,
    importance_sampling,
    magic,
)

per_decision_importance_sampling = partial(importance_sampling, per_decision=True)

N = 600
RNG = np.random.default_rng(0)
ACTIONS = np.tile([0, 1], N // 2)
# A level for each of 60 customers, who have 10 rows each.
CUSTOMERS = np.repeat(np.arange(N // 10), 10)
REWARDS = ACTIONS + RNG.normal(size=N // 10)[CUSTOMERS] + 0.1 * RNG.normal(size=N)
ROWS = TransitionLog(np.zeros((N, 1)), ACTIONS, REWARDS, propensities=[0.5] * N)
LABELED = dataclasses.replace(ROWS, episodes=CUSTOMERS)
ALWAYS = DummyClassifier(strategy="constant", constant=1).fit([[0], [0]], [0, 1])


def half(states):
    return np.full((len(states), 2), 0.5)


def direct(policy, log, **options):
    return direct_method(policy, log, half, **options)


def corrected(policy, log, **options):
    return doubly_robust(policy, log, action_values=half, **options)


def blended(policy, log, **options):
    return magic(policy, log, action_values=half, **options)


def fitted(policy, log, **options):
    return fitted_q_evaluation(policy, log, regressor=DummyRegressor(), **options)


WEIGHTED = [
    importance_sampling,
    per_decision_importance_sampling,
    corrected,
    blended,
]


@pytest.mark.filterwarnings("ignore:The interval of direct_method")
@pytest.mark.parametrize("estimator", [*WEIGHTED, direct, fitted])
def test_each_row_of_a_problem_of_one_step_is_an_episode(estimator):
    rows, labeled = (
        estimator(ALWAYS, log, n_bootstraps=30, random_state=0)
        for log in (ROWS, LABELED)
    )
    # The blend depends on what resamples say, which differ.
    exact = 0.05 if estimator is blended else 1e-9
    assert labeled.estimate == pytest.approx(rows.estimate, rel=exact)
    assert labeled.effective_sample_size == pytest.approx(rows.effective_sample_size)
    assert labeled.n_episodes == N


@pytest.mark.parametrize("estimator", [importance_sampling, corrected, fitted])
def test_rows_of_one_label_are_drawn_together(estimator):
    rows, labeled = (
        estimator(ALWAYS, log, n_bootstraps=100, random_state=0)
        for log in (ROWS, LABELED)
    )
    # Ten rows of a customer know hardly more than one.
    assert labeled.high - labeled.low > 1.5 * (rows.high - rows.low)


def test_values_are_fitted_across_labels():
    result = doubly_robust(
        ALWAYS, LABELED, regressor=DummyRegressor(), n_bootstraps=0, random_state=0
    )
    assert result.estimate == pytest.approx(REWARDS[ACTIONS == 1].mean(), abs=0.2)


def test_episodes_without_flags_were_cut():
    log = dataclasses.replace(LABELED, next_states=np.zeros((N, 1)))
    uniform = DummyClassifier(strategy="uniform").fit([[0], [0]], [0, 1])
    with pytest.warns(UserWarning, match="60 of 60 episodes were cut"):
        importance_sampling(uniform, log, n_bootstraps=0)
    flags = np.arange(N) % 10 == 9
    over = dataclasses.replace(log, terminated=flags)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        importance_sampling(uniform, over, n_bootstraps=0)


@pytest.mark.parametrize("estimator", [importance_sampling, doubly_robust])
def test_warnings_point_to_their_user(estimator):
    with pytest.warns(UserWarning, match="effective sample size") as caught:
        estimator(ALWAYS, ROWS[:20], n_bootstraps=0)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="rows show what") as caught:
        direct_method(ALWAYS, ROWS[:20], half, n_bootstraps=0)
    assert caught[0].filename == __file__


def test_propensities_with_metadata_routing():
    guess = DummyClassifier(strategy="uniform")
    with sklearn.config_context(enable_metadata_routing=True):
        routed = estimate_propensities(LABELED, guess)
    assert (routed.propensities == 0.5).all()


def test_propensities_of_a_single_episode_are_refused():
    guess = DummyClassifier(strategy="uniform")
    with pytest.raises(ValueError, match="Got a single episode: log more"):
        estimate_propensities(LABELED[:10], guess)
    with pytest.raises(InvalidParameterError, match=r"'n_splits' .*Got 1 instead"):
        estimate_propensities(LABELED, guess, n_splits=1)


BAD = [("confidence", 95), ("confidence", 1.0)]
BAD += [("n_bootstraps", -1), ("n_bootstraps", 2.5)]


@pytest.mark.parametrize(("name", "value"), [*BAD, ("gamma", 1.1), ("gamma", -0.1)])
@pytest.mark.parametrize("estimator", [*WEIGHTED, fitted])
def test_numbers_outside_of_their_range_are_refused(estimator, name, value):
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of "):
        estimator(ALWAYS, ROWS, **{name: value})


@pytest.mark.parametrize(("name", "value"), BAD)
def test_the_direct_method_refuses_them_as_well(name, value):
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter of "):
        direct(ALWAYS, ROWS, **{name: value})


@pytest.mark.parametrize("function", [fit_action_values, fitted_q_evaluation])
def test_some_sweeps_are_needed(function):
    with pytest.raises(InvalidParameterError, match=r"'n_sweeps' .*Got 0 instead"):
        function(ALWAYS, ROWS, n_sweeps=0)
