"""Least-squares temporal differences for action values."""

from typing import ClassVar

import numpy as np
from sklearn.pipeline import make_pipeline

from skampo._features import LinearScores, scale_rows
from skampo._regression import check_transformer
from skampo.critics._replay import ReplayCritic
from skampo.exceptions import InvalidParameterError
from skampo.regressors import linear_form
from skampo.utils._validation import Interval

__all__ = ["LSTDQ"]


class LSTDQ(ReplayCritic):
    r"""
    The fixed point of fitted Q evaluation with ridge regression on features.

    With one set of weights per action, :math:`\phi(s, a) = e_a \otimes \psi(s)`, it
    solves

    .. math::

        \left( \sum \phi(s, a) (\phi(s, a) - \gamma \sum_{a'} \pi(a' | s')
        \phi(s', a'))^T + \alpha I \right) w = \sum r \phi(s, a)

    over all stored transitions, where nothing follows a terminated one: what
    `FittedQ` reaches after infinitely many sweeps, without any.

    Parameters
    ----------
    transformer : transformer, default=None
        The features :math:`\psi`. None takes those of the policy's regressor, if that
        is a Pipeline, and shares them; if it is a `Ridge` or `LinearRegression`, the
        observations.
    alpha : float, default=0.1
        Ridge penalty in [0, inf).
    capacity : int, default=20000
        Transitions kept; the oldest are dropped.

    Attributes
    ----------
    q_ : callable
        The last action values: observations (n, n_features) to (n, n_actions).
    transformer_ : transformer
        The fitted features.

    See Also
    --------
    FittedQ : Any regressor, by sweeps.

    References
    ----------
    .. [1] M. Lagoudakis and R. Parr, "Least-squares policy iteration", JMLR 4, 2003.

    Examples
    --------
    >>> from sklearn.preprocessing import PolynomialFeatures
    >>> from skampo import AMPOPolicy
    >>> from skampo.critics import LSTDQ
    >>> critic = LSTDQ(PolynomialFeatures(2))
    >>> policy = AMPOPolicy(critic=critic, max_iter=2, random_state=0)
    >>> policy.fit("CartPole-v1").action_values([[0.0, 0.0, 0.0, 0.0]]).shape
    (1, 2)
    """

    _constraints: ClassVar = {
        "alpha": Interval(float, 0),
        "capacity": Interval(int, 1),
    }

    def __init__(self, transformer=None, *, alpha=0.1, capacity=20_000):
        self.transformer = transformer
        self.alpha = alpha
        self.capacity = capacity

    def check(self):
        """
        Refuse invalid parameters.

        Raises
        ------
        InvalidParameterError
            With the name, the valid values and the value that was given.
        """
        super().check()
        if self.transformer is not None:
            check_transformer(self.transformer, type(self).__name__)

    def _choose_regressor(self, setting):
        if self.transformer is None:
            return setting.regressor
        return make_pipeline(self.transformer, "passthrough")

    def _has_state_features(self, encoding):
        return True

    def _make_solver(self, transformer, model, view, steps, setting):
        if transformer is None and linear_form(model) is None:
            raise InvalidParameterError(
                "LSTDQ is linear in features: use LSTDQ(transformer), or let the "
                "policy's regressor be a Ridge, a LinearRegression or a Pipeline of "
                f"transformers and a model. Got the regressor {model!r} and no "
                "transformer."
            )
        return FixedPoint(view.features(transformer), setting.n_actions, self.alpha)

    def _solve(self, solver, targets, view):
        solver.solve(targets)


class FixedPoint:
    """Weights that reproduce themselves by one sweep of ridge regression."""

    largest_gap = np.inf

    def __init__(self, features, n_actions, alpha):
        self.features = features
        self.n_actions = n_actions
        self.alpha = alpha

    def solve(self, targets):
        """Find the weights of one policy."""
        seen = np.unique(targets.actions)
        n_seen, size = len(seen), self.features.shape[1]
        proba = _over_seen(targets.proba, seen)
        system = np.zeros((n_seen, size, n_seen, size))
        moment = np.zeros((n_seen, size))
        for i, action in enumerate(seen):
            rows = np.flatnonzero(targets.actions == action)
            system[i], moment[i] = self._equations(i, rows, targets, proba)
        system = system.reshape(n_seen * size, n_seen * size)
        system[np.diag_indices_from(system)] += self.alpha
        found = _solve_system(system, moment.ravel()).reshape(n_seen, size)
        # An action that was never taken gets the mean of the others.
        weights = np.tile(found.mean(axis=0), (self.n_actions, 1))
        weights[seen] = found
        self.scores = LinearScores(weights.T, np.zeros(self.n_actions))

    def _equations(self, i, rows, targets, proba):
        """Left and right hand side of the rows of one action."""
        left, after = self.features[targets.at[rows]], targets.after[rows]
        blocks = [
            scale_rows(self.features[after], -targets.discounts[rows] * share[after])
            for share in proba.T
        ]
        blocks[i] = blocks[i] + left
        products = [_dense(left.T @ block) for block in blocks]
        return np.stack(products, axis=1), _dense(left.T @ targets.rewards[rows])


def _over_seen(proba, seen):
    """Probabilities of the actions seen; the others stand for the mean of these."""
    return proba[:, seen] + (1 - proba[:, seen].sum(axis=1, keepdims=True)) / len(seen)


def _dense(product):
    return product.toarray() if hasattr(product, "toarray") else product


def _solve_system(system, moment):
    """The solution, the shortest one if there are many."""
    try:
        return np.linalg.solve(system, moment)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(system, moment)[0]
