"""Parts of data that no public name shows: tables with their types, and returns."""

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skampo.critics import Pessimistic
from skampo.data import TransitionLog
from skampo.data._returns import Retrace, lambda_returns
from skampo.data._tables import TableColumns, is_table, numeric_pipeline

MIXED = pd.DataFrame(
    {
        "stock": [3, 0, 7],
        "price": [0.5, np.nan, 2.0],
        "season": ["dry", "wet", "dry"],
        "size": pd.Categorical(["m", "s", "m"], ["s", "m", "l"], ordered=True),
        "open": [True, False, True],
        "day": pd.to_datetime(["2020-01-01", "2020-01-02", "2021-05-05"]),
    }
)


def test_a_pandas_table_comes_back():
    columns = clone(TableColumns.of(MIXED))
    assert columns.transform(MIXED.to_numpy()).equals(MIXED)
    part = columns.transform(MIXED.to_numpy()[[2, 0]])
    assert part.equals(MIXED.iloc[[2, 0]].reset_index(drop=True))


def test_a_polars_table_comes_back():
    table = pl.DataFrame({"n": [1, 2], "x": [0.5, 1.0], "c": ["u", "v"]})
    back = TableColumns.of(table).transform(table.to_numpy())
    assert back.equals(table)
    assert back.schema == table.schema


def test_a_table_stays_what_it_is():
    assert TableColumns.of(MIXED).fit(None).transform(MIXED) is MIXED
    assert is_table(MIXED)
    assert not is_table(np.zeros((2, 2)))


def test_one_observation_is_a_table_of_one_row():
    columns = TableColumns.of(MIXED[["stock", "season"]])
    expected = MIXED[["stock", "season"]].iloc[:1]
    assert columns.row({"season": "dry", "stock": 3, "more": 0}).equals(expected)
    assert columns.row([3, "dry"]).equals(expected)
    with pytest.raises(ValueError, match="season"):
        columns.row({"stock": 3})


TIMES = [datetime(2020, 1, 1, 5), datetime(2021, 7, 5)]
POLARS = {
    "enum": pl.Series(["b", "a"], dtype=pl.Enum(["a", "b", "c"])),
    "categorical": pl.Series(["b", "a"], dtype=pl.Categorical),
    "datetime": pl.Series(TIMES),
    "nanoseconds": pl.Series(TIMES, dtype=pl.Datetime("ns")),
    "time zone": pl.Series(TIMES).dt.replace_time_zone("Europe/Rome"),
    "duration": pl.Series([timedelta(1), timedelta(0, 5)], dtype=pl.Duration("ms")),
    "decimal": pl.Series([Decimal("1.50"), Decimal("0.25")], dtype=pl.Decimal(10, 2)),
    "date": pl.Series([date(2020, 1, 1), date(2021, 1, 2)]),
    "time": pl.Series([time(1), time(2, 30)]),
    "integer": pl.Series([1, 2], dtype=pl.Int8),
}


@pytest.mark.parametrize("names", [*([name] for name in POLARS), list(POLARS)])
def test_types_of_polars_come_back(names):
    table = pl.DataFrame({name: POLARS[name] for name in names})
    columns = TableColumns.of(table)
    # Files hold text and lists only.
    assert json.loads(json.dumps(columns.dtypes)) == columns.dtypes
    back = columns.transform(table.to_numpy())
    assert back.equals(table)
    assert back.schema == table.schema


def test_only_types_are_called():
    # As a crafted file might have it.
    columns = TableColumns("polars", ["x"], [["read_csv", "nowhere.csv"]])
    with pytest.raises(TypeError, match="data type"):
        columns.transform(np.ones((1, 1)))


def test_decimals_are_numbers():
    columns = TableColumns.of(pl.DataFrame(POLARS))
    assert not {"decimal", "integer"} & set(columns.categorical)
    assert {"enum", "datetime"} <= set(columns.categorical)


class DerivedFrame(pd.DataFrame):
    """A class of its own, whose module is not that of pandas."""


