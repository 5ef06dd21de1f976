"""States that a student visits, and what its teacher would have done there."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skampo.base import in_blocks
from skampo.rollouts import play_episodes
from skampo.rollouts._seeding import TRAINING


def losses(scores, masks=None):
    """The best action of each state, and what the worst allowed one would lose."""
    allowed = np.ones(scores.shape, dtype=bool) if masks is None else masks
    best = np.where(allowed, scores, -np.inf).argmax(axis=1)
    largest = scores[np.arange(len(scores)), best]
    return best, largest - np.where(allowed, scores, np.inf).min(axis=1)


@dataclass(frozen=True, eq=False)
class Lessons:
    """States, and what the teacher would do in each of them."""

    states: np.ndarray
    actions: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, teacher, states, masks=None):
        """Ask a teacher, a `MirrorPolicy`."""
        return cls(states, *losses(in_blocks(teacher.scores, states), masks))

    def and_(self, other):
        """Both."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Lessons(*map(np.concatenate, pairs))

    def agreement(self, student):
        """The share of the states where a student does the same."""
        chosen = in_blocks(student.proba, self.states).argmax(axis=1)
        return float((chosen == self.actions).mean())


@dataclass(frozen=True, eq=False)
class States:
    """States that are given once, such as those of a log."""

    states: np.ndarray
    n_rounds: int = 1

    def visit(self, policy, round_):
        """The states and no masks or returns."""
        return self.states, None, np.zeros(0)


@dataclass(frozen=True, eq=False)
class Episodes:
    """Episodes in environments, others in every round."""

    X: Any
    keywords: dict
    n_episodes: int
    n_rounds: int
    seed: int

    def visit(self, policy, round_):
        """The states that a policy meets, the masks there, and its returns."""
        states, masks, results = watch(
            self.X,
            policy,
            n_episodes=self.n_episodes,
            seed=(self.seed + round_) % 2**32,
            stream=TRAINING,
            **self.keywords,
        )
        return states, masks, results.returns


def watch(X, policy, **options):
    """The states and masks that a policy meets in episodes, and their results."""
    watched = Watched(policy)
    results = play_episodes(X, watched, **options)
    states = np.concatenate(watched.states)
    has_masks = any(mask is not None for mask in watched.masks)
    return states, np.concatenate(watched.all_masks()) if has_masks else None, results


class Watched:
    """A policy that keeps what it is shown."""

    def __init__(self, policy):
        self.policy, self.states, self.masks = policy, [], []

    def proba(self, observations, action_mask=None):
        """Probabilities of the policy."""
        self.states.append(np.array(observations))
        proba = self.policy.proba(observations, action_mask)
        self.masks.append(None if action_mask is None else np.array(action_mask))
        self.n_actions = proba.shape[1]
        return proba

    def all_masks(self):
        """A mask for each row; where none was given, everything is allowed."""
        pairs = zip(self.masks, self.states, strict=True)
        free = lambda rows: np.ones((len(rows), self.n_actions), dtype=bool)
        return [free(rows) if mask is None else mask for mask, rows in pairs]
