"""Hand-computed values of the families, and how they meet each other."""

import numpy as np
import pytest
from scipy.optimize import brentq

from skampo.exceptions import InvalidParameterError
from skampo.mirror_maps import (
    Euclidean,
    HyperbolicEntropy,
    HyperbolicTangent,
    NegativeEntropy,
    Tsallis,
)

SCORES = np.random.default_rng(0).normal(size=(200, 4)) * 2
UNIFORM = np.full((1, 4), 0.25)
VERTEX = np.array([[0.0, 1.0, 0.0, 0.0]])


def by_brentq(potential, scores, lower, upper):
    """Project one row with a scalar root finder, as slowly as it gets."""
    root = brentq(
        lambda normalizer: potential(scores + normalizer).sum() - 1,
        lower - scores.max(),
        upper - scores.max(),
        xtol=1e-15,
    )
    return potential(scores + root)


def test_tsallis_one_and_a_half_by_hand():
    # (1 + x)^2 + x^2 = 9 for the normalizer x; the third action gets nothing.
    normalizer = (np.sqrt(17) - 1) / 2
    expected = [((1 + normalizer) / 3) ** 2, (normalizer / 3) ** 2, 0]
    np.testing.assert_allclose(
        Tsallis(q=1.5).project([[1.0, 0.0, -3.0]]), [expected], rtol=1e-13
    )


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_tsallis_below_one_against_brentq(q):
    slope = q / (1 - q)
    for scores in SCORES[:10]:
        expected = by_brentq(
            lambda x: (slope / -x) ** (1 / (1 - q)),
            scores,
            -slope * 0.25 ** (q - 1),
            -slope,
        )
        np.testing.assert_allclose(Tsallis(q=q).project([scores]), [expected], 1e-10)


@pytest.mark.parametrize("q", [1.2, 1.5, 1.6, 3.0])
def test_tsallis_above_one_against_brentq(q):
    slope = q / (q - 1)
    for scores in SCORES[:10]:
        expected = by_brentq(
            lambda x: np.maximum(x / slope, 0) ** (1 / (q - 1)),
            scores,
            slope * 0.25 ** (q - 1),
            slope,
        )
        np.testing.assert_allclose(
            Tsallis(q=q).project([scores]), [expected], atol=1e-7
        )


def test_tsallis_at_one_is_the_entropy():
    entropy, tsallis = NegativeEntropy(), Tsallis(q=1)
    p, q = entropy.project(SCORES), entropy.project(SCORES[::-1])
    for method, arguments in {
        "project": (SCORES,),
        "dual": (SCORES,),
        "gradient": (p,),
        "divergence": (p, q),
    }.items():
        np.testing.assert_array_equal(
            getattr(tsallis, method)(*arguments), getattr(entropy, method)(*arguments)
        )


@pytest.mark.parametrize("distance", [-1e-6, 1e-6, -1e-9, 1e-9, -1e-12, 1e-12])
def test_tsallis_is_continuous_at_one(distance):
    entropy, tsallis = NegativeEntropy(), Tsallis(q=1 + distance)
    p, q = entropy.project(SCORES), entropy.project(SCORES[::-1])
    error = 200 * abs(distance) + 1e-13
    np.testing.assert_allclose(tsallis.project(SCORES), p, atol=error)
    np.testing.assert_allclose(
        tsallis.divergence(p, q), entropy.divergence(p, q), rtol=error, atol=error
    )


@pytest.mark.parametrize("distance", [-1e-7, 1e-7, 1e-12, -1e-15, 1e-15])
def test_tsallis_gradient_keeps_its_digits_near_one(distance):
    tsallis, proba = Tsallis(q=1 + distance), [[0.5, 0.3, 0.2]]
    np.testing.assert_allclose(tsallis.gradient(proba), 1 + np.log(proba), rtol=1e-6)
    np.testing.assert_allclose(
        tsallis.project(tsallis.gradient(proba)), proba, rtol=1e-13
    )


def test_tsallis_at_two_is_euclidean_with_half_the_step():
    euclidean, tsallis = Euclidean(), Tsallis(q=2)
    np.testing.assert_allclose(
        tsallis.project(2 * SCORES), euclidean.project(SCORES), atol=1e-15
    )
    np.testing.assert_allclose(
        tsallis.dual(2 * SCORES), 2 * euclidean.dual(SCORES), atol=1e-15
    )
    p, q = euclidean.project(SCORES), euclidean.project(SCORES[::-1])
    np.testing.assert_allclose(
        tsallis.divergence(p, q), 2 * euclidean.divergence(p, q), atol=1e-14
    )


def test_tsallis_is_continuous_at_two():
    # The general way, without the shortcut of q = 2.
    np.testing.assert_allclose(
        Tsallis(q=2 + 1e-10).project(SCORES), Tsallis(q=2).project(SCORES), atol=1e-8
    )


def test_tsallis_gradient_by_hand():
    np.testing.assert_allclose(Tsallis(q=1.5).gradient([[0.25, 0.0]]), [[1.5, 0.0]])
    np.testing.assert_allclose(
        Tsallis(q=0.5).gradient([[0.25, 0.0]]), [[-2.0, -np.inf]]
    )


@pytest.mark.parametrize(
    ("mirror_map", "expected"),
    [
        (NegativeEntropy(), np.log(4)),
        (Euclidean(), 0.375),
        (Tsallis(q=0.5), 2.0),
        (Tsallis(q=1.5), 1.0),
        (Tsallis(q=3), (4.0**-2 - 1) / -2),
    ],
)
def test_divergence_of_a_vertex_from_the_uniform_row(mirror_map, expected):
    np.testing.assert_allclose(mirror_map.divergence(VERTEX, UNIFORM), expected)


