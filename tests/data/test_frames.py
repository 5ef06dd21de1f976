"""Logs from data frames: what is read, what is sorted, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.off_policy import doubly_robust, fitted_q_evaluation

TABLE = {
    "store": ["n", "n", "n", "s", "s"],
    "day": [1, 2, 3, 1, 2],
    "stock": [3, 2, 1, 9, 8],
    "season": ["dry", "wet", "wet", "dry", "dry"],
    "order": [0, 5, 5, 0, 5],
    "profit": [1.0, 2.0, 3.0, 4.0, 5.0],
    "closed": [0, 0, 1, 0, 0],
    "p": [0.5, 0.5, 1.0, 0.25, 0.25],
}
NAMES = {"state": ["stock", "season"], "action": "order", "reward": "profit"}
EPISODES = NAMES | {"episode": "store", "terminated": "closed", "propensity": "p"}

frames = pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])


def reordered(rows):
    return {name: [column[i] for i in rows] for name, column in TABLE.items()}


def check(log):
    assert list(log.states.columns) == ["stock", "season"]
    # What followed the last row of store s is not known.
    assert_array_equal(np.asarray(log.states["stock"]), [3, 2, 1, 9])
    assert_array_equal(np.asarray(log.next_states["stock"])[[0, 1, 3]], [2, 1, 8])
    assert_array_equal(log.actions, [0, 5, 5, 0])
    assert_array_equal(log.rewards, [1, 2, 3, 4])
    assert_array_equal(log.terminated, [False, False, True, False])
    assert_array_equal(log.truncated, [False, False, False, True])
    assert_array_equal(log.propensities, [0.5, 0.5, 1.0, 0.25])
    assert_array_equal(log.classes, [0, 5])


@frames
def test_rows_in_their_order(frame):
    check(TransitionLog.from_frame(frame(TABLE), **EPISODES))


@frames
def test_rows_are_sorted_by_time_within_episodes(frame):
    mixed = {
        name: [column[i] for i in (2, 4, 0, 1, 3)] for name, column in TABLE.items()
    }
    check(TransitionLog.from_frame(frame(mixed), time="day", **EPISODES))


def test_dates_are_times():
    dates = pd.to_datetime(["2024-09-02", "2024-10-01", "2024-11-01"] * 2)[:5]
    table = pd.DataFrame(TABLE | {"day": dates})
    log = TransitionLog.from_frame(table.iloc[::-1], time="day", **EPISODES)
    # Store s comes first now, and its days are in order again.
    assert_array_equal(np.asarray(log.states["stock"]), [9, 3, 2, 1])


@frames
def test_earlier_rows_of_an_episode_join_the_state(frame):
    mixed = frame(reordered((2, 4, 0, 1, 3)))
    log = TransitionLog.from_frame(mixed, time="day", lags=2, **EPISODES)
    before = ["stock_lag1", "season_lag1", "stock_lag2", "season_lag2"]
    assert list(log.states.columns) == ["stock", "season", *before]
    # The rows of store n from the last to the first, and the first of store s.
    assert log.states.to_numpy().tolist() == [
        [3, "dry", 3, "dry", 3, "dry"],
        [2, "wet", 3, "dry", 3, "dry"],
        [1, "wet", 2, "wet", 3, "dry"],
        [9, "dry", 9, "dry", 9, "dry"],
    ]
    assert (
        log.next_states.to_numpy().tolist()[:2] == log.states.to_numpy().tolist()[1:3]
    )
    assert log.next_states.to_numpy().tolist()[3] == [8, "dry", 9, "dry", 9, "dry"]
    assert log.states["stock_lag1"].dtype == log.states["stock"].dtype


def test_lags_keep_the_types_of_columns():
    table = pd.DataFrame(TABLE).astype({"season": "category"})
    log = TransitionLog.from_frame(table, lags=1, **EPISODES)
    assert log.states.dtypes["season_lag1"] == log.states.dtypes["season"] == "category"
    policy = AMPOPolicy(max_iter=1, random_state=0).fit(log)
    assert list(policy.feature_names_in_) == list(log.states.columns)


@frames
def test_without_episodes_every_row_is_a_problem_of_one_step(frame):
    log = TransitionLog.from_frame(frame(TABLE), propensity="p", **NAMES)
    assert log.is_one_step
    assert len(log) == log.n_episodes == 5
    assert_array_equal(log.rewards, TABLE["profit"])


def test_actions_that_do_not_occur_can_be_named():
    table = pd.DataFrame(TABLE)
    log = TransitionLog.from_frame(table, classes=[0, 5, 9], **NAMES)
    assert_array_equal(log.classes, [0, 5, 9])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reward": "gain"}, r"no column 'gain'. It has \['store', 'day', 'stock'"),
        ({"state": "stock"}, "state= is a list of at least one name.* Got 'stock'"),
        ({"state": []}, r"state= is a list of at least one name.* Got \[\]"),
        ({"state": ["stock", "stock"]}, "'stock' is named twice, as state and as stat"),
        ({"state": ["stock", "profit"]}, "'profit' is named twice, as state and as r"),
        (
            {"truncated": "closed"},
            "'closed' is named twice, as terminated and as t",
        ),
        ({"episode": None}, "terminated say how the rows of an episode follow"),
        ({"episode": None, "terminated": None, "time": "day"}, "time say how the rows"),
        ({"episode": None, "terminated": None, "lags": 1}, "lags say how the rows of"),
        ({"lags": -1}, r"'lags' .* must be an int in the range \[0, inf\). Got -1"),
        ({"state": ["p", "p_lag1"], "lags": 1}, "lags=1 makes a column 'p_lag1', and"),
        ({"time": "season"}, "'season' is text, which is not sorted as time is"),
        ({"time": "closed"}, "'closed' has 2 times that another row of the episode"),
    ],
)
def test_names_that_cannot_be_used(change, message):
    if change.get("time") == "closed":
        change = change | {"terminated": None}
    if "p_lag1" in change.get("state", ()):
        change = change | {"propensity": None}
    table = pd.DataFrame(TABLE).assign(p_lag1=0)
    with pytest.raises(ValueError, match=message):
        TransitionLog.from_frame(table, **EPISODES | change)


def test_a_column_that_is_there_twice():
    table = pd.DataFrame(TABLE).rename(columns={"day": "stock"})
    with pytest.raises(ValueError, match="has 2 columns 'stock', and which of them"):
        TransitionLog.from_frame(table, **EPISODES)


@frames
def test_torn_episodes_need_a_time(frame):
    torn = {
        name: [column[i] for i in (0, 3, 1, 2, 4)] for name, column in TABLE.items()
    }
    with pytest.raises(ValueError, match=r"'store' has 2 .*row 2: n.* name the column"):
        TransitionLog.from_frame(frame(torn), **EPISODES)
    assert len(TransitionLog.from_frame(frame(torn), time="day", **EPISODES)) == 4


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("order", 1, 9, "'order' has 1 values outside the 2 known actions, .*row 1: 9"),
        ("p", 4, 0.0, r"'p' has 1 values outside \(0, 1\], first at row 4"),
        ("profit", 2, np.inf, "'profit' has 1 values that are not finite.*row 2"),
        ("closed", 0, 1, "'closed' has 1 values that end an episode"),
        ("closed", 0, 3, "'closed' has 1 values that are neither 0 nor 1"),
        ("day", 0, np.nan, "'day' has 1 missing values, first at row 0"),
    ],
)
def test_bad_columns_are_named(column, row, value, message):
    table = pd.DataFrame(TABLE).astype({"day": float})
    table.loc[row, column] = value
    with pytest.raises(ValueError, match=message):
        TransitionLog.from_frame(table, time="day", classes=[0, 5], **EPISODES)


def test_a_frame_of_which_nothing_is_left():
    table = pd.DataFrame(TABLE).drop_duplicates("store")
    with pytest.raises(ValueError, match="every episode has a single row, and none"):
        TransitionLog.from_frame(table, classes=[0, 5], **EPISODES)


def test_arrays_are_told_where_to_go():
    with pytest.raises(ValueError, match=r"takes a data frame .*\. Got list"):
        TransitionLog.from_frame([[1, 2]], state=["a"], action="b", reward="c")


@frames
@pytest.mark.parametrize("estimator", [fitted_q_evaluation, doubly_robust])
def test_estimators_say_how_a_frame_becomes_a_log(frame, estimator):
    with pytest.raises(InvalidParameterError, match=r"by TransitionLog.from_frame\(df"):
        estimator(None, frame(TABLE))


@pytest.fixture(scope="module")
def visits():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"age": rng.uniform(20, 80, 400), "noise": rng.normal(size=400)}
    )
    table["offer"] = rng.choice(["call", "mail"], 400)
    table["paid"] = ((table["age"] > 50) == (table["offer"] == "call")).astype(float)
    return table


@frames
def test_policies_know_the_names_and_are_explained_as_they_are(frame, visits):
    table = frame(visits.to_dict("list"))
    log = TransitionLog.from_frame(
        table, state=["age", "noise"], action="offer", reward="paid"
    )
    policy = AMPOPolicy(max_iter=3, random_state=0).fit(log)
    assert policy.feature_names_in_.tolist() == ["age", "noise"]
    seen = visits[["age", "noise"]]
    assert (policy.predict(seen) == "call")[seen["age"] > 60].mean() > 0.95
    importance = permutation_importance(
        policy,
        seen,
        policy.predict(seen),
        scoring="accuracy",
        n_repeats=2,
        random_state=0,
    )
    age, noise = importance.importances_mean
    assert age > 0.3 > 0.1 > noise
    curve = partial_dependence(policy, seen, ["age"], grid_resolution=5)["average"]
    # The probability of "mail" falls with the age.
    assert curve[0, 0] > curve[0, -1] + 0.5


def test_numbers_in_a_frame_are_those_of_an_array(visits):
    log = TransitionLog.from_frame(
        visits, state=["age", "noise"], action="offer", reward="paid"
    )
    plain = TransitionLog(visits[["age", "noise"]].to_numpy(), log.actions, log.rewards)
    settings = {"max_iter": 2, "random_state": 0}
    named = AMPOPolicy(Ridge(), **settings).fit(log)
    expected = AMPOPolicy(Ridge(), **settings).fit(plain)
    assert_allclose(
        named.predict_proba(log.states), expected.predict_proba(plain.states), atol=1e-9
    )
