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
    trace_decay = 0.0

    def __init__(self, form, features, next_features, actions, setting):
        self.features = features
        self.next_features = next_features
        rows = [actions == a for a in range(setting.n_actions)]
        self.systems = [
            (a, taken, RidgeSystem(features[taken], form))
            for a, taken in enumerate(rows)
            if taken.any()
        ]
        self.weights = np.zeros((features.shape[1], setting.n_actions))
        self.intercept = np.zeros(setting.n_actions)

    def fit(self, y):
        """Fit the targets of the actions taken."""
        for a, taken, system in self.systems:
            self.weights[:, a], self.intercept[a] = system.solve(y[taken])
        self._fill_unseen()

    def values_now(self):
        """Values of all actions at the states."""
        return self.scores(self.features)

    def values_after(self):
        """Values of all actions at the next states."""
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



from dataclasses import dataclass
from typing import Any
from skampo._regression import fit_regressor, predict_column
from skampo._encoding import rms, Scores
import os
NP=int(os.environ.get("NP","1")); NS=int(os.environ.get("NS","3")); NSC=int(os.environ.get("NSC","10")); DU=int(os.environ.get("DU","1"));LAM=float(os.environ.get("LAM",".9"))

@dataclass(frozen=True, eq=False)
class Dueling:
    base: Any
    base_scale: float
    diff: Any
    diff_scale: float
    def __call__(self, X):
        return self.base_scale*predict_column(self.base, X)[:,None] + self.diff_scale*self.diff(X)

class RefitSweeps:
    """Any model."""
    trace_decay=LAM
    def __init__(self, model, features, next_features, actions, setting, start=None):
        self.model = model
        self.features = features
        self.next_features = next_features
        self.actions = actions
        self.setting = setting
        self.affordable = NSC if continues(model) else NS
        self.scores = start

    def fit(self, y):
        st=self.setting; s=self.scores
        if not DU:
            self.scores=st.encoding.fit_taken(self.model,self.features,self.actions,y,st.n_actions,rng=st.rng,n_jobs=st.n_jobs,start=s)
            return
        bs=rms(y) if s is None or not 0.5<rms(y)/s.base_scale<2 else s.base_scale
        base=fit_regressor(self.model,self.features,y/bs,rng=st.rng,start=s and s.base,n_passes=NP)
        res=y-bs*predict_column(base,self.features)
        ds=rms(res)
        if s is not None and 0.33<ds/s.diff_scale<3: ds=s.diff_scale
        diff=st.encoding.fit_taken(self.model,self.features,self.actions,res/ds,st.n_actions,rng=st.rng,n_jobs=st.n_jobs,start=s and s.diff)
        self.scores=Dueling(base,bs,diff,ds)

    def values_now(self):
        """Values of all actions at the states."""
        return self.scores(self.features)

    def values_after(self):
        """Values of all actions at the next states."""
        return self.scores(self.next_features)
