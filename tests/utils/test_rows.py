"""Reductions of short rows are numpy's, bit by bit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo.utils._rows import row_max, row_mean, row_sum


@pytest.mark.parametrize("n_rows", [0, 1, 8, 99, 100, 501])
@pytest.mark.parametrize("n_columns", [1, 2, 3, 7, 8, 20])
def test_bits_are_those_of_numpy(n_rows, n_columns):
    rng = np.random.default_rng(n_rows + n_columns)
    scales = 10.0 ** rng.integers(-20, 20, size=(n_rows, n_columns))
    values = scales * rng.normal(size=(n_rows, n_columns))
    before = values.copy()
    assert_array_equal(row_sum(values), values.sum(axis=1))
    assert_array_equal(row_mean(values), values.mean(axis=1))
    assert_array_equal(row_max(values), values.max(axis=1))
    assert_array_equal(values, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_where_it_is(bad):
    values = np.ones((200, 3))
    values[5, 1] = bad
    assert_array_equal(row_max(values), values.max(axis=1))
    assert_array_equal(row_sum(values), values.sum(axis=1))


def test_results_can_be_written_to():
    values = np.ones((200, 1))
    row_sum(values)[:] = 0.0
    assert_array_equal(values, np.ones((200, 1)))
