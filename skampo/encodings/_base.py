"""What all encodings share: how a regressor is fitted, and on which features."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from skampo.features._regression import fit_regressor, learns_by_passes
from skampo.features._split import is_random, take_apart
from skampo.features._steps import split_features
from skampo.utils._rows import row_mean
from skampo.utils._sklearn import Documented

# Passes over the data when a model learns on from the last iteration: fewer leave
# networks behind the moving target, more cost time and change little.
PASSES = 20
_EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class Learner:
    """
    A regressor and how it is fitted.

    Parameters
    ----------
    regressor : estimator
        What is cloned and fitted.
    rng : numpy.random.Generator
        Seeds the regressor, if it takes a seed and has none.
    n_jobs : int, default=None
        Number of fits that run at once.
    start : scores, default=None
        Scores whose models learn on.
    n_passes : int, default=1
        Passes over the data of a model that learns on.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skampo.encodings._base import Learner
    >>> learner = Learner(LinearRegression(), np.random.default_rng(0))
    >>> learner.fit(np.array([[0.0], [1.0]]), np.array([1.0, 3.0])).coef_.round(6)
    array([2.])
    """

    regressor: Any
    rng: np.random.Generator
    n_jobs: int | None = None
    start: Any = None
    n_passes: int = 1

    def fit(self, X, y, sample_weight=None, start=None):
        """A fitted model; `start` is one that learns on, if it can."""
        return fit_regressor(
            self.regressor,
            X,
            y,
            sample_weight,
            rng=self.rng,
            start=start,
            n_passes=self.n_passes,
        )


class Encoding(Documented, BaseEstimator):
    """
    How pairs (state, action) become the rows of a regression, and back.

    A subclass writes `fit_all` (a value for every action of each row) and `fit_taken`
    (a value for the action that was taken). Both return scores: a callable from
    observations (n, n_features) to an array (n, n_actions), whose attribute `fitted`
    is the model or a list of them.

    See Also
    --------
    PerAction : One regressor per action.

    Examples
    --------
    >>> from skampo.encodings import Encoding, PerAction
    >>> issubclass(PerAction, Encoding)
    True
    """

    #: The encodings that a string can name.
    by_name: ClassVar[dict[str, type["Encoding"]]] = {}
    splits_actions = True
    #: Whether line 1 fits the dual of the policy as well, which may be limited then.
    fits_dual = True
    #: Parameters of the estimator that another fit cannot change when it goes on.
    fixed: tuple[str, ...] = ()

    def check(self, mirror_map) -> None:
        """
        Refuse a mirror map whose policies the encoding cannot represent.

        Parameters
        ----------
        mirror_map : MirrorMap
            That of the estimator.
        """

    def split(self, regressor, sample, last, rng) -> tuple:
        """
        Take the regressor apart.

        Parameters
        ----------
        regressor : estimator
            The policy's regressor.
        sample : QSample
            States, and features that the critic has fitted.
        last : scores
            The last solution of line 1.
        rng : numpy.random.Generator
            Seeds features that are drawn.

        Returns
        -------
        tuple of (transformer, model)
            Fitted features, None if they are no step apart, and the unfitted model.
        """
        return sample.shared or _split_learner(regressor, sample, rng)

    def action_weights(self, target) -> np.ndarray:
        """
        Weigh the actions in line 1: the second factor of its distribution.

        Parameters
        ----------
        target : MirrorTarget
            The target and the policy.

        Returns
        -------
        ndarray of shape (n, n_actions)
            Rows that sum to 1.
        """
        if target.action_weights is not None:
            return target.action_weights
        return np.full_like(target.proba, 1 / target.proba.shape[1])

    def fit(self, learner, X, target, sample_weight) -> Any:
        """
        Solve line 1 of Algorithm 1.

        Parameters
        ----------
        learner : object
            Its ``fit(X, y, sample_weight)`` fits a model and returns it.
        X : ndarray, sparse array or data frame of shape (n, n_features)
            States or features of them.
        target : MirrorTarget
            What is fitted.
        sample_weight : ndarray of shape (n,) or None
            Weights of the states.

        Returns
        -------
        scores
            A callable from such rows to an array (n, n_actions).
        """
        weights = sample_weight
        if target.action_weights is not None:
            weights = pair_weights(sample_weight, target.action_weights)
        return self.fit_all(learner, X, target.values, weights)


def _split_learner(regressor, sample, rng):
    """Features and model apart, if the model learns on from the last iteration."""
    transformer, model = split_features(regressor)
    # A model cannot go on behind features that were drawn again.
    if transformer is None or is_random(transformer) or not learns_by_passes(model):
        return None, regressor
    return take_apart(regressor, sample.observations, rng)


def pair_weights(sample_weight, action_weights):
    """
    Weights of pairs of state and action, all above 0, of shape (n, n_actions).

    The product of the weights of states, if there are any, and of actions. Pairs that
    have next to none get a share of the largest weight of the action that no sum over
    its rows sees: a regressor that leaves rows without weight out would give them any
    value.
    """
    weights = action_weights
    if sample_weight is not None:
        weights = sample_weight[:, None] * action_weights
    largest = weights.max(axis=0)
    # The second share is for an action that is taken nowhere.
    seen = np.maximum(largest, _EPS * largest.max())
    return np.maximum(weights, _EPS / len(weights) * seen)


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
