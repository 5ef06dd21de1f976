"""One call of `fit`: the problem, the parts that solve it, and what they recorded."""

import copy
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from joblib import hash as hash_of
from sklearn.utils import check_random_state

from skampo._encoding import ENCODINGS, PASSES, Learner, zero_scores
from skampo._features import behind, continuation, flatten
from skampo._history import (
    BestIterate,
    Iterate,
    LineOneFit,
    Validation,
    are_alike,
    iteration_record,
    progress_line,
    warn_about_episodes,
    warn_about_fit,
    warn_about_values,
    without_differences,
)
from skampo._memory import FeatureMemory
from skampo._policy import MirrorPolicy
from skampo._problem import Problem, check_continues, parts_as_text, resolve
from skampo.critics import CriticSetting
from skampo.experience import VALIDATIONS
from skampo.mirror_maps import MIRROR_MAPS
from skampo.step_sizes import STEP_SIZES
from skampo.utils._warnings import warn_user

__all__ = ["Run", "entropy_of", "last_state", "parts_of"]

# Apart from the streams of the environments' seeds.
_REGRESSION_STREAM = 10
# A thousandth of the divergence of a step of the default step size.
_SETTLED = 1e-4
# Mean probability of all actions but the best, where action values stay the same.
_GREEDY = 1e-3
# The stored policy and critic were made from these.
_FIXED = ("mirror_map", "critic")
# What an experience says of itself for the next one.
_CONTINUES = {"episode_counts", "n_steps", "n_episodes", "transitions"}


@dataclass(frozen=True, eq=False)
class State:
    """What another `fit` continues from."""

    kind: str
    classes: list
    n_features: int
    parts: dict
    kept: Iterate
    critic: Any
    history: list
    best: BestIterate
    n_validation_steps: int
    experience: dict
    first: Any

    def copy(self):
        """Return the same state, with parts of its own where a fit changes them."""
        best = copy.copy(self.best)
        return replace(self, critic=copy_critic(self.critic), best=best)

    def _check_loaded(self):
        """Refuse transitions that do not fit the policy, whose numbers are indices."""
        if not self.experience.keys() <= _CONTINUES:
            raise ValueError("a state with other entries than an experience has")
        data = self.experience.get("transitions")
        if data is None:
            return
        n_actions, flags = len(self.classes), (data.terminated, data.truncated)
        is_index = data.actions.dtype.kind == "i" and (data.actions >= 0).all()
        if not is_index or (data.actions >= n_actions).any():
            raise ValueError("transitions of other actions")
        masks = (data.action_masks, data.next_action_masks)
        wide = [mask is None or mask.shape[1:] == (n_actions,) for mask in masks]
        if any(flag.dtype != bool for flag in (*flags, data.ends)) or not all(wide):
            raise ValueError("transitions of other flags")
        if data.observations.shape[1:] != (self.n_features,):
            raise ValueError("transitions of other observations")


@dataclass(frozen=True, eq=False)
class FirstStep:
    """The scores that line 1 found first, and a digest of what it was given."""

    digest: str
    f: Any

    @classmethod
    def of(cls, sample, f):
        """The step of a sample."""
        return cls(_digest(sample), f)

    def is_for(self, sample):
        """Whether a sample has the same values in the same states."""
        return self.digest == _digest(sample)


def _digest(sample):
    return hash_of((sample.observations, sample.q_values))


