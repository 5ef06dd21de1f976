"""What an estimator returns, and when a log cannot answer."""

from dataclasses import dataclass

import numpy as np

from skampo.off_policy._trajectories import cut_rows
from skampo.utils._warnings import warn_user

# Below this many effective episodes intervals covered the truth less often than they
# say; see docs/user_guide/offline.md.
FEWEST_EFFECTIVE = 50
# A policy may do this share of what the log never shows.
LARGEST_UNSEEN = 0.05
# Further sweeps may change fitted values by this share.
LARGEST_MISSING = 0.01


@dataclass(frozen=True)
class OffPolicyEstimate:
    """
    The value of a policy according to a log, and how far to trust it.

    Parameters
    ----------
    estimate : float
        Discounted return to expect.
    low, high : float
        Confidence interval; NaN without bootstrap samples, of a single episode, and
        where all importance weights are 0.
    confidence : float
        Probability that the interval is meant to contain the truth.
    effective_sample_size : float
        Number of equally weighted episodes (of rows, for fitted Q evaluation and the
        direct method) that would know as much as the weighted ones.
    n_episodes : int
        Episodes in the log.
    warning : str, default=""
        Why the log cannot answer; empty if nothing was found.

    See Also
    --------
    doubly_robust : Returns one.

    Examples
    --------
    >>> from skampo.off_policy._result import OffPolicyEstimate
    >>> result = OffPolicyEstimate(1.0, 0.5, 1.5, 0.95, 120.0, 200)
    >>> print(result)
    1 (95% interval 0.5 to 1.5, effective sample size 120, 200 episodes)
    """

    estimate: float
    low: float
    high: float
    confidence: float
    effective_sample_size: float
    n_episodes: int
    warning: str = ""

    def __str__(self):
        """Say it in one line."""
        line = (
            f"{self.estimate:.4g} ({self.confidence:.0%} interval {self.low:.4g} to "
            f"{self.high:.4g}, effective sample size {self.effective_sample_size:.0f}, "
            f"{self.n_episodes} episodes)"
        )
        return f"{line}. {self.warning}" if self.warning else line


def conclude(value, bounds, confidence, size, n_episodes, complaints):
    """Build the result and pass its warning on."""
    warning = " ".join(complaint for complaint in complaints if complaint)
    if warning:
        warn_user(warning)
    low, high = (float(bound) for bound in bounds)
    return OffPolicyEstimate(
        float(value), low, high, confidence, float(size), n_episodes, warning
    )


def few_episodes(size, n_episodes):
    """Complain of weights that rest on few episodes."""
    if size >= FEWEST_EFFECTIVE:
        return ""
    return (
        f"The effective sample size is {size:.1f} of {n_episodes} episodes: few of "
        "them do what the policy would do, and neither the estimate nor its interval "
        "can be relied on. Evaluate a policy nearer to the logged one, or log more."
    )


def few_rows(size, n_rows):
    """Complain of a policy that does what the log hardly shows."""
    if size >= FEWEST_EFFECTIVE:
        return ""
    return (
        f"Only about {size:.1f} of {n_rows} rows show what the policy would do: the "
        "fitted values say little about it. Evaluate a policy nearer to the logged "
        "one, or log more."
    )


def single_episode(log):
    """Complain of what cannot be compared with itself."""
    if log.n_episodes > 1:
        return ""
    return (
        "The log has a single episode, and an interval is told by how much episodes "
        "differ: there is none. Log more, or give episodes= if there are several."
    )


def ignores_model(bounds):
    """Complain of an interval that takes a model for certain."""
    if np.isnan(bounds).any():
        return ""
    return (
        "The interval of direct_method knows that episodes could begin elsewhere, and "
        "nothing of the errors of action_values: it is too narrow by them. Use "
        "fitted_q_evaluation or doubly_robust for an interval that contains them."
    )


def cut_episodes(log):
    """Complain of episodes whose rewards go on behind the log."""
    n_cut = int(cut_rows(log).sum())
    if not n_cut:
        return ""
    return (
        f"{n_cut} of {log.n_episodes} episodes were cut, and rewards behind the cut do "
        "not count here. Use doubly_robust or fitted_q_evaluation for the value "
        "beyond it."
    )


def unsettled(missing):
    """Complain of sweeps that ended before the values settled."""
    if missing <= LARGEST_MISSING:
        return ""
    return (
        f"The fitted values have not settled: further sweeps would change them by "
        f"about {missing:.0%}. Give a larger n_sweeps, a smaller gamma or a linear "
        "regressor, whose sweeps are cheap."
    )


def unseen_actions(log, proba):
    """Complain of a policy that does what nobody did."""
    never = ~np.isin(log.classes, log.actions)
    share = float(proba[:, never].sum(axis=1).mean())
    if share <= LARGEST_UNSEEN:
        return ""
    return (
        f"The policy gives {share:.0%} of its probability to actions that the log "
        f"never shows ({log.classes[never].tolist()}): their rewards are unknown."
    )
