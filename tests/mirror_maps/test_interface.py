"""Promises that every mirror map keeps."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.base import clone

from skampo.mirror_maps import (
    Euclidean,
    HyperbolicEntropy,
    HyperbolicTangent,
    MirrorMap,
    NegativeEntropy,
    OmegaPotential,
    Tsallis,
)
from tests.naming import show

MAPS = [
    NegativeEntropy(),
    Euclidean(),
    Tsallis(q=0.5),
    Tsallis(q=1),
    Tsallis(q=1.5),
    Tsallis(q=2),
    Tsallis(q=3),
    HyperbolicEntropy(b=0.3),
    HyperbolicTangent(),
    OmegaPotential(np.exp, np.log),
    OmegaPotential(np.cbrt, lambda p: p**3, lambda p: p**4 / 4),
]
EXTREME_MAPS = [
    Tsallis(q=0.01),
    Tsallis(q=0.999),
    Tsallis(q=1 + 1e-9),
    Tsallis(q=30),
    Tsallis(q=1000),
    HyperbolicEntropy(b=1e-300),
    HyperbolicEntropy(b=1e10),
]
INFINITE_SLOPE = [
    NegativeEntropy(),
    Tsallis(q=0.5),
    HyperbolicTangent(),
    OmegaPotential(np.exp, np.log),
]
FINITE_SLOPE = [Euclidean(), Tsallis(q=1.5), Tsallis(q=3), HyperbolicEntropy()]

every_map = pytest.mark.parametrize("mirror_map", MAPS, ids=show)
bounded = settings(max_examples=60, deadline=None)
shapes = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5)
moderate = arrays(float, shapes, elements=st.floats(-20, 20))
wild = arrays(
    float,
    shapes,
    elements=st.one_of(
        st.floats(allow_nan=False, allow_infinity=True),
        st.sampled_from([-np.inf, -1e308, 1e308, 5e-324, 0.0]),
    ),
)


def policies(seed, n=200, n_actions=4):
    return np.random.default_rng(seed).dirichlet(np.ones(n_actions), size=n)


@pytest.mark.parametrize("mirror_map", MAPS + EXTREME_MAPS, ids=show)
@given(scores=wild)
@bounded
def test_project_lands_on_the_simplex(mirror_map, scores):
    with np.errstate(all="raise"):
        proba = mirror_map.project(scores)
    assert proba.dtype == np.float64
    assert (proba >= 0).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
    forbidden = np.isneginf(scores) & (scores.max(axis=1, keepdims=True) > -np.inf)
    assert (proba[forbidden] == 0).all()


@pytest.mark.parametrize("mirror_map", MAPS + EXTREME_MAPS, ids=show)
def test_rows_sum_to_one_but_for_rounding(mirror_map):
    scores = 5 * np.random.default_rng(0).normal(size=(2000, 6))
    sums = mirror_map.project(scores).sum(axis=1)
    np.testing.assert_allclose(sums, 1, rtol=0, atol=8 * np.finfo(float).eps)


def test_a_single_action_asks_no_map():
    class TwoAtLeast(NegativeEntropy):
        def _project(self, shifted):
            raise AssertionError("asked for a single action")

    np.testing.assert_array_equal(TwoAtLeast().project([[3.0], [-np.inf]]), [[1], [1]])


@every_map
def test_rows_of_infinite_scores(mirror_map):
    inf = np.inf
    scores = [[-inf, -inf, -inf], [inf, 1, inf], [inf, -inf, 3], [-inf, 2, -inf]]
    third, half = 1 / 3, 0.5
    expected = [[third] * 3, [half, 0, half], [1, 0, 0], [0, 1, 0]]
    np.testing.assert_allclose(mirror_map.project(scores), expected, atol=1e-15)


@every_map
@given(scores=moderate, data=st.data())
@bounded
def test_order_and_ties_are_kept(mirror_map, scores, data):
    proba = mirror_map.project(scores)
    order = np.argsort(scores, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=1)
    steps = np.diff(np.take_along_axis(proba, order, axis=1), axis=1)
    assert (steps >= -1e-15).all()
    assert (steps[np.diff(ranked, axis=1) == 0] == 0).all()


@every_map
@given(scores=moderate, constant=st.floats(-1e3, 1e3))
@bounded
def test_a_constant_per_row_changes_nothing(mirror_map, scores, constant):
    # Up to the rounding of the sum, which the potentials of steep maps magnify.
    moved = (scores + constant) - constant
    np.testing.assert_allclose(
        mirror_map.project(scores + constant), mirror_map.project(moved), atol=1e-6
    )
    exact = np.round(scores)
    np.testing.assert_array_equal(
        mirror_map.project(exact + 64.0), mirror_map.project(exact)
    )


@every_map
def test_permuting_actions_permutes_probabilities(mirror_map):
    scores = np.random.default_rng(0).normal(size=(200, 5))
    order = [3, 0, 4, 1, 2]
    np.testing.assert_allclose(
        mirror_map.project(scores[:, order]),
        mirror_map.project(scores)[:, order],
        atol=1e-10,
    )


@pytest.mark.parametrize("mirror_map", MAPS + EXTREME_MAPS, ids=show)
def test_a_row_does_not_depend_on_the_others(mirror_map):
    scores = np.random.default_rng(0).normal(size=(2000, 4)) * 3
    scores[::2] *= 1e-20
    together = mirror_map.project(scores)[:40]
    alone = np.vstack([mirror_map.project(row[None]) for row in scores[:40]])
    np.testing.assert_array_equal(together, alone)


@every_map
@pytest.mark.parametrize("score", [0.0, -7.5, 1e308, -np.inf, np.inf])
def test_one_action_has_all_probability(mirror_map, score):
    np.testing.assert_array_equal(mirror_map.project([[score], [1.0]]), [[1.0]] * 2)


@every_map
@pytest.mark.parametrize("n_actions", [2, 3, 7, 100])
def test_equal_scores_are_uniform_to_the_last_bit(mirror_map, n_actions):
    proba = mirror_map.project(np.full((2, n_actions), 123.456))
    assert np.unique(proba).size == 1
    np.testing.assert_allclose(proba, 1 / n_actions, rtol=1e-14)


@every_map
def test_no_rows(mirror_map):
    assert mirror_map.project(np.empty((0, 3))).shape == (0, 3)
    assert mirror_map.dual(np.empty((0, 3))).shape == (0, 3)


@every_map
def test_project_inverts_the_gradient(mirror_map):
    proba = policies(0)
    np.testing.assert_allclose(
        mirror_map.project(mirror_map.gradient(proba)), proba, atol=1e-9
    )


@every_map
def test_the_dual_is_the_gradient_up_to_a_constant_per_row(mirror_map):
    scores = np.random.default_rng(0).normal(size=(100, 4))
    with np.errstate(invalid="ignore"):
        difference = mirror_map.dual(scores) - mirror_map.gradient(
            mirror_map.project(scores)
        )
    np.testing.assert_allclose(difference - difference[:, :1], 0, atol=1e-10)


@every_map
@given(scores=arrays(float, shapes, elements=st.floats(-1.7e308, 1.7e308)))
@bounded
def test_the_dual_is_finite_with_row_maximum_0(mirror_map, scores):
    with np.errstate(all="raise"):
        dual = mirror_map.dual(scores)
    assert np.isfinite(dual).all()
    assert (dual.max(axis=1) == 0).all()


@every_map
def test_the_dual_of_scores_farther_apart_than_the_largest_float(mirror_map):
    dual = mirror_map.dual([[1.7e308, -1.7e308]])
    assert dual[0, 0] == 0
    assert -np.inf < dual[0, 1] < 0


@every_map
def test_the_dual_projects_to_the_same_policy(mirror_map):
    scores = np.random.default_rng(1).normal(size=(300, 4)) * 3
    np.testing.assert_allclose(
        mirror_map.project(mirror_map.dual(scores)),
        mirror_map.project(scores),
        atol=1e-10,
    )


@pytest.mark.parametrize("mirror_map", INFINITE_SLOPE, ids=show)
def test_infinite_slope_at_0(mirror_map):
    np.testing.assert_array_equal(
        mirror_map.dual([[1.0, -2000.0, -np.inf]]), [[0.0, -2001.0, -np.inf]]
    )
    assert mirror_map.gradient([[1.0, 0.0]])[0, 1] == -np.inf
    p, q = [[0.5, 0.5], [1, 0], [0, 1]], [[1, 0], [1, 0], [0.5, 0.5]]
    divergence = mirror_map.divergence(p, q)
    assert divergence[0] == np.inf
    assert divergence[1] == 0
    assert np.isfinite(divergence[2])


@pytest.mark.parametrize("mirror_map", FINITE_SLOPE, ids=show)
def test_finite_slope_at_0(mirror_map):
    dual = mirror_map.dual([[1.0, -2000.0, -np.inf]])
    assert dual[0, 1] == dual[0, 2] > -10
    divergence = mirror_map.divergence([[0.5, 0.5], [1, 0]], [[1, 0], [1, 0]])
    assert 0 < divergence[0] < 10
    assert divergence[1] == 0


@every_map
def test_divergence_is_0_only_for_equal_rows(mirror_map):
    p, q = policies(0), policies(1)
    assert (mirror_map.divergence(p, q) > 0).all()
    assert (mirror_map.divergence(p, p) == 0).all()
    edge = np.eye(4)
    with np.errstate(all="raise"):
        assert (mirror_map.divergence(edge, edge) == 0).all()
        assert (mirror_map.divergence(edge, edge[::-1]) > 0).all()


@every_map
def test_slope_of_the_divergence_is_the_difference_of_gradients(mirror_map):
    p, q = 0.1 + 0.6 * policies(0), policies(1)
    width = 1e-6
    expected = mirror_map.gradient(p) - mirror_map.gradient(q)
    for action in range(4):
        above, below = p.copy(), p.copy()
        above[:, action] += width
        below[:, action] -= width
        rise = mirror_map.divergence(above, q) - mirror_map.divergence(below, q)
        np.testing.assert_allclose(
            rise / (2 * width), expected[:, action], rtol=1e-6, atol=1e-6
        )


@every_map
def test_three_point_identity(mirror_map):
    x, y, z = (0.01 + 0.96 * policies(seed) for seed in range(3))
    slopes = mirror_map.gradient(z) - mirror_map.gradient(y)
    right = mirror_map.divergence(x, y) + mirror_map.divergence(y, z)
    right -= ((x - y) * slopes).sum(axis=1)
    np.testing.assert_allclose(mirror_map.divergence(x, z), right, atol=1e-10)


@every_map
def test_project_solves_the_proximal_step(mirror_map):
    q, gain = policies(0), np.random.default_rng(3).normal(size=(200, 4))
    best = mirror_map.project(mirror_map.gradient(q) + gain)

    def value(p):
        return (gain * p).sum(axis=1) - mirror_map.divergence(p, q)

    for seed in range(4, 8):
        other = 0.9 * best + 0.1 * policies(seed)
        assert (value(best) >= value(other) - 1e-12).all()


@every_map
@pytest.mark.parametrize("scores", [[0.0, 1.0], [[[0.0, 1.0]]], np.empty((3, 0))])
def test_scores_of_a_wrong_shape(mirror_map, scores):
    with pytest.raises(ValueError, match=r"Expected scores to be a 2D array"):
        mirror_map.project(scores)


@every_map
def test_scores_that_are_missing(mirror_map):
    for method in (mirror_map.project, mirror_map.dual):
        with pytest.raises(ValueError, match="Input scores contain NaN"):
            method([[0.0, 1.0], [np.nan, 1.0]])


@every_map
def test_probabilities_are_checked(mirror_map):
    with pytest.raises(ValueError, match="Expected proba to hold probabilities"):
        mirror_map.gradient([[1.5, -0.5]])
    with pytest.raises(ValueError, match="Expected q to hold probabilities"):
        mirror_map.divergence([[0.5, 0.5]], [[np.nan, 0.5]])
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(1, 3\) instead"):
        mirror_map.divergence([[0.5, 0.5]], [[0.5, 0.25, 0.25]])


@every_map
def test_arguments_are_not_changed(mirror_map):
    scores, proba = np.array([[0.0, -np.inf, 2.0]]), np.array([[0.0, 0.25, 0.75]])
    kept = scores.copy(), proba.copy()
    mirror_map.project(scores)
    mirror_map.dual(scores)
    mirror_map.gradient(proba)[:] = 7.0
    mirror_map.divergence(proba, proba)
    np.testing.assert_array_equal(scores, kept[0])
    np.testing.assert_array_equal(proba, kept[1])


@pytest.mark.parametrize("name", MirrorMap.by_name)
def test_named_maps_are_estimators(name):
    mirror_map = MirrorMap.by_name[name]()
    assert isinstance(mirror_map, MirrorMap)
    copy = pickle.loads(pickle.dumps(clone(mirror_map)))
    assert copy.get_params() == mirror_map.get_params()
    np.testing.assert_array_equal(
        copy.project([[1.0, 0.0]]), mirror_map.project([[1.0, 0.0]])
    )


def test_names():
    assert list(MirrorMap.by_name) == [
        "negative_entropy",
        "euclidean",
        "tsallis",
        "hyperbolic_entropy",
        "hyperbolic_tangent",
    ]
