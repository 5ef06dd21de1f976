"""Returns of trajectories, as pure functions."""

import numpy as np
from scipy.linalg.lapack import dtbtrs
from sklearn.utils.validation import check_consistent_length


def lambda_returns(rewards, discounts, next_values, ends, trace_decay):
    r"""
    Mix the n-step returns of all lengths with geometric weights [1]_.

    .. math::

        G_t = r_t + d_t \bigl((1 - \lambda) v_{t+1} + \lambda G_{t+1}\bigr)

    and at the end of a trajectory :math:`G_t = r_t + d_t v_{t+1}`, with the discounts
    :math:`d_t = \gamma (1 - terminated)`. All columns have shape (n,), trajectory by
    trajectory, and `ends` is True in the last row of each.

    References
    ----------
    .. [1] R. S. Sutton and A. G. Barto, "Reinforcement Learning: An Introduction",
       2nd edition, MIT Press, 2018, chapter 12.
    """
    rewards, discounts, ends = _check_trajectories(rewards, discounts, ends)
    next_values = np.asarray(next_values, dtype=np.float64)
    check_consistent_length(rewards, next_values)
    traces = np.where(ends, 0.0, trace_decay)
    constants = rewards + discounts * (1.0 - traces) * next_values
    return Recursion(discounts * traces).solve(constants)


def _check_trajectories(rewards, discounts, ends):
    """Convert, and require that the last trajectory is closed."""
    rewards = np.asarray(rewards, dtype=np.float64)
    discounts = np.asarray(discounts, dtype=np.float64)
    ends = np.asarray(ends, dtype=bool)
    check_consistent_length(rewards, discounts, ends)
    if len(ends) and not ends[-1]:
        raise ValueError(
            "The last entry of 'ends' must be True. Got False: every trajectory needs "
            "a last row."
        )
    return rewards, discounts, ends


class Retrace:
    r"""
    Off-policy returns along trajectories, with truncated importance weights (Retrace).

    The same trajectories for many values: :math:`G_t = r_t + d_t \bigl(v_{t+1} +
    c_{t+1} (G_{t+1} - q_{t+1})\bigr)` with :math:`c_t = \lambda \min(1, \pi(a_t |
    s_t) / \mu(a_t | s_t))`, and at the end of a trajectory :math:`G_t = r_t + d_t
    v_{t+1}` [1]_. All traces 0 give one-step targets.

    References
    ----------
    .. [1] R. Munos, T. Stepleton, A. Harutyunyan and M. Bellemare, "Safe and efficient
       off-policy reinforcement learning", NeurIPS 2016.
    """

    def __init__(self, rewards, discounts, ends, traces):
        self.rewards, self.discounts = rewards, discounts
        # cₜ₊₁: the action of a row itself is given, only later ones need weights.
        following = np.where(ends, 0.0, np.append(traces[1:], 0.0))
        self.recursion = Recursion(discounts * following)

    def __call__(self, next_values, q_taken):
        """Targets of the rows for these values."""
        # Gₜ - qₜ = rₜ + dₜ vₜ₊₁ - qₜ + dₜ cₜ₊₁ (Gₜ₊₁ - qₜ₊₁)
        errors = self.discounts * next_values
        errors += self.rewards
        errors -= q_taken
        return q_taken + self.recursion.solve(errors)


class Recursion:
    """x_t = constants_t + factors_t * x_{t+1}, solved from the back."""

    def __init__(self, factors):
        self.factors = factors
        # Stored as LAPACK reads it, which otherwise copies it for every solution.
        self.bands = np.ones((2, len(factors)), order="F")
        self.bands[0, 1:] = -factors[:-1]

    def solve(self, constants):
        """The sequence x."""
        if not len(constants):
            return np.zeros(0)
        # Upper bidiagonal: xₜ - fₜ xₜ₊₁ = cₜ. A loop takes six times as long.
        result, _ = dtbtrs(self.bands, constants[:, None], diag="U")
        # 0 · ∞ is NaN here, so that an infinite return spoils all rows before it.
        if np.isfinite(result).all():
            return result[:, 0]
        return _recur_by_steps(constants, self.factors)


def _recur_by_steps(constants, factors):
    """The recursion, where zero times infinity is zero."""
    result, following = constants.tolist(), 0.0
    for t, factor in zip(
        range(len(result) - 1, -1, -1), factors[::-1].tolist(), strict=True
    ):
        following = result[t] + factor * following if factor else result[t]
        result[t] = following
    return np.array(result, dtype=np.float64)
