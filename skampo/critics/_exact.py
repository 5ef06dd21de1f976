"""Exact policy evaluation on a model."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skampo.critics._base import Critic, QSample, reward_range
from skampo.utils._validation import OneOf

__all__ = ["Exact"]

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
    state_distribution : {"uniform", "visitation", "state_action_visitation"}, \
            default="uniform"
        Weights in line 1. ``"uniform"``: equal ones. ``"visitation"``: the states by
        the discounted visitation of the policy, and at least 2e-16 over the number of
        states: where a policy does not go a table keeps its scores, and other
        regressors see no difference. ``"state_action_visitation"``: the pairs by this
        visitation times the policy, :math:`d(s) \pi(a | s)`, the :math:`D^{(k)}` of
        Q-NPG [2]_.

    Attributes
    ----------
    q_ : callable
        The last action values: observations (n, 1) to (n, n_actions).

    See Also
    --------
    FittedQ : From data instead of a model.

    References
    ----------
    .. [1] L. Xiao, "On the convergence rates of policy gradient methods", JMLR
       23(282), 2022 (policy mirror descent with exact values).
    .. [2] R. Yuan, S. Du, R. Gower, A. Lazaric and L. Xiao, "Linear convergence of
       natural policy gradient methods with log-linear policies", ICLR 2023.

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
        )
    }

    def __init__(self, state_distribution="uniform"):
        self.state_distribution = state_distribution

    def evaluate(self, policy, transitions, setting):
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
            If `state_distribution` is unknown.
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
        self.q_ = TableValues(q_values)
        return QSample(
            mdp.states,
            q_values,
            setting.gamma,
            weights,
            reward_range(mdp.reward.ravel()),
            expected_return=float(mdp.initial_distribution @ values),
            action_weights=proba if self._weighs_pairs else None,
        )

    @property
    def _weighs_pairs(self):
        return self.state_distribution == "state_action_visitation"
