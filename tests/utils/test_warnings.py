"""Warnings point at the line of the user."""

import linecache

import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.utils._warnings import warn_user
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


def test_a_warning_points_at_the_line_that_asked():
    with pytest.warns(UserWarning, match="careful") as caught:
        warn_user("careful")
    assert line_of(caught) == 'warn_user("careful")'
