"""Nystroem features on few, repeated, collinear and constant points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.utils.estimator_checks import parametrize_with_checks

from skampo.regressors import NystroemFeatures, default_regressor

RNG = np.random.default_rng(0)
FEW = RNG.normal(size=(20, 3))
MANY = RNG.normal(size=(3000, 3))


def kernel(features):
    return features @ features.T


def fit(X, **parameters):
    return NystroemFeatures(**{"random_state": 0} | parameters).fit(X)


class TestKernel:
    @pytest.mark.parametrize("gamma", [None, 0.1, 5.0])
    def test_exact_when_all_rows_are_landmarks(self, gamma):
        features = fit(FEW, gamma=gamma)
        used = 2 / 3 if gamma is None else gamma
        assert features.gamma_ == used
        expected = rbf_kernel(FEW, gamma=used)
        assert_allclose(kernel(features.transform(FEW)), expected, atol=1e-5)

    def test_close_when_only_some_are(self):
        features = fit(MANY, gamma=0.05)
        assert len(features.landmarks_) < len(MANY)
        expected = rbf_kernel(MANY[:50], gamma=0.05)
        assert_allclose(kernel(features.transform(MANY[:50])), expected, atol=1e-4)

    def test_far_from_the_data_features_vanish(self):
        assert_allclose(fit(FEW).transform(FEW + 1e3), 0)

    @given(arrays(float, (6, 2), elements=st.floats(-1e3, 1e3)))
    @settings(max_examples=50)
    def test_features_are_bounded_for_any_data(self, X):
        features = fit(X).transform(X)
        assert np.isfinite(features).all()
        assert (np.square(features).sum(axis=1) <= 1 + 1e-6).all()


class TestDegenerateData:
    @pytest.mark.parametrize(
        ("X", "n_kept"),
        [
            (np.zeros((7, 2)), 1),
            (np.repeat([[0.0, 0.0], [1.0, 1.0]], 50, axis=0), 2),
            (np.ones((1, 4)), 1),
            (np.array([[0.0], [1e-12], [2e-12]]), 1),
            (np.array([[0.0], [1e6], [2e6]]), 3),
        ],
        ids=["constant", "repeated", "one row", "almost equal", "far apart"],
    )
    def test_directions_that_are_kept(self, X, n_kept):
        features = fit(X, gamma=1.0)
        assert features.transform(X).shape == (len(X), n_kept)
        assert_allclose(
            kernel(features.transform(X)), rbf_kernel(X, gamma=1), atol=1e-6
        )

    def test_collinear_columns(self):
        X = np.column_stack([FEW[:, 0], FEW[:, 0], 2 * FEW[:, 0]])
        features = fit(X)
        assert np.isfinite(features.normalization_).all()
        expected = rbf_kernel(X, gamma=features.gamma_)
        assert_allclose(kernel(features.transform(X)), expected, atol=1e-5)

    def test_clustered_data_give_a_regression_that_is_well_conditioned(self):
        clusters = np.repeat(FEW[:5], 100, axis=0) + 1e-9 * RNG.normal(size=(500, 3))
        features = fit(clusters).transform(clusters)
        weights = Ridge(1e-6).fit(features, clusters[:, 0]).coef_
        assert np.abs(weights).max() < 1e3


class TestLandmarks:
    @pytest.mark.parametrize(
        ("n_rows", "expected"),
        [(20, 20), (50, 50), (150, 50), (2500, 200), (3000, 219)],
    )
    def test_their_number_grows_like_the_square_root(self, n_rows, expected):
        n_landmarks = len(fit(MANY[:n_rows]).landmarks_)
        # Beyond four times n_components the distinct rows are estimated.
        assert n_landmarks == pytest.approx(expected, abs=0 if n_rows <= 1200 else 2)

    @pytest.mark.parametrize("n_components", [1, 30, 60])
    def test_at_most_n_components(self, n_components):
        landmarks = fit(MANY, n_components=n_components).landmarks_
        assert len(landmarks) == n_components

    def test_distinct_rows_of_the_data(self):
        landmarks = fit(np.repeat(MANY[:500], 2, axis=0)).landmarks_
        assert len(np.unique(landmarks, axis=0)) == len(landmarks)
        assert {*map(tuple, landmarks)} <= {*map(tuple, MANY)}

    def test_order_and_repetition_of_few_rows_do_not_matter(self):
        expected = fit(FEW).transform(MANY)
        for rows in RNG.permutation(20), np.repeat(np.arange(20), 3):
            assert_array_equal(fit(FEW[rows]).transform(MANY), expected)

    def test_repetitions_may_count(self):
        rows = np.repeat(MANY[:200], 10, axis=0)
        numbers = [
            len(fit(rows, n_components=600, count_repeats=counts).landmarks_)
            for counts in (False, True)
        ]
        # 4 times the root of 200 and of 2000.
        assert numbers == [56, 178]

    def test_seeded(self):
        first, again, other = (
            fit(MANY, random_state=seed).landmarks_ for seed in (0, 0, 1)
        )
        assert_array_equal(first, again)
        assert not np.array_equal(first, other)


class TestWeights:
    def test_rows_of_weight_zero_are_left_out(self):
        weight = np.repeat([1.0, 0.0], 10)
        features = NystroemFeatures().fit(FEW, sample_weight=weight)
        assert_array_equal(features.landmarks_, fit(FEW[:10]).landmarks_)

    def test_other_weights_do_not_matter(self):
        weight = RNG.uniform(0.1, 5, size=20)
        features = NystroemFeatures().fit(FEW, sample_weight=list(weight))
        assert_array_equal(features.landmarks_, fit(FEW).landmarks_)

    @pytest.mark.parametrize("weight", [np.zeros(20), np.ones(19)])
    def test_impossible_weights(self, weight):
        with pytest.raises(ValueError, match=r"[Ss]ample.?weight"):
            NystroemFeatures().fit(FEW, sample_weight=weight)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_components", 0),
        ("n_components", 2.5),
        ("gamma", -1.0),
        ("gamma", np.nan),
        ("gamma", "scale"),
        ("eigenvalue_cut", -1.0),
        ("eigenvalue_cut", 2.0),
    ],
)
def test_parameters_are_checked_in_fit(name, value):
    features = clone(NystroemFeatures(**{name: value}))
    with pytest.raises(ValueError, match=f"'{name}' parameter of NystroemFeatures"):
        features.fit(FEW)


def test_names_of_the_features():
    features = fit(FEW)
    names = features.get_feature_names_out()
    assert len(names) == features.transform(FEW).shape[1]
    assert names[0] == "nystroemfeatures0"


@parametrize_with_checks([NystroemFeatures()])
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


def few_rows(elements):
    """Tables of one to five rows, some of them repeated."""
    shapes = st.tuples(st.integers(1, 5), st.integers(1, 3))
    tables = arrays(float, shapes, elements=elements)
    return st.builds(lambda X, n: np.repeat(X, n, axis=0), tables, st.integers(1, 4))


def fit_default(X, y):
    model = default_regressor()
    model.set_params(nystroemfeatures__random_state=0)
    with np.errstate(under="ignore"):
        return model.fit(X, y)


DEGENERATE = {
    "one row": FEW[:1],
    "two rows": FEW[:2],
    "five rows": FEW[:5],
    "one row repeated": np.repeat(FEW[:1], 30, axis=0),
    "two rows repeated": np.repeat(FEW[:2], 30, axis=0),
    "a constant column": np.column_stack([FEW, np.full(20, 0.1)]),
    "all constant": np.full((20, 3), 0.1),
    "on a line": np.outer(np.linspace(-1, 1, 400), [1.0, -2.0, 1e6]),
    "an outlier": np.vstack([FEW, np.full((1, 3), 1e12)]),
    "huge": 1e150 * FEW,
    "tiny": 1e-150 * FEW,
    "far away": 1e12 + FEW,
    "units that differ": FEW * [1e-100, 1.0, 1e100],
}


class TestDefaultRegressorOnFewData:
    @pytest.mark.parametrize("name", DEGENERATE)
    def test_degenerate_data(self, name):
        X = DEGENERATE[name]
        y = np.random.default_rng(1).normal(size=len(X))
        fitted = fit_default(X, y).predict(X)
        assert np.isfinite(fitted).all()
        assert np.linalg.norm(fitted) <= np.linalg.norm(y)

    @given(few_rows(st.floats(-1e150, 1e150)), st.integers(0, 1000))
    def test_values_are_bounded_everywhere(self, X, seed):
        y = np.random.default_rng(seed).normal(size=len(X))
        model = fit_default(X, y)
        with np.errstate(under="ignore", over="ignore"):
            anywhere = np.vstack([X, X / 3, X[::-1] - X.mean(axis=0)])
            values = model.predict(anywhere)
        bound = np.linalg.norm(y) / (2 * np.sqrt(0.1))
        assert (np.abs(values) <= bound * (1 + 1e-6)).all()

    @given(few_rows(st.integers(-9, 9)), st.integers(-200, 200))
    def test_the_unit_of_a_column_does_not_matter(self, X, exponent):
        y = np.arange(1.0, 1 + len(X))
        scaled = X * 2.0**exponent
        expected = fit_default(X, y).predict(X)
        assert_allclose(fit_default(scaled, y).predict(scaled), expected, rtol=1e-6)

    @given(few_rows(st.integers(-9, 9)), st.integers(1, 5))
    def test_constant_columns_do_not_matter(self, X, n_columns):
        y = np.arange(1.0, 1 + len(X))
        wide = np.hstack([X, np.full((len(X), n_columns), 0.1)])
        expected = fit_default(X, y).predict(X)
        assert_allclose(fit_default(wide, y).predict(wide), expected, rtol=1e-6)

    @given(few_rows(st.integers(-9, 9)))
    def test_equal_rows_get_equal_values(self, X):
        values = fit_default(X, np.arange(len(X))).predict(X)
        for row, value in zip(X, values, strict=True):
            same = (row == X).all(axis=1)
            assert_allclose(values[same], value, rtol=1e-12, atol=1e-12)


class TestDefaultRegressor:
    def test_tabular(self):
        X = np.array([[0], [3], [5]])
        model = default_regressor(discrete=True).fit(X, [1.0, 2.0, 3.0])
        assert_allclose(model.predict(X), np.array([1, 2, 3]) / 1.1)
        assert_array_equal(model.predict([[4]]), [0])

    def test_shrinks_to_zero_far_away(self):
        model = default_regressor().fit(FEW, np.ones(20))
        assert_allclose(model.predict(FEW + 1e3), 0)
