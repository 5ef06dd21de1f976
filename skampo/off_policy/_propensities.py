"""Probabilities of logged actions, estimated by a classifier."""

import dataclasses

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_predict

from skampo.data import TransitionLog
from skampo.off_policy._checks import check_options, takes_log
from skampo.utils._threads import limit_threads

# Smaller estimates would give single rows all the weight.
SMALLEST = 0.01


@takes_log
@limit_threads()
def estimate_propensities(log, classifier, *, n_splits: int = 5) -> TransitionLog:
    """
    Estimate with which probability the logged actions were chosen.

    Each episode is predicted by a classifier that was fitted to other episodes, and
    probabilities below 0.01 are raised to it. Estimates from the result are only as
    right as the classifier: where it can be known, log the true probability.

    Parameters
    ----------
    log : TransitionLog
        With or without propensities.
    classifier : estimator
        Has `predict_proba`; cloned, never fitted in place.
    n_splits : int, default=5
        Parts of the episodes, at most their number; each is predicted from the others.

    Returns
    -------
    TransitionLog
        The same log with estimated propensities.

    Raises
    ------
    ValueError
        If the log has a single episode, or it is not known which rows are one.
    InvalidParameterError
        If `n_splits` is no int of at least 2.

    See Also
    --------
    doubly_robust : Stays right when they are wrong but the fitted values are not.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from skampo.data import TransitionLog
    >>> from skampo.off_policy import estimate_propensities
    >>> log = TransitionLog([[0.0]] * 4, ["a", "b", "b", "a"], [1, 2, 3, 4])
    >>> guess = DummyClassifier(strategy="uniform")
    >>> estimate_propensities(log, guess, n_splits=2).propensities
    array([0.5, 0.5, 0.5, 0.5])
    """
    check_options("estimate_propensities", n_splits=n_splits)
    # Labels may be missing for contextual bandits, whose rows are then episodes.
    groups = log.is_start.cumsum()
    done = np.searchsorted(log.classes, log.actions)
    if log.n_episodes < 2:
        raise ValueError(
            "Propensities of one part of the episodes are estimated from the others. "
            "Got a single episode: log more."
        )
    n_splits = min(n_splits, log.n_episodes)
    # Splits, since groups are given in another way when metadata are routed.
    splits = list(GroupKFold(n_splits).split(log.states, done, groups))
    # Columns of actions that the rows of a part never show are filled with zeros.
    proba = cross_val_predict(
        clone(classifier), log.states, done, cv=splits, method="predict_proba"
    )
    # There are columns for the actions that occur, which may be fewer than `classes`.
    columns = np.searchsorted(np.unique(done), done)
    chosen = np.clip(proba[np.arange(len(log)), columns], SMALLEST, 1.0)
    return dataclasses.replace(log, propensities=chosen)
