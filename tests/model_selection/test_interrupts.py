"""Ctrl-C ends a search, and no score of a fit that was cut is kept."""

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from skampo import AMPOPolicy
from tests.scripted import Fuse, FusedEnv

SMALL = {"max_iter": 3, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}


class TwoFits:
    """Environments of which the first dies in the second iteration of the first fit."""

    def __init__(self):
        self.fuse = Fuse(60)
        self.samples = [lambda: FusedEnv(self.fuse)] * 4


def search(policy, X):
    return GridSearchCV(policy, {"gamma": [0.5, 0.9]}, cv=2, n_jobs=1).fit(X)


def search_pipeline(policy, X):
    grid = {"ampopolicy__gamma": [0.5, 0.9]}
    return GridSearchCV(make_pipeline("passthrough", policy), grid, cv=2).fit(X)


def loop(policy, X):
    return [policy.fit(X) for _ in range(2)]


@pytest.mark.parametrize(
    "tool",
    [search, search_pipeline, lambda p, X: cross_val_score(p, X, cv=2), loop],
    ids=["search", "pipeline in a search", "cross_val_score", "loop"],
)
def test_nothing_follows_ctrl_c(tool):
    fits = TwoFits()
    with pytest.raises(KeyboardInterrupt) as caught:
        tool(AMPOPolicy(Ridge(), **SMALL), fits.samples)
    assert caught.value.__notes__ == [
        "fit was interrupted; the policy of iteration 1 is kept."
    ]
    assert fits.fuse.n == 60


class Interrupted(Ridge):
    """A regressor that Ctrl-C reaches."""

    def fit(self, X, y, sample_weight=None):
        raise KeyboardInterrupt


# New processes take seconds to start.
BACKENDS = ["threading", pytest.param("loky", marks=pytest.mark.slow)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_ctrl_c_in_a_worker_ends_the_search(backend):
    policy = AMPOPolicy(Interrupted(), max_iter=1)
    X, y = np.arange(8.0)[:, None], [0, 1] * 4
    with joblib.parallel_backend(backend, n_jobs=2), pytest.raises(KeyboardInterrupt):
        GridSearchCV(policy, {"gamma": [0.5]}, cv=2).fit(X, y)
