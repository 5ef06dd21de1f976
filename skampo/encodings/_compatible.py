"""Compatible features: the natural policy gradient of log-linear policies."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import block_array, issparse

from skampo.encodings._base import rms
from skampo.encodings._per_action import PerAction
from skampo.exceptions import InvalidParameterError
from skampo.features._lending import as_numbers
from skampo.features._split import features_of, fit_features, scale_rows
from skampo.features._steps import split_features
from skampo.utils._rows import row_sum


@dataclass(frozen=True, eq=False)
class CompatibleScores:
    r"""
    Scores of a log-linear policy: :math:`f(s, a) = \psi(s)^T \theta_a / \eta`.

    `theta` has shape (n_features, n_actions); `model` is the regression that gave the
    last natural gradient.
    """

    theta: np.ndarray
    eta: float
    model: Any

    def __call__(self, features):
        """Scores of all actions, shape (n, n_actions)."""
        return np.asarray(as_numbers(features) @ (self.theta / self.eta))

    @property
    def fitted(self):
        """One linear model per action."""
        return [self._linear(column) for column in self.theta.T / self.eta]

    def _linear(self, weights):
        model = copy.copy(self.model)
        model.coef_, model.intercept_ = weights, 0.0
        model.n_features_in_ = len(weights)
        return model


class Compatible(PerAction):
    r"""
    Natural policy gradient with features centered under the current policy.

    With :math:`\phi(s, a) = e_a \otimes \psi(s)` and
    :math:`\bar\phi(s, a) = \phi(s, a) - E_{b \sim \pi} \phi(s, b)`,

    .. math::

        u \in \arg\min E_{s \sim d, a \sim \pi}
        (u^T \bar\phi(s, a) - A_\pi(s, a))^2, \qquad \theta \leftarrow \theta + \eta u .
    """

    # `theta` means something only with the features of one regressor.
    fixed = ("regressor",)
    # The step is added to `theta`, which is the whole dual.
    fits_dual = False

    def check(self, mirror_map):
        """Only the softmax has these compatible features."""
        check_softmax(mirror_map, "compatible")

    def split(self, regressor, sample, last, rng):
        """Features stay as fitted first, so that `theta` keeps its meaning."""
        transformer, model = split_features(regressor)
        if transformer is None:
            return None, regressor
        known = features_of(last)
        if known is None:
            # Supervised features are those of the first action values.
            values = sample.q_values
            known = fit_features(transformer, sample.observations, rng, values)
        return known, model

    def action_weights(self, target):
        """Those of the policy."""
        return target.proba

    def fit(self, learner, X, target, sample_weight):
        """Add the natural gradient, of the length of the step, to the last `theta`."""
        last = getattr(learner.start, "theta", None)
        goal, weights = advantages(target, last), visits(target.proba, sample_weight)
        # Action by action, as `centered_rows` has them.
        gradient, model = natural_gradient(
            learner,
            centered_rows(as_numbers(X), target.proba),
            goal.T.ravel(),
            weights.T.ravel(),
            rms(goal, sample_weight),
        )
        gradient = gradient.reshape(target.proba.shape[1], -1).T
        theta, eta = add_step(last, gradient, target.eta)
        return CompatibleScores(theta, eta, model)


def check_softmax(mirror_map, encoding):
    """Refuse policies that are no softmax of their scores."""
    if not mirror_map.is_softmax:
        raise InvalidParameterError(
            f"encoding={encoding!r} is the natural gradient of softmax policies. "
            f"Got mirror_map={mirror_map!r}: use 'negative_entropy', or another "
            "encoding."
        )


def advantages(target, last):
    r"""What is fitted: :math:`A(s, a) = Q(s, a) - E_{b \sim \pi} Q(s, b)`."""
    # Scores of another encoding are expressed in the features along the way.
    goal = target.values if last is None else target.q_values
    return goal - row_sum(target.proba * goal)[:, None]


def visits(proba, sample_weight):
    """Weights of the pairs, those of the states times the policy."""
    # An action whose probability underflows has an advantage all the same, and the
    # smallest number is too little to be seen beside others.
    proba = np.maximum(proba, np.finfo(np.float64).tiny)
    return proba if sample_weight is None else sample_weight[:, None] * proba


def natural_gradient(learner, rows, values, weights, unit):
    """One coefficient for each column of the rows, and the regression they are from."""
    model = learner.fit(rows, values / unit, weights)
    # An intercept is 0: rows and target have the weighted mean 0 in every state.
    coefficients = np.ravel(getattr(model, "coef_", ()))
    if len(coefficients) != rows.shape[1]:
        raise InvalidParameterError(
            "Compatible encodings add up the coefficients of a linear regressor. Got "
            f"{learner.regressor!r}, which has no coef_ for {rows.shape[1]} features: "
            "use LinearRegression() or Ridge(), alone or behind transformers in a "
            "Pipeline."
        )
    return unit * coefficients, model


def add_step(last, gradient, eta):
    """The next parameters, and the step that their scores are divided by."""
    # After an infinite step the scores themselves are the dual: their step is 1.
    if np.isinf(eta):
        return gradient, 1.0
    return eta * gradient + (0.0 if last is None else last), eta


def centered_rows(features, proba):
    r"""
    Rows of :math:`\bar\phi(s, a)`: all states with action 0, then with action 1 ...

    Features of shape (n, n_features) become (n_actions n, n_actions n_features).
    """
    n_actions = proba.shape[1]
    # Block b of the row of (s, a) is (1[a = b] - π(b | s)) ψ(s).
    share = np.eye(n_actions)[:, None, :] - proba
    blocks = [
        [scale_rows(features, share[a, :, b]) for b in range(n_actions)]
        for a in range(n_actions)
    ]
    return block_array(blocks, format="csr") if issparse(features) else np.block(blocks)
