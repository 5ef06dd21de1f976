"""Logs of many rows are taken up block by block, and teach what they did at once."""

import os
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures

from skampo import AMPOPolicy
from skampo.critics import LSTDQ
from skampo.data import TransitionLog
from skampo.off_policy import direct_method
from tests.benchmarks.log_memory import make_log

COLUMNS = ("states", "actions", "rewards", "next_states")


def repeated(log, n):
    """The log n times, one after the other."""
    tiled = [np.concatenate([getattr(log, name)] * n) for name in COLUMNS]
    return TransitionLog(*tiled)


def learn(log, transformer, alpha, states):
    """Values of the uniform policy, which is the first one."""
    critic = LSTDQ(transformer, alpha=alpha)
    policy = AMPOPolicy(Ridge(), critic=critic, gamma=0.9, max_iter=1).fit(log)
    return policy.action_values(states)


@pytest.mark.parametrize("order", ["logged", "shuffled"])
@pytest.mark.parametrize(
    ("degree", "alpha", "n", "error"),
    [
        # 37,500 rows of each action, whose features are held in double precision.
        (2, 100.0, 150, 1e-4),
        # 70,000 rows of 495 features, which are held in single precision.
        pytest.param(4, 1e5, 70, 1e-3, marks=pytest.mark.slow),
    ],
)
def test_values_are_those_of_few_rows(degree, alpha, n, error, order):
    # n times as many rows are as much as an n-th of the penalty.
    log = make_log(1000, order)
    features = PolynomialFeatures(degree)
    expected = learn(log, features, alpha, log.states)
    found = learn(repeated(log, n), features, alpha * n, log.states)
    assert_allclose(found, expected, rtol=0, atol=error * np.abs(expected).max())


def _huge(states):
    return 1e60 * np.tile(states, (1, 60))


@pytest.mark.slow
def test_numbers_beyond_single_precision_are_not_rounded():
    # Of this size, values of single precision would be infinite.
    log = repeated(make_log(1000, "logged"), 75)
    values = learn(log, FunctionTransformer(_huge), 0.1, log.states[:1000])
    assert np.isfinite(values).all()
    assert np.ptp(values) > 0


@pytest.mark.filterwarnings("ignore:Held-out episodes of the log")
@pytest.mark.slow
def test_memory():
    log = make_log(120_000, "logged")
    tracemalloc.start()
    AMPOPolicy(max_iter=1, random_state=0).fit(log)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6


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


def test_an_estimate_takes_no_copy_of_the_states():
    log = make_log(300_000, "logged")
    episodes = np.arange(300_000) // 100
    log = TransitionLog(log.states, log.actions, log.rewards, episodes=episodes)
    policy = DummyClassifier().fit(log.states[:400], log.actions[:400])
    tracemalloc.start()
    direct_method(policy, log, lambda states: states[:, :4], n_bootstraps=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Of which probabilities take half, and codes of the episodes as much.
    assert peak < 3 * log.states.nbytes
