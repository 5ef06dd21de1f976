"""Step sizes that look at the policy and the action values."""

import numpy as np

from skampo.step_sizes._base import (
    StepSize,
    bounded,
    standardize,
    weighted_mean,
)
from skampo.step_sizes._schedules import LARGEST_UNIT_STEP, in_units
from skampo.utils._validation import OneOf, check_argument, check_positive

_TINY = np.finfo(float).tiny
_BELOW_ONE = np.nextafter(1.0, 0.0)
_TOLERANCE = 1e-10
_MAX_EVALUATIONS = 100
_SMALLEST_UNIT_STEP = 1e-6
_DIRECTION = OneOf({"new_from_old", "old_from_new"})


class TrustRegion(StepSize):
    r"""
    The largest step that keeps the policy within a divergence of itself.

    Parameters
    ----------
    max_divergence : float, default=0.1
        Bound in (0, inf) on the mean divergence between this policy and the next.
    max_step : float, default=100.0
        Largest step in (0, inf), in units of 1 / scale. It is needed because a nearly
        deterministic policy that is already greedy could otherwise take any step, and
        would freeze.
    direction : {"new_from_old", "old_from_new"}, default="new_from_old"
        Which divergence is bounded: that of the next policy from this one, for the
        entropy KL(new || old), or that of this policy from the next, KL(old || new).

    Notes
    -----
    The step size solves

    .. math::

        \sum_s w_s D_h(\pi_\eta(\cdot | s), \pi_t(\cdot | s)) = \delta, \qquad
        \pi_\eta = P^h(\nabla h^*(\nabla h(\pi_t) + \eta Q_t)),

    or the same with the arguments of :math:`D_h` exchanged, over the states of the
    sample, with their weights :math:`w`; most critics weigh states equally. For the
    entropy the left hand side increases with :math:`\eta`; for other maps the first
    crossing is bracketed, and the bound holds all the same.

    The default is the divergence of mirror descent, and of relative entropy policy
    search [1]_. TRPO [2]_ bounds the mean of KL(old || new) over the states that the
    old policy visits: ``direction="old_from_new"``, on a model with
    ``critic=Exact("visitation")``. The two are equal to second order in the step only.
    An action that is given up costs little in the default direction and much in the
    other. The scale is the root mean square
    of the action values less their row mean. In that unit nothing depends on the size
    of the rewards: multiplying them by c divides the step by c.

    Probabilities that are divided by and underflow to 0 count as the smallest normal
    number: an action that comes back from there must not freeze the whole policy. If
    the slope of h at 1 is infinite, those that round to 1 count as the number below,
    for they must not freeze it when they are left.

    References
    ----------
    .. [1] J. Peters, K. Mülling, Y. Altün, "Relative entropy policy search", AAAI
       2010.
    .. [2] J. Schulman, S. Levine, P. Moritz, M. Jordan, P. Abbeel, "Trust region policy
       optimization", ICML 2015.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from skampo.mirror_maps import NegativeEntropy
    >>> from skampo.step_sizes import TrustRegion
    >>> mirror_map = NegativeEntropy()
    >>> policy = SimpleNamespace(
    ...     mirror_map=mirror_map,
    ...     dual=np.zeros((1, 2)),
    ...     proba=np.full((1, 2), 0.5),
    ...     step=lambda q_values, eta: mirror_map.project(eta * q_values),
    ... )
    >>> sample = SimpleNamespace(
    ...     q_values=[[0.0, 1.0]], sample_weight=None, gamma=0.9, reward_range=1.0
    ... )
    >>> eta = TrustRegion(max_divergence=0.1)(0, policy, sample)
    >>> round(eta, 4)
    0.9434
    >>> mirror_map.divergence(mirror_map.project([[0.0, eta]]), policy.proba).round(9)
    array([0.1])
    """

    def __init__(
        self,
        max_divergence: float = 0.1,
        max_step: float = 100.0,
        direction: str = "new_from_old",
    ):
        # Bounds from 0.03 to 0.3 all learn; 0.03 is no better, and 0.3 is less stable.
        self.max_divergence = max_divergence
        self.max_step = max_step
        self.direction = direction

    def __call__(self, t, policy, sample):
        """Choose the step size."""
        goal = np.sqrt(check_positive(self, "max_divergence"))
        max_step = check_positive(self, "max_step")
        check_argument("TrustRegion", "direction", self.direction, _DIRECTION)
        advantages, scale = standardize(sample.q_values, sample.sample_weight)
        from_old = self.direction == "new_from_old"
        old = _inside(policy.mirror_map, policy.proba) if from_old else policy.proba

        def excess(step):
            new = policy.step(advantages, step)
            pair = (new, old) if from_old else (old, _inside(policy.mirror_map, new))
            divergence = policy.mirror_map.divergence(*pair)
            distance = np.sqrt(weighted_mean(divergence, sample.sample_weight))
            # Short by the tolerance, so that no accepted step crosses the bound.
            return float(distance / goal) - (1.0 - _TOLERANCE)

        step = _last_below(excess, max_step)
        with np.errstate(over="ignore", under="ignore"):
            return bounded(np.float64(step) / scale)


