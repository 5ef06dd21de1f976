"""The action as a feature."""

import numpy as np

from skampo._encoding._base import Encoding, rms
from skampo._encoding._scores import JointScores, joint_rows
from skampo.utils._warnings import warn_user

__all__ = ["Joint"]


class Joint(Encoding):
    """The action as a feature of one regressor."""

    splits_actions = False

    def split(self, regressor, sample, last, rng):
        """The regressor sees states and actions together, whatever the critic saw."""
        return None, regressor

    def fit_all(self, learner, X, values, sample_weight):
        """Scores fitted to a value for every action of every row."""
        n_actions = values.shape[1]
        scale = rms(values, sample_weight)
        # Observation by observation, as `joint_rows` and `ravel` have them.
        weights = None if sample_weight is None else sample_weight.repeat(n_actions)
        rows = joint_rows(X, n_actions)
        start = getattr(learner.start, "model", None)
        model = learner.fit(rows, values.ravel() / scale, weights, start)
        _warn_if_linear(model, rows.shape[1])
        return JointScores(model, n_actions, scale)

    def fit_taken(self, learner, X, actions, y, n_actions):
        """Scores fitted to a value for the action taken in each row."""
        rows = np.hstack([X, np.eye(n_actions)[actions]])
        start = getattr(learner.start, "model", None)
        return JointScores(learner.fit(rows, y, None, start), n_actions)


def _warn_if_linear(model, n_columns):
    """Say that a linear model of [state, action] prefers one action everywhere."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    if np.size(getattr(last, "coef_", ())) == n_columns:
        warn_user(
            "encoding='joint' with a linear regressor has the same greedy action in "
            "every state: it has no interaction of state and action. Use "
            "encoding='per_action', or features that cross states with actions."
        )
