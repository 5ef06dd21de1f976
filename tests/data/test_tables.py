"""Tables as arrays and back, with their names and types."""

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo.critics import default_classifier
from skampo.data._tables import (
    TableColumns,
    is_table,
    numeric_table_pipeline,
    table_pipeline,
)
from skampo.features._steps import split_features

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


@pytest.mark.parametrize(
    ("regressor", "splits"),
    [(Ridge(), False), (make_pipeline(StandardScaler(), Ridge()), True)],
)
def test_features_are_shared_only_where_they_are_arrays(regressor, splits):
    columns = TableColumns.of(MIXED[["stock"]])
    transformer, _ = split_features(table_pipeline(columns, regressor))
    assert (transformer is not None) is splits


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


@pytest.mark.parametrize("make", [table_pipeline, numeric_table_pipeline])
@pytest.mark.parametrize("name", ["table", "numbers"])
def test_names_of_steps_do_not_clash(make, name):
    own = Pipeline([(name, StandardScaler()), ("model", Ridge())])
    table = MIXED[["stock"]]
    model = make(TableColumns.of(table), own).fit(table.to_numpy(), [0, 1, 2])
    assert model.predict(table).shape == (3,)


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
    model = numeric_table_pipeline(
        TableColumns.of(table), default_classifier(table=True)
    )
    rows = np.array([[1, 1.0], [np.nan, 2.0], [0, 3.0]], dtype=object)
    if values.dtype == "string":
        rows[:, 0] = ["u", np.nan, "v"]
    assert model.fit(rows, [0, 1, 0]).predict(rows).shape == (3,)
