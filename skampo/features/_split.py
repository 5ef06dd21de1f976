"""Scores that are a model behind shared features.

`FeatureScores` puts a model that was fitted to features behind them, and `FeatureView`
remembers what was computed for one batch of observations.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skampo.exceptions import RegressorError
from skampo.features._blocks import MANY, by_blocks, rounded_features, taken
from skampo.features._lending import (
    as_numbers,
    as_rows,
    lend,
    size_hint,
    warning_of_size,
)
from skampo.features._regression import seed_unseeded
from skampo.features._steps import last_step, put_together, split_features
from skampo.features._unchecked import unchecked_transform
from skampo.utils._threads import in_order

# Features are drawn from so many rows, spread evenly over more.
_MOST = 2**20
# Few columns, for so many numbers; a block of rows stays in the cache meanwhile.
_FEW, _LARGE, _BLOCK = 8, 2**17, 1024


def unchecked(scores):
    """Scores without scikit-learn's checks; themselves where they have no such form."""
    return scores.unchecked() if hasattr(scores, "unchecked") else scores


@dataclass(frozen=True, eq=False)
class FeatureScores:
    """Scores of a model, a step of this name, compose a fitted transformer."""

    transformer: Any
    scores: Any
    name: str = "model"

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        return self.scores(transform(self.transformer, observations))

    def on(self, view):
        """Scores of a batch, whose features may be known."""
        # Few columns of many rows: what joins or broadcasts them takes half the time.
        return np.asfortranarray(view.score(self.transformer, self.scores))

    def unchecked(self):
        """The same without scikit-learn's checks, where the parts are known."""
        transform, scores = (
            unchecked_transform(self.transformer),
            unchecked(self.scores),
        )
        # A model that was fitted to a frame looks for its columns.
        if scores is self.scores and _has_names(scores):
            return self

        def rows(X):
            features = transform(lend(self.transformer, X))
            if hasattr(features, "columns"):
                return self.scores(as_rows(features))
            return scores(features)

        return rows

    @property
    def fitted(self):
        """The fitted Pipeline, or one per action."""
        models = self.scores.fitted
        if isinstance(models, list):
            return [put_together(self.transformer, self.name, m) for m in models]
        return put_together(self.transformer, self.name, models)


@dataclass(frozen=True, eq=False)
class ScaledScores:
    """A multiple of other scores."""

    scores: Any
    factor: float

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        return self.factor * self.scores(observations)

    def on(self, view):
        """Scores of a batch, whose features may be known."""
        return self.factor * view.evaluate(self.scores)

    def unchecked(self):
        """The same without scikit-learn's checks, where the models are known."""
        scores = unchecked(self.scores)
        return lambda X: self.factor * scores(X)

    def factor_of(self, scores):
        """The factor, None if these are a multiple of other scores."""
        return self.factor if self.scores is scores else None

    @property
    def fitted(self):
        """The fitted models of the scores."""
        return self.scores.fitted


def _has_names(scores):
    models = getattr(scores, "fitted", None)
    models = models if isinstance(models, list) else [models]
    return any(hasattr(model, "feature_names_in_") for model in models)


def fit_features(transformer, observations, rng, y=None):
    """Fit a transformer to observations, and to y if it wants; a failure names it."""
    try:
        seed_unseeded(transformer, rng)
        some, its_y = _thinned(observations), _thinned(y)
        with warning_of_size(transformer, some):
            return transformer.fit(lend(transformer, some), lend(transformer, its_y))
    except Exception as error:
        raise RegressorError(
            f"regressor features {transformer!r} failed to fit "
            f"{observations.shape[0]:,} x {observations.shape[1]} rows: "
            f"{type(error).__name__}: {error}{size_hint(observations)}"
        ) from error


def _thinned(observations):
    """Rows that are spread evenly over very many; all of others."""
    if observations is None:
        return None
    step = 1 + (observations.shape[0] - 1) // _MOST
    # Means and landmarks of a million rows are as good as those of all.
    if step == 1:
        return observations
    return taken(observations, np.arange(0, observations.shape[0], step))


def take_apart(regressor, observations, rng):
    """Features fitted to the observations and the model behind them, or the whole."""
    transformer, model = split_features(regressor)
    if transformer is None:
        return None, regressor
    try:
        return fit_features(transformer, observations, rng), model
    except RegressorError:
        # It may need a target: the whole Pipeline is then fitted each time.
        return None, regressor


def transform(transformer, observations):
    """Features of the observations; what fails names the transformer."""
    try:
        # Blocks of rows take less time than the start of a cluster's workers for them.
        with in_order():
            return as_rows(transformer.transform(lend(transformer, observations)))
    except Exception as error:
        raise RegressorError(
            f"regressor features {transformer!r} failed on "
            f"{observations.shape[0]:,} x {observations.shape[1]} rows: "
            f"{type(error).__name__}: {error}{size_hint(observations)}"
        ) from error


