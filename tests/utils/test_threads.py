"""Fits and predictions run on one thread, and leave the numbers as they were."""

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from joblib import effective_n_jobs, parallel_config, register_parallel_backend
from joblib._parallel_backends import ThreadingBackend
from lightgbm import LGBMRegressor
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from threadpoolctl import ThreadpoolController, threadpool_limits

from skampo import AMPOPolicy
from skampo.critics import Pessimistic
from skampo.data import TransitionLog
from skampo.exceptions import RegressorError
from skampo.off_policy import doubly_robust, estimate_propensities, fit_action_values

ROOT = Path(__file__).parents[2]
X, Y = np.arange(60.0)[:, None], np.arange(60) % 2
SMALL_X, SMALL_Y = X[:20], Y[:20]
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


class Adding(ExtraTreesRegressor):
    """A forest that tells how many jobs would add up its trees."""

    jobs: ClassVar = []

    def predict(self, X):
        self.jobs.append(effective_n_jobs(self.n_jobs))
        return super().predict(X)


@pytest.mark.parametrize("asked", ["forest", "policy", "context"])
def test_forests_add_up_their_trees_in_their_order(asked):
    forests = [Adding(5, n_jobs=4 if asked == "forest" else None, max_leaf_nodes=99)]
    forests.append(clone(forests[0]).set_params(n_jobs=None))
    found = []
    for forest in forests:
        Adding.jobs.clear()
        n_jobs = 2 if asked == "policy" else None
        policy = AMPOPolicy(forest, encoding="per_action", n_jobs=n_jobs, **SMALL)
        given = {"n_jobs": 4} if asked == "context" else {}
        with parallel_config(backend="threading", **given):
            policy.fit("CartPole-v1")
            found.append(policy.decision_function(np.zeros((1, 4))))
        assert set(Adding.jobs) == {1}
    assert_array_equal(*found)


class AddingClassifier(ExtraTreesClassifier):
    """The same of a classifier."""

    def predict_proba(self, X):
        Adding.jobs.append(effective_n_jobs(self.n_jobs))
        return super().predict_proba(X)


def test_so_do_forests_that_copy_a_log():
    Adding.jobs.clear()
    critic = Pessimistic(classifier=AddingClassifier(5, n_jobs=4))
    policy = AMPOPolicy(critic=critic, max_iter=1, random_state=0)
    policy.fit(X, Y, rewards=1.0 * Y, next_states=X, terminated=Y)
    assert set(Adding.jobs) == {1}


class Counting(ThreadingBackend):
    """A backend that notes how many workers are asked for."""

    pools: ClassVar[list] = []

    def configure(self, n_jobs=1, parallel=None, **options):
        self.pools.append(n_jobs)
        return super().configure(n_jobs, parallel, **options)


TABLE = pd.DataFrame({"x": X[:, 0], "kind": np.where(X[:, 0] % 3 < 1, "a", "b")})


@pytest.mark.parametrize("states", [X, TABLE], ids=["numbers", "table"])
def test_no_workers_are_asked_for_to_compute_features(states):
    policy = AMPOPolicy(max_iter=1, random_state=0)
    policy.fit(states, Y, rewards=1.0 * Y, next_states=states, terminated=Y)
    register_parallel_backend("counting", Counting)
    Counting.pools.clear()
    with parallel_config(backend="counting", n_jobs=2):
        policy.decision_function(states)
    assert set(Counting.pools) <= {1}


def test_nor_to_play_with_features_of_ones_own():
    union = FeatureUnion([("x", StandardScaler()), ("squares", PolynomialFeatures(2))])
    policy = AMPOPolicy(make_pipeline(union, Ridge()), **SMALL).fit("CartPole-v1")
    register_parallel_backend("counting", Counting)
    Counting.pools.clear()
    with parallel_config(backend="counting", n_jobs=2):
        policy.score("CartPole-v1", n_episodes=1)
    assert set(Counting.pools) <= {1}


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
        lambda log: fit_action_values(Recorder(), log, regressor=Recorder(), gamma=0.5),
        lambda log: doubly_robust(Recorder(), log, regressor=Recorder(), gamma=0.5),
        lambda log: estimate_propensities(log, Recorder()),
    ],
)
def test_logs_are_judged_on_one_thread(seen, estimate):
    log = TransitionLog(X, Y, Y, episodes=np.arange(60), propensities=np.full(60, 0.5))
    estimate(log)
    assert_single(seen)


