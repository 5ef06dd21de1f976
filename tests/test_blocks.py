"""Predictions for many rows are made in blocks, and are those of single rows."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
MANY = RNG.normal(size=(70_001, 4))
# Around the borders of blocks.
ROWS = [0, 1, 32_767, 32_768, 65_535, 65_536, 70_000]


def fit(regressor=None):
    policy = AMPOPolicy(regressor, max_iter=2, random_state=0)
    return policy.set_params(steps_per_iter=64).fit("CartPole-v1")


@pytest.mark.parametrize("regressor", [None, DecisionTreeRegressor(max_depth=3)])
def test_all_methods(regressor):
    policy = fit(regressor)
    mask = RNG.random((len(MANY), 2)) < 0.5
    mask[:, 0] |= ~mask[:, 1]
    for name in ["predict_proba", "predict_log_proba", "predict", "decision_function"]:
        found = getattr(policy, name)(MANY, action_mask=mask)
        expected = getattr(policy, name)(MANY[ROWS], action_mask=mask[ROWS])
        assert len(found) == len(MANY)
        assert_allclose(found[ROWS], expected, rtol=1e-10, atol=1e-12)
    found = policy.action_values(MANY)[ROWS]
    assert_allclose(found, policy.action_values(MANY[ROWS]), rtol=1e-10)


def test_tables():
    table = pd.DataFrame(X, columns=list("abcd"))
    policy = AMPOPolicy(DecisionTreeRegressor(max_depth=3), max_iter=1, random_state=0)
    policy.fit(table, np.arange(50) % 2, rewards=X[:, 0])
    many = pd.DataFrame(MANY, columns=list("abcd"))
    found = policy.predict_proba(many)
    assert_array_equal(found[ROWS], policy.predict_proba(many.iloc[ROWS]))


def test_memory():
    policy = fit(make_pipeline(PolynomialFeatures(5), Ridge()))
    many = np.zeros((150_000, 4))
    tracemalloc.start()
    policy.predict_proba(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All 126 features of all rows are 151 MB.
    assert peak < 100e6
