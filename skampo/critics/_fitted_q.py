"""Fitted Q evaluation over all transitions so far."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skampo._features import (
    FeatureView,
    behind,
    continuation,
    ridge_form,
    split_features,
)
from skampo._regression import seed_unseeded
from skampo.critics._base import Critic, QSample, reward_range
from skampo.critics._sweeps import RefitSweeps, RidgeSweeps
from skampo.critics._targets import SweepTargets

__all__ = ["FittedQ"]

_GROWTH = 1.2
_LONGEST_USE = 8


@dataclass(frozen=True, eq=False)
class ClippedValues:
    """Fitted values, clipped to what a return can be, in units of the return."""

    scores: Any
    unit: float
    low: float
    high: float

    def __call__(self, features):
        """Values of all actions, shape (n, n_actions)."""
        return self.unit * np.clip(self.scores(features), self.low, self.high)


class FittedQ(Critic):
    r"""
    Fitted Q evaluation: repeated regression on one-step targets, over all data so far.

    One sweep regresses :math:`r + \gamma (1 - terminated)
    \sum_{a'} \pi(a' | s') Q(s', a')` on the pairs (s, a) of every stored transition;
    the first sweep of an iteration starts from the last critic. Every action is
    labeled at every stored state, whatever policy gathered it.

    Parameters
    ----------
    regressor : estimator, default=None
        Fits the values; None is a clone of the policy's regressor.
    n_sweeps : int, default=None
        Sweeps in one iteration. None is what the regressor can afford: 40 for a ridge
        on features (one factorization serves all), 10 for regressors with
        `partial_fit` (a sweep is one pass over the data), 3 for others.
    trace_decay : float, default=None
        The lambda of Retrace: targets follow the stored steps as far as the policy
        would have, with truncated importance weights. 0 is one-step targets. None is
        0 for a ridge on features, whose sweeps are cheap, and 0.9 for others.
    capacity : int, default=20000
        Transitions kept; the oldest are dropped.
    tol : float, default=1e-3
        Sweeps stop when the values of the next states change by less than this share
        of their root mean square.

    Attributes
    ----------
    q_ : callable
        The last action values: observations (n, n_features) to (n, n_actions).
    n_sweeps_ : int
        Sweeps of the last evaluation.
    transformer_ : Pipeline
        The features, when the regressor is a Pipeline whose transformers need no
        target: fitted to all states, and again when the data have grown by a fifth.

    See Also
    --------
    LambdaReturn : Needs fresh data only, and no replay.

    References
    ----------
    .. [1] D. Ernst, P. Geurts and L. Wehenkel, "Tree-based batch mode reinforcement
       learning", JMLR 6, 2005.
    .. [2] H. Le, C. Voloshin and Y. Yue, "Batch policy learning under constraints",
       ICML 2019 (fitted Q evaluation).

    Examples
    --------
    >>> from skampo.critics import FittedQ
    >>> FittedQ(n_sweeps=5)
    FittedQ(n_sweeps=5)
    """

    def __init__(
        self,
        regressor=None,
        *,
        n_sweeps=None,
        trace_decay=None,
        capacity=20_000,
        tol=1e-3,
    ):
        self.regressor = regressor
        self.n_sweeps = n_sweeps
        self.trace_decay = trace_decay
        self.capacity = capacity
        self.tol = tol

    def evaluate(self, policy, transitions, setting):
        """
        Estimate the action values of a policy by fitted Q evaluation.

        Parameters
        ----------
        policy : MirrorPolicy
            The policy to evaluate.
        transitions : Transitions
            All stored transitions, in any order.
        setting : CriticSetting
            The problem.

        Returns
        -------
        QSample
            Values of all actions at all stored observations.

        Raises
        ------
        RegressorError
            If the regressor fails or predicts what is no finite number.
        """
        now = FeatureView(transitions.observations)
        after = FeatureView(transitions.next_observations)
        self._n_actions = setting.n_actions
        own = self._choose_regressor(setting)
        transformer, model = self._split(own, transitions, setting)
        sweeps = self._make_sweeps(
            transformer, model, now, after, transitions.actions, setting
        )
        decay = sweeps.trace_decay if self.trace_decay is None else self.trace_decay
        targets = SweepTargets.of(
            policy, transitions, now, after, setting.gamma, decay
        )
        self._sweep(sweeps, targets, now, after)
        values = ClippedValues(sweeps.scores, targets.unit, targets.low, targets.high)
        self.q_ = behind(transformer, values)
        return QSample(
            transitions.observations,
            now.evaluate(self.q_),
            setting.gamma,
            reward_range=reward_range(transitions.rewards),
            view=now,
            shared=(transformer, model) if self.regressor is None else None,
        )

    def _sweep(self, sweeps, targets, now, after):
        """Sweep until the values of the next states settle."""
        q_now = targets.clip(self._last_values(now) / targets.unit)
        q_next = targets.clip(self._last_values(after) / targets.unit)
        for n_sweeps in range(1, (self.n_sweeps or sweeps.affordable) + 1):
            sweeps.fit(targets(q_now, q_next))
            before, q_next = q_next, targets.clip(sweeps.values_after())
            if targets.traces is not None:
                q_now = targets.clip(sweeps.values_now())
            if _has_settled(before, q_next, self.tol):
                break
        self.n_sweeps_ = n_sweeps

    def _last_values(self, view):
        if hasattr(self, "q_"):
            return view.evaluate(self.q_)
        return np.zeros((len(view.observations), self._n_actions))

    def _split(self, regressor, transitions, setting):
        """The regressor's fitted features and the model behind them."""
        if not setting.encoding.splits_actions:
            return None, regressor
        transformer, model = split_features(regressor)
        if transformer is None:
            return None, regressor
        if self._is_stale(len(transitions)):
            seed_unseeded(transformer, setting.rng)
            self.transformer_ = transformer.fit(transitions.observations)
            self._n_fitted, self._n_uses = len(transitions), 0
        self._n_uses += 1
        return self.transformer_, model

    def _is_stale(self, n_rows):
        if not hasattr(self, "transformer_"):
            return True
        return n_rows > _GROWTH * self._n_fitted or self._n_uses >= _LONGEST_USE

    def _make_sweeps(self, transformer, model, now, after, actions, setting):
        features = now.features(transformer)
        next_features = after.features(transformer)
        form = ridge_form(model)
        if form is not None and setting.encoding.splits_actions:
            return RidgeSweeps(form, features, next_features, actions, setting)
        last = continuation(getattr(self, "q_", None), transformer)
        start = getattr(last, "scores", None)
        return RefitSweeps(model, features, next_features, actions, setting, start)


def _has_settled(before, after, tol):
    change = np.sqrt(np.mean((after - before) ** 2))
    return change <= tol * np.sqrt(np.mean(after**2))