class LargeRecorder(Recorder):
    """Remembers the threads of OpenMP and linear algebra, and of small work inside."""

    seen = []

    def fit(self, X, y):
        self.seen.append((X.size, numbers("openmp"), numbers("blas")))
        AMPOPolicy(Recorder(), max_iter=1).fit(SMALL_X, SMALL_Y)
        self.seen.append((X.size, numbers("openmp"), numbers("blas")))
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.filterwarnings("ignore:the regressor predicts a constant:UserWarning")
def test_large_work_gets_the_threads_of_openmp_but_one_for_linear_algebra(seen):
    # As many numbers as 80 MB hold, in rows that nobody copies often.
    many = np.zeros((1000, 10_000))
    LargeRecorder.seen.clear()
    AMPOPolicy(LargeRecorder(), max_iter=1).fit(many, np.arange(1000) % 2)
    assert {size for size, _, _ in LargeRecorder.seen} == {many.size}
    for _, open_mp, linear in LargeRecorder.seen:
        assert set(open_mp) == {2}
        assert set(linear) == {1}
    # The small work inside of it.
    assert_single(seen)


class WaitingRegressor(Recorder):
    """Fits while another fit goes on."""

    inside, leave = threading.Event(), threading.Event()

    def fit(self, X, y):
        self.inside.set()
        assert self.leave.wait(10)
        return super().fit(X, y)

    def __sklearn_clone__(self):
        return self


class LeavingRegressor(Recorder):
    """Fits until the other fit has ended."""

    other = None

    def fit(self, X, y):
        WaitingRegressor.leave.set()
        self.other.join(10)
        assert not self.other.is_alive()
        return super().fit(X, y)

    def __sklearn_clone__(self):
        return self


@pytest.mark.filterwarnings("ignore:the regressor predicts a constant:UserWarning")
def test_fits_that_overlap_restore_the_number_when_the_last_ends(seen):
    first = AMPOPolicy(WaitingRegressor(), max_iter=1)
    other = threading.Thread(target=first.fit, args=(X, Y))
    other.start()
    assert WaitingRegressor.inside.wait(10)
    regressor = LeavingRegressor()
    regressor.other = other
    AMPOPolicy(regressor, max_iter=1).fit(X, Y)
    # After the other one had ended as well.
    assert_single(seen)


def test_after_an_error_the_numbers_are_as_before():
    class Failing(Recorder):
        def fit(self, X, y):
            raise KeyError

    with pytest.raises(RegressorError):
        AMPOPolicy(Failing(), max_iter=1).fit(X, Y)
    assert set(numbers()) == {2}


LATER = """
import ctypes, shutil, sys, tempfile
from pathlib import Path
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from threadpoolctl import ThreadpoolController, threadpool_limits
from skampo import AMPOPolicy

X, y = np.arange(60.0)[:, None], np.arange(60) % 2
AMPOPolicy(max_iter=1).fit(X, y)
known = [i for i in ThreadpoolController().info() if i["user_api"] == "openmp"]
# Another library, which a module that is imported now may have brought along.
copied = shutil.copy(known[0]["filepath"], tempfile.mkdtemp())
ctypes.CDLL(copied)
sys.modules["just_imported"] = sys
seen = []
class Recorder(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        infos = ThreadpoolController().info()
        seen.append({i["filepath"]: i["num_threads"] for i in infos})
        return self

    def predict(self, X):
        return X[:, 0]

with threadpool_limits(2):
    AMPOPolicy(Recorder(), max_iter=1).fit(X, y)
assert all(str(Path(copied).resolve()) in found for found in seen), seen
print({number for found in seen for number in found.values()})
"""


def test_libraries_that_are_loaded_later_are_limited():
    run = subprocess.run(
        [sys.executable, "-c", LATER],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "{1}"


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


def test_lightgbm_keeps_its_threads_for_large_data():
    regressor = LGBMRegressor(n_estimators=1, verbose=-1)
    policy = AMPOPolicy(regressor, max_iter=1)
    many = np.zeros((1000, 10_000))
    many[:, 0] = np.arange(1000) % 2
    policy.fit(many, many[:, 0])
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