def test_a_class_derived_from_a_table():
    columns = TableColumns.of(DerivedFrame(MIXED))
    assert columns.library == "pandas"
    assert columns.transform(MIXED.to_numpy()).equals(MIXED)


def test_tables_of_another_library():
    class Frame:
        columns = ()

        def to_numpy(self):
            return np.empty((1, 0))

    with pytest.raises(TypeError, match=r"of pandas or polars\. Got .*Frame"):
        TableColumns.of(Frame())


@pytest.mark.parametrize("name", ["table", "numbers"])
def test_names_of_steps_do_not_clash(name):
    own = Pipeline([(name, StandardScaler()), ("model", Ridge())])
    table = pd.DataFrame({"stock": pd.array([3, None, 7], "Int64")})
    model = numeric_pipeline(TableColumns.of(table), own).fit(table, [0, 1, 2])
    assert model.predict(table).shape == (3,)


def test_rows_are_numbered_from_0():
    table = MIXED.set_axis([7, 7, 7])
    assert TableColumns.of(table).rows(table).frame.equals(MIXED)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_states_stay_the_frame_that_they_are(frame):
    states = frame({"place": ["a", "b", "c"], "speed": [1.0, 2.0, 3.0]})
    following = frame({"place": ["b", "c", "?"], "speed": [2, 3, 0]})
    log = TransitionLog(
        states, [0, 1, 0], [1, 2, 3], following, terminated=[False, False, True]
    )
    rows = log.transitions()
    assert rows.observations.frame.equals(states)
    # Of the types of the states; nothing follows an end, and any row will do.
    places, speeds = ["b", "c", "c"], [2.0, 3.0, 3.0]
    expected = frame({"place": places, "speed": speeds})
    found = rows.next_observations.frame
    assert TableColumns.of(found).dtypes == TableColumns.of(expected).dtypes
    assert found.to_numpy().tolist() == expected.to_numpy().tolist()
    assert rows.ends.tolist() == [False, False, True]


@pytest.mark.parametrize(
    "values",
    [
        pd.array([1, None, 3], "Int64"),
        pd.array([True, None, False], "boolean"),
        pd.array(["u", None, "v"], "string"),
    ],
)
def test_numbers_of_missing_values_of_pandas(values):
    table = pd.DataFrame({"missing": values, "there": [1.0, 2.0, 3.0]})
    classifier = Pessimistic.default_classifier(table=True)
    model = numeric_pipeline(TableColumns.of(table), classifier)
    assert model.fit(table, [0, 1, 0]).predict(table).shape == (3,)


REWARDS = [1.0, 2.0, 3.0, 4.0, 5.0]
ENDS = [False, True, False, False, True]
GAMMA = 0.5


def discounted_returns(rewards, discounts, ends, values):
    """All weight on the longest returns."""
    return lambda_returns(rewards, discounts, values, ends, 1.0)


def test_discounted_returns_by_hand():
    discounts = [0.5, 0.5, 0.5, 0.5, 0.0]
    # 2 + .5 * 10; 1 + .5 * 7; 5; 4 + .5 * 5; 3 + .5 * 6.5
    expected = [4.5, 7.0, 6.25, 6.5, 5.0]
    result = discounted_returns(REWARDS, discounts, ENDS, [7.0, 10.0, 7.0, 7.0, 99.0])
    assert_array_equal(result, expected)


def test_lambda_returns_by_hand():
    discounts = [0.5, 0.5, 0.5, 0.0, 0.5]
    values = [10.0, 20.0, 30.0, 40.0, 50.0]
    ends = [False, True, False, True, True]
    # 2 + .5 * 20; 1 + .5 (.75 * 10 + .25 * 12); 4; 3 + .5 (.75 * 30 + .25 * 4)
    expected = [6.25, 12.0, 14.75, 4.0, 30.0]
    result = lambda_returns(REWARDS, discounts, values, ends, 0.25)
    assert_array_equal(result, expected)


