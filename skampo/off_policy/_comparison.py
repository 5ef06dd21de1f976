"""A policy and the one that was logged, compared on the same episodes."""

import dataclasses
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.utils import check_random_state

from skampo.critics._classifiers import default_classifier
from skampo.data._log import has_numbers
from skampo.data._tables import numeric_pipeline
from skampo.off_policy._bootstrap import RatioSum, grouped, spread
from skampo.off_policy._direct import Evaluation, finish
from skampo.off_policy._doubly_robust import Parts
from skampo.off_policy._doubly_robust import finish as finish_parts
from skampo.off_policy._importance import importance_sampling
from skampo.off_policy._modeled import beyond_cuts
from skampo.off_policy._propensities import estimate_propensities
from skampo.off_policy._result import OffPolicyEstimate, few_episodes, few_rows
from skampo.off_policy._suspicions import cut_weights, uneven_weights
from skampo.off_policy._tails import pareto_shape
from skampo.off_policy._trajectories import (
    action_proba,
    cut_rows,
    first_rows,
    of_actions,
)
from skampo.off_policy._values import ActionValues

# Above that, means of weights converge too slowly to be relied on.
LARGEST_SHAPE = 0.7
_N_BOOTSTRAPS = 1000
# Refits to resampled episodes: fewer of long logs, whose fits take longer.
_FEWEST_REFITS, _MOST_REFITS, _ROWS_OF_REFITS = 10, 30, 200_000
# Of more rows, a classifier of kernel features takes longer than all the rest.
_MANY_ROWS = 5000


@dataclass(frozen=True, eq=False)
class Comparison:
    """
    What one estimator says of the policy and of the difference to the logged one.

    `objections` say why this estimator cannot be relied on for this log.
    """

    name: str
    estimate: OffPolicyEstimate
    difference: OffPolicyEstimate | None = None
    pareto_k: float = np.nan
    objections: tuple = ()


@dataclass(frozen=True, eq=False)
class Logged:
    """
    The logged policy: returns of its episodes, and its values behind their cuts.

    `spread` is how far the largest and the smallest return are apart.
    `evaluation` are fitted values of a classifier of the actions; None without cuts,
    where the returns are all that there is to know.
    """

    ratio: RatioSum
    estimate: OffPolicyEstimate
    spread: float
    evaluation: Evaluation | None

    @classmethod
    def of(cls, log, gamma, confidence, seed):
        """Discount the rewards of each episode."""
        returns, lengths = discounted(log, gamma)
        evaluation = None
        if cut_rows(log).any():
            same = behavior_classifier(log).fit(log.states, log.actions)
            evaluation = _evaluate(same, log, gamma, seed)
            values = ActionValues(evaluation.critic.q_, log.classes)
            returns += gamma**lengths * beyond_cuts(same, log, values)
        ratio = grouped(RatioSum.mean(returns), log)
        low, high = ratio.interval(confidence, _N_BOOTSTRAPS, seed)
        n_episodes = len(returns)
        estimate = OffPolicyEstimate(
            ratio.estimate(), low, high, confidence, float(n_episodes), n_episodes
        )
        return cls(ratio, estimate, float(np.ptp(returns)), evaluation)

    def refits(self, counts):
        """The value of resampled episodes, those of which these are the counts."""
        if self.evaluation is not None:
            # Drawn by the same seed, so that episodes and errors of fits are shared.
            return self.evaluation.refits
        return self.ratio.ratios(counts.astype(float))[0].sum(axis=1)

    @property
    def fitted(self):
        """What fitted values are compared with."""
        evaluation = self.evaluation
        return self.estimate.estimate if evaluation is None else evaluation.estimate


def discounted(log, gamma):
    """The discounted return and the length of each episode."""
    starts = np.flatnonzero(first_rows(log))
    lengths = np.diff(np.append(starts, len(log)))
    steps = np.arange(len(log)) - np.repeat(starts, lengths)
    return np.add.reduceat(float(gamma) ** steps * log.rewards, starts), lengths


def behavior_classifier(log):
    """What estimates the probabilities of the logged actions."""
    if len(np.unique(log.actions)) == 1:
        # Others refuse a single class.
        return DummyClassifier()
    is_small = len(log) <= _MANY_ROWS
    classifier = default_classifier(table=not (is_small and has_numbers(log)))
    columns = log.columns
    return classifier if columns is None else numeric_pipeline(columns, classifier)


