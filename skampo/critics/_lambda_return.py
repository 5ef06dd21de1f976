"""On-policy evaluation with lambda-returns (TD(lambda), GAE)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skampo.critics._base import Critic, QSample, reward_range
from skampo.data._returns import lambda_returns
from skampo.encodings._base import keep_unit, rms
from skampo.encodings._scores import ColumnScores
from skampo.utils._validation import Interval


@dataclass(frozen=True, eq=False)
class AdvantageValues:
    """State values plus fitted advantages, in units of the return."""

    value: Any
    advantage: Any
    unit: float

    def __call__(self, observations):
        """Values of all actions, shape (n, n_actions)."""
        advantages = self.unit * self.advantage(observations)
        return self.value(observations) + advantages


class LambdaReturn(Critic):
    r"""
    On-policy evaluation: a value regression, lambda-returns, and their advantages.

    The state value V is regressed on lambda-returns of the fresh transitions, the
    advantage :math:`G^\lambda_t - V(s_t)` of the action taken is regressed on (s, a),
    and their sum is labeled for every action. Time limits are bootstrapped through.

    Parameters
    ----------
    trace_decay : float, default=0.95
        The lambda of TD(lambda): 1 is Monte Carlo with a baseline, 0 is TD(0).
    regressor : estimator or "policy", default=None
        Fits the advantages. None is the value model for the kind of data
        (`skampo.regressors.default_regressor`); ``"policy"`` a clone of the policy's
        regressor.
    value_regressor : estimator or "policy", default=None
        Fits the state values, in the same way.
    n_value_fits : int, default=2
        How often V is regressed on returns that bootstrap from it, per iteration.
    n_passes : int, default=20
        Passes over the fresh data in one fit of a regressor with `partial_fit`, which
        learns on from the last iteration. With ``warm_start=True`` a regressor goes on
        by its own `fit` instead. Others are fitted anew.

    Attributes
    ----------
    q_ : callable
        The last action values: observations (n, n_features) to (n, n_actions).
    value_ : callable
        The last state values: observations (n, n_features) to (n, 1).

    See Also
    --------
    FittedQ : Off-policy; sees all data so far again.

    References
    ----------
    .. [1] J. Schulman, P. Moritz, S. Levine, M. Jordan and P. Abbeel,
       "High-dimensional continuous control using generalized advantage estimation",
       ICLR 2016.

    Examples
    --------
    >>> from skampo.critics import LambdaReturn
    >>> LambdaReturn(trace_decay=1.0)
    LambdaReturn(trace_decay=1.0)
    """

    _constraints: ClassVar = {
        "trace_decay": Interval(float, 0, 1),
        "n_value_fits": Interval(int, 1),
        "n_passes": Interval(int, 1),
    }

    def __init__(
        self,
        trace_decay: float = 0.95,
        *,
        regressor=None,
        value_regressor=None,
        n_value_fits: int = 2,
        n_passes: int = 20,
    ):
        self.trace_decay = trace_decay
        self.regressor = regressor
        self.value_regressor = value_regressor
        self.n_value_fits = n_value_fits
        self.n_passes = n_passes

    def evaluate(self, policy, transitions, setting) -> QSample:
        """
        Estimate the action values of the policy that gathered the transitions.

        Parameters
        ----------
        policy : MirrorPolicy
            The policy that gathered the transitions.
        transitions : Transitions
            Fresh transitions, trajectory by trajectory.
        setting : CriticSetting
            The problem.

        Returns
        -------
        QSample
            Values of all actions at the observations.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        RegressorError
            If a regressor fails or predicts what is no finite number.
        """
        self.check()
        observations = transitions.observations
        # The first returns bootstrap from the last policy's values.
        for _ in range(self.n_value_fits):
            returns = self._returns(transitions, setting.gamma)
            self.value_ = self._fit_value(observations, returns, setting)
        returns = self._returns(transitions, setting.gamma)
        # A(s, a) ≈ G - V(s), both by the last fit of V.
        advantages = returns - self.value_(observations)[:, 0]
        self.q_ = self._fit_advantages(transitions, advantages, setting)
        return QSample(
            observations,
            self.q_(observations),
            setting.gamma,
            reward_range=reward_range(transitions.rewards),
        )

    def _returns(self, transitions, gamma):
        next_values = np.zeros(len(transitions))
        if hasattr(self, "value_"):
            next_values = self.value_(transitions.next_observations)[:, 0]
        # Only termination ends what follows: a time limit is bootstrapped through.
        discounts = gamma * ~transitions.terminated
        return lambda_returns(
            transitions.rewards,
            discounts,
            next_values,
            transitions.ends,
            self.trace_decay,
        )

    def _fit_value(self, observations, returns, setting):
        own, last = self.value_regressor, getattr(self, "value_", None)
        regressor = setting.of_critic(own).regressor
        learner = setting.learner(regressor, n_passes=self.n_passes)
        # A model that learns on meets targets of about 1, in the unit that it knows.
        unit = keep_unit(rms(returns), last and last.scale)
        model = learner.fit(observations, returns / unit, start=last and last.model)
        return ColumnScores(model, 1, unit)

    def _fit_advantages(self, transitions, advantages, setting):
        last = getattr(self, "q_", None)
        setting = setting.of_critic(self.regressor)
        unit = keep_unit(rms(advantages), last and last.unit)
        fitted = setting.encoding.fit_taken(
            setting.learner(setting.regressor, last and last.advantage, self.n_passes),
            transitions.observations,
            transitions.actions,
            advantages / unit,
            setting.n_actions,
        )
        return AdvantageValues(self.value_, fitted, unit)
