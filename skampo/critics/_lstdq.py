"""Least-squares temporal differences for action values."""

from typing import ClassVar

import numpy as np
from sklearn.pipeline import make_pipeline

from skampo.critics._base import is_policy
from skampo.critics._replay import ReplayCritic
from skampo.exceptions import InvalidParameterError
from skampo.features._lending import as_numbers
from skampo.features._regression import check_transformer
from skampo.features._split import LinearScores, scale_rows
from skampo.regressors import linear_form
from skampo.utils._validation import Interval, Nothing

__all__ = ["LSTDQ"]

# Fewer rows cost next to nothing in double precision.
_MANY = 8192
# The penalty of models that have none of their own.
_ALPHA = 0.1


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
    transformer : transformer or "policy", default=None
        The features :math:`\psi`. None takes those of the value model for the kind of
        data (`skampo.regressors.default_regressor`); ``"policy"`` those of the policy's
        regressor: of a Pipeline its transformers, of a `Ridge` or `LinearRegression`
        the observations.
    alpha : float, default=None
        Ridge penalty in [0, inf). None is that of the linear model behind the
        features, 0.1 if it has none.
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
        "alpha": Interval(float, 0) | Nothing,
        "capacity": Interval(int, 1),
    }

    def __init__(self, transformer=None, *, alpha=None, capacity=20_000):
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
        if self.transformer is not None and not is_policy(self.transformer):
            check_transformer(self.transformer, type(self).__name__)

    def _own(self, setting):
        if self.transformer is None or is_policy(self.transformer):
            return setting.of_critic(self.transformer)
        # Features are whatever stands in front of a last step; this one does nothing.
        return setting.of_critic(make_pipeline(self.transformer, "passthrough"))

    def _has_state_features(self, encoding):
        # Values are linear in features of the state, however line 1 encodes actions.
        return True

    def _make_solver(self, transformer, model, view, steps, setting):
        if transformer is None and linear_form(model) is None:
            raise InvalidParameterError(
                "LSTDQ is linear in features: use LSTDQ(transformer), or let the "
                "policy's regressor be a Ridge, a LinearRegression or a Pipeline of "
                f"transformers and a model. Got {model!r} without features."
            )
        features = as_numbers(view.features(transformer))
        return setting.memory.once(
            steps.rows,
            ("fixed point", transformer),
            lambda: FixedPoint(features, setting.n_actions, self._penalty(model)),
        )

    def _penalty(self, model):
        if self.alpha is not None:
            return self.alpha
        return getattr(linear_form(model), "alpha", _ALPHA)

    def _solve(self, solver, targets, view):
        # A linear system cannot clip on the way: only its solution is clipped.
        solver.solve(targets)


class FixedPoint:
    """Weights that reproduce themselves by one sweep of ridge regression."""

    def __init__(self, features, n_actions, alpha):
        self.features = features
        self.n_actions = n_actions
        self.alpha = alpha
        self.blocks = None

    def solve(self, targets):
        """Find the weights of one policy."""
        if self.blocks is None:
            self._prepare(targets)
        proba = _over_seen(targets.proba, self.seen)
        found = [block.equations(targets, proba) for block in self.blocks]
        system = np.concatenate([left for left, _ in found])
        system[np.diag_indices_from(system)] += self.alpha
        moment = np.concatenate([right for _, right in found])
        found = _solve_system(system, moment).reshape(len(self.seen), -1)
        # An action that was never taken gets the mean of the others.
        weights = np.tile(found.mean(axis=0), (self.n_actions, 1))
        weights[self.seen] = found
        self.scores = LinearScores(weights.T, np.zeros(self.n_actions))

    def _prepare(self, targets):
        """Do what does not depend on the policy."""
        self.seen = np.unique(targets.actions)
        self.blocks = [
            ActionBlock(
                self.features,
                i,
                np.flatnonzero(targets.actions == a),
                targets,
                self.alpha,
            )
            for i, a in enumerate(self.seen)
        ]


class ActionBlock:
    """The equations of the rows in which one action was taken."""

    def __init__(self, features, number, rows, targets, alpha):
        self.number, self.rows, self.after = number, rows, targets.after[rows]
        self.left = features[targets.at[rows]]
        self.gram = _dense(self.left.T @ self.left)
        # Products of n rows are all the work.
        self.dtype = _enough(self.gram, len(rows), alpha)
        self.single = self.left.T.astype(self.dtype)
        following = features[self.after].astype(self.dtype, copy=False)
        discounts = targets.discounts[rows].astype(self.dtype)
        self.following = scale_rows(following, discounts)
        self.product = _dense(self.single @ self.following)

    def equations(self, targets, proba):
        """Left and right hand side, for probabilities in all states."""
        shares = proba[self.after].T.astype(self.dtype)
        products = [
            _dense(self.single @ scale_rows(self.following, share))
            for share in shares[1:]
        ]
        # Probabilities sum to one: the first action has what the others leave.
        system = [-product for product in (self.product - sum(products), *products)]
        system[self.number] = system[self.number] + self.gram
        # In double precision, because a product with one vector costs little.
        return np.hstack(system), self.left.T @ targets.rewards[self.rows]


def _enough(gram, n_rows, alpha):
    """Single precision for many rows, if its rounding is far below the penalty."""
    rounding = np.finfo(np.float32).eps * np.abs(gram).max(initial=0.0)
    return np.float32 if n_rows > _MANY and rounding < 0.1 * alpha else np.float64


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
