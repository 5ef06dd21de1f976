"""The user's own potential: it equals the built-in maps, or is refused."""

import pickle

import numpy as np
import pytest

from skampo.mirror_maps import (
    HyperbolicEntropy,
    HyperbolicTangent,
    NegativeEntropy,
    OmegaPotential,
    Tsallis,
)

RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(200, 4)) * 2
P, Q = RNG.dirichlet(np.ones(4), size=(2, 200))


def shifted_exp(x):
    return np.exp(x - 1)


def shifted_log(p):
    return 1 + np.log(p)


def p_log_p(p):
    return np.where(p > 0, p * np.log(p), 0.0)


PAIRS = {
    "entropy": (OmegaPotential(shifted_exp, shifted_log), NegativeEntropy()),
    "hyperbolic": (
        OmegaPotential(lambda x: 0.3 * np.sinh(x), lambda p: np.arcsinh(p / 0.3)),
        HyperbolicEntropy(b=0.3),
    ),
    "tsallis 0.5": (
        OmegaPotential(
            lambda x: np.where(x < 0, x**-2.0, np.inf), lambda p: -(p**-0.5)
        ),
        Tsallis(q=0.5),
    ),
    "tsallis 1.5": (
        OmegaPotential(lambda x: np.maximum(x / 3, 0) ** 2, lambda p: 3 * np.sqrt(p)),
        Tsallis(q=1.5),
    ),
    "tangent": (
        OmegaPotential(
            lambda x: 0.5 + 0.5 * np.tanh(x), lambda p: 0.5 * np.log(p / (1 - p))
        ),
        HyperbolicTangent(),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_same_map_as_the_built_in_one(name):
    own, built_in = PAIRS[name]
    np.testing.assert_allclose(
        own.project(SCORES), built_in.project(SCORES), atol=1e-12
    )
    np.testing.assert_allclose(own.dual(SCORES), built_in.dual(SCORES), atol=1e-10)
    np.testing.assert_allclose(own.divergence(P, Q), built_in.divergence(P, Q), 1e-9)
    edge = np.eye(4)[RNG.integers(4, size=200)]
    np.testing.assert_allclose(
        own.divergence(edge, Q), built_in.divergence(edge, Q), rtol=1e-7
    )
    np.testing.assert_allclose(
        own.divergence(P, edge), built_in.divergence(P, edge), rtol=1e-9
    )


@pytest.mark.parametrize("name", PAIRS)
def test_forbidden_actions(name):
    own, _ = PAIRS[name]
    inf = np.inf
    np.testing.assert_allclose(
        own.project([[0.0, -inf, -inf], [1.0, -inf, 1.0]]),
        [[1.0, 0.0, 0.0], [0.5, 0.0, 0.5]],
        atol=1e-15,
    )


def test_mirror_function_replaces_the_quadrature():
    own = OmegaPotential(shifted_exp, shifted_log, p_log_p)
    np.testing.assert_allclose(
        own.divergence(P, Q), NegativeEntropy().divergence(P, Q), rtol=1e-12
    )


def test_the_quadrature_ends_at_a_pole():
    # Between these numbers, points of the rule round to more than 1.
    own, built_in = PAIRS["tangent"]
    rows = [[1.0, 1e-20]], [[1 - 1e-13, 1e-20]]
    np.testing.assert_allclose(
        own.divergence(*rows), built_in.divergence(*rows), rtol=0.02
    )


def test_gradient_is_the_inverse_potential():
    own = OmegaPotential(shifted_exp, shifted_log)
    np.testing.assert_array_equal(own.gradient(P), shifted_log(P))


def test_importable_functions_can_be_pickled():
    own = pickle.loads(pickle.dumps(OmegaPotential(np.exp, np.log)))
    np.testing.assert_allclose(
        own.project(SCORES), NegativeEntropy().project(SCORES), rtol=1e-13
    )


@pytest.mark.parametrize(
    ("potential", "inverse"),
    [
        (lambda x: np.exp(-x), lambda p: -np.log(p)),
        (lambda x: x * np.nan, np.log),
        (np.exp, lambda p: p * np.nan),
        (np.exp, lambda p: 2 * np.log(p)),
        (lambda x: 0.3 / (1 + np.exp(-x)), lambda p: -np.log(0.3 / p - 1)),
        (lambda x: 0 * x, lambda p: p),
    ],
    ids=["decreasing", "nan", "nan inverse", "no inverse", "range to 0.3", "constant"],
)
def test_invalid_potentials_are_refused(potential, inverse):
    with pytest.raises(ValueError, match="must be an increasing function"):
        OmegaPotential(potential, inverse).project(SCORES)


@pytest.mark.parametrize("name", ["potential", "inverse_potential", "mirror_function"])
def test_parameters_must_be_callable(name):
    parameters = {"potential": np.exp, "inverse_potential": np.log, name: 3}
    message = f"The '{name}' parameter of OmegaPotential must be a callable"
    with pytest.raises(ValueError, match=message):
        OmegaPotential(**parameters).project([[0.0, 1.0]])
