"""Normalizers are found in few steps, for potentials that are hard to follow."""

import numpy as np
import pytest
from scipy.special import expit, logit

from skampo.mirror_maps import OmegaPotential

# Potentials and their inverses.
POTENTIALS = {
    "line": (lambda x: x, lambda p: p),
    "convex": (lambda x: np.maximum(x, 0.0) ** (1 / 8), lambda p: p**8),
    "concave": (lambda x: x**3, np.cbrt),
    "exponential": (lambda x: np.exp(700 * x), lambda p: np.log(p) / 700),
    "logit": (expit, logit),
    "flat": (lambda x: np.log1p(np.maximum(x, 0.0)) / 30, lambda p: np.expm1(30 * p)),
}
PEAKS = np.array([0.5 + 1e-12, 0.6, 0.75, 0.9, 1 - 1e-9])


def counted(potential, inverse):
    """The map, and the arguments that its potential is called with."""
    calls = []

    def watched(x):
        calls.append(x)
        return potential(x)

    return OmegaPotential(watched, inverse), calls


def scores_of(inverse, peaks=PEAKS):
    """Scores of two actions, the first of which has these probabilities."""
    return np.column_stack([np.zeros(len(peaks)), inverse(1 - peaks) - inverse(peaks)])


@pytest.mark.parametrize("name", POTENTIALS)
def test_probabilities_that_are_known(name):
    potential, inverse = POTENTIALS[name]
    mirror_map, calls = counted(potential, inverse)
    scores = scores_of(inverse)
    before = scores.copy()
    proba = mirror_map.project(scores)
    np.testing.assert_allclose(proba[:, 0], PEAKS, rtol=1e-9)
    np.testing.assert_array_equal(scores, before)
    assert len(calls) < 250


def test_a_line_needs_one_step():
    mirror_map, calls = counted(*POTENTIALS["line"])
    mirror_map.project(scores_of(lambda p: p))
    assert len(calls) <= 6


@pytest.mark.parametrize("peak", PEAKS[:-1])
@pytest.mark.parametrize("name", ["concave", "logit", "exponential"])
def test_smooth_potentials_take_a_fraction_of_the_steps_of_bisection(name, peak):
    # Bisection would take 50.
    potential, inverse = POTENTIALS[name]
    mirror_map, calls = counted(potential, inverse)
    found = mirror_map.project(scores_of(inverse, np.array([peak])))
    np.testing.assert_allclose(found[0, 0], peak, rtol=1e-9)
    assert len(calls) <= 20


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_potentials_without_a_solution_end_at_once(value):
    mirror_map, calls = counted(lambda x: np.full_like(x, value), lambda p: p)
    with pytest.raises(ValueError, match="potential"):
        mirror_map.project([[0.0, -1.0]])
    assert len(calls) <= 4


def test_what_a_jump_leaves_out_belongs_to_what_jumps():
    # From 0.3 to 0.6 at 0.3, which the second action reaches where the first has 0.65.
    mirror_map, _ = counted(
        lambda x: np.where(x < 0.3, x, x + 0.3),
        lambda p: np.where(p < 0.3, p, np.maximum(p - 0.3, 0.3)),
    )
    np.testing.assert_allclose(mirror_map.project([[0.0, -0.05]]), [[0.65, 0.35]])
