"""A contextual bandit that explores while data arrive."""

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from skampo._state import check_predicts
from skampo.bandits._exploration import EXPLORATIONS, ExploringPolicy
from skampo.bandits._posterior import Posterior
from skampo.base import PolicyMixin
from skampo.data import TransitionLog
from skampo.data._tables import numeric_pipeline
from skampo.exceptions import InvalidParameterError
from skampo.features._regression import check_regressor
from skampo.features._split import compose, features_of, fit_features, transform
from skampo.features._steps import flatten, last_step, split_features
from skampo.regressors import linear_form
from skampo.regressors._default import given_or
from skampo.regressors._linear import RidgeForm
from skampo.utils._sklearn import Documented, blank_estimator
from skampo.utils._threads import limit_threads
from skampo.utils._validation import (
    Interval,
    NestedParameters,
    OneOf,
    check_argument,
    check_parameters,
)

__all__ = ["LinearBandit"]


class LinearBandit(PolicyMixin, NestedParameters, Documented, BaseEstimator):
    r"""
    A policy of a contextual bandit that explores, and learns as rewards arrive.

    The rewards of each arm are fitted by a ridge, whose posterior says how sure they
    are. All of it comes from sums over the rows, so that data may arrive in any order
    and in any portions: what is learned is the same, up to rounding.

    Parameters
    ----------
    regressor : estimator, default=None
        A `Ridge` or a Pipeline that ends with one; its penalty is that of all weights,
        the intercept included, of rewards around their mean. None is ``Ridge()``.
        Without a Pipeline, columns are standardized by the rows so far, and those of
        data frames that hold no numbers are one-hot. The features of a Pipeline are
        fitted to the states of the first call, and stay.
    exploration : {"thompson", "upper_bound"}, default="thompson"
        ``"thompson"`` takes each arm with the probability that it is the best, given
        the data. ``"upper_bound"`` takes the arm whose expected reward could be the
        largest: the mean plus `width` standard deviations.
    width : float, default=0.3
        Multiplies the standard deviations of the expected rewards. 0 does not explore.
    min_proba : float, default=0.0
        Least probability of every arm that can be taken, or of an even choice if that
        is less: what other policies learn from the log needs all of them.
    random_state : int, RandomState instance or None, default=None
        Seeds features that have no seed.

    Attributes
    ----------
    classes_ : ndarray of shape (n_arms,)
        Labels of the arms, sorted.
    n_features_in_ : int
        Number of columns of the states.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where they have any.
    n_steps_ : int
        Rows so far.

    See Also
    --------
    skampo.AMPOPolicy : Learns the policy to keep from the log of such a bandit.
    skampo.off_policy.doubly_robust : Estimates what another policy is worth, from it.

    Notes
    -----
    The posterior of the expected reward of an arm a in a state x is normal, with a mean
    f(x, a) and a standard deviation s(x, a). Thompson sampling draws one number of each
    and takes the arm of the largest. Its probabilities

    .. math::

        \pi(\cdot | x) = \nabla h_x^*(f(x, \cdot)), \qquad
        h_x^*(f) = E \max_a (f_a + s(x, a) \xi_a), \quad \xi_a \sim N(0, 1)

    are those of line 2 of the algorithm, with a mirror map for each state that is the
    flatter the less is known there. They are integrated numerically, without a draw,
    and `sample` and `act` draw from them: `predict_proba` gives the propensities to
    log, with which other policies can be learned and judged, best with a `min_proba`:
    Thompson sampling takes bad arms more and more rarely, and upper bounds never.

    References
    ----------
    .. [1] S. Agrawal and N. Goyal, "Thompson sampling for contextual bandits with
       linear payoffs", ICML 2013.
    .. [2] L. Li, W. Chu, J. Langford and R. Schapire, "A contextual-bandit approach to
       personalized news article recommendation", WWW 2010.
    .. [3] J. Abernethy, C. Lee, A. Sinha and A. Tewari, "Online linear optimization via
       smoothing", COLT 2014 (draws as mirror maps).

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.bandits import LinearBandit
    >>> rng = np.random.default_rng(0)
    >>> bandit = LinearBandit().partial_fit([[0.0], [1.0]], ["a", "b"], [0.0, 1.0])
    >>> for _ in range(100):
    ...     x = rng.random((1, 1))
    ...     arm = bandit.sample(x, random_state=rng.integers(2**31))
    ...     bandit = bandit.partial_fit(x, arm, (arm == "b") * x[:, 0])
    >>> bandit.predict([[0.9]])
    array(['b'], dtype='<U1')
    """

    _constraints: ClassVar = {
        "exploration": OneOf(EXPLORATIONS),
        "width": Interval(float, 0),
        "min_proba": Interval(float, 0, 1),
    }

    #: What other policies learn from environments; nothing follows a row here.
    _observation_encoder = None
    _action_encoder = None
    max_episode_steps = None
    gamma = 0.0

    def __init__(
        self,
        regressor=None,
        *,
        exploration: str = "thompson",
        width: float = 0.3,
        min_proba: float = 0.0,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.regressor = regressor
        self.exploration = exploration
        self.width = width
        self.min_proba = min_proba
        self.random_state = random_state

    def fit(self, X, actions, rewards, *, classes=None) -> Self:
        """
        Learn from these rows alone.

        Parameters
        ----------
        X : array-like or data frame of shape (n, n_features)
            States.
        actions : array-like of shape (n,)
            Labels of the arms that were taken.
        rewards : array-like of shape (n,)
            What they paid.
        classes : array-like of shape (n_arms,), default=None
            Labels of all arms, for those that do not occur.

        Returns
        -------
        LinearBandit
            The fitted estimator.
        """
        return self._learn(None, X, actions, rewards, classes)

    def partial_fit(self, X, actions, rewards, *, classes=None) -> Self:
        """
        Learn from more rows.

        Parameters
        ----------
        X : array-like or data frame of shape (n, n_features)
            States.
        actions : array-like of shape (n,)
            Labels of the arms that were taken. One that is new joins the others.
        rewards : array-like of shape (n,)
            What they paid.
        classes : array-like of shape (n_arms,), default=None
            Labels of arms that may be taken from now on. Arms that were there before
            stay; `action_mask` leaves out those that are gone.

        Returns
        -------
        LinearBandit
            The estimator itself.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid, or the regressor ends with no ridge.
        ValueError
            If values are not finite, or columns have other lengths or names.
        """
        last = self._policy if hasattr(self, "_policy") else None
        return self._learn(last, X, actions, rewards, classes)

    def act(
        self,
        observation,
        *,
        deterministic: bool = False,
        rng: int | np.random.RandomState | None = None,
        action_mask=None,
    ) -> Any:
        """
        Choose one arm for one state, as the exploring policy does.

        Parameters
        ----------
        observation : array-like of shape (n_features,), or mapping
            A state; by the names of the columns for a policy of data frames.
        deterministic : bool, default=False
            Take the most probable arm instead of drawing one.
        rng : int, RandomState instance or None, default=None
            Source of the draw.
        action_mask : array-like of shape (n_arms,), default=None
            True or 1 where an arm can be taken.

        Returns
        -------
        object
            A label out of `classes_`.
        """
        return super().act(
            observation, deterministic=deterministic, rng=rng, action_mask=action_mask
        )

    def _check_loaded(self):
        """Refuse a file whose parts do not fit."""
        if not hasattr(self, "_policy"):
            return
        # What the policy explores by are parameters of the last fit.
        for name in self._constraints:
            check_argument(
                "a bandit", name, getattr(self._policy, name), self._constraints[name]
            )
        # No value is one that every table could have.
        if self._columns is None:
            asked = [self._policy.proba, self._policy.scores]
            check_predicts(asked, self.n_features_in_, len(self.classes_))

    @property
    def _q(self):
        """Expected rewards: nothing follows them."""
        return self._policy.scores

    @limit_threads()
    def _learn(self, last, X, actions, rewards, classes):
        """Take over the posterior after these rows, the first ones if there is none."""
        check_parameters(self, self._constraints)
        before = np.empty(0) if last is None else self.classes_
        given = (before, classes, actions)
        labels = np.concatenate([x for x in given if x is not None and len(x)])
        log = TransitionLog(X, actions, rewards, classes=labels)
        rows = log.transitions()
        learned, states = {}, rows.observations
        if last is None:
            learned, transformer = self._describe(X, log), self._features(log, states)
        else:
            states, transformer = self._check_states(X), features_of(last.f)
        features = states if transformer is None else transform(transformer, states)
        posterior = self._prior(features) if last is None else _posterior_of(last.f)
        posterior = posterior.with_arms(
            np.searchsorted(log.classes, before), len(log.classes)
        )
        posterior = posterior.update(features, rows.actions, rows.rewards)
        f = compose(transformer, posterior)
        learned |= {
            "classes_": log.classes,
            "n_steps_": len(log) + (0 if last is None else self.n_steps_),
            "_policy": ExploringPolicy(f, self.exploration, self.width, self.min_proba),
        }
        kept = vars(self) if last else self.get_params(deep=False)
        # One assignment: who predicts meanwhile sees the old policy or the new one.
        self.__dict__ = kept | learned
        return self

    def _describe(self, X, log):
        """Number, names and types of the columns."""
        blank = blank_estimator(type(self).__name__)
        validate_data(blank, X, skip_check_array=True)
        return vars(blank) | {"_columns": log.columns}

    def _features(self, log, states):
        """The transformer in front of the ridge, fitted; None for the columns."""
        regressor, columns = flatten(given_or(self.regressor, Ridge)), log.columns
        check_regressor(regressor, type(self).__name__)
        if columns is not None and not _has_features(regressor):
            is_complete = not columns.missing(log.states)
            regressor = numeric_pipeline(columns, regressor, is_complete=is_complete)
        transformer, _ = split_features(flatten(regressor))
        seed = check_random_state(self.random_state).randint(2**31)
        rng = np.random.default_rng(seed)
        return transformer and fit_features(transformer, states, rng)

    def _prior(self, features):
        """What is known of no arms."""
        regressor = flatten(given_or(self.regressor, Ridge))
        form = linear_form(last_step(regressor)[1])
        if not isinstance(form, RidgeForm):
            raise InvalidParameterError(
                f"{type(self).__name__} needs a ridge, whose penalty is a prior. Got "
                f"{self.regressor!r}: use Ridge(alpha) with alpha > 0, or a Pipeline "
                "that ends with one."
            )
        return Posterior.prior(features, form.alpha, not _has_features(regressor))


def _has_features(regressor):
    """Whether somebody has chosen features."""
    return len(getattr(regressor, "steps", ())) > 1


def _posterior_of(f):
    return f if features_of(f) is None else f.scores
