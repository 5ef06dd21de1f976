"""Models by themselves: each number that others depend on is looked at."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import skampo
from skampo.persistence import save
from tests.persistence import alone
from tests.persistence.alone_lightgbm import LIGHTGBM_MODELS, LIGHTGBM_REFUSED
from tests.persistence.crafting import assert_refused, load_edited
from tests.persistence.edits import attribute, entries

X = np.random.default_rng(0).normal(size=(40, 2)).round(1)
TREE = "DecisionTreeRegressor"
MODELS = alone.MODELS | LIGHTGBM_MODELS
REFUSED = alone.REFUSED | LIGHTGBM_REFUSED


@cache
def honest(name, folder):
    """The bytes of a model as it should be."""
    save(MODELS[name].fit(X, X[:, 0]), folder / "model")
    skampo.load(folder / "model")
    return (folder / "model").read_bytes()


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_of_other_numbers_is_refused(name, tmp_path, tmp_path_factory):
    model, change, words = REFUSED[name]
    data = honest(model, tmp_path_factory.getbasetemp())
    assert_refused(tmp_path / "crafted", data, change, words)


def test_what_nobody_depends_on_may_be_unknown(tmp_path, tmp_path_factory):
    data = honest(TREE, tmp_path_factory.getbasetemp())
    unknown = attribute("Tree", "nodes", entries(0, 4, np.nan))
    loaded = load_edited(tmp_path / "model", data, unknown)
    assert np.isnan(loaded.tree_.impurity[0])
    assert_array_equal(loaded.predict(X), MODELS[TREE].predict(X))
