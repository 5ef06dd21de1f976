"""A model on the rows of a log, and what it would have been from other episodes."""

import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from skampo.features._blocks import by_blocks
from skampo.features._lending import lend
from skampo.off_policy._trajectories import (
    action_proba,
    cut_rows,
    first_rows,
    states_at,
)
from skampo.off_policy._values import ActionValues, fit_critic
from skampo.utils._sklearn import take_rows


@dataclass(frozen=True, eq=False)
class ModeledValues:
    """
    A model on the rows of a log: Q of what was done, V, and V beyond cuts.

    `missing` is the share that further sweeps would change.
    """

    taken: np.ndarray
    values: np.ndarray
    beyond: np.ndarray
    missing: float = 0.0


@dataclass(frozen=True, eq=False)
class CrossFit:
    """Values fitted to one half of the episodes for the use in the other."""

    policy: Any
    log: Any
    proba: np.ndarray
    fit: Any
    halves: tuple
    critics: list

    @classmethod
    def of(cls, policy, log, proba, regressor, gamma, seed):
        """Fit both halves."""
        fit = partial(
            fit_critic,
            policy,
            gamma=gamma,
            regressor=regressor,
            n_sweeps=None,
            random_state=seed,
        )
        halves = _halves(log)
        critics = [fit(log[half]) for half in halves]
        return cls(policy, log, proba, fit, halves, critics)

    def values(self):
        """Each row under the model of the other half."""
        looked_up = [
            look_up(
                self.policy,
                self.log,
                self.proba,
                ActionValues(critic.q_, self.log.classes),
            )
            for critic in self.critics
        ]
        swapped = _swap(self.halves, looked_up, np.flatnonzero(first_rows(self.log)))
        missing = max(critic.missing_ for critic in self.critics)
        return replace(swapped, missing=missing)

    def refit(self, rng):
        """How often each episode was drawn, and the fits to what was drawn."""
        counts = np.zeros(self.log.n_episodes)
        critics = []
        for half, critic in zip(self.halves, self.critics, strict=True):
            sample, drawn = resample(self.log[half], rng)
            # Both halves keep their episodes: a copy must not judge itself.
            counts[half[self.log.is_start]] = drawn
            # A shallow copy: a refit replaces the values of the copy alone.
            critics.append(self.fit(sample, critic=copy.copy(critic)))
        return counts, replace(self, critics=critics)


def resample(log, rng):
    """As many episodes, drawn with replacement, and how often each was drawn."""
    starts = np.flatnonzero(log.is_start)
    stops = np.append(starts[1:], len(log))
    drawn = rng.randint(len(starts), size=len(starts))
    rows = np.concatenate([np.arange(starts[i], stops[i]) for i in drawn])
    # Under its own label an episode that is drawn twice would be torn or merged.
    labels = np.repeat(np.arange(len(drawn)), (stops - starts)[drawn])
    return log.select(rows, labels), np.bincount(drawn, minlength=len(starts))


def _halves(log):
    """Every second episode, and the others."""
    # Whole episodes: rows of one are too much alike to judge each other.
    is_odd = (log.is_start.cumsum() - 1) % 2 == 1
    if not is_odd.any():
        raise ValueError(
            "Action values are fitted to one half of the episodes for use in the "
            "other. Got a single episode: log more, or pass action_values=."
        )
    return ~is_odd, is_odd


def _swap(halves, models, starts):
    """Rows and episodes of one half get the model of the other."""
    first = halves[0]
    return ModeledValues(
        np.where(first, models[1].taken, models[0].taken),
        np.where(first, models[1].values, models[0].values),
        np.where(first[starts], models[1].beyond, models[0].beyond),
    )


def look_up(policy, log, proba, action_values):
    """What given action values say on the rows of a log."""
    q_values = by_blocks(lambda rows: _some_values(log, action_values, rows), len(log))
    done = np.searchsorted(log.classes, log.actions)
    return ModeledValues(
        q_values[np.arange(len(log)), done],
        (proba * q_values).sum(axis=1),
        beyond_cuts(policy, log, action_values),
    )


def _some_values(log, action_values, rows):
    states = states_at(log.states, rows)
    q_values = np.asarray(action_values(lend(action_values, states)), dtype=np.float64)
    expected = len(states), len(log.classes)
    if q_values.shape != expected:
        raise ValueError(
            f"action_values gave an array of shape {q_values.shape}; expected "
            f"{expected}, one column per action of the log: {log.classes.tolist()}."
        )
    return q_values


def beyond_cuts(policy, log, action_values):
    """Values of what followed the last rows of the episodes that were cut."""
    starts, goes_on = first_rows(log), cut_rows(log)
    beyond = np.zeros(int(starts.sum()))
    if goes_on.any():
        states = take_rows(log.next_states, np.flatnonzero(goes_on))
        proba = action_proba(policy, states, log.classes)
        episodes = starts.cumsum() - 1
        q_values = action_values(lend(action_values, states))
        beyond[episodes[goes_on]] = (proba * q_values).sum(axis=1)
    return beyond
