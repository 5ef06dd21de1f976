"""Hand-computed step sizes, their caps, and their errors."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skampo.mirror_maps import Euclidean
from skampo.step_sizes import (
    Adaptive,
    Constant,
    Geometric,
    Normalized,
    StepSize,
    TrustRegion,
)
from tests.step_sizes.tables import (
    Q_VALUES,
    RNG,
    SCORES,
    every_map,
    make_policy,
    make_sample,
    uniform_policy,
)

FINITE = [Geometric(), Normalized(), TrustRegion(), Adaptive()]
LARGEST = np.finfo(float).max

every_finite = pytest.mark.parametrize("step_size", FINITE, ids=repr)


def divergence_of(eta, policy, sample):
    divergence = policy.mirror_map.divergence(
        policy.step(sample.q_values, eta), policy.proba
    )
    return np.average(divergence, weights=sample.sample_weight)


def scale_of(q_values, weights=None, eta=1.0):
    """The unit of action values, which `Normalized` divides its step by."""
    sample = make_sample(q_values, weights)
    return eta / Normalized(eta)(0, uniform_policy(*sample.q_values.shape), sample)


class TestScale:
    def test_by_hand(self):
        # Centered rows are (-1, 1) and (-3, 3): mean square 5.
        np.testing.assert_allclose(scale_of([[2.0, 4.0], [7.0, 13.0]]), np.sqrt(5))

    def test_weights(self):
        scale = scale_of([[2.0, 4.0], [7.0, 13.0]], np.array([3.0, 1.0]))
        np.testing.assert_allclose(scale, np.sqrt(3))

    @pytest.mark.parametrize("c", [1e-300, 1e-9, 1e150, 1e300])
    def test_size_of_the_values(self, c):
        scale, unit = scale_of(c * Q_VALUES, eta=c), scale_of(Q_VALUES)
        np.testing.assert_allclose(scale / c, unit, rtol=1e-12)

    @pytest.mark.parametrize("size", [LARGEST, 5e-324])
    def test_the_largest_float_and_the_smallest(self, size):
        sample = make_sample([[size, -size], [0.0, size]])
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            eta = Normalized(size)(0, uniform_policy(2), sample)
        # Centered rows are (1, -1) and (-1/2, 1/2); below 5e-324 there is nothing.
        expected = np.sqrt(1 / 0.625) if size == LARGEST else 1.0
        np.testing.assert_allclose(eta, expected)

    @pytest.mark.parametrize("size", [0.0, 0.1, -7.3, 1e300])
    def test_constant_rows_have_no_scale(self, size):
        rows = np.random.default_rng(0).normal(size=(50, 1))
        assert scale_of(size * np.repeat(rows, 3, axis=1)) == 1

    def test_tiny_differences_beside_large_values(self):
        scale = scale_of([[1.0, 1.0], [0.0, 1e-200]])
        np.testing.assert_allclose(scale, 1e-200 / np.sqrt(8))

    def test_differences_without_weight_have_no_scale(self):
        assert scale_of([[0.0, 1.0], [2.0, 2.0]], np.array([0.0, 1.0])) == 1


@pytest.mark.parametrize(
    ("eta", "expected"),
    [(2.0, 2.0), (5e-324, np.finfo(float).tiny), (LARGEST, LARGEST)],
)
def test_steps_are_positive_and_finite(eta, expected):
    # A unit of 1, and of 1e-9 where the step would be infinite.
    unit = 1e-9 if eta == LARGEST else 1.0
    sample = make_sample([[unit, -unit]])
    assert Normalized(eta)(0, uniform_policy(), sample) == expected


class TestConstant:
    def test_returned_as_it_is(self):
        assert [Constant(eta=1e200)(t, None, None) for t in (0, 9)] == [1e200] * 2

    def test_infinity_is_called_greedy(self):
        with pytest.raises(ValueError, match="use step_size='greedy' for an inf"):
            Constant(eta=np.inf)(0, None, None)


def test_greedy_is_infinite():
    assert StepSize.by_name["greedy"]()(3, None, None) == np.inf


def on_model(q_values, **keywords):
    return make_sample(q_values, expected_return=0.0, **keywords)


class TestGeometric:
    def test_defaults_on_a_model_by_hand(self):
        sample = on_model([[0.0, 1.0, 0.0, 0.0]], gamma=0.8)
        steps = [Geometric()(t, None, sample) for t in range(3)]
        first = np.log(4) * 0.2 / 0.8
        np.testing.assert_allclose(steps, [first, first / 0.8, first / 0.64])

    @pytest.mark.parametrize("unit", [1e-100, 1.0, 1e6])
    def test_defaults_without_a_model_by_hand(self, unit):
        # Centered: -4, 4 and 0, 0, whose root mean square is sqrt(8).
        sample = make_sample([[0.0, 8.0 * unit], [unit, unit]], gamma=0.8)
        steps = [Geometric()(t, None, sample) for t in range(3)]
        first = np.log(2) / np.sqrt(8)
        expected = np.array([first, first / 0.8, first / 0.64]) / unit
        np.testing.assert_allclose(steps, expected)

    @pytest.mark.parametrize("sample", [make_sample, on_model])
    def test_a_first_step_that_is_given_has_no_unit(self, sample):
        step = Geometric(eta0=3.0)(1, None, sample([[0.0, 8.0]], gamma=0.5))
        assert step == 6.0

    def test_parameters_by_hand(self):
        sample = make_sample([[0.0, 1.0]])
        assert Geometric(eta0=3.0, ratio=2.0)(4, None, sample) == 48.0

    @pytest.mark.parametrize("t", [0, 7])
    def test_in_a_bandit_it_is_the_cap(self, t):
        sample = make_sample([[0.0, 4.0]], gamma=0.0)
        np.testing.assert_allclose(Geometric()(t, None, sample), 5e11)

    def test_one_parameter_in_a_bandit(self):
        sample = make_sample([[0.0, 4.0]], gamma=0.0)
        growing = [Geometric(eta0=3.0)(t, None, sample) for t in range(3)]
        np.testing.assert_allclose(growing, [3.0, 5e11, 5e11])
        falling = [Geometric(ratio=0.1)(t, None, sample) for t in (0, 1, 2, 10**6)]
        np.testing.assert_allclose(falling, [5e11, 5e10, 5e9, 0.0], atol=1e-300)
        assert falling[-1] > 0

    @pytest.mark.parametrize("t", [0, 7])
    def test_without_discount_it_is_constant(self, t):
        sample = make_sample([[0.0, 4.0]], gamma=1.0)
        np.testing.assert_allclose(Geometric()(t, None, sample), np.log(2) / 2)

    def test_one_action(self):
        for gamma, expected in [(0.0, 1e12), (0.5, 1.0), (0.8, 0.25)]:
            step = Geometric()(0, None, on_model([[2.0]], gamma=gamma))
            np.testing.assert_allclose(step, expected)

    @pytest.mark.parametrize("c", [1e-300, 1.0, 1e300])
    def test_cap(self, c):
        sample = make_sample([[0.0, 2.0 * c]], gamma=0.5)
        step = Geometric()(10**6, None, sample)
        np.testing.assert_allclose(step, min(1e12 / c, LARGEST))

    @pytest.mark.parametrize("name", ["eta0", "ratio"])
    def test_errors_name_the_default_as_well(self, name):
        with pytest.raises(ValueError, match=f"'{name}' .*must be None or a float"):
            Geometric(**{name: -1.0})(0, None, make_sample([[0.0, 1.0]]))

    def test_a_vanishing_step_stays_positive(self):
        sample = make_sample([[0.0, 1.0]])
        assert Geometric(eta0=1.0, ratio=0.5)(10**6, None, sample) > 0


class TestTrustRegion:
    def test_two_actions_by_hand(self):
        # From the uniform row, p = sigmoid(eta) costs log 2 less its entropy.
        eta = TrustRegion(max_divergence=0.1)(
            0, uniform_policy(), make_sample([[0, 1]])
        )
        p = 1 / (1 + np.exp(-eta))
        cost = np.log(2) + p * np.log(p) + (1 - p) * np.log(1 - p)
        np.testing.assert_allclose(cost, 0.1, rtol=1e-8)

    @every_map
    @pytest.mark.parametrize("max_divergence", [1e-6, 0.01, 0.1, 0.3])
    def test_the_divergence_is_reached_and_not_crossed(
        self, mirror_map, max_divergence
    ):
        policy, sample = make_policy(SCORES, mirror_map), make_sample(Q_VALUES)
        eta = TrustRegion(max_divergence)(0, policy, sample)
        reached = divergence_of(eta, policy, sample)
        assert reached <= max_divergence * (1 + 1e-9)
        np.testing.assert_allclose(reached, max_divergence, rtol=1e-6)

    def test_euclidean_by_hand(self):
        # Inside the simplex the policy moves by eta times the centered values.
        policy = make_policy([[0.5, 0.5]], Euclidean())
        eta = TrustRegion(max_divergence=0.04)(0, policy, make_sample([[0.0, 1.0]]))
        np.testing.assert_allclose(eta, 0.4, rtol=1e-8)

    def test_weights_are_repetitions(self):
        weights = RNG.integers(0, 4, size=30)
        repeated = np.repeat(np.arange(30), weights)
        weighted = TrustRegion()(
            0, make_policy(SCORES), make_sample(Q_VALUES, weights.astype(float))
        )
        plain = TrustRegion()(
            0, make_policy(SCORES[repeated]), make_sample(Q_VALUES[repeated])
        )
        np.testing.assert_allclose(weighted, plain, rtol=1e-8)

    @given(exponent=st.floats(-300, 300), shift=st.sampled_from([0.0, -1.0, 3.0]))
    @settings(max_examples=50, deadline=None)
    def test_unit_of_the_rewards(self, exponent, shift):
        c = 10.0**exponent
        policy = make_policy(SCORES)
        eta = TrustRegion()(0, policy, make_sample(Q_VALUES))
        scaled = TrustRegion()(0, policy, make_sample(c * (Q_VALUES + shift)))
        np.testing.assert_allclose(scaled * c, eta, rtol=1e-8)

    @every_map
    def test_cap_of_a_deterministic_policy(self, mirror_map):
        policy = make_policy([[1e3, 0.0]], mirror_map)
        eta = TrustRegion(max_step=7.0)(0, policy, make_sample([[2.0, 0.0]]))
        np.testing.assert_allclose(eta, 7.0)

    def test_cap_below_the_first_guess(self):
        eta = TrustRegion(max_divergence=10.0, max_step=0.25)(
            0, uniform_policy(), make_sample([[2.0, 0.0]])
        )
        np.testing.assert_allclose(eta, 0.25)

    def test_an_underflown_probability_does_not_freeze_the_policy(self):
        # The first state's second action comes back from 0 to a subnormal number.
        policy = make_policy([[0.0, -750.0], [0.0, 0.0]])
        sample = make_sample([[0.0, 10.0], [0.0, 1.0]])
        eta = TrustRegion(max_divergence=0.1)(0, policy, sample)
        assert policy.proba[0, 1] == 0 < policy.step(sample.q_values, eta)[0, 1]
        moved = policy.step(sample.q_values, eta)[1:]
        cost = policy.mirror_map.divergence(moved, policy.proba[1:])
        np.testing.assert_allclose(cost / 2, 0.1, rtol=1e-6)

    def test_before_a_jump(self):
        policy = uniform_policy()
        policy.step = lambda q_values, eta: np.eye(2)[:1] if eta > 0.3 else policy.proba
        eta = TrustRegion()(0, policy, make_sample([[2.0, 0.0]]))
        assert 0.3 - 1e-12 < eta <= 0.3

    def test_without_any_short_enough_step_it_is_tiny(self):
        policy = uniform_policy()
        policy.step = lambda q_values, eta: np.eye(2)[:1]
        eta = TrustRegion()(0, policy, make_sample([[2.0, 0.0]]))
        assert 1e-40 < eta < 1e-12

    @every_map
    def test_few_evaluations(self, mirror_map):
        policy, calls = make_policy(SCORES, mirror_map), []
        exact_step = policy.step

        def step(q_values, eta):
            calls.append(eta)
            return exact_step(q_values, eta)

        policy.step = step
        TrustRegion()(0, policy, make_sample(Q_VALUES))
        assert len(calls) <= 16


class TestAdaptive:
    def test_by_hand(self):
        # States: -log 0.25 = log 4 is the larger distance; c = 2 * 0.5**4 * 3.
        policy = make_policy(np.log([[0.25, 0.75], [0.5, 0.5]]))
        sample = make_sample([[1, 0], [0, 1]], gamma=0.5, reward_range=3.0)
        eta = Adaptive(c0=2.0)(1, policy, sample)
        np.testing.assert_allclose(eta, np.log(4) / (2 * 0.5**4 * 3))

    def test_nearest_of_tied_actions(self):
        policy = make_policy(np.log([[0.2, 0.5, 0.3]]))
        eta = Adaptive()(0, policy, make_sample([[1, 1, 0]]))
        np.testing.assert_allclose(eta, np.log(2) / 0.81)

    def test_states_without_weight_are_left_out(self):
        policy = make_policy(np.log([[0.25, 0.75], [0.5, 0.5]]))
        sample = make_sample([[1, 0], [0, 1]], sample_weight=[0.0, 1.0])
        np.testing.assert_allclose(Adaptive()(0, policy, sample), np.log(2) / 0.81)

    def test_constant_reward_counts_as_a_range_of_1(self):
        policy, q_values = uniform_policy(), [[0.0, 1.0]]
        np.testing.assert_allclose(
            Adaptive()(0, policy, make_sample(q_values, reward_range=0.0)),
            Adaptive()(0, policy, make_sample(q_values, reward_range=1.0)),
        )

    def test_unit_of_the_rewards(self):
        policy = make_policy(SCORES)
        eta = Adaptive()(2, policy, make_sample(Q_VALUES))
        for c in (1e-300, 1e-3, 1e300):
            sample = make_sample(c * Q_VALUES, reward_range=c)
            np.testing.assert_allclose(Adaptive()(2, policy, sample) * c, eta)

    @pytest.mark.parametrize(
        ("t", "gamma", "scores"),
        [(10**6, 0.9, [[0.0, 0.0]]), (0, 0.0, [[0.0, 0.0]]), (0, 0.9, [[0.0, -1e4]])],
        ids=["late", "gamma 0", "infinite divergence"],
    )
    def test_cap(self, t, gamma, scores):
        sample = make_sample([[0.0, 4.0]], gamma=gamma)
        np.testing.assert_allclose(Adaptive()(t, make_policy(scores), sample), 5e11)

    @pytest.mark.parametrize("gamma", [0.0, 0.9])
    def test_a_greedy_policy_gets_the_smallest_step(self, gamma):
        sample = make_sample([[4.0, 0.0]], gamma=gamma)
        eta = Adaptive()(0, make_policy([[0.0, -1e4]]), sample)
        np.testing.assert_allclose(eta, 5e-7)


@every_finite
@every_map
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "q_values",
    [
        np.zeros((4, 3)),
        np.full((4, 3), 0.1),
        np.full((4, 3), 1e300),
        np.eye(4)[:, :3] * 1e300,
        np.eye(4)[:, :3] * 1e-300,
        np.eye(4)[:, :3] * 5e-324,
        np.ones((4, 1)),
    ],
    ids=["zero", "constant", "huge constant", "huge", "small", "subnormal", "alone"],
)
@pytest.mark.filterwarnings("error")
def test_finite_and_positive(step_size, mirror_map, gamma, q_values):
    rng = np.random.default_rng(0)
    for size in (0.0, 1.0, 1e4):
        policy = make_policy(size * rng.normal(size=q_values.shape), mirror_map)
        for t in (0, 5, 10**5):
            eta = step_size(t, policy, make_sample(q_values, gamma=gamma))
            assert type(eta) is float
            assert 0 < eta <= LARGEST


@pytest.mark.parametrize("value", [-1.0, 0, np.inf, np.nan, "big"])
@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (Constant, "eta"),
        (Geometric, "eta0"),
        (Geometric, "ratio"),
        (TrustRegion, "max_divergence"),
        (TrustRegion, "max_step"),
        (Adaptive, "c0"),
    ],
)
def test_parameters_are_checked_on_use(cls, name, value):
    message = rf"The '{name}' parameter of {cls.__name__} must be .*float in the range"
    step_size = cls(**{name: value})
    with pytest.raises(ValueError, match=rf"{message}.* Got {value!r} instead\."):
        step_size(0, uniform_policy(), make_sample([[0.0, 1.0]]))


@pytest.mark.parametrize("name", StepSize.by_name)
def test_named_step_sizes_are_estimators(name):
    step_size = StepSize.by_name[name]()
    assert isinstance(step_size, StepSize)
    copy = pickle.loads(pickle.dumps(clone(step_size)))
    arguments = 0, uniform_policy(), make_sample([[0.0, 1.0]])
    assert copy(*arguments) == step_size(*arguments)


class TestNormalized:
    def test_by_hand(self):
        # Centered: -1, 1 and 0, 0, whose root mean square is sqrt(1 / 2).
        sample = make_sample([[0.0, 2.0], [5.0, 5.0]])
        assert Normalized(0.3)(7, None, sample) == pytest.approx(0.3 * np.sqrt(2))

    def test_weights(self):
        sample = make_sample([[0.0, 2.0], [5.0, 5.0]], np.array([1.0, 0.0]))
        assert Normalized(0.3)(0, None, sample) == pytest.approx(0.3)

    @given(st.floats(1e-200, 1e200))
    def test_the_unit_of_the_rewards_does_not_matter(self, unit):
        plain = Normalized()(0, None, make_sample(Q_VALUES))
        scaled = Normalized()(0, None, make_sample(unit * Q_VALUES))
        assert scaled * unit == pytest.approx(plain)

    @pytest.mark.parametrize("eta", [0, -1, np.inf, np.nan, "1", True])
    def test_errors(self, eta):
        with pytest.raises(ValueError, match="'eta' parameter of Normalized"):
            Normalized(eta)(0, None, make_sample(Q_VALUES))


def test_names():
    assert list(StepSize.by_name) == [
        "constant",
        "normalized",
        "geometric",
        "trust_region",
        "adaptive",
        "greedy",
    ]
