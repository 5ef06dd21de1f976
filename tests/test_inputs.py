"""The same states in other arrays, frames and threads give the same bits."""

import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy
from tests.scripted import RewardingEnv

SMALL = {"max_iter": 2, "steps_per_iter": 48, "n_envs": 2, "random_state": 0}
# Small integers are the same number in every type.
STATES = np.random.default_rng(0).integers(-9, 9, size=(40, 2)).astype(np.float64)
LABELS = (STATES[:, 0] > 0).astype(int)


def read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


def polars_frame(X):
    return pytest.importorskip("polars").DataFrame(X, schema=["a", "b"])


FORMS = {
    "float32": lambda X: X.astype(np.float32),
    "int8": lambda X: X.astype(np.int8),
    "big endian": lambda X: X.astype(">f8"),
    "object": lambda X: X.astype(object),
    "read-only": read_only,
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda X: X[::-1].copy()[::-1],
    "lists": np.ndarray.tolist,
}
FRAMES = {
    "pandas": lambda X: pd.DataFrame(X, columns=["a", "b"]),
    "polars": polars_frame,
}
REGRESSORS = {
    "default": None,
    "pipeline": make_pipeline(StandardScaler(), Ridge()),
    "trees": LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1),
}


def outputs(policy, X):
    return {
        "predict": policy.predict(X),
        "predict_proba": policy.predict_proba(X),
        "predict_log_proba": policy.predict_log_proba(X),
        "decision_function": policy.decision_function(X),
        "sample": policy.sample(X, random_state=0),
    }


def assert_same(policy, X, expected):
    for name, found in outputs(policy, X).items():
        assert type(found) is np.ndarray
        assert_array_equal(found, expected[name], err_msg=name)


@pytest.fixture(scope="module", params=REGRESSORS)
def policy(request):
    return AMPOPolicy(REGRESSORS[request.param], **SMALL).fit(RewardingEnv)


@pytest.mark.parametrize("form", FORMS)
def test_arrays_of_every_kind(policy, form):
    assert_same(policy, FORMS[form](STATES), outputs(policy, STATES))


@pytest.mark.parametrize("form", FORMS)
def test_labels_with_arrays_of_every_kind(form):
    expected = AMPOPolicy(Ridge(), **SMALL).fit(STATES, LABELS)
    found = AMPOPolicy(Ridge(), **SMALL).fit(FORMS[form](STATES), LABELS)
    assert_same(found, STATES, outputs(expected, STATES))


@pytest.mark.parametrize("form", FRAMES)
def test_frames(form):
    frame = FRAMES[form](STATES)
    expected = outputs(AMPOPolicy(Ridge(), **SMALL).fit(STATES, LABELS), STATES)
    policy = AMPOPolicy(Ridge(), **SMALL).fit(frame, LABELS)
    assert list(policy.feature_names_in_) == ["a", "b"]
    assert_same(policy, frame, expected)
    with pytest.raises(ValueError, match="feature names should match"):
        policy.predict(frame[["b", "a"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        policy.predict(STATES)
    assert not hasattr(policy.fit(STATES, LABELS), "feature_names_in_")


def test_the_history_is_a_table():
    policy = AMPOPolicy(Ridge(), **SMALL).fit(RewardingEnv)
    table = pd.DataFrame(policy.history_)
    assert list(table["iteration"]) == [1, 2]
    assert list(table["n_steps"]) == [48, 96]
    assert {type(value) for value in policy.history_[0].values()} <= {int, float}


def test_eight_threads(policy):
    before = pickle.dumps(policy)
    expected = policy.predict_proba(STATES)
    actions = [policy.act(state) for state in STATES]

    def ask(call):
        return policy.predict_proba(STATES), policy.act(STATES[call % len(STATES)])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(8 * 200)))
    finally:
        sys.setswitchinterval(interval)
    for call, (proba, action) in enumerate(answers):
        assert_array_equal(proba, expected)
        assert action == actions[call % len(STATES)]
    assert pickle.dumps(policy) == before
