"""Linear regressors are recognized and solved as scikit-learn solves them."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LinearRegression,
    Ridge,
    RidgeCV,
    SGDRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skampo.regressors import linear_form

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4)) + np.array([0, 5, -3, 100])
Y = RNG.normal(size=(30, 2))
every_kind = pytest.mark.parametrize("kind", [np.array, np.asfortranarray, csr_array])
either = pytest.mark.parametrize("fit_intercept", [True, False])


class TestForm:
    @pytest.mark.parametrize(
        ("regressor", "expected"),
        [
            (Ridge(0.5), (0.5, True)),
            (Ridge(2, fit_intercept=False), (2.0, False)),
            (Ridge(np.array(3.0)), (3.0, True)),
            (Ridge(solver="svd"), (1.0, True)),
            (Ridge(solver="cholesky"), (1.0, True)),
            (Ridge(0.0), (True, 1e-12)),
            (LinearRegression(), (True, 1e-6)),
            (LinearRegression(fit_intercept=False), (False, 1e-6)),
            (LinearRegression(tol=1e-3), (True, 1e-3)),
        ],
        ids=str,
    )
    def test_of(self, regressor, expected):
        assert linear_form(regressor) == expected

    @pytest.mark.parametrize(
        "regressor",
        [
            Ridge(positive=True),
            Ridge(np.array([1.0, 2.0])),
            Ridge(-1.0),
            *(Ridge(solver=name) for name in ("sag", "saga", "lsqr", "sparse_cg")),
            LinearRegression(positive=True),
            RidgeCV(),
            Lasso(),
            ElasticNet(),
            HuberRegressor(),
            SGDRegressor(),
            DecisionTreeRegressor(),
            make_pipeline(StandardScaler(), Ridge()),
        ],
        ids=str,
    )
    def test_others_have_none(self, regressor):
        assert linear_form(regressor) is None

    @pytest.mark.parametrize("base", [Ridge, LinearRegression])
    def test_a_subclass_may_fit_otherwise(self, base):
        contrary = type("Contrary", (base,), {})
        assert linear_form(contrary()) is None


class TestWideRidge:
    """Fewer rows than columns, and many of those."""

    X = RNG.normal(size=(40, 1200)) + RNG.normal(size=1200)
    Y = RNG.normal(size=40) + 3

    @either
    @every_kind
    @pytest.mark.parametrize("alpha", [1e-3, 1.0, 100.0])
    def test_fit(self, kind, fit_intercept, alpha):
        # Zeros, so that sparse rows are sparse.
        X = kind(np.where(self.X > 0.5, self.X, 0.0))
        regressor = Ridge(alpha, fit_intercept=fit_intercept, solver="cholesky")
        regressor.fit(np.asarray(X.todense() if kind is csr_array else X), self.Y)
        weights, intercept = linear_form(regressor).factorize(X).solve(self.Y)
        assert_allclose(weights, regressor.coef_, atol=1e-9)
        assert_allclose(intercept, regressor.intercept_, atol=1e-8)

    def test_repeated_rows_without_any_penalty_to_speak_of(self):
        X, y = np.vstack([self.X, self.X]), np.append(self.Y, self.Y)
        regressor = Ridge(1e-10, fit_intercept=False)
        weights, _ = linear_form(regressor).factorize(X).solve(y)
        assert_allclose(X @ weights, y, atol=1e-6)

    def test_memory(self):
        # The products of the columns alone are 512 MB.
        X, y = RNG.normal(size=(64, 8000)), RNG.normal(size=64)
        tracemalloc.start()
        weights, intercept = linear_form(Ridge()).factorize(X).solve(y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 50e6
        expected = Ridge().fit(X, y)
        assert_allclose(X @ weights + intercept, expected.predict(X), atol=1e-8)


class TestRidge:
    @either
    @every_kind
    @pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
    @pytest.mark.parametrize("n_rows", [30, 2])
    def test_equals_the_ridge_of_scikit_learn(self, fit_intercept, kind, alpha, n_rows):
        form = linear_form(Ridge(alpha, fit_intercept=fit_intercept))
        system = form.factorize(kind(X[:n_rows]))
        ridge = Ridge(alpha, fit_intercept=fit_intercept)
        for y in Y[:n_rows].T:
            weights, intercept = system.solve(y)
            ridge.fit(X[:n_rows], y)
            assert_allclose(weights, ridge.coef_, rtol=1e-8, atol=1e-10)
            assert_allclose(intercept, ridge.intercept_, rtol=1e-8, atol=1e-10)

    @every_kind
    def test_one_hot_features(self, kind):
        one_hot = np.eye(4)[[0, 1, 1, 3]]
        form = linear_form(Ridge(0.5, fit_intercept=False))
        system = form.factorize(kind(one_hot))
        weights, intercept = system.solve(np.array([3.0, 1.0, 4.0, 6.0]))
        assert_allclose(weights, [2, 2, 0, 4])
        assert intercept == 0

    @either
    @every_kind
    @pytest.mark.parametrize("shares_a_row", [False, True])
    def test_columns_that_share_no_row(self, fit_intercept, kind, shares_a_row):
        columns = np.zeros((6, 4))
        columns[[0, 1, 2, 4, 5], [0, 3, 0, 1, 3]] = [1.0, -2.0, 3.0, 1.0, 0.5]
        columns[0, 2] = shares_a_row
        form = linear_form(Ridge(0.3, fit_intercept=fit_intercept))
        system = form.factorize(kind(columns))
        ridge = Ridge(0.3, fit_intercept=fit_intercept).fit(columns, Y[:6, 0])
        weights, intercept = system.solve(Y[:6, 0])
        assert_allclose(weights, ridge.coef_, rtol=1e-8, atol=1e-12)
        assert_allclose(intercept, ridge.intercept_, rtol=1e-8)

    def test_one_row(self):
        weights, intercept = linear_form(Ridge()).factorize(X[:1]).solve(Y[:1, 0])
        assert_allclose(weights, np.zeros(4), atol=1e-10)
        assert_allclose(intercept, Y[0, 0])


DEFICIENT = {
    "full rank": X,
    "more columns than rows": X[:3],
    "one row": X[:1],
    "repeated columns": np.hstack([X, X]),
    "dependent columns": np.hstack([X, X @ RNG.normal(size=(4, 3))]),
    "constant columns": np.hstack([X, np.full((30, 2), 7.0)]),
    "all constant": np.full((30, 2), 7.0),
    "zeros": np.zeros((5, 2)),
    "repeated rows": np.repeat(X[:2], 10, axis=0),
    "polynomials": PolynomialFeatures(3).fit_transform(RNG.normal(size=(60, 4))),
    "on a line": np.linspace(-1, 1, 9)[:, None] * [1.0, -2.0, 0.5],
    "huge": 1e12 * X,
    "tiny": 1e-12 * X,
}


class TestLeastSquares:
    @either
    @pytest.mark.parametrize("name", DEFICIENT)
    def test_equals_the_shortest_solution_of_scikit_learn(self, fit_intercept, name):
        features = DEFICIENT[name]
        model = LinearRegression(fit_intercept=fit_intercept)
        system = linear_form(model).factorize(features)
        for y in RNG.normal(size=(2, len(features))):
            weights, intercept = system.solve(y)
            model.fit(features, y)
            size = max(np.abs(model.coef_).max(), 1e-30)
            assert_allclose(weights / size, model.coef_ / size, atol=1e-8)
            assert_allclose(
                features @ weights + intercept, model.predict(features), atol=1e-8
            )

    @either
    def test_sparse_features(self, fit_intercept):
        one_hot = np.eye(5)[RNG.integers(5, size=40)]
        model = LinearRegression(fit_intercept=fit_intercept)
        y = RNG.normal(size=40)
        weights, intercept = linear_form(model).factorize(csr_array(one_hot)).solve(y)
        model.fit(one_hot, y)
        assert_allclose(weights, model.coef_, atol=1e-8)
        assert_allclose(intercept, model.intercept_, atol=1e-8)

    def test_a_ridge_without_penalty(self):
        ridge = Ridge(0.0)
        weights, intercept = linear_form(ridge).factorize(X).solve(Y[:, 0])
        ridge.fit(X, Y[:, 0])
        assert_allclose(weights, ridge.coef_, rtol=1e-8)
        assert_allclose(intercept, ridge.intercept_, rtol=1e-8)

    @given(
        arrays(float, (6, 3), elements=st.integers(-3, 3)),
        arrays(float, 6, elements=st.floats(-10, 10)),
        st.booleans(),
    )
    @settings(max_examples=50)
    def test_any_small_table(self, features, y, fit_intercept):
        model = LinearRegression(fit_intercept=fit_intercept).fit(features, y)
        weights, intercept = linear_form(model).factorize(features).solve(y)
        assert_allclose(weights, model.coef_, atol=1e-8)
        assert_allclose(intercept, model.intercept_, atol=1e-8)

    def test_singular_values_below_the_cut_are_zero(self):
        features = np.diag([1.0, 1e-4])
        for cut, expected in ((1e-3, [1, 0]), (1e-5, [1, 1e4])):
            form = linear_form(LinearRegression(fit_intercept=False, tol=cut))
            weights, _ = form.factorize(features).solve(np.ones(2))
            assert_allclose(weights, expected)


@pytest.mark.parametrize(
    "form", [linear_form(Ridge()), linear_form(LinearRegression())]
)
def test_its_features_are_not_changed(form):
    features = X.copy()
    form.factorize(features).solve(Y[:, 0])
    assert_array_equal(features, X)
