"""What `fit` was given, as a problem: where data come from, who evaluates policies."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from skampo._history import Validation
from skampo._logged_data import (
    check_table,
    give_table,
    log_of,
    read_columns,
    reward_table,
)
from skampo._regression import parameters_as_text
from skampo._score import greedy_return
from skampo.critics import CRITICS, FullInformation
from skampo.exceptions import InvalidParameterError
from skampo.experience import (
    VALIDATIONS,
    EnvironmentExperience,
    LabeledExperience,
    LoggedExperience,
    TransitionLog,
    advise,
    behind_numbers,
    behind_table,
    is_environment,
    on_numbers,
)
from skampo.mdp import ModelExperience, TabularMDP
from skampo.regressors import default_regressor
from skampo.utils._sklearn import check_sample_weight

__all__ = ["Problem", "check_continues", "make_problem", "parts_as_text", "resolve"]

# New data arrive while a policy learns, and what early, wrong values added up must be
# forgotten: no action counts as less likely than this share of the best one.
_MIN_ODDS, _MIN_ODDS_DISCRETE = 1e-3, 1e-2


@dataclass(frozen=True, eq=False)
class Problem:
    """Where the data come from, who evaluates the policy, and for which discount."""

    kind: str
    experience: Any
    critic: Any
    gamma: float
    discrete: bool = False
    validate: Any = None
    feature_names: Any = None
    columns: Any = None
    linear: bool = False
    #: The critic before it was given tables; None if it is `critic`.
    asked: Any = None

    @property
    def is_fixed(self):
        """Whether the data are the same for every policy."""
        return self.kind not in ("environments", "model")

    @property
    def min_odds(self):
        """The default floor of the scores."""
        if self.kind != "environments":
            return 0.0
        return _MIN_ODDS_DISCRETE if self.discrete else _MIN_ODDS

    @cached_property
    def suggested(self):
        """The default regressor for the data, of policies and of critics."""
        # A table's columns may hold anything, and the regressor takes numbers only.
        numbers = self._numbers
        return numbers if self.columns is None else on_numbers(self.columns, numbers)

    @cached_property
    def value_model(self):
        """The default regressor as it is fitted to rows of arrays."""
        if self.columns is None:
            return self.suggested
        return behind_numbers(self.columns, self._numbers)

    @property
    def _numbers(self):
        return default_regressor(
            discrete=self.discrete,
            linear=self.linear,
            # Measured on environments with states of numbers only.
            pooled=self.kind == "environments" and not self.discrete,
            exact=self.kind == "model",
        )

    def resolve_params(self, estimator, min_odds):
        """What `estimator` was asked for, with every default as an object."""
        regressor = estimator.regressor
        resolved = {
            "regressor": clone(self.suggested if regressor is None else regressor),
            "critic": estimator.critic,
            "min_odds": min_odds,
        }
        if self.critic.estimates_values:
            critic = clone(self.critic if self.asked is None else self.asked)
            resolved["critic"] = critic.resolved(self.suggested)
        return resolved

    def give_table(self, regressor):
        """A regressor as it is fitted to rows of arrays."""
        if regressor is None:
            return self.value_model
        return (
            regressor if self.columns is None else behind_table(self.columns, regressor)
        )


def make_problem(estimator, X, y, given, seed, last):
    """A model, environments, a log or labels; `last` is a state to continue from."""
    given = {name: value for name, value in given.items() if value is not None}
    # By type, before anything is converted: an environment is no array of objects.
    if isinstance(X, TabularMDP):
        _check_same("kind of data", last and last.kind, "model")
        _refuse_targets("a TabularMDP", y, given)
        return _model_problem(estimator, X, last)
    if isinstance(X, TransitionLog):
        _refuse_targets("a TransitionLog", y, given)
        return _log_problem(estimator, X, last)
    if is_environment(X):
        _refuse_targets("environments", y, given)
        _check_same("kind of data", last and last.kind, "environments")
        return _environment_problem(estimator, X, seed, last)
    # Labels have weights as well; any other column belongs to rewards.
    if given.keys() - {"sample_weight"}:
        if np.ndim(given.get("rewards")) == 2:
            return _reward_problem(estimator, X, y, given, last)
        weight = given.pop("sample_weight", None)
        return _log_problem(estimator, log_of(X, y, given), last, weight)
    _check_same("kind of data", last and last.kind, "labels")
    return _label_problem(estimator, X, y, **given)


def _refuse_targets(what, y, given):
    if y is not None or given:
        raise ValueError(
            f"fit(X) with {what} takes no y and no other columns. Got "
            f"{sorted(given) or 'y'}; they belong to an array of states."
        )


def _model_problem(estimator, mdp, last):
    critic = last.critic if last else resolve(estimator.critic, _MODEL_CRITICS)
    critic.check()
    if not critic.needs_model:
        raise InvalidParameterError(
            f"A TabularMDP needs critic='exact' or 'auto'. Got {critic!r} instead, "
            "which learns from transitions."
        )
    return Problem(
        "model",
        ModelExperience(mdp),
        critic,
        estimator.gamma,
        discrete=True,
        validate=lambda policy: Validation(greedy_return(mdp, policy, estimator.gamma)),
    )


def _environment_critic(estimator, last):
    critic = last.critic if last else resolve(estimator.critic, _ENVIRONMENT_CRITICS)
    critic.check()
    if critic.needs_model:
        raise InvalidParameterError(
            f"{critic!r} needs a TabularMDP, whose values are known. Got environments: "
            "use critic='fitted_q', 'lambda_return' or 'monte_carlo'."
        )
    _check_discount(estimator.gamma, critic)
    return critic


def _environment_problem(estimator, X, seed, last):
    critic = _environment_critic(estimator, last)
    experience = EnvironmentExperience(
        X,
        n_envs=estimator.n_envs,
        steps_per_iter=estimator.steps_per_iter,
        max_episode_steps=estimator.max_episode_steps,
        exploration=estimator.exploration,
        seed=seed,
        sampling=critic.sampling,
        capacity=critic.capacity,
        gamma=estimator.gamma,
        check=True,
        **(last.experience if last else {}),
    )

    def validate(policy, attempt=0):
        # Seeds of its own: neither training nor `score` ever sees these episodes.
        # Until an iteration ends the estimator has the encoders of its last fit.
        results = estimator._play(
            X,
            estimator.validation_episodes,
            policy=policy,
            seed=seed,
            stream=VALIDATIONS[attempt],
            observation_encoder=experience.observation_encoder,
            action_encoder=experience.action_encoder,
            labels=experience.classes,
        )
        return Validation.of(results.returns, int(results.lengths.sum()))

    encoder = experience.observation_encoder
    names = encoder.feature_names
    return Problem(
        "environments",
        experience,
        critic,
        estimator.gamma,
        encoder.is_discrete,
        validate,
        names if names is None else np.asarray(names, dtype=object),
    )


_ENVIRONMENT_CRITICS = {"auto": CRITICS["fitted_q"], **CRITICS}
_MODEL_CRITICS = {"auto": CRITICS["exact"], **CRITICS}
_LOG_CRITICS = {"auto": CRITICS["pessimistic"], **CRITICS}
# Values of one step do not bootstrap on themselves: the class of policies fits them.
_ONE_STEP_CRITICS = {"auto": CRITICS["reward_model"], **CRITICS}


def _check_discount(gamma, critic):
    if gamma == 1 and not critic.accepts_undiscounted:
        raise InvalidParameterError(
            f"gamma=1 needs a critic that sums whole episodes, and {critic!r} does "
            "not. Use critic='monte_carlo', or gamma < 1."
        )


def _refuse_early_stopping(estimator, what):
    if estimator.early_stopping:
        raise InvalidParameterError(
            "early_stopping=True needs an environment to play validation episodes in, "
            f"and {what} have none. Set early_stopping=False."
        )


def _log_problem(estimator, log, last, sample_weight=None):
    """Transitions that were logged, evaluated by a critic that takes them as they are.

    Nothing follows a row without a next state, whatever gamma is.
    """
    _check_same("kind of data", last and last.kind, "log")
    _refuse_early_stopping(estimator, "logs")
    check_table(estimator, log.columns)
    names = _ONE_STEP_CRITICS if log.is_one_step else _LOG_CRITICS
    critic = last.critic if last else resolve(estimator.critic, names)
    asked = None if last else clone(critic)
    # The critic of the last fit was given its tables then.
    critic = critic if last else give_table(critic, log.columns)
    critic.check()
    if not critic.accepts_log:
        raise InvalidParameterError(
            f"{critic!r} needs fresh data of every policy, and a log has none. Use "
            "critic='pessimistic', 'fitted_q' or 'lstdq'."
        )
    if sample_weight is not None:
        sample_weight = _check_weights(sample_weight, log, critic)
    gamma = 0.0 if log.is_one_step else estimator.gamma
    _check_discount(gamma, critic)
    return Problem(
        "log",
        LoggedExperience(log, sample_weight),
        critic,
        gamma,
        # Measured on numbers and several steps only.
        linear=log.columns is None and not log.is_one_step,
        feature_names=read_columns(estimator, log.states),
        columns=log.columns,
        asked=asked,
    )


def _check_weights(sample_weight, log, critic):
    if not critic.accepts_sample_weight:
        raise InvalidParameterError(
            f"{critic!r} takes no sample_weight. Weights are for labels, rewards of "
            "all actions, and logs of one step with critic='auto' or 'reward_model': "
            "leave them out, or repeat rows."
        )
    return check_sample_weight(sample_weight, log.states)


def _reward_problem(estimator, X, y, given, last):
    """Rewards of all actions, as labels give them."""
    _check_same("kind of data", last and last.kind, "rewards")
    _refuse_early_stopping(estimator, "rewards of all actions")
    experience, columns = reward_table(X, y, given)
    check_table(estimator, columns)
    return Problem(
        "rewards",
        experience,
        FullInformation(),
        0.0,
        feature_names=read_columns(estimator, X),
        columns=columns,
    )


def _label_problem(estimator, X, y, sample_weight=None):
    _refuse_early_stopping(estimator, "labels")
    name = type(estimator).__name__
    if y is None:
        advice = advise(X)
        if advice is not None:
            raise ValueError(f"{name} cannot be fitted to this. {advice}")
        raise ValueError(
            f"This {name} estimator requires y to be passed, but the target y is None: "
            "states need labels. Only environments are fitted without y."
        )
    # A blank of the same class: the estimator stays as it is if the data are refused.
    blank = type(estimator)()
    X, y = validate_data(blank, X, y, dtype=np.float64, order="C")
    check_classification_targets(y)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
    # Labels of rows without weight are actions too.
    experience = LabeledExperience(X, y, np.unique(y), sample_weight)
    names = getattr(blank, "feature_names_in_", None)
    return Problem("labels", experience, FullInformation(), 0.0, feature_names=names)


def resolve(value, names):
    """An object for a name out of `names`; a clone of anything else."""
    return names[value]() if isinstance(value, str) else clone(value)


def check_continues(estimator, problem, last, names):
    """Refuse to continue with other actions, features or parts."""
    experience = problem.experience
    _check_same("number of features", last.n_features, experience.n_features)
    _check_same("actions", last.classes, experience.classes.tolist())
    for name, now in parts_as_text(estimator, names).items():
        _check_same(f"parameter {name!r}", last.parts.get(name), now)


def parts_as_text(estimator, names):
    """Text of each of these parameters, and of those inside."""
    parts = {}
    for name in names:
        part = _on_any_machine(getattr(estimator, name))
        # Parameters one by one: the `repr` of a large part leaves some of them out, and
        # its time doubles with every Pipeline inside another.
        has_parameters = hasattr(part, "get_params")
        parts[name] = type(part).__name__ if has_parameters else repr(part)
        inner = parameters_as_text(part)
        parts |= {f"{name}__{key}": text for key, text in inner.items()}
    return parts


def _on_any_machine(part):
    """The part without what says where it is computed, which changes no result."""
    parameters = getattr(part, "get_params", dict)()
    names = [n for n in parameters if n.split("__")[-1] in ("memory", "n_jobs")]
    return clone(part).set_params(**dict.fromkeys(names)) if names else part


def _check_same(what, before, now):
    if before is not None and before != now:
        raise InvalidParameterError(
            f"warm_start=True continues the last fit, whose {what} was {before}. Got "
            f"{now} instead. Set warm_start=False to start anew."
        )
