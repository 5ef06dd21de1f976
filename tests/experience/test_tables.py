"""Tables as arrays and back, with their names and types."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo._features import split_features
from skampo.experience import TableColumns, behind_table, is_table

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
    transformer, _ = split_features(behind_table(columns, regressor))
    assert (transformer is not None) is splits
