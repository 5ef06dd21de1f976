"""Logged transitions: the same rows for every policy."""

from dataclasses import replace
from functools import cached_property

import numpy as np
from joblib import hash as hash_of
from sklearn.base import clone
from sklearn.utils.validation import validate_data

from skampo.critics._classifiers import default_classifier
from skampo.data import TransitionLog
from skampo.data._log import has_numbers
from skampo.data._tables import numeric_pipeline
from skampo.encodings import Encoding
from skampo.exceptions import InvalidParameterError
from skampo.features._lending import unwrap
from skampo.off_policy._suspicions import never_ends
from skampo.problems._base import (
    Problem,
    check_critic_discount,
    refuse_early_stopping,
    refuse_targets,
    resolve_critic,
)
from skampo.regressors import default_regressor
from skampo.utils._sklearn import blank_estimator, check_sample_weight
from skampo.utils._validation import resolve
from skampo.utils._warnings import warn_user


class LogProblem(Problem):
    """
    Transitions that were logged, evaluated by a critic that takes them as they are.

    Nothing follows a row without a next state, whatever gamma is.
    """

    name = "log"

    def __init__(self, log, critic, gamma, feature_names, sample_weight, last):
        super().__init__(
            log.classes, log.shape[1], critic, gamma, feature_names, log.columns
        )
        self.n_steps = len(log)
        # Numbered, because they are the same rows for every policy.
        self._transitions = replace(log.transitions(sample_weight), first_row=0)
        self._is_one_step, self._has_numbers = log.is_one_step, has_numbers(log)
        # The critic as it was asked for; the one of the last fit has its classifier.
        self._asked = clone(critic)
        if not last or last.critic is None:
            self.critic = _with_classifier(critic, log.columns, self._has_numbers)
            self.critic.check()

    @classmethod
    def of(cls, X, y, given, *, asked, seed, last):
        """The problem of a log, or of the columns of one."""
        log, weight = _read(X, y, given)
        refuse_early_stopping(asked, "logs")
        check_table(asked, log.columns)
        auto = "reward_model" if log.is_one_step else "pessimistic"
        critic = resolve_critic(asked, last, auto)
        critic.check()
        _check_critic(critic, weight)
        if weight is not None:
            weight = check_sample_weight(weight, log.states)
        gamma = 0.0 if log.is_one_step else asked.gamma
        check_critic_discount(gamma, critic)
        return cls(log, critic, gamma, read_names(asked, log.states), weight, last)

    def gather(self, policy):
        """All rows."""
        return self._transitions

    def tables(self):
        """The states, and those that followed."""
        rows = self._transitions
        return unwrap(rows.observations), unwrap(rows.next_observations)

    def continuation(self):
        """Letters that stand for the rows."""
        return {"digest": self.digest}

    @cached_property
    def digest(self):
        """Letters that stand for the rows."""
        rows = self._transitions
        # Frames have many forms in memory, and their values have one.
        states = [np.asarray(x) for x in (rows.observations, rows.next_observations)]
        others = (rows.actions, rows.terminated, rows.ends, rows.rewards)
        return hash_of((*states, *others, rows.behavior_proba, rows.sample_weight))

    def recall(self, last, memory):
        """Keep what the last fit chose once, if these are its data."""
        if last.rollouts.get("digest") == self.digest:
            self.critic.recall(memory, self._transitions.row_numbers)

    def model_of_numbers(self):
        """Kernel features of one or two widths."""
        # Two widths and columns were measured on numbers and several steps only.
        return default_regressor(linear=self._has_numbers and not self._is_one_step)

    def resolved_critic(self):
        """The critic with every default as an object, but of its classifier."""
        return clone(self._asked).resolved(self.suggested)


def _read(X, y, given):
    """The log that `fit` was given, and weights of its rows."""
    if isinstance(X, TransitionLog):
        refuse_targets("a TransitionLog", y, given)
        return X, None
    weight = given.pop("sample_weight", None)
    if "rewards" not in given:
        raise ValueError(
            f"fit(states, actions, ...) with {sorted(given)} is a log, and a log needs "
            "rewards: pass rewards=, one number per row."
        )
    if y is None:
        raise ValueError(
            "fit(states, actions, rewards=...) needs the action of each reward. Pass "
            "the actions as second argument, or the rewards of all actions, of shape "
            "(n, n_actions)."
        )
    log = TransitionLog(X, y, **given)
    # Zeros say that nothing ends, which is right for some.
    if not given.keys() & {"terminated", "truncated"} and never_ends(log):
        warn_user(f"{never_ends(log)} If nothing ends, say terminated=np.zeros(n).")
    return log, weight


def _check_critic(critic, weight):
    if not critic.accepts_log:
        raise InvalidParameterError(
            f"{critic!r} needs fresh data of every policy, and a log has none. Use "
            "critic='pessimistic', 'fitted_q' or 'lstdq'."
        )
    if weight is not None and not critic.accepts_sample_weight:
        raise InvalidParameterError(
            f"{critic!r} takes no sample_weight. Weights are for labels, rewards of "
            "all actions, and logs of contextual bandits with critic='auto' or "
            "'reward_model': leave them out, or repeat rows."
        )


def read_names(asked, X):
    """Names of the features, where they have any."""
    blank = blank_estimator(asked.name)
    # Only the names are wanted: a table may hold what an array must not.
    validate_data(blank, X, skip_check_array=True)
    return getattr(blank, "feature_names_in_", None)


def check_table(asked, columns):
    """Refuse an encoding that puts numbers behind the columns of a table."""
    if (
        columns is not None
        and not resolve(asked.encoding, Encoding.by_name).splits_actions
    ):
        raise InvalidParameterError(
            f"encoding={asked.encoding!r} puts the action behind the columns of an "
            "array. Got states in a data frame: use another encoding."
        )


def _with_classifier(critic, columns, has_numbers):
    """A critic whose default classifier takes categories and missing values."""
    if columns is None:
        return critic
    own, changed = critic.get_params(deep=False), {}
    if "classifier" in own and own["classifier"] is None:
        default = default_classifier(table=not has_numbers)
        changed["classifier"] = numeric_pipeline(columns, default)
    if own.get("critic") is not None:
        changed["critic"] = _with_classifier(own["critic"], columns, has_numbers)
    # This object is a clone already: the one that was passed in stays as it is.
    return critic.set_params(**changed)
