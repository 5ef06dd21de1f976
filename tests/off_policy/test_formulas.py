"""Formulas of off-policy estimates: resampling, tails, blends."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skampo.off_policy._bootstrap import RatioSum, effective_size
from skampo.off_policy._magic import smallest_on_simplex
from skampo.off_policy._tails import pareto_shape

RNG = np.random.default_rng(0)
N = 600
REWARDS = np.tile([0.0, 1.0], N // 2) + RNG.normal(size=N)


def test_intervals_allow_for_what_a_log_is_too_short_to_show():
    # Without the allowance they covered 92.7 %.
    tail = 1.2
    rng = np.random.default_rng(0)
    covered = []
    for seed in range(300):
        ratio = RatioSum.mean(rng.lognormal(sigma=tail, size=150))
        low, high = ratio.interval(0.95, 300, seed)
        covered.append(low <= np.exp(tail**2 / 2) <= high)
    assert 0.94 <= np.mean(covered) <= 0.98


def test_the_blend_minimizes():
    rng = np.random.default_rng(0)
    for _ in range(20):
        root = rng.normal(size=(4, 4))
        matrix = root @ root.T
        found = smallest_on_simplex(matrix)
        others = rng.dirichlet(np.ones(4), size=500)
        values = np.einsum("ij,jk,ik->i", others, matrix, others)
        assert found @ matrix @ found <= values.min() + 1e-9
        assert found.sum() == pytest.approx(1)
        assert found.min() >= 0


def test_influence_is_the_jackknife_to_first_order():
    rng = np.random.default_rng(0)
    ratio = RatioSum(rng.random((200, 3)), 1 + rng.random((200, 3)))
    counts = 1.0 - np.eye(200)
    removed, _ = ratio.resample(counts)
    added = ratio.influence().sum(axis=1)
    assert_allclose(ratio.estimate() - removed, added, rtol=0.05, atol=1e-5)


def test_effective_size():
    assert effective_size(np.ones(7)) == pytest.approx(7)
    assert effective_size(np.array([1e300, 1e300, 0])) == pytest.approx(2)
    assert effective_size(np.zeros(3)) == 0


@pytest.mark.parametrize("shape", [0.2, 0.7, 1.2])
def test_the_shape_of_a_tail(shape):
    uniform = np.random.default_rng(0).random(50_000)
    assert_allclose(pareto_shape((uniform**-shape - 1) / shape), shape, atol=0.12)


def test_a_tail_that_is_none():
    assert np.isnan(pareto_shape(np.tile([0.5, 2.0], 500)))
    assert np.isnan(pareto_shape(np.arange(20.0)))


def test_resamples_come_in_blocks():
    ratio = RatioSum.mean(REWARDS)
    # Ten million counts at once are 16,666 resamples of 600 episodes.
    blocks = list(ratio.draws(20_000, 0))
    assert [len(block) for block in blocks] == [16_666, 3_334]
    (first,) = ratio.draws(16_666, 0)
    assert (blocks[0] == first).all()
    assert (blocks[1] != first[:3_334]).any()
