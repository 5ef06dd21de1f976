"""One call of `fit`: the problem, the parts that solve it, and what they recorded."""

import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from joblib import hash as hash_of
from sklearn.base import clone
from sklearn.utils import check_random_state

from skampo._average import averaged_iterates, recent_iterates
from skampo._history import (
    BestIterate,
    Iterate,
    LineOneFit,
    Validation,
    are_alike,
    best_return,
    iteration_record,
    lower_end,
    progress_line,
    warn_about_episodes,
    warn_about_fit,
    warn_about_values,
    without_differences,
)
from skampo._policy import MirrorPolicy
from skampo._state import (
    FirstStep,
    State,
    check_continues,
    copy_critic,
    parts_as_text,
)
from skampo.critics import CriticSetting
from skampo.critics._repeats import Reweighted
from skampo.encodings import Encoding
from skampo.encodings._base import PASSES, Learner
from skampo.encodings._scores import zero_scores
from skampo.features._memory import FeatureMemory
from skampo.features._split import compose, continuation
from skampo.features._steps import flatten
from skampo.mirror_maps import MirrorMap
from skampo.problems._base import Problem
from skampo.regressors._default import given_or
from skampo.rollouts._seeding import VALIDATIONS
from skampo.step_sizes import StepSize
from skampo.utils._stopwatch import Stopwatch
from skampo.utils._validation import resolve

# Apart from the streams of the environments' seeds.
_REGRESSION_STREAM = 10
# Apart from all others: nothing that is learned depends on what is measured.
_ERROR_STREAM = 11
# Nor on what is returned in the end.
_MEAN_STREAM = 12
# A thousandth of the divergence of a step of the default step size.
_SETTLED = 1e-4
# Mean probability of all actions but the best, where action values stay the same.
_GREEDY = 1e-3
# Iterates that follow each other are alike, and one alone plays few episodes.
_ALIKE = 5
# The stored policy and critic were made from these.
_FIXED = ("mirror_map", "critic")
# With the same data and seed, these decide what is learned.
_DECIDING = (
    "regressor",
    "step_size",
    "encoding",
    "gamma",
    "min_odds",
    "average",
    *_FIXED,
)


