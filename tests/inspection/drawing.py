"""An environment that draws itself, and whose best policy looks at one number."""

import gymnasium
import numpy as np
from gymnasium import spaces


class SignEnv(gymnasium.Env):
    """Two random numbers; pays the size of the first for its sign: 4 an episode."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, render_mode=None, mask=None, length=8):
        self.observation_space = spaces.Box(-1.0, 1.0, (2,), np.float64)
        self.action_space = spaces.Discrete(2)
        self.render_mode = render_mode
        self.mask = mask
        self.length = length

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._draw(), self._info()

    def step(self, action):
        reward = abs(self.numbers[0]) * (action == (self.numbers[0] > 0))
        self.t += 1
        return self._draw(), reward, False, self.t == self.length, self._info()

    def render(self):
        """A picture that is brighter at every step."""
        return np.full((6, 9, 3), 25 * self.t, dtype=np.uint8)

    def _draw(self):
        self.numbers = self.np_random.uniform(-1, 1, size=2)
        return self.numbers

    def _info(self):
        if self.mask is None:
            return {}
        return {"action_mask": np.array(self.mask(self.numbers), dtype=np.int8)}


gymnasium.register("skampo-tests/Sign-v0", SignEnv)
