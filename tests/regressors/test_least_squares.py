"""Least squares that are exact on sparse features, block by block."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import block_diag, csr_array, csr_matrix
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from skampo.regressors import LeastSquares, linear_form

RNG = np.random.default_rng(0)


@parametrize_with_checks([LeastSquares()])
def test_scikit_learn(estimator, check):
    check(estimator)


def one_hot(categories, n_categories):
    return csr_array(np.eye(n_categories)[categories])


class TestOneHot:
    def test_weighted_means_by_hand(self):
        table = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LeastSquares())
        rows, y, weights = [[0], [1], [1]], [5.0, 1.0, 4.0], [1.0, 2.0, 1.0]
        table.fit(rows, y, leastsquares__sample_weight=weights)
        # The last one is unknown.
        assert_allclose(table.predict([[0], [1], [2]]), [5.0, 2.0, 0.0])

    @pytest.mark.parametrize("spread", [0, 20, 150])
    def test_no_error_whatever_the_weights_are(self, spread):
        X, y = one_hot(RNG.permutation(40), 40), RNG.normal(size=(40, 3))
        weights = 10.0 ** RNG.uniform(-spread, spread, size=40)
        model = LeastSquares().fit(X, y, weights)
        assert_allclose(model.predict(X), y, rtol=1e-13)

    def test_a_column_that_no_row_has(self):
        model = LeastSquares().fit(one_hot([0, 2, 2], 4), [1.0, 2.0, 4.0])
        assert_allclose(model.coef_, [1.0, 0.0, 3.0, 0.0])

    def test_a_column_without_weight(self):
        model = LeastSquares().fit(one_hot([0, 1], 2), [1.0, 2.0], [1.0, 0.0])
        assert_allclose(model.coef_, [1.0, 0.0])

    def test_values_other_than_one(self):
        model = LeastSquares().fit([[2.0, 0.0], [0.0, 3.0]], [4.0, 6.0])
        assert_allclose(model.coef_, [2.0, 2.0])

    def test_a_million_rows_are_no_matter_of_memory(self):
        states = np.arange(200_000)
        X = OneHotEncoder().fit_transform(states[:, None])
        assert_array_equal(LeastSquares().fit(X, states * 1.0).coef_, states)


class TestBlocks:
    @pytest.mark.parametrize("n_targets", [1, 3])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_the_shortest_solution(self, n_targets, weighted):
        blocks = [RNG.normal(size=shape) for shape in [(5, 2), (2, 4), (5, 2), (3, 3)]]
        blocks[3][:, 2] = blocks[3][:, 0] + blocks[3][:, 1]
        dense = block_diag([*blocks, np.zeros((1, 1))]).toarray()
        dense = dense[RNG.permutation(len(dense))][:, RNG.permutation(dense.shape[1])]
        y = RNG.normal(size=(len(dense), n_targets))
        weights = RNG.uniform(0.1, 3.0, size=len(dense)) if weighted else None
        root = np.sqrt(np.ones(len(dense)) if weights is None else weights)[:, None]
        expected = np.linalg.lstsq(root * dense, root * y, rcond=1e-12)[0]
        for X in (dense, csr_array(dense), csr_matrix(dense)):
            model = LeastSquares().fit(X, y, weights)
            assert_allclose(model.coef_.T, expected, atol=1e-12)

    def test_stored_zeros_tie_nothing_together(self):
        X = csr_array(([1.0, 0.0, 1.0], ([0, 0, 1], [0, 1, 1])), shape=(2, 2))
        assert_allclose(LeastSquares().fit(X, [1.0, 2.0]).coef_, [1.0, 2.0])

    def test_a_solution_without_error_is_one_for_tiny_weights(self):
        X, w = RNG.normal(size=(4, 4)), RNG.normal(size=4)
        weights = [1.0, 1e-8, 1e-60, 1e-300]
        assert_allclose(LeastSquares().fit(X, X @ w, weights).coef_, w, rtol=1e-9)

    def test_many_blocks_at_once(self):
        X = block_diag([RNG.normal(size=(4, 4)) for _ in range(2000)], format="csr")
        w = RNG.normal(size=X.shape[1])
        assert_allclose(LeastSquares().fit(X, X @ w).predict(X), X @ w, atol=1e-8)


def test_the_shape_of_the_target():
    X = np.eye(3)
    assert LeastSquares().fit(X, np.ones(3)).predict(X).shape == (3,)
    assert LeastSquares().fit(X, np.ones((3, 1))).predict(X).shape == (3, 1)
    assert LeastSquares().fit(X, np.ones((3, 2))).predict(X).shape == (3, 2)


def test_the_form_is_the_regressor():
    assert linear_form(LeastSquares()) == (False, 1e-14)
    X, y = RNG.normal(size=(20, 4)), RNG.normal(size=20)
    weights, intercept = linear_form(LeastSquares()).factorize(X).solve(y)
    assert_allclose(weights, LeastSquares().fit(X, y).coef_)
    assert intercept == 0
