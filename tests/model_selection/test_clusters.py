"""Searches give the same numbers on every backend of joblib."""

import os
import signal
from contextlib import contextmanager, suppress
from pathlib import Path

import joblib
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.model_selection import make_tasks
from tests.benchmarks.log_memory import make_log

ROOT = str(Path(__file__).parents[2])
GRID = {"regressor": [Ridge(), DecisionTreeRegressor(max_depth=3)]}
WORKERS = 2


@contextmanager
def loky():
    with joblib.parallel_config(backend="loky", n_jobs=WORKERS):
        yield


@contextmanager
def dask():
    distributed = pytest.importorskip("distributed", reason="an extra: skampo[dask]")
    options = {"threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(n_workers=WORKERS, **options) as cluster:
        with distributed.Client(cluster), joblib.parallel_config(backend="dask"):
            yield


@contextmanager
def ray():
    ray = pytest.importorskip("ray", reason="an extra: skampo[ray]")
    from ray.util.joblib import register_ray

    # Workers know no more than the processes of a user do.
    paths = {"env_vars": {"PYTHONPATH": ROOT}}
    ray.init(num_cpus=WORKERS, include_dashboard=False, runtime_env=paths)
    try:
        register_ray()
        with joblib.parallel_config(backend="ray", n_jobs=WORKERS):
            yield
    finally:
        ray.shutdown()


BACKENDS = [
    loky,
    # They take ten seconds to start.
    pytest.param(dask, marks=pytest.mark.slow),
    pytest.param(ray, marks=pytest.mark.slow),
]


#: How they say that a worker died; Dask starts it again.
GIVING_UP = {loky: "TerminatedWorkerError", ray: "ActorDiedError"}


class Fatal(Ridge):
    """Kills the process that fits it, the first one that is not the parent."""

    def __init__(self, alpha=1.0, *, parent=None, mark=None):
        super().__init__(alpha)
        self.parent, self.mark = parent, mark

    def fit(self, X, y, sample_weight=None):
        if os.getpid() != self.parent:
            with suppress(FileExistsError):
                os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y, sample_weight)


def results(X, grid=GRID, **parameters):
    """What a search writes down, but for the times."""
    policy = AMPOPolicy(Ridge(), max_iter=1, random_state=0, **parameters)
    found = GridSearchCV(policy, grid, cv=2, error_score="raise").fit(X)
    scores = {k: v for k, v in found.cv_results_.items() if "score" in k}
    return scores | {"proba": found.predict_proba([[0.1] * found.n_features_in_])}


def check(backend, X, **parameters):
    expected = results(X, **parameters)
    with backend():
        found = results(X, **parameters)
    for name, column in expected.items():
        # Times of a score differ.
        if "time" not in name:
            assert_array_equal(found[name], column, err_msg=name)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("backend", BACKENDS)
def test_searches_over_tasks(backend):
    check(backend, make_tasks("CartPole-v1", 4), steps_per_iter=64)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("backend", BACKENDS)
def test_searches_over_logs(backend):
    log = make_log(400, "logged")
    # One step: a search needs a score, and this one asks for rewards alone.
    log = TransitionLog(log.states, log.actions, log.rewards)
    check(backend, log)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_that_is_killed(backend, tmp_path):
    mark = tmp_path / "killed"
    fatal = Fatal(parent=os.getpid(), mark=str(mark))
    tasks, grid = make_tasks("CartPole-v1", 4), {"regressor": [fatal, Ridge(2.0)]}
    expected = results(tasks, grid, steps_per_iter=64)
    assert not mark.exists()
    if backend in GIVING_UP:
        with backend():
            with pytest.raises(Exception, match=r"died|terminated") as caught:
                results(tasks, grid, steps_per_iter=64)
        assert type(caught.value).__name__ == GIVING_UP[backend]
    assert mark.exists() == (backend in GIVING_UP)
    # On Ray a search that was given up keeps its workers, and the next one waits.
    if backend is ray:
        return
    with backend():
        found = results(tasks, grid, steps_per_iter=64)
    assert mark.exists()
    for name, column in expected.items():
        if "time" not in name:
            assert_array_equal(found[name], column, err_msg=name)
