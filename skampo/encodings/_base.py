"""What all encodings share: how a regressor is fitted, and on which features."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skampo.features._regression import fit_regressor, learns_by_passes
from skampo.features._split import is_random, split_features, take_apart
from skampo.utils._rows import row_mean

__all__ = ["PASSES", "Encoding", "Learner", "keep_unit", "rms"]

# Passes over the data when a model learns on from the last iteration: fewer leave
# networks behind the moving target, more cost time and change little.
PASSES = 20


@dataclass(frozen=True, eq=False)
class Learner:
    """A regressor and how it is fitted; `start` are scores that learn on."""

    regressor: Any
    rng: np.random.Generator
    n_jobs: int | None = None
    start: Any = None
    n_passes: int = 1

    def fit(self, X, y, sample_weight=None, start=None):
        """One fitted model."""
        return fit_regressor(
            self.regressor,
            X,
            y,
            sample_weight,
            rng=self.rng,
            start=start,
            n_passes=self.n_passes,
        )


class Encoding:
    """
    How pairs (state, action) become the rows of a regression, and back.

    A subclass writes `fit_all` (a value for every action of each row) and `fit_taken`
    (a value for the action that was taken). Both return scores: a callable from
    observations (n, n_features) to an array (n, n_actions).
    """

    splits_actions = True
    #: Whether line 1 fits the dual of the policy as well, which may be limited then.
    fits_dual = True
    #: Parameters of the estimator that another fit cannot change when it goes on.
    fixed: tuple[str, ...] = ()

    def check(self, mirror_map):
        """Refuse a mirror map whose policies the encoding cannot represent."""

    def split(self, regressor, sample, last, rng):
        """Fitted features, if they are apart from the model, and the model."""
        return sample.shared or _split_learner(regressor, sample, rng)

    def action_weights(self, target):
        """Weights of the actions in line 1, the second factor of its distribution."""
        return np.full_like(target.proba, 1 / target.proba.shape[1])

    def fit(self, learner, X, target, sample_weight):
        """Line 1 of Algorithm 1: scores fitted to a `MirrorTarget`."""
        return self.fit_all(learner, X, target.values, sample_weight)


def _split_learner(regressor, sample, rng):
    """Features and model apart, if the model learns on from the last iteration."""
    transformer, model = split_features(regressor)
    # A model cannot go on behind features that were drawn again.
    if transformer is None or is_random(transformer) or not learns_by_passes(model):
        return None, regressor
    return take_apart(regressor, sample.observations, rng)


def rms(values, sample_weight=None):
    """Root of the weighted mean square, free of overflow; 1 when all are zero."""
    if sample_weight is not None:
        # A large value without weight must not make the others vanish beside it.
        values, sample_weight = (
            values[sample_weight > 0],
            sample_weight[sample_weight > 0],
        )
    largest = np.abs(values).max(initial=0.0)
    if largest == 0:
        return 1.0
    squares = row_mean(np.square(values / largest).reshape(len(values), -1))
    return float(largest * np.sqrt(np.average(squares, weights=sample_weight)))


def keep_unit(unit, last):
    """The last unit while it is about right: a model that learns on knows its own."""
    return last if last is not None and last / 3 < unit < 3 * last else unit
