"""How pairs (state, action) become the rows of a regression, and back.

An encoding fits either every action of each row (line 1 of Algorithm 1) or only the
action that was taken (a critic), and returns scores: a callable from observations
(n, n_features) to an array (n, n_actions).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from skampo._regression import (
    fit_regressor,
    predict_column,
    predict_columns,
    takes_columns,
)

__all__ = ["ENCODINGS", "JointScores", "Scores", "rms", "zero_scores"]


# Passes over the data when a model learns on from the last iteration: fewer leave
# networks behind the moving target, more cost time and change little.
_PASSES = 20


def rms(values, sample_weight=None):
    """Root of the weighted mean square, free of overflow; 1 when all are zero."""
    if sample_weight is not None:
        values, sample_weight = (
            values[sample_weight > 0],
            sample_weight[sample_weight > 0],
        )
    largest = np.abs(values).max(initial=0.0)
    if largest == 0:
        return 1.0
    squares = np.square(values / largest).reshape(len(values), -1).mean(axis=1)
    return float(largest * np.sqrt(np.average(squares, weights=sample_weight)))


@dataclass(frozen=True, eq=False)
class Scores:
    """One model per action; an action without a model gets the mean of the others."""

    models: tuple
    scale: float = 1.0

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        columns = [
            None if model is None else predict_column(model, observations)
            for model in self.models
        ]
        present = [column for column in columns if column is not None]
        missing = (
            np.mean(present, axis=0) if present else np.zeros(observations.shape[0])
        )
        filled = [missing if column is None else column for column in columns]
        return self.scale * np.column_stack(filled)

    @property
    def fitted(self):
        """The fitted models, one per action."""
        return list(self.models)


@dataclass(frozen=True, eq=False)
class ColumnScores:
    """One model with one output column per action."""

    model: Any
    n_actions: int
    scale: float = 1.0

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        return self.scale * predict_columns(self.model, observations, self.n_actions)

    @property
    def fitted(self):
        """The fitted model."""
        return self.model


@dataclass(frozen=True, eq=False)
class JointScores:
    """One model that sees the action as one-hot features behind the observation."""

    model: Any
    n_actions: int
    scale: float = 1.0

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        rows = joint_rows(observations, self.n_actions)
        column = predict_column(self.model, rows)
        return self.scale * column.reshape(len(observations), self.n_actions)

    @property
    def fitted(self):
        """The fitted model."""
        return self.model


def zero_scores(n_actions):
    """The scores of the first iterate: zero everywhere, a uniform policy."""
    return Scores((None,) * n_actions)


def joint_rows(observations, n_actions):
    """Every observation with every one-hot action, observation by observation."""
    repeated = np.repeat(observations, n_actions, axis=0)
    return np.hstack([repeated, np.tile(np.eye(n_actions), (len(observations), 1))])


class PerAction:
    """One regressor per action; the only encoding that fits any regressor."""

    splits_actions = True

    def fit_all(
        self, regressor, X, targets, sample_weight, *, rng, n_jobs=None, start=None
    ):
        """Scores fitted to a target for every action of every row."""
        scale = rms(targets, sample_weight)
        starts = getattr(start, "models", None) or (None,) * targets.shape[1]
        jobs = [
            (X, column / scale, sample_weight, begin)
            for column, begin in zip(targets.T, starts, strict=True)
        ]
        models = _fit_each(regressor, jobs, rng, n_jobs, _PASSES)
        return Scores(models, scale)

    def fit_taken(
        self, regressor, X, actions, y, n_actions, *, rng, n_jobs=None, start=None
    ):
        """Scores fitted to a target for the action taken in each row."""
        starts = getattr(start, "models", None) or (None,) * n_actions
        jobs = [
            (X[actions == a], y[actions == a], None, starts[a])
            for a in range(n_actions)
        ]
        return Scores(_fit_each(regressor, jobs, rng, n_jobs))


class MultiOutput(PerAction):
    """One regressor, one output per action; one regressor per action for critics."""

    def fit_all(
        self, regressor, X, targets, sample_weight, *, rng, n_jobs=None, start=None
    ):
        """Scores fitted to a target for every action of every row."""
        scale = rms(targets, sample_weight)
        model = fit_regressor(
            regressor,
            X,
            targets / scale,
            sample_weight,
            rng=rng,
            start=getattr(start, "model", None),
            n_passes=_PASSES,
        )
        return ColumnScores(model, targets.shape[1], scale)


class Joint:
    """The action as a feature of one regressor."""

    splits_actions = False

    def fit_all(
        self, regressor, X, targets, sample_weight, *, rng, n_jobs=None, start=None
    ):
        """Scores fitted to a target for every action of every row."""
        n_actions = targets.shape[1]
        scale = rms(targets, sample_weight)
        weights = None if sample_weight is None else sample_weight.repeat(n_actions)
        rows = joint_rows(X, n_actions)
        y = targets.ravel() / scale
        begin = getattr(start, "model", None)
        model = fit_regressor(
            regressor, rows, y, weights, rng=rng, start=begin, n_passes=_PASSES
        )
        _warn_if_linear(model, rows.shape[1])
        return JointScores(model, n_actions, scale)

    def fit_taken(
        self, regressor, X, actions, y, n_actions, *, rng, n_jobs=None, start=None
    ):
        """Scores fitted to a target for the action taken in each row."""
        rows = np.hstack([X, np.eye(n_actions)[actions]])
        begin = getattr(start, "model", None)
        model = fit_regressor(regressor, rows, y, rng=rng, start=begin)
        return JointScores(model, n_actions)


class Auto:
    """Columns when the regressor declares that it takes them, else one per action."""

    splits_actions = True

    def fit_all(
        self, regressor, X, targets, sample_weight, *, rng, n_jobs=None, start=None
    ):
        """Scores fitted to a target for every action of every row."""
        chosen = MultiOutput() if takes_columns(regressor) else PerAction()
        return chosen.fit_all(
            regressor, X, targets, sample_weight, rng=rng, n_jobs=n_jobs, start=start
        )

    fit_taken = PerAction.fit_taken


ENCODINGS = {
    "auto": Auto,
    "per_action": PerAction,
    "multi_output": MultiOutput,
    "joint": Joint,
}


def _fit_each(regressor, jobs, rng, n_jobs, n_passes=1):
    """One fitted model per job, None where there are no rows; same for any n_jobs."""
    # Also for actions without rows, so that seeds do not depend on what was seen.
    children = rng.spawn(len(jobs))
    fits = [
        delayed(fit_regressor)(
            regressor, X, y, weight, rng=child, start=start, n_passes=n_passes
        )
        for (X, y, weight, start), child in zip(jobs, children, strict=True)
        if len(X)
    ]
    fitted = iter(Parallel(n_jobs=n_jobs, prefer="threads")(fits))
    return tuple(next(fitted) if len(X) else None for X, *_ in jobs)


def _warn_if_linear(model, n_columns):
    """Say that a linear model of [state, action] prefers one action everywhere."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    if np.size(getattr(last, "coef_", ())) == n_columns:
        warnings.warn(
            "encoding='joint' with a linear regressor has the same greedy action in "
            "every state: it has no interaction of state and action. Use "
            "encoding='per_action', or features that cross states with actions.",
            UserWarning,
            stacklevel=2,
        )
