"""Episodes of a finite model whose steps are part of its state: exact truth."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skampo.data import TransitionLog


@dataclass(frozen=True, eq=False)
class Layered:
    """`horizon` layers of `n_states` states; every step leads one layer on."""

    transition: np.ndarray  # (horizon, n_states, n_actions, n_states)
    reward: np.ndarray  # (horizon, n_states, n_actions)
    behavior: np.ndarray  # (horizon * n_states, n_actions)
    target: np.ndarray
    gamma: float = 0.9

    @classmethod
    def random(cls, seed=0, horizon=4, n_states=3, n_actions=2, distance=0.5):
        """Target and behavior differ by factors of about exp(distance)."""
        rng = np.random.default_rng(seed)
        shape = (horizon, n_states, n_actions)
        transition = rng.dirichlet(np.ones(n_states), size=shape)
        logits = rng.normal(size=(horizon * n_states, n_actions))
        shift = distance * rng.normal(size=logits.shape)
        return cls(
            transition, rng.normal(size=shape), softmax(logits), softmax(logits + shift)
        )

    @cached_property
    def truth(self):
        """Action values (horizon * n_states, n_actions) and the value of the start."""
        horizon, n_states, n_actions = self.reward.shape
        pi = self.target.reshape(horizon, n_states, n_actions)
        q_values, after = np.zeros(self.reward.shape), np.zeros(n_states)
        for t in reversed(range(horizon)):
            q_values[t] = self.reward[t] + self.gamma * self.transition[t] @ after
            after = (pi[t] * q_values[t]).sum(axis=1)
        return q_values.reshape(-1, n_actions), float(after.mean())

    def draw(self, n_episodes, seed, noise=0.5):
        """A log of the behavior; episodes start uniformly."""
        rng = np.random.default_rng(seed)
        horizon, n_states, _ = self.reward.shape
        s = rng.integers(n_states, size=n_episodes)
        columns = []
        for t in range(horizon):
            row = t * n_states + s
            p = self.behavior[row]
            a = (rng.random((n_episodes, 1)) > p.cumsum(axis=1)).sum(axis=1)
            edges = self.transition[t, s, a].cumsum(axis=1)
            after = np.minimum(
                (rng.random((n_episodes, 1)) > edges).sum(axis=1), n_states - 1
            )
            paid = self.reward[t, s, a] + noise * rng.normal(size=n_episodes)
            chosen = p[np.arange(n_episodes), a]
            following = min(t + 1, horizon - 1) * n_states + after
            columns.append((row, a, paid, following, chosen))
            s = after
        row, a, paid, following, chosen = (
            np.stack(c, axis=1).ravel() for c in zip(*columns, strict=True)
        )
        return TransitionLog(
            row[:, None],
            a,
            paid,
            following[:, None],
            terminated=np.tile(np.arange(horizon) == horizon - 1, n_episodes),
            episodes=np.repeat(np.arange(n_episodes), horizon),
            propensities=chosen,
            classes=np.arange(self.reward.shape[2]),
        )


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


class TablePolicy:
    """Probabilities looked up by the number of the state, or by its indicator."""

    def __init__(self, proba, one_hot=False):
        self.proba = proba
        self.one_hot = one_hot
        self.classes_ = np.arange(proba.shape[1])

    def predict_proba(self, X):
        X = np.asarray(X)
        return X @ self.proba if self.one_hot else self.proba[X[:, 0].astype(int)]


def one_hot(log, n_states):
    """The log with an indicator of each state: a table is then a linear model."""
    # Behind the end is no state; what stands there plays no part.
    states, following = (
        np.eye(n_states)[column[:, 0].astype(int) % n_states]
        for column in (log.states, log.next_states)
    )
    return dataclasses.replace(log, states=states, next_states=following)