def test_steep_tsallis_puts_the_missing_mass_where_it_jumps():
    # 0.955...^999 = 1e-20 and the rest is the second action's.
    best = 10 ** (-20 / 999) * (999 / 1000) ** (1 / 999)
    # Nothing is missing from the second row.
    proba = Tsallis(q=1000).project([[0.0, -1e-20], [0.0, -1e3]])
    np.testing.assert_allclose(proba, [[best, 1 - best], [1.0, 0.0]], atol=1e-4)


@pytest.mark.parametrize("b", [0.01, 0.3, 10.0])
def test_hyperbolic_entropy_on_its_support(b):
    proba = HyperbolicEntropy(b=b).project(SCORES)
    for scores, row in zip(SCORES, proba, strict=True):
        scores = scores - scores.max()
        support = row > 0
        up, down = np.exp(scores[support]).sum(), np.exp(-scores[support]).sum()
        normalizer = np.log((1 / b + np.sqrt(b**-2 + up * down)) / up)
        expected = np.maximum(b * np.sinh(scores + normalizer), 0)
        np.testing.assert_allclose(row, expected, atol=1e-13)


def test_hyperbolic_entropy_by_hand():
    mirror_map = HyperbolicEntropy(b=0.75)
    np.testing.assert_allclose(mirror_map.gradient([[1.0, 0.0]]), [[np.log(3), 0.0]])
    # h(1) = log 3 - 5/4, h(0) = -3/4; h has slope 0 at 0 and log 3 at 1.
    np.testing.assert_allclose(
        mirror_map.divergence([[1.0, 0.0]], [[0.0, 1.0]]),
        (np.log(3) - 0.5) + (-np.log(3) + 0.5 + np.log(3)),
    )


def test_hyperbolic_entropy_between_entropy_and_euclidean():
    np.testing.assert_allclose(
        HyperbolicEntropy(b=1e-12).project(SCORES),
        NegativeEntropy().project(SCORES),
        atol=1e-10,
    )
    np.testing.assert_allclose(
        HyperbolicEntropy(b=1e8).project(SCORES * 1e-8),
        Euclidean().project(SCORES),
        atol=1e-10,
    )


def test_scales_of_hyperbolic_entropy_end_with_the_normal_floats():
    smallest = np.finfo(float).tiny
    np.testing.assert_allclose(
        HyperbolicEntropy(b=smallest).project(SCORES),
        NegativeEntropy().project(SCORES),
        rtol=1e-12,
    )
    with pytest.raises(InvalidParameterError, match=r"'b' .* at least 2\.23e-308.*Got"):
        HyperbolicEntropy(b=smallest / 2).project(SCORES)


def test_hyperbolic_tangent_is_softmax_for_two_actions():
    scores = np.vstack([SCORES[:, :2], [[0.0, -300.0], [0.0, -1e5], [4.0, 4.0]]])
    np.testing.assert_allclose(
        HyperbolicTangent().project(scores),
        NegativeEntropy().project(scores),
        rtol=1e-13,
    )


def test_hyperbolic_tangent_against_brentq():
    for scores in SCORES[:20]:
        expected = by_brentq(lambda x: 0.5 + 0.5 * np.tanh(x), scores, -0.6, 20)
        np.testing.assert_allclose(
            HyperbolicTangent().project([scores]), [expected], atol=1e-12
        )


def test_hyperbolic_tangent_keeps_tiny_probabilities():
    # To first order the two others' odds are e^(2 normalizer) times e^(2 score).
    proba = HyperbolicTangent().project([[0.0, -100.0, -100.0]])
    np.testing.assert_allclose(proba[0, 1:], np.exp(-100.0) / np.sqrt(2), rtol=1e-12)


def test_hyperbolic_tangent_gradient_and_divergence_by_hand():
    mirror_map = HyperbolicTangent()
    np.testing.assert_allclose(
        mirror_map.gradient([[0.8, 0.5, 0.0]]), [[np.log(2), 0.0, -np.inf]], atol=1e-15
    )
    np.testing.assert_allclose(
        mirror_map.divergence([[0.75, 0.25]], [[0.5, 0.5]]),
        NegativeEntropy().divergence([[0.75, 0.25]], [[0.5, 0.5]]),
    )


def test_hyperbolic_tangent_where_a_probability_rounds_to_one():
    mirror_map, proba = HyperbolicTangent(), [[1.0, 1e-20], [1.0, 0.0]]
    half = 10 * np.log(10)
    np.testing.assert_allclose(
        mirror_map.gradient(proba), [[half, -half], [np.inf, -np.inf]]
    )
    np.testing.assert_allclose(
        mirror_map.divergence([[0.5, 0.5], [0.5, 0.5]], proba),
        NegativeEntropy().divergence([[0.5, 0.5], [0.5, 0.5]], proba),
    )


@pytest.mark.parametrize("value", [-1, 0, np.inf, np.nan, "1", None])
@pytest.mark.parametrize(("cls", "name"), [(Tsallis, "q"), (HyperbolicEntropy, "b")])
def test_parameters_are_checked_on_use(cls, name, value):
    mirror_map = cls(**{name: value})
    message = (
        rf"The '{name}' parameter of {cls.__name__} must be a float in the range "
        rf"\(0.0, inf\). Got {value!r} instead."
    )
    proba = [[0.5, 0.5]]
    for method in (mirror_map.project, mirror_map.dual, mirror_map.gradient):
        with pytest.raises(ValueError, match=message):
            method(proba)
    with pytest.raises(ValueError, match=message):
        mirror_map.divergence(proba, proba)
