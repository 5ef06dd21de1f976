"""Scores of policies from a log alone, for searches."""

import warnings
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import Any

from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.off_policy._direct import fitted_q_evaluation
from skampo.off_policy._doubly_robust import doubly_robust
from skampo.off_policy._importance import importance_sampling
from skampo.off_policy._magic import magic

ESTIMATORS = {
    "doubly_robust": doubly_robust,
    "fitted_q_evaluation": fitted_q_evaluation,
    "importance_sampling": importance_sampling,
    "magic": magic,
    "per_decision_importance_sampling": partial(importance_sampling, per_decision=True),
}


@dataclass(frozen=True)
class OffPolicyScorer:
    """A scorer of held-out episodes; `bound` is an attribute of the estimate."""

    estimator: Any
    bound: str
    options: dict = field(default_factory=dict)

    def __call__(self, policy, log, y=None):
        """Score a fitted policy on a log; greater is better."""
        if not isinstance(log, TransitionLog):
            raise ValueError(
                "An off-policy scorer needs a TransitionLog as X, with its rewards. "
                f"Got {type(log).__name__}: search.fit(log, groups=log.episodes)."
            )
        with warnings.catch_warnings():
            # A fold is smaller than the log: its warnings say nothing new.
            warnings.simplefilter("ignore", UserWarning)
            return getattr(self.estimator(policy, log, **self.options), self.bound)


def make_off_policy_scorer(
    estimator="fitted_q_evaluation", *, bound: str = "estimate", **options
) -> OffPolicyScorer:
    """
    Make a scorer with which a search chooses from a log alone.

    Parameters
    ----------
    estimator : str or callable, default="fitted_q_evaluation"
        ``"fitted_q_evaluation"``, ``"doubly_robust"``, ``"magic"``,
        ``"importance_sampling"``, ``"per_decision_importance_sampling"``, or a
        function of a policy and a log that returns an `OffPolicyEstimate`. It is
        given ``random_state=0`` and ``n_bootstraps`` if it has such parameters.
    bound : {"estimate", "low"}, default="estimate"
        The score: the estimate, or the lower end of its interval.
    **options : dict
        Keyword arguments of the estimator, such as ``gamma``, ``regressor`` or
        ``self_normalized``. Without ``n_bootstraps`` no interval is computed for the
        estimate. ``regressor`` fits the values by which all candidates are judged.

    Returns
    -------
    OffPolicyScorer
        For the parameter ``scoring`` of a search.

    Raises
    ------
    InvalidParameterError
        If the name or the bound is unknown.

    See Also
    --------
    skampo.data.TransitionLog.from_episodes : Makes the log.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV, GroupKFold
    >>> from skampo import AMPOPolicy
    >>> from skampo.data import TransitionLog
    >>> from skampo.off_policy import make_off_policy_scorer
    >>> X = np.tile([[0.0], [1.0]], (20, 1))
    >>> y = np.repeat([0, 1], 20)
    >>> log = TransitionLog(X, y, y == X[:, 0], episodes=np.arange(40))
    >>> search = GridSearchCV(
    ...     AMPOPolicy(random_state=0, max_iter=5),
    ...     {"regressor": [Ridge(1e9), Ridge()]},
    ...     scoring=make_off_policy_scorer(),
    ...     cv=GroupKFold(2, shuffle=True, random_state=0),
    ... )
    >>> search.fit(log, groups=log.episodes).best_params_
    {'regressor': Ridge()}
    """
    if isinstance(estimator, str):
        # An unknown name stays a string, which cannot be called.
        estimator = ESTIMATORS.get(estimator, estimator)
    if not callable(estimator):
        raise InvalidParameterError(
            "The 'estimator' parameter of make_off_policy_scorer must be a str "
            f"among {sorted(ESTIMATORS)} or a callable. Got {estimator!r} instead."
        )
    if bound not in ("estimate", "low"):
        raise InvalidParameterError(
            "The 'bound' parameter of make_off_policy_scorer must be a str among "
            f"['estimate', 'low']. Got {bound!r} instead."
        )
    # A fixed seed: candidates meet the same draws, in whatever process.
    defaults = {"random_state": 0}
    if bound == "estimate":
        defaults["n_bootstraps"] = 0
    # A function of one's own need not know these.
    accepted = signature(estimator).parameters
    defaults = {name: defaults[name] for name in defaults if name in accepted}
    return OffPolicyScorer(estimator, bound, defaults | options)
