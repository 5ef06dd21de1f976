"""A log of a pendulum whose choices are worse than chance."""

import gymnasium
import numpy as np
import pytest

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.rollouts import play_episodes


class FiveTorques(gymnasium.ActionWrapper):
    def __init__(self, env):
        super().__init__(env)
        self.action_space = gymnasium.spaces.Discrete(5)

    def action(self, action):
        return np.array([action - 2.0], dtype=np.float32)


class Favorite:
    """The favorite action of a policy, for rollouts."""

    def __init__(self, policy):
        self.policy = policy

    def proba(self, observations, action_mask=None):
        return np.eye(5)[self.policy.predict(observations)]


def make_pendulum():
    return FiveTorques(gymnasium.make("Pendulum-v1"))


def make_log(seed, n_episodes=100):
    """Random episodes, and others that push the way the pendulum turns already."""
    rng, env, rows = np.random.default_rng(seed), make_pendulum(), []
    for episode in range(n_episodes):
        state, _ = env.reset(seed=1000 * seed + episode)
        cut = False
        while not cut:
            at_random = episode % 2 or rng.random() < 0.3
            action = int(rng.integers(5)) if at_random else 4 * int(state[2] > 0)
            after, reward, _, cut, _ = env.step(action)
            rows.append((state, action, reward, after, False, cut, episode))
            state = after
    names = "states actions rewards next_states terminated truncated episodes".split()
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return TransitionLog(**dict(zip(names, columns, strict=True)), classes=range(5))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_bad_controller_is_not_copied(seed):
    policy = AMPOPolicy(max_iter=20, random_state=0).fit(make_log(seed))
    assert not policy.critic_.copies_
    returns = play_episodes(make_pendulum, Favorite(policy), n_episodes=32).returns
    # The controllers get -1333 and -1374, and what copied them -1568 and -1587.
    assert returns.mean() > -300
