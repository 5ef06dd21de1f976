"""Pipelines inside Pipelines are the Pipeline of all their steps."""

import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skampo import AMPOPolicy
from skampo.critics import FittedQ, LambdaReturn
from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
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


def nested(n, is_last):
    """Pipelines inside each other, as the last step of each or as the first."""
    step = Ridge() if is_last else StandardScaler()
    for _ in range(n):
        parts = (StandardScaler(), step) if is_last else (step, StandardScaler())
        step = make_pipeline(*parts)
    return step if is_last else make_pipeline(step, Ridge())


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"encoding": "joint"},
        {"critic": "lambda_return"},
        {"critic": LambdaReturn(regressor=nested(10, is_last=False))},
        {"critic": FittedQ(nested(10, is_last=False))},
    ],
    ids=["per action", "joint", "lambda return", "critic of returns", "critic"],
)
@pytest.mark.parametrize("is_last", [True, False])
def test_ten_inside_each_other(is_last, keywords):
    start = time.process_time()
    # Parameters are kept as text, to compare them with those of the next fit.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "encoding='joint' with a linear regressor")
        fit(nested(10, is_last), warm_start=True, **keywords)
    # The `repr` of ten alone takes longer.
    assert time.process_time() - start < 2


def test_a_nested_part_that_changed_is_named():
    policy = fit(None, critic=FittedQ(nested(3, is_last=True)), warm_start=True)
    name = "critic__regressor" + 3 * "__pipeline" + "__ridge__alpha"
    policy.set_params(**{name.replace("__pipeline", "", 1): 2.0})
    with pytest.raises(InvalidParameterError, match=r"'critic__.*alpha=2\.0"):
        policy.fit("CartPole-v1")