def _inside(mirror_map, proba):
    """Probabilities from which no policy has an infinite divergence."""
    proba = np.maximum(proba, _TINY)
    rows = (proba == 1.0).any(axis=1)
    if rows.any():
        poles = np.isposinf(mirror_map.gradient(proba[rows]))
        proba[rows] = np.where(poles, _BELOW_ONE, proba[rows])
    return proba


def _last_below(excess, max_step):
    """Largest step before `excess` becomes positive; `max_step` if it never does."""
    # A step of 0 moves nothing: its excess is -1, and need not be evaluated.
    lower, at_lower, upper = 0.0, -1.0, min(1.0, max_step)
    while (at_upper := excess(upper)) <= 0.0:
        if upper == max_step:
            return max_step
        lower, at_lower, upper = upper, at_upper, min(4.0 * upper, max_step)
    return _false_position(excess, lower, upper, at_lower, at_upper)


def _false_position(excess, lower, upper, at_lower, at_upper):
    """
    Root of `excess` between a step below and a step above.

    The square root of a divergence is nearly linear in the step, so that a handful of
    evaluations is enough; a step whose excess did not halve is followed by a bisection.
    """
    last, bisect, was_below = np.inf, False, None
    for _ in range(_MAX_EVALUATIONS):
        step = lower - at_lower * ((upper - lower) / (at_upper - at_lower))
        if bisect or not lower < step < upper:
            step = 0.5 * (lower + upper)
        value = excess(step)
        if abs(value) <= _TOLERANCE:
            return step
        below = value <= 0.0
        factor = 1.0
        if below is was_below:
            factor = _shrinkage(value, at_lower if below else at_upper)
        if below:
            lower, at_lower, at_upper = step, value, at_upper * factor
        else:
            upper, at_upper, at_lower = step, value, at_lower * factor
        bisect, last, was_below = abs(value) > 0.5 * last, abs(value), below
    # No step short of underflow is short enough: the shortest one tried is the answer.
    return lower or upper


def _shrinkage(value, replaced):
    """Factor of Anderson and Björck for the end that stayed twice."""
    factor = 1.0 - value / replaced
    return factor if factor > 0.0 else 0.5


class Adaptive(StepSize):
    r"""
    Just large enough a step for the optimal rate of policy mirror descent.

    Parameters
    ----------
    c0 : float, default=1.0
        Slack in (0, inf) of the first iteration, in units of the reward range. A
        smaller one takes larger steps.

    Notes
    -----
    .. math::

        \eta_t = \frac{1}{c_t} \max_s \min_{a \in \arg\max Q_t(s, \cdot)}
        D_h(e_a, \pi_t(\cdot | s)), \qquad
        c_t = c_0 \gamma^{2 (t + 1)} (r_{\max} - r_{\min}),

    where :math:`e_a` takes action a for sure. With exact action values the gap then
    shrinks by :math:`\gamma` per iteration, the best possible rate [1]_. Of several
    greedy actions the most probable is the nearest. A constant reward counts as a range
    of 1.

    The step is kept between :math:`10^{-6}` and :math:`10^{12}` over the root mean
    square of the centered action values; the lower end matters only where the policy is
    greedy already, and there any step is right.

    References
    ----------
    .. [1] E. Johnson, C. Pike-Burke, P. Rebeschini, "Optimal convergence rate for exact
       policy mirror descent in discounted Markov decision processes", NeurIPS 2023.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from skampo.mirror_maps import NegativeEntropy
    >>> from skampo.step_sizes import Adaptive
    >>> policy = SimpleNamespace(
    ...     mirror_map=NegativeEntropy(), proba=np.array([[0.5, 0.5]])
    ... )
    >>> sample = SimpleNamespace(
    ...     q_values=[[0.0, 1.0]], sample_weight=None, gamma=0.9, reward_range=1.0
    ... )
    >>> eta = Adaptive()(0, policy, sample)  # log(2) / 0.9**2
    >>> round(eta, 4)
    0.8557
    """

    def __init__(self, c0: float = 1.0):
        self.c0 = c0

    def __call__(self, t, policy, sample):
        """Choose the step size of iteration `t`."""
        slack = check_positive(self, "c0") * np.float64(sample.reward_range or 1.0)
        distance = self._distance(policy, sample)
        smallest = in_units(_SMALLEST_UNIT_STEP, sample)
        with np.errstate(all="ignore"):
            slack *= np.float64(sample.gamma) ** (2 * (t + 1))
            # `fmax` passes over the NaN of 0 / 0, when the discounted slack is 0.
            eta = np.fmax(distance / slack, smallest)
        return bounded(eta, in_units(LARGEST_UNIT_STEP, sample))

    def _distance(self, policy, sample):
        """Largest divergence of a state's nearest greedy action from the policy."""
        q_values = np.asarray(sample.q_values, dtype=np.float64)
        greedy = q_values == q_values.max(axis=1, keepdims=True)
        nearest = np.where(greedy, policy.proba, -1.0).argmax(axis=1)
        divergence = policy.mirror_map.divergence(
            np.eye(q_values.shape[1])[nearest], policy.proba
        )
        # A maximum sees no weights, but states of weight 0 must not count.
        if sample.sample_weight is not None:
            divergence = divergence[np.asarray(sample.sample_weight) > 0.0]
        return divergence.max()
