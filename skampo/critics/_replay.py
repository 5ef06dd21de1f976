"""What critics share that see all transitions so far."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from skampo._features import behind, is_random, split_features
from skampo._regression import is_same, seed_unseeded, takes_weights
from skampo.critics._base import Critic, QSample, reward_range
from skampo.critics._targets import StoredSteps, SweepTargets
from skampo.regressors import linear_form

__all__ = ["ReplayCritic"]

# Random features are drawn anew when the data have grown by a fifth, or, when the
# oldest are dropped and nothing grows, after about a fifth was replaced.
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


class ReplayCritic(Critic):
    """
    Base of the critics that see all transitions so far.

    A subclass writes `_make_solver` (from features of all stored states to an object
    with `scores`) and `_solve` (evaluate one policy with it). Features are computed
    once, and shared with the policy's regression where it has the same; every action
    is labeled at the stored states, whatever policy gathered them.

    See Also
    --------
    FittedQ : Repeated regression, with any regressor.
    LSTDQ : The fixed point, for features.

    Examples
    --------
    >>> from skampo.critics import FittedQ, ReplayCritic
    >>> issubclass(FittedQ, ReplayCritic)
    True
    """

    accepts_log = True

    def evaluate(self, policy, transitions, setting):
        """
        Estimate the action values of a policy from stored transitions.

        Parameters
        ----------
        policy : MirrorPolicy
            The policy to evaluate.
        transitions : Transitions
            All stored transitions, piece by piece: unless `ends` says so, what
            followed a row is the observation of the next.
        setting : CriticSetting
            The problem.

        Returns
        -------
        QSample
            Values of all actions at the stored observations, or at some of them.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        RegressorError
            If the regressor fails or predicts what is no finite number.
        """
        self.check()
        regressor = self._choose_regressor(setting)
        transformer, model = self._split(regressor, transitions, setting)
        # A log gives the same arrays in every iteration, environments never do.
        once = partial(setting.memory.once, transitions.lasting)
        steps = once("steps", lambda: self._steps(transitions, model, setting))
        view = once("view", lambda: setting.memory.view(steps.states))
        solver = self._make_solver(transformer, model, view, steps, setting)
        proba = policy.project(view.evaluate(policy.f), steps.masks)
        decay = self._trace_decay(solver)
        targets = SweepTargets.of(proba, steps, transitions, setting.gamma, decay)
        self._solve(solver, targets, view)
        values = ClippedValues(solver.scores, targets.unit, targets.low, targets.high)
        self.q_ = behind(transformer, values)
        rows, counts = steps.starts()
        labeled = view.take(self._choose_states(rows, solver, setting.rng))
        view.forget()
        return QSample(
            labeled.observations,
            labeled.evaluate(self.q_),
            setting.gamma,
            counts,
            reward_range=reward_range(transitions.rewards),
            view=labeled,
            # Line 1 is fitted on features of its own regressor only.
            shared=(transformer, model) if regressor is setting.regressor else None,
            largest_gap=setting.largest_gap,
        )

    def _make_solver(self, transformer, model, view, steps, setting):
        raise NotImplementedError

    def _steps(self, transitions, model, setting):
        """The stored steps, with states that repeat in one row where that is right."""
        steps = StoredSteps.of(transitions)
        merges = steps.have_one_number and self._can_count(model, setting)
        return steps.merge() if merges else steps

    def _can_count(self, model, setting):
        """Whether fits to weighted rows are those to repeated rows."""
        # Line 1 sees merged states too: for linear fits alone a weight is a repetition.
        _, last = split_features(setting.regressor)
        return linear_form(last) is not None and takes_weights(setting.regressor)

    def _solve(self, solver, targets, view):
        raise NotImplementedError

    def _has_state_features(self, encoding):
        return encoding.splits_actions

    def _trace_decay(self, solver):
        return 0.0

    def _choose_states(self, rows, solver, rng):
        """Those of the rows whose actions are labeled."""
        return rows

    def _split(self, regressor, transitions, setting):
        """The regressor's fitted features and the model behind them."""
        if not self._has_state_features(setting.encoding):
            return None, regressor
        transformer, model = split_features(regressor)
        if transformer is None:
            return None, regressor
        # Features of the very same states would be no better when drawn again.
        drawn = setting.memory.once(transitions.lasting, "features", list)
        # Parameters may be others in another fit, and never change within one.
        if setting.memory.is_first(self):
            self._forget_others(transformer)
        if not drawn and self._is_stale(transformer, len(transitions)):
            seed_unseeded(transformer, setting.rng)
            try:
                self.transformer_ = transformer.fit(transitions.observations)
            except Exception:
                # It may need a target: the whole Pipeline is then fitted each time.
                return None, regressor
            self._n_fitted, self._n_uses = len(transitions), 0
            drawn.append(self.transformer_)
        self._n_uses += 1
        return self.transformer_, model

    def _forget_others(self, transformer):
        """Let go of features that another transformer gave."""
        if not is_same(getattr(self, "transformer_", transformer), transformer):
            del self.transformer_

    def _is_stale(self, transformer, n_rows):
        """Random features are kept for a while, so that they need not be computed."""
        # Features that mean the same when fitted again had better know all data.
        if not hasattr(self, "transformer_") or not is_random(transformer):
            return True
        return n_rows > _GROWTH * self._n_fitted or self._n_uses >= _LONGEST_USE
