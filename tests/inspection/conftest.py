"""Fitted policies, and a check that no test leaves a figure behind."""

import sys

import matplotlib.pyplot as plt
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skampo import AMPOPolicy
from skampo.mdp import make_random_mdp

TABLE = make_pipeline(OneHotEncoder(), LinearRegression(fit_intercept=False))


@pytest.fixture(autouse=True)
def _close_figures():
    """Displays make one figure at most; tests start without any."""
    assert plt.get_fignums() == []
    yield
    plt.close("all")


@pytest.fixture
def without_matplotlib(monkeypatch):
    """As if matplotlib were not installed."""
    for name in ("matplotlib", "matplotlib.pyplot", "matplotlib.ticker"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture(scope="session")
def mdp():
    return make_random_mdp(random_state=0)


@pytest.fixture(scope="session")
def geometric(mdp):
    """Geometric steps, exact regression: the published gaps."""
    policy = AMPOPolicy(
        TABLE, step_size="geometric", gamma=0.9, max_iter=20, random_state=0
    )
    return policy.fit(mdp)


@pytest.fixture(scope="session")
def greedy(mdp):
    policy = AMPOPolicy(
        TABLE, step_size="greedy", gamma=0.9, max_iter=5, random_state=0
    )
    return policy.fit(mdp)
