"""States that a policy met, and what it would do if they were others."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.utils import resample

from skampo.distill._imitation import watch
from skampo.distill._tree_policy import play_options

# Values at which partial dependence is computed.
_N_GRID = 40


@dataclass(frozen=True, eq=False)
class Seen:
    """States that a policy met, the masks there, and what it did."""

    states: np.ndarray
    masks: Any
    actions: np.ndarray

    @classmethod
    def of(cls, player, env, n_episodes, seed):
        """What a policy meets in episodes, and the results of these."""
        quick = player._policy.unchecked()
        options = {"n_episodes": n_episodes, "seed": seed, **play_options(player)}
        states, masks, results = watch(env, quick, **options)
        return cls(states, masks, _greedy(player, states, masks)), results

    def some(self, n, rng):
        """So many of the states, drawn at random."""
        every = np.arange(len(self.states))
        rows = resample(
            every, replace=False, n_samples=min(n, len(every)), random_state=rng
        )
        masks = None if self.masks is None else self.masks[rows]
        return Seen(self.states[rows], masks, self.actions[rows])

    def shares(self, player):
        """How often each action was taken."""
        counts = np.bincount(self.actions, minlength=len(player.classes_))
        return (counts / counts.sum()).tolist()

    def importances(self, player, rng):
        """By column, how often a value from another state changes the action."""
        same = lambda policy, X, y: (_greedy(policy, X, self.masks) == y).mean()
        found = permutation_importance(
            player, self.states, self.actions, scoring=same, random_state=rng
        )
        return dict(enumerate(found.importances_mean.tolist()))

    def dependence(self, player, column):
        """Values of a column, and the mean probabilities where all states have it."""
        values = np.unique(self.states[:, column])
        if len(values) > _N_GRID:
            # The few states beyond are no reason for a wide picture.
            low, high = np.quantile(self.states[:, column], [0.01, 0.99])
            values = values[(values >= low) & (values <= high)]
            # Values that occur: between numbers of states there are none.
            values = values[np.linspace(0, len(values) - 1, _N_GRID).astype(int)]
        states, proba = self.states.copy(), []
        for value in values:
            states[:, column] = value
            found = player.predict_proba(states, action_mask=self.masks)
            proba.append(found.mean(axis=0))
        return values, np.array(proba)


def _greedy(policy, states, masks):
    return policy.predict_proba(states, action_mask=masks).argmax(axis=1)
