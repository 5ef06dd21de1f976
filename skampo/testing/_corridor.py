"""A small environment that contract checks can bend in every way they need."""

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv


class Corridor(gymnasium.Env):
    """
    A corridor: the last action leads right and pays 1, the first one leads left.

    Parameters
    ----------
    length : int, default=4
        Steps of an episode.
    n_actions : int, default=2
        Number of actions; those in between stand still.
    start : int, default=0
        Label of the first action.
    shows : {"box", "dict", "discrete", "sequence"}, default="box"
        Kind of the observations.
    acts : {"discrete", "box"}, default="discrete"
        Kind of the actions; boxes are there to be refused.
    truncates : bool, default=False
        Whether episodes are cut, and do not end by themselves.
    reward : float, default=1.0
        What a step to the right pays.
    """

    def __init__(
        self,
        length=4,
        *,
        n_actions=2,
        start=0,
        shows="box",
        acts="discrete",
        truncates=False,
        reward=1.0,
    ):
        self.length = length
        self.start = start
        self.truncates = truncates
        self.reward = reward
        self.observation_space, self._show = _SHOWN[shows]
        self.n_actions = n_actions
        self.action_space = _ACTED[acts](n_actions, start)
        self.n_steps = self.n_closed = self.t = self.place = 0

    def reset(self, *, seed=None, options=None):
        """Begin at one of two places."""
        super().reset(seed=seed)
        self.t, self.place = 0, int(self.np_random.integers(2))
        return self._show(self.t, self.place), {}

    def step(self, action):
        """Take one step; labels of actions that do not exist are refused."""
        if not self.action_space.contains(action):
            raise ValueError(f"{action!r} is not an element of {self.action_space}")
        self.t += 1
        self.n_steps += 1
        goes_right = int(action == self.start + self.n_actions - 1)
        self.place += goes_right or -int(action == self.start)
        is_over = self.t >= self.length
        flags = is_over and not self.truncates, is_over and self.truncates
        return self._show(self.t, self.place), self.reward * goes_right, *flags, {}

    def close(self):
        """Count how often it was closed."""
        self.n_closed += 1


_BOX = spaces.Box(-np.inf, np.inf, (2,), np.float64)
_SHOWN = {
    "box": (_BOX, lambda t, place: np.array([t, place], dtype=np.float64)),
    "dict": (
        spaces.Dict(
            {"late": spaces.Discrete(2), "place": spaces.Box(-np.inf, np.inf, (1,))}
        ),
        lambda t, place: {"late": int(t > 1), "place": np.array([place], np.float32)},
    ),
    "discrete": (spaces.Discrete(5, start=-2), lambda t, place: min(max(place, -2), 2)),
    # Its observations have no fixed number of features: it is there to be refused.
    "sequence": (spaces.Sequence(spaces.Discrete(2)), lambda t, place: (0, 1)),
}
_ACTED = {
    "box": lambda n_actions, start: spaces.Box(-1, 1, (1,)),
    "discrete": lambda n_actions, start: spaces.Discrete(n_actions, start=start),
}


def corridors(n):
    """A vector environment of n corridors."""
    return SyncVectorEnv([Corridor] * n)
