"""Doubly robust estimates: a model, corrected by weighted episodes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skampo.off_policy._bootstrap import RatioSum, effective_size, grouped
from skampo.off_policy._checks import check_options, takes_log
from skampo.off_policy._importance import weigh
from skampo.off_policy._modeled import CrossFit, look_up
from skampo.off_policy._result import (
    OffPolicyEstimate,
    conclude,
    few_episodes,
    unseen_actions,
    unsettled,
)
from skampo.off_policy._suspicions import (
    broken_next_states,
    copied_episodes,
    cut_weights,
    never_ends,
    uneven_weights,
)
from skampo.off_policy._trajectories import of_actions
from skampo.utils._threads import limit_threads


@takes_log
@limit_threads()
def doubly_robust(
    policy,
    log,
    *,
    action_values=None,
    regressor=None,
    gamma: float = 0.995,
    self_normalized: bool = False,
    confidence: float = 0.95,
    n_bootstraps: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> OffPolicyEstimate:
    r"""
    Correct a model's value by the weighted errors that it makes in the log.

    With action values Q, :math:`V(s) = \sum_a \pi(a | s) Q(s, a)` and the weights of
    `importance_sampling` per decision, the estimate is

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
    >>> from skampo.data import TransitionLog
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
    return finish(ratio.estimate(), bounds, confidence, parts)


@dataclass(frozen=True, eq=False)
class Parts:
    r"""
    Discounted errors and values of all steps, shape (n_episodes, n_steps + 1).

    `errors` are :math:`\gamma^t w_{0:t} (r_t - Q_t)`, `values` are
    :math:`\gamma^t w_{0:t-1} V_t`; `missing` is the share by which further sweeps
    would change the model; `fits` are the fitted values, None if values were given.
    """

    log: Any
    trajectories: Any
    proba: np.ndarray
    errors: np.ndarray
    values: np.ndarray
    missing: float
    fits: Any
    gamma: float

    @classmethod
    def of(cls, policy, log, action_values, regressor, gamma, random_state):
        """Weigh the episodes, and model what they are worth."""
        trajectories, proba = weigh(policy, log)
        fits = None
        if action_values is None:
            # One seed for all fits: refits differ by their episodes alone.
            seed = check_random_state(random_state).randint(2**31 - 1)
            fits = CrossFit.of(policy, log, proba, regressor, gamma, seed)
            model = fits.values()
        else:
            model = look_up(policy, log, proba, action_values)
        arranged = _arrange(log, trajectories, model, gamma)
        return cls(log, trajectories, proba, fits=fits, gamma=gamma, **arranged)

    @property
    def n_steps(self):
        """Steps of the longest episode."""
        return self.errors.shape[1] - 1

    def refit(self, rng):
        """How often each episode was drawn, and parts with the model of these."""
        counts, fits = self.fits.refit(rng)
        arranged = _arrange(self.log, self.trajectories, fits.values(), self.gamma)
        return counts, replace(self, fits=fits, **arranged)

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


def _arrange(log, trajectories, model, gamma):
    """Errors and values of a model, weighted and discounted."""
    discounts = trajectories.discounts(gamma)
    errors = trajectories.place(log.rewards - model.taken)
    # Behind a cut there is no reward, so that V has no error to correct there.
    values = trajectories.place(model.values) + trajectories.after_end(model.beyond)
    return {
        "errors": discounts * trajectories.weights * errors,
        "values": discounts * trajectories.previous * values,
        "missing": model.missing,
    }


def finish(value, bounds, confidence, parts):
    """The result of an estimate from these parts, with what they complain of."""
    n_episodes = len(parts.errors)
    log, weights = parts.log, parts.trajectories.weights
    size, shown = effective_size(weights[:, -1]), of_actions(parts.proba, log)
    complaints = [
        few_episodes(size, n_episodes),
        unseen_actions(log, parts.proba),
        uneven_weights(log, shown, weights),
        cut_weights(weights),
        copied_episodes(log),
        broken_next_states(log),
        never_ends(log),
        unsettled(parts.missing),
    ]
    return conclude(value, bounds, confidence, size, n_episodes, complaints)
