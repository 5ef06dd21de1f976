"""Hand-computed values of the closed forms, and an independent optimizer."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import rel_entr

from skampo.mirror_maps import Euclidean, NegativeEntropy


def test_softmax_by_hand():
    scores = np.log([[1.0, 2.0, 5.0], [3.0, 3.0, 6.0]])
    np.testing.assert_allclose(
        NegativeEntropy().project(scores),
        [[0.125, 0.25, 0.625], [0.25, 0.25, 0.5]],
        rtol=1e-14,
    )


def test_softmax_keeps_tiny_probabilities():
    proba = NegativeEntropy().project([[0.0, -700.0]])
    np.testing.assert_allclose(proba[0, 1], np.exp(-700.0), rtol=1e-13)


def test_entropy_gradient_and_divergence_by_hand():
    mirror_map = NegativeEntropy()
    np.testing.assert_allclose(mirror_map.gradient([[1.0, np.exp(-2)]]), [[1.0, -1.0]])
    # 0.75 log 1.5 + 0.25 log 0.5, and log 4 for a vertex against the uniform row.
    np.testing.assert_allclose(
        mirror_map.divergence([[0.75, 0.25]], [[0.5, 0.5]]),
        0.75 * np.log(1.5) + 0.25 * np.log(0.5),
    )
    np.testing.assert_allclose(
        mirror_map.divergence([[0, 1, 0, 0]], np.full((1, 4), 0.25)), np.log(4)
    )


def test_entropy_divergence_of_a_subnormal_probability_is_finite():
    divergence = NegativeEntropy().divergence([[0.0, 1.0]], [[1.0, 5e-324]])
    np.testing.assert_allclose(divergence, -np.log(5e-324))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([0.5, 0.25, -3.0], [0.625, 0.375, 0.0]),
        ([1.0, 0.0], [1.0, 0.0]),
        ([0.9, 0.0], [0.95, 0.05]),
        ([0.2, 0.3, 0.5], [0.2, 0.3, 0.5]),
        ([7.0, 7.0, 6.75], [5 / 12, 5 / 12, 2 / 12]),
        ([0.0, -1e300, -np.inf], [1.0, 0.0, 0.0]),
    ],
)
def test_simplex_projection_by_hand(scores, expected):
    np.testing.assert_allclose(
        Euclidean().project([scores]), [expected], rtol=1e-14, atol=1e-15
    )


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_simplex_projection_against_an_optimizer(offset):
    rng = np.random.default_rng(0)
    for scores in rng.integers(-8, 8, size=(20, 4)) / 8:
        solution = minimize(
            lambda p, y=scores: 0.5 * np.square(p - y).sum(),
            np.full(4, 0.25),
            jac=lambda p, y=scores: p - y,
            bounds=[(0, 1)] * 4,
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
            method="SLSQP",
            options={"ftol": 1e-14},
        )
        proba = Euclidean().project([scores + offset])
        np.testing.assert_allclose(proba[0], solution.x, atol=1e-6)


def test_euclidean_dual_gradient_and_divergence_by_hand():
    mirror_map = Euclidean()
    # The normalizer is 0.125 after the shift by 0.5, so the floor is -0.625.
    np.testing.assert_allclose(
        mirror_map.dual([[0.5, 0.25, -3.0]]), [[0.0, -0.25, -0.625]]
    )
    np.testing.assert_array_equal(mirror_map.gradient([[0.2, 0.8]]), [[0.2, 0.8]])
    np.testing.assert_allclose(mirror_map.divergence([[1, 0]], [[0.5, 0.5]]), 0.25)


@pytest.mark.parametrize("p", [0.0, 5e-324, 1e-300, 1e-12, 0.3, 1.0])
@pytest.mark.parametrize("q", [0.0, 5e-324, 1e-300, 1e-12, 0.3, 1.0])
def test_relative_entropy_at_its_limits(p, q):
    found = NegativeEntropy().divergence([[p, 0.5]], [[q, 0.5]])
    np.testing.assert_allclose(found, rel_entr(p, q) - (p - q), rtol=1e-12, atol=1e-16)
