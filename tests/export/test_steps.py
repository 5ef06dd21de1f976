"""Single steps: by hand, and the same in numpy, Python and C."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.interpolate import BSpline
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.export import _helpers
from skampo.export._export import _form
from skampo.export._forests import exact_thresholds
from skampo.export._projections import (
    Greedy,
    Hyperbolic,
    Simplex,
    Softmax,
    Tangent,
    Tsallis,
)
from skampo.export._states import states_to_compare
from skampo.export._steps import (
    Affine,
    Gaussian,
    Join,
    Observation,
    Powers,
    Splines,
    Trees,
    in_order,
    values_of,
)
from skampo.mirror_maps import (
    Euclidean,
    HyperbolicEntropy,
    HyperbolicTangent,
    NegativeEntropy,
)
from skampo.mirror_maps import Tsallis as TsallisMap
from tests.export.tables import FRAMES, customers, fitted
from tests.iterates import Corridor

PROJECTIONS = [
    (Softmax, (), NegativeEntropy()),
    (Simplex, (), Euclidean()),
    (Tsallis, (1.5,), TsallisMap(1.5)),
    (Tsallis, (0.5,), TsallisMap(0.5)),
    (Hyperbolic, (0.3,), HyperbolicEntropy(0.3)),
    (Tangent, (), HyperbolicTangent()),
]


def test_a_kernel_by_hand():
    step = Gaussian(Observation(2), np.array([[0.0, 0.0], [3.0, 4.0]]), 0.1)
    expected = [[1.0, math.exp(-2.5)]]
    assert_allclose(values_of(step, np.zeros((1, 2))), expected, rtol=1e-15)
    assert_allclose(_helpers.gaussian([0.0, 0.0], step.points, 0.1), expected[0])


def test_powers_by_hand():
    exponents = np.array([[0, 0], [1, 0], [2, 1]])
    values = values_of(Powers(Observation(2), exponents), np.array([[3.0, 5.0]]))
    assert_array_equal(values, [[1.0, 3.0, 45.0]])
    assert _helpers.powers([3.0, 5.0], exponents.tolist()) == [1.0, 3.0, 45.0]


def test_a_tree_by_hand():
    # x <= 1 gives 10; otherwise y <= 2 gives 20, and else 30.
    tree = Trees(
        Observation(2),
        1,
        np.array([0]),
        np.array([0, -1, 1, -1, -1]),
        np.array([1.0, 0.0, 2.0, 0.0, 0.0]),
        np.array([1, 0, 3, 1, 2]),
        np.array([2, 0, 4, 1, 2]),
        np.array([[10.0], [20.0], [30.0]]),
    )
    X = np.array([[1.0, 9.0], [1.1, 2.0], [1.1, 2.1]])
    assert_array_equal(values_of(tree, X), [[10.0], [20.0], [30.0]])
    parts = [getattr(tree, name).tolist() for name in ("roots", "column", "threshold")]
    parts += [tree.left.tolist(), tree.right.tolist(), tree.values.tolist()]
    assert [_helpers.trees(x, 1, *parts) for x in X.tolist()] == [
        [10.0],
        [20.0],
        [30.0],
    ]


def test_weights_of_weights_are_one_table():
    source = Observation(2)
    inner = Affine(source, np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0]))
    both = Join((inner, source))
    merged = Affine.of(both, [[1.0, 1.0, 10.0, 20.0]], 5.0)
    assert_array_equal(merged.rows, [[4.0, 6.0, 10.0, 20.0]])
    assert_array_equal(merged.offset, [7.0])
    X = np.array([[1.0, -1.0]])
    plain = Affine(both, np.array([[1.0, 1.0, 10.0, 20.0]]), np.array([5.0]))
    assert_array_equal(values_of(merged, X), values_of(plain, X))


@given(st.integers(0, 4), arrays(float, 6, elements=st.floats(-2.0, 3.0)))
def test_splines_are_those_of_scipy(degree, x):
    knots = np.concatenate([[-1.0] * degree, [-1.0, 0.0, 0.5, 2.0], [2.0] * degree])
    step = Splines(Observation(1), 0, degree, knots)
    inside = np.clip(x, -1.0, 2.0)
    basis = [BSpline(knots, row, degree) for row in np.eye(step.size)]
    expected = np.column_stack([spline(inside) for spline in basis])
    assert_allclose(values_of(step, x[:, None]), expected, atol=1e-13)
    plain = [_helpers.splines([v], 0, degree, knots.tolist()) for v in x.tolist()]
    assert_allclose(plain, expected, atol=1e-13)


@pytest.mark.parametrize(("step", "options", "mirror_map"), PROJECTIONS)
@given(data=st.data())
def test_projections_are_those_of_the_mirror_maps(step, options, mirror_map, data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(2, 6)))
    scores = data.draw(arrays(float, shape, elements=st.floats(-50, 50)))
    mask = data.draw(arrays(bool, shape[1]))
    mask[data.draw(st.integers(0, shape[1] - 1))] = True
    eta = data.draw(st.floats(0.01, 100))
    projection = step(SimpleNamespace(size=shape[1], sources=()), eta, *options)
    expected = mirror_map.project(eta * np.where(mask, scores, -np.inf))
    assert_allclose(projection.evaluate(scores, mask), expected, rtol=0, atol=1e-12)
    function = getattr(_helpers, projection.helper)
    plain = [function(row, mask.tolist(), eta, *options) for row in scores.tolist()]
    assert_allclose(plain, expected, rtol=0, atol=1e-12)


def test_a_greedy_policy_shares_exact_ties():
    scores = np.array([[2.0, 2.0, 1.0], [0.0, 5.0, 7.0]])
    greedy = Greedy(SimpleNamespace(size=3, sources=()))
    expected = [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]
    mask = np.array([True, True, False])
    assert_array_equal(greedy.evaluate(scores, mask), expected)
    assert [_helpers.project_greedy(row, mask) for row in scores.tolist()] == expected


def test_thresholds_that_are_singles_by_hand():
    # 1 is even: the middle to the next single is rounded to it. The next one is odd.
    step = 2.0**-23
    expected = [1.0 + step / 2, np.nextafter(1.0 + 1.5 * step, 0.0)]
    assert_array_equal(exact_thresholds(np.array([1.0, 1.0 + step])), expected)


@given(arrays(np.float64, 30, elements=st.floats(-1e6, 1e6)), st.integers(0, 2**31))
def test_thresholds_need_no_rounding(values, seed):
    # Thresholds halfway between singles, and states next to them.
    singles = np.unique(values.astype(np.float32))
    model = DecisionTreeRegressor(random_state=seed).fit(
        singles[:, None], np.random.default_rng(seed).random(len(singles))
    )
    inner = model.tree_.threshold[model.tree_.feature >= 0]
    near = np.concatenate([inner, singles, values])
    near = np.concatenate(
        [near, np.nextafter(near, np.inf), np.nextafter(near, -np.inf)]
    )
    expected = near.astype(np.float32)[:, None] <= inner
    assert_array_equal(near[:, None] <= exact_thresholds(inner), expected)


def test_observations_are_flattened_whatever_they_are():
    assert _helpers.numbers(np.int64(3)) == [3.0]
    assert _helpers.numbers(np.array(3)) == [3.0]
    assert _helpers.numbers(((1, 2.5), [np.array([[3], [4]])])) == [1.0, 2.5, 3.0, 4.0]
    with pytest.raises(TypeError, match="no number"):
        _helpers.numbers("abc")


def test_stored_states_are_compared():
    policy = AMPOPolicy(
        Ridge(), warm_start=True, max_iter=3, steps_per_iter=64, random_state=0
    ).fit(Corridor)
    stored = policy._state.rollouts["transitions"].observations
    states = states_to_compare(policy, _form(policy), None, 1000)
    assert (states[:, None] == stored[:3]).all(axis=2).any(axis=0).all()


@pytest.mark.parametrize("kind", FRAMES)
def test_places_of_words_are_as_good_as_the_words(kind):
    table = FRAMES[kind](customers())
    policy = fitted(table)
    form = _form(policy)
    states = states_to_compare(policy, form, table, 2000)
    rows = in_order(form)[0].decode(states)
    assert_allclose(
        values_of(form, states, mask=None),
        policy.predict_proba(policy._columns.transform(rows)),
        atol=1e-12,
    )
    # Some numbers and words are missing, and some words are not known.
    assert np.isnan(states[:, 0]).any()
    assert {*states[:, 3]} == {-1, 0, 1, 2}
