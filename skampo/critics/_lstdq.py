"""Least-squares temporal differences for action values."""

from typing import ClassVar

import numpy as np
from sklearn.pipeline import make_pipeline

from skampo.critics._base import is_policy
from skampo.critics._replay import ReplayCritic
from skampo.exceptions import InvalidParameterError
from skampo.features._blocks import blocks, by_blocks, tree_sum
from skampo.features._lending import as_numbers
from skampo.features._regression import check_transformer
from skampo.features._split import LinearScores, scale_rows
from skampo.regressors import linear_form
from skampo.utils._validation import Interval, Nothing

__all__ = ["LSTDQ"]

# Fewer rows cost next to nothing in double precision.
_MANY = 8192
# More rows of one action are not copied, but taken up block by block.
_BLOCK = 2**15
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

    def check(self) -> None:
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
        features = as_numbers(view.rounded(transformer))
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
        self._known = None, None

    def solve(self, targets):
        """Find the weights of one policy."""
        if self.blocks is None:
            self._prepare(targets)
        moment = np.concatenate([block.moment(targets) for block in self.blocks])
        found = _solve_system(self._system(targets.proba), moment)
        found = found.reshape(len(self.seen), -1)
        # An action that was never taken gets the mean of the others.
        weights = np.tile(found.mean(axis=0), (self.n_actions, 1))
        weights[self.seen] = found
        self.scores = LinearScores(weights.T, np.zeros(self.n_actions))

    def sensitivity(self, toward):
        """
        What a sum of the weights gains by the right hand side of the last policy.

        Parameters
        ----------
        toward : ndarray of shape (n_actions, n_features)
            Factors of the weights in the sum.

        Returns
        -------
        ndarray of shape (n_features, n_actions)
            0 for actions that were never taken, whose factors are shared by the others.
        """
        factors = toward[self.seen]
        factors = factors + (toward.sum(axis=0) - factors.sum(axis=0)) / len(self.seen)
        found = _solve_system(self._known[1].T, factors.ravel())
        gains = np.zeros_like(toward)
        gains[self.seen] = found.reshape(factors.shape)
        return gains.T

    def _system(self, proba):
        """The left hand side, which rewards do not change."""
        known, system = self._known
        if known is None or not np.array_equal(known, proba):
            shares = by_blocks(
                lambda rows: _over_seen(proba[rows], self.seen), len(proba)
            )
            system = np.concatenate([block.equations(shares) for block in self.blocks])
            system[np.diag_indices_from(system)] += self.alpha
            self._known = proba, system
        return system

    def _prepare(self, targets):
        """Do what does not depend on the policy."""
        self.seen = np.unique(targets.actions)
        taken = [np.flatnonzero(targets.actions == a) for a in self.seen]
        self.blocks = [
            self._equations_of(rows)(self.features, i, rows, targets, self.alpha)
            for i, rows in enumerate(taken)
        ]

    def _equations_of(self, rows):
        # Features in single precision are so many that there is no room for copies.
        is_large = len(rows) > _BLOCK or self.features.dtype == np.float32
        return ManyRows if is_large else ActionBlock


class ActionBlock:
    """The equations of the rows in which one action was taken."""

    def __init__(self, features, number, rows, targets, alpha):
        self.number, self.rows, self.after = number, rows, targets.after[rows]
        self.left = _double(features[targets.at[rows]])
        self.gram = _dense(self.left.T @ self.left)
        # Products of n rows are all the work.
        self.dtype = _enough(self.gram, len(rows), alpha)
        self.single = self.left.T.astype(self.dtype)
        following = features[self.after].astype(self.dtype, copy=False)
        discounts = targets.discounts[rows].astype(self.dtype)
        self.following = scale_rows(following, discounts)
        self.product = _dense(self.single @ self.following)

    def equations(self, proba):
        """Left hand side, for probabilities of the actions seen in all states."""
        shares = proba[self.after].T.astype(self.dtype)
        products = [
            _dense(self.single @ scale_rows(self.following, share))
            for share in shares[1:]
        ]
        return _equations(self.number, self.gram, self.product, products)

    def moment(self, targets):
        """Right hand side."""
        # In double precision, because a product with one vector costs little.
        return self.left.T @ targets.rewards[self.rows]


class ManyRows:
    """
    The same for many rows, whose features are taken up block by block.

    In single precision only a block is summed, so that rounding grows with the root of
    the number of blocks.
    """

    def __init__(self, features, number, rows, targets, alpha):
        self.features, self.number = features, number
        self.at, self.after = targets.at, targets.after
        self.discounts = targets.discounts
        self.parts = [rows[block] for block in blocks(len(rows))]
        self.gram = tree_sum(map(self._gram, self.parts))
        one = self.gram / np.sqrt(len(self.parts))
        self.dtype = _enough(one, len(rows), alpha)
        self.product = tree_sum(map(self._product, self.parts))

    def _left(self, part):
        return _double(self.features[self.at[part]])

    def _gram(self, part):
        left = self._left(part)
        return _dense(left.T @ left)

    def _pair(self, part):
        """Features of a block, and discounted ones of what followed."""
        left, following = self.features[self.at[part]], self.features[self.after[part]]
        following = following.astype(self.dtype, copy=False)
        following = scale_rows(following, self.discounts[part].astype(self.dtype))
        return left.astype(self.dtype, copy=False).T, following

    def _product(self, part):
        left, following = self._pair(part)
        return _dense(left @ following).astype(float)

    def equations(self, proba):
        """Left hand side, for probabilities of the actions seen in all states."""
        products = tree_sum(self._products(part, proba) for part in self.parts)
        return _equations(self.number, self.gram, self.product, products)

    def _products(self, part, proba):
        left, following = self._pair(part)
        shares = proba[self.after[part]].T.astype(self.dtype)
        products = [_dense(left @ scale_rows(following, s)) for s in shares[1:]]
        return np.array(products, dtype=float).reshape(-1, *self.gram.shape)

    def moment(self, targets):
        """Right hand side."""
        return tree_sum(
            self._left(part).T @ targets.rewards[part] for part in self.parts
        )


def _equations(number, gram, product, products):
    """The equations of one action, from the products for all actions but the first."""
    # Probabilities sum to one: the first action has what the others leave.
    system = [-found for found in (product - sum(products), *products)]
    system[number] = system[number] + gram
    return np.hstack(system)


def _double(features):
    return features.astype(float, copy=False)


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
