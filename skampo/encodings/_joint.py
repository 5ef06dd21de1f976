"""The action as a feature."""

import numpy as np

from skampo.encodings._base import Encoding, rms
from skampo.encodings._scores import JointScores, joint_rows
from skampo.features._steps import last_step
from skampo.utils._warnings import warn_user

# States that show whether actions are told apart by the state.
_ENOUGH = 1000


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
        weights = sample_weight
        if np.ndim(weights) == 1:
            weights = weights.repeat(n_actions)
        if np.ndim(weights) == 2:
            weights = weights.ravel()
        rows = joint_rows(X, n_actions)
        start = getattr(learner.start, "model", None)
        model = learner.fit(rows, values.ravel() / scale, weights, start)
        scores = JointScores(model, n_actions, scale)
        warn_of_no_interaction(scores, X, values, "joint")
        return scores

    def fit_taken(self, learner, X, actions, y, n_actions, sample_weight=None):
        """Scores fitted to a value for the action taken in each row."""
        rows = np.hstack([X, np.eye(n_actions)[actions]])
        start = getattr(learner.start, "model", None)
        return JointScores(learner.fit(rows, y, sample_weight, start), n_actions)


def warn_of_no_interaction(scores, X, values, encoding):
    """Say that a linear model of [state, action] prefers one action everywhere."""
    model = scores.model
    _, last = last_step(model)
    # Trees that did not split by the state yet may do so in another iteration.
    if not hasattr(last, "coef_"):
        return
    some = slice(None, None, 1 + len(X) // _ENOUGH)
    if _is_the_same(scores(X[some])) and not _is_the_same(values[some]):
        warn_user(
            f"encoding={encoding!r} with a linear regressor has the same greedy action "
            "in every state: it has no interaction of state and action. Use "
            "encoding='per_action', or features that cross states with actions."
        )


def _is_the_same(values):
    """Whether actions differ by the same numbers in every state, up to rounding."""
    differences = values - values[:, :1]
    return np.ptp(differences, axis=0).max() <= 1e-9 * np.abs(values).max()
