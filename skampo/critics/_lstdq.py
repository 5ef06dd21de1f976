"""Least-squares temporal differences for action values."""

from functools import partial
from typing import ClassVar

import numpy as np
from sklearn.pipeline import make_pipeline

from skampo.critics._base import is_policy
from skampo.critics._replay import ReplayCritic
from skampo.exceptions import InvalidParameterError
from skampo.features._blocks import blocks, in_double, tree_sum
from skampo.features._lending import as_numbers
from skampo.features._regression import check_transformer
from skampo.features._split import LinearScores, scale_rows
from skampo.regressors import linear_form
from skampo.utils._validation import Interval, Nothing

# Fewer rows cost next to nothing in double precision.
_MANY = 8192
# Where one action has more rows, they are not copied, but taken up block by block.
_BLOCK = 2**15
# So many of them: matrix products take longer than all that is done beside them.
_ROWS = 2**13
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

    def __init__(
        self, transformer=None, *, alpha: float | None = None, capacity: int = 20_000
    ):
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

        `toward`, of shape (n_actions, n_features), are the factors of the weights in
        the sum. Of shape (n_features, n_actions); 0 for actions that were never taken,
        whose factors are shared by the others.
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
        if known is None or not _are_equal(known, proba):
            system = np.concatenate([block.equations(proba) for block in self.blocks])
            # One for all columns, or one for each, of all actions.
            system[np.diag_indices_from(system)] += np.resize(self.alpha, len(system))
            self._known = proba, system
        return system

    def _prepare(self, targets):
        """Do what does not depend on the policy."""
        self.seen, counts = np.unique(targets.actions, return_counts=True)
        # Features in single precision are so many that there is no room for copies.
        if counts.max() > _BLOCK or self.features.dtype == np.float32:
            self.blocks = [ManyRows(self.features, self.seen, targets, self.alpha)]
            return
        self.blocks = [
            ActionBlock(self.features, i, self.seen, targets, self.alpha)
            for i in range(len(self.seen))
        ]


class ActionBlock:
    """The equations of the rows in which one action was taken."""

    def __init__(self, features, number, seen, targets, alpha):
        self.number, self.seen = number, seen
        self.rows = rows = np.flatnonzero(targets.actions == seen[number])
        self.after = targets.after[rows]
        self.left = in_double(features[targets.at[rows]])
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
        shares = _over_seen(proba[self.after], self.seen).T.astype(self.dtype)
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
    The equations of all actions for many rows, which are taken up block by block.

    In single precision only a block is summed, so that rounding grows with the root of
    the number of blocks.
    """

    def __init__(self, features, seen, targets, alpha):
        self.features, self.seen = features, seen
        self.at, self.after = targets.at, targets.after
        self.actions, self.discounts = targets.actions, targets.discounts
        self.grams = self._sum(self._gram)
        n_rows = len(self.at)
        one = self.grams / np.sqrt(max(1, n_rows // _ROWS))
        self.dtype = _enough(one, n_rows, alpha)
        self.products = self._sum(self._product)

    def _sum(self, moments):
        """The moments of all rows, from those of the blocks."""
        return tree_sum(moments(rows) for rows in blocks(len(self.at), _ROWS))

    def _taken(self, rows):
        """Places of the rows of a block in which each action was taken."""
        actions = self.actions[rows]
        return [np.flatnonzero(actions == a) for a in self.seen]

    def _gram(self, rows):
        """Products of the features, by actions."""
        left = self.features[self.at[rows]]
        some = [in_double(left[taken]) for taken in self._taken(rows)]
        return np.array([_dense(part.T @ part) for part in some])

    def _pairs(self, rows):
        """Features, discounted ones of what followed, and their rows, by actions."""
        left, after = self.features[self.at[rows]], self.after[rows]
        following, discounts = self.features[after], self.discounts[rows]
        for taken in self._taken(rows):
            follows = following[taken].astype(self.dtype, copy=False)
            factors = discounts[taken].astype(self.dtype)
            here = left[taken].astype(self.dtype, copy=False)
            yield here.T, scale_rows(follows, factors), after[taken]

    def _product(self, rows):
        """Products with what followed, by actions."""
        return np.array([_dense(x @ y).astype(float) for x, y, _ in self._pairs(rows)])

    def _products(self, rows, proba):
        """The same by what the policy does next, but for the first action."""
        found = []
        for left, following, after in self._pairs(rows):
            shares = _over_seen(proba[after], self.seen).T.astype(self.dtype)
            found.append(
                [_dense(left @ scale_rows(following, share)) for share in shares[1:]]
            )
        shape = len(self.seen), len(self.seen) - 1, *self.grams.shape[1:]
        return np.array(found, dtype=float).reshape(shape)

    def equations(self, proba):
        """Left hand side, for probabilities of all actions in all states."""
        products = self._sum(partial(self._products, proba=proba))
        parts = zip(self.grams, self.products, products, strict=True)
        return np.concatenate([_equations(i, *part) for i, part in enumerate(parts)])

    def moment(self, targets):
        """Right hand side."""

        def moments(rows):
            left, rewards = self.features[self.at[rows]], targets.rewards[rows]
            return np.array(
                [in_double(left[some]).T @ rewards[some] for some in self._taken(rows)]
            )

        return self._sum(moments).ravel()


def _equations(number, gram, product, products):
    """The equations of one action, from the products for all actions but the first."""
    # Probabilities sum to one: the first action has what the others leave.
    system = [-found for found in (product - sum(products), *products)]
    system[number] = system[number] + gram
    return np.hstack(system)


def _are_equal(first, second):
    n_rows = len(first)
    return n_rows == len(second) and all(
        np.array_equal(first[rows], second[rows]) for rows in blocks(n_rows)
    )


def _enough(gram, n_rows, alpha):
    """Single precision for many rows, if its rounding is far below the penalty."""
    rounding = np.finfo(np.float32).eps * np.abs(gram).max(initial=0.0)
    is_small = rounding < 0.1 * np.max(alpha)
    return np.float32 if n_rows > _MANY and is_small else np.float64


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
