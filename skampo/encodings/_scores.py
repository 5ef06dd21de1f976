"""Scores of all actions from fitted models: what an encoding returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skampo.features._regression import predict_column, predict_columns
from skampo.features._unchecked import unchecked_predict

_MOST_ACTIONS = 1000


@dataclass(frozen=True, eq=False)
class Scores:
    """
    One model per action; an action without a model gets the mean of the others.

    Parameters
    ----------
    models : tuple of estimator or None
        Fitted, one per action.
    scale : float, default=1.0
        Predictions are multiplied by it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from skampo.encodings import Scores
    >>> model = DummyRegressor().fit([[0.0]], [3.0])
    >>> Scores((model, None))(np.zeros((1, 1)))
    array([[3., 3.]])
    """

    models: tuple
    scale: float = 1.0

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        columns = [
            None if model is None else predict_column(model, observations)
            for model in self.models
        ]
        present = [column for column in columns if column is not None]
        missing = (
            np.mean(present, axis=0) if present else np.zeros(observations.shape[0])
        )
        filled = [missing if column is None else column for column in columns]
        return self.scale * np.column_stack(filled)

    def unchecked(self) -> Callable:
        """
        The same without scikit-learn's checks, where the models are known.

        Returns
        -------
        callable
            Gives the same bits.
        """
        columns = [unchecked_predict(model) for model in self.models]
        # Also for an action without a model, which needs the mean of the others.
        if None in columns:
            return self
        return lambda X: self.scale * np.column_stack([f(X) for f in columns])

    @property
    def fitted(self) -> list | None:
        """
        The fitted models, one per action.

        Returns
        -------
        list of estimator or None
            In the order of the actions.
        """
        return list(self.models)


@dataclass(frozen=True, eq=False)
class ColumnScores:
    """One model with one output column per action."""

    model: Any
    n_actions: int
    scale: float = 1.0

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        return self.scale * predict_columns(self.model, observations, self.n_actions)

    def unchecked(self):
        """The same without scikit-learn's checks, where the model is known."""
        predict = unchecked_predict(self.model)
        if predict is None:
            return self
        # Sparse features have no `len`.
        return lambda X: self.scale * predict(X).reshape(X.shape[0], self.n_actions)

    def _check_loaded(self):
        """Refuse what is no number of actions."""
        check_n_actions(self.n_actions)

    @property
    def fitted(self):
        """The fitted model."""
        return self.model


@dataclass(frozen=True, eq=False)
class JointScores:
    """One model that sees the action as one-hot features behind the observation."""

    model: Any
    n_actions: int
    scale: float = 1.0

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        rows = joint_rows(observations, self.n_actions)
        column = predict_column(self.model, rows)
        return self.scale * column.reshape(len(observations), self.n_actions)

    def _check_loaded(self):
        """Refuse more actions than there can be: all pairs with states are rows."""
        check_n_actions(self.n_actions)

    @property
    def fitted(self):
        """The fitted model."""
        return self.model


def check_n_actions(n_actions):
    """Refuse what a file says if it is no number of actions that there can be."""
    if type(n_actions) is not int or not 0 < n_actions <= _MOST_ACTIONS:
        raise ValueError(f"scores of {n_actions!r:.60} actions")


def zero_scores(n_actions):
    """The scores of the first iterate: zero everywhere, a uniform policy."""
    return Scores((None,) * n_actions)


def joint_rows(observations, n_actions):
    """Every observation with every one-hot action, observation by observation."""
    repeated = np.repeat(observations, n_actions, axis=0)
    return np.hstack([repeated, np.tile(np.eye(n_actions), (len(observations), 1))])
