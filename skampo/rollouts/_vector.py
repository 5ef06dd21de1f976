"""Single environments out of a vector environment."""

import copy
from dataclasses import replace

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import iterate


def single_environments(vector):
    """
    Return environments, or functions that make them, that replace a vector.

    Experience steps its environments one by one, so the autoreset mode of a vector
    does not matter: no step that only resets is ever seen. Three cases:

    * the sub-environments of a `SyncVectorEnv` are taken as they are, those of an
      `AsyncVectorEnv` are made by its functions;
    * a vector with a spec is replaced by single environments of that spec;
    * any other vector, such as one in a vector wrapper, is copied whole for each
      environment, which looks at its first sub-environment: right, but slow.
    """
    # What a wrapper does to the vector cannot be seen in its parts.
    if vector.unwrapped is not vector:
        return [FirstOfVector(vector)]
    parts = getattr(vector, "envs", None) or getattr(vector, "env_fns", None)
    if parts is not None:
        return list(parts)
    # Some specs can make vectors only.
    if vector.spec is not None and vector.spec.entry_point is not None:
        return [_single_spec(vector.spec)] * vector.num_envs
    return [FirstOfVector(vector)]


def _single_spec(spec):
    """Return the spec of one environment out of the spec of a vector."""
    spec = copy.deepcopy(spec)
    for name in ("num_envs", "vectorization_mode", "vector_kwargs", "wrappers"):
        spec.kwargs.pop(name, None)
    # make_vec passes the time limit on as an argument; make wraps it instead.
    limit = spec.kwargs.pop("max_episode_steps", None)
    if limit is not None:
        # For make_vec, -1 is no limit; that of an EnvSpec is None.
        spec.max_episode_steps = None if limit == -1 else limit
    return spec


class FirstOfVector(gymnasium.Env):
    """The first sub-environment of a vector environment, as a single environment."""

    def __init__(self, vector: VectorEnv):
        self.vector = vector
        self.observation_space = vector.single_observation_space
        self.action_space = vector.single_action_space
        # A name and a time limit, but no way to be rebuilt without its wrappers.
        spec = copy.deepcopy(vector.spec)
        self.spec = None if spec is None else replace(spec, entry_point=None)

    def reset(self, *, seed=None, options=None):
        """Reset every sub-environment and show the first."""
        observations, infos = self.vector.reset(seed=seed, options=options)
        return self._first(observations), self._first_info(infos)

    def step(self, action):
        """Send the same action everywhere and show what the first did."""
        actions = np.stack([action] * self.vector.num_envs)
        observations, rewards, terminated, truncated, infos = self.vector.step(actions)
        observation = self._first(observations)
        info = self._first_info(infos)
        # Under same-step autoreset the observation is already that of the next episode.
        if (terminated[0] or truncated[0]) and "final_obs" in info:
            observation = info["final_obs"]
            info = info.get("final_info", {})
        self._reset_others(terminated, truncated)
        return observation, rewards[0], bool(terminated[0]), bool(truncated[0]), info

    def _reset_others(self, terminated, truncated):
        """Reset what nobody looks at, where the vector does not do so itself."""
        if self.vector.metadata.get("autoreset_mode") != AutoresetMode.DISABLED:
            return
        ended = np.logical_or(terminated, truncated)
        # The first is reset by the caller, and all others with it.
        if ended.any() and not ended[0]:
            self.vector.reset(options={"reset_mask": ended})

    def close(self):
        """Close the copy of the vector."""
        self.vector.close()

    def _first(self, observations):
        return next(iterate(self.vector.observation_space, observations))

    def _first_info(self, infos):
        """Return the entries that the first sub-environment provided."""
        # Missing entries are zeros; those that were given are marked under _key.
        return {
            key: _first_entry(value)
            for key, value in infos.items()
            if not key.startswith("_") and infos.get(f"_{key}", [True])[0]
        }


def _first_entry(value):
    """Take the first of what was stacked, keeping nested dictionaries."""
    if isinstance(value, dict):
        return {k: _first_entry(v) for k, v in value.items() if not k.startswith("_")}
    return value[0]
