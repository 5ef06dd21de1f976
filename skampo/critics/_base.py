"""What all critics share: what they are given, what they return, what they declare."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, clone

from skampo.encodings import PerAction
from skampo.encodings._base import Learner
from skampo.features._blocks import taken
from skampo.features._memory import FeatureMemory
from skampo.features._regression import check_regressor
from skampo.features._split import FeatureView
from skampo.features._steps import flatten
from skampo.utils._sklearn import Documented
from skampo.utils._validation import check_parameters


# Generated equality would ask arrays for a single truth value.
@dataclass(frozen=True, eq=False)
class QSample:
    r"""
    Action values of a policy at sampled states: the input of line 1.

    Parameters
    ----------
    observations : ndarray of shape (n, n_features)
        The states, drawn from the first marginal of :math:`v_t`.
    q_values : ndarray of shape (n, n_actions)
        Value of every action in every state, up to a constant per state, in units of
        the return.
    gamma : float
        The factor by which exact iterations with these values contract: the discount
        factor, to the power of the lookahead.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the states; None weighs them equally.
    reward_range : float, default=0.0
        Largest less smallest reward, the unit of adaptive step sizes.
    view : FeatureView, default=None
        Features of the observations that were computed already.
    shared : tuple of (transformer, model), default=None
        The policy's regressor taken apart, if the critic has the same features: the
        fitted transformer and the unfitted model behind it.
    expected_return : float, default=None
        Expected return of the policy that was evaluated, where a model gives it.
    largest_step : float, default=inf
        Step sizes beyond it are cut.
    scores : callable, default=None
        The action values as a function of observations, if the class of policies
        contains it and it does not depend on the policy: line 1 then has an exact
        solution, a multiple of it.
    action_weights : ndarray of shape (n, n_actions), default=None
        Weights of the actions in each state, :math:`v_t(\cdot | s)`: rows that sum to
        1. Line 1 then fits action values as they are. None weighs actions equally and
        leaves a constant per state out.
    rows : ndarray of int of shape (n,), default=None
        The rows of the data that start in these states, ascending. None where a state
        stands for several rows or for none.
    errors : ndarray of shape (n, n_actions), default=None
        How far the action values may be from exact ones, for `history_`. None is not
        known.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.critics import QSample
    >>> QSample(np.zeros((1, 2)), np.array([[0.0, 1.0]]), gamma=0.9).n_actions
    2
    """

    observations: np.ndarray
    q_values: np.ndarray
    gamma: float
    sample_weight: np.ndarray | None = None
    reward_range: float = 0.0
    view: Any = None
    shared: tuple | None = None
    expected_return: float | None = None
    largest_step: float = np.inf
    scores: Any = None
    action_weights: np.ndarray | None = None
    rows: np.ndarray | None = None
    errors: np.ndarray | None = None

    def evaluate(self, scores) -> np.ndarray:
        """
        Evaluate a score function at the observations.

        Parameters
        ----------
        scores : callable
            Observations (n, n_features) to an array (n, n_actions).

        Returns
        -------
        ndarray of shape (n, n_actions)
            The values; features that are known are not computed again.
        """
        return self._features.evaluate(scores)

    def features(self, transformer) -> Any:
        """
        Compute features of the observations.

        Parameters
        ----------
        transformer : transformer or None
            A fitted transformer; None gives the observations themselves.

        Returns
        -------
        ndarray or sparse array of shape (n, n_features)
            The features; those that are known are not computed again.
        """
        return self._features.features(transformer)

    def take(self, rows) -> Self:
        """
        Select states.

        Parameters
        ----------
        rows : array-like or slice
            Their positions.

        Returns
        -------
        QSample
            With what was computed for these states.
        """
        weight, shares = self.sample_weight, self.action_weights
        of_data, errors = self.rows, self.errors
        return replace(
            self,
            observations=taken(self.observations, rows),
            q_values=taken(self.q_values, rows),
            sample_weight=weight if weight is None else weight[rows],
            action_weights=shares if shares is None else shares[rows],
            view=self._features.take(rows),
            rows=of_data if of_data is None else of_data[rows],
            errors=errors if errors is None else errors[rows],
        )

    @cached_property
    def _features(self):
        return FeatureView(self.observations) if self.view is None else self.view

    @property
    def n_actions(self) -> int:
        """Number of actions."""
        return self.q_values.shape[1]


@dataclass(frozen=True, eq=False)
class CriticSetting:
    """
    What an estimator tells its critic about the problem.

    Parameters
    ----------
    n_actions : int
        Number of actions.
    gamma : float
        Discount factor.
    regressor : estimator
        The policy's regressor.
    encoding : object
        How pairs of state and action become regression rows in line 1.
    rng : numpy.random.Generator
        The source of every random choice.
    n_jobs : int, default=None
        Number of fits that run at once.
    memory : FeatureMemory, optional
        Features of the last iteration's states.
    value_model : estimator, default=None
        The regressor of critics that were given none; None is `regressor`.
    first_rng : numpy.random.Generator, default=None
        The source of choices that are made once for data that stay the same: that of
        the first iteration, also where a fit goes on. None is `rng`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skampo.critics import CriticSetting
    >>> CriticSetting(2, 0.9, Ridge(), None, np.random.default_rng(0)).gamma
    0.9
    """

    n_actions: int
    gamma: float
    regressor: Any
    encoding: Any
    rng: np.random.Generator
    n_jobs: int | None = None
    memory: FeatureMemory = field(default_factory=FeatureMemory)
    value_model: Any = None
    first_rng: np.random.Generator | None = None

    def of_critic(self, own) -> Self:
        """
        Choose the regressor that a critic evaluates policies with.

        Parameters
        ----------
        own : estimator, "policy" or None
            The critic's parameter: a regressor, one per action; ``"policy"`` for the
            policy's regressor and encoding; None for the value model.

        Returns
        -------
        CriticSetting
            With this regressor, and the encoding that it is fitted with.
        """
        regressor = self.value_model if own is None else own
        if not hasattr(regressor, "fit"):
            return self
        return replace(self, regressor=flatten(regressor), encoding=PerAction())

    def learner(self, regressor, start=None, n_passes=1) -> Any:
        """
        Prepare the fits of one regressor.

        Parameters
        ----------
        regressor : estimator
            What is fitted.
        start : scores, default=None
            Scores whose models learn on, if they can.
        n_passes : int, default=1
            Passes over the data of a model that learns on.

        Returns
        -------
        object
            What an encoding takes: its ``fit(X, y, sample_weight=None, start=None)``
            fits one model and returns it.
        """
        return Learner(regressor, self.rng, self.n_jobs, start, n_passes)


class Critic(Documented, BaseEstimator):
    """
    Base of the critics: policy evaluation from transitions.

    A critic declares which data it needs: `sampling` is ``"steps"`` (environments keep
    running), ``"episodes"`` (whole episodes) or ``"geometric"`` (the unbiased sampler);
    `capacity` is how many past transitions it wants to see again, 0 for fresh data
    only; `accepts_undiscounted` says whether it can evaluate with gamma = 1,
    `accepts_log` whether it can learn from what any other policy did,
    `accepts_sample_weight` whether rows of a log may have weights, `needs_model`
    whether it is given a `TabularMDP` instead of transitions, and `estimates_values`
    whether there is anything to estimate.
    After `evaluate`, `q_` is a callable from observations to action values.

    See Also
    --------
    FittedQ : Off-policy, all data so far.
    LambdaReturn : On-policy, TD(lambda).
    MonteCarlo : On-policy, whole returns.

    Examples
    --------
    >>> from skampo.critics import Critic, FittedQ
    >>> isinstance(FittedQ(), Critic)
    True
    """

    #: The critics that a string can name.
    by_name: ClassVar[dict[str, type["Critic"]]] = {}
    _constraints: ClassVar[dict] = {}

    sampling = "steps"
    capacity = 0
    accepts_undiscounted = False
    accepts_log = False
    accepts_sample_weight = False
    needs_model = False
    estimates_values = True

    def check(self) -> None:
        """
        Refuse invalid parameters.

        Raises
        ------
        InvalidParameterError
            With the name, the valid values and the value that was given.
        """
        check_parameters(self, self._constraints)
        for name, value in self.get_params(deep=False).items():
            given = value is not None and not is_policy(value)
            if given and name.endswith("regressor"):
                check_regressor(value, type(self).__name__, name)

    # Most critics choose everything anew.
    def recall(self, memory, rows) -> None:
        """
        Keep what an earlier fit has chosen once for data that are the same.

        Parameters
        ----------
        memory : FeatureMemory
            Of the fit that begins.
        rows : range
            Numbers of the rows.
        """

    def resolved(self, value_model) -> Self:
        """
        Say which regressors the critic uses where it was given none.

        Parameters
        ----------
        value_model : estimator
            The default regressor for the data.

        Returns
        -------
        Critic
            This object, unfitted, with clones of it in place of None.
        """
        own = self.get_params(deep=False)
        unset = [n for n, v in own.items() if n.endswith("regressor") and v is None]
        return self.set_params(**{name: clone(value_model) for name in unset})

    def evaluate(self, policy, transitions, setting) -> QSample:
        """
        Estimate the action values of a policy.

        Parameters
        ----------
        policy : MirrorPolicy
            The policy to evaluate.
        transitions : Transitions
            The data, as the critic declared to need them.
        setting : CriticSetting
            The problem.

        Returns
        -------
        QSample
            Values of all actions at the sampled states.
        """
        raise NotImplementedError


def is_policy(value):
    """Whether a parameter of a critic names the policy's own regressor."""
    return isinstance(value, str) and value == "policy"


def reward_range(rewards):
    """Largest less smallest reward, 0 without rows."""
    return float(np.ptp(rewards)) if len(rewards) else 0.0
