"""Policies and samples as tables, for step sizes to look at."""

from types import SimpleNamespace

import numpy as np
import pytest

from skampo.mirror_maps import (
    Euclidean,
    HyperbolicEntropy,
    HyperbolicTangent,
    NegativeEntropy,
    Tsallis,
)

MAPS = [
    NegativeEntropy(),
    Euclidean(),
    Tsallis(q=0.5),
    Tsallis(q=1.5),
    HyperbolicEntropy(),
    HyperbolicTangent(),
]
RNG = np.random.default_rng(0)
Q_VALUES = RNG.normal(size=(30, 3))
SCORES = RNG.normal(size=(30, 3))

every_map = pytest.mark.parametrize("mirror_map", MAPS, ids=repr)


def make_policy(scores, mirror_map=MAPS[0]):
    dual = mirror_map.dual(scores)

    def step(q_values, eta):
        return mirror_map.project(dual + eta * q_values)

    return SimpleNamespace(
        mirror_map=mirror_map, dual=dual, proba=mirror_map.project(scores), step=step
    )


def make_sample(
    q_values, sample_weight=None, gamma=0.9, reward_range=1.0, expected_return=None
):
    return SimpleNamespace(
        q_values=np.asarray(q_values, dtype=float),
        sample_weight=sample_weight,
        gamma=gamma,
        reward_range=reward_range,
        expected_return=expected_return,
    )


def uniform_policy(n=1, n_actions=2):
    return make_policy(np.zeros((n, n_actions)))
