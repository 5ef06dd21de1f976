import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skampo.data import discounted_returns, lambda_returns, retrace_returns

REWARDS = [1.0, 2.0, 3.0, 4.0, 5.0]
ENDS = [False, True, False, False, True]
GAMMA = 0.5


def test_discounted_returns_by_hand():
    discounts = [0.5, 0.5, 0.5, 0.5, 0.0]
    # 2 + .5 * 10; 1 + .5 * 7; 5; 4 + .5 * 5; 3 + .5 * 6.5
    expected = [4.5, 7.0, 6.25, 6.5, 5.0]
    result = discounted_returns(REWARDS, discounts, ENDS, [10.0, 99.0])
    assert_array_equal(result, expected)


@pytest.mark.parametrize(
    "final_values", [3.0, [3.0, 3.0], [9.0, 3.0, 9.0, 9.0, 3.0], np.float64(3.0)]
)
def test_final_values_in_every_form(final_values):
    result = discounted_returns(REWARDS, [0.5] * 5, ENDS, final_values)
    assert_array_equal(result, [2.75, 3.5, 6.625, 7.25, 6.5])


def test_lambda_returns_by_hand():
    discounts = [0.5, 0.5, 0.5, 0.0, 0.5]
    values = [10.0, 20.0, 30.0, 40.0, 50.0]
    ends = [False, True, False, True, True]
    # 2 + .5 * 20; 1 + .5 (.75 * 10 + .25 * 12); 4; 3 + .5 (.75 * 30 + .25 * 4)
    expected = [6.25, 12.0, 14.75, 4.0, 30.0]
    result = lambda_returns(REWARDS, discounts, values, ends, 0.25)
    assert_array_equal(result, expected)


def test_retrace_returns_by_hand():
    discounts = [0.5, 0.5, 0.5, 0.0, 0.5]
    values = [10.0, 20.0, 30.0, 40.0, 50.0]
    q_taken = [1.0, 2.0, 4.0, 8.0, 16.0]
    ends = [False, True, False, True, True]
    # The weight of a trajectory's first row is never used.
    traces = [9.0, 0.5, 9.0, 0.25, 9.0]
    # 2 + .5 * 20; 1 + .5 (10 + .5 (12 - 2)); 4; 3 + .5 (30 + .25 (4 - 8)); 5 + .5 * 50
    expected = [8.5, 12.0, 17.5, 4.0, 30.0]
    result = retrace_returns(REWARDS, discounts, values, q_taken, ends, traces)
    assert_array_equal(result, expected)


def test_an_infinite_return_spoils_its_own_trajectory_only():
    rewards, ends = [4.0, 1.0, np.inf, 2.0, 3.0], [True, False, False, True, True]
    result = discounted_returns(rewards, [0.5] * 5, ends, 2.0)
    assert_array_equal(result, [5.0, np.inf, np.inf, 3.0, 4.0])
    # Nothing follows what ends, were it infinite.
    result = discounted_returns([2.0, 1.0, np.inf], [0.5, 0.0, 0.5], [0, 0, 1], 0.0)
    assert_array_equal(result, [2.5, 1.0, np.inf])


def test_termination_forgets_the_value_and_truncation_does_not():
    for terminated, expected in ((True, 1.0), (False, 6.0)):
        discounts = [GAMMA * (1 - terminated)]
        assert lambda_returns([1.0], discounts, [10.0], [True], 0.9) == [expected]
        assert discounted_returns([1.0], discounts, [True], 10.0) == [expected]


@st.composite
def trajectories(draw):
    n = draw(st.integers(1, 12))
    numbers = st.lists(st.floats(-100, 100), min_size=n, max_size=n)
    ends = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    ends[-1] = True
    discounts = draw(st.lists(st.sampled_from([0.0, 0.9]), min_size=n, max_size=n))
    return map(np.array, (draw(numbers), discounts, draw(numbers), ends))


@given(trajectories())
def test_lambda_one_is_the_discounted_return(case):
    rewards, discounts, values, ends = case
    expected = discounted_returns(rewards, discounts, ends, values)
    result = lambda_returns(rewards, discounts, values, ends, 1.0)
    assert_allclose(result, expected, rtol=1e-12, atol=1e-9)


@given(trajectories())
def test_lambda_zero_is_one_step(case):
    rewards, discounts, values, ends = case
    result = lambda_returns(rewards, discounts, values, ends, 0.0)
    assert_allclose(result, rewards + discounts * values)


@given(trajectories(), st.floats(0, 1))
def test_trajectories_do_not_mix(case, trace_decay):
    rewards, discounts, values, ends = case
    whole = lambda_returns(rewards, discounts, values, ends, trace_decay)
    first = int(np.flatnonzero(ends)[0]) + 1
    head = lambda_returns(
        rewards[:first], discounts[:first], values[:first], ends[:first], trace_decay
    )
    assert_array_equal(whole[:first], head)


def test_huge_rewards_are_fine():
    result = discounted_returns([1e300] * 3, [0.9] * 3, [False, False, True], 0.0)
    assert_allclose(result, [2.71e300, 1.9e300, 1e300])


def test_nothing_gives_nothing():
    assert discounted_returns([], [], [], []).shape == (0,)


def test_the_last_trajectory_must_be_closed():
    with pytest.raises(ValueError, match="last entry of 'ends' must be True"):
        discounted_returns([1.0], [0.5], [False], 0.0)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        lambda_returns([1.0], [0.5], [1.0, 2.0], [True], 0.5)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        retrace_returns([1.0], [0.5], [1.0], [1.0], [True], [1.0, 1.0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        lambda_returns([1.0, 2.0], [0.5, 0.5], [1.0, 2.0], [True], 0.5)
