"""Interquartile means and probabilities of improvement, with their intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.stats import mannwhitneyu, trim_mean
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError
from skampo.model_selection import compare
from skampo.preprocessing import EnvTransformer
from tests.scripted import RewardingEnv

SMALL = {"max_iter": 1, "steps_per_iter": 40, "n_envs": 2}
RETURNS = arrays(float, (3, 6), elements=st.integers(-20, 20).map(float))


def always(action):
    return DummyClassifier(strategy="constant", constant=action).fit([[0]] * 2, [0, 1])


def of(returns, **options):
    return compare(returns=returns, **{"random_state": 0, **options})


def improvement(a, b):
    found = of({"a": a, "b": b}).probability_of_improvement
    return found["a", "b"].estimate


def test_the_interquartile_mean_by_hand():
    # Of eight the lowest two and the highest two are left out: (3 + 4 + 5 + 6) / 4.
    returns = np.array([[1.0, 3.0, 5.0, 700.0], [-9.0, 4.0, 6.0, 8.0]])
    assert of({"a": returns}).interquartile_mean["a"].estimate == 4.5
    # Of six, one and a half are a quarter, and whole ones are left out.
    six = np.array([[0.0, 1.0, 2.0, 3.0, 40.0, 50.0]])
    assert of({"a": six}).interquartile_mean["a"].estimate == 11.5


def test_the_probability_of_improvement_by_hand():
    a, b = np.array([[3.0, 5.0], [1.0, 5.0]]), np.array([[2.0, 5.0]])
    # Episode 0: 3 > 2 and 1 < 2; episode 1: equal, equal.
    assert improvement(a, b) == pytest.approx((1 + 0 + 0.5 + 0.5) / 4)
    # The same numbers in other episodes: 3 < 5 and 1 < 5, 5 > 2 and 5 > 2.
    assert improvement(a, b[:, ::-1]) == pytest.approx(0.5)
    assert improvement(a + 1, b) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_as_scipy_has_them():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(7, 5)), rng.normal(0.5, size=(4, 5))
    found = of({"a": a, "b": b})
    assert_allclose(
        found.interquartile_mean["a"].estimate, trim_mean(a, 0.25, axis=None)
    )
    # An episode is what a task is to Agarwal et al.: U / (N M), averaged over them.
    wanted = np.mean(mannwhitneyu(a, b, axis=0).statistic) / (7 * 4)
    assert_allclose(found.probability_of_improvement["a", "b"].estimate, wanted)


@settings(deadline=None, max_examples=10)
@given(RETURNS, RETURNS, st.integers(-5, 5))
def test_invariants(a, b, shift):
    first = of({"a": a, "b": b})
    p, q = (first.probability_of_improvement[pair] for pair in [("a", "b"), ("b", "a")])
    assert_allclose(p, 1 - np.array([q.estimate, q.high, q.low]))
    mean = first.interquartile_mean["a"]
    assert a.min() <= mean.low <= mean.high <= a.max()
    assert 0 <= p.low <= p.high <= 1
    # A shift of all returns moves the means and no probability.
    moved = of({"a": a + shift, "b": b + shift})
    assert_allclose(moved.interquartile_mean["a"], np.add(mean, shift), atol=1e-9)
    assert moved.probability_of_improvement["a", "b"] == p
    # The order of fits, and of the episodes of all, says nothing.
    swapped = of({"a": a[::-1, ::-1], "b": b[:, ::-1]})
    assert_allclose(swapped.interquartile_mean["a"].estimate, mean.estimate)
    assert_allclose(swapped.probability_of_improvement["a", "b"].estimate, p.estimate)


def test_what_all_share_cancels_in_pairs():
    rng = np.random.default_rng(0)
    hard = 100 * rng.normal(size=(1, 40))
    a, b = rng.normal(size=(1, 40)) + hard, rng.normal(-2, size=(1, 40)) + hard
    paired, torn = of({"a": a, "b": b}), of({"a": a, "b": np.roll(b, 7, axis=1)})
    low, torn_low = (x.probability_of_improvement["a", "b"].low for x in (paired, torn))
    assert low > 0.75 > torn_low


def test_more_confidence_is_wider():
    returns = {"a": np.random.default_rng(0).normal(size=(8, 50))}
    widths = [
        np.ptp(of(returns, confidence=confidence).interquartile_mean["a"])
        for confidence in (0.5, 0.95, 0.99)
    ]
    assert widths[0] < widths[1] < widths[2]


def coverage(n_fits, n_rounds):
    """Share of the intervals that hold 0, with half of the variance between fits."""
    rng, held = np.random.default_rng(0), 0
    for seed in range(n_rounds):
        fits, episodes = rng.normal(size=(n_fits, 1)), rng.normal(size=(1, 30))
        returns = fits + episodes + 0.5 * rng.normal(size=(n_fits, 30))
        mean = of({"a": returns}, random_state=seed).interquartile_mean["a"]
        held += mean.low <= 0 <= mean.high
    return held / n_rounds


@pytest.mark.slow
def test_intervals_of_few_fits_hold_what_they_say():
    # Plain quantiles hold 0 in 0.88 of the cases; the error of 300 rounds is 0.013.
    assert 0.92 < coverage(n_fits=4, n_rounds=300) < 0.99


def test_returns_that_do_not_differ_are_certain():
    found = of({"a": np.full((2, 5), 3.0), "b": np.full((2, 5), 3.0)})
    assert found.interquartile_mean["a"] == (3.0, 3.0, 3.0)
    assert found.probability_of_improvement["b", "a"] == (0.5, 0.5, 0.5)


def test_all_play_the_same_episodes():
    fits = [AMPOPolicy(**SMALL, random_state=seed).fit(RewardingEnv) for seed in (0, 1)]
    pipe = make_pipeline(EnvTransformer(FunctionTransformer()), AMPOPolicy(**SMALL))
    policies = {"ours": fits, "always 1": always(1), "pipe": pipe.fit(RewardingEnv)}
    found = compare(policies, RewardingEnv, n_episodes=4, random_state=0)
    assert {n: r.shape for n, r in found.returns.items()} == {
        "ours": (2, 4),
        "always 1": (1, 4),
        "pipe": (1, 4),
    }
    # Of five steps two want action 1.
    assert (found.returns["always 1"] == 2).all()
    again = compare(policies, RewardingEnv, n_episodes=4, random_state=0)
    assert str(again) == str(found)
    assert "always 1: 2 (2 to 2), fits: 1" in str(found)


def test_returns_from_elsewhere_join_those_that_are_played():
    played = compare({"zero": always(0)}, RewardingEnv, n_episodes=4, random_state=0)
    options = {"n_episodes": 4, "random_state": 0, "returns": played.returns}
    found = compare({"one": always(1)}, RewardingEnv, **options)
    both = {"one": always(1), "zero": always(0)}
    assert str(found) == str(compare(both, RewardingEnv, n_episodes=4, random_state=0))
    with pytest.raises(InvalidParameterError, match=r"different names. Got \['zero'\]"):
        compare({"zero": always(0)}, RewardingEnv, **options)
    with pytest.raises(InvalidParameterError, match="'returns' parameter of compare"):
        compare(returns=[[1.0, 2.0]])


def test_the_seed_chooses_the_episodes():
    policies = {"left": always(0), "again": always(0)}
    first, second = (
        compare(policies, "CartPole-v1", n_episodes=8, random_state=seed).returns
        for seed in (0, 1)
    )
    assert (first["left"] == first["again"]).all()
    assert (first["left"] != second["left"]).any()


@pytest.mark.parametrize(
    ("policies", "options", "message"),
    [
        ([always(0)], {}, "'policies' parameter of compare must be a dict"),
        ({}, {}, "at least one name"),
        (None, {"returns": {}}, "at least one name"),
        ({"a": []}, {}, r"at least one fitted policy of each name. Got \[\('a', 0\)\]"),
        ({"a": always(0)}, {"n_episodes": 1}, "'n_episodes' parameter of compare"),
        ({"a": always(0)}, {"confidence": 95}, "'confidence' parameter of compare"),
    ],
)
def test_what_is_refused(policies, options, message):
    with pytest.raises(InvalidParameterError, match=message):
        compare(policies, RewardingEnv, **options)


@pytest.mark.parametrize(
    "returns",
    [{"a": 3.0}, {"a": np.ones(3)}, {"a": np.ones((2, 3)), "b": np.ones((2, 4))}],
)
def test_returns_of_other_shapes_are_refused(returns):
    with pytest.raises(InvalidParameterError, match="the shape"):
        of(returns)


def test_returns_that_are_not_finite_are_refused():
    with pytest.raises(InvalidParameterError, match="must be finite"):
        of({"a": np.array([[1.0, np.nan]])})


def test_no_environment():
    with pytest.raises(ValueError, match="needs environments"):
        compare({"a": always(0)}, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="needs environments"):
        compare({"a": always(0)})
