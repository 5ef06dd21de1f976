"""One regressor per action, or one with a column per action."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from skampo.encodings._base import Encoding, rms
from skampo.encodings._scores import ColumnScores, Scores
from skampo.exceptions import InvalidParameterError
from skampo.features._regression import takes_columns


class PerAction(Encoding):
    """
    One regressor per action; the only encoding that fits any regressor.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skampo.critics import CriticSetting
    >>> from skampo.encodings import PerAction
    >>> rng = np.random.default_rng(0)
    >>> setting = CriticSetting(2, 0.9, LinearRegression(), PerAction(), rng)
    >>> learner = setting.learner(setting.regressor)
    >>> X, values = np.array([[0.0], [1.0]]), np.array([[0.0, 1.0], [2.0, 1.0]])
    >>> PerAction().fit_all(learner, X, values, None)(np.array([[2.0]])).round(6)
    array([[4., 1.]])
    """

    def fit_all(self, learner, X, values, sample_weight) -> Scores:
        """
        Fit a value for every action of every row.

        Parameters
        ----------
        learner : object
            Its ``fit(X, y, sample_weight)`` fits a model and returns it.
        X : ndarray, sparse array or data frame of shape (n, n_features)
            Rows.
        values : ndarray of shape (n, n_actions)
            Targets.
        sample_weight : ndarray of shape (n,) or (n, n_actions) or None
            Weights of the rows, or of each action in them.

        Returns
        -------
        Scores
            One model per action.
        """
        scale, weights = rms(values, sample_weight), [sample_weight] * len(values.T)
        if np.ndim(sample_weight) == 2:
            weights = sample_weight.T
        jobs = [(X, y / scale, w) for y, w in zip(values.T, weights, strict=True)]
        return Scores(_fit_each(learner, jobs), scale)

    def fit_taken(
        self, learner, X, actions, y, n_actions, sample_weight=None
    ) -> Scores:
        """
        Fit a value for the action that was taken in each row.

        Parameters
        ----------
        learner : object
            Its ``fit(X, y, sample_weight)`` fits a model and returns it.
        X : ndarray, sparse array or data frame of shape (n, n_features)
            Rows.
        actions : ndarray of int of shape (n,)
            What was taken.
        y : ndarray of shape (n,)
            Targets.
        n_actions : int
            Number of actions.
        sample_weight : ndarray of shape (n,), default=None
            Weights of the rows.

        Returns
        -------
        Scores
            One model per action; none for an action that was never taken.
        """
        weight = sample_weight
        taken = [actions == action for action in range(n_actions)]
        jobs = [
            (X[rows], y[rows], weight if weight is None else weight[rows])
            for rows in taken
        ]
        return Scores(_fit_each(learner, jobs))


class MultiOutput(PerAction):
    """One regressor, one output per action; one regressor per action for critics."""

    def fit_all(self, learner, X, values, sample_weight):
        """Scores fitted to a value for every action of every row."""
        if np.ndim(sample_weight) == 2:
            raise InvalidParameterError(
                "encoding='multi_output' fits all actions of a row with one weight. "
                "Got a weight for each action, from a critic with action_weights: use "
                "encoding='per_action' or 'joint'."
            )
        scale = rms(values, sample_weight)
        start = getattr(learner.start, "model", None)
        model = learner.fit(X, values / scale, sample_weight, start)
        return ColumnScores(model, values.shape[1], scale)


class Auto(PerAction):
    """`multi_output` if the regressor takes 2-D targets and actions weigh the same."""

    def fit_all(self, learner, X, values, sample_weight) -> Any:
        """
        Fit a value for every action of every row.

        Parameters
        ----------
        learner : object
            Its ``fit(X, y, sample_weight)`` fits a model and returns it.
        X : ndarray, sparse array or data frame of shape (n, n_features)
            Rows.
        values : ndarray of shape (n, n_actions)
            Targets.
        sample_weight : ndarray of shape (n,) or (n, n_actions) or None
            Weights of the rows, or of each action in them.

        Returns
        -------
        ColumnScores or Scores
            One model with a column per action, or one model per action.
        """
        shares = takes_columns(learner.regressor) and np.ndim(sample_weight) < 2
        chosen = MultiOutput() if shares else PerAction()
        return chosen.fit_all(learner, X, values, sample_weight)


def _fit_each(learner, jobs):
    """One fitted model per job, None where there are no rows; same for any n_jobs."""
    starts = getattr(learner.start, "models", None) or (None,) * len(jobs)
    # Also for actions without rows, so that seeds do not depend on what was seen.
    children = learner.rng.spawn(len(jobs))
    fits = [
        delayed(replace(learner, rng=child).fit)(X, y, weight, start)
        for (X, y, weight), start, child in zip(jobs, starts, children, strict=True)
        if len(y)
    ]
    fitted = iter(Parallel(n_jobs=learner.n_jobs, prefer="threads")(fits))
    return tuple(next(fitted) if len(y) else None for _, y, _ in jobs)
