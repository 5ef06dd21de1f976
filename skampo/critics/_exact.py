"""Exact policy evaluation on a model."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.special import log_softmax

from skampo.critics._base import Critic, QSample, reward_range
from skampo.exceptions import InvalidParameterError
from skampo.utils._validation import Interval, OneOf

_EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False)
class TableValues:
    """Action values of integer states, looked up."""

    q_values: np.ndarray

    def __call__(self, observations):
        """Values of all actions, shape (n, n_actions)."""
        self.check_states(observations)
        return self.q_values[observations[:, 0].astype(int)]

    def check_states(self, observations):
        """Refuse what is no state of the model."""
        states = observations[:, 0]
        unknown = ~np.isin(states, np.arange(len(self.q_values)))
        if unknown.any():
            raise ValueError(
                f"States of a model are the integers 0 to {len(self.q_values) - 1}. "
                f"Got {states[unknown][0]:g}: pass the number of a state."
            )


class Exact(Critic):
    r"""
    Exact action values on a `TabularMDP`.

    Parameters
    ----------
    state_distribution : str, default="uniform"
        Weights in line 1. ``"uniform"``: equal ones. ``"visitation"``: the states by
        the discounted visitation of the policy, and at least 2e-16 over the number of
        states: where a policy does not go a table keeps its scores, and other
        regressors see no difference. ``"state_action_visitation"``: the pairs by this
        visitation times the policy, :math:`d(s) \pi(a | s)`, the :math:`D^{(k)}` of
        Q-NPG [2]_.
    tau : float, default=0.0
        Weight of the entropy of the policy in its value, a finite number of at least 0:
        positive ones are for the softmax only. Steps beyond 1 / tau are cut.
    lookahead : int, default=1
        Steps h, at least 1, after which the policy takes over; before, the best actions
        are taken. More than one only without `tau`.

    Attributes
    ----------
    q_ : callable
        The last action values: observations (n, 1) to (n, n_actions).

    See Also
    --------
    FittedQ : From data instead of a model.

    Notes
    -----
    With `tau` the values are those of rewards plus entropy,
    :math:`Q_\tau(s, a) = r + \gamma P V_\tau` and
    :math:`V_\tau(s) = \sum_a \pi(a | s) (Q_\tau(s, a) - \tau \log \pi(a | s))`. Line 1
    is given their gradient :math:`Q_\tau - \tau \log \pi_t`, and a step :math:`\eta` is

    .. math::

        \pi_{t+1} \propto \pi_t^{1 - \eta \tau} \exp(\eta Q_\tau),

    regularized policy mirror descent [3]_ with the step :math:`\eta / (1 - \eta \tau)`
    and the regularized natural policy gradient [4]_ with the step
    :math:`(1 - \gamma) \eta`. It converges linearly with a constant step
    (`skampo.theory.cen_bound`); the longest one is soft policy iteration. `history_`
    holds returns without entropy.

    With `lookahead` line 1 is given :math:`Q_h = r + \gamma P T^{h-1} V_\pi`, where T
    is the optimality operator: policy mirror descent with lookahead [5]_. The factor of
    an iteration is :math:`\gamma^h` in place of :math:`\gamma`
    (`skampo.theory.protopapas_bound`), and the steps of `skampo.step_sizes.Adaptive`
    and `skampo.step_sizes.Geometric` follow it. `q_` holds the values of the policy
    itself.

    References
    ----------
    .. [1] L. Xiao, "On the convergence rates of policy gradient methods", JMLR
       23(282), 2022 (policy mirror descent with exact values).
    .. [2] R. Yuan, S. Du, R. Gower, A. Lazaric and L. Xiao, "Linear convergence of
       natural policy gradient methods with log-linear policies", ICLR 2023.
    .. [3] G. Lan, "Policy mirror descent for reinforcement learning", Mathematical
       Programming 198, 2023.
    .. [4] S. Cen, C. Cheng, Y. Chen, Y. Wei and Y. Chi, "Fast global convergence of
       natural policy gradient methods with entropy regularization", Operations Research
       70(4), 2022.
    .. [5] K. Protopapas and A. Barakat, "Policy mirror descent with lookahead", NeurIPS
       2024.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.mdp import make_random_mdp
    >>> mdp = make_random_mdp(random_state=0)
    >>> policy = AMPOPolicy(critic="exact", gamma=0.9, max_iter=10).fit(mdp)
    >>> bool(policy.score(mdp) > mdp.solve(0.9).values.mean() - 1e-9)
    True
    """

    needs_model = True
    _constraints: ClassVar = {
        "state_distribution": OneOf(
            {"uniform", "visitation", "state_action_visitation"}
        ),
        "tau": Interval(float, 0),
        "lookahead": Interval(int, 1),
    }

    def __init__(
        self,
        state_distribution: str = "uniform",
        *,
        tau: float = 0.0,
        lookahead: int = 1,
    ):
        self.state_distribution = state_distribution
        self.tau = tau
        self.lookahead = lookahead

    def check(self) -> None:
        """
        Refuse invalid parameters.

        Raises
        ------
        InvalidParameterError
            With the name, the valid values and the value that was given.
        """
        super().check()
        if self.tau > 0 and self.lookahead > 1:
            raise InvalidParameterError(
                "Exact looks ahead for values without entropy. Got "
                f"lookahead={self.lookahead} and tau={self.tau:g}: use lookahead=1, or "
                "tau=0."
            )

    def evaluate(self, policy, transitions, setting) -> QSample:
        """
        Solve for the action values of a policy.

        Parameters
        ----------
        policy : MirrorPolicy
            The policy to evaluate.
        transitions : TabularMDP
            The model.
        setting : CriticSetting
            The problem.

        Returns
        -------
        QSample
            Values of all actions in all states.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid, or `tau` positive and the policy no softmax.
        """
        self.check()
        mdp, weights = transitions, None
        proba = policy.proba(mdp.states)
        if self.state_distribution != "uniform":
            visitation = mdp.visitation(proba, setting.gamma)
            # Too little to be seen by any sum, and enough for tables to keep their
            # scores where a policy does not go just now, but may go next.
            weights = np.maximum(visitation, _EPS / mdp.n_states)
        values = mdp.values(proba, setting.gamma)
        # Q(s, a) = r(s, a) + γ Σ P(s' | s, a) V(s')
        q_values = mdp.look_ahead(values, setting.gamma)
        sample = QSample(
            mdp.states,
            self._ahead(q_values, mdp, setting.gamma),
            setting.gamma**self.lookahead,
            weights,
            reward_range(mdp.reward.ravel()),
            expected_return=float(mdp.initial_distribution @ values),
            action_weights=proba if self._weighs_pairs else None,
        )
        if self.tau > 0:
            _check_softmax(policy, self.tau)
            soft_values = mdp.values(proba, setting.gamma, tau=self.tau)
            q_values = mdp.look_ahead(soft_values, setting.gamma)
            sample = _regularized(sample, policy, q_values, self.tau)
        self.q_ = TableValues(q_values)
        return sample

    def _ahead(self, q_values, mdp, gamma):
        for _ in range(self.lookahead - 1):
            q_values = mdp.look_ahead(q_values.max(axis=1), gamma)
        return q_values

    @property
    def _weighs_pairs(self):
        return self.state_distribution == "state_action_visitation"


def _check_softmax(policy, tau):
    if not policy.mirror_map.is_softmax:
        raise InvalidParameterError(
            f"Exact(tau={tau:g}) regularizes by the entropy, whose gradient is "
            "infinite at policies with zeros. Got "
            f"mirror_map={policy.mirror_map!r}: use 'negative_entropy', or tau=0."
        )


def _regularized(sample, policy, q_values, tau):
    """The sample with the gradient of values with entropy, and the longest step."""
    # From the scores: log π would be -∞ where a probability underflows.
    logs = log_softmax(policy.scores(sample.observations), axis=1)
    return replace(sample, q_values=q_values - tau * logs, largest_step=1 / tau)
