"""Estimators beside the regressors whose compiled code trusts what it is given."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.cluster import KMeans
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    LocalOutlierFactor,
    NearestNeighbors,
    RadiusNeighborsClassifier,
)

import skampo
from skampo.exceptions import SkampoFileError
from skampo.persistence import save
from tests.persistence.crafting import edit
from tests.persistence.edits import in_array, set_value

X = np.arange(30.0)[:, None]
Y = np.arange(30) % 2
SPARSE = scipy.sparse.csr_array(X)
ESTIMATORS = {
    "classifier": KNeighborsClassifier(1, algorithm="brute"),
    "radius": RadiusNeighborsClassifier(1, algorithm="brute"),
    "transformer": KNeighborsTransformer(n_neighbors=1, algorithm="brute"),
    "outliers": LocalOutlierFactor(3, algorithm="brute", novelty=True),
    "unsupervised": NearestNeighbors(n_neighbors=1, algorithm="brute"),
    "clusters": KMeans(2, n_init=1, random_state=0),
}


def craft(estimator, path, change):
    save(estimator, path)
    skampo.load(path)
    path.write_bytes(edit(path.read_bytes(), change))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_points_of_another_width_are_refused(name, tmp_path):
    estimator = ESTIMATORS[name].fit(X, Y)
    change = set_value(type(estimator).__name__, "n_features_in_", 2_000_000)
    craft(estimator, tmp_path / "crafted", change)
    with pytest.raises(SkampoFileError, match="with another number of features"):
        skampo.load(tmp_path / "crafted")


def test_sparse_points_of_another_width_are_refused(tmp_path):
    estimator = KNeighborsRegressor(1, algorithm="brute").fit(SPARSE, Y)
    change = set_value("KNeighborsRegressor", "n_features_in_", 2)
    craft(estimator, tmp_path / "crafted", change)
    with pytest.raises(SkampoFileError, match="with another number of features"):
        skampo.load(tmp_path / "crafted")


@pytest.mark.parametrize("change", [lambda y: y + 10**9, lambda y: y[:3].copy()])
def test_labels_that_do_not_exist_are_refused(change, tmp_path):
    estimator = ESTIMATORS["classifier"].fit(X, Y)
    change = in_array("KNeighborsClassifier", "_y", change)
    craft(estimator, tmp_path / "crafted", change)
    with pytest.raises(SkampoFileError, match="labels that do not exist"):
        skampo.load(tmp_path / "crafted")


def test_several_outputs_load(tmp_path):
    estimator = KNeighborsClassifier(1).fit(X, np.stack([Y, 1 - Y], axis=1))
    save(estimator, tmp_path / "honest")
    assert (skampo.load(tmp_path / "honest").predict(X)[:, 0] == Y).all()
