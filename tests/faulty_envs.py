"""Small environments, one of which goes wrong in every way that a test may want."""

import os
import threading
import time

import gymnasium
import numpy as np
from gymnasium import spaces


class TwoArgumentError(Exception):
    """An exception that cannot be built from its message alone."""

    def __init__(self, code, reason):
        super().__init__(code, reason)


class UnsendableError(Exception):
    """An exception that no other process can be sent."""

    def __reduce__(self):
        raise TypeError("holds a lock")


class Counter:
    """Counts the environments that were opened and closed, over all copies."""

    def __init__(self):
        self.opened = self.closed = 0

    def __deepcopy__(self, memo):
        """Share the counter between copies."""
        return self


class CountingEnv(gymnasium.Env):
    """
    Counts its steps: observation (step, last action), reward 1, ends after `length`.

    With `length=None` it never ends.
    """

    def __init__(self, length=5, n_actions=2, counter=None, truncates=False):
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float64)
        self.action_space = spaces.Discrete(n_actions)
        self.length = length
        self.truncates = truncates
        self.counter = counter or Counter()
        self.counter.opened += 1
        self.seeds = []
        self.t = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.t = 0
        return np.zeros(2), {}

    def step(self, action):
        self.t += 1
        is_over = self.t == self.length
        observation = np.array([self.t, action], dtype=np.float64)
        flags = is_over and not self.truncates, is_over and self.truncates
        return observation, 1.0, *flags, {}

    def close(self):
        self.counter.closed += 1


class FaultyEnv(CountingEnv):
    """
    Goes wrong at a given step; step 0 is the reset.

    Parameters
    ----------
    fault : callable
        Takes what a healthy environment would return and returns something else, or
        raises.
    at_step, in_episode : int
        Where; counted from 1.
    """

    def __init__(self, fault, at_step=1, in_episode=1, *, close_error=None, **kwargs):
        super().__init__(**kwargs)
        self.fault = fault
        self.at_step = at_step
        self.in_episode = in_episode
        self.close_error = close_error

    def reset(self, *, seed=None, options=None):
        return self._spoil(super().reset(seed=seed))

    def step(self, action):
        return self._spoil(super().step(action))

    def close(self):
        super().close()
        if self.close_error is not None:
            raise self.close_error

    def _spoil(self, result):
        here = self.t == self.at_step and len(self.seeds) == self.in_episode
        return self.fault(result) if here else result


def fails(error):
    """Return a fault that raises."""

    def fault(result):
        raise error

    return fault


def returns(value):
    """Return a fault that replaces the whole result."""
    return lambda result: value


def rewards(value):
    """Return a fault that replaces the reward."""
    return lambda result: (result[0], value, *result[2:])


def observes(value):
    """Return a fault that replaces the observation."""
    return lambda result: (value, *result[1:])


def dies(result):
    """End the process: a fault for environments that have one of their own."""
    os._exit(3)


def raises_what_cannot_be_sent(result):
    """Raise: a fault whose error stays in its process."""
    raise UnsendableError("why")


def hangs(result):
    """Never answer."""
    time.sleep(1000)


class SlowEnv(CountingEnv):
    """Takes a while for each step, and tells when it began and when it ended."""

    def step(self, action):
        began = time.monotonic()
        time.sleep(0.02)
        _, *rest = super().step(action)
        return np.array([began, time.monotonic()]), *rest


class PidEnv(FaultyEnv):
    """Tells the number of its process as its first observation, and prints."""

    def __init__(self, fault=None, closes=True):
        # Without a fault, none ever comes.
        super().__init__(fault, at_step=-1 if fault is None else 1)
        self.closes = closes

    def reset(self, *, seed=None, options=None):
        print("reset")
        return super().reset(seed=seed)[0] + os.getpid(), {}

    def close(self):
        if not self.closes:
            time.sleep(1000)


class LockedEnv(CountingEnv):
    """Holds a lock, so that it can be neither copied nor pickled."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.lock = threading.Lock()


class SpaceEnv(CountingEnv):
    """Shows samples of any observation space; checks the actions it is given."""

    def __init__(self, observation_space=None, action_space=None, **kwargs):
        super().__init__(**kwargs)
        # Spaces without parts are false.
        if observation_space is not None:
            self.observation_space = observation_space
        if action_space is not None:
            self.action_space = action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        assert self.action_space.contains(action)
        return self.observation_space.sample(), *super().step(0)[1:]


class MaskedEnv(CountingEnv):
    """Allows only the action that follows from the step; rewards 1 for taking it."""

    def __init__(self, length=5, masks_at_end=True, **kwargs):
        super().__init__(length=length, n_actions=3, **kwargs)
        self.masks_at_end = masks_at_end

    def _info(self):
        mask = np.zeros(3, dtype=np.int8)
        if self.masks_at_end or self.t != self.length:
            mask[self.t % 3] = 1
        return {"action_mask": mask}

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], self._info()

    def step(self, action):
        assert action == self.t % 3
        return *super().step(action)[:4], self._info()


class MethodMaskedEnv(MaskedEnv):
    """Says the same by a method, as maskable PPO of sb3-contrib asks for it."""

    def _info(self):
        return {}

    def action_masks(self):
        """Return the mask; nobody may ask once an episode has terminated."""
        assert self.t < self.length
        return super()._info()["action_mask"].astype(bool)


class TabularEnv(gymnasium.Env):
    """A finite Markov decision process without an end."""

    def __init__(self, transition, reward):
        self.transition = transition
        self.reward = reward
        n_states, n_actions = reward.shape
        self.observation_space = spaces.Discrete(n_states)
        self.action_space = spaces.Discrete(n_actions)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = int(self.np_random.integers(self.observation_space.n))
        return self.state, {}

    def step(self, action):
        reward = self.reward[self.state, action]
        edges = np.cumsum(self.transition[self.state, action])
        self.state = int((edges[:-1] <= self.np_random.random()).sum())
        return self.state, reward, False, False, {}
