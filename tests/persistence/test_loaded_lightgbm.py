"""Models of LightGBM predict the same after loading, and no path in them is endless."""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_array_equal

from skampo.exceptions import SkampoFileError
from skampo.persistence import save
from tests.persistence.crafting import load_edited
from tests.persistence.edits import in_booster

X = np.random.default_rng(0).normal(size=(60, 2))
SMALL = {"n_estimators": 1, "min_child_samples": 2, "verbose": -1}
# The rows of `lengths`: nine lines of splits and three of leaves come before.
CONSTANTS = 12


def edited(model, path, **changes):
    """Save a model, change its arrays, and load it."""
    save(model, path)
    edits = [in_booster(name, change) for name, change in changes.items()]
    return load_edited(path, path.read_bytes(), *edits)


@pytest.mark.parametrize("keywords", [{}, {"min_child_samples": 100}])
def test_predictions_are_the_same(keywords, tmp_path):
    model = LGBMRegressor(**SMALL | keywords).fit(X, X[:, 0])
    loaded = edited(model, tmp_path / "model")
    assert_array_equal(loaded.predict(X), model.predict(X))


def test_categories_are_not_saved(tmp_path):
    codes = np.column_stack([np.arange(60) % 4, X[:, 0]])
    keywords = {"min_data_per_group": 1, "cat_smooth": 0.0, "max_cat_to_onehot": 1}
    model = LGBMRegressor(**SMALL, **keywords)
    model.fit(codes, codes[:, 0] % 3, categorical_feature=[0])
    with pytest.raises(SkampoFileError, match="categories of LightGBM"):
        save(model, tmp_path / "model")


def test_parameters_may_be_numbers_of_numpy(tmp_path):
    model = LGBMRegressor(num_leaves=np.int64(5), **SMALL).fit(X, X[:, 0])
    assert edited(model, tmp_path / "model").num_leaves == 5


@pytest.mark.parametrize("n_jobs", [None, 1, -1])
def test_loaded_models_count_no_cores(n_jobs, tmp_path):
    model = LGBMRegressor(n_jobs=n_jobs, **SMALL).fit(X, X[:, 0])
    loaded = edited(model, tmp_path / "model")
    assert loaded.n_jobs == 1
    assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize("kind", [1, 3, 5, 7, 9, 11, 12, -2])
def test_decisions_about_categories_are_refused(kind, tmp_path):
    model = LGBMRegressor(**SMALL).fit(X, X[:, 0])
    with pytest.raises(SkampoFileError, match="trees do not fit together"):
        edited(model, tmp_path / "model", decision_type=lambda a: first_is(a, kind))


def first_is(array, number):
    array[0] = number
    return array


def test_the_root_is_no_child(tmp_path):
    model = LGBMRegressor(**SMALL).fit(X, X[:, 0])

    def to_root(children):
        # In place of the split that comes last.
        return np.where(children == n_splits - 1, 0.0, children)

    n_splits = model.booster_.trees_to_dataframe()["split_feature"].notna().sum()
    sides = dict.fromkeys(("left_child", "right_child"), to_root)
    with pytest.raises(SkampoFileError, match="trees do not fit together"):
        edited(model, tmp_path / "model", **sides)


def test_every_linear_leaf_has_a_constant(tmp_path):
    model = LGBMRegressor(linear_tree=True, **SMALL).fit(X, X[:, 0])

    def one_less(lengths):
        lengths[CONSTANTS] -= 1
        return lengths

    changes = {"leaf_const": lambda a: a[:-1].copy(), "lengths": one_less}
    with pytest.raises(SkampoFileError, match="trees do not fit together"):
        edited(model, tmp_path / "model", **changes)


def test_no_linear_leaf_has_fewer_features_than_none(tmp_path):
    model = LGBMRegressor(linear_tree=True, **SMALL).fit(X, X[:, 0])

    def moved(counts):
        counts[:2] = -1, counts[:2].sum() + 1
        return counts

    with pytest.raises(SkampoFileError, match="trees do not fit together"):
        edited(model, tmp_path / "model", num_features=moved)