def scale_rows(features, factors):
    """Each row of dense or sparse features times its factor."""
    if issparse(features):
        return features.multiply(factors[:, None]).tocsr()
    return features * factors[:, None]


def compose(transformer, scores, regressor=None):
    """Scores of observations from scores of their features; None changes nothing."""
    if transformer is None:
        return scores
    return FeatureScores(transformer, scores, last_step(regressor)[0])


def features_of(scores):
    """The fitted transformer in front of scores, None if there is none."""
    return getattr(scores, "transformer", None)


def continuation(last, transformer):
    """The scores in `last` that can learn on, None if they saw other features."""
    previous = features_of(last)
    # Weights of features that were drawn again would mean something else.
    if previous is not transformer and is_random(previous):
        return None
    return last if previous is None else last.scores


def is_random(transformer):
    """Whether a new fit would draw other features, with new meanings of weights."""
    if transformer is None:
        return False
    names = transformer.get_params(deep=True)
    # Also with a seed that is set: from other data it draws other features.
    return any(name.split("__")[-1] == "random_state" for name in names)


class FeatureView:
    """One batch of observations, and what was computed for it so far."""

    def __init__(self, observations, before=None):
        self.observations = observations
        self.before = before
        self.computed = []
        self.rounded_ones = []
        self.evaluated = []

    def features(self, transformer):
        """Features by a fitted transformer; the observations themselves by None."""
        if transformer is None:
            return self.observations
        return _look_up(self.computed, transformer, self._transform)

    def rounded(self, transformer):
        """
        Features for values: in single precision if in double they took much memory.

        Sums over many rows need double precision all the same.
        """
        known = [v for t, v in self.computed + self.rounded_ones if t is transformer]
        if known or transformer is None:
            return known[0] if known else self.observations
        features = rounded_features(partial(transform, transformer), self.observations)
        if features is None:
            return self.features(transformer)
        self.rounded_ones.append((transformer, features))
        return features

    def score(self, transformer, scores):
        """Values of scores of features."""
        features = self.rounded(transformer)
        if all(known is not features for _, known in self.rounded_ones):
            return scores(features)
        # In double precision, of which there is room for a block.
        return by_blocks(lambda rows: scores(features[rows].astype(float)), len(self))

    def __len__(self):
        return len(self.observations)

    def _transform(self, transformer):
        if self.before is None:
            return transform(transformer, self.observations)
        return self.before.extend(transformer, self.observations)

    def forget(self):
        """Let go of other batches and of values; what is asked for is computed."""
        self.before, self.evaluated = None, []

    def take(self, rows):
        """The view of some rows, with what was computed."""
        some = FeatureView(taken(self.observations, rows))
        some.computed = [(known, taken(v, rows)) for known, v in self.computed]
        some.rounded_ones = [(known, taken(v, rows)) for known, v in self.rounded_ones]
        some.evaluated = [(known, taken(v, rows)) for known, v in self.evaluated]
        return some

    def evaluate(self, scores):
        """Values of a score function, whose features are looked up."""
        return _look_up(self.evaluated, scores, self._evaluate)

    def _evaluate(self, scores):
        # Other functions know observations only.
        if hasattr(scores, "on"):
            return scores.on(self)
        X = self.observations
        if len(self) < MANY:
            return np.asfortranarray(scores(X))
        return by_blocks(lambda rows: np.asarray(scores(X[rows])), len(self))


def _look_up(computed, key, compute):
    """The values of the very object `key`, computed when they are asked for first."""
    for known, values in computed:
        # By identity: equal parameters do not make equal fitted transformers.
        if known is key:
            return values
    computed.append((key, compute(key)))
    return computed[-1][1]


def product(features, weights):
    """Features times few columns of weights."""
    features = as_numbers(features)
    n_rows, n_columns = features.shape[0], weights.shape[1]
    if issparse(features) or features.size < _LARGE or n_columns > _FEW:
        return np.asarray(features @ weights)
    # BLAS multiplies by a vector several times as fast as by a matrix of few columns.
    columns = np.ascontiguousarray(weights.T)
    dtype = np.result_type(features, weights)
    # A row per column: `np.dot` only writes into memory that is contiguous.
    result = np.empty((n_columns, n_rows), dtype=dtype)
    for start in range(0, n_rows, _BLOCK):
        block = slice(start, start + _BLOCK)
        for column, values in zip(columns, result, strict=True):
            np.dot(features[block], column, out=values[block])
    return result.T


@dataclass(frozen=True, eq=False)
class LinearScores:
    """Scores linear in the features: one column of weights per action."""

    weights: np.ndarray
    intercept: np.ndarray

    def __call__(self, features):
        """Scores of all actions, shape (n, n_actions)."""
        return product(features, self.weights) + self.intercept
