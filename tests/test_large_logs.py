"""Logs of many rows are taken up block by block, and teach what they did at once."""

import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import FunctionTransformer

from skampo import AMPOPolicy
from skampo.critics import LSTDQ
from skampo.features._blocks import tree_sum
from tests.benchmarks.log_memory import make_log

LOG = make_log(1000, "logged")


def learn(log, critic):
    policy = AMPOPolicy(critic=critic, max_iter=2, random_state=0).fit(log)
    return policy.action_values(LOG.states), policy.predict_proba(LOG.states)


@pytest.fixture
def blocks(monkeypatch):
    """Blocks of few rows."""
    monkeypatch.setattr("skampo.features._blocks.BLOCK", 64)
    monkeypatch.setattr("skampo.features._blocks._MANY", 100)
    monkeypatch.setattr("skampo.critics._lstdq._BLOCK", 100)


@pytest.fixture
def rounded(blocks, monkeypatch):
    """The same, and features in single precision."""
    monkeypatch.setattr("skampo.features._blocks._LARGE", 1)


@pytest.mark.parametrize("order", ["logged", "shuffled"])
# Rounded features have an error of 6e-8.
@pytest.mark.parametrize(("how", "error"), [("blocks", 1e-9), ("rounded", 1e-6)])
def test_values_are_those_of_all_rows_at_once(order, how, error, request):
    log = make_log(1000, order)
    values, proba = learn(log, LSTDQ())
    request.getfixturevalue(how)
    found, found_proba = learn(log, LSTDQ())
    assert (found != values).any()
    assert_allclose(found, values, rtol=0, atol=error * np.abs(values).max())
    assert_allclose(found_proba, proba, rtol=0, atol=100 * error)


@pytest.mark.parametrize("is_full", [False, True])
def test_features_in_a_file_are_the_same(is_full, rounded, monkeypatch):
    expected, reserve, sizes = learn(LOG, LSTDQ()), os.posix_fallocate, []

    def reserve_and_note(file, start, n_bytes):
        sizes.append(n_bytes)
        if is_full:
            raise OSError("No space left on device")
        reserve(file, start, n_bytes)

    monkeypatch.setattr("skampo.features._blocks._ON_DISK", 1)
    monkeypatch.setattr(os, "posix_fallocate", reserve_and_note)
    found = learn(LOG, LSTDQ())
    assert min(sizes) > 4 * len(LOG)
    assert_array_equal(found[0], expected[0])
    assert_array_equal(found[1], expected[1])


def test_numbers_beyond_single_precision_are_not_rounded(rounded):
    # Of this size, values of single precision would be infinite.
    huge = LSTDQ(FunctionTransformer(_huge), alpha=0.1)
    values, _ = learn(LOG, huge)
    assert np.isfinite(values).all()
    assert np.ptp(values) > 0


def _huge(states):
    return 1e60 * states


@pytest.mark.slow
def test_memory():
    log = make_log(120_000, "logged")
    tracemalloc.start()
    AMPOPolicy(max_iter=1, random_state=0).fit(log)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6


@given(st.integers(1, 40))
def test_sum_of_a_tree(n):
    numbers = np.random.default_rng(n).normal(size=(n, 3)) * 10.0 ** np.arange(3)
    assert_allclose(tree_sum(iter(numbers)), numbers.sum(axis=0))


def test_sum_of_a_tree_rounds_seldom():
    ones = np.ones(2**14, dtype=np.float16)
    # One after another they stay 2048.
    assert tree_sum(iter(ones)) == 2**14
