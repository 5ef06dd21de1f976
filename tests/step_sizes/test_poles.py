"""A nearly sure state, where the mirror map is steep, leaves the others their steps."""

from types import SimpleNamespace

import numpy as np
import pytest

from skampo.mirror_maps import HyperbolicTangent, NegativeEntropy, OmegaPotential
from skampo.step_sizes import Adaptive, TrustRegion

OWN_TANGENT = OmegaPotential(
    lambda x: 0.5 + 0.5 * np.tanh(x), lambda p: 0.5 * np.log(p / (1 - p))
)
SAMPLE = SimpleNamespace(
    q_values=[[0.0, 10.0], [0.0, 1.0]], sample_weight=None, gamma=0.9, reward_range=1.0
)

every_margin = pytest.mark.parametrize("margin", [36.8, 60.0, 700.0])


def step_of(step_size, mirror_map, margin):
    """The step where one state is sure of its action but for e^-margin."""
    dual = mirror_map.dual([[0.0, -margin], [0.0, 0.0]])
    policy = SimpleNamespace(
        mirror_map=mirror_map,
        proba=mirror_map.project(dual),
        step=lambda q_values, eta: mirror_map.project(dual + eta * q_values),
    )
    assert policy.proba[0, 0] == 1
    return step_size(0, policy, SAMPLE)


@every_margin
@pytest.mark.parametrize("step_size", [TrustRegion(), Adaptive()], ids=repr)
def test_two_actions_of_the_tangent_take_the_steps_of_softmax(step_size, margin):
    expected = step_of(step_size, NegativeEntropy(), margin)
    eta = step_of(step_size, HyperbolicTangent(), margin)
    np.testing.assert_allclose(eta, expected, rtol=1e-8)


@every_margin
def test_a_pole_of_the_users_potential_does_not_freeze_the_policy(margin):
    expected = step_of(TrustRegion(), NegativeEntropy(), margin)
    eta = step_of(TrustRegion(), OWN_TANGENT, margin)
    np.testing.assert_allclose(eta, expected, rtol=1e-6)
