"""Environments of another kind than those of the fit are refused."""

import re

import gymnasium
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy
from skampo.preprocessing import EnvTransformer

WORDS = "fitted to observations of 4 features, and those of this environment have 1."


@pytest.fixture
def transformer():
    scaler = EnvTransformer(StandardScaler(), n_steps=64, random_state=0)
    return scaler.fit("CartPole-v1")


def test_one_number_is_not_spread_over_the_features(transformer):
    for env in (
        transformer.transform("FrozenLake-v1")(),
        transformer.transform(gymnasium.make("FrozenLake-v1")),
    ):
        with pytest.raises(ValueError, match=re.escape(WORDS)):
            env.reset(seed=0)


def test_nothing_is_learned_of_them(transformer):
    policy = AMPOPolicy(Ridge(), max_iter=1, steps_per_iter=32)
    with pytest.raises(ValueError, match=re.escape(WORDS)):
        policy.fit(transformer.transform("FrozenLake-v1"))


def test_another_fit_changes_no_environment(transformer):
    env = transformer.transform("CartPole-v1")()
    before, _ = env.reset(seed=0)
    transformer.fit("FrozenLake-v1")
    after, _ = env.reset(seed=0)
    assert (before == after).all()
