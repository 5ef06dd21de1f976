"""Deploy, do not deploy, or the log cannot answer: the rule."""

from itertools import pairwise

import numpy as np

from skampo.off_policy._result import unseen_actions
from skampo.off_policy._suspicions import (
    broken_next_states,
    copied_episodes,
    never_ends,
    uneven_weights,
    unsupported_states,
)
from skampo.off_policy._trajectories import of_actions


def suspicions(log, proba):
    """What is wrong with the log, or with this policy on it, for every estimator."""
    found = [
        unseen_actions(log, proba),
        unsupported_states(log, proba),
        uneven_weights(log, of_actions(proba, log)),
        copied_episodes(log),
        broken_next_states(log),
        never_ends(log),
    ]
    return [complaint for complaint in found if complaint]


def decide(comparisons, found, spread_of_returns, min_gain):
    """The verdict and its reasons: the first comparison decides."""
    first = comparisons[0]
    silent = [
        *found,
        *first.objections,
        *_too_wide(first.difference, spread_of_returns),
        *_contradictions(comparisons),
    ]
    if silent:
        return "the log cannot answer", tuple(dict.fromkeys(silent))
    difference = first.difference
    said = (
        f"{first.name} finds a difference of {difference.estimate:.4g} to the logged "
        f"policy, {difference.confidence:.0%} interval {difference.low:.4g} to "
        f"{difference.high:.4g}"
    )
    if difference.low > min_gain:
        return "deploy", (f"{said}: all of it above {min_gain:.4g}.",)
    if difference.high <= min_gain:
        return "do not deploy", (f"{said}: all of it at or below {min_gain:.4g}.",)
    return "do not deploy", (
        f"{said}: a gain of {min_gain:.4g} or less is not excluded. A longer log makes "
        "the interval narrower.",
    )


def _too_wide(difference, spread_of_returns):
    width = difference.high - difference.low
    # Negated, so that no interval is too wide as well.
    if width <= spread_of_returns:
        return []
    if np.isnan(width):
        return ["The difference to the logged policy has no interval."]
    return [
        f"The interval of the difference is {width:.4g} wide, wider than the logged "
        f"returns are apart ({spread_of_returns:.4g}): log more."
    ]


def _contradictions(comparisons):
    """Intervals of the difference that do not meet, of estimators without objection."""
    sound = [c for c in comparisons if c.difference and not c.objections]
    return [
        f"{one.name} puts the difference between {one.difference.low:.4g} and "
        f"{one.difference.high:.4g}, {other.name} between {other.difference.low:.4g} "
        f"and {other.difference.high:.4g}: one of them is wrong, and which cannot be "
        "told. Judge by rows that the policy was not fitted to, check propensities=, "
        "or log more."
        for one, other in pairwise(sound)
        if one.difference.low > other.difference.high
        or other.difference.low > one.difference.high
    ]
