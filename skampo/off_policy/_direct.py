"""The model alone: direct method and fitted Q evaluation."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skampo.off_policy._bootstrap import RatioSum, effective_size, grouped, spread
from skampo.off_policy._checks import check_options, takes_log
from skampo.off_policy._fixed_point import PointEstimate
from skampo.off_policy._modeled import resample
from skampo.off_policy._result import (
    OffPolicyEstimate,
    conclude,
    few_rows,
    ignores_model,
    single_episode,
    unseen_actions,
    unsettled,
)
from skampo.off_policy._suspicions import (
    broken_next_states,
    copied_episodes,
    never_ends,
    uneven_weights,
    unsupported_states,
)
from skampo.off_policy._trajectories import action_proba, first_rows, of_actions
from skampo.off_policy._values import fit_critic
from skampo.utils._sklearn import take_rows
from skampo.utils._threads import limit_threads
from skampo.utils._validation import Interval, Nothing, check_argument


@takes_log
@limit_threads()
def direct_method(
    policy,
    log,
    action_values,
    *,
    confidence: float = 0.95,
    n_bootstraps: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> OffPolicyEstimate:
    r"""
    Believe a model: its value where the episodes of the log begin.

    The estimate is :math:`n^{-1} \sum_i \sum_a \pi(a | s_0^i) Q(s_0^i, a)`. The
    interval knows that other episodes would begin elsewhere, and nothing of the errors
    of the model: it is too narrow by them, and the result warns of it.

    Parameters
    ----------
    policy : object
        Has `predict_proba` and `classes_`: a fitted policy or classifier.
    log : TransitionLog
        Episodes; only where they begin is looked at.
    action_values : callable
        States to values of all actions, shape (n, n_actions), as `fit_action_values`
        or the method `action_values` of a policy gives them.
    confidence : float, default=0.95
        Confidence of the interval.
    n_bootstraps : int, default=1000
        Resamples of the episodes for the interval; 0 gives none.
    random_state : int, RandomState instance or None, default=None
        Draws the resamples.

    Returns
    -------
    OffPolicyEstimate
        With the effective sample size of the rows that show what the policy does.

    Raises
    ------
    ValueError
        If the log has no episodes.
    InvalidParameterError
        If a number is outside of its range.

    See Also
    --------
    fitted_q_evaluation : Fits the model, and its interval knows of it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skampo.data import TransitionLog
    >>> from skampo.off_policy import direct_method
    >>> X, y = [[0.0]] * 200, ["a", "b"] * 100
    >>> log = TransitionLog(X, y, [1, 3] * 100)
    >>> policy = DummyClassifier().fit(X, y)
    >>> def values(states):
    ...     return np.tile([1.0, 3.0], (len(states), 1))
    >>> direct_method(policy, log, values, n_bootstraps=0).estimate
    2.0
    """
    check_options("direct_method", confidence=confidence, n_bootstraps=n_bootstraps)
    ratio = RatioSum.mean(StartingStates.of(policy, log).values(action_values))
    ratio = grouped(ratio, log)
    bounds = ratio.interval(confidence, n_bootstraps, random_state)
    complaints = [ignores_model(bounds)]
    return finish(ratio.estimate(), bounds, confidence, policy, log, complaints)


@takes_log
@limit_threads()
def fitted_q_evaluation(
    policy,
    log,
    *,
    gamma: float = 0.995,
    regressor=None,
    n_sweeps: int | None = None,
    confidence: float = 0.95,
    n_bootstraps: int | None = 50,
    random_state: int | np.random.RandomState | None = None,
) -> OffPolicyEstimate:
    """
    Fit action values of the policy, and believe them where episodes begin.

    Needs no propensities and bears long episodes; it is as right as the regressor is.
    For the interval the values are fitted again to resampled episodes, from where they
    are: the estimate and a multiple of the standard deviation of these fits. It
    contains no error that every fit makes. A single episode has no interval.

    Parameters
    ----------
    policy : object
        Has `predict_proba` and `classes_`: a fitted policy or classifier.
    log : TransitionLog
        Transitions of any policy, with episodes.
    gamma : float, default=0.995
        Discount factor in [0, 1).
    regressor : estimator, default=None
        As for `fit_action_values`.
    n_sweeps : int, default=None
        As for `fit_action_values`.
    confidence : float, default=0.95
        Confidence of the interval.
    n_bootstraps : int or None, default=50
        Fits to resampled episodes for the interval; 0 gives none. None needs a linear
        regressor, and takes two passes over the rows in place of sweeps, so that
        millions of rows can be evaluated in bounded memory: it solves for what sweeps
        lead to, and the interval follows from the errors of the Bellman equation,
        episode by episode.
    random_state : int, RandomState instance or None, default=None
        Seeds the regressor and draws the resamples.

    Returns
    -------
    OffPolicyEstimate
        With the effective sample size of the rows that show what the policy does.

    Raises
    ------
    ValueError
        If the log has no episodes.
    InvalidParameterError
        If a number is outside of its range.

    See Also
    --------
    doubly_robust : Corrects the fitted values where propensities are known.

    References
    ----------
    .. [1] H. Le, C. Voloshin and Y. Yue, "Batch policy learning under constraints",
       ICML 2019.
    .. [2] B. Hao et al., "Bootstrapping fitted Q-evaluation for off-policy inference",
       ICML 2021.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LinearRegression
    >>> from skampo.data import TransitionLog
    >>> from skampo.off_policy import fitted_q_evaluation
    >>> X, y = [[0.0], [1.0], [0.0], [1.0]] * 50, ["a", "a", "b", "b"] * 50
    >>> log = TransitionLog(X, y, [0, 1, 4, 5] * 50)
    >>> policy = DummyClassifier(strategy="constant", constant="b").fit(X, y)
    >>> result = fitted_q_evaluation(
    ...     policy, log, regressor=LinearRegression(), n_bootstraps=0
    ... )
    >>> round(result.estimate, 6)
    4.5
    """
    check_options(
        "fitted_q_evaluation",
        gamma=gamma,
        n_sweeps=n_sweeps,
        confidence=confidence,
    )
    owner, accepted = "fitted_q_evaluation", Interval(int, 0) | Nothing
    check_argument(owner, "n_bootstraps", n_bootstraps, accepted)
    rng = check_random_state(random_state)
    if n_bootstraps is None:
        seed = rng.randint(2**31 - 1)
        point = PointEstimate.of(policy, log, gamma, regressor, seed)
        bounds, complaints = point.interval(confidence), suspicions(log)
        return finish(point.estimate, bounds, confidence, policy, log, complaints)
    found = Evaluation.of(policy, log, gamma, regressor, n_sweeps, n_bootstraps, rng)
    bounds = spread(found.estimate, found.refits, confidence)
    return finish(found.estimate, bounds, confidence, policy, log, found.complaints)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """
    Fitted values where episodes begin, and those of fits to resampled episodes.

    `counts` (n_refits, n_episodes) says how often each refit has drawn each episode.
    """

    critic: Any
    estimate: float
    refits: np.ndarray
    counts: np.ndarray
    complaints: list

    @classmethod
    def of(cls, policy, log, gamma, regressor, n_sweeps, n_refits, rng):
        """Fit once, and again to resampled episodes."""
        # One seed for all fits: refits differ from the first by their episodes alone.
        seed = rng.randint(2**31 - 1)
        critic = fit_critic(policy, log, gamma, regressor, n_sweeps, seed)
        starts = StartingStates.of(policy, log)
        estimate = starts.values(critic.q_).mean()
        refits, counts = [], []
        # Every resample of a single episode is that episode.
        for _ in range(n_refits if log.n_episodes > 1 else 0):
            sample, drawn = resample(log, rng)
            # A shallow copy: a refit replaces the values, and all start from the first.
            again = fit_critic(
                policy, sample, gamma, regressor, n_sweeps, seed, copy.copy(critic)
            )
            refits.append(starts.mean(again.q_, drawn))
            counts.append(drawn)
        complaints = [*suspicions(log), unsettled(critic.missing_)]
        return cls(critic, estimate, np.array(refits), np.array(counts), complaints)


def suspicions(log):
    """What of a log makes fitted values or their interval doubtful."""
    return [single_episode(log), broken_next_states(log), never_ends(log)]


@dataclass(frozen=True, eq=False)
class StartingStates:
    """Where episodes begin, and what the policy does there."""

    states: Any
    proba: np.ndarray
    episodes: np.ndarray

    @classmethod
    def of(cls, policy, log):
        """Ask the policy once: fits to resampled episodes begin in the same states."""
        is_first = first_rows(log)
        states = take_rows(log.states, np.flatnonzero(is_first))
        episodes = log.is_start.cumsum()[is_first] - 1
        return cls(states, action_proba(policy, states, log.classes), episodes)

    def values(self, action_values):
        """The value of the policy in each of them."""
        return (self.proba * action_values(self.states)).sum(axis=1)

    def mean(self, action_values, counts):
        """The mean value if each episode counts so many times."""
        return np.average(self.values(action_values), weights=counts[self.episodes])


def finish(value, bounds, confidence, policy, log, complaints):
    """The result of an estimate by fitted values, with what there is to complain of."""
    proba = action_proba(policy, log.states, log.classes)
    shown = of_actions(proba, log)
    # π / π_b: a row with a rare action stands for many others.
    weights = shown if log.propensities is None else shown / log.propensities
    size = effective_size(weights)
    complaints = [
        few_rows(size, len(log)),
        unseen_actions(log, proba),
        uneven_weights(log, shown),
        unsupported_states(log, proba),
        copied_episodes(log),
        *complaints,
    ]
    n_episodes = int(first_rows(log).sum())
    return conclude(value, bounds, confidence, size, n_episodes, complaints)
