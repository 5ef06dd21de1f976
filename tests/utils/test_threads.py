"""Fits and predictions run on one thread, and leave the numbers as they were."""

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import ThreadpoolController, threadpool_limits

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.off_policy import doubly_robust, estimate_propensities, fit_action_values
from skampo.utils import _threads
from skampo.utils._threads import limit_threads

ROOT = Path(__file__).parents[2]
X, Y = np.arange(60.0)[:, None], np.arange(60) % 2
SMALL = {"max_iter": 1, "steps_per_iter": 64, "n_envs": 2, "random_state": 0}


def numbers(api=None):
    """How many threads the libraries would use in this thread."""
    infos = ThreadpoolController().info()
    return [info["num_threads"] for info in infos if api in (None, info["user_api"])]


@pytest.fixture(autouse=True)
def _two_threads():
    with threadpool_limits(2):
        yield


class Recorder(RegressorMixin, BaseEstimator):
    """Remembers how many threads it could use."""

    seen = []

    def fit(self, X, y):
        self.seen.append(numbers())
        return self

    def predict(self, X):
        self.seen.append(numbers())
        return np.zeros(len(X))

    def predict_proba(self, X):
        self.seen.append(numbers())
        return np.full((len(X), 2), 0.5)

    classes_ = np.array([0, 1])


@pytest.fixture
def seen(monkeypatch):
    monkeypatch.setattr(Recorder, "seen", [])
    return Recorder.seen


def assert_single(seen):
    assert seen
    assert all(set(found) == {1} for found in seen)
    assert set(numbers()) == {2}


@pytest.mark.filterwarnings("ignore:the regressor predicts a constant:UserWarning")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_regressors_are_fitted_on_one_thread(seen, n_jobs):
    policy = AMPOPolicy(Recorder(), encoding="per_action", n_jobs=n_jobs, **SMALL)
    policy.fit("CartPole-v1")
    assert_single(seen)


@pytest.mark.parametrize(
    "predict",
    [
        lambda policy: policy.predict_proba(X),
        lambda policy: policy.decision_function(X),
        lambda policy: policy.action_values(X),
        lambda policy: policy.act([0.0]),
    ],
)
def test_policies_predict_on_one_thread(seen, predict):
    policy = AMPOPolicy(Recorder(), max_iter=1).fit(X, Y, rewards=Y)
    seen.clear()
    predict(policy)
    assert_single(seen)


@pytest.mark.filterwarnings("ignore:the regressor predicts a constant:UserWarning")
def test_policies_play_on_one_thread(seen):
    policy = AMPOPolicy(Recorder(), **SMALL).fit("CartPole-v1")
    seen.clear()
    policy.score("CartPole-v1", n_episodes=1)
    assert_single(seen)


@pytest.mark.parametrize(
    "estimate",
    [
        lambda log: fit_action_values(Recorder(), log, gamma=0.5),
        lambda log: doubly_robust(Recorder(), log, regressor=Recorder(), gamma=0.5),
        lambda log: estimate_propensities(log, Recorder()),
    ],
)
def test_logs_are_judged_on_one_thread(seen, estimate):
    log = TransitionLog(X, Y, Y, episodes=np.arange(60), propensities=np.full(60, 0.5))
    estimate(log)
    assert_single(seen)


def test_large_work_gets_the_threads_of_openmp_but_one_for_linear_algebra():
    with limit_threads(), limit_threads(_threads.LARGE):
        assert set(numbers("openmp")) == {2}
        assert set(numbers("blas")) == {1}
        with limit_threads():
            assert set(numbers()) == {1}
        assert set(numbers("openmp")) == {2}
    assert set(numbers()) == {2}


def test_fits_that_overlap_restore_the_number_when_the_last_ends():
    inside, leave = threading.Event(), threading.Event()

    @limit_threads()
    def first():
        inside.set()
        assert leave.wait(10)

    other = threading.Thread(target=first)
    other.start()
    assert inside.wait(10)
    with limit_threads():
        leave.set()
        other.join(10)
        assert set(numbers()) == {1}
    assert set(numbers()) == {2}


def test_after_an_error_the_numbers_are_as_before():
    with pytest.raises(KeyError), limit_threads():
        raise KeyError
    assert set(numbers()) == {2}


def test_libraries_that_are_loaded_later_are_limited(monkeypatch):
    with limit_threads():
        pass
    # As if every library were loaded after this.
    monkeypatch.setattr(_threads._libraries, "loaded", [])
    monkeypatch.setitem(sys.modules, "skampo_test_of_a_new_module", sys)
    with limit_threads():
        assert set(numbers()) == {1}


@pytest.mark.parametrize(
    ("regressor", "model"),
    [
        (LGBMRegressor(), lambda fitted: fitted),
        (make_pipeline(StandardScaler(), LGBMRegressor()), lambda fitted: fitted[-1]),
        (
            MultiOutputRegressor(LGBMRegressor()),
            lambda fitted: fitted.estimators_[0],
        ),
    ],
    ids=["alone", "behind features", "inside"],
)
@pytest.mark.parametrize(("given", "expected"), [(None, 1), (2, 2)])
def test_lightgbm_gets_one_thread_unless_told(regressor, model, given, expected):
    names = [n for n in regressor.get_params() if n.split("__")[-1] == "n_jobs"]
    booster = [name for name in names if "lgbm" in name or "estimator__" in name]
    quick = {"n_estimators": 2, "verbose": -1, "n_jobs": given}
    prefix = (booster or ["n_jobs"])[0].removesuffix("n_jobs")
    regressor.set_params(**{prefix + name: value for name, value in quick.items()})
    policy = AMPOPolicy(regressor, max_iter=1, random_state=0).fit(X, Y)
    fitted = policy.regressor_
    fitted = fitted[0] if isinstance(fitted, list) else fitted
    assert model(fitted).n_jobs == expected
    assert regressor.get_params()[f"{prefix}n_jobs"] is given


def test_lightgbm_keeps_its_threads_for_large_data(monkeypatch):
    monkeypatch.setattr("skampo.features._regression.LARGE", 60)
    regressor = LGBMRegressor(n_estimators=2, verbose=-1)
    policy = AMPOPolicy(regressor, max_iter=1).fit(X, Y)
    assert policy.regressor_[0].n_jobs is None


FITS = """
import hashlib
import numpy as np
from skampo import AMPOPolicy
rng = np.random.default_rng(0)
states = rng.normal(size=(3000, 3))
done = rng.integers(3, size=3000)
policies = [
    AMPOPolicy(max_iter=4, random_state=0).fit("CartPole-v1"),
    AMPOPolicy(max_iter=4, random_state=0).fit(states, done, rewards=states[:, 0]),
]
found = hashlib.sha256()
for policy, n_features in zip(policies, [4, 3]):
    seen = rng.normal(size=(4000, n_features))
    found.update(policy.predict_proba(seen).tobytes())
    found.update(policy.action_values(seen).tobytes())
print(found.hexdigest())
"""


def test_bits_of_the_default_do_not_depend_on_the_number_of_threads():
    found = set()
    for number in ("1", "2"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, number)
        environment["PYTHONPATH"] = str(ROOT)
        run = subprocess.run(
            [sys.executable, "-c", FITS],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(run.stdout)
    assert len(found) == 1
    assert len(found.pop()) == 1 + 2 * hashlib.sha256().digest_size
