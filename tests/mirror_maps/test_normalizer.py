"""The root finder on functions that are hard for false position."""

import numpy as np
import pytest

from skampo.mirror_maps._normalizer import find_root

ROOTS = np.array([1e-12, 0.1, 0.5, 0.9, 1 - 1e-12])
FUNCTIONS = {
    "line": lambda x: x - ROOTS,
    "convex": lambda x: x**30 - ROOTS**30,
    "concave": lambda x: np.cbrt(x - ROOTS),
    "exponential": lambda x: np.expm1(700 * (x - ROOTS)) / 1e300,
    "logit": lambda x: np.log(x / (1 - x)) - np.log(ROOTS / (1 - ROOTS)),
    "jump": lambda x: np.where(x < ROOTS, -1.0, 1.0),
}


def solve(function):
    calls = []

    def counted(x):
        calls.append(x)
        return function(x)

    return find_root(counted, np.zeros(5), np.ones(5)), calls


@pytest.mark.parametrize("name", ["line", "concave", "logit", "jump"])
def test_roots(name):
    bracket, _ = solve(FUNCTIONS[name])
    np.testing.assert_allclose(bracket.root, ROOTS, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_point_is_inside_the_bracket_and_steps_are_bounded(name):
    bracket, calls = solve(FUNCTIONS[name])
    assert len(calls) < 250
    assert all(((x >= 0) & (x <= 1)).all() for x in calls)
    assert (bracket.lower <= bracket.upper).all()
    small = bracket.residual <= 1e-14
    narrow = bracket.upper - bracket.lower <= 4e-16
    assert (small | narrow).all()


def test_a_line_needs_one_step():
    _, calls = solve(FUNCTIONS["line"])
    assert len(calls) <= 5


def test_arguments_are_not_changed():
    lower, upper = np.zeros(5), np.ones(5)
    find_root(FUNCTIONS["convex"], lower, upper)
    np.testing.assert_array_equal([lower, upper], [np.zeros(5), np.ones(5)])


def test_no_root_and_missing_values_end_at_once():
    for value in (1.0, -1.0, np.nan):
        calls = []
        bracket = find_root(
            lambda x, v=value, c=calls: c.append(x) or np.full(2, v),
            np.zeros(2),
            np.ones(2),
        )
        assert len(calls) == 2
        assert not (bracket.residual < 0.5).any()


def test_fraction_of_a_jump():
    bracket = find_root(lambda x: np.where(x < 0.5, -0.5, 1.5), np.zeros(1), np.ones(1))
    np.testing.assert_allclose(bracket.fraction, 0.25)


def test_the_fraction_stays_inside_a_bracket_without_a_root():
    bracket = find_root(lambda x: 0.5 * x - 1.0, np.zeros(1), np.ones(1))
    np.testing.assert_array_equal(bracket.fraction, 1.0)


@pytest.mark.parametrize("root", [0.1, 0.3, 0.5, 0.9])
def test_smooth_functions_take_a_fraction_of_the_steps_of_bisection(root):
    # Bisection would take 50.
    for function in (np.exp, np.sqrt, lambda x: x**3, lambda x: -np.exp(-5 * x)):
        calls = []

        def counted(x, function=function, calls=calls):
            calls.append(x)
            return function(x) - function(root)

        found = find_root(counted, np.zeros(1), np.ones(1)).root
        np.testing.assert_allclose(found, root, rtol=1e-9)
        assert len(calls) <= 16
