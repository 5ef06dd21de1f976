"""Scores of all actions from a classifier of states."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class TreeScores:
    """
    Shares of the actions at the leaf of a fitted decision tree.

    Parameters
    ----------
    model : DecisionTreeClassifier
        The tree.
    columns : ndarray of int of shape (n_classes,)
        The action that each of its classes is; others have no share anywhere.
    n_actions : int
        Number of actions.
    """

    model: Any
    columns: np.ndarray
    n_actions: int

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        return self._spread(self.model.predict_proba(observations))

    def unchecked(self):
        """The same without scikit-learn's checks."""
        tree = self.model.tree_

        def scores(X):
            # Compiled code would read beyond the row.
            if X.shape[1] != tree.n_features:
                return self(X)
            X = np.ascontiguousarray(X, dtype=np.float32)
            return self._spread(tree.predict(X).reshape(len(X), -1))

        return scores

    def _spread(self, shares):
        scores = np.zeros((len(shares), self.n_actions))
        scores[:, self.columns] = shares
        return scores

    def _check_loaded(self):
        """Refuse actions that are not there."""
        columns = self.columns
        is_whole = columns.dtype.kind == "i" and type(self.n_actions) is int
        if not is_whole or not ((columns >= 0) & (columns < self.n_actions)).all():
            raise ValueError(f"shares of the actions {columns!r:.60}")
        if len(columns) != len(self.model.classes_):
            raise ValueError("shares of other actions than the tree has")

    @property
    def fitted(self):
        """The fitted tree."""
        return self.model