@dataclass(eq=False)
class Run:
    """The parts of one `fit` and everything that it records."""

    asked: Any
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
    #: The iterate that plays next.
    last: Iterate
    n_validation_steps: int = 0
    #: The iterates that played last, and their episodes.
    recent: list = field(default_factory=list)
    warned: set = field(default_factory=set)
    clock: Stopwatch = field(default_factory=Stopwatch)
    first_step: int = 0
    #: The iteration that does not follow any more.
    end: int = 0
    #: The step from the uniform policy, which later steps may repeat.
    first: Any = None
    repeats: bool = False
    stop: bool = False
    #: Whether more of the same iterations would lead nowhere.
    settled: bool = False
    memory: FeatureMemory = field(default_factory=FeatureMemory)
    #: Share of the iterations whose mean is returned, their iterates, and the states.
    average: float = 0.0
    window: tuple = ()
    sample: Any = None
    mean: Any = None
    #: The last iterate, if validation could not afford to score it.
    unscored: Any = None
    #: What measures the critic, None if nobody asked.
    reweighted: Any = None

    @classmethod
    def of(cls, asked, problem, seed, last):
        """Set up the run of an estimator, from the start or from a last state."""
        zero = zero_scores(len(problem.classes))
        encoding = resolve(asked.encoding, Encoding.by_name)
        policy = MirrorPolicy(resolve(asked.mirror_map, MirrorMap.by_name), zero)
        encoding.check(policy.mirror_map)
        if last:
            check_continues(asked, problem, last, (*_FIXED, *encoding.fixed))
        q = zero if problem.critic.estimates_values else None
        kept = last.kept if last else Iterate(policy, q, 0)
        min_odds = _given(asked, problem, encoding, "min_odds")
        average = _given(asked, problem, encoding, "average")
        regressor = given_or(asked.regressor, lambda: problem.suggested)
        resolved_params = {
            "regressor": clone(regressor),
            "critic": asked.critic,
            "min_odds": min_odds,
            "average": average,
        }
        if problem.critic.estimates_values:
            resolved_params["critic"] = problem.resolved_critic()
        run = cls(
            asked,
            problem,
            replace(kept.policy, min_odds=min_odds),
            zero,
            kept,
            resolve(asked.step_size, StepSize.by_name),
            encoding,
            problem.give_table(flatten(regressor)),
            resolved_params,
            seed,
            # A list of its own: the history of the last fit stays if this one fails.
            list(last.history) if last else [],
            last.best if last else BestIterate(),
            kept,
            last.n_validation_steps if last else 0,
            first_step=problem.n_steps,
            first=last.first if last else None,
            # One policy is kept, and the others need not be held.
            average=0.0 if asked.early_stopping else average,
            window=last.window if last else (),
            mean=last.mean if last else None,
            reweighted=_reweighted(problem) if asked.critic_error else None,
        )
        if last:
            problem.recall(last, run.memory)
            # One longer fit would have stopped there as well.
            run.settled = last.settled != "" and last.settled == run.digest
            run.stop = run.settled
        return run

    @cached_property
    def digest(self):
        """Letters that stand for the data and for what decides what is learned."""
        parts = parts_as_text(self.asked, _DECIDING)
        return hash_of((self.problem.digest, parts, self.seed))

    def iterations(self, max_iter):
        """Numbers t of the iterations, from where the history ends, until a stop."""
        first = len(self.history)
        self.end = first + max_iter
        for t in range(first, self.end):
            if self.stop:
                return
            # Do not count time spent in callbacks.
            self.clock.lap()
            yield t

    @property
    def is_over(self):
        """Whether no iteration follows."""
        return self.stop or len(self.history) == self.end

    def generator(self, t, stream=_REGRESSION_STREAM):
        """The source of all random choices of iteration t, whatever came before."""
        seeds = np.random.SeedSequence(self.seed, spawn_key=(stream, t))
        return np.random.default_rng(seeds)

    def gather(self, policy):
        """Data of the policy."""
        transitions = self.problem.gather(policy.unchecked())
        self.clock.lap("rollout_time")
        return transitions

    def evaluate(self, policy, transitions, rng):
        """The critic's action values."""
        setting = CriticSetting(
            len(self.problem.classes),
            self.problem.gamma,
            self.regressor,
            self.encoding,
            rng,
            self.asked.n_jobs,
            self.memory,
            self.problem.suggested,
            rng if not self.history else self.generator(0),
        )
        if self.asked.warm_start and not self.problem.is_fixed:
            # A fit that goes on from a file has no features yet, and those of more rows
            # at once differ in the last bit.
            self.memory.forget()
        sample = self.problem.critic.evaluate(policy, transitions, setting)
        errors = self._measure(policy, transitions, setting, sample)
        sample = replace(self._look_at_values(sample, transitions), errors=errors)
        self.clock.lap("critic_time")
        return sample

    def _measure(self, policy, transitions, setting, sample):
        """Errors of the action values: none where they are exact, None if unknown."""
        critic = self.problem.critic
        if not critic.estimates_values or critic.needs_model:
            return np.zeros_like(sample.q_values)
        if self.reweighted is None:
            return None
        rng = self.generator(len(self.history), _ERROR_STREAM)
        return self.reweighted.error(policy, transitions, setting, sample, rng)

    def _look_at_values(self, sample, transitions):
        """The sample, without differences that can only be errors."""
        critic, returns = self.problem.critic, self.problem.episode_returns
        # What a model or labels say is exact.
        if not critic.estimates_values or critic.needs_model:
            return sample
        if not self.problem.is_fixed and are_alike(transitions, returns, self.history):
            warn_about_episodes(returns, self.history, self.warned)
            return without_differences(sample)
        warn_about_values(sample.q_values, transitions, self.warned)
        return sample

    def regress(self, policy, sample, target, rng):
        """Line 1: scores fitted to the target, unless its solution is known."""
        again = self._add(policy, sample, target.eta)
        self.repeats = again is not None
        if self.repeats:
            return again
        if policy.f is not self.zero:
            return self._fit(policy, sample, target, rng)
        # From the uniform policy the target is Q alone.
        known = sample.scores if self.encoding.fits_dual else None
        f = known or self._fit(policy, sample, target, rng)
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

    def _fit(self, policy, sample, target, rng):
        """Fit line 1, on the critic's features if they are shared."""
        transformer, model = self.encoding.split(self.regressor, sample, policy.f, rng)
        start = continuation(policy.f, transformer)
        learner = Learner(model, rng, self.asked.n_jobs, start, PASSES)
        features = sample.features(transformer)
        scores = self.encoding.fit(learner, features, target, sample.sample_weight)
        return compose(transformer, scores, self.regressor)

    def record(self, t, policy, sample, here, target):
        """Write the iteration down, keep what is best, see whether to stop."""
        fitted = sample.evaluate(policy.f)
        after = policy.project(fitted)
        self.clock.lap("fit_time")
        weights = self.encoding.action_weights(target)
        line_one = LineOneFit(target.values, fitted, weights)
        warn_about_fit(line_one, sample.sample_weight, self.warned)
        record = iteration_record(
            t, self.problem, sample, here, after, line_one, policy.eta
        )
        record["critic_error"] = line_one.mean_square(
            sample.errors, sample.sample_weight
        )
        iterate = Iterate(policy, getattr(self.problem.critic, "q_", None), t + 1)
        self.sample, self.mean = sample, None
        self.window = recent_iterates(
            (*self.window, replace(iterate, q=None)), self.average
        )
        self.clock.lap()
        validation, self.stop = self._validate(iterate, record)
        # New data may move a policy that has settled.
        self.settled = self.problem.is_fixed and _has_settled(sample, record)
        if self.repeats and _is_greedy(after, sample.sample_weight):
            self.settled = True
        self.stop = self.stop or self.settled
        record["validation_return"] = validation.mean
        record["validation_std"] = validation.std
        record["n_validation_steps"] = self.n_validation_steps
        self.clock.lap("validation_time")
        # Last of all, so that a validation that fails leaves no record.
        self.history.append(record | self.clock.laps)
        if self.asked.verbose:
            n_steps = record["n_steps"] - self.first_step
            print(progress_line(self.history, self.clock.seconds, n_steps))

    def _validate(self, iterate, record):
        """What the policy is worth, and whether that says stop."""
        self.kept = iterate
        if not self.asked.early_stopping:
            return Validation(), False
        # What a model computes takes no episodes.
        if self.problem.n_steps and not self.asked.validation_episodes:
            return Validation(), self._rank(iterate, record)
        found, patience = Validation(), self.asked.n_iter_no_change
        self.unscored = None if self._can_afford(found) else iterate
        if self.unscored is None:
            found = self._play(iterate.policy)
            stop = self.best.update(found.mean, iterate, patience)
        else:
            # The episodes of learning cost nothing, and say whether it still improves.
            is_worse = record["return_mean"] <= best_return(self.history)
            stop = is_worse and self.best.wait(patience)
        self.kept = self.best.iterate
        return found, stop

    def _rank(self, iterate, record):
        """Keep the iterate that learned with the best episodes; whether to stop."""
        # They were played by the iterate before.
        played = self.last, Validation.of_learning(record)
        self.last = iterate
        self.recent = [*self.recent[1 - _ALIKE :], played]
        lower = lower_end([found for _, found in self.recent])
        stop = False
        if len(self.recent) == _ALIKE and lower is not None:
            middle, patience = self.recent[_ALIKE // 2][0], self.asked.n_iter_no_change
            stop = self.best.update(lower, middle, patience)
        self.kept = self.best.iterate or iterate
        return stop

    def _can_afford(self, found):
        """Whether validation, with what was found, took no more steps than learning."""
        n_steps = self.n_validation_steps + found.n_steps
        return n_steps <= self.problem.n_steps

    def _play(self, policy):
        """Score a policy; if it is the best so far, on more episodes."""
        found = self.problem.validate(policy)
        for attempt in range(1, len(VALIDATIONS)):
            # What was computed exactly has no episodes.
            if not found.n_episodes or not self.best.is_worse_than(found.mean):
                break
            if not self._can_afford(found):
                break
            found = found.join(self.problem.validate(policy, attempt))
        self.n_validation_steps += found.n_steps
        return found

    def finish(self):
        """Take the mean or score the last policy; tell whether that was still to do."""
        return self._take_mean() or self._score_last()

    def _score_last(self):
        """Score the last policy where earlier scores took the steps; tell whether."""
        iterate, self.unscored = self.unscored, None
        if iterate is None:
            return False
        found = self._play(iterate.policy)
        self.best.update(found.mean, iterate, None)
        self.kept = self.best.iterate
        self.clock.lap("validation_time")
        scored = {
            "validation_return": found.mean,
            "validation_std": found.std,
            "n_validation_steps": self.n_validation_steps,
        }
        self.history[-1] = self.history[-1] | scored | self.clock.laps
        return True

    def _take_mean(self):
        """Fit the mean of the last policies; tell whether there are several."""
        if self.mean is not None or not self.window:
            return False
        returns = [record["return_mean"] for record in self.history]
        iterates = averaged_iterates(self.window, self.average, returns)
        policies = [iterate.policy for iterate in iterates]
        # Greedy scores are in units of the return, and have no mean with others.
        is_mean = len(policies) > 1 and np.isfinite([p.eta for p in policies]).all()
        if self.sample is None or not is_mean:
            return False
        here = [policy.at(self.sample) for policy in policies]
        # line 1 without action values: f ≈ η⁻¹ mean ∇h(πᵢ)
        mean = replace(here[-1], dual=np.mean([table.dual for table in here], axis=0))
        nothing = np.zeros_like(mean.dual)
        target = mean.target(nothing, policies[-1].eta, self.sample.action_weights)
        rng = self.generator(len(self.history), _MEAN_STREAM)
        f = self._fit(policies[-1], self.sample, target, rng)
        self.mean = policies[-1].improve(f, policies[-1].eta)
        return True

    def close(self):
        """Close the environments."""
        self.problem.close()

    def learned(self):
        """The attributes of a fitted policy, as the last finished iteration left them.

        Nothing in them is changed by the iterations that follow.
        """
        kept, problem = self.kept, self.problem
        policy = self.mean or kept.policy
        names = problem.feature_names
        critic = copy_critic(problem.critic)
        return {
            "classes_": problem.classes,
            "n_features_in_": problem.n_features,
            **({} if names is None else {"feature_names_in_": names}),
            "_columns": problem.columns,
            "_observation_encoder": problem.observation_encoder,
            "_action_encoder": problem.action_encoder,
            **parts_of(policy),
            "resolved_params_": self.resolved_params,
            "_policy": policy,
            "_q": kept.q,
            "critic_": critic,
            "best_iteration_": kept.iteration,
            "history_": list(self.history),
            "n_iter_": len(self.history),
            "n_steps_": problem.n_steps,
            "n_validation_steps_": self.n_validation_steps,
            "_state": self._state(critic) if self.asked.warm_start else None,
        }

    def _state(self, critic):
        """What another run can continue from."""
        problem = self.problem
        names = (*_FIXED, "regressor")
        # As text: the objects themselves would change along with `set_params`.
        parts = parts_as_text(self.asked, names)
        return State(
            problem.name,
            problem.classes.tolist(),
            problem.n_features,
            parts,
            self.kept,
            critic,
            list(self.history),
            copy.copy(self.best),
            self.n_validation_steps,
            problem.continuation(),
            self.first,
            self.window,
            self.mean,
            # Rows are hashed only where the state is kept.
            self.digest if self.settled else "",
        )


def parts_of(policy):
    """The attributes of a fitted estimator that are parts of its policy."""
    return {
        "mirror_map_": policy.mirror_map,
        "min_odds_": policy.min_odds,
        "regressor_": policy.f.fitted,
        "step_size_": policy.eta,
    }


def _given(asked, problem, encoding, name):
    """A parameter or its default for the problem, 0 where line 1 fits no duals."""
    value = getattr(asked, name)
    if value is None:
        value = getattr(problem, name) if encoding.fits_dual else 0.0
    return value


def _reweighted(problem):
    """Critics beside the one of the problem, which start with its last values."""
    return Reweighted(copy_critic(problem.critic), copy_critic(problem.critic))


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
