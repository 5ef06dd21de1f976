"""Doubly robust estimates: a model, corrected by weighted episodes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cholesky
from scipy.optimize import nnls
from scipy.stats import norm

from skampo.off_policy._bootstrap import RatioSum, effective_size, grouped
from skampo.off_policy._checks import check_options
from skampo.off_policy._importance import weigh
from skampo.off_policy._result import (
    conclude,
    few_episodes,
    unseen_actions,
    unsettled,
)
from skampo.off_policy._values import modeled_values
from skampo.utils._threads import limit_threads

__all__ = ["doubly_robust", "magic"]

# Returns of so many lengths are blended: more cost time and tell little.
_MOST_LENGTHS = 25


@limit_threads()
def doubly_robust(
    policy,
    log,
    *,
    action_values=None,
    regressor=None,
    gamma=0.995,
    self_normalized=False,
    confidence=0.95,
    n_bootstraps=1000,
    random_state=None,
):
    r"""
    Correct a model's value by the weighted errors that it makes in the log.

    With action values Q, :math:`V(s) = \sum_a \pi(a | s) Q(s, a)` and the weights of
    `per_decision_importance_sampling`, the estimate is

    .. math::

        \frac{1}{n} \sum_i \sum_t \gamma^t \left[ w_{0:t}^i (r_t^i - Q(s_t^i, a_t^i))
        + w_{0:t-1}^i V(s_t^i) \right] .

    It is right on average if the propensities are, and nearly so if Q is; if neither
    is, it is wrong. Behind the end of an episode that was cut, V stands for what the
    log does not show.

    Parameters
    ----------
    policy : object
        Has `predict_proba` and `classes_`: a fitted policy or classifier.
    log : TransitionLog
        Episodes with propensities.
    action_values : callable, default=None
        States to values of all actions, shape (n, n_actions). None fits them by
        `fit_action_values` to one half of the episodes for the use in the other, so
        that no error is explained by itself.
    regressor : estimator, default=None
        Fits the action values; None is `skampo.regressors.default_regressor` with an
        intercept.
    gamma : float, default=0.995
        Discount factor in [0, 1]; less than 1 if values are fitted.
    self_normalized : bool, default=False
        Divide each step by the sum of its weights instead of the number of episodes:
        the weighted doubly robust estimate.
    confidence : float, default=0.95
        Confidence of the interval.
    n_bootstraps : int, default=1000
        Resamples of the episodes for the interval; 0 gives none.
    random_state : int, RandomState instance or None, default=None
        Seeds the regressor and draws the resamples.

    Returns
    -------
    OffPolicyEstimate
        With the effective sample size of the weights of whole episodes.

    Raises
    ------
    ValueError
        If the log has no propensities or no episodes.
    InvalidParameterError
        If a number is outside of its range.

    See Also
    --------
    magic : Chooses how many steps to weight.

    References
    ----------
    .. [1] N. Jiang and L. Li, "Doubly robust off-policy value evaluation for
       reinforcement learning", ICML 2016.
    .. [2] P. Thomas and E. Brunskill, "Data-efficient off-policy policy evaluation for
       reinforcement learning", ICML 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skampo.experience import TransitionLog
    >>> from skampo.off_policy import doubly_robust
    >>> X, y = [[0.0]] * 200, ["a", "b"] * 100
    >>> log = TransitionLog(X, y, [1, 3, 1, 5] * 50, propensities=[0.5] * 200)
    >>> always_b = DummyClassifier(strategy="constant", constant="b").fit(X, y)
    >>> def rough(states):
    ...     return np.tile([1.0, 3.5], (len(states), 1))
    >>> doubly_robust(always_b, log, action_values=rough, n_bootstraps=0).estimate
    4.0
    """
    check_options(
        "doubly_robust", gamma=gamma, confidence=confidence, n_bootstraps=n_bootstraps
    )
    parts = Parts.of(policy, log, action_values, regressor, gamma, random_state)
    ratio = parts.ratio() if self_normalized else parts.mean()
    bounds = ratio.interval(confidence, n_bootstraps, random_state)
    return _finish(ratio.estimate(), bounds, confidence, parts)


@limit_threads()
def magic(
    policy,
    log,
    *,
    action_values=None,
    regressor=None,
    gamma=0.995,
    confidence=0.95,
    n_bootstraps=1000,
    random_state=None,
):
    r"""
    Blend the model with weighted returns of several lengths: MAGIC.

    The return of length j is weighted doubly robust for j steps and follows the model
    afterwards: no step is the model alone, all steps the weighted doubly robust
    estimate. The blend :math:`x` is the convex combination that minimizes
    :math:`x^T (\Omega + b b^T) x`, where :math:`\Omega` is the covariance of the
    returns and :math:`b` their distances from the 90 % bootstrap interval of the last.

    Parameters
    ----------
    policy : object
        Has `predict_proba` and `classes_`: a fitted policy or classifier.
    log : TransitionLog
        Episodes with propensities.
    action_values : callable, default=None
        As for `doubly_robust`.
    regressor : estimator, default=None
        As for `doubly_robust`.
    gamma : float, default=0.995
        Discount factor in [0, 1]; less than 1 if values are fitted.
    confidence : float, default=0.95
        Confidence of the interval: a multiple of the standard deviation of the
        blends of resampled episodes.
    n_bootstraps : int, default=1000
        Resamples of the episodes; 0 gives no interval.
    random_state : int, RandomState instance or None, default=None
        Seeds the regressor and draws the resamples.

    Returns
    -------
    OffPolicyEstimate
        With the effective sample size of the weights of whole episodes.

    Raises
    ------
    ValueError
        If the log has no propensities or no episodes.
    InvalidParameterError
        If a number is outside of its range.

    See Also
    --------
    doubly_robust : All steps, nothing blended.

    References
    ----------
    .. [1] P. Thomas and E. Brunskill, "Data-efficient off-policy policy evaluation for
       reinforcement learning", ICML 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skampo.experience import TransitionLog
    >>> from skampo.off_policy import magic
    >>> X, y = [[0.0]] * 200, ["a", "b"] * 100
    >>> log = TransitionLog(X, y, [1, 3] * 100, propensities=[0.5] * 200)
    >>> always_b = DummyClassifier(strategy="constant", constant="b").fit(X, y)
    >>> def exact(states):
    ...     return np.tile([1.0, 3.0], (len(states), 1))
    >>> result = magic(always_b, log, action_values=exact, n_bootstraps=0)
    >>> round(result.estimate, 6)
    3.0
    """
    check_options(
        "magic", gamma=gamma, confidence=confidence, n_bootstraps=n_bootstraps
    )
    parts = Parts.of(policy, log, action_values, regressor, gamma, random_state)
    blend = Blend.of(parts, random_state)
    draws = blend.ratio.draws(n_bootstraps, random_state)
    estimates = [blend.estimates(counts) for counts in draws]
    estimate = float(blend.estimates(blend.ratio.once)[0])
    margin = norm.ppf((1 + confidence) / 2) * (
        np.std(np.concatenate(estimates)) if estimates else np.nan
    )
    bounds = estimate - margin, estimate + margin
    return _finish(estimate, bounds, confidence, parts)


@dataclass(frozen=True, eq=False)
class Parts:
    r"""
    Discounted errors and values of all steps, shape (n_episodes, n_steps + 1).

    `errors` are :math:`\gamma^t w_{0:t} (r_t - Q_t)`, `values` are
    :math:`\gamma^t w_{0:t-1} V_t`; `missing` is the share by which further sweeps
    would change the model.
    """

    log: Any
    trajectories: Any
    proba: np.ndarray
    errors: np.ndarray
    values: np.ndarray
    missing: float

    @classmethod
    def of(cls, policy, log, action_values, regressor, gamma, random_state):
        """Weigh the episodes, and model what they are worth."""
        trajectories, proba = weigh(policy, log)
        model = modeled_values(
            policy, log, proba, action_values, regressor, gamma, random_state
        )
        discounts = trajectories.discounts(gamma)
        errors = trajectories.place(log.rewards - model.taken)
        # Behind a cut there is no reward, so that V has no error to correct there.
        values = trajectories.place(model.values) + trajectories.behind(model.beyond)
        return cls(
            log,
            trajectories,
            proba,
            discounts * trajectories.weights * errors,
            discounts * trajectories.previous * values,
            model.missing,
        )

    @property
    def n_steps(self):
        """Steps of the longest episode."""
        return self.errors.shape[1] - 1

    def mean(self):
        """The doubly robust estimate."""
        ratio = RatioSum.mean(self.errors.sum(axis=1) + self.values.sum(axis=1))
        return grouped(ratio, self.log)

    def ratio(self):
        """The weighted doubly robust estimate: errors of all steps, then values."""
        weights, previous = self.trajectories.weights, self.trajectories.previous
        # Each column is divided by the sum of the weights that are in it.
        ratio = RatioSum(
            np.hstack([self.errors, self.values]), np.hstack([weights, previous])
        )
        return grouped(ratio, self.log)


def _finish(value, bounds, confidence, parts):
    n_episodes = len(parts.errors)
    size = effective_size(parts.trajectories.weights[:, -1])
    complaints = [
        few_episodes(size, n_episodes),
        unseen_actions(parts.log, parts.proba),
        unsettled(parts.missing),
    ]
    return conclude(value, bounds, confidence, size, n_episodes, complaints)


@dataclass(frozen=True, eq=False)
class Blend:
    """Returns of several lengths, their noise, and where the longest of them lies."""

    ratio: RatioSum
    lengths: np.ndarray
    noise: np.ndarray
    low: float
    high: float

    @classmethod
    def of(cls, parts, random_state):
        """Measure noise and the interval of the longest return."""
        ratio, n_steps = parts.ratio(), parts.n_steps
        n_lengths = min(n_steps + 1, _MOST_LENGTHS)
        lengths = np.unique(np.linspace(0, n_steps, n_lengths).round().astype(int))
        influence = _returns(ratio.influence(), lengths)
        low, high = ratio.interval(0.9, 200, random_state)
        value = ratio.estimate()
        # Influences sum to 0 in every column, so that this is their covariance.
        noise = influence.T @ influence
        # fmin passes over the NaN of a single episode. The interval of a skewed
        # bootstrap need not contain the estimate, whose own distance has to be 0.
        return cls(ratio, lengths, noise, np.fmin(low, value), np.fmax(high, value))

    def estimates(self, counts):
        """The best blend of each resample, the interval moving with the longest."""
        returns = _returns(self.ratio.ratios(counts)[0], self.lengths)
        # An interval for each resample would take a bootstrap of each of them.
        moved = returns[:, -1:] - self.ratio.estimate()
        below, above = self.low + moved - returns, returns - self.high - moved
        bias = np.maximum(0, np.maximum(below, above))
        return np.array(
            [
                one @ smallest_on_simplex(self.noise + np.outer(distance, distance))
                for one, distance in zip(returns, bias, strict=True)
            ]
        )


def _returns(columns, lengths):
    """Returns of these lengths from columns of errors and of values."""
    errors, values = np.split(columns, 2, axis=1)
    # The return of length j corrects the steps before j, and believes V at step j.
    before = np.cumsum(errors, axis=1) - errors
    return (before + np.cumsum(values, axis=1))[:, lengths]


def smallest_on_simplex(matrix):
    r"""
    The x that minimizes :math:`x^T M x` among the probability vectors.

    The minimizer over :math:`u \ge 0` of :math:`\|A u\|^2 + (1 - 1^T u)^2`, with
    :math:`M = A^T A`, has the same optimality conditions up to its scale.
    """
    size = len(matrix)
    # In this unit the nudge below means the same for rewards of any size.
    unit = np.trace(matrix) / size or 1.0
    # Returns of neighboring lengths may be the same: a nudge keeps the root real.
    root = cholesky(matrix / unit + 1e-10 * np.eye(size))
    found, _ = nnls(np.vstack([root, np.ones(size)]), np.append(np.zeros(size), 1.0))
    return found / found.sum()
