"""The same states in arrays of other types and layouts are learned from alike."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy

SMALL = {"max_iter": 2, "random_state": 0}
# Small integers are the same number in every type.
STATES = np.random.default_rng(0).integers(-9, 9, size=(40, 2)).astype(np.float64)
LABELS = (STATES[:, 0] > 0).astype(int)


def read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


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
REGRESSORS = {
    "default": None,
    "linear": Ridge(),
    "trees": LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1),
}


@pytest.mark.parametrize("regressor", REGRESSORS)
@pytest.mark.parametrize("form", FORMS)
def test_arrays_of_every_kind(form, regressor):
    regressor = REGRESSORS[regressor]
    expected = AMPOPolicy(regressor, **SMALL).fit(STATES, LABELS)
    found = AMPOPolicy(regressor, **SMALL).fit(FORMS[form](STATES), LABELS)
    assert_array_equal(found.predict_proba(STATES), expected.predict_proba(STATES))
    assert_array_equal(
        found.predict_proba(FORMS[form](STATES)), expected.predict_proba(STATES)
    )


class Demanding(AMPOPolicy):
    """Has a parameter without a default, and hides most of the others."""

    def __init__(self, reason, max_iter=2, random_state=0):
        super().__init__(max_iter=max_iter, random_state=random_state)
        self.reason = reason


def test_subclasses_may_have_other_parameters():
    X = np.arange(8.0)[:, None]
    actions = np.repeat([0, 1], 4)
    frame = pd.DataFrame({"place": X[:, 0]})
    policy = Demanding("a reason").fit(X, actions)
    assert_array_equal(policy.predict(X), actions)
    policy.fit(frame, actions, rewards=np.ones(8))
    assert policy.predict(frame).shape == (8,)
    policy.set_params(max_iter=1).fit("CartPole-v1")
    assert policy.predict(np.eye(4)).shape == (4,)
