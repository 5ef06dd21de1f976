"""What estimators say of logs and policies that honest ones do not show."""

import dataclasses
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

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
from tests.benchmarks.coverage import MODELS, logs_of
from tests.off_policy.absorbing import Absorbing
from tests.off_policy.layered import TablePolicy, one_hot

per_decision_importance_sampling = partial(importance_sampling, per_decision=True)

MODEL = Absorbing.random(5)
LOG = one_hot(MODEL.draw(300, seed=0), 4)
POLICY = TablePolicy(MODEL.target, one_hot=True)
QUICK = {"gamma": MODEL.gamma, "n_bootstraps": 0}
FIT = QUICK | {"regressor": Ridge(1e-6, fit_intercept=False)}
ZERO = QUICK | {"action_values": lambda states: np.zeros((len(states), 2))}
WEIGHTED = [
    (importance_sampling, QUICK),
    (per_decision_importance_sampling, QUICK),
    (doubly_robust, ZERO),
    (magic, ZERO),
]
ALL = [*WEIGHTED, (fitted_q_evaluation, FIT), (direct_method, ZERO)]


def run(estimator, log, policy=POLICY, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return estimator(policy, log, **options)


@pytest.mark.parametrize(("estimator", "options"), ALL)
def test_nothing_is_said_of_an_honest_log(estimator, options):
    if estimator is direct_method:
        options = {name: options[name] for name in ("action_values", "n_bootstraps")}
    assert run(estimator, LOG, **options).warning == ""


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_honest_logs_raise_no_false_alarms(model):
    policy, logs, sizes = logs_of(model, 200)
    logs = [log for log, size in zip(logs, sizes, strict=True) if size > 50]
    bare = [dataclasses.replace(log, propensities=None) for log in logs]
    alarms = [run(importance_sampling, log, policy, **QUICK).warning for log in logs]
    assert np.mean([bool(alarm) for alarm in alarms]) <= 0.02
    alarms = [run(fitted_q_evaluation, log, policy, **FIT).warning for log in bare]
    assert np.mean([bool(alarm) for alarm in alarms]) <= 0.02


def never_in_two_states():
    """In two of four states the behavior is certain of its action."""
    behavior = MODEL.behavior.copy()
    behavior[:2] = [1.0, 0.0]
    return one_hot(dataclasses.replace(MODEL, behavior=behavior).draw(300, 0), 4)


@pytest.mark.parametrize(("estimator", "options"), ALL)
def test_actions_that_some_states_never_show(estimator, options):
    if estimator is direct_method:
        options = {name: options[name] for name in ("action_values", "n_bootstraps")}
    result = run(estimator, never_in_two_states(), **options)
    assert "in some states the log never takes an action" in result.warning
    assert "rows have a mean of 0." in result.warning


def test_without_propensities_neighbors_show_it():
    log = dataclasses.replace(never_in_two_states(), propensities=None)
    result = run(fitted_q_evaluation, log, **FIT)
    assert "none of the 50 rows nearest to a state shows" in result.warning
    honest = dataclasses.replace(LOG, propensities=None)
    assert run(fitted_q_evaluation, honest, **FIT).warning == ""


def test_neighbors_in_a_table():
    log = dataclasses.replace(never_in_two_states(), propensities=None)
    number = log.states.argmax(axis=1)
    table = pd.DataFrame({"state": np.array(list("abcd"))[number], "age": 1.0})
    table = TransitionLog(table, log.actions, log.rewards)

    class Named(TablePolicy):
        def predict_proba(self, X):
            return self.proba[["abcd".index(letter) for letter in X["state"]]]

    values = lambda states: np.zeros((len(states), 2))
    result = run(direct_method, table, Named(MODEL.target), action_values=values)
    assert "nearest to a state" in result.warning


@pytest.mark.parametrize("factor", [0.5, 0.8])
def test_propensities_that_are_too_small(factor):
    log = dataclasses.replace(LOG, propensities=factor * LOG.propensities)
    result = run(importance_sampling, log, **QUICK)
    assert f"rows have a mean of {1 / factor:.1f}"[:-1] in result.warning


def test_weights_that_are_no_numbers():
    n = 3000
    log = TransitionLog(
        np.zeros((2 * n, 1)),
        np.tile([0, 1], n),
        np.random.default_rng(0).normal(size=2 * n),
        np.zeros((2 * n, 1)),
        terminated=np.arange(2 * n) % n == n - 1,
        episodes=np.repeat([0, 1], n),
        propensities=np.full(2 * n, 0.3),
    )
    uniform = TablePolicy(np.array([[0.5, 0.5]]))
    result = run(importance_sampling, log, uniform, gamma=MODEL.gamma)
    assert not np.isfinite(result.high - result.low)
    assert "weights of 2 of 2 episodes are above 1e304" in result.warning
    assert "6000 rows have a mean of 1.67" in result.warning


@pytest.mark.parametrize(("estimator", "options"), ALL)
def test_copies_of_episodes(estimator, options):
    if estimator is direct_method:
        options = {name: options[name] for name in ("action_values", "n_bootstraps")}
    rows = np.tile(np.arange(len(LOG)), 3)
    labels = np.repeat(np.arange(3), len(LOG)) * 1000 + LOG.episodes[rows]
    result = run(estimator, LOG.select(rows, labels), **options)
    assert "600 of 900 episodes are copies of others" in result.warning


def test_a_tenth_that_came_twice():
    rows = np.arange(len(LOG)) % len(LOG)
    again = np.flatnonzero(LOG.episodes < 30)
    rows = np.append(rows, again)
    labels = np.append(LOG.episodes, 1000 + LOG.episodes[again])
    result = run(importance_sampling, LOG.select(rows, labels), **QUICK)
    assert "30 of 330 episodes are copies of others" in result.warning


def test_chance_repeats_episodes_of_few_values():
    # Rewards without noise: most episodes of one step are like another one.
    log = MODEL.draw(300, seed=0, noise=0)
    assert run(importance_sampling, log, TablePolicy(MODEL.target)).warning == ""
    rng = np.random.default_rng(0)
    bandit = TransitionLog(
        rng.integers(3, size=(500, 1)),
        rng.integers(2, size=500),
        rng.integers(2, size=500),
        propensities=np.full(500, 0.5),
    )
    uniform = TablePolicy(np.full((3, 2), 0.5))
    assert run(importance_sampling, bandit, uniform).warning == ""
    # All of it three times is no chance.
    thrice = log.select(
        np.tile(np.arange(len(log)), 3),
        np.repeat(np.arange(3), len(log)) * 1000 + np.tile(log.episodes, 3),
    )
    result = run(importance_sampling, thrice, TablePolicy(MODEL.target))
    assert "are copies of others" in result.warning


class Bad(TablePolicy):
    def __init__(self, row):
        super().__init__(np.array([row]))

    def predict_proba(self, X):
        return np.repeat(self.proba, len(X), axis=0)


@pytest.mark.parametrize(("estimator", "options"), ALL)
@pytest.mark.parametrize("row", [[0.2, 0.3], [1.0, 1.0], [-0.5, 1.5], [np.nan, 1.0]])
def test_rows_that_are_no_probabilities_are_refused(estimator, options, row):
    if estimator is direct_method:
        options = {name: options[name] for name in ("action_values", "n_bootstraps")}
    with pytest.raises(ValueError, match="rows that are no probabilities, first row 0"):
        estimator(Bad(row), LOG, **options)


def test_rows_of_another_width_are_refused():
    policy = Bad([0.2, 0.3, 0.5])
    policy.classes_ = np.arange(2)
    with pytest.raises(ValueError, match=r"expected \(\d+, 2\), a row for each state"):
        importance_sampling(policy, LOG)


def test_single_precision_is_a_probability():
    policy = TablePolicy(MODEL.target.astype(np.float32), one_hot=True)
    assert run(importance_sampling, LOG, policy, **QUICK).warning == ""


FITTED = [(doubly_robust, FIT), (magic, FIT), (fitted_q_evaluation, FIT)]


@pytest.mark.parametrize(("estimator", "options"), FITTED)
def test_next_states_that_are_not_the_next_row(estimator, options):
    shifted = dataclasses.replace(LOG, next_states=np.roll(LOG.next_states, 1, axis=0))
    result = run(estimator, shifted, **options)
    assert "next_states is not the state of the next row" in result.warning
    rounded = dataclasses.replace(
        LOG, next_states=(LOG.next_states * (1 + 1e-7)).astype(np.float32)
    )
    assert run(estimator, rounded, **options).warning == ""


def test_next_states_of_a_table():
    def log(following):
        states = pd.DataFrame({"kind": ["a", "b", "c"], "size": [1.0, np.nan, 3.0]})
        return TransitionLog(
            states.iloc[:2],
            [0, 1],
            [1.0, 2.0],
            states.iloc[following],
            terminated=[0, 1],
            episodes=[0, 0],
        )

    class Uniform(TablePolicy):
        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    policy = Uniform(np.ones((1, 2)))
    options = {"gamma": 0.5, "regressor": DummyRegressor()}
    with pytest.warns(UserWarning, match="In 1 of 1 rows, first in row 0, next_states"):
        fit_action_values(policy, log([2, 2]), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_action_values(policy, log([1, 2]), **options)


@pytest.mark.parametrize(("estimator", "options"), FITTED)
def test_a_log_without_any_end(estimator, options):
    endless = dataclasses.replace(LOG, terminated=np.zeros(len(LOG), dtype=bool))
    result = run(estimator, endless, **options)
    assert "No row of the log is terminated or truncated: its 300" in result.warning
    cut = dataclasses.replace(endless, truncated=LOG.terminated)
    assert run(estimator, cut, **options).warning == ""


def test_a_single_episode_has_no_interval():
    log = MODEL.draw(100, seed=1)
    longest = np.bincount(log.episodes).argmax()
    one = one_hot(log[log.episodes == longest], 4)
    options = FIT | {"n_bootstraps": 20}
    with pytest.warns(UserWarning, match="The log has a single episode"):
        result = fitted_q_evaluation(POLICY, one, **options)
    assert np.isfinite(result.estimate)
    assert np.isnan([result.low, result.high]).all()


def test_without_any_weight_there_is_no_interval():
    policy = Bad([1.0, 0.0])
    never = LOG.select(np.flatnonzero(np.isin(LOG.actions, 1)))
    with pytest.warns(UserWarning, match="effective sample size is 0"):
        result = importance_sampling(policy, never)
    assert np.isnan([result.low, result.high]).all()


def test_the_direct_method_says_what_its_interval_is():
    values = ZERO["action_values"]
    with pytest.warns(UserWarning, match="nothing of the errors of action_values"):
        direct_method(POLICY, LOG, values)


FRAME = pd.DataFrame({"x": [0.0, 1.0], "action": [0, 1], "reward": [1.0, 2.0]})
TAKES_LOG = [estimator for estimator, _ in ALL] + [fit_action_values]


@pytest.mark.parametrize("estimator", TAKES_LOG)
def test_a_table_is_no_log(estimator):
    given = (FRAME, len) if estimator is direct_method else (FRAME,)
    name = getattr(estimator, "func", estimator).__name__
    message = f"'log' parameter of {name} must be a TransitionLog. Got Da"
    with pytest.raises(InvalidParameterError, match=message) as caught:
        estimator(POLICY, *given)
    assert "TransitionLog.from_frame(df" in str(caught.value)
    with pytest.raises(InvalidParameterError, match="Got DataFrame"):
        estimator(POLICY, log=FRAME, **({"action_values": len} if given[1:] else {}))


def test_columns_are_no_log():
    X, actions, rewards = [[0.0], [1.0]], [0, 1], [1.0, 2.0]
    with pytest.raises(InvalidParameterError, match="Got list and 3 more arguments"):
        doubly_robust(POLICY, X, actions, rewards, [0.5, 0.5])
    with pytest.raises(InvalidParameterError, match="Got ndarray: make one"):
        estimate_propensities(np.zeros((2, 1)), Ridge())