def compare(policy, log, logged, gamma, confidence, seed):
    """All comparisons that apply to this log, the one that decides first."""
    with warnings.catch_warnings():
        # They are in the estimates, and the report repeats them.
        warnings.simplefilter("ignore", UserWarning)
        given = log.propensities is not None
        found = [_by_values(policy, log, logged, gamma, confidence, seed)]
        # A single episode has no other half to fit to.
        if log.n_episodes > 1:
            name = "doubly_robust" if given else "doubly_robust, estimated propensities"
            known = log
            if not given:
                known = estimate_propensities(log, behavior_classifier(log))
            weighted = _by_weights(name, policy, known, logged, gamma, confidence, seed)
            found.insert(0, weighted)
        found.sort(key=lambda comparison: bool(comparison.objections))
        # It knows nothing of what is behind a cut.
        if given and not cut_rows(log).any():
            name = "per_decision_importance_sampling"
            estimate = importance_sampling(
                policy,
                log,
                gamma=gamma,
                per_decision=True,
                self_normalized=True,
                confidence=confidence,
                random_state=seed,
            )
            found.append(Comparison(name, estimate))
    return found


def _by_weights(name, policy, log, logged, gamma, confidence, seed):
    """Weighted doubly robust values less the returns of the same episodes."""
    rng = check_random_state(seed)
    parts = Parts.of(policy, log, None, None, gamma, rng)
    ratio = parts.ratio()
    bounds = ratio.interval(confidence, _N_BOOTSTRAPS, rng)
    estimate = finish_parts(ratio.estimate(), bounds, confidence, parts)
    less = ratio.minus(logged.ratio)
    low, high = less.interval(confidence, _N_BOOTSTRAPS, rng)
    weights = parts.trajectories.weights
    shape = pareto_shape(weights[:, -1])
    objections = [
        few_episodes(estimate.effective_sample_size, estimate.n_episodes),
        uneven_weights(log, of_actions(parts.proba, log), weights),
        cut_weights(weights),
        heavy_tail(shape, "episodes"),
    ]
    return Comparison(
        name,
        estimate,
        dataclasses.replace(
            estimate, estimate=less.estimate(), low=float(low), high=float(high)
        ),
        shape,
        tuple(filter(None, objections)),
    )


def _by_values(policy, log, logged, gamma, confidence, seed):
    """Fitted values less the returns of the episodes that they were fitted to."""
    found = _evaluate(policy, log, gamma, seed)
    bounds = spread(found.estimate, found.refits, confidence)
    estimate = finish(found.estimate, bounds, confidence, policy, log, found.complaints)
    value = found.estimate - logged.fitted
    low, high = np.nan, np.nan
    if len(found.refits):
        less = found.refits - logged.refits(found.counts)
        low, high = spread(value, less, confidence)
    shown = of_actions(action_proba(policy, log.states, log.classes), log)
    shape = np.nan
    if log.propensities is not None:
        shape = pareto_shape(shown / log.propensities)
    objections = [
        few_rows(estimate.effective_sample_size, len(log)),
        heavy_tail(shape, "rows"),
        *found.complaints,
    ]
    return Comparison(
        "fitted_q_evaluation",
        estimate,
        dataclasses.replace(
            estimate, estimate=float(value), low=float(low), high=float(high)
        ),
        shape,
        tuple(filter(None, objections)),
    )


def _evaluate(policy, log, gamma, seed) -> Any:
    # A generator of its own: the same seed draws the same episodes for every policy.
    rng = np.random.RandomState(seed)
    n_refits = np.clip(_ROWS_OF_REFITS // len(log), _FEWEST_REFITS, _MOST_REFITS)
    return Evaluation.of(policy, log, gamma, None, None, n_refits, rng)


def heavy_tail(shape, what):
    """Complain of weights whose mean converges too slowly."""
    if not shape > LARGEST_SHAPE:
        return ""
    return (
        f"The largest importance weights of {what} have a tail of shape {shape:.2f} "
        f"(Pareto-k): above {LARGEST_SHAPE} their mean cannot be relied on. Evaluate a "
        "policy nearer to the logged one, or log more."
    )
