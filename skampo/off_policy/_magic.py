"""MAGIC: a model blended with weighted returns of several lengths."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky
from scipy.optimize import nnls
from scipy.stats import norm, t
from sklearn.utils import check_random_state

from skampo.off_policy._bootstrap import RatioSum
from skampo.off_policy._checks import check_options, takes_log
from skampo.off_policy._doubly_robust import Parts, finish
from skampo.off_policy._result import OffPolicyEstimate
from skampo.utils._threads import limit_threads

# Returns of so many lengths are blended: more cost time and tell little.
_MOST_LENGTHS = 25


@takes_log
@limit_threads()
def magic(
    policy,
    log,
    *,
    action_values=None,
    regressor=None,
    gamma: float = 0.995,
    confidence: float = 0.95,
    n_bootstraps: int = 1000,
    n_refits: int = 25,
    random_state: int | np.random.RandomState | None = None,
) -> OffPolicyEstimate:
    r"""
    Blend the model with weighted returns of several lengths: MAGIC.

    The return of length j is weighted doubly robust for j steps and follows the model
    afterwards: no step is the model alone, all steps the weighted doubly robust
    estimate. The blend :math:`x` is the convex combination that minimizes
    :math:`x^T (\Omega + b b^T) x`, where :math:`\Omega` is the covariance of the
    returns and :math:`b` their distances from the 90 % bootstrap interval of the last.
    Values that are fitted here are fitted again to resampled episodes, so that
    :math:`\Omega` and the interval contain the noise of the model. Values that are
    given are taken for certain.

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
        Confidence of the interval. It is as wide as the blends of resampled episodes
        are apart, and as lopsided as that of the weighted doubly robust estimate.
    n_bootstraps : int, default=1000
        Resamples of the episodes for the interval; 0 gives none.
    n_refits : int, default=25
        Resamples of the episodes to which values are fitted again, where
        `action_values` is None: for the noise of the model and for the interval.
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
    >>> from skampo.data import TransitionLog
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
        "magic",
        gamma=gamma,
        confidence=confidence,
        n_bootstraps=n_bootstraps,
        n_refits=n_refits,
    )
    rng = check_random_state(random_state)
    parts = Parts.of(policy, log, action_values, regressor, gamma, rng)
    refits = []
    if parts.fits is not None:
        refits = [parts.refit(rng) for _ in range(n_refits)]
    blend = Blend.of(parts, refits, rng)
    estimate = float(blend.estimates(blend.ratio.once)[0])
    bounds = blend.interval(estimate, confidence, n_bootstraps, rng)
    return finish(estimate, bounds, confidence, parts)


@dataclass(frozen=True, eq=False)
class Blend:
    """
    Returns of several lengths, their noise, and where the longest of them lies.

    `refits` are the returns (n_refits, n_lengths) of episodes that were drawn again,
    under the model of these.
    """

    ratio: RatioSum
    lengths: np.ndarray
    noise: np.ndarray
    low: float
    high: float
    refits: np.ndarray

    @classmethod
    def of(cls, parts, refits, rng):
        """Measure noise and the interval of the longest return."""
        ratio, n_steps = parts.ratio(), parts.n_steps
        n_lengths = min(n_steps + 1, _MOST_LENGTHS)
        lengths = np.unique(np.linspace(0, n_steps, n_lengths).round().astype(int))
        influence = _returns(ratio.influence(), lengths)
        # Influences sum to 0 in every column, so that this is their covariance.
        noise = influence.T @ influence
        drawn, noise_of_model = _refit(ratio, refits, lengths)
        low, high = ratio.interval(0.9, 200, rng)
        value = ratio.estimate()
        # fmin passes over the NaN of a single episode. The interval of a skewed
        # bootstrap need not contain the estimate, whose own distance has to be 0.
        low, high = np.fmin(low, value), np.fmax(high, value)
        return cls(ratio, lengths, noise + noise_of_model, low, high, drawn)

    def interval(self, value, confidence, n_bootstraps, rng):
        """The standard deviation of blends, in the shape of the longest return."""
        below, above = self.ratio.reach(confidence, n_bootstraps, rng)
        if np.isnan(below):
            return np.nan, np.nan
        blends = self._resampled(n_bootstraps, rng)
        # A standard deviation of 25 refits is itself uncertain.
        level = (1 + confidence) / 2
        error = np.std(blends, ddof=1) * t.ppf(level, len(blends) - 1) / norm.ppf(level)
        return value - below * error, value + above * error

    def _resampled(self, n_bootstraps, rng):
        """Blends of resampled episodes, under the model of these if it is fitted."""
        if len(self.refits):
            return self._blend(self.refits)
        draws = self.ratio.draws(max(n_bootstraps, 2), rng)
        return np.concatenate([self.estimates(counts) for counts in draws])

    def estimates(self, counts):
        """The best blend of each resample."""
        return self._blend(_returns(self.ratio.ratios(counts)[0], self.lengths))

    def _blend(self, returns):
        """The best blend of each row, the interval moving with the longest return."""
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


def _refit(ratio, refits, lengths):
    """Returns of refits, and the covariance of what the model itself adds to them."""
    if not refits:
        return np.empty((0, len(lengths))), 0.0
    drawn, added = [], []
    for counts, parts in refits:
        here = _returns(parts.ratio().ratios(counts[None])[0], lengths)[0]
        drawn.append(here)
        added.append(here - _returns(ratio.ratios(counts[None])[0], lengths)[0])
    # Not the covariance of all of it: 25 refits are few for 25 lengths, and what the
    # episodes add under the same model is known better.
    deviations = np.array(added) - np.mean(added, axis=0)
    return np.array(drawn), deviations.T @ deviations / (len(refits) - 1)


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
