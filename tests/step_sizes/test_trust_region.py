"""Trust regions in the direction of TRPO."""

import numpy as np
import pytest

from skampo.mirror_maps import Euclidean
from skampo.step_sizes import TrustRegion
from tests.step_sizes.tables import (
    Q_VALUES,
    SCORES,
    every_map,
    make_policy,
    make_sample,
    uniform_policy,
)


def test_the_other_direction_by_hand():
    # From the uniform row, p = sigmoid(eta) is left at -log(4 p (1 - p)) / 2.
    step_size = TrustRegion(0.1, direction="old_from_new")
    eta = step_size(0, uniform_policy(), make_sample([[0, 1]]))
    p = 1 / (1 + np.exp(-eta))
    np.testing.assert_allclose(-np.log(4 * p * (1 - p)) / 2, 0.1, rtol=1e-8)


@every_map
@pytest.mark.parametrize("max_divergence", [1e-6, 0.01, 0.1, 0.3])
def test_the_other_direction_is_reached_and_not_crossed(mirror_map, max_divergence):
    policy, sample = make_policy(SCORES, mirror_map), make_sample(Q_VALUES)
    step_size = TrustRegion(max_divergence, direction="old_from_new")
    new = policy.step(sample.q_values, step_size(0, policy, sample))
    reached = mirror_map.divergence(policy.proba, new).mean()
    assert reached <= max_divergence * (1 + 1e-9)
    np.testing.assert_allclose(reached, max_divergence, rtol=1e-6)


def test_the_directions_agree_on_short_steps_and_not_on_long_ones():
    policy, sample = make_policy(SCORES), make_sample(Q_VALUES)
    for max_divergence, low, high in [(1e-8, 0.999, 1.001), (1.0, 0.3, 0.9)]:
        there = TrustRegion(max_divergence)(0, policy, sample)
        back = TrustRegion(max_divergence, direction="old_from_new")
        assert low < back(0, policy, sample) / there < high


def test_the_euclidean_distance_has_no_direction():
    policy, sample = make_policy(SCORES, Euclidean()), make_sample(Q_VALUES)
    there = TrustRegion()(0, policy, sample)
    back = TrustRegion(direction="old_from_new")(0, policy, sample)
    np.testing.assert_allclose(there, back, rtol=1e-8)


def test_an_unknown_direction():
    step_size = TrustRegion(direction="both")
    with pytest.raises(ValueError, match=r"'direction' parameter.*old_from_new"):
        step_size(0, uniform_policy(), make_sample([[0, 1]]))
