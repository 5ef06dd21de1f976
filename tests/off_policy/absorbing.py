"""Episodes of a finite model that end by chance: exact truth, lengths that differ."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skampo.data import TransitionLog
from tests.off_policy.layered import softmax


@dataclass(frozen=True, eq=False)
class Absorbing:
    """States that lead to each other until an episode ends."""

    transition: np.ndarray  # (n_states, n_actions, n_states + 1), the last is the end
    reward: np.ndarray  # (n_states, n_actions)
    behavior: np.ndarray  # (n_states, n_actions)
    target: np.ndarray
    gamma: float = 0.9

    @classmethod
    def random(cls, seed=0, n_states=4, n_actions=2, distance=0.3, end=0.25):
        """An episode ends in each step with a chance of `end`; most steps cost."""
        rng = np.random.default_rng(seed)
        inner = rng.dirichlet(np.ones(n_states), size=(n_states, n_actions))
        over = np.full((n_states, n_actions, 1), end)
        logits = rng.normal(size=(n_states, n_actions))
        shift = distance * rng.normal(size=logits.shape)
        return cls(
            np.concatenate([(1 - end) * inner, over], axis=2),
            rng.normal(-1, 1, size=(n_states, n_actions)),
            softmax(logits),
            softmax(logits + shift),
        )

    @cached_property
    def truth(self):
        """Action values (n_states, n_actions) and the value of the start."""
        n_states, n_actions = self.reward.shape
        inner = self.transition[:, :, :n_states]
        # From a pair of state and action to the next one.
        follow = (inner[:, :, :, None] * self.target).reshape(
            n_states * n_actions, n_states * n_actions
        )
        q_values = np.linalg.solve(
            np.eye(len(follow)) - self.gamma * follow, self.reward.ravel()
        ).reshape(n_states, n_actions)
        return q_values, float((self.target * q_values).sum(axis=1).mean())

    def draw(self, n_episodes, seed, noise=0.5):
        """A log of the behavior; episodes start uniformly."""
        rng = np.random.default_rng(seed)
        n_states = len(self.reward)
        episodes, s = np.arange(n_episodes), rng.integers(n_states, size=n_episodes)
        columns = []
        while len(s):
            a = pick(rng, self.behavior[s])
            after = pick(rng, self.transition[s, a])
            paid = self.reward[s, a] + noise * rng.normal(size=len(s))
            columns.append((episodes, s, a, paid, after, self.behavior[s, a]))
            goes_on = after < n_states
            episodes, s = episodes[goes_on], after[goes_on]
        joined = [np.concatenate(column) for column in zip(*columns, strict=True)]
        # Step by step so far; a stable sort keeps the steps of an episode in order.
        order = np.argsort(joined[0], kind="stable")
        episodes, s, a, paid, after, chosen = (column[order] for column in joined)
        return TransitionLog(
            s[:, None],
            a,
            paid,
            after[:, None],
            terminated=after == n_states,
            episodes=episodes,
            propensities=chosen,
            classes=np.arange(self.reward.shape[1]),
        )


def pick(rng, proba):
    """One column of each row, drawn by its probability."""
    edges = proba.cumsum(axis=1)[:, :-1]
    return (rng.random((len(proba), 1)) > edges).sum(axis=1)
