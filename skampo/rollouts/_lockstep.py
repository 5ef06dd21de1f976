"""Environments stepped together, so that a policy is asked once for all of them."""

from typing import NamedTuple

import numpy as np

from skampo.exceptions import EnvironmentDataError, RolloutError
from skampo.rollouts._actions import ActionEncoder
from skampo.rollouts._checked_env import close_all, open_envs
from skampo.rollouts._observations import (
    ObservationEncoder,
    refuse_images,
    warn_about_width,
)
from skampo.rollouts._transformed import peel
from skampo.utils._warnings import warn_user

FAULTS = (EnvironmentDataError, RolloutError)


class Step(NamedTuple):
    """What one lock-step did; row i is the i-th active environment."""

    rewards: np.ndarray
    next_observations: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    ended: np.ndarray
    lost: np.ndarray
    next_masks: np.ndarray | None


def new_warnings():
    """What was warned of so far, to be shared by lock-steps: nothing."""
    return {"limit": [], "bounds": [], "faults": []}


class LockStep:
    """
    The environments of a rollout and what the policy sees of those that are active.

    The environments are made when it is created and closed by `close`, or as soon as
    any of them fails.
    """

    def __init__(
        self,
        factories,
        n_envs,
        *,
        seed,
        stream,
        max_episode_steps=None,
        episode_counts=(),
        first_index=0,
        warned=None,
        check=False,
    ):
        self.envs = open_envs(
            factories, n_envs, seed, stream, episode_counts, first_index
        )
        # Messages count the episodes of all environments in the order of their starts.
        self.n_started = first_index + sum(env.n_started for env in self.envs)
        self.warned = new_warnings() if warned is None else warned
        self._unchecked = {env.name for env in self.envs} if check else set()
        try:
            first = self.envs[0]
            space = first.env.observation_space
            encoder = self.observation_encoder = ObservationEncoder(space)
            encoder.feature_names = first.feature_names(encoder)
            if check:
                refuse_images(first.name, space)
            self._look_inside()
            space = first.env.action_space
            self.action_encoder = ActionEncoder(space, first.name)
            for env in self.envs:
                env.limit_episodes(max_episode_steps, self.warned["limit"])
        except BaseException:
            self.close()
            raise
        #: Episodes that were given up.
        self.n_faults = 0
        self.active, self.indices = [], np.empty(0, dtype=int)
        self.observations = np.empty((0, self.observation_encoder.n_features))
        self.masks = None

    def begin(self):
        """Start a new episode in every environment."""
        self._activate()
        self.restart(range(len(self.active)))

    def repeat(self, episodes):
        """
        Come back to where episodes stood, by their seeds and their actions.

        A new episode begins where that is impossible: where the environment or its
        seed is another one, or the same seed and actions lead elsewhere.
        """
        self._activate()
        self.restart(
            [
                row
                for row, env in enumerate(self.active)
                if row >= len(episodes) or not self._repeat(row, env, episodes[row])
            ]
        )

    def _activate(self):
        self.active = list(self.envs)
        self.indices = np.array([env.index for env in self.envs])
        n_features = self.observation_encoder.n_features
        self.observations = np.empty((len(self.active), n_features))
        self.masks = None
        if self._unchecked:
            warn_about_width(self.envs[0].name, n_features)

    def _repeat(self, row, env, episode):
        """Repeat an episode in one environment; False if it leads elsewhere."""
        if env.next_seed(back=1) != episode.seed:
            return False
        env.n_started -= 1
        self.n_started -= 1
        try:
            return self._walk(row, env, episode)
        except FAULTS as error:
            self._give_up(env, error)
            return False

    def _walk(self, row, env, episode):
        observation, mask = self._reset(env)
        for action in episode.actions:
            seen, _, terminated, truncated, info = env.take(
                action, self.action_encoder.to_env
            )
            if terminated or truncated:
                return False
            observation = env.encode(self._seen, seen)
            mask = self._read_mask(env, info)
        found = self._transform(observation[np.newaxis])[0]
        if not np.array_equal(found, episode.observation):
            return False
        self.observations[row] = found
        masks = [None] * len(self.active) if self.masks is None else list(self.masks)
        masks[row] = mask
        self.masks = self._stack(masks)
        return True

    def restart(self, rows):
        """Start a new episode in some of the active environments."""
        if len(rows) == 0:
            return
        # The arrays were handed out with the last step, which must not change.
        self.observations = self.observations.copy()
        masks = [None] * len(self.active) if self.masks is None else list(self.masks)
        observations = np.empty((len(rows), self._seen.n_features))
        for i, row in enumerate(rows):
            observations[i], masks[row] = self._begin(self.active[row])
        self.masks = self._stack(masks)
        self.observations[rows] = self._transform(observations)

    def drop(self, rows):
        """Let environments rest."""
        if len(rows) == 0:
            return
        keep = np.setdiff1d(np.arange(len(self.active)), rows)
        self.active = [self.active[row] for row in keep]
        self.indices = self.indices[keep]
        self.observations = self.observations[keep]
        self.masks = None if self.masks is None else self.masks[keep]

    def step(self, actions):
        """Step every active environment; `actions` are columns of the policy."""
        to_env, envs = self.action_encoder.to_env, self.active
        actions = actions.tolist()
        if self._announces:
            for env, action in zip(envs, actions, strict=True):
                env.announce(to_env(action))
        # One by one: gymnasium's vectors for an id, as CartPole's, have one generator,
        # with which a reset depends on when the episodes of other environments end.
        next_observations = np.empty((len(envs), self._seen.n_features))
        outcomes = []
        for i, (env, action) in enumerate(zip(envs, actions, strict=True)):
            try:
                observation, *outcome, info = env.take(action, to_env)
                # At once: environments may write into arrays that all of them share.
                next_observations[i] = env.encode(self._seen, observation)
                is_over = outcome[1] or outcome[2]
                # Where an episode terminated no action is left to ask about.
                info = info if outcome[1] else env.add_mask(info)
                mask = self._read_mask(env, info, is_over)
                outcomes.append((*outcome, False, mask))
            except FAULTS as error:
                self._give_up(env, error)
                next_observations[i] = 0.0
                outcomes.append((0.0, False, False, True, None))
        *columns, masks = zip(*outcomes, strict=True)
        rewards, terminated, truncated, lost = map(np.array, columns)
        # Before the transformation, whose error could not name the environment.
        for row in _not_finite(next_observations):
            self._give_up(envs[row], self._bad(envs[row], next_observations[row]))
            next_observations[row], lost[row] = 0.0, True
        ended = terminated | truncated | lost
        if self.n_faults:
            for row in np.flatnonzero(ended & ~lost):
                envs[row].n_faults = 0
        self.observations = next_observations = self._transform(next_observations)
        self.masks = self._stack(masks)
        return Step(
            rewards, next_observations, terminated, truncated, ended, lost, self.masks
        )

    def _give_up(self, env, error):
        """Give up an episode; raise the error where that is not wanted."""
        env.give_up(error)
        for _ in self._functions:
            env.stepped = env.stepped.env
        self.n_faults += 1
        if not self.warned["faults"]:
            self.warned["faults"].append(env.name)
            warn_user(f"An episode was given up, and so will be others: {error}")

    def _begin(self, env):
        """Start an episode, again where it fails."""
        while True:
            try:
                observation, mask = self._reset(env)
                if np.isfinite(observation).all():
                    return observation, mask
                raise self._bad(env, observation)
            except FAULTS as error:
                self._give_up(env, error)

    def _reset(self, env):
        """Start an episode; return the encoded observation and the mask."""
        self.n_started += 1
        check = env.name in self._unchecked
        self._unchecked.discard(env.name)
        observation, info = env.reset(self.n_started, check=check)
        mask = self._read_mask(env, env.add_mask(info))
        return env.encode(self._seen, observation), mask

    def _look_inside(self):
        """Step what is inside of transformed environments."""
        environments, self._functions = peel([env.env for env in self.envs])
        for env, environment in zip(self.envs, environments, strict=True):
            env.stepped = environment
        # Most environments are here, and this is looked at in every step.
        self._announces = any(env.announces for env in self.envs)
        self._seen = self.observation_encoder
        if self._functions:
            self._seen = ObservationEncoder(environments[0].observation_space)

    def _transform(self, observations):
        """Make of what the environments saw what the policy sees."""
        for function in self._functions:
            observations = function(observations)
        return observations

    def close(self):
        """Close the environments, each once; return the first error."""
        self.active = []
        return close_all(self.envs)

    def check_bounds(self, observations):
        """Warn once if observations left the box that the environment declares."""
        encoder = self.observation_encoder
        if encoder.low is None or self.warned["bounds"] or not len(observations):
            return
        outside = (observations < encoder.low) | (observations > encoder.high)
        if not outside.any():
            return
        row, column = np.argwhere(outside)[0]
        self.warned["bounds"].append(column)
        warn_user(
            f"Observations left the declared observation_space: "
            f"{encoder.name_feature(column)} was {observations[row, column]:.6g}, "
            f"outside [{encoder.low[column]:.6g}, {encoder.high[column]:.6g}]. They "
            "are used as they are. Correct the bounds if a transformer relies on them."
        )

    def _read_mask(self, env, info, is_over=False):
        """Read the allowed actions; after the end of an episode there may be none."""
        if "action_mask" not in info:
            return None
        try:
            mask = self.action_encoder.read_mask(info)
        except ValueError as error:
            raise env.bad_data(str(error)) from error
        if mask is None or mask.any():
            return mask
        if is_over:
            # A policy is asked about the last state too, where it has to have a choice.
            return np.ones_like(mask)
        raise env.bad_data("an action_mask that allows no action")

    def _stack(self, masks):
        """Stack masks; None where every environment allows everything."""
        if all(mask is None for mask in masks):
            return None
        everything = np.ones(self.action_encoder.n_actions, dtype=bool)
        return np.stack([everything if mask is None else mask for mask in masks])

    def _bad(self, env, observation):
        """Build the error for an observation that is not finite."""
        column = np.flatnonzero(~np.isfinite(observation))[0]
        name = self._seen.name_feature(column)
        return env.bad_data(f"an observation whose {name} is {observation[column]}")


def _not_finite(observations):
    """Rows that hold something else than finite numbers."""
    finite = np.isfinite(observations)
    return () if finite.all() else np.flatnonzero(~finite.all(axis=1))