def test_retrace_returns_by_hand():
    discounts = [0.5, 0.5, 0.5, 0.0, 0.5]
    values = [10.0, 20.0, 30.0, 40.0, 50.0]
    q_taken = [1.0, 2.0, 4.0, 8.0, 16.0]
    ends = [False, True, False, True, True]
    # The weight of a trajectory's first row is never used.
    traces = [9.0, 0.5, 9.0, 0.25, 9.0]
    # 2 + .5 * 20; 1 + .5 (10 + .5 (12 - 2)); 4; 3 + .5 (30 + .25 (4 - 8)); 5 + .5 * 50
    expected = [8.5, 12.0, 17.5, 4.0, 30.0]
    given = map(np.array, (REWARDS, discounts, ends, traces))
    result = Retrace(*given)(np.array(values), np.array(q_taken))
    assert_array_equal(result, expected)


def test_an_infinite_return_spoils_its_own_trajectory_only():
    rewards, ends = [4.0, 1.0, np.inf, 2.0, 3.0], [True, False, False, True, True]
    result = discounted_returns(rewards, [0.5] * 5, ends, [2.0] * 5)
    assert_array_equal(result, [5.0, np.inf, np.inf, 3.0, 4.0])
    # Nothing follows what ends, were it infinite.
    result = discounted_returns(
        [2.0, 1.0, np.inf], [0.5, 0.0, 0.5], [0, 0, 1], [0.0] * 3
    )
    assert_array_equal(result, [2.5, 1.0, np.inf])


def test_termination_forgets_the_value_and_truncation_does_not():
    for terminated, expected in ((True, 1.0), (False, 6.0)):
        discounts = [GAMMA * (1 - terminated)]
        assert lambda_returns([1.0], discounts, [10.0], [True], 0.9) == [expected]
        assert discounted_returns([1.0], discounts, [True], [10.0]) == [expected]


@st.composite
def trajectories(draw):
    n = draw(st.integers(1, 12))
    numbers = st.lists(st.floats(-100, 100), min_size=n, max_size=n)
    ends = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    ends[-1] = True
    discounts = draw(st.lists(st.sampled_from([0.0, 0.9]), min_size=n, max_size=n))
    return map(np.array, (draw(numbers), discounts, draw(numbers), ends))


@given(trajectories())
def test_lambda_one_is_the_discounted_return(case):
    rewards, discounts, values, ends = case
    expected, following = [], None
    for t in reversed(range(len(ends))):
        following = rewards[t] + discounts[t] * (values[t] if ends[t] else following)
        expected.insert(0, following)
    result = discounted_returns(rewards, discounts, ends, values)
    assert_allclose(result, expected, rtol=1e-12, atol=1e-9)


@given(trajectories())
def test_lambda_zero_is_one_step(case):
    rewards, discounts, values, ends = case
    result = lambda_returns(rewards, discounts, values, ends, 0.0)
    assert_allclose(result, rewards + discounts * values)


@given(trajectories(), st.floats(0, 1))
def test_trajectories_do_not_mix(case, trace_decay):
    rewards, discounts, values, ends = case
    whole = lambda_returns(rewards, discounts, values, ends, trace_decay)
    first = int(np.flatnonzero(ends)[0]) + 1
    head = lambda_returns(
        rewards[:first], discounts[:first], values[:first], ends[:first], trace_decay
    )
    assert_array_equal(whole[:first], head)


def test_huge_rewards_are_fine():
    result = discounted_returns([1e300] * 3, [0.9] * 3, [False, False, True], [0.0] * 3)
    assert_allclose(result, [2.71e300, 1.9e300, 1e300])


def test_nothing_gives_nothing():
    assert discounted_returns([], [], [], []).shape == (0,)


def test_the_last_trajectory_must_be_closed():
    with pytest.raises(ValueError, match="last entry of 'ends' must be True"):
        discounted_returns([1.0], [0.5], [False], [0.0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        lambda_returns([1.0], [0.5], [1.0, 2.0], [True], 0.5)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        lambda_returns([1.0, 2.0], [0.5, 0.5], [1.0, 2.0], [True], 0.5)
