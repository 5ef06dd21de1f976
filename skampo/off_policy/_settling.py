"""Fitted Q evaluation, accelerated where values converge slowly."""

import numpy as np

from skampo.critics import FittedQ

# A change is the last one times a number, if all but this share of it is.
_REST = 0.02
# Sweeps between jumps, in which what a jump got wrong fades.
_BETWEEN = 10
_TINY = np.finfo(float).tiny


class SettlingQ(FittedQ):
    r"""
    Fitted Q evaluation of one policy whose value is asked for, and not only its order.

    Where nothing ends, a sweep adds less than a share :math:`1 - \gamma` of the values.
    Once a change is the one before times a number :math:`\rho`, all that are to come
    sum to :math:`\rho / (1 - \rho)` times it: sweeps go on from there. The last sweep
    is an ordinary one.

    Attributes
    ----------
    missing_ : float
        Share of the values by which further sweeps would raise or lower all of them.
    """

    def _solve(self, solver, targets, view):
        # Nothing is missing where a single fit finds the values.
        self.missing_ = 0.0
        super()._solve(solver, targets, view)

    def _sweep(self, solver, targets, view):
        q_values, last, n_since = self._last_values(targets, view), None, 0
        for _ in range(self.n_sweeps):
            solver.fit(targets(q_values))
            fitted = targets.clip(solver.values())
            change, n_since = fitted - q_values, n_since + 1
            if np.linalg.norm(change) <= self.tol * np.linalg.norm(fitted):
                break
            q_values, last, ahead = fitted, change, _look_ahead(change, last, targets)
            if ahead is not None and n_since > _BETWEEN:
                q_values, last, n_since = targets.clip(fitted + ahead), None, 0
        self.missing_ = _missing(change, fitted, targets)
        return True

    def _last_values(self, targets, view):
        if hasattr(self, "q_"):
            return super()._last_values(targets, view)
        return np.full_like(targets.proba, _steady(targets.rewards.mean(), targets))


def _steady(reward, targets):
    """What steps are worth that pay this reward and go on at the rate of the log."""
    return reward / (1 - targets.discounts.mean())


def _missing(change, fitted, targets):
    """The share of the values that follows if the last change goes on like the log."""
    # The last change itself is there already, and a share of it follows.
    to_come = _steady(targets.discounts.mean() * change.mean(), targets)
    return abs(to_come) / max(np.sqrt(np.mean(fitted**2)), _TINY)


def _look_ahead(change, last, targets):
    """The sum of all changes to come, None if it cannot be told."""
    if last is None:
        return None
    # The number that makes the last change most like this one.
    ratio = np.vdot(change, last) / max(np.vdot(last, last), _TINY)
    rest = np.linalg.norm(change - ratio * last)
    if not 0 < ratio <= targets.discounts.max() or (
        rest > _REST * np.linalg.norm(change)
    ):
        return None
    return ratio / (1 - ratio) * change
