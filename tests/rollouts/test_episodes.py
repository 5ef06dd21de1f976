from functools import partial

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo.exceptions import InvalidParameterError
from skampo.rollouts import Rollouts, play_episodes
from tests.faulty_envs import Counter, CountingEnv, MaskedEnv, SpaceEnv
from tests.rollouts.policies import ConstantPolicy, UniformPolicy
from tests.seeds import SCORING, VALIDATION, reset_seed


class Upright:
    """Pushes the cart to where the pole leans."""

    def proba(self, observations, action_mask=None):
        lean = observations[:, 2] + observations[:, 3] > 0
        return np.where(lean[:, None], [0.0, 1.0], [1.0, 0.0])


@pytest.mark.parametrize("stream", [VALIDATION, SCORING])
@pytest.mark.parametrize("n_episodes", [1, 5, 40])
def test_episodes_are_those_of_a_plain_step_loop(n_episodes, stream):
    results = play_episodes(
        "CartPole-v1", Upright(), n_episodes=n_episodes, seed=3, stream=stream
    )
    env = gymnasium.make("CartPole-v1")
    for episode in range(n_episodes):
        observation, _ = env.reset(seed=reset_seed(3, stream, episode, 0))
        total, over = 0, False
        while not over:
            row = np.asarray(observation, dtype=float)[None]
            action = int(Upright().proba(row).argmax())
            observation, reward, terminated, truncated, _ = env.step(action)
            total, over = total + reward, terminated or truncated
        assert results.returns[episode] == results.lengths[episode] == total
    env.close()


def test_streams_differ():
    left = ConstantPolicy([1.0, 0.0])
    first, second = (
        play_episodes("CartPole-v1", left, n_episodes=9, stream=stream).returns
        for stream in (VALIDATION, SCORING)
    )
    assert (first != second).any()


def test_lists_are_played_in_turn_and_finished_ones_leave():
    X = [lambda: CountingEnv(length=2), lambda: CountingEnv(length=4)]
    policy = UniformPolicy()
    results = play_episodes(X, policy, n_episodes=5)
    assert_array_equal(results.lengths, [2, 4, 2, 4, 2])
    assert_array_equal(results.returns, [2.0, 4.0, 2.0, 4.0, 2.0])
    assert policy.sizes == [5, 5, 2, 2]


def test_at_most_32_environments_that_are_all_closed():
    counter, policy = Counter(), UniformPolicy()
    X = [lambda n=n: CountingEnv(length=n, counter=counter) for n in (1, 2, 3)]
    results = play_episodes(X, policy, n_episodes=70)
    assert max(policy.sizes) == 32
    assert_array_equal(results.lengths, np.arange(70) % 3 + 1)
    assert counter.opened == counter.closed == 70


def test_ties_go_to_the_lowest_action():
    seen = []

    class Watching(CountingEnv):
        def step(self, action):
            seen.append(action)
            return super().step(action)

    play_episodes(
        lambda: Watching(n_actions=3), ConstantPolicy([0.2, 0.4, 0.4]), n_episodes=1
    )
    assert seen == [1] * 5


def test_masks_are_respected():
    # MaskedEnv asserts that it only gets what it allows.
    policy = ConstantPolicy([0.0, 1.0, 0.0])
    results = play_episodes(MaskedEnv, policy, n_episodes=3)
    assert_array_equal(results.returns, [5.0] * 3)


def test_time_limits():
    make = lambda: CountingEnv(length=None)
    results = play_episodes(make, UniformPolicy(), n_episodes=2, max_episode_steps=7)
    assert_array_equal(results.lengths, [7, 7])
    with pytest.warns(UserWarning, match="no time limit") as caught:
        results = play_episodes(make, UniformPolicy(), n_episodes=40)
    assert len(caught) == 1
    assert_array_equal(results.lengths, [1000] * 40)


def test_encoders_must_agree():
    with Rollouts("CartPole-v1", n_envs=1) as experience:
        fitted = {
            "observation_encoder": experience.observation_encoder,
            "action_encoder": experience.action_encoder,
        }
    play_episodes("CartPole-v1", UniformPolicy(), n_episodes=1, **fitted)
    counter = Counter()
    make = lambda: SpaceEnv(counter=counter)
    with pytest.raises(ValueError, match="same spaces") as caught:
        play_episodes(make, UniformPolicy(), n_episodes=2, **fitted)
    space = gymnasium.make("CartPole-v1").observation_space
    assert f"observation_space={space}" in str(caught.value)
    assert f"observation_space={CountingEnv().observation_space}" in str(caught.value)
    assert counter.opened == counter.closed == 2


def test_action_encoders_must_agree():
    space = gymnasium.spaces.Discrete(2, start=1)
    with Rollouts(partial(SpaceEnv, action_space=space)) as fitted:
        encoders = fitted.observation_encoder, fitted.action_encoder
    with pytest.raises(ValueError, match=r"fitted with action_space=Discrete\(2, sta"):
        play_episodes(
            CountingEnv,
            UniformPolicy(),
            n_episodes=1,
            observation_encoder=encoders[0],
            action_encoder=encoders[1],
        )


def test_a_live_environment_is_left_alone():
    env = CountingEnv()
    play_episodes(env, UniformPolicy(), n_episodes=3)
    assert env.seeds == []
    assert env.counter.closed == 3


@pytest.mark.parametrize("value", [0, 1.5, None])
def test_number_of_episodes(value):
    with pytest.raises(InvalidParameterError, match="The 'n_episodes' parameter"):
        play_episodes("CartPole-v1", UniformPolicy(), n_episodes=value)


def test_leaving_the_declared_box_warns_once():
    space = gymnasium.spaces.Box(0, 2, (2,), np.float64)

    class Leaving(CountingEnv):
        def __init__(self):
            super().__init__()
            self.observation_space = space

    with pytest.warns(UserWarning, match="feature 0 was 3, outside") as caught:
        play_episodes(Leaving, UniformPolicy(), n_episodes=40)
    assert len(caught) == 1
