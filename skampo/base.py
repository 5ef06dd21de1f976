"""What every policy can do once it is fitted: predict, sample, act and be scored."""

from contextlib import contextmanager
from dataclasses import replace
from os import PathLike

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skampo._score import ScoreMixin
from skampo.exceptions import RegressorError
from skampo.features._blocks import MANY, by_blocks
from skampo.persistence import save
from skampo.rollouts._advice import refuse_observations
from skampo.rollouts._factories import is_environment
from skampo.rollouts._sampling import draw_actions
from skampo.utils._sklearn import blank_estimator, take_rows
from skampo.utils._threads import limit_threads
from skampo.utils._validation import check_action_mask


class PolicyMixin(ScoreMixin):
    """
    Methods of a fitted policy, from its iterate, its classes and its encoders.

    Estimators that inherit it set `classes_`, `n_features_in_`, `_policy` (a
    `MirrorPolicy`), `_q` (action values), and the encoders of observations and actions
    of the environment they were fitted on, None for arrays. Set in one assignment, as
    in ``self.__dict__ = vars(self) | learned``, they are never seen half changed.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.base import PolicyMixin
    >>> issubclass(AMPOPolicy, PolicyMixin)
    True
    """

    #: `TableColumns` of the states, where those are tables with columns of any kind.
    _columns = None

    def predict_proba(self, X, *, action_mask=None) -> np.ndarray:
        """
        Return the probabilities of the actions.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            States; one integer column for an environment with discrete observations.
        action_mask : array-like of shape (n, n_actions) or (n_actions,), default=None
            True or 1 where an action is allowed; the others get probability 0.

        Returns
        -------
        ndarray of shape (n, n_actions)
            Rows sum to 1; columns are in the order of `classes_`.
        """
        now = self._now()
        X = now._check_states(X)
        mask = check_action_mask(action_mask, (len(X), len(now.classes_)))
        with limit_threads(), now._naming_missing(X):
            return in_blocks(_quick(now._policy, X).proba, X, mask)

    def predict_log_proba(self, X, *, action_mask=None) -> np.ndarray:
        """
        Return the log-probabilities; minus infinity where they are zero.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            States.
        action_mask : array-like of shape (n, n_actions) or (n_actions,), default=None
            True or 1 where an action is allowed, False or 0 elsewhere.

        Returns
        -------
        ndarray of shape (n, n_actions)
            Natural logarithms, columns in the order of `classes_`.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, action_mask=action_mask))

    def predict(self, X, *, action_mask=None) -> np.ndarray:
        """
        The most probable action of each state, the first of equals.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            States.
        action_mask : array-like of shape (n, n_actions) or (n_actions,), default=None
            True or 1 where an action is allowed, False or 0 elsewhere.

        Returns
        -------
        ndarray of shape (n,)
            Labels out of `classes_`; shape (n, n_components) for MultiDiscrete actions.
        """
        now = self._now()
        best = now.predict_proba(X, action_mask=action_mask).argmax(axis=1)
        return now.classes_[best]

    def decision_function(self, X, *, action_mask=None) -> np.ndarray:
        """
        Return the scores that the mirror map projects onto probabilities.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            States.
        action_mask : array-like of shape (n, n_actions) or (n_actions,), default=None
            True or 1 where an action is allowed; the others get minus infinity.

        Returns
        -------
        ndarray of shape (n, n_actions) or (n,)
            The step size times the fitted scores; with two actions the score of the
            second less that of the first, as scikit-learn's classifiers do.
        """
        now = self._now()
        X = now._check_states(X)
        mask = check_action_mask(action_mask, (len(X), len(now.classes_)))
        with limit_threads(), now._naming_missing(X):
            scores = in_blocks(_quick(now._policy, X).scores, X)
        if mask is not None:
            scores = np.where(mask, scores, -np.inf)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def sample(
        self,
        X,
        *,
        random_state: int | np.random.RandomState | None = None,
        action_mask=None,
    ) -> np.ndarray:
        """
        Draw one action per state from the policy.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            States.
        random_state : int, RandomState instance or None, default=None
            Source of the draws.
        action_mask : array-like of shape (n, n_actions) or (n_actions,), default=None
            True or 1 where an action is allowed, False or 0 elsewhere.

        Returns
        -------
        ndarray of shape (n,)
            Labels out of `classes_`; shape (n, n_components) for MultiDiscrete actions.
        """
        now = self._now()
        proba = now.predict_proba(X, action_mask=action_mask)
        uniform = check_random_state(random_state).random_sample(len(proba))
        return now.classes_[draw_actions(proba, uniform)]

    def action_values(self, X) -> np.ndarray:
        """
        Return the values of all actions according to the last critic.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            States.

        Returns
        -------
        ndarray of shape (n, n_actions)
            Discounted returns to expect; zero before the first iteration.

        Raises
        ------
        ValueError
            If the policy was fitted to labels or to rewards of all actions, where no
            critic was needed.
        """
        now = self._now()
        X = now._check_states(X)
        if now._q is None:
            raise ValueError(
                "action_values needs a critic, and this policy was fitted to labels, "
                "whose rewards are known, or to rewards of all actions. Use "
                "predict_proba or decision_function."
            )
        with limit_threads(), now._naming_missing(X):
            return in_blocks(now._q, X)

    def encode_observations(self, observations) -> np.ndarray:
        """
        Turn observations, as the environment gave them, into rows of features.

        Parameters
        ----------
        observations : sequence of object
            Elements of the observation space; for `Box` and `Discrete` spaces also an
            array with one observation per row. Split what a vector environment gives
            for other spaces with ``gymnasium.vector.utils.iterate``.

        Returns
        -------
        ndarray of shape (n, n_features)
            What the other methods take as `X`: one integer column for a `Discrete`
            space, the flat vector for every other. Policies that were fitted to labels
            or a model take the states as they are.

        Raises
        ------
        ValueError
            If an observation does not fit the space.
        """
        now = self._now()
        if now._observation_encoder is None:
            return now._check_states(observations)
        try:
            return now._observation_encoder.encode_batch(observations)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The observations do not fit what {type(self).__name__} was fitted "
                f"on: {error}."
            ) from error

    def act(
        self,
        observation,
        *,
        deterministic: bool = True,
        rng: int | np.random.RandomState | None = None,
        action_mask=None,
    ) -> int | np.ndarray:
        """
        Choose one action for one observation, as the environment gave it.

        Parameters
        ----------
        observation : object
            An element of the observation space: array, int, dict or tuple.
        deterministic : bool, default=True
            Take the most probable action; otherwise draw one.
        rng : int, RandomState instance or None, default=None
            Source of the draw.
        action_mask : array-like of shape (n_actions,), default=None
            True or 1 where an action is allowed, False or 0 elsewhere.

        Returns
        -------
        int or ndarray
            An action for ``env.step``.
        """
        now = self._now()
        X = now._encode(observation)
        mask = check_action_mask(action_mask, (1, len(now.classes_)))
        with limit_threads(), now._naming_missing(X):
            proba = _quick(now._policy, X).proba(X, mask)
        index = proba.argmax(axis=1)
        if not deterministic:
            index = draw_actions(proba, check_random_state(rng).random_sample(1))
        if now._action_encoder is None:
            return now.classes_[index[0]]
        return now._action_encoder.to_env(int(index[0]))

    def save(self, path: str | PathLike[str]) -> None:
        """
        Write the fitted policy to a file that `skampo.load` reads.

        Parameters
        ----------
        path : str or path-like
            Where to write; an existing file is replaced at once, or not at all.

        Raises
        ------
        SkampoFileError
            If a part cannot be stored, as lambdas cannot.
        OSError
            If the file cannot be written.
        """
        save(self._now(), path)

    def _now(self):
        """The policy as it is now, which a `fit` in another thread does not change."""
        learned = vars(self)
        # What a fit puts there last; asking scikit-learn takes longer.
        if "_policy" not in learned:
            check_is_fitted(self)
        now = object.__new__(type(self))
        # Shared and not copied: a fit never writes into it, but replaces it as a whole.
        now.__dict__ = learned
        return now

    def _encode(self, observation):
        """One raw observation as a row of features."""
        # States of labels, logs and models are rows of numbers already.
        encode = getattr(self._observation_encoder, "encode", np.ravel)
        try:
            if self._columns is not None:
                return self._columns.row(observation)
            X = np.asarray(encode(observation), dtype=np.float64)[None]
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"The observation given to act does not fit what "
                f"{type(self).__name__} was fitted on: {error}."
            ) from error
        if X.shape[1] != self.n_features_in_ or not np.isfinite(X).all():
            raise ValueError(
                f"The observation {observation!r} must have {self.n_features_in_} "
                f"finite features, as those that {type(self).__name__} was fitted on."
            )
        return self._known(X)

    @contextmanager
    def _naming_missing(self, X):
        """Name the columns whose missing numbers the regressor does not take."""
        try:
            yield
        except (RegressorError, ValueError) as error:
            names = [] if self._columns is None else self._columns.missing(X)
            if not names:
                raise
            raise ValueError(
                f"Numbers are missing in the columns {names}, and none was missing in "
                f"what {type(self).__name__} was fitted to: it has not learned what "
                "that means. Fill them in, or fit to data in which some are missing."
            ) from error

    def _check_states(self, X):
        try:
            return self._known(self._as_states(X))
        except (TypeError, ValueError) as error:
            refuse_observations(X, self._observation_encoder, error)
            _refuse_environments(X, error)
            raise

    def _known(self, X):
        """Refuse what is no state of the model that the policy was fitted to."""
        # Its values are a table; those of data know no states.
        if hasattr(self._q, "check_states"):
            self._q.check_states(X)
        return X

    def _as_states(self, X):
        if self._columns is not None:
            # Columns may be of any kind: what is checked is their names and number.
            named = validate_data(self, X, skip_check_array=True, reset=False)
            return self._columns.transform(named)
        # Names from an environment are for data frames; its arrays never have any.
        nameless = self._observation_encoder is not None and not hasattr(X, "columns")
        reader = _without_names(self) if nameless else self
        # One layout: products of another one differ in the last bit.
        return validate_data(reader, X, dtype=np.float64, order="C", reset=False)


def _quick(policy, X):
    """The policy without scikit-learn's checks of rows that were checked already."""
    # Estimators look at the columns and types of anything else.
    if type(X) is not np.ndarray or X.dtype != np.float64:
        return policy
    fast = policy.unchecked()

    def scores(rows):
        values = fast.f(rows)
        # The slow way says which regressor predicts what is no number.
        return values if np.isfinite(values).all() else policy.f(rows)

    return replace(fast, f=scores)


def in_blocks(function, X, mask=None):
    """What a function gives for all rows, whose features need not be in memory."""
    masks = () if mask is None else (mask,)
    # Rows need not be taken where there is one block of them.
    if len(X) < MANY:
        return function(X, *masks)
    values = by_blocks(
        lambda rows: function(take_rows(X, rows), *(part[rows] for part in masks)),
        len(X),
    )
    return np.ascontiguousarray(values)


def _without_names(policy):
    """A blank of the same class that knows the number of features alone."""
    blank = blank_estimator(type(policy).__name__)
    blank.n_features_in_ = policy.n_features_in_
    return blank


def _refuse_environments(X, error):
    if is_environment(X):
        raise ValueError(
            "Predictions are made for an array of states of shape (n, n_features). Got "
            f"{type(X).__name__}, which stands for environments: score plays in them."
        ) from error
