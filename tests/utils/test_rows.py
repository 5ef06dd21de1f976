"""Reductions of short rows are numpy's, bit by bit."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo.critics import QSample
from skampo.mirror_maps import Euclidean, NegativeEntropy
from tests.iterates import uniform

every_shape = pytest.mark.parametrize(
    ("n_rows", "n_columns"),
    [(r, c) for r in (1, 8, 99, 100, 501) for c in (1, 2, 3, 7, 8, 20)],
)


def numbers(n_rows, n_columns):
    rng = np.random.default_rng(n_rows + n_columns)
    scales = 10.0 ** rng.integers(-20, 20, size=(n_rows, n_columns))
    return scales * rng.normal(size=(n_rows, n_columns))


@every_shape
def test_sums(n_rows, n_columns):
    values = np.abs(numbers(n_rows, n_columns))
    before, nothing = values.copy(), np.zeros_like(values)
    found = Euclidean().divergence(values, nothing)
    assert_array_equal(found, 0.5 * np.square(values).sum(axis=1))
    assert_array_equal(values, before)


@every_shape
def test_maxima_and_sums(n_rows, n_columns):
    scores = numbers(n_rows, n_columns)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = weights / weights.sum(axis=1, keepdims=True)
    assert_array_equal(NegativeEntropy().project(scores), expected)


@every_shape
def test_means(n_rows, n_columns):
    values = numbers(n_rows, n_columns)
    sample = QSample(np.zeros((n_rows, 1)), values, gamma=0.9)
    target = uniform(n_columns).at(sample).target(values, np.inf)
    expected = values - values.mean(axis=1, keepdims=True)
    assert_array_equal(target.values, expected)


def test_what_is_not_finite_stays_where_it_is():
    values, nothing = np.ones((200, 3)), np.zeros((200, 3))
    values[5, 1] = np.inf
    found = Euclidean().divergence(values, nothing)
    assert_array_equal(found, 0.5 * np.square(values).sum(axis=1))
    proba = NegativeEntropy().project(-values)
    assert_array_equal(proba[5], [0.5, 0.0, 0.5])
    assert_array_equal(proba[4], np.full(3, 1.0) / 3)
