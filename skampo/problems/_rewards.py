"""Contextual bandits with full information: rewards of all actions, or labels."""

from functools import cached_property

import numpy as np
from joblib import hash as hash_of
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from skampo.critics._full_information import FullInformation
from skampo.data._rewards import RewardTable
from skampo.data._tables import TableColumns, is_table
from skampo.features._lending import unwrap
from skampo.problems._base import Problem, refuse_early_stopping
from skampo.problems._log import check_table, read_names
from skampo.regressors import default_regressor
from skampo.rollouts._advice import advise
from skampo.utils._sklearn import blank_estimator, check_sample_weight


class RewardProblem(Problem):
    """States with the reward of every action; nothing follows them."""

    name = "rewards"

    def __init__(self, table, classes, feature_names=None, columns=None):
        n_features = table.observations.shape[1]
        super().__init__(
            classes, n_features, FullInformation(), 0.0, feature_names, columns
        )
        self._table = table

    @classmethod
    def of(cls, X, y, given, *, asked, seed, last):
        """The problem of a matrix of rewards."""
        refuse_early_stopping(asked, "rewards of all actions")
        table, classes, columns = _read(X, y, **given)
        check_table(asked, columns)
        return cls(table, classes, read_names(asked, X), columns)

    def gather(self, policy):
        """All states."""
        return self._table

    @cached_property
    def digest(self):
        """Letters that stand for the rows."""
        rows = self._table
        return hash_of(
            (np.asarray(rows.observations), rows.rewards, rows.sample_weight)
        )

    def tables(self):
        """The states."""
        return (unwrap(self._table.observations),)

    def model_of_numbers(self):
        """Kernel features."""
        return default_regressor()


class LabelProblem(RewardProblem):
    """Labeled states: reward 1 for the label and 0 for every other action."""

    name = "labels"

    @classmethod
    def of(cls, X, y, given, *, asked, seed, last):
        """The problem of labels."""
        refuse_early_stopping(asked, "labels")
        if y is None:
            _ask_for_labels(asked.name, X)
        reader = blank_estimator(asked.name)
        X, y = validate_data(reader, X, y, dtype=np.float64, order="C")
        check_classification_targets(y)
        weight = given.get("sample_weight")
        if weight is not None:
            weight = check_sample_weight(weight, X)
        # Labels of rows without weight are actions too.
        classes = np.unique(y)
        rewards = (y[:, None] == classes).astype(np.float64)
        names = getattr(reader, "feature_names_in_", None)
        return cls(RewardTable.of(X, rewards, weight), classes, names)


def _ask_for_labels(name, X):
    advice = advise(X)
    if advice is not None:
        raise ValueError(f"{name} cannot be fitted to this. {advice}")
    raise ValueError(
        f"This {name} estimator requires y to be passed, but the target y is None: "
        "states need labels. Only environments are fitted without y."
    )


def _read(X, actions, rewards, sample_weight=None, **others):
    """The rewards of all actions, the actions, and the columns of a data frame."""
    if others:
        raise ValueError(
            "Rewards of all actions, of shape (n, n_actions), are contextual "
            f"bandits. Got {sorted(others)} as well: leave them out, or pass one "
            "reward per row."
        )
    columns = TableColumns.of(X) if is_table(X) else None
    # Values of a table may be text or missing, which its Pipeline deals with.
    states = (
        check_array(X, dtype=np.float64, order="C")
        if columns is None
        else columns.rows(X)
    )
    classes = _labels_of_columns(rewards, actions)
    rewards = check_array(rewards, dtype=np.float64, input_name="rewards")
    if len(rewards) != len(states):
        raise ValueError(
            f"rewards has {len(rewards)} rows, but there are {len(states)} states. "
            "Give a row of rewards per state."
        )
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, states)
    return RewardTable.of(states, rewards, sample_weight), classes, columns


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
