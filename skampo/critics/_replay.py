"""What critics share that see all transitions so far."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone

from skampo.critics._base import Critic, QSample, reward_range
from skampo.critics._targets import StoredSteps, SweepTargets
from skampo.exceptions import RegressorError
from skampo.features._lending import size_hint
from skampo.features._regression import (
    is_same,
    parameters_as_text,
    takes_weights,
)
from skampo.features._split import compose, fit_features, is_random
from skampo.features._steps import split_features
from skampo.regressors import linear_form

# Random features are drawn anew when the data have grown by a fifth, or, when the
# oldest are dropped and nothing grows, after about a fifth was replaced.
_GROWTH = 1.2
_LONGEST_USE = 8
# States of line 1, for regressors that are fitted anew and not linear.
_AFFORDABLE_STATES = 4096


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
    is labeled at the stored states, whatever policy gathered them: at all of them if
    the policy's regressor is linear, else at `n_states`, or 4096, that are drawn.
    """

    accepts_log = True
    regressor = None
    n_states: int | None = None

    def evaluate(self, policy, transitions, setting) -> QSample:
        """
        Estimate the action values of a policy from stored transitions.

        Parameters
        ----------
        policy : MirrorPolicy
            The policy to evaluate.
        transitions : Transitions
            All stored transitions, one trajectory after the other: unless `ends` says
            so, what followed a row is the observation of the next.
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
        if setting.gamma > 0:
            return self._evaluate(policy, transitions, setting)
        # Where nothing follows, values do not depend on the policy: once is enough for
        # data that stay the same.
        return setting.memory.once(
            transitions.row_numbers,
            ("values", self),
            lambda: self._evaluate(policy, transitions, setting),
        )

    def recall(self, memory, rows) -> None:
        """
        Keep the features of an earlier fit to the same data.

        Parameters
        ----------
        memory : FeatureMemory
            Of the fit that begins.
        rows : range
            Numbers of the rows.
        """
        memory.once(rows, ("recalled", self), lambda: True)

    def _evaluate(self, policy, transitions, setting):
        own = self._own(setting)
        transformer, model = self._split(own.regressor, transitions, own)
        # A log gives the same rows in every iteration, environments never do.
        once = partial(setting.memory.once, transitions.row_numbers)
        steps = once("steps", lambda: self._steps(transitions, model, own))
        view = once("view", lambda: setting.memory.view(steps.states, steps.numbers))
        solver = self._make_solver(transformer, model, view, steps, own)
        proba = steps.project(policy, view.evaluate(policy.f))
        decay = self._trace_decay(solver)
        targets = SweepTargets.of(proba, steps, transitions, setting.gamma, decay)
        self._solve(solver, targets, view)
        values = ClippedValues(solver.scores, targets.unit, targets.low, targets.high)
        self.q_ = compose(transformer, values, own.regressor)
        places, counts, rows = self._choose_states(steps, setting)
        labeled = view.take(places)
        view.forget()
        return QSample(
            labeled.observations,
            labeled.evaluate(self.q_),
            setting.gamma,
            counts,
            reward_range=reward_range(transitions.rewards),
            view=labeled,
            shared=_share(transformer, own.regressor, setting.regressor),
            rows=rows,
        )

    def _own(self, setting):
        """The setting with the regressor of this critic."""
        return setting.of_critic(self.regressor)

    def _make_solver(self, transformer, model, view, steps, setting):
        raise NotImplementedError

    def _steps(self, transitions, model, setting):
        """The stored steps, with states that repeat in one row where that is right."""
        steps = StoredSteps.of(transitions)
        merges = steps.have_one_number and self._can_merge(model, setting)
        return steps.merge() if merges else steps

    def _can_merge(self, model, setting):
        """Whether the solver takes states that several steps start from."""
        return True

    def _solve(self, solver, targets, view):
        raise NotImplementedError

    def _has_state_features(self, encoding):
        return encoding.splits_actions

    def _trace_decay(self, solver):
        return 0.0

    def _choose_states(self, steps, setting):
        """Places of the states of line 1, their weights, and which rows they are."""
        is_linear = _is_linear(setting)
        n_states = self.n_states or (None if is_linear else _AFFORDABLE_STATES)
        # For linear fits alone a weight is a repetition, and draws forget weights.
        if is_linear and n_states is None and takes_weights(setting.regressor):
            return steps.starts()
        n_rows = len(steps.at)
        if n_states is None or n_rows <= n_states:
            return steps.each(), None, np.arange(n_rows)
        drawn = np.sort(setting.rng.choice(n_rows, size=n_states, replace=False))
        return steps.at[drawn], None, drawn

    def _split(self, regressor, transitions, setting):
        """The regressor's fitted features and the model behind them."""
        if not self._has_state_features(setting.encoding):
            return None, regressor
        # Parameters may be others in another fit, and never change within one.
        transformer, model = setting.memory.keep(
            ("parts", self), lambda: self._take_apart(regressor)
        )
        if transformer is None:
            return None, regressor
        once = partial(setting.memory.once, transitions.row_numbers)
        are_known = once(("recalled", self), lambda: False)
        # Features of the same states would be no better when drawn again.
        fitted = once(
            ("features", self),
            lambda: self._fit_features(
                transformer, transitions.observations, setting.rng, are_known
            ),
        )
        if fitted is None:
            return None, regressor
        self._n_uses += 1
        return fitted, model

    def _take_apart(self, regressor):
        """The halves of the regressor; fitted features with others are discarded."""
        transformer, model = split_features(regressor)
        known = getattr(self, "_unfitted", transformer)
        if transformer is not None and not is_same(known, transformer):
            vars(self).pop("transformer_", None)
        return transformer, model

    def _fit_features(self, transformer, observations, rng, are_known):
        """Fitted features, those of a while ago if they are random; None if none."""
        # Those of these very states, unless the regressor has others since.
        is_kept = are_known and hasattr(self, "transformer_")
        if is_kept or not self._is_stale(transformer, len(observations)):
            return self.transformer_
        try:
            self.transformer_ = fit_features(clone(transformer), observations, rng)
        except RegressorError:
            if size_hint(observations):
                raise
            # It may need a target: the whole Pipeline is then fitted each time.
            return None
        # A fitted FeatureUnion has other parameters than it was given.
        self._unfitted = transformer
        self._n_fitted, self._n_uses = len(observations), 0
        return self.transformer_

    def _check_loaded(self):
        """Refuse features without what says how old they are."""
        parts = {"_unfitted", "_n_fitted", "_n_uses"}
        if hasattr(self, "transformer_") and not vars(self).keys() >= parts:
            raise ValueError("a critic with a part of what it knows of its features")

    def _is_stale(self, transformer, n_rows):
        """Random features are kept for a while, so that they need not be computed."""
        # Features that keep their meaning are fitted again to all data.
        if not hasattr(self, "transformer_") or not is_random(transformer):
            return True
        return n_rows > _GROWTH * self._n_fitted or self._n_uses >= _LONGEST_USE


def _share(transformer, own, wanted):
    """Features of the critic and the model behind them, if line 1 wants the same."""
    front, model = split_features(wanted)
    if transformer is None or front is None:
        return None
    if own is not wanted:
        known, _ = split_features(own)
        # Also of the same seeds, which a fitted transformer has been given.
        if parameters_as_text(known) != parameters_as_text(front):
            return None
    return transformer, model


def _is_linear(setting):
    """Whether line 1 fits a linear model per action."""
    _, model = split_features(setting.regressor)
    return setting.encoding.splits_actions and linear_form(model) is not None
