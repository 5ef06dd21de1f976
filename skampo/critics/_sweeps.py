"""Sweeps of fitted Q evaluation: the same rows fitted again and again.

Both kinds see features that were computed once; for a ridge a sweep is one product of
matrix and vector per action.
"""

import numpy as np

from skampo._features import LinearScores, RidgeSystem
from skampo._regression import continues

__all__ = ["RefitSweeps", "RidgeSweeps"]


class RidgeSweeps:
    """Ridge regression on features: one factorization per action."""

    affordable = 40

    def __init__(self, form, features, next_features, actions, setting):
        self.next_features = next_features
        rows = [actions == a for a in range(setting.n_actions)]
        self.systems = [
            (a, taken, RidgeSystem(features[taken], form))
            for a, taken in enumerate(rows)
            if taken.any()
        ]
        self.weights = np.zeros((features.shape[1], setting.n_actions))
        self.intercept = np.zeros(setting.n_actions)

    def run(self, y):
        """Fit `y` and return the values of all actions at the next states."""
        for a, taken, system in self.systems:
            self.weights[:, a], self.intercept[a] = system.solve(y[taken])
        self._fill_unseen()
        return self.scores(self.next_features)

    def _fill_unseen(self):
        seen = [a for a, _, _ in self.systems]
        unseen = np.setdiff1d(np.arange(len(self.intercept)), seen)
        self.weights[:, unseen] = self.weights[:, seen].mean(axis=1, keepdims=True)
        self.intercept[unseen] = self.intercept[seen].mean()

    @property
    def scores(self):
        """The fitted scores, a callable on features."""
        return LinearScores(self.weights, self.intercept)


class RefitSweeps:
    """Any model: fitted again in every sweep, or continued by `partial_fit`."""

    def __init__(self, model, features, next_features, actions, setting, start=None):
        self.model = model
        self.features = features
        self.next_features = next_features
        self.actions = actions
        self.setting = setting
        self.affordable = 10 if continues(model) else 3
        self.scores = start

    def run(self, y):
        """Fit `y` and return the values of all actions at the next states."""
        setting = self.setting
        self.scores = setting.encoding.fit_taken(
            self.model,
            self.features,
            self.actions,
            y,
            setting.n_actions,
            rng=setting.rng,
            n_jobs=setting.n_jobs,
            start=self.scores,
        )
        return self.scores(self.next_features)
