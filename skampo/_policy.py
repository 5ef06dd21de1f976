"""The policy iterate: an immutable value, and its restriction to a batch of states."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from skampo.features._split import ScaledScores, unchecked
from skampo.utils._rows import row_max, row_mean

# Far below the largest float, so that differences of scores are finite as well.
_LARGEST = 1e300


def greedy_proba(values):
    """All probability on the largest value of each row; exact ties share equally."""
    best = values == row_max(values)[:, None]
    return best / best.sum(axis=1, keepdims=True)


def exact_target(q_values, dual, eta):
    r"""
    Target of line 1 of Algorithm 1, centered in every state.

    :math:`Q^t + \eta_t^{-1} \nabla h(\pi^t)` of shape (n, n_actions), less its mean
    over the actions: a constant per state changes neither the policy nor the algorithm.
    The step size may be infinite, and is in units of 1 / reward.
    """
    target = q_values - row_mean(q_values)[:, None]
    # An infinite step forgets the policy it starts from: Q + ∇h(π) / ∞ = Q.
    if np.isfinite(eta):
        target = target + (dual - row_mean(dual)[:, None]) / eta
    return target


def printed_target(q_values, dual, level, eta):
    """
    Target of line 1 of Algorithm 1, as it is printed: not centered.

    Where actions have weights of their own, a constant of the state is fitted by each
    action in another way, and may not be left out. That of the dual is free: with the
    level of the scores, the largest of each state, the dual of the softmax is the
    scores, which a linear regressor has fitted without error.
    """
    if not np.isfinite(eta):
        return q_values
    return q_values + (dual + np.reshape(level, (-1, 1))) / eta


@dataclass(frozen=True, eq=False)
class MirrorTarget:
    """
    What line 1 fits: action values, the policy they belong to, and the step size.

    Parameters
    ----------
    q_values : ndarray of shape (n, n_actions)
        Action values, in units of the return.
    dual : ndarray of shape (n, n_actions)
        Gradient of the mirror map at the policy, up to a constant per state.
    proba : ndarray of shape (n, n_actions)
        Probabilities of the policy.
    eta : float
        Step size, possibly infinite.
    level : ndarray of shape (n,) or float, default=0.0
        Largest score of each state.
    action_weights : ndarray of shape (n, n_actions), default=None
        Weights of the actions in each state; None weighs them equally.
    """

    q_values: np.ndarray
    dual: np.ndarray
    proba: np.ndarray
    eta: float
    level: Any = 0.0
    action_weights: np.ndarray | None = None

    @cached_property
    def values(self):
        """The regression target, centered in every state if actions weigh the same."""
        if self.action_weights is None:
            return exact_target(self.q_values, self.dual, self.eta)
        return printed_target(self.q_values, self.dual, self.level, self.eta)


@dataclass(frozen=True, eq=False)
class PolicyBatch:
    r"""
    A policy restricted to n observations: what step sizes and line 1 look at.

    Parameters
    ----------
    mirror_map : MirrorMap
        The mirror map h.
    dual : ndarray of shape (n, n_actions)
        :math:`\nabla h(\pi)` up to a constant per state.
    proba : ndarray of shape (n, n_actions)
        The probabilities.
    level : ndarray of shape (n,) or float, default=0.0
        Largest score of each state, which `dual` leaves out.
    """

    mirror_map: Any
    dual: np.ndarray
    proba: np.ndarray
    level: Any = 0.0

    def target(self, q_values, eta, action_weights=None):
        """The regression of line 1; without weights all actions weigh the same."""
        level = self.level
        return MirrorTarget(q_values, self.dual, self.proba, eta, level, action_weights)

    def step(self, q_values, eta):
        r"""
        Probabilities after the exact mirror step with these action values.

        :math:`P^h(\nabla h^*(\nabla h(\pi) + \eta Q))`, of shape (n, n_actions).
        """
        if math.isinf(eta):
            return greedy_proba(q_values)
        # No score grows, so that overflow can only make a probability 0.
        centered = q_values - row_max(q_values)[:, None]
        with np.errstate(over="ignore"):
            return self.mirror_map.project(self.dual + eta * centered)


@dataclass(frozen=True, eq=False)
class MirrorPolicy:
    r"""
    The policy :math:`\pi = P^h(\nabla h^*(\eta f))` of Algorithm 1, line 2.

    Parameters
    ----------
    mirror_map : MirrorMap
        The mirror map h.
    f : callable
        Fitted scores: observations (n, n_features) to an array (n, n_actions).
    eta : float, default=1.0
        The step size that multiplies `f`; infinite for a greedy policy.
    min_odds : float, default=0.0
        When a step starts, no action counts as less likely than this share of the best
        one: its score is at most the logarithm of the inverse below the best score.
    """

    mirror_map: Any
    f: Any
    eta: float = 1.0
    min_odds: float = 0.0

    def improve(self, f, eta):
        """The next iterate (line 2); probabilities are computed when a state is met."""
        return replace(self, f=f, eta=eta)

    def add(self, q, eta):
        r"""
        Solve line 1 for action values that stay the same, whose fit alone is `q`.

        The dual of the softmax is :math:`\eta' f'` after a step of length
        :math:`\eta'`. If f' is a multiple of a function q, so is the solution
        :math:`f = q + \eta' f' / \eta` of line 1. None if it is no multiple.
        """
        factor = self.f.factor_of(q) if isinstance(self.f, ScaledScores) else None
        factor = 1.0 if self.f is q else factor
        if factor is None:
            return None
        length = 1.0 if math.isinf(self.eta) else self.eta
        return ScaledScores(q, 1.0 + length * factor / eta)

    def unchecked(self):
        """
        The same policy without scikit-learn's checks, for rollouts.

        It gives the same bits, and is not for keeping: it may not pickle.
        """
        return replace(self, f=unchecked(self.f))

    def scores(self, observations):
        r"""Finite scores :math:`\eta f` of n rows; `f` itself when eta is infinite."""
        return self._scale(self.f(observations))

    def proba(self, observations, action_mask=None):
        """Probabilities of the actions, (n, n_actions); 0 where the mask is False."""
        return self.project(self.f(observations), action_mask)

    def at(self, sample):
        """The policy with its floor on the states of a sample."""
        f = sample.evaluate(self.f)
        # From the scores: log π would be -∞ where a probability underflows.
        scores = self._scale(f)
        dual, level = self.mirror_map.dual(scores), row_max(scores)
        # Greedy scores are in units of the return, and have no odds.
        if self.min_odds == 0 or math.isinf(self.eta):
            return PolicyBatch(self.mirror_map, dual, self.project(f), level)
        # The largest of each state is 0.
        dual = np.maximum(dual, -math.log(1 / self.min_odds))
        return PolicyBatch(self.mirror_map, dual, self.mirror_map.project(dual), level)

    def project(self, f, action_mask=None):
        """Probabilities from values of `f` that were computed before."""
        if action_mask is not None:
            # Before the largest score is taken, which must be an allowed one.
            f = np.where(action_mask, f, -np.inf)
        if math.isinf(self.eta):
            return greedy_proba(f)
        with np.errstate(over="ignore"):
            # The largest score is exactly 0: nothing can overflow upwards.
            scores = self.eta * (f - row_max(f)[:, None])
        return self.mirror_map.project(scores)

    def _scale(self, f):
        if math.isinf(self.eta):
            return f
        with np.errstate(over="ignore"):
            return np.clip(self.eta * f, -_LARGEST, _LARGEST)
