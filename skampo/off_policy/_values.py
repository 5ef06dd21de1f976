"""Action values of a fixed policy, fitted to a log."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_random_state

from skampo.critics import CriticSetting
from skampo.data._tables import is_table, numeric_pipeline
from skampo.encodings import Encoding
from skampo.features._lending import unwrap
from skampo.features._regression import check_regressor
from skampo.features._steps import flatten, split_features
from skampo.off_policy._checks import check_options, takes_log
from skampo.off_policy._result import unsettled
from skampo.off_policy._settling import SettlingQ
from skampo.off_policy._suspicions import broken_next_states, never_ends
from skampo.off_policy._trajectories import action_proba
from skampo.regressors import default_regressor, linear_form
from skampo.regressors._default import given_or
from skampo.utils._threads import limit_threads
from skampo.utils._validation import check_discount
from skampo.utils._warnings import warn_user

# Sweeps of what is fitted again in each of them.
_MOST_SWEEPS = 500
# A share of the first value that the last sweep may still hold.
_LEFT_OVER = 0.01
# Sweeps stop earlier when all further ones would change the values by this share.
_SETTLED = 1e-3


@dataclass(frozen=True, eq=False)
class FixedPolicy:
    """A policy with `predict_proba` in the form in which critics ask for it."""

    policy: Any
    classes: np.ndarray

    def f(self, observations):
        """Probabilities instead of scores."""
        return action_proba(self.policy, unwrap(observations), self.classes)

    def project(self, f, action_mask=None):
        """The probabilities themselves."""
        return f


@dataclass(frozen=True)
class AnyPolicy:
    """What stands for the policy where nothing follows, and values are rewards."""

    n_actions: int

    def f(self, observations):
        """The same for all actions."""
        return np.full((len(observations), self.n_actions), 1 / self.n_actions)

    def project(self, f, action_mask=None):
        """The probabilities themselves."""
        return f


@dataclass(frozen=True, eq=False)
class ActionValues:
    """Fitted action values: states to an array (n, n_actions), as `classes` go."""

    q: Any
    classes: np.ndarray

    def __call__(self, states):
        """Values of all actions."""
        if not is_table(states):
            # One memory layout: products of another one differ in the last bit.
            states = check_array(states, dtype=np.float64, order="C")
        with limit_threads():
            return np.asarray(self.q(states))


@takes_log
@limit_threads()
def fit_action_values(
    policy,
    log,
    *,
    gamma: float = 0.995,
    regressor=None,
    n_sweeps: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> ActionValues:
    r"""
    Fitted Q evaluation of a fixed policy.

    Sweep by sweep, a regressor is fitted to :math:`r + \gamma (1 - terminated)
    \sum_{a'} \pi(a' | s') Q(s', a')`; for contextual bandits this is
    a regression of the rewards.

    Parameters
    ----------
    policy : object
        Has `predict_proba` and `classes_`.
    log : TransitionLog
        Transitions of any policy.
    gamma : float, default=0.995
        Discount factor in [0, 1).
    regressor : estimator, default=None
        Fits the values; None is `skampo.regressors.default_regressor` with an
        intercept, so that values shrink to their mean and not to zero.
    n_sweeps : int, default=None
        Largest number of sweeps. None is as many as make what is left of the first
        values less than 1 %; for a regressor that is not linear
        (`skampo.regressors.linear_form`) at most 500. Most often the values settle
        long before, as sweeps that only repeat themselves are jumped over. If they do
        not settle, a warning says which share is missing.
    random_state : int, RandomState instance or None, default=None
        Seeds the regressor.

    Returns
    -------
    ActionValues
        A function of states.

    Raises
    ------
    InvalidParameterError
        If a number is outside of its range.

    See Also
    --------
    fitted_q_evaluation : The value at the start of episodes.

    References
    ----------
    .. [1] H. Le, C. Voloshin and Y. Yue, "Batch policy learning under constraints",
       ICML 2019.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LinearRegression
    >>> from skampo.data import TransitionLog
    >>> from skampo.off_policy import fit_action_values
    >>> X, y = [[0.0], [1.0], [0.0], [1.0]], ["a", "a", "b", "b"]
    >>> log = TransitionLog(X, y, [0, 1, 5, 5])
    >>> policy = DummyClassifier().fit(X, y)
    >>> fit_action_values(policy, log, regressor=LinearRegression())([[2.0]]).round(6)
    array([[2., 5.]])
    """
    check_options("fit_action_values", gamma=gamma, n_sweeps=n_sweeps)
    critic = fit_critic(policy, log, gamma, regressor, n_sweeps, random_state)
    complaints = [never_ends(log), broken_next_states(log), unsettled(critic.missing_)]
    if complaint := " ".join(filter(None, complaints)):
        warn_user(complaint)
    return ActionValues(critic.q_, log.classes)


def fit_critic(policy, log, gamma, regressor, n_sweeps, random_state, critic=None):
    """A fitted critic; one that is given goes on from its last values."""
    # Nothing follows a row: any discount will do, and a single sweep is enough.
    gamma = 0.0 if log.is_one_step else gamma
    check_discount(gamma)
    regressor = prepared(regressor, log.columns)
    if critic is None:
        # Traces would weight by logged propensities, and doubly robust estimates need
        # values that are right when those are wrong.
        critic = SettlingQ(
            n_sweeps=n_sweeps or _enough_sweeps(gamma, regressor),
            trace_decay=0.0,
            tol=_SETTLED * (1 - gamma),
        )
    # scikit-learn seeds by RandomState, and critics draw from a Generator.
    seed = check_random_state(random_state).randint(2**31 - 1)
    setting = CriticSetting(
        len(log.classes),
        gamma,
        regressor,
        # Only where actions are split is a linear model factorized once for all sweeps.
        Encoding.by_name["per_action"](),
        np.random.default_rng(seed),
    )
    # A policy may be slow, and here its probabilities would be multiplied by 0.
    asked = FixedPolicy(policy, log.classes) if gamma else AnyPolicy(len(log.classes))
    critic.evaluate(asked, log.transitions(), setting)
    return critic


def prepared(regressor, columns):
    """The regressor or the default, for tables if the states are."""
    regressor = given_or(regressor, lambda: _suggest(columns))
    check_regressor(regressor, "fit_action_values")
    return flatten(regressor)


def _suggest(columns):
    """The default regressor with an intercept."""
    # Where nothing ends, values shrunk to zero stay too small by a multiple of it.
    numbers = default_regressor().set_params(ridge__fit_intercept=True)
    return numbers if columns is None else numeric_pipeline(columns, numbers)


def _enough_sweeps(gamma, regressor):
    if gamma == 0:
        return 1
    # The first n with γⁿ ≤ 0.01.
    enough = int(np.ceil(np.log(_LEFT_OVER) / np.log(gamma)))
    is_linear = linear_form(split_features(regressor)[1]) is not None
    return enough if is_linear else min(_MOST_SWEEPS, enough)
