"""Transformed rollouts are hardly slower than others."""

import pytest
from sklearn.preprocessing import StandardScaler

from skampo.preprocessing import EnvTransformer
from tests.benchmarks.env_transformer import ID, ratio


@pytest.mark.slow
def test_a_scaler_costs_at_most_half_of_the_steps_per_second():
    transformer = EnvTransformer(StandardScaler(), random_state=0).fit(ID)
    assert ratio(transformer.transform(ID)) <= 1.5
