"""One call of `fit`: the problem, the parts that solve it, and what they recorded."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from skampo._encoding import ENCODINGS, zero_scores
from skampo._features import behind, continuation
from skampo._history import (
    BestIterate,
    Iterate,
    iteration_record,
    progress_line,
    warn_about_fit,
)
from skampo._policy import MirrorPolicy
from skampo.critics import CRITICS, CriticSetting, FullInformation
from skampo.exceptions import InvalidParameterError
from skampo.experience import VALIDATION, EnvironmentExperience, LabeledExperience
from skampo.mirror_maps import MIRROR_MAPS
from skampo.regressors import default_regressor
from skampo.step_sizes import STEP_SIZES
from skampo.utils._sklearn import check_sample_weight

__all__ = ["Problem", "Run", "environment_problem", "label_problem"]

_REGRESSION_STREAM = 10


@dataclass(frozen=True, eq=False)
class Problem:
    """Where the data come from, who evaluates the policy, and for which discount."""

    experience: Any
    critic: Any
    gamma: float
    discrete: bool = False
    environments: Any = None


def environment_problem(policy, X, seed, last):
    """Roll out the environments `X`; with `last`, a state to continue from."""
    critic = last.critic if last else _resolve(policy.critic, _ENVIRONMENT_CRITICS)
    if policy.gamma == 1 and not critic.accepts_undiscounted:
        raise InvalidParameterError(
            f"gamma=1 needs a critic that sums whole episodes, and {critic!r} does "
            "not. Use critic='monte_carlo', or gamma < 1."
        )
    experience = EnvironmentExperience(
        X,
        n_envs=policy.n_envs,
        steps_per_iter=policy.steps_per_iter,
        max_episode_steps=policy.max_episode_steps,
        exploration=policy.exploration,
        seed=seed,
        sampling=critic.sampling,
        capacity=critic.capacity,
        gamma=policy.gamma,
        **(last.experience if last else {}),
    )
    vars(policy).pop("feature_names_in_", None)
    discrete = experience.observation_encoder.is_discrete
    return Problem(experience, critic, policy.gamma, discrete, X)


def label_problem(policy, X, y, sample_weight, last):
    """Labels as a one-step problem with full information."""
    if policy.early_stopping:
        raise InvalidParameterError(
            "early_stopping=True needs an environment to play validation episodes in, "
            "and labels have none. Set early_stopping=False."
        )
    X, y = validate_data(policy, X, y, dtype=np.float64)
    check_classification_targets(y)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
    experience = LabeledExperience(X, y, np.unique(y), sample_weight)
    return Problem(experience, FullInformation(), 0.0)


_ENVIRONMENT_CRITICS = {"auto": CRITICS["fitted_q"], **CRITICS}


def _resolve(value, names):
    """An object for a name out of `names`; a clone of anything else."""
    return names[value]() if isinstance(value, str) else clone(value)


def _check_continues(estimator, experience):
    """Refuse to continue on a problem with other actions or features."""
    same = np.array_equal(estimator.classes_, experience.classes)
    if not same or estimator.n_features_in_ != experience.n_features:
        raise InvalidParameterError(
            "warm_start=True continues on the same problem. Got "
            f"{experience.n_features} features and actions "
            f"{experience.classes.tolist()}, but the last fit had "
            f"{estimator.n_features_in_} and {estimator.classes_.tolist()}. Set "
            "warm_start=False to start anew."
        )


@dataclass(frozen=True, eq=False)
class State:
    """What another `fit` continues from."""

    kept: Iterate
    critic: Any
    history: list
    experience: dict


@dataclass(eq=False)
class Run:
    """The parts of one `fit` and everything that it records."""

    estimator: Any
    problem: Problem
    policy: MirrorPolicy
    kept: Iterate
    step_size: Any
    encoding: Any
    regressor: Any
    seed: int
    history: list
    best: BestIterate
    n_validation_steps: int = 0
    warned: set = field(default_factory=set)
    times: dict = field(default_factory=dict)
    setting: CriticSetting | None = None

    @classmethod
    def of(cls, estimator, problem, seed, last):
        """Set up the run of an estimator, from the start or from a last state."""
        regressor = estimator.regressor
        if regressor is None:
            regressor = default_regressor(discrete=problem.discrete)
        if last:
            _check_continues(estimator, problem.experience)
        zero = zero_scores(len(problem.experience.classes))
        policy = MirrorPolicy(_resolve(estimator.mirror_map, MIRROR_MAPS), zero)
        kept = last.kept if last else Iterate(policy, zero, 0)
        return cls(
            estimator,
            problem,
            kept.policy,
            kept,
            _resolve(estimator.step_size, STEP_SIZES),
            ENCODINGS[estimator.encoding](),
            regressor,
            seed,
            list(last.history) if last else [],
            BestIterate(estimator.n_iter_no_change),
        )

    def iterations(self, max_iter):
        """Numbers t of the iterations to run; they go on where the history ends."""
        self.started = self.lapped = time.perf_counter()
        self.first_step = self.problem.experience.n_steps
        first = len(self.history)
        return range(first, first + max_iter)

    def gather(self, policy):
        """Data of the policy."""
        self._lap()
        transitions = self.problem.experience.gather(policy)
        self._lap("rollout_time")
        return transitions

    def evaluate(self, t, policy, transitions):
        """The critic's action values; every random choice depends on t alone."""
        stream = np.random.SeedSequence(self.seed, spawn_key=(_REGRESSION_STREAM, t))
        self.setting = CriticSetting(
            len(self.problem.experience.classes),
            self.problem.gamma,
            self.regressor,
            self.encoding,
            np.random.default_rng(stream),
            self.estimator.n_jobs,
        )
        sample = self.problem.critic.evaluate(policy, transitions, self.setting)
        self._lap("critic_time")
        return sample

    def regress(self, policy, sample, target):
        """Line 1: scores fitted to the target, on the critic's features if shared."""
        transformer, model = sample.shared or (None, self.regressor)
        X = sample.observations
        scores = self.encoding.fit_all(
            model,
            X if transformer is None else sample.view.features(transformer),
            target,
            sample.sample_weight,
            rng=self.setting.rng,
            n_jobs=self.setting.n_jobs,
            start=continuation(policy.f, transformer),
        )
        return behind(transformer, scores)

    def record(self, t, policy, sample, here, target):
        """Write the iteration down, keep what is best; True to stop."""
        fitted = sample.evaluate(policy.f)
        after = policy.project(fitted)
        self._lap("fit_time")
        warn_about_fit(target, fitted, self.warned)
        record = iteration_record(
            t, self.problem.experience, sample, here, after, target, fitted, policy.eta
        )
        iterate = Iterate(policy, getattr(self.problem.critic, "q_", None), t + 1)
        record["validation_return"], stop = self._validate(iterate)
        self.history.append(record | self.times)
        if self.estimator.verbose:
            seconds = time.perf_counter() - self.started
            n_steps = record["n_steps"] - self.first_step
            print(progress_line(record, seconds, n_steps))
        return stop

    def _validate(self, iterate):
        """The validation return, and whether it says stop."""
        self.kept = iterate
        if not self.estimator.early_stopping:
            return np.nan, False
        results = self.estimator._play(
            self.problem.environments,
            self.estimator.validation_episodes,
            policy=iterate.policy,
            seed=self.seed,
            stream=VALIDATION,
        )
        self.n_validation_steps += int(results.lengths.sum())
        value = float(results.returns.mean())
        stop = self.best.update(value, iterate)
        self.kept = self.best.iterate
        return value, stop

    def _lap(self, name=None):
        now = time.perf_counter()
        if name is not None:
            self.times[name] = now - self.lapped
        self.lapped = now

    def state(self):
        """What another run can continue from."""
        continued = getattr(self.problem.experience, "continuation", dict)()
        return State(self.kept, self.problem.critic, self.history, continued)