@dataclass(eq=False)
class Run:
    """The parts of one `fit` and everything that it records."""

    estimator: Any
    problem: Problem
    policy: MirrorPolicy
    zero: Any
    kept: Iterate
    step_size: Any
    encoding: Any
    regressor: Any
    resolved_params: dict
    seed: int
    history: list
    best: BestIterate
    n_validation_steps: int = 0
    warned: set = field(default_factory=set)
    times: dict = field(default_factory=dict)
    setting: CriticSetting | None = None
    #: The step from the uniform policy, which later steps may repeat.
    first: Any = None
    repeats: bool = False
    stop: bool = False
    memory: FeatureMemory = field(default_factory=FeatureMemory)

    @classmethod
    def of(cls, estimator, problem, seed, last):
        """Set up the run of an estimator, from the start or from a last state."""
        zero = zero_scores(len(problem.experience.classes))
        encoding = ENCODINGS[estimator.encoding]()
        policy = MirrorPolicy(resolve(estimator.mirror_map, MIRROR_MAPS), zero)
        encoding.check(policy.mirror_map)
        if last:
            check_continues(estimator, problem, last, (*_FIXED, *encoding.fixed))
        q = zero if problem.critic.estimates_values else None
        kept = last.kept if last else Iterate(policy, q, 0)
        min_odds = estimator.min_odds
        if min_odds is None:
            min_odds = problem.min_odds if encoding.fits_dual else 0.0
        resolved_params = problem.resolve_params(estimator, min_odds)
        return cls(
            estimator,
            problem,
            replace(kept.policy, min_odds=min_odds),
            zero,
            kept,
            resolve(estimator.step_size, STEP_SIZES),
            encoding,
            problem.give_table(flatten(estimator.regressor)),
            resolved_params,
            seed,
            # A list of its own: the history of the last fit stays if this one fails.
            list(last.history) if last else [],
            last.best if last else BestIterate(),
            last.n_validation_steps if last else 0,
            first=last.first if last else None,
        )

    def iterations(self, max_iter):
        """Numbers t of the iterations to run; they go on where the history ends."""
        self.started = self.lapped = time.perf_counter()
        self.first_step = self.problem.experience.n_steps
        first = len(self.history)
        return range(first, first + max_iter)

    def gather(self, policy):
        """Data of the policy."""
        # What callbacks took meanwhile is nobody's time.
        self._lap()
        transitions = self.problem.experience.gather(policy.plain())
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
            self.memory,
            self.problem.value_model,
        )
        sample = self.problem.critic.evaluate(policy, transitions, self.setting)
        sample = self._look_at_values(sample, transitions)
        self._lap("critic_time")
        return sample

    def _look_at_values(self, sample, transitions):
        """The sample, without differences that can only be errors."""
        critic, experience = self.problem.critic, self.problem.experience
        # What a model or labels say is exact.
        if not critic.estimates_values or critic.needs_model:
            return sample
        is_played = self.problem.kind == "environments"
        if is_played and are_alike(transitions, experience, self.history):
            warn_about_episodes(experience, self.history, self.warned)
            return without_differences(sample)
        warn_about_values(sample.q_values, transitions, self.warned)
        return sample

    def regress(self, policy, sample, target):
        """Line 1: scores fitted to the target, unless its solution is known."""
        again = self._add(policy, sample, target.eta)
        self.repeats = again is not None
        if self.repeats:
            return again
        if policy.f is not self.zero:
            return self._fit(policy, sample, target)
        # From the uniform policy the target is Q alone.
        known = sample.scores if self.encoding.fits_dual else None
        f = known or self._fit(policy, sample, target)
        self.first = FirstStep.of(sample, f) if self._adds_up(policy) else None
        return f

    def _add(self, policy, sample, eta):
        """A multiple of the first solution if the action values are still the same."""
        if not self._adds_up(policy):
            return None
        if self.first is None or not self.first.is_for(sample):
            return None
        return policy.add(self.first.f, eta)

    def _adds_up(self, policy):
        """Whether scores are sums of action values, which nothing cuts off."""
        is_sum = policy.mirror_map.is_softmax and policy.min_odds == 0
        return is_sum and self.encoding.fits_dual and self.problem.is_fixed

    def _fit(self, policy, sample, target):
        """Fit line 1, on the critic's features if they are shared."""
        rng = self.setting.rng
        transformer, model = self.encoding.split(self.regressor, sample, policy.f, rng)
        start = continuation(policy.f, transformer)
        learner = Learner(model, rng, self.setting.n_jobs, start, PASSES)
        features = sample.features(transformer)
        scores = self.encoding.fit(learner, features, target, sample.sample_weight)
        if transformer is None:
            return scores
        return behind(transformer, scores, name=self.regressor.steps[-1][0])

    def record(self, t, policy, sample, here, target):
        """Write the iteration down, keep what is best, see whether to stop."""
        fitted = sample.evaluate(policy.f)
        after = policy.project(fitted)
        self._lap("fit_time")
        weights = self.encoding.action_weights(target)
        line_one = LineOneFit(target.values, fitted, weights)
        warn_about_fit(line_one, sample.sample_weight, self.warned)
        record = iteration_record(
            t, self.problem.experience, sample, here, after, line_one, policy.eta
        )
        iterate = Iterate(policy, getattr(self.problem.critic, "q_", None), t + 1)
        self._lap()
        validation, self.stop = self._validate(iterate)
        # Only a log stays the same: new data may move a policy that has settled.
        if self.problem.kind == "log":
            self.stop = _has_settled(sample, record)
        if self.repeats and _is_greedy(after, sample.sample_weight):
            self.stop = True
        record["validation_return"] = validation.mean
        record["validation_std"] = validation.std
        record["n_validation_steps"] = self.n_validation_steps
        self._lap("validation_time")
        # Last of all, so that a validation that fails leaves no record.
        self.history.append(record | self.times)
        if self.estimator.verbose:
            seconds = time.perf_counter() - self.started
            n_steps = record["n_steps"] - self.first_step
            print(progress_line(record, seconds, n_steps))

    def _validate(self, iterate):
        """What the policy is worth, and whether that says stop."""
        self.kept = iterate
        if not self.estimator.early_stopping:
            return Validation(), False
        found = self._play(iterate.policy)
        self.n_validation_steps += found.n_steps
        stop = self.best.update(found.mean, iterate, self.estimator.n_iter_no_change)
        self.kept = self.best.iterate
        return found, stop

    def _play(self, policy):
        """Validation, with new episodes as long as the policy leads: luck runs out."""
        found = self.problem.validate(policy)
        for attempt in range(1, len(VALIDATIONS)):
            # What was computed exactly has no episodes.
            if not found.n_episodes or not self.best.is_behind(found.mean):
                break
            found = found.join(self.problem.validate(policy, attempt))
        return found

    def _lap(self, name=None):
        now = time.perf_counter()
        if name is not None:
            self.times[name] = now - self.lapped
        self.lapped = now

    def learned(self):
        """The attributes of a fitted policy, as the last finished iteration left them.

        Nothing in them is changed by the iterations that follow.
        """
        kept, experience = self.kept, self.problem.experience
        names = self.problem.feature_names
        critic = copy_critic(self.problem.critic)
        return {
            "classes_": experience.classes,
            "n_features_in_": experience.n_features,
            **({} if names is None else {"feature_names_in_": names}),
            "_columns": self.problem.columns,
            "_observation_encoder": experience.observation_encoder,
            "_action_encoder": experience.action_encoder,
            **parts_of(kept.policy),
            "resolved_params_": self.resolved_params,
            "_policy": kept.policy,
            "_q": kept.q,
            "critic_": critic,
            "best_iteration_": kept.iteration,
            "history_": list(self.history),
            "n_iter_": len(self.history),
            "n_steps_": experience.n_steps,
            "n_validation_steps_": self.n_validation_steps,
            "_state": self._state(critic) if self.estimator.warm_start else None,
        }

    def _state(self, critic):
        """What another run can continue from."""
        problem = self.problem
        names = (*_FIXED, "regressor")
        # As text: the objects themselves would change along with `set_params`.
        parts = parts_as_text(self.estimator, names)
        return State(
            problem.kind,
            problem.experience.classes.tolist(),
            problem.experience.n_features,
            parts,
            self.kept,
            critic,
            list(self.history),
            copy.copy(self.best),
            self.n_validation_steps,
            problem.experience.continuation(),
            self.first,
        )


