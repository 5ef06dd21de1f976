"""Several lanes stepped together, so that a policy is asked once for all of them."""

from typing import NamedTuple

import numpy as np

from skampo.rollouts._actions import ActionEncoder
from skampo.rollouts._lanes import close_all, open_lanes
from skampo.rollouts._observations import (
    ObservationEncoder,
    refuse_images,
    warn_about_width,
)
from skampo.rollouts._transformed import peel
from skampo.utils._warnings import warn_user


class Step(NamedTuple):
    """What one lock-step did; row i is the i-th active lane."""

    rewards: np.ndarray
    next_observations: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    ended: np.ndarray
    next_masks: np.ndarray | None


class LockStep:
    """
    The lanes of a rollout and what the policy sees of those that are active.

    The environments are made when it is created and closed by `close`, or as soon as
    any of them fails.
    """

    def __init__(
        self,
        sources,
        n_lanes,
        *,
        seed,
        stream,
        max_episode_steps=None,
        episode_counts=(),
        first_lane=0,
        warned=None,
        check=False,
    ):
        self.lanes = open_lanes(
            sources, n_lanes, seed, stream, episode_counts, first_lane
        )
        # Messages count the episodes of all lanes in the order in which they start.
        self.n_started = first_lane + sum(lane.n_started for lane in self.lanes)
        self.warned = {"limit": [], "bounds": []} if warned is None else warned
        self._unchecked = {lane.name for lane in self.lanes} if check else set()
        try:
            first = self.lanes[0]
            space = first.environment.observation_space
            encoder = self.observation_encoder = ObservationEncoder(space)
            encoder.feature_names = first.feature_names(encoder)
            if check:
                refuse_images(first.name, space)
            self._look_inside()
            space = first.environment.action_space
            self.action_encoder = ActionEncoder(space, first.name)
            for lane in self.lanes:
                lane.limit_episodes(max_episode_steps, self.warned["limit"])
        except BaseException:
            self.close()
            raise
        self.active, self.indices = [], np.empty(0, dtype=int)
        self.observations = np.empty((0, self.observation_encoder.n_features))
        self.masks = None

    def begin(self):
        """Start a new episode in every lane."""
        self._activate()
        self.restart(range(len(self.active)))

    def repeat(self, episodes):
        """
        Come back to where episodes stood, by their seeds and their actions.

        A lane begins a new episode where it cannot be brought back: where its
        environment or its seed is another one, or the same seed and actions lead
        elsewhere.
        """
        self._activate()
        self.restart(
            [
                row
                for row, lane in enumerate(self.active)
                if row >= len(episodes) or not self._repeat(row, lane, episodes[row])
            ]
        )

    def _activate(self):
        self.active = list(self.lanes)
        self.indices = np.array([lane.index for lane in self.lanes])
        n_features = self.observation_encoder.n_features
        self.observations = np.empty((len(self.active), n_features))
        self.masks = None
        if self._unchecked:
            warn_about_width(self.lanes[0].name, n_features)

    def _repeat(self, row, lane, episode):
        """Repeat an episode in one lane; False if it does not lead there again."""
        if lane.next_seed(back=1) != episode.seed:
            return False
        lane.n_started -= 1
        self.n_started -= 1
        observation, mask = self._reset(lane)
        for action in episode.actions:
            seen, _, terminated, truncated, info = lane.take(
                action, self.action_encoder.to_env
            )
            if terminated or truncated:
                return False
            observation = lane.encode(self._seen, seen)
            mask = self._read_mask(lane, info)
        found = self._transform(observation[np.newaxis])[0]
        if not np.array_equal(found, episode.observation):
            return False
        self.observations[row] = found
        masks = [None] * len(self.active) if self.masks is None else list(self.masks)
        masks[row] = mask
        self.masks = self._stack(masks)
        return True

    def restart(self, rows):
        """Start a new episode in some of the active lanes."""
        if len(rows) == 0:
            return
        # The arrays were handed out with the last step, which must not change.
        self.observations = self.observations.copy()
        masks = [None] * len(self.active) if self.masks is None else list(self.masks)
        observations = np.empty((len(rows), self._seen.n_features))
        for i, row in enumerate(rows):
            observations[i], masks[row] = self._reset(self.active[row])
        self.masks = self._stack(masks)
        self._check_finite([self.active[row] for row in rows], observations)
        self.observations[rows] = self._transform(observations)

    def drop(self, rows):
        """Let lanes rest."""
        if len(rows) == 0:
            return
        keep = np.setdiff1d(np.arange(len(self.active)), rows)
        self.active = [self.active[row] for row in keep]
        self.indices = self.indices[keep]
        self.observations = self.observations[keep]
        self.masks = None if self.masks is None else self.masks[keep]

    def step(self, actions):
        """Step every active lane; `actions` are columns of the policy."""
        to_env, lanes = self.action_encoder.to_env, self.active
        # One by one: gymnasium's vectors for an id, as CartPole's, have one generator,
        # with which a reset depends on when the episodes of other lanes end.
        next_observations = np.empty((len(lanes), self._seen.n_features))
        outcomes = []
        for i, (lane, action) in enumerate(zip(lanes, actions.tolist(), strict=True)):
            observation, *outcome, info = lane.take(action, to_env)
            # At once: environments may write into arrays that all of them share.
            next_observations[i] = lane.encode(self._seen, observation)
            is_over = outcome[1] or outcome[2]
            # Where an episode terminated no action is left to ask about.
            info = info if outcome[1] else lane.add_mask(info)
            outcomes.append((*outcome, self._read_mask(lane, info, is_over)))
        *columns, masks = zip(*outcomes, strict=True)
        # Before the transformation, whose error could not name the environment.
        self._check_finite(lanes, next_observations)
        rewards, terminated, truncated = map(np.array, columns)
        ended = terminated | truncated
        self.observations = next_observations = self._transform(next_observations)
        self.masks = self._stack(masks)
        return Step(
            rewards, next_observations, terminated, truncated, ended, self.masks
        )

    def _reset(self, lane):
        """Start an episode; return the encoded observation and the mask."""
        self.n_started += 1
        check = lane.name in self._unchecked
        self._unchecked.discard(lane.name)
        observation, info = lane.reset(self.n_started, check=check)
        mask = self._read_mask(lane, lane.add_mask(info))
        return lane.encode(self._seen, observation), mask

    def _look_inside(self):
        """Step what is inside of transformed environments."""
        environments, self._functions = peel([lane.environment for lane in self.lanes])
        for lane, environment in zip(self.lanes, environments, strict=True):
            lane.stepped = environment
        self._seen = self.observation_encoder
        if self._functions:
            self._seen = ObservationEncoder(environments[0].observation_space)

    def _transform(self, observations):
        """Make of what the lanes saw what the policy sees."""
        for function in self._functions:
            observations = function(observations)
        return observations

    def close(self):
        """Close the environments, each once; return the first error."""
        self.active = []
        return close_all(self.lanes)

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

    def _read_mask(self, lane, info, is_over=False):
        """Read the allowed actions; after the end of an episode there may be none."""
        if "action_mask" not in info:
            return None
        try:
            mask = self.action_encoder.read_mask(info)
        except ValueError as error:
            raise lane.bad_data(str(error)) from error
        if mask is None or mask.any():
            return mask
        if is_over:
            # A policy is asked about the last state too, where it has to have a choice.
            return np.ones_like(mask)
        raise lane.bad_data("an action_mask that allows no action")

    def _stack(self, masks):
        """Stack masks; None where every lane allows everything."""
        if all(mask is None for mask in masks):
            return None
        everything = np.ones(self.action_encoder.n_actions, dtype=bool)
        return np.stack([everything if mask is None else mask for mask in masks])

    def _check_finite(self, lanes, observations):
        """Raise for the first observation that is not finite."""
        if not np.isfinite(observations).all():
            row, column = np.argwhere(~np.isfinite(observations))[0]
            name = self._seen.name_feature(column)
            value = observations[row, column]
            raise lanes[row].bad_data(f"an observation whose {name} is {value}")
