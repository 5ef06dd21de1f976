"""The critic of logs of contextual bandits."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from sklearn.model_selection import KFold

from skampo.critics._base import Critic, QSample, reward_range
from skampo.encodings._base import rms
from skampo.exceptions import InvalidParameterError
from skampo.features._split import FeatureView, ScaledScores, compose, take_apart
from skampo.utils._validation import Interval, OneOf

# States at which a policy is compared with the next one.
_ENOUGH_STATES = 4096


@dataclass(frozen=True, eq=False)
class RewardFits:
    """Regressions of the rewards of a log on features of its states."""

    transitions: Any
    features: Any
    model: Any
    setting: Any
    n_folds: int

    @property
    def sample_weight(self):
        """Weights of the rows, None if they are equal."""
        return self.transitions.sample_weight

    @property
    def inverse_propensities(self):
        """1 / μ(aᵢ | xᵢ), the weight that makes up for how often an action is taken."""
        return 1 / self.transitions.behavior_proba

    @cached_property
    def unit(self):
        """About the size of the rewards, so that regressors see numbers around 1."""
        return rms(self.transitions.rewards)

    def scores(self, sample_weight, rows=slice(None)):
        """One regression per action, of the rows that took it."""
        data, weight = self.transitions, sample_weight
        fitted = self.setting.encoding.fit_taken(
            self.setting.learner(self.model),
            self.features[rows],
            data.actions[rows],
            data.rewards[rows] / self.unit,
            self.setting.n_actions,
            weight if weight is None else weight[rows],
        )
        return ScaledScores(fitted, self.unit)

    def cross_fitted(self):
        """Values of all actions in each row, by models that have not seen the row."""
        folds = KFold(
            self.n_folds,
            shuffle=True,
            random_state=int(self.setting.rng.integers(2**31)),
        )
        data = self.transitions
        values = np.empty((len(data), self.setting.n_actions))
        for seen, others in folds.split(data.actions):
            values[others] = self.scores(self.sample_weight, seen)(
                self.features[others]
            )
        return values


def direct(fits):
    """The fitted rewards, which are the values."""
    return fits.scores(fits.sample_weight), None


def weighted(fits):
    """The fitted rewards, which are the values, by rows weighted by 1 / μ(aᵢ | xᵢ)."""
    weight = fits.inverse_propensities
    if fits.sample_weight is not None:
        weight = weight * fits.sample_weight
    return fits.scores(weight), None


def doubly_robust(fits):
    """The fitted rewards, and for the action taken what they were off by."""
    data, rows = fits.transitions, np.arange(len(fits.transitions))
    values = fits.cross_fitted()
    # Γᵢ(a) = q(xᵢ, a) + 1[a = aᵢ] (rᵢ - q(xᵢ, aᵢ)) / μ(aᵢ | xᵢ)
    residuals = data.rewards - values[rows, data.actions]
    values[rows, data.actions] += fits.inverse_propensities * residuals
    return fits.scores(fits.sample_weight), values


METHODS = {"direct": direct, "weighted": weighted, "doubly_robust": doubly_robust}


class RewardModel(Critic):
    r"""
    Expected rewards of all actions, for logs of contextual bandits.

    Nothing follows an action there (contextual bandits), so that its value is the
    reward it is expected to pay, and does not depend on the policy: it is estimated
    once.

    Parameters
    ----------
    regressor : estimator or "policy", default="policy"
        Fits the rewards of each action. ``"policy"`` is a clone of the policy's
        regressor: the values are then members of the class of policies, and line 1 has
        nothing left to fit. None is the value model for the kind of data.
    method : {"direct", "weighted", "doubly_robust"}, default="direct"
        ``"direct"`` takes the fitted rewards :math:`q(x, a)`. ``"weighted"`` fits them
        with the weights :math:`1 / \mu(a_i | x_i)`, so that an action that was taken
        in few of the states is fitted for all of them. ``"doubly_robust"`` gives line 1
        the values

        .. math::

            \Gamma_i(a) = q(x_i, a)
            + \frac{1[a = a_i]}{\mu(a_i | x_i)} (r_i - q(x_i, a_i)),

        with q from models that have not seen row i: their mean is right if either the
        model or the propensities are. The last two need the propensities
        :math:`\mu(a_i | x_i)` of the log.
    n_folds : int, default=3
        Folds of ``"doubly_robust"``, at least 2.

    Attributes
    ----------
    q_ : callable
        The fitted rewards: observations (n, n_features) to (n, n_actions).
    regressor_ : estimator
        The regressor that fits the rewards, not fitted itself.

    See Also
    --------
    FullInformation : When the rewards of all actions are known.
    Pessimistic : Stays near the policy of the log.
    skampo.off_policy.doubly_robust : Estimates what a given policy is worth.

    References
    ----------
    .. [1] M. Dudik, J. Langford and L. Li, "Doubly robust policy evaluation and
       learning", ICML 2011.
    .. [2] S. Athey and S. Wager, "Policy learning with observational data",
       Econometrica 89, 2021 (cross-fitted scores, Section 2).

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.critics import RewardModel
    >>> X, done, paid = [[0.0], [1.0]] * 20, [0, 0, 1, 1] * 10, [1, 0, 0, 1] * 10
    >>> policy = AMPOPolicy(critic=RewardModel(method="doubly_robust"), random_state=0)
    >>> policy.fit(X, done, rewards=paid, propensities=[0.5] * 40).predict([[0], [1]])
    array([0, 1])
    """

    _constraints: ClassVar = {
        "method": OneOf(METHODS),
        "n_folds": Interval(int, 2),
    }

    accepts_log = True
    accepts_sample_weight = True

    def __init__(self, regressor="policy", *, method: str = "direct", n_folds: int = 3):
        self.regressor = regressor
        self.method = method
        self.n_folds = n_folds

    def evaluate(self, policy, transitions, setting) -> QSample:
        """
        Estimate the expected rewards of all actions.

        Parameters
        ----------
        policy : MirrorPolicy
            Not needed: the values are the same for every policy.
        transitions : Transitions
            Rows that nothing follows.
        setting : CriticSetting
            The problem.

        Returns
        -------
        QSample
            With gamma = 0.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid, or the method needs propensities that the log
            does not have.
        ValueError
            If something follows a row.
        RegressorError
            If the regressor fails or predicts what is no finite number.
        """
        self.check()
        self._check_data(transitions)
        return setting.memory.once(
            transitions.row_numbers,
            ("values", self),
            lambda: self._evaluate(transitions, setting),
        )

    def _check_data(self, transitions):
        if not transitions.terminated.all():
            raise ValueError(
                "RewardModel is for contextual bandits. Got transitions that others "
                "follow: use critic='auto', 'fitted_q' or 'lstdq', or leave "
                "next_states out."
            )
        n_rows, known = len(transitions), transitions.behavior_proba is not None
        if self.method != "direct" and not known:
            raise InvalidParameterError(
                f"method={self.method!r} divides by the probabilities with which the "
                "actions were chosen. Got a log without: pass propensities=, or use "
                "method='direct'."
            )
        if self.method == "doubly_robust" and n_rows < self.n_folds:
            raise ValueError(
                f"method='doubly_robust' needs a row per fold. Got {n_rows} rows and "
                f"n_folds={self.n_folds}: use method='direct'."
            )

    def _evaluate(self, transitions, setting):
        own = setting.of_critic(self.regressor)
        self.regressor_ = own.regressor
        transformer, model = _features_of(own, transitions)
        view = FeatureView(transitions.observations)
        features = view.features(transformer)
        fits = RewardFits(transitions, features, model, own, self.n_folds)
        scores, values = METHODS[self.method](fits)
        self.q_ = compose(transformer, scores, own.regressor)
        is_policy = own is setting
        # What doubly robust values are corrected by is nobody's prediction.
        is_solution = is_policy and values is None
        rows = _some_rows(len(transitions), setting.rng, is_solution)
        view, weight = view.take(rows), transitions.sample_weight
        return QSample(
            view.observations,
            view.evaluate(self.q_) if values is None else values,
            0.0,
            weight if weight is None else weight[rows],
            reward_range(transitions.rewards),
            view=view,
            shared=(transformer, model) if is_policy and transformer else None,
            scores=self.q_ if is_solution else None,
            rows=np.arange(len(transitions))[rows],
        )


def _some_rows(n_rows, rng, is_solution):
    """All rows, or some if they only say how far a step goes."""
    if not is_solution or n_rows <= _ENOUGH_STATES:
        return slice(None)
    return np.sort(rng.choice(n_rows, size=_ENOUGH_STATES, replace=False))


def _features_of(setting, transitions):
    """Fitted features and the model behind them, where they can be apart."""
    if not setting.encoding.splits_actions:
        return None, setting.regressor
    return take_apart(setting.regressor, transitions.observations, setting.rng)
