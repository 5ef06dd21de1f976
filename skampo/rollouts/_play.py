"""Greedy episodes, to score a policy."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skampo.rollouts._collect import COUNT
from skampo.rollouts._factories import resolve_factories
from skampo.rollouts._lockstep import LockStep, new_warnings
from skampo.rollouts._sampling import draw_actions
from skampo.rollouts._seeding import SCORING
from skampo.utils._validation import Nothing, check_argument

# A forest answers 32 states in the time of one, and each one needs an environment.
MAX_ENVS = 32


@dataclass(frozen=True, eq=False)
class EpisodeResults:
    """
    What some episodes were worth.

    Parameters
    ----------
    returns : ndarray of shape (n_episodes,)
        Undiscounted sum of the rewards of each episode.
    lengths : ndarray of int of shape (n_episodes,)
        Number of steps of each episode.

    See Also
    --------
    play_episodes : Plays them.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.rollouts._play import EpisodeResults
    >>> results = EpisodeResults(np.array([2.0, 4.0]), np.array([20, 40]))
    >>> results.mean, results.standard_error
    (3.0, 1.0)
    >>> print(results)
    3 (standard error 1, 2 episodes)
    """

    returns: np.ndarray
    lengths: np.ndarray

    @property
    def mean(self):
        """Mean return, which is what `score` gives."""
        return float(self.returns.mean())

    @property
    def standard_error(self):
        """Standard error of the mean over episodes; NaN for a single episode."""
        n = len(self.returns)
        return float(self.returns.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan

    def __str__(self):
        n = len(self.returns)
        said = f"standard error {self.standard_error:.2g}, {n} episodes"
        return f"{self.mean:.4g} ({said if n > 1 else '1 episode'})"


def play_episodes(
    X,
    policy,
    *,
    n_episodes: int,
    max_episode_steps: int | None = None,
    seed: int = 0,
    stream: int = SCORING,
    observation_encoder=None,
    action_encoder=None,
    labels=None,
) -> EpisodeResults:
    """
    Play episodes with the most probable action of a policy.

    The episodes are played in lock-step, at most 32 at a time. Where several actions
    are equally probable the first is taken. Environments are made or copied from `X`
    and closed afterwards.

    Parameters
    ----------
    X : environment or list of environment
        As for `Rollouts`; episode i is played in element i modulo k of a
        list of k.
    policy : object
        Has ``proba(observations, action_mask=None)``, which returns probabilities of
        shape (n, n_actions), or ``predict(observations)``, which returns actions.
    n_episodes : int
        Number of episodes.
    max_episode_steps : int or None, default=None
        As for `Rollouts`.
    seed : int, default=0
        Determines the reset seed of each episode, together with `stream`.
    stream : int, default=SCORING
        Which of the disjoint streams of seeds to use: TRAINING, VALIDATION or SCORING.
    observation_encoder : ObservationEncoder or None, default=None
        What the policy was fitted with; the environments must agree.
    action_encoder : ActionEncoder or None, default=None
        What the policy was fitted with; the environments must agree.
    labels : ndarray of shape (n_actions,) or None, default=None
        Labels of the columns of the policy; the environments must have the same.

    Returns
    -------
    EpisodeResults
        Returns and lengths, in the order of the episodes.

    Raises
    ------
    ValueError
        If the spaces differ from those of the encoders, or `X` is no environment.
    RolloutError
        If an environment raises, or returns something of the wrong form.
    EnvironmentDataError
        If an environment returns numbers that are not finite, or rewards that are too
        large or no numbers.
    TypeError
        If a function makes something else than a `gymnasium.Env`.
    ImportError
        If an environment needs a package that is not installed.

    See Also
    --------
    Rollouts : Gathers transitions to learn from.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.rollouts import play_episodes
    >>> class Left:
    ...     def proba(self, observations, action_mask=None):
    ...         return np.tile([1.0, 0.0], (len(observations), 1))
    >>> results = play_episodes("CartPole-v1", Left(), n_episodes=3)
    >>> bool((results.returns == results.lengths).all())
    True
    """
    owner, limit = "play_episodes", COUNT | Nothing
    check_argument(owner, "n_episodes", n_episodes, COUNT)
    check_argument(owner, "max_episode_steps", max_episode_steps, limit)
    factories = resolve_factories(X)
    played, plays = [], hasattr(policy, "proba")
    # Shared by all lock-steps, so that each warning is given once.
    warned = new_warnings()
    for first in range(0, n_episodes, MAX_ENVS):
        episodes = range(first, min(first + MAX_ENVS, n_episodes))
        lockstep = LockStep(
            [factories[episode % len(factories)] for episode in episodes],
            len(episodes),
            seed=seed,
            stream=stream,
            # Episode i is the first of environment i, so that its seed depends on i.
            first_index=first,
            max_episode_steps=max_episode_steps,
            warned=warned,
        )
        try:
            _check_encoders(lockstep, observation_encoder, action_encoder)
            _check_labels(lockstep, labels)
            actions = lockstep.action_encoder.labels
            player = policy if plays else PredictedActions(policy, actions)
            played += _play(lockstep, player)
        finally:
            lockstep.close()
    returns, lengths = zip(*played, strict=True)
    return EpisodeResults(np.array(returns, dtype=np.float64), np.array(lengths))


@dataclass(frozen=True, eq=False)
class PredictedActions:
    """Probability 1 for what a model predicts, which has to be an action."""

    model: Any
    labels: np.ndarray

    def proba(self, observations, action_mask=None):
        """Zeros and ones; masks are left to who plays."""
        predicted = np.asarray(self.model.predict(observations))
        proba = (predicted[:, None] == self.labels).astype(np.float64)
        if not proba.any(axis=1).all():
            unknown = predicted[~proba.any(axis=1)][0]
            raise ValueError(
                f"{type(self.model).__name__} predicts {unknown!r}, which is none "
                f"of the actions {self.labels.tolist()}."
            )
        return proba


@dataclass(frozen=True, eq=False)
class SampledPolicy:
    """A policy whose most probable action is a draw from another one."""

    policy: Any
    rng: Any

    def proba(self, observations, action_mask=None):
        """All probability on the actions that were drawn."""
        proba = self.policy.proba(observations, action_mask)
        drawn = draw_actions(proba, self.rng.random(len(proba)))
        # Episodes are played by argmax, which then finds the action that was drawn.
        return np.eye(proba.shape[1])[drawn]


def _play(lockstep, policy):
    """Play one episode in each environment; return its return and length."""
    envs = list(lockstep.envs)
    lockstep.begin()
    while lockstep.active:
        observations, masks = lockstep.observations, lockstep.masks
        proba = np.asarray(policy.proba(observations, action_mask=masks))
        if masks is not None:
            # Forbidden actions lose even where all allowed ones have probability 0.
            proba = np.where(masks, proba, -1.0)
        step = lockstep.step(proba.argmax(axis=1))
        lockstep.check_bounds(step.next_observations)
        # An episode that was given up is played again.
        lockstep.restart(np.flatnonzero(step.lost))
        lockstep.drop(np.flatnonzero(step.ended & ~step.lost))
    return [(env.episode_return, env.n_steps) for env in envs]


def _check_encoders(lockstep, observation_encoder, action_encoder):
    """Require the spaces that a policy was fitted with."""
    pairs = (
        ("observation_space", observation_encoder, lockstep.observation_encoder),
        ("action_space", action_encoder, lockstep.action_encoder),
    )
    for name, fitted, given in pairs:
        if fitted is not None and fitted != given:
            raise ValueError(
                f"{lockstep.envs[0].name} has {name}={given.space}, but the policy "
                f"was fitted with {name}={fitted.space}. Score it on environments "
                "with the same spaces."
            )


def _check_labels(lockstep, labels):
    """Require the actions that the columns of a policy stand for."""
    actions = lockstep.action_encoder.labels
    if labels is not None and not np.array_equal(labels, actions):
        raise ValueError(
            f"{lockstep.envs[0].name} has the actions {actions.tolist()}, but the "
            f"policy was fitted with {labels.tolist()}. Fit it to data with the same "
            "actions; a TransitionLog takes actions that do not occur as `classes`."
        )
