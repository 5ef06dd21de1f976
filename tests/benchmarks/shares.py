"""
Where the time of `AMPOPolicy.fit` goes: environments, regressors, and the rest.

Run with ``python -m tests.benchmarks.shares [ENVIRONMENT ...] [--max-iter 30]`` for a
table of the default policy; tests.benchmarks.control shows the same for its runs.

`Shares` puts timers around the outermost calls of each kind:

* ``environment``: `step` and `reset` of the environments, their wrappers included;
* ``regressor``: `fit`, `partial_fit`, `predict` and the `transform` of features, of the
  regressor given or of each step of a Pipeline; the same arithmetic where the fast path
  does it (sweeps of linear models, linear scores, the fixed point of `LSTDQ`, features
  that are remembered instead of computed); and the scores of the policy during
  rollouts, the regressor's `predict` without its checks.

Times are CPU times of the process, which do not depend on what else the machine does.
The rest is everything else in `fit`: Python and numpy code of
rollouts, storage, targets, mirror maps, step sizes and records, and the cost of the
timers themselves. What runs while the timers are paused counts nowhere.
"""

import argparse
import functools
import time
import warnings
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from sklearn.pipeline import Pipeline

from skampo import AMPOPolicy, _policy
from skampo._run import Run
from skampo.critics import _lstdq, _pooled, _sweeps
from skampo.features import _memory, _split
from skampo.problems import _environments
from skampo.regressors import default_regressor
from skampo.rollouts import _checked_env

REGRESSOR_METHODS = ("fit", "fit_transform", "partial_fit", "predict", "transform")
FAST_PATH = (
    (_sweeps.LinearSweeps, "__init__"),
    (_sweeps.LinearSweeps, "fit"),
    (_sweeps.LinearSweeps, "values"),
    (_pooled.PooledSweeps, "__init__"),
    (_pooled.PooledSweeps, "fit"),
    (_pooled.PooledSweeps, "strengthen"),
    (_pooled.PooledSweeps, "values"),
    (_split.LinearScores, "__call__"),
    (_memory.KnownRows, "extend"),
    (_lstdq.FixedPoint, "__init__"),
    (_lstdq.FixedPoint, "solve"),
)


class Shares:
    """Seconds by kind, of calls that are not inside another one."""

    def __init__(self, regressor):
        self.seconds = defaultdict(float)
        self.is_counted_elsewhere = True
        for owner, name in [*FAST_PATH, *methods_of(regressor)]:
            setattr(owner, name, self.timed(getattr(owner, name), "regressor"))
        self._watch_environments()
        self._watch_rollouts()

    def timed(self, function, kind):
        """The function with a timer around it."""

        @functools.wraps(function)
        def call(*arguments, **keywords):
            if self.is_counted_elsewhere:
                return function(*arguments, **keywords)
            self.is_counted_elsewhere = True
            start = time.process_time()
            try:
                return function(*arguments, **keywords)
            finally:
                self.seconds[kind] += time.process_time() - start
                self.is_counted_elsewhere = False

        return call

    @contextmanager
    def paused(self):
        """Count nothing, not even in the total."""
        start, was_counted = time.process_time(), self.is_counted_elsewhere
        self.is_counted_elsewhere = True
        yield
        self.is_counted_elsewhere = was_counted
        if not was_counted:
            self.seconds["paused"] += time.process_time() - start

    @contextmanager
    def total(self):
        """Count what happens inside, and nothing afterwards."""
        self.seconds.clear()
        start = time.process_time()
        self.is_counted_elsewhere = False
        yield
        self.is_counted_elsewhere = True
        self.seconds["total"] = time.process_time() - start

    def as_percentages(self):
        """Shares of environments, regressors and the rest."""
        total = self.seconds["total"] - self.seconds["paused"]
        environment, regressor = (
            100 * self.seconds[kind] / total for kind in ("environment", "regressor")
        )
        return {
            "environment_share": environment,
            "regressor_share": regressor,
            "rest_share": 100 - environment - regressor,
        }

    def _watch_environments(self):
        make, shares = _checked_env.CheckedEnv.__init__, self

        @functools.wraps(make)
        def watched(env, *arguments, **keywords):
            make(env, *arguments, **keywords)
            environment = env.env
            environment.step = shares.timed(environment.step, "environment")
            environment.reset = shares.timed(environment.reset, "environment")

        _checked_env.CheckedEnv.__init__ = watched

    def _watch_rollouts(self):
        plain, shares = _policy.MirrorPolicy.unchecked, self

        def watched(policy):
            fast = plain(policy)
            return replace(fast, f=shares.timed(fast.f, "regressor"))

        _policy.MirrorPolicy.unchecked = watched


def replaced_validation(watched):
    """Let `watched(validate, run, iterate, record)` validate, in a with statement."""
    validate = Run._validate
    wrapped = functools.partialmethod(_call, watched, validate)
    return patch.object(Run, "_validate", wrapped)


def _call(run, watched, validate, iterate, record):
    return watched(validate, run, iterate, record)


def unlimited_validation():
    """Validate every iterate, whatever it costs, in a with statement."""
    return patch.object(Run, "_can_afford", return_value=True)


def replaced_play(play):
    """Let `play` stand for the episodes of validation, in a with statement."""
    return patch.object(_environments, "play_episodes", play)


def methods_of(regressor):
    """Classes of a regressor and of the steps of a Pipeline, with their methods."""
    is_pipeline = isinstance(regressor, Pipeline)
    parts = [step for _, step in regressor.steps] if is_pipeline else [regressor]
    kinds = {type(part) for part in parts if hasattr(part, "fit")}
    return [(k, name) for k in kinds for name in REGRESSOR_METHODS if hasattr(k, name)]


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description="Where the time of fit goes.")
    parser.add_argument("names", nargs="*", default=["CartPole-v1"])
    parser.add_argument("--max-iter", type=int, default=30)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    shares = Shares(default_regressor(pooled=True))
    print("| environment | CPU s | env.step, % | regressor, % | rest, % |")
    print("|---|---|---|---|---|")
    for name in options.names:
        # Lazy imports are not what is measured.
        AMPOPolicy(max_iter=1).fit(name)
        with shares.total():
            AMPOPolicy(max_iter=options.max_iter, random_state=0).fit(name)
        percentages = [f"{share:.0f}" for share in shares.as_percentages().values()]
        seconds = f"{shares.seconds['total']:.1f}"
        print(f"| {name} | {seconds} | " + " | ".join(percentages) + " |", flush=True)


if __name__ == "__main__":
    main()