def last_state(estimator):
    """What to continue from; a warning if the last fit has not kept it."""
    last, n_iter = getattr(estimator, "_state", None), getattr(estimator, "n_iter_", 0)
    if last is None and n_iter:
        warn_user(
            f"warm_start=True starts anew: the {n_iter} iterations so far were made "
            "with warm_start=False, which keeps a policy and nothing to continue from. "
            "Set warm_start=True before the first fit."
        )
    # A fit changes its parts, and may fail.
    return last and last.copy()


def copy_critic(critic):
    """A critic as it is now: `evaluate` replaces attributes, and changes none."""
    copied = copy.copy(critic)
    inner = getattr(critic, "critic_", None)
    if inner is not None:
        copied.critic_ = copy.copy(inner)
    return copied


def parts_of(policy):
    """The attributes of a fitted estimator that are parts of its policy."""
    return {
        "mirror_map_": policy.mirror_map,
        "min_odds_": policy.min_odds,
        "regressor_": policy.f.fitted,
        "step_size_": policy.eta,
    }


def _has_settled(sample, record):
    """Whether the longest step that makes sense led nowhere."""
    is_longest = np.isfinite(sample.largest_step) and (
        record["eta"] >= sample.largest_step
    )
    return is_longest and record["divergence"] <= _SETTLED


def _is_greedy(proba, weight):
    """Whether further steps for the same action values would change next to nothing."""
    return np.average(1 - proba.max(axis=1), weights=weight) <= _GREEDY


def entropy_of(random_state):
    """An integer that seeds everything else."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
