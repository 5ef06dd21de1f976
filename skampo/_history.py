"""What is recorded, printed and kept at the end of an iteration."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from skampo.utils._rows import row_sum
from skampo.utils._warnings import warn_user

# A probability that underflowed is not zero: the divergence from it is finite.
_TINY = np.finfo(float).tiny
# So many episodes are no chance; so few rows are fitted by a constant.
_MANY, _FEW = 50, 10


@dataclass(frozen=True, eq=False)
class Iterate:
    """A finished iteration: the policy and the action values it came from."""

    policy: Any
    q: Any
    iteration: int


class Validation(NamedTuple):
    """Result of a validation; NaN where validation is off."""

    mean: float = np.nan
    std: float = np.nan
    n_steps: int = 0
    n_episodes: int = 0

    @classmethod
    def of(cls, returns, n_steps):
        """What the returns of some episodes say."""
        mean, std = _mean_and_std(returns)
        return cls(mean, std, n_steps, len(returns))

    @classmethod
    def of_learning(cls, record):
        """The episodes that ended while an iteration learned."""
        mean, std = record["return_mean"], record["return_std"]
        return cls(mean, std, 0, record["n_episodes"])

    def join(self, other):
        """What both say together."""
        parts, n_episodes = (self, other), self.n_episodes + other.n_episodes
        shares = [part.n_episodes / n_episodes for part in parts]
        mean = sum(w * part.mean for w, part in zip(shares, parts, strict=True))
        # σ² = Σ wₖ (σₖ² + (mₖ - m)²); `hypot` squares without overflow.
        spreads = [np.hypot(part.std, part.mean - mean) for part in parts]
        std = float(np.hypot(*(np.sqrt(shares) * spreads)))
        return Validation(mean, std, self.n_steps + other.n_steps, n_episodes)


def lower_end(results):
    """Mean return of all episodes less its standard error; None of fewer than two."""
    known = [result for result in results if result.n_episodes]
    if sum(result.n_episodes for result in known) < 2:
        return None
    means, stds, _, counts = np.transpose(known)
    # Equal returns have exactly their mean: rounding would pass for an improvement.
    mean = means[0] + np.average(means - means[0], weights=counts)
    variance = np.average(stds**2 + (means - mean) ** 2, weights=counts)
    return float(mean - np.sqrt(variance / counts.sum()))


@dataclass(frozen=True, eq=False)
class LineOneFit:
    """What line 1 aimed at, what the regressor made of it, and which actions count."""

    target: np.ndarray
    fitted: np.ndarray
    action_weights: np.ndarray

    @property
    def residual(self):
        """What the regressor did not reach."""
        return self.fitted - self.target

    def mean_square(self, errors, sample_weight):
        """Mean square but for a constant of each state; NaN if nobody knows them."""
        if errors is None:
            return np.nan
        return _average(self._spread(errors), sample_weight)

    def explains_nothing(self, sample_weight):
        """Whether 0 would fit no worse, whatever becomes of a constant per state."""
        # In this unit squares of the target neither overflow nor vanish.
        unit = np.abs(self.target).max()
        target, residual = self.target / unit, (self.fitted - self.target) / unit
        # Line 1 fits that constant where actions have weights of their own, and may
        # explain little else.
        return all(
            _average(mean_square(residual), sample_weight)
            > _average(mean_square(target), sample_weight)
            for mean_square in (self._spread, self._mean_square)
        )

    def _mean_square(self, values):
        with np.errstate(over="ignore"):
            return row_sum(self.action_weights * values**2)

    def _spread(self, values):
        weights = self.action_weights
        # A constant per state changes no policy, so that the best one is taken out.
        return self._mean_square(values - row_sum(weights * values)[:, None])


def iteration_record(t, problem, sample, before, after, line_one, eta):
    """The entries of `history_` that follow from one iteration's arrays."""
    return_mean, return_std = _mean_and_std(problem.episode_returns)
    if sample.expected_return is not None:
        return_mean, return_std = sample.expected_return, np.nan
    weight = sample.sample_weight
    divergence = before.mirror_map.divergence(after, np.maximum(before.proba, _TINY))
    return {
        "iteration": t + 1,
        "n_steps": problem.n_steps,
        "n_episodes": len(problem.episode_returns),
        "n_faults": problem.n_faults,
        "return_mean": return_mean,
        "return_std": return_std,
        "eta": float(eta),
        "divergence": _average(divergence, weight),
        "entropy": _average(_entropy(after), weight),
        "approximation_error": line_one.mean_square(line_one.residual, weight),
    }


def _mean_and_std(returns):
    """Mean and standard deviation, free of overflow; NaN of nothing."""
    if not len(returns):
        return np.nan, np.nan
    largest = float(np.abs(returns).max()) or 1.0
    scaled = np.asarray(returns) / largest
    return largest * float(scaled.mean()), largest * float(scaled.std())


def _average(values, weight):
    # Squares of large values are infinite, and so is what they sum to.
    with np.errstate(over="ignore"):
        return float(np.average(values, weights=weight))


