"""The bounds as functions: values by hand, limits, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skampo import theory
from skampo.exceptions import InvalidParameterError

BOUNDS = {
    "xiao_sublinear_bound": (0.9, 1.0, 1.0),
    "xiao_linear_bound": (0.9, 20.0, 1.0, 1.0),
    "agarwal_bound": (0.9, 4, 1.0),
    "johnson_bound": (0.9, 5.0, np.ones(50)),
    "protopapas_bound": (0.9, 3, 5.0, np.ones(50)),
    "cen_bound": (0.9, 0.5, 1.0, 5.0, 0.1),
    "ampo_sublinear_bound": (0.9, 20.0, 1.0, 1.0, 2.0, 0.1),
    "ampo_linear_bound": (0.9, 20.0, 1.0, 1.0, 2.0, 0.1),
    "yuan_bound": (0.9, 20.0, 2.0, 0.1),
    "politex_bound": (0.9, 4, 0.1),
}
every_bound = pytest.mark.parametrize("name", BOUNDS)


def bound(name, n_iter, **changes):
    return getattr(theory, name)(n_iter, *BOUNDS[name], **changes)


@every_bound
def test_any_shape_of_iterations(name):
    table = bound(name, [[1, 2, 3], [4, 5, 6]])
    assert table.shape == (2, 3)
    assert_array_equal(table.ravel(), [bound(name, k) for k in range(1, 7)])
    assert type(bound(name, 3)) is float
    assert bound(name, []).shape == (0,)


@pytest.mark.parametrize(
    "name", sorted(BOUNDS.keys() - {"johnson_bound", "protopapas_bound"})
)
def test_more_iterations_help(name):
    assert (np.diff(bound(name, range(51))) < 0).all()


@every_bound
@pytest.mark.parametrize("n_iter", [-1, 1.5, np.nan, [1, -2]])
def test_counts_are_natural_numbers(name, n_iter):
    with pytest.raises(InvalidParameterError, match="n_iter must hold integers"):
        bound(name, n_iter)


@every_bound
@pytest.mark.parametrize("n_iter", ["a", [1, "b"], [[1], [2, 3]], {}])
def test_counts_are_numbers(name, n_iter):
    with pytest.raises(InvalidParameterError, match="n_iter must hold numbers"):
        bound(name, n_iter)


@every_bound
@pytest.mark.parametrize("gamma", [-0.1, 1.0, 1.5, np.nan, "0.9"])
def test_a_discount_is_below_one(name, gamma):
    with pytest.raises(InvalidParameterError, match="gamma must be a float in the"):
        getattr(theory, name)(1, gamma, *BOUNDS[name][1:])


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "xiao_sublinear_bound",
            (1, 0.9, 1.0, 0.0),
            "eta must be a float in the range",
        ),
        ("xiao_sublinear_bound", (1, 0.9, 1.0, np.inf), "eta must be a float in"),
        ("xiao_sublinear_bound", (1, 0.9, -1.0, 1.0), "divergence .* of at least 0"),
        ("xiao_sublinear_bound", (1, 0.9, np.nan, 1.0), "divergence .* of at least 0"),
        ("xiao_linear_bound", (1, 0.9, 0.9, 1.0, 1.0), "theta .* of at least 1"),
        ("xiao_linear_bound", (1, 0.9, 2.0, 1.0, 1.0, -1.0), "initial_gap"),
        ("agarwal_bound", (1, 0.9, 0, 1.0), "n_actions .* of at least 1"),
        ("agarwal_bound", (1, 0.9, 2, -1.0), "eta must be a float in the range"),
        ("johnson_bound", (1, 0.9, -1.0, [1.0]), "initial_gap .* of at least 0"),
        ("johnson_bound", (1, 0.9, 1.0, [-1.0]), "slacks must be a list of numbers"),
        ("johnson_bound", (1, 0.9, 1.0, 1.0), "slacks must be a list of numbers"),
        ("johnson_bound", ([1, 3], 0.9, 1.0, [1.0]), "Got 1 for 3 iterations"),
        ("johnson_bound", (np.inf, 0.9, 1.0, [1.0]), "Got 1 for inf iterations"),
        ("ampo_sublinear_bound", (1, 0.9, 0.5, 1.0, 1.0), "It is a mismatch coeff"),
        ("ampo_sublinear_bound", (1, 0.9, 2.0, 1.0, 0.0), "eta0 must be a float in"),
        ("ampo_sublinear_bound", (1, 0.9, 2.0, 1.0, 1.0, -1.0), "concentrability"),
        ("ampo_linear_bound", (1, 0.9, 0.5, 1.0, 1.0), "It is a mismatch coefficient"),
        ("ampo_linear_bound", (1, 0.9, 2.0, 1.0, 1.0, 1.0, -1.0), "approximation_err"),
        ("ampo_improvement_bound", (0.9, -1.0, 1.0), "divergence .* of at least 0"),
        ("ampo_improvement_bound", (1.0, 1.0, 1.0), "gamma must be a float"),
        ("yuan_bound", (1, 0.9, 9.9), "see mismatch_coefficient"),
        ("yuan_bound", (1, 0.9, 20.0, 1.0, -1.0), "^error must be .* of at least 0"),
        ("politex_bound", (1, 0.9, 4, -0.1), "error must be a float of at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(name, arguments, message):
    with pytest.raises(InvalidParameterError, match=message):
        getattr(theory, name)(*arguments)


def test_slacks_are_numbers():
    with pytest.raises(InvalidParameterError, match="slacks must hold numbers"):
        theory.johnson_bound(1, 0.9, 1.0, "c")


def test_distributions_are_numbers():
    with pytest.raises(InvalidParameterError, match="target must hold numbers"):
        theory.mismatch_coefficient("d", [1.0])


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_an_error_of_what_is_not_finite(wrong):
    right, off = [[1.0, 2.0]], [[1.0, wrong]]
    half = [[0.5, 0.5]]
    with pytest.raises(InvalidParameterError, match=r"f must be finite.* at \(0, 1\)"):
        theory.approximation_error(off, right, half)
    with pytest.raises(InvalidParameterError, match="target must be finite"):
        theory.approximation_error(right, off, half)
    with pytest.raises(InvalidParameterError, match="f must hold numbers"):
        theory.approximation_error("f", right, half)


def test_mismatch_by_hand():
    assert theory.mismatch_coefficient([0.2, 0.8], [0.4, 0.6]) == pytest.approx(4 / 3)
    assert theory.mismatch_coefficient([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert theory.mismatch_coefficient([1.0, 0.0], [1.0, 0.0]) == 1.0
    assert theory.mismatch_coefficient([0.5, 0.5], [0.25, 0.75], 0.5) == 4.0


def test_concentrability_by_hand():
    v = np.full((2, 2), 0.25)
    assert theory.concentrability([[0.5, 0.0], [0.25, 0.25]], v) == 1.5
    assert theory.concentrability(v, [[0.5, 0.0], [0.25, 0.25]]) == np.inf
    assert theory.concentrability(v, v) == 1.0


def test_coefficients_are_at_least_one():
    # Distributions that differ by rounding only.
    proba = np.full((1, 3), 1 / 3)
    more = proba * (1 + 1e-14)
    nu = theory.mismatch_coefficient(proba[0], more[0])
    assert nu == theory.concentrability(proba, more) == 1.0
    assert theory.ampo_sublinear_bound(1, 0.5, nu, 0.0, 1.0) == 2.0


def test_approximation_error_by_hand():
    # The mean of the first state is (3 * 1 + 1 * 5) / 4 = 2; the last is never seen.
    v = [[0.6, 0.2], [0.2, 0.0], [0.0, 0.0]]
    error = theory.approximation_error([[1.0, 5.0], [7.0, 9.0], [1.0, 2.0]], 0.0, v)
    assert error == pytest.approx(0.6 * 1 + 0.2 * 9)


@given(st.integers(0, 10_000))
def test_the_free_constants_are_the_best_ones(seed):
    rng = np.random.default_rng(seed)
    f, y, shift = rng.normal(size=(3, 4, 3))
    v = rng.dirichlet(np.ones(12)).reshape(4, 3)
    least = theory.approximation_error(f, y, v)
    constant = shift[:, :1]
    assert_allclose(theory.approximation_error(f + constant, y, v), least)
    assert least <= (v * (f - y - constant) ** 2).sum() + 1e-12


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mismatch_coefficient", ([0.5, 0.5], [1.0])),
        ("mismatch_coefficient", ([0.5, 0.4], [0.5, 0.5])),
        ("mismatch_coefficient", ([1.0], [1.0], 1.0)),
        ("concentrability", ([[1.0]], [[0.5, 0.5]])),
        ("concentrability", ([[-1.0, 2.0]], [[0.5, 0.5]])),
        ("approximation_error", ([[1.0]], [[1.0]], [[0.5, 0.5]])),
        ("approximation_error", ([1.0], [1.0], [1.0])),
        ("approximation_error", ([[1.0]], [[1.0]], [[0.9]])),
    ],
)
def test_measures_of_what_is_no_distribution(name, arguments):
    with pytest.raises(ValueError, match=r"must"):
        getattr(theory, name)(*arguments)


def test_at_a_discount_of_zero_one_step_is_all():
    # Without a future, theta is 1 where the optimal policy starts as all others do.
    assert theory.mismatch_coefficient([0.5, 0.5], [0.5, 0.5], 0.0) == 1.0
    assert_array_equal(theory.yuan_bound([0, 1, 2], 0.0, 1.0), [2.0, 0.0, 0.0])
    bounds = theory.xiao_linear_bound([0, 1, 2], 0.0, 1.0, 3.0, 2.0)
    assert_array_equal(bounds, [np.inf, 1.5, 0.0])
    assert_array_equal(theory.johnson_bound([0, 1], 0.0, 7.0, [0.5]), [7.0, 0.5])


def test_infinite_coefficients_promise_nothing_new():
    assert theory.xiao_linear_bound(9, 0.9, np.inf, 1.0, 1.0, 3.0) == 3.0
    assert theory.ampo_sublinear_bound(9, 0.9, np.inf, 1.0, 1.0) == np.inf
    assert theory.ampo_linear_bound(9, 0.9, np.inf, 1.0, 1.0) == pytest.approx(10)
    assert theory.ampo_linear_bound(9, 0.9, 20.0, 1.0, 1.0, np.inf, 0.0) == np.inf
    assert theory.ampo_linear_bound(9, 0.9, 20.0, 1.0, 1.0, 0.0, np.inf) == np.inf


def test_zero_iterations():
    assert theory.agarwal_bound(0, 0.9, 4, 1.0) == np.inf
    assert theory.ampo_sublinear_bound(0, 0.9, 20.0, 1.0, 1.0) == np.inf
    assert theory.politex_bound(0, 0.9, 4) == np.inf
    assert_array_equal(theory.politex_bound([0, 1], 0.9, 1), [np.inf, 0.0])
    assert theory.ampo_linear_bound(0, 0.5, 2.0, 1.0, 2.0, initial_gap=0.25) == 1.25


def test_agarwal_for_steps_that_are_large_enough():
    n_iter = np.arange(1, 20)
    eta = (1 - 0.9) ** 2 * np.log(4)
    bounds = theory.agarwal_bound(n_iter, 0.9, 4, eta)
    assert_allclose(bounds, 2 / ((1 - 0.9) ** 2 * n_iter))


@given(st.floats(0.01, 0.99), st.floats(1, 100), st.integers(2, 9))
def test_the_default_first_step_of_the_entropy(gamma, factor, n_actions):
    theta = factor / (1 - gamma)
    eta0 = np.log(n_actions) * (1 - gamma) / gamma
    n_iter = np.arange(10)
    setting = n_iter, gamma, theta, np.log(n_actions), eta0
    simple = theory.yuan_bound(n_iter, gamma, theta)
    assert (theory.xiao_linear_bound(*setting) <= simple * (1 + 1e-9)).all()


def test_the_floors():
    # 2 (1 + 20) sqrt(4 * 0.01) / 0.1 = 84
    many = 10**6
    floor = theory.ampo_linear_bound(many, 0.9, 20.0, 1.0, 1.0, 4.0, 0.01)
    assert floor == pytest.approx(84)
    mean = theory.ampo_sublinear_bound(many, 0.9, 20.0, 1.0, 1.0, 4.0, 0.01)
    assert mean == pytest.approx(84, rel=1e-4)
    assert theory.yuan_bound(many, 0.9, 20.0, 4.0, 0.01) == pytest.approx(84)
    centered = theory.yuan_bound(many, 0.9, 20.0, 4.0, 0.01, centered=True)
    assert centered == pytest.approx(42)
    assert theory.ampo_improvement_bound(0.9, 0.0, 1.0, 4.0, 0.01) == pytest.approx(-4)
    assert theory.politex_bound(10**12, 0.9, 4, 0.1) == pytest.approx(2, rel=1e-3)
