import pickle

import pytest

from skampo.exceptions import (
    EnvironmentDataError,
    InvalidParameterError,
    RegressorError,
    RolloutError,
)

WHERE = {
    "environment": "MyEnv-v0",
    "episode": 3,
    "step": 7,
    "seed": 77,
    "action": (1, 0),
}


@pytest.mark.parametrize("cls", [EnvironmentDataError, RolloutError])
def test_where_it_happened_survives_pickling(cls):
    error = pickle.loads(pickle.dumps(cls("what happened", **WHERE)))
    assert type(error) is cls
    assert str(error) == "what happened"
    assert {name: getattr(error, name) for name in WHERE} == WHERE


@pytest.mark.parametrize("cls", [EnvironmentDataError, RolloutError])
def test_where_is_unknown_by_default(cls):
    assert all(getattr(cls("x"), name) is None for name in WHERE)


@pytest.mark.parametrize(
    ("cls", "base"),
    [
        (InvalidParameterError, ValueError),
        (InvalidParameterError, TypeError),
        (EnvironmentDataError, ValueError),
        (RolloutError, RuntimeError),
        (RegressorError, RuntimeError),
    ],
)
def test_builtin_handlers_catch_them(cls, base):
    error = pickle.loads(pickle.dumps(cls("message")))
    assert isinstance(error, base)
    assert str(error) == "message"
