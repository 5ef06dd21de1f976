"""Sweeps of ridge regressions whose actions share what they have in common."""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse import issparse

from skampo.critics._solver import Sweeps
from skampo.exceptions import InvalidParameterError, RegressorError
from skampo.features._split import LinearScores, product

# Penalties are multiplied by this when sweeps diverge, up to so many times the first.
_STRONGER = 10.0
_STRONGEST = 1e5
# Their inverse takes seconds.
_MANY_COLUMNS = 2000


class PooledSweeps(Sweeps):
    r"""
    Ridge regressions, one per action, that are pulled to a function they share.

    With features :math:`X_a` and targets :math:`y_a` of the rows of action a, they are

    .. math::

        \min_{w, v} \sum_a \|y_a - X_a (w + v_a)\|^2
        + s \alpha \sum_a \|v_a\|^2 + \alpha \|w\|^2.

    Features are rounded to 32 bits: sweeps read all of them twice, and nothing else in
    a sweep takes time.
    """

    n_sweeps = 40
    # With one-step targets, policies of LunarLander hover until their time is up.
    trace_decay = 0.9

    def __init__(self, form, features, steps, setting):
        _check_dense(form, features)
        self.features = np.ascontiguousarray(features, dtype=np.float32)
        # Rows lie action by action, so that those of one action are a slice.
        self.order = np.argsort(steps.actions, kind="stable")
        self.taken = self.features[steps.at[self.order]]
        stops = np.cumsum(np.bincount(steps.actions, minlength=setting.n_actions))
        starts = np.append(0, stops[:-1])
        self.rows = [slice(*ends) for ends in zip(starts, stops, strict=True)]
        # Double precision from here on: the penalty must not be lost in rounding.
        self.grams = [
            (self.taken[r].T @ self.taken[r]).astype(float) for r in self.rows
        ]
        self.weights = np.zeros((features.shape[1], setting.n_actions))
        self.form, self.factor = form, 1.0
        try:
            self._factorize()
        except LinAlgError as error:
            raise RegressorError(
                f"{form!r} failed to factorize {features.shape[0]:,} x "
                f"{features.shape[1]} features in single precision: {error}. Raise its "
                "alpha, or use Ridge(fit_intercept=False)."
            ) from error

    def start(self):
        """Take back what other policies made of the penalties."""
        if self.factor != 1.0:
            self.factor = 1.0
            self._factorize()

    @property
    def can_strengthen(self):
        """Whether the penalties are not beyond all reason yet."""
        return self.factor < _STRONGEST

    def strengthen(self):
        """Multiply the penalties by ten."""
        self.factor *= _STRONGER
        self._factorize()

    def _factorize(self):
        """Do what does not depend on the target."""
        alpha = self.factor * self.form.alpha
        sharing, identity = self.form.sharing, np.eye(len(self.weights))
        penalty = sharing * alpha
        # Inverted, because each pull is a multiple of the whole inverse.
        self.inverses = [_inverse(gram + penalty * identity) for gram in self.grams]
        # What is left of w when each action has its best v for it.
        self.pulls = [penalty * inverse for inverse in self.inverses]
        # (Σ (I - Pₐ) + I / s) w = Σ uₐ for pulls Pₐ, and uₐ found without w.
        system = sum(identity - pull for pull in self.pulls) + identity / sharing
        self.system = cho_factor(system, check_finite=False)

    def fit(self, y):
        """Fit the targets of the actions taken."""
        # A product of two precisions would copy all features into the higher one.
        y = y[self.order].astype(np.float32)
        alone = [
            inverse @ (self.taken[rows].T @ y[rows]).astype(float)
            for inverse, rows in zip(self.inverses, self.rows, strict=True)
        ]
        shared = cho_solve(self.system, sum(alone), check_finite=False)
        for a, pull in enumerate(self.pulls):
            self.weights[:, a] = alone[a] + pull @ shared

    def values(self):
        """Values of all actions in all states."""
        return product(self.features, self.weights.astype(np.float32)).astype(float)

    @property
    def scores(self):
        """The fitted scores, a callable on features."""
        # Predictions are made in double precision, whatever sweeps are done in.
        return LinearScores(self.weights, np.zeros(self.weights.shape[1]))


def _check_dense(form, features):
    if issparse(features):
        raise InvalidParameterError(
            f"{form!r} pools dense features. Got a sparse matrix: use Ridge("
            "fit_intercept=False), or sparse_output=False in the encoder."
        )
    n_rows, n_columns = features.shape
    if n_columns > max(n_rows, _MANY_COLUMNS):
        raise InvalidParameterError(
            f"{form!r} inverts a matrix of n_features x n_features for every action. "
            f"Got {n_columns:,} features of {n_rows:,} states: use Ridge("
            "fit_intercept=False), with which so many take little time."
        )


def _inverse(matrix):
    factor = cho_factor(matrix, check_finite=False)
    return cho_solve(factor, np.eye(len(matrix)), check_finite=False)
