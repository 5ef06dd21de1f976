"""Logs of many rows are taken up block by block, and teach what they did at once."""

import os
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

from skampo import AMPOPolicy
from skampo.critics import LSTDQ
from skampo.data import TransitionLog
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


def _many(states):
    return np.tile(states, (1, 80))


def learn_many(states, n):
    """Values where each state was seen n times, and the memory that it took."""
    states = np.tile(states, (n, 1))
    log = TransitionLog(states, np.arange(len(states)) % 4, states[:, 0], states / 2)
    critic = LSTDQ(FunctionTransformer(_many), alpha=100.0 * n)
    tracemalloc.start()
    policy = AMPOPolicy(Ridge(), critic=critic, gamma=0.9, max_iter=1).fit(log)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return policy.action_values(states[:100]), peak


@pytest.mark.slow
@pytest.mark.parametrize("is_full", [False, True])
def test_features_of_more_than_a_gib_are_in_a_file(is_full, monkeypatch):
    def refuse(*arguments):
        raise OSError("No space left on device")

    if is_full:
        monkeypatch.setattr(os, "posix_fallocate", refuse)
    states = np.random.default_rng(0).normal(size=(17_000, 2))
    expected, _ = learn_many(states, 1)
    found, peak = learn_many(states, 100)
    assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    # 160 features of 1,700,000 rows; where the disk is full they are in memory.
    n_bytes = 4 * 160 * 1_700_000
    assert (peak > n_bytes) == is_full