def _entropy(proba):
    # 0 log 0 counts as 0, where numpy would make it NaN.
    logs = np.log(proba, where=proba > 0, out=np.zeros_like(proba))
    return -row_sum(proba * logs)


def are_alike(transitions, returns, history):
    """
    Whether all episodes so far were one: as many steps, all of the same reward.

    They tell no actions apart. What a critic makes of them is the error of its
    regression, which step sizes without scale would turn into a policy.
    """
    # Where time limits cut, what would have followed may differ.
    if np.ptp(transitions.rewards) > 0 or transitions.truncated.any():
        return False
    earlier = [record for record in history if record["n_episodes"]]
    means = [record["return_mean"] for record in earlier]
    means = [*means, *returns]
    varies = any(record["return_std"] for record in earlier)
    # One episode is like itself.
    return len(means) > 1 and not varies and np.ptp(means) == 0


def without_differences(sample):
    """The sample with equal values of all actions of a state."""
    # Means of equal numbers are rounded, and what is left would be fitted.
    return replace(sample, q_values=np.zeros_like(sample.q_values))


def warn_about_episodes(returns, history, state):
    """Say once, when there were many, that all episodes were alike."""
    n_episodes = len(returns) + sum(record["n_episodes"] for record in history)
    # Without reward it is no wonder: it has to be found first.
    if n_episodes >= _MANY and returns[0] != 0:
        _warn_once(
            state,
            "alike",
            f"the policy stays as it is, because all of {n_episodes} episodes had the "
            f"return {returns[0]:g} by as many equal rewards: nothing tells the "
            "actions apart. Let rewards or the length of episodes depend on them.",
        )


def warn_about_values(q_values, transitions, state):
    """Say once that a critic gave one value to everything, where returns differ."""
    rewards = transitions.rewards
    differ = np.ptp(rewards) > 0 or transitions.terminated.any()
    if not differ or len(rewards) < _FEW or q_values.shape[1] == 1:
        return
    if q_values.any() and not np.ptp(q_values) > 0:
        _warn_once(
            state,
            "constant",
            "the regressor of the critic predicts a constant: every action has the "
            "same value in every state and the policy stays as it is. Give it more "
            "capacity or less regularization.",
        )


def warn_about_fit(line_one, sample_weight, state):
    """Say once what a fit shows: scores that ignore the state and action, or noise."""
    if not np.ptp(line_one.target) > 0:
        return
    if (line_one.fitted == line_one.fitted[:, :1]).all():
        _warn_once(
            state,
            "constant",
            "the regressor predicts a constant: every action gets the same score and "
            "the policy stays uniform. Give it more capacity or less regularization.",
        )
        return
    if line_one.explains_nothing(sample_weight):
        _warn_once(
            state,
            "noise",
            "the regressor explains nothing of its own training targets (R2 < 0). Use "
            "another one, or scale its inputs.",
        )


def _warn_once(state, key, message):
    if key not in state:
        state.add(key)
        warn_user(message)


def progress_line(history, elapsed, n_steps):
    """One line of ``verbose=1`` for the last record."""
    record = history[-1]
    shown = [
        f"iteration {record['iteration']:4d}",
        f"return {_last_return(history)}",
        f"divergence {record['divergence']:.2e}",
        f"eta {record['eta']:.3g}",
        f"{n_steps / max(elapsed, 1e-9):,.0f} steps/s",
        f"{elapsed:.1f} s",
    ]
    if not np.isnan(record["validation_return"]):
        shown.insert(2, f"validation {record['validation_return']:9.2f}")
    return "  ".join(shown)


def best_return(history):
    """The best mean of the episodes that one iteration ended while it learned."""
    means = [record["return_mean"] for record in history if record["n_episodes"]]
    return max(means, default=-np.inf)


def _last_return(history):
    """Nine characters of a return; in parentheses that of an earlier iteration."""
    mean = history[-1]["return_mean"]
    if not np.isnan(mean):
        return f"{mean:9.2f}"
    earlier = [r["return_mean"] for r in history if r["n_episodes"]]
    return f"({earlier[-1]:.2f})".rjust(9) if earlier else f"{'-':>9}"


class BestIterate:
    """
    Keeps the iterate with the best validation return, the last of equals.

    Patience starts only after a first improvement over the first value.
    """

    def __init__(self):
        self.first = self.best = None
        self.iterate = None
        self.waited = 0

    def is_worse_than(self, value):
        """Whether a value is better than the best one so far."""
        return self.best is not None and value > self.best

    def update(self, value, iterate, n_iter_no_change):
        """Take a value in; True when patience, None for endless, has run out."""
        if self.first is None:
            self.first = value
        if self.best is None or value > self.best:
            self.waited = -1
        if self.best is None or value >= self.best:
            self.best, self.iterate = value, iterate
        return self.wait(n_iter_no_change)

    def wait(self, n_iter_no_change):
        """Count an iteration in vain; True when patience, None for endless, is out."""
        self.waited += 1
        # Until the first success all may be equally bad, which is no stagnation.
        patient = n_iter_no_change is None or not self.best > self.first
        return not patient and self.waited >= n_iter_no_change
