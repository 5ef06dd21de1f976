"""Pipelines inside Pipelines are the Pipeline of all their steps."""

import time

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skampo import AMPOPolicy
from skampo.critics import FittedQ
from skampo.experience import TransitionLog
from skampo.off_policy import fit_action_values

X = np.random.default_rng(0).normal(size=(60, 4))
A = (X[:, 0] > 0).astype(int)
FLAT = make_pipeline(StandardScaler(), MinMaxScaler(), Ridge())
NESTED = {
    "back": make_pipeline(StandardScaler(), make_pipeline(MinMaxScaler(), Ridge())),
    "front": make_pipeline(make_pipeline(StandardScaler(), MinMaxScaler()), Ridge()),
    "names": Pipeline(
        [
            ("a", Pipeline([("a", StandardScaler()), ("b", MinMaxScaler())])),
            ("b", make_pipeline(Ridge())),
        ]
    ),
}


def fit(regressor, **keywords):
    policy = AMPOPolicy(regressor, max_iter=2, steps_per_iter=32, random_state=0)
    return policy.set_params(**keywords).fit("CartPole-v1")


@pytest.mark.parametrize("name", NESTED)
def test_policies(name):
    nested = fit(NESTED[name])
    assert_array_equal(nested.predict_proba(X), fit(FLAT).predict_proba(X))
    assert len(nested.regressor_.steps) == 3
    assert len(nested.regressor.steps) == 2


@pytest.mark.parametrize("name", NESTED)
def test_critics_and_logs(name):
    critics = [FittedQ(NESTED[name]), FittedQ(FLAT)]
    policies = [fit(None, critic=critic) for critic in critics]
    assert_array_equal(*(policy.action_values(X) for policy in policies))
    log = TransitionLog(X, A, X[:, 1])
    values = [
        fit_action_values(policies[0], log, regressor=regressor, random_state=0)(X)
        for regressor in (NESTED[name], FLAT)
    ]
    assert_array_equal(*values)


def test_what_remembers_its_fits_is_left_alone(tmp_path):
    inner = make_pipeline(MinMaxScaler(), Ridge(), memory=str(tmp_path))
    policy = fit(make_pipeline(StandardScaler(), inner))
    fitted = policy.regressor_.steps[-1][1]
    assert fitted.memory == str(tmp_path)


@pytest.mark.parametrize("is_last", [True, False])
def test_ten_inside_each_other(is_last):
    step = Ridge() if is_last else StandardScaler()
    for _ in range(10):
        parts = (StandardScaler(), step) if is_last else (step, StandardScaler())
        step = make_pipeline(*parts)
    regressor = step if is_last else make_pipeline(step, Ridge())
    start = time.process_time()
    # The text of parameters is kept to compare it with that of the next fit.
    fit(regressor, warm_start=True)
    assert time.process_time() - start < 5
