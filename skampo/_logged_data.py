"""What `fit` makes of arrays that were logged."""

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skampo._encoding import ENCODINGS
from skampo.critics import default_classifier
from skampo.exceptions import InvalidParameterError
from skampo.experience import (
    RewardedExperience,
    TableColumns,
    TransitionLog,
    behind_numbers,
    behind_table,
    is_table,
)
from skampo.utils._sklearn import check_sample_weight

__all__ = ["check_table", "give_table", "log_of", "read_columns", "reward_table"]


def log_of(X, actions, given):
    """The log that the arguments of `fit` are."""
    if "rewards" not in given:
        raise ValueError(
            f"fit(states, actions, ...) with {sorted(given)} is a log, and a log needs "
            "rewards: pass rewards=, one number per row."
        )
    if actions is None:
        raise ValueError(
            "fit(states, actions, rewards=...) needs the action of each reward. Pass "
            "the actions as second argument, or the rewards of all actions, of shape "
            "(n, n_actions)."
        )
    return TransitionLog(X, actions, **given)


def reward_table(X, actions, given):
    """An experience with the rewards of all actions, and the table's columns."""
    given = dict(given)
    rewards, weight = given.pop("rewards"), given.pop("sample_weight", None)
    if given:
        raise ValueError(
            "Rewards of all actions, of shape (n, n_actions), are problems of one "
            f"step. Got {sorted(given)} as well: leave them out, or pass one reward "
            "per row."
        )
    columns = TableColumns.of(X) if is_table(X) else None
    states = (
        # Values of a table may be text or missing, which its Pipeline deals with.
        X.to_numpy() if is_table(X) else check_array(X, dtype=np.float64, order="C")
    )
    classes = _labels_of_columns(rewards, actions)
    rewards = check_array(rewards, dtype=np.float64, input_name="rewards")
    if len(rewards) != len(states):
        raise ValueError(
            f"rewards has {len(rewards)} rows, but there are {len(states)} states. "
            "Give a row of rewards per state."
        )
    if weight is not None:
        weight = check_sample_weight(weight, states)
    return RewardedExperience(states, rewards, classes, weight), columns


def _labels_of_columns(rewards, actions):
    """Names of the columns, or the sorted labels that occur, or 0, 1, 2 ..."""
    n_actions = np.shape(rewards)[1]
    if is_table(rewards):
        return np.array(rewards.columns)
    if actions is None:
        return np.arange(n_actions)
    classes = np.unique(np.asarray(actions))
    if len(classes) != n_actions:
        raise ValueError(
            f"rewards has {n_actions} columns, but {len(classes)} different actions "
            "occur. Give no actions, or a data frame of rewards whose columns are "
            "named by the actions."
        )
    return classes


def read_columns(estimator, X):
    """Names of the features, where they have any."""
    blank = type(estimator)()
    # Only the names are wanted: a table may hold what an array must not.
    validate_data(blank, X, skip_check_array=True)
    return getattr(blank, "feature_names_in_", None)


def check_table(estimator, columns):
    """Refuse an encoding that puts numbers behind the columns of a table."""
    if columns is not None and not ENCODINGS[estimator.encoding].splits_actions:
        raise InvalidParameterError(
            f"encoding={estimator.encoding!r} puts the action behind the columns of an "
            "array. Got states in a data frame: use another encoding."
        )


def give_table(critic, columns):
    """A critic whose own estimators are given tables as well."""
    if columns is None:
        return critic
    own = critic.get_params(deep=False)
    changed = {}
    for name in ("regressor", "classifier"):
        # Neither None nor "policy", which stand for regressors that take tables.
        if hasattr(own.get(name), "fit"):
            changed[name] = behind_table(columns, own[name])
    if hasattr(own.get("transformer"), "fit"):
        changed["transformer"] = make_pipeline(clone(columns), own["transformer"])
    if "classifier" in own and own["classifier"] is None:
        # The default for arrays takes neither categories nor missing values.
        changed["classifier"] = behind_numbers(columns, default_classifier(table=True))
    if own.get("critic") is not None:
        changed["critic"] = give_table(own["critic"], columns)
    # This object is a clone already: the one that was passed in stays as it is.
    return critic.set_params(**changed)
