"""Sweeps of fitted Q evaluation: the same rows fitted again and again.

Both kinds see features that were computed once: of the states that were left, and
after them of those where a trajectory ended. For a linear model, a sweep is two
products of matrix and vector per action.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skampo.critics._solver import Sweeps
from skampo.encodings._base import keep_unit, rms
from skampo.exceptions import RegressorError
from skampo.features._regression import learns_by_passes, predict_columns
from skampo.features._split import LinearScores
from skampo.regressors._linear import LeastSquaresForm, RidgeForm


class LinearSweeps(Sweeps):
    """Linear regression on features: one factorization per action."""

    # Eight are too few for CartPole; on Acrobot more than ten gain nothing.
    n_sweeps = 40
    # With traces, ridges of single actions do not solve Acrobot.
    trace_decay = 0.0

    def __init__(self, form, features, steps, setting):
        self.features = features
        rows = [np.flatnonzero(steps.actions == a) for a in range(setting.n_actions)]
        self.systems = [
            (a, taken, _factorize(form, features[steps.at[taken]]))
            for a, taken in enumerate(rows)
            if len(taken)
        ]
        self.seen = [a for a, _, _ in self.systems]
        self.unseen = np.setdiff1d(np.arange(setting.n_actions), self.seen)
        self.weights = np.zeros((features.shape[1], setting.n_actions))
        self.intercept = np.zeros(setting.n_actions)

    def fit(self, y):
        """Fit the targets of the actions taken."""
        # Other arrays: the last scores keep theirs.
        self.weights, self.intercept = self.weights.copy(), self.intercept.copy()
        for a, taken, system in self.systems:
            self.weights[:, a], self.intercept[a] = system.solve(y[taken])
        if len(self.unseen):
            mean = self.weights[:, self.seen].mean(axis=1, keepdims=True)
            self.weights[:, self.unseen] = mean
            self.intercept[self.unseen] = self.intercept[self.seen].mean()

    def values(self):
        """Values of all actions in all states."""
        return self.scores(self.features)

    @property
    def scores(self):
        """The fitted scores, a callable on features."""
        return LinearScores(self.weights, self.intercept)


def _factorize(form, features):
    """The factorized regression; what fails names its form."""
    try:
        return form.factorize(features)
    except Exception as error:
        raise RegressorError(
            f"{form!r} failed to factorize {features.shape[0]:,} x "
            f"{features.shape[1]} features: {type(error).__name__}: {error}"
        ) from error


@dataclass(frozen=True, eq=False)
class DuelingScores:
    """What all actions share, and what each adds to it; each in a unit of its own."""

    shared: Any
    shared_unit: float
    added: Any
    added_unit: float

    def __call__(self, features):
        """Scores of all actions, shape (n, n_actions)."""
        shared = self.shared_unit * predict_columns(self.shared, features, 1)
        return shared + self.added_unit * self.added(features)


class RefitSweeps(Sweeps):
    """
    Any model: fitted again in every sweep, or learning on from the last one.

    Action values differ between actions far less than between states. So one model is
    fitted to the targets of all rows, and the encoding to what it leaves over.
    """

    # Long traces carry rewards back where only a few sweeps are affordable.
    trace_decay = 0.97

    def __init__(self, model, features, actions, setting, start=None):
        self.model = model
        self.features = features
        # Nothing is merged for these models: step i starts from row i.
        self.taken = features[: len(actions)]
        self.actions = actions
        self.setting = setting
        # A sweep is then one pass, which takes a fraction of a whole fit.
        self.n_sweeps = 10 if learns_by_passes(model) else 2
        self._fitted = start

    def fit(self, y):
        """Fit the targets of the actions taken."""
        last = self._fitted
        learner = self.setting.learner(self.model, last and last.added)
        # Units make the targets of both fits about 1, whatever the values are.
        unit = keep_unit(rms(y), last and last.shared_unit)
        shared = learner.fit(self.taken, y / unit, start=last and last.shared)
        rest = y - unit * predict_columns(shared, self.taken, 1)[:, 0]
        rest_unit = keep_unit(rms(rest), last and last.added_unit)
        added = self.setting.encoding.fit_taken(
            learner, self.taken, self.actions, rest / rest_unit, self.setting.n_actions
        )
        self._fitted = DuelingScores(shared, unit, added, rest_unit)

    def values(self):
        """Values of all actions in all states."""
        return self.scores(self.features)

    @property
    def scores(self):
        """The fitted scores, a callable on features."""
        return self._fitted


def make_sweeps(form, features, steps, setting):
    """The solver of a linear regressor, by the class of its form or one above it."""
    known = [Sweeps.by_form[cls] for cls in type(form).__mro__ if cls in Sweeps.by_form]
    return next(iter(known), LinearSweeps)(form, features, steps, setting)


Sweeps.by_form |= dict.fromkeys((LeastSquaresForm, RidgeForm), LinearSweeps)
