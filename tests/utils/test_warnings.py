"""Warnings point at the line of the user."""

import linecache

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.off_policy import fit_action_values
from tests.scripted import RewardingEnv

SMALL = {"max_iter": 1, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}


def line_of(caught):
    """The line that the only warning points at."""
    [warning] = caught
    return linecache.getline(warning.filename, warning.lineno).strip()


@pytest.mark.parametrize(
    ("parameters", "data", "message"),
    [
        ({"encoding": "joint"}, (RewardingEnv,), "encoding='joint'"),
        (
            {"regressor": DummyRegressor(strategy="constant", constant=[7.0, 7.0])},
            ([[0.0], [1.0]], ["a", "b"]),
            "predicts a constant",
        ),
    ],
    ids=["encoding", "regressor"],
)
def test_warnings_of_fit_point_at_its_call(parameters, data, message):
    policy = AMPOPolicy(**{"regressor": Ridge()} | SMALL | parameters)
    with pytest.warns(UserWarning, match=message) as caught:
        policy.fit(*data)
    assert line_of(caught) == "policy.fit(*data)"


def test_warnings_of_functions_point_at_their_call():
    states, actions = np.zeros((40, 1)), np.tile([0, 1], 20)
    # All of them is one episode that never ends.
    log = TransitionLog(states, actions, np.ones(40), states, episodes=[0] * 40)
    policy = DummyClassifier().fit(states, actions)
    with pytest.warns(UserWarning, match="end") as caught:
        fit_action_values(policy, log, n_sweeps=1)
    assert line_of(caught) == "fit_action_values(policy, log, n_sweeps=1)"
