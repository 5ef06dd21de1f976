"""Importance sampling: episodes of another policy, weighted."""

import numpy as np

from skampo.off_policy._bootstrap import RatioSum, effective_size, grouped
from skampo.off_policy._checks import check_options, takes_log
from skampo.off_policy._result import (
    OffPolicyEstimate,
    conclude,
    cut_episodes,
    few_episodes,
    unseen_actions,
)
from skampo.off_policy._suspicions import (
    copied_episodes,
    cut_weights,
    uneven_weights,
)
from skampo.off_policy._trajectories import Trajectories, action_proba, of_actions
from skampo.utils._threads import limit_threads


@takes_log
@limit_threads()
def importance_sampling(
    policy,
    log,
    *,
    gamma: float = 0.995,
    per_decision: bool = False,
    self_normalized: bool = False,
    confidence: float = 0.95,
    n_bootstraps: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> OffPolicyEstimate:
    r"""
    Weight the return of each episode by how much likelier the policy makes it.

    With :math:`w_i = \prod_t \pi(a_t | s_t) / \pi_b(a_t | s_t)` and the return
    :math:`G_i`, the estimate is :math:`n^{-1} \sum_i w_i G_i`: without bias, and of a
    variance that grows exponentially with the length of the episodes. Self-normalized
    it is :math:`\sum_i w_i G_i / \sum_i w_i`, biased and never outside the range of
    the returns.

    Per decision, each reward is weighted by the decisions that led to it and by no
    later ones [1]_: :math:`n^{-1} \sum_i \sum_t \gamma^t w_{0:t}^i r_t^i`, of less
    variance; self-normalized, each step divides by :math:`\sum_i w_{0:t}^i` instead of
    n.

    Parameters
    ----------
    policy : object
        Has `predict_proba` and `classes_`: a fitted policy or classifier.
    log : TransitionLog
        Episodes with propensities.
    gamma : float, default=0.995
        Discount factor in [0, 1].
    per_decision : bool, default=False
        Weight each reward by the actions up to it, instead of those of the episode.
    self_normalized : bool, default=False
        Divide by the sum of the weights instead of the number of episodes.
    confidence : float, default=0.95
        Confidence of the interval.
    n_bootstraps : int, default=1000
        Resamples of the episodes for the interval; 0 gives none.
    random_state : int, RandomState instance or None, default=None
        Draws the resamples.

    Returns
    -------
    OffPolicyEstimate
        With the effective sample size of the weights, in episodes.

    Raises
    ------
    ValueError
        If the log has no propensities or no episodes.
    InvalidParameterError
        If a number is outside of its range.

    See Also
    --------
    doubly_robust : Also uses a model, which takes variance away.

    References
    ----------
    .. [1] D. Precup, R. Sutton and S. Singh, "Eligibility traces for off-policy policy
       evaluation", ICML 2000.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from skampo.data import TransitionLog
    >>> from skampo.off_policy import importance_sampling
    >>> X, y = [[0.0]] * 200, ["a", "b"] * 100
    >>> log = TransitionLog(X, y, [1, 3] * 100, propensities=[0.5] * 200)
    >>> always_b = DummyClassifier(strategy="constant", constant="b").fit(X, y)
    >>> importance_sampling(always_b, log, n_bootstraps=0).estimate
    3.0
    """
    check_options(
        "importance_sampling",
        gamma=gamma,
        confidence=confidence,
        n_bootstraps=n_bootstraps,
    )
    trajectories, proba = weigh(policy, log)
    of = _of_steps if per_decision else _of_episodes
    ratio = of(trajectories, log.rewards, gamma, self_normalized)
    ratio = grouped(ratio, log)
    bounds = ratio.interval(confidence, n_bootstraps, random_state)
    return _finish(ratio, bounds, confidence, trajectories, log, proba)


def _of_episodes(trajectories, rewards, gamma, self_normalized):
    """Returns by the weights of whole episodes, which stay in the last column."""
    returns = trajectories.place(rewards) @ trajectories.discounts(gamma)
    last = trajectories.weights[:, -1:]
    weighted = last * returns[:, None]
    return RatioSum(weighted, last if self_normalized else np.ones_like(last))


def _of_steps(trajectories, rewards, gamma, self_normalized):
    """Rewards by the weights of their steps."""
    weights = trajectories.weights
    discounted = trajectories.place(rewards) * trajectories.discounts(gamma)
    if self_normalized:
        return RatioSum(weights * discounted, weights)
    return RatioSum.mean((weights * discounted).sum(axis=1))


def weigh(policy, log):
    """Weighted trajectories, and the policy's probabilities of all actions."""
    if log.propensities is None:
        raise ValueError(
            "Importance weights need the probability with which each action was "
            "chosen. Give the log propensities=, or estimate them by "
            "estimate_propensities(log, classifier)."
        )
    proba = action_proba(policy, log.states, log.classes)
    return Trajectories.of(log, of_actions(proba, log)), proba


def _finish(ratio, bounds, confidence, trajectories, log, proba):
    n_episodes = len(trajectories.lengths)
    weights = trajectories.weights
    size = effective_size(weights[:, -1])
    complaints = [
        few_episodes(size, n_episodes),
        cut_episodes(log),
        unseen_actions(log, proba),
        uneven_weights(log, of_actions(proba, log), weights),
        cut_weights(weights),
        copied_episodes(log),
    ]
    if size == 0 and bounds[0] == bounds[1]:
        # No weight: every resample is the same, and that is no certainty.
        bounds = np.nan, np.nan
    return conclude(ratio.estimate(), bounds, confidence, size, n_episodes, complaints)
