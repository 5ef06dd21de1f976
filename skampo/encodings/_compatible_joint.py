"""Compatible features of pairs: the natural policy gradient with any phi(s, a)."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.pipeline import Pipeline

from skampo.encodings._base import rms
from skampo.encodings._compatible import (
    add_step,
    advantages,
    check_softmax,
    natural_gradient,
    visits,
)
from skampo.encodings._joint import Joint, warn_of_no_interaction
from skampo.encodings._scores import check_n_actions, joint_rows
from skampo.features._lending import as_numbers
from skampo.features._split import fit_features, transform
from skampo.features._steps import last_step, split_features


@dataclass(frozen=True, eq=False)
class PairScores:
    r"""
    Scores of a log-linear policy: :math:`f(s, a) = \phi(s, a)^T \theta / \eta`.

    `theta_of_pairs` has shape (n_features,); `features` is the fitted transformer of
    rows of state and one-hot action, None if these are the features.
    """

    features: Any
    theta_of_pairs: np.ndarray
    eta: float
    n_actions: int
    model: Any
    name: str = "model"

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        phi = pair_features(self.features, observations, self.n_actions)
        scores = np.asarray(phi @ (self.theta_of_pairs / self.eta))
        return scores.reshape(-1, self.n_actions)

    def _check_loaded(self):
        """Refuse more actions than there can be: all pairs with states are rows."""
        check_n_actions(self.n_actions)

    @property
    def fitted(self):
        """The linear model of state and one-hot action, behind its features."""
        model = copy.copy(self.model)
        model.coef_, model.intercept_ = self.theta_of_pairs / self.eta, 0.0
        if self.features is None:
            return model
        return Pipeline([*self.features.steps, (self.name, model)])


class CompatibleJoint(Joint):
    r"""
    Natural policy gradient with any features of pairs, less their mean.

    As `Compatible`, with features :math:`\phi(s, a)` that a transformer makes of rows
    of state and one-hot action.
    """

    # `theta` means something only with the features of one regressor.
    fixed = ("regressor",)
    # The step is added to `theta`, which is the whole dual.
    fits_dual = False

    def check(self, mirror_map):
        """Only the softmax has these compatible features."""
        check_softmax(mirror_map, "compatible_joint")

    def action_weights(self, target):
        """Those of the policy."""
        return target.proba

    def fit(self, learner, X, target, sample_weight):
        """Add the natural gradient, of the length of the step, to the last `theta`."""
        n_actions, last = target.proba.shape[1], learner.start
        theta = getattr(last, "theta_of_pairs", None)
        features, model = split_features(learner.regressor)
        goal = advantages(target, theta)
        if theta is not None:
            # Features stay as fitted first, so that `theta` keeps its meaning.
            features = last.features
        elif features is not None:
            rows = joint_rows(X, n_actions)
            features = fit_features(features, rows, learner.rng, goal.ravel())
        gradient, fitted = natural_gradient(
            replace(learner, regressor=model, start=None),
            center_pairs(pair_features(features, X, n_actions), target.proba),
            goal.ravel(),
            visits(target.proba, sample_weight).ravel(),
            rms(goal, sample_weight),
        )
        theta, eta = add_step(theta, gradient, target.eta)
        name, _ = last_step(learner.regressor)
        scores = PairScores(features, theta, eta, n_actions, fitted, name)
        warn_of_no_interaction(scores, X, goal, "compatible_joint")
        return scores


def pair_features(features, observations, n_actions):
    """Features of every observation with every action, observation by observation."""
    rows = joint_rows(observations, n_actions)
    return rows if features is None else as_numbers(transform(features, rows))


def center_pairs(phi, proba):
    r"""
    Features of pairs less their mean, :math:`\phi(s, a) - E_{b \sim \pi} \phi(s, b)`.

    Of shape (n n_actions, n_features), state by state.
    """
    n, n_actions = proba.shape
    columns = np.arange(n * n_actions)
    starts = np.arange(0, n * n_actions + 1, n_actions)
    means = csr_array((proba.ravel(), columns, starts)) @ phi
    return phi - means[np.repeat(np.arange(n), n_actions)]
