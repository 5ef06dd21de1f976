"""Monte Carlo evaluation: whole episodes, or the paper's geometric horizon."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skampo.critics._base import Critic, QSample, reward_range
from skampo.data._returns import lambda_returns
from skampo.encodings._base import rms
from skampo.utils._validation import OneOf

_SAMPLING = {"episode": "episodes", "geometric": "geometric"}


@dataclass(frozen=True, eq=False)
class ScaledValues:
    """Fitted values in units of the return."""

    scores: Any
    unit: float

    def __call__(self, observations):
        """Values of all actions, shape (n, n_actions)."""
        return self.unit * self.scores(observations)


class MonteCarlo(Critic):
    r"""
    Monte Carlo evaluation: returns of the actions taken, regressed on (s, a).

    No bootstrapping inside an episode. Where a time limit cut it, the value of the
    last observation under the previous critic stands for what was not seen.

    Parameters
    ----------
    horizon : {"episode", "geometric"}, default="episode"
        ``"episode"`` plays whole episodes and uses the discounted return from every
        step. ``"geometric"`` is the paper's sampler: walk until a coin of probability
        :math:`1 - \gamma` stops, take that (s, a), and sum the rewards without
        discount until the coin stops again. Then (s, a) is distributed as the
        discounted visitation and the sum is an unbiased estimate of Q(s, a), at the
        price of :math:`2 / (1 - \gamma) - 1` steps for one sample.
    regressor : estimator or "policy", default=None
        Fits the returns. None is the value model for the kind of data
        (`skampo.regressors.default_regressor`); ``"policy"`` a clone of the policy's
        regressor.

    Attributes
    ----------
    q_ : callable
        The last action values: observations (n, n_features) to (n, n_actions).

    See Also
    --------
    LambdaReturn : Less variance, some bias.

    References
    ----------
    .. [1] A. Agarwal, S. Kakade, J. Lee and G. Mahajan, "On the theory of policy
       gradient methods", JMLR 22(98), 2021 (the sampler).

    Examples
    --------
    >>> from skampo.critics import MonteCarlo
    >>> MonteCarlo("geometric").sampling
    'geometric'
    """

    _constraints: ClassVar = {"horizon": OneOf(_SAMPLING)}

    def __init__(self, horizon: str = "episode", *, regressor=None):
        self.horizon = horizon
        self.regressor = regressor

    @property
    def sampling(self):
        """Which transitions are needed."""
        self.check()
        return _SAMPLING[self.horizon]

    @property
    def accepts_undiscounted(self):
        """Whether gamma = 1 is possible: only whole episodes end by themselves."""
        return self.horizon == "episode"

    def evaluate(self, policy, transitions, setting) -> QSample:
        """
        Estimate the action values of a policy from returns.

        Parameters
        ----------
        policy : MirrorPolicy
            The policy that gathered the transitions.
        transitions : Transitions
            Whole episodes, or trajectories of geometric length.
        setting : CriticSetting
            The problem.

        Returns
        -------
        QSample
            Values of all actions at the observations that carry a return.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        RegressorError
            If the regressor fails or predicts what is no finite number.
        """
        self.check()
        rows, returns = self._returns(policy, transitions, setting.gamma)
        unit, setting = rms(returns), setting.of_critic(self.regressor)
        observations = transitions.observations[rows]
        scores = setting.encoding.fit_taken(
            setting.learner(setting.regressor),
            observations,
            transitions.actions[rows],
            returns / unit,
            setting.n_actions,
        )
        self.q_ = ScaledValues(scores, unit)
        return QSample(
            observations,
            self.q_(observations),
            setting.gamma,
            reward_range=reward_range(transitions.rewards),
        )

    def _returns(self, policy, transitions, gamma):
        """Rows that start a return, and their returns."""
        final = self._final_values(policy, transitions)
        if self.horizon == "episode":
            discounts = gamma * ~transitions.terminated
            sums = lambda_returns(
                transitions.rewards, discounts, final, transitions.ends, 1.0
            )
            return np.arange(len(transitions)), sums
        # What the coin stopped is complete. What a time limit cut is not: the coin
        # would have let it go on with probability γ.
        final = np.where(transitions.truncated, gamma * final, 0.0)
        # Without discount: the coin lets step t happen with probability γᵗ.
        alive = np.ones(len(transitions))
        sums = lambda_returns(transitions.rewards, alive, final, transitions.ends, 1.0)
        rows = np.flatnonzero(transitions.is_start)
        return rows, sums[rows]

    def _final_values(self, policy, transitions):
        values = np.zeros(len(transitions))
        cut = np.flatnonzero(transitions.truncated & ~transitions.terminated)
        # The last critic stands in: this one is fitted to what comes out here.
        if len(cut) and hasattr(self, "q_"):
            after, masks = transitions.next_observations[cut], None
            if transitions.next_action_masks is not None:
                masks = transitions.next_action_masks[cut]
            values[cut] = (policy.proba(after, masks) * self.q_(after)).sum(axis=1)
        return values
