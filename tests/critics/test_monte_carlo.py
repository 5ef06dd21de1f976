"""Whole returns, and the sampler with a geometric horizon, on known chains."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import CriticSetting, MonteCarlo
from skampo.data import Transitions
from skampo.encodings import Encoding
from skampo.exceptions import InvalidParameterError
from skampo.rollouts import Rollouts
from tests.faulty_envs import CountingEnv, TabularEnv
from tests.iterates import softmax_of, uniform

STATES = np.arange(4.0)[:, None]
TREE = DecisionTreeRegressor(random_state=0)
UNIFORM = uniform(2)


def trajectories(*, terminated):
    """Rewards 1, 2 | 4, 8 in states 0 to 3; both trajectories end back in state 0."""
    ends = np.array([False, True, False, True])
    return Transitions(
        STATES,
        np.array([0, 1, 0, 1]),
        np.array([1.0, 2.0, 4.0, 8.0]),
        np.array([[1.0], [0.0], [3.0], [0.0]]),
        ends & terminated,
        ends & (not terminated),
        ends,
    )


def evaluate(critic, transitions, gamma=0.5, encoding="per_action", policy=UNIFORM):
    rng = np.random.default_rng(0)
    setting = CriticSetting(2, gamma, TREE, Encoding.by_name[encoding](), rng)
    return critic.evaluate(policy, transitions, setting)


class TestEpisodes:
    @pytest.mark.parametrize(
        ("gamma", "expected"),
        [(0.5, [2, 2, 8, 8]), (1.0, [3, 2, 12, 8]), (0.0, [1, 2, 4, 8])],
    )
    @pytest.mark.parametrize("encoding", sorted(Encoding.by_name))
    def test_by_hand(self, gamma, expected, encoding):
        sample = evaluate(MonteCarlo(), trajectories(terminated=True), gamma, encoding)
        assert_allclose(sample.q_values[range(4), [0, 1, 0, 1]], expected)
        assert_array_equal(sample.observations, STATES)
        assert (sample.gamma, sample.reward_range) == (gamma, 7.0)

    def test_a_cut_episode_goes_on_with_the_last_values(self):
        critic = MonteCarlo()
        evaluate(critic, trajectories(terminated=False))
        value = critic.q_(STATES[:1]).mean()
        sample = evaluate(critic, trajectories(terminated=False))
        taken = sample.q_values[range(4), [0, 1, 0, 1]]
        assert_allclose(taken[[1, 3]], [2 + 0.5 * value, 8 + 0.5 * value])
        assert_allclose(taken[[0, 2]], [1 + 0.5 * taken[1], 4 + 0.5 * taken[3]])

    def test_the_policy_weighs_the_last_values(self):
        critic = MonteCarlo()
        evaluate(critic, trajectories(terminated=True))
        value = critic.q_(STATES[:1])[0, 1]
        second = softmax_of(lambda X: [[0.0, 900.0]] + 0 * X)
        sample = evaluate(critic, trajectories(terminated=False), policy=second)
        assert_allclose(sample.q_values[1, 1], 2 + 0.5 * value)

    def test_forbidden_actions_have_no_part_in_what_goes_on(self):
        critic, known = MonteCarlo(), vars(trajectories(terminated=True))
        evaluate(critic, Transitions(**known | {"rewards": np.array([1, 20, 4, 8])}))
        value, other = critic.q_(STATES[:1])[0]
        assert other > value
        masks = np.ones((4, 2), dtype=bool)
        next_masks = np.tile([True, False], (4, 1))
        data = vars(trajectories(terminated=False))
        data |= {"action_masks": masks, "next_action_masks": next_masks}
        sample = evaluate(critic, Transitions(**data))
        assert_allclose(sample.q_values[1, 1], 2 + 0.5 * value)

    def test_termination_stops_what_the_critic_knew(self):
        critic = MonteCarlo()
        first, second = (
            evaluate(critic, trajectories(terminated=True)) for _ in range(2)
        )
        assert_allclose(first.q_values, second.q_values)


class TestGeometric:
    def test_by_hand(self):
        sample = evaluate(MonteCarlo("geometric"), trajectories(terminated=True))
        # Plain sums, of the first row of each trajectory only.
        assert_array_equal(sample.observations, STATES[[0, 2]])
        assert_allclose(sample.q_values[:, 0], [3, 12])

    def test_a_cut_trajectory_goes_on_with_the_last_values(self):
        critic = MonteCarlo("geometric")
        evaluate(critic, trajectories(terminated=False))
        value = critic.q_(STATES[:1]).mean()
        sample = evaluate(critic, trajectories(terminated=False))
        expected = [3 + 0.5 * value, 12 + 0.5 * value]
        assert_allclose(sample.q_values[:, 0], expected)

    def test_nothing_follows_an_end_at_the_time_limit(self):
        critic = MonteCarlo("geometric")
        evaluate(critic, trajectories(terminated=False))
        both = vars(trajectories(terminated=True))
        both |= {"truncated": both["ends"]}
        sample = evaluate(critic, Transitions(**both))
        assert_allclose(sample.q_values[:, 0], [3, 12])

    def test_unbiased(self):
        # Reward 1 for action 1 in the single state: Q(a) = a + 9 * 0.5 for gamma 0.9.
        env = TabularEnv(np.ones((1, 2, 1)), np.array([[0.0, 1.0]]))
        critic = MonteCarlo("geometric", regressor=TREE)
        settings = {
            "max_episode_steps": 10**6,
            "sampling": critic.sampling,
            "gamma": 0.9,
        }
        with Rollouts(env, n_envs=4, steps_per_iter=20_000, **settings) as experience:
            sample = evaluate(critic, experience.gather(UNIFORM), gamma=0.9)
        assert_allclose(sample.q_values[0], [4.5, 5.5], atol=0.6)


class TestSetting:
    def test_sampling(self):
        assert MonteCarlo().sampling == "episodes"
        assert MonteCarlo("geometric").sampling == "geometric"
        assert MonteCarlo().accepts_undiscounted
        assert not MonteCarlo("geometric").accepts_undiscounted

    def test_a_regressor_of_its_own(self):
        critic = MonteCarlo(regressor=DummyRegressor())
        sample = evaluate(critic, trajectories(terminated=True))
        assert_allclose(sample.q_values, np.tile([5.0, 5.0], (4, 1)))

    def test_rewards_of_any_size(self):
        data = trajectories(terminated=True)
        large = Transitions(**vars(data) | {"rewards": 1e200 * data.rewards})
        samples = [evaluate(MonteCarlo(), rows).q_values for rows in (data, large)]
        assert_allclose(samples[1] / 1e200, samples[0])

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("horizon", "never"),
            ("horizon", None),
            ("horizon", 5),
            ("horizon", ["episode"]),
            ("regressor", Ridge),
            ("regressor", "ridge"),
        ],
    )
    def test_parameters_are_checked_in_fit(self, name, value):
        critic = MonteCarlo(**{name: value})
        policy = AMPOPolicy(critic=critic, max_iter=1, steps_per_iter=16)
        with pytest.raises(
            InvalidParameterError, match=f"'{name}' parameter of MonteCarlo"
        ):
            policy.fit(CountingEnv())
