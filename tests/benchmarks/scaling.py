"""
What a fit costs: against steps stored, features, actions and environments; memory.

Run with ``python -m tests.benchmarks.scaling [--what NAME ...] [--csv PATH]``. Each row
is a process of its own (see runs.py). `Walk` is an environment that costs next to
nothing, with as many features and actions as wanted. One thing is changed at a time:
5 features, 4 actions, 8 environments and 512 steps per iteration otherwise, and the
default regressor. CPU seconds are the mean over the last five iterations, of the whole
iteration and of its rollout. The memory of 500,000 steps is measured with a ridge
behind quadratic features, the largest of the process whenever the steps were taken.
"""

import argparse
import os
import platform
import time
from types import SimpleNamespace

import gymnasium
import numpy as np
from gymnasium import spaces

from skampo import AMPOPolicy
from skampo.rollouts import Rollouts
from tests.benchmarks import runs
from tests.benchmarks.shares import replaced_play

AXES = {
    "steps stored": (512, 2_048, 5_120, 10_240, 20_480, 40_960),
    "features": (1, 5, 25, 125),
    "actions": (2, 4, 8, 16, 32),
    "environments": (1, 2, 8, 32, 128),
}
MEMORY = "steps in all"
MARKS = (5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 250_000, 500_000)
USUAL = {"features": 5, "actions": 4, "environments": 8, "steps stored": 5_120}
STEPS_PER_ITER, N_LAST = 512, 5


class Walk(gymnasium.Env):
    """A bounded random walk; each action pushes along one feature, up or down."""

    def __init__(self, n_features, n_actions):
        self.observation_space = spaces.Box(-2.0, 2.0, (n_features,))
        self.action_space = spaces.Discrete(n_actions)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.place = (
            0,
            self.np_random.uniform(-1.0, 1.0, self.observation_space.shape).astype(
                np.float32
            ),
        )
        return self.place.copy(), {}

    def step(self, action):
        self.t += 1
        pushed, sign = divmod(int(action), 2)
        moved = self.place[pushed % len(self.place)] + (0.1 if sign else -0.1)
        self.place[pushed % len(self.place)] = min(max(moved, -2.0), 2.0)
        return self.place.copy(), float(-abs(self.place[0])), False, self.t == 100, {}


class ClockedPolicy(AMPOPolicy):
    """Notes the CPU seconds and the memory at the end of each iteration."""

    def fit(self, X):
        self.marks = [(0, time.process_time(), runs.peak_memory())]
        with replaced_play(self._mark):
            return super().fit(X)

    def _mark(self, X, policy, **keywords):
        n_steps = self.marks[-1][0] + self.steps_per_iter
        self.marks.append((n_steps, time.process_time(), runs.peak_memory()))
        return SimpleNamespace(returns=np.zeros(1), lengths=np.zeros(1, dtype=int))


def run(what, value, seed=0, cpu_limit=None):
    """One row."""
    if what == MEMORY:
        return memory_after(value, seed)
    size = USUAL | {what: value}
    seconds, rollout = iteration_cost(size, seed)
    return {"seconds": seconds, "rollout": rollout, "memory": runs.peak_memory()}


def iteration_cost(size, seed):
    """CPU seconds of an iteration with so many steps stored, and of its rollout."""

    def make():
        return Walk(size["features"], size["actions"])

    # The capacity is what bounds the steps stored; it is set to be reached.
    n_iter = size["steps stored"] // STEPS_PER_ITER + N_LAST
    policy = ClockedPolicy(
        critic=_critic(size["steps stored"]),
        max_iter=n_iter,
        steps_per_iter=STEPS_PER_ITER,
        n_envs=size["environments"],
        early_stopping=True,
        n_iter_no_change=None,
        random_state=seed,
    ).fit(make)
    _, seconds, _ = np.transpose(policy.marks[-N_LAST - 1 :])
    return np.diff(seconds).mean(), rollout_cost(make, policy, size, seed)


def rollout_cost(make, policy, size, seed):
    """CPU seconds of gathering an iteration's steps with the fitted policy."""
    with Rollouts(
        make, n_envs=size["environments"], steps_per_iter=STEPS_PER_ITER, seed=seed
    ) as experience:
        experience.gather(policy._policy.unchecked())
        start = time.process_time()
        for _ in range(N_LAST):
            experience.gather(policy._policy.unchecked())
        return (time.process_time() - start) / N_LAST


def memory_after(n_steps, seed):
    """Peak memory when the marks were passed, all in one run."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    policy = ClockedPolicy(
        make_pipeline(PolynomialFeatures(2), Ridge(0.1)),
        max_iter=n_steps // 5_000,
        steps_per_iter=5_000,
        early_stopping=True,
        n_iter_no_change=None,
        random_state=seed,
    ).fit(lambda: Walk(5, 4))
    taken, seconds, memory = np.transpose(policy.marks)
    at = {f"MB at {mark:,}": memory[taken == mark][0] for mark in MARKS}
    return {"seconds": seconds[-1] - seconds[0], "memory": memory[-1], **at}


def _critic(capacity):
    from skampo.critics import FittedQ

    return FittedQ(capacity=capacity)


def report(rows):
    """One table for the costs, one for the memory."""
    lines, marks = [], []
    for row in rows:
        if row["what"] == MEMORY:
            marks = [f"{row[f'MB at {mark:,}']:.0f}" for mark in MARKS]
            continue
        cells = f"{row['seconds']:.3f}", f"{row['rollout']:.3f}", f"{row['memory']:.0f}"
        lines.append([row["what"], f"{row['value']:,}", *cells])
    titles = ["changed", "to", "CPU s of an iteration", "of its rollout", "MB"]
    parts = [runs.table(titles, lines)] if lines else []
    if marks:
        parts.append(runs.table([MEMORY, *map("{:,}".format, MARKS)], [["MB", *marks]]))
    return "\n\n".join(parts)


def main():
    """Measure what is missing and print the tables, or do one job."""
    parser = argparse.ArgumentParser(description="What a fit costs.")
    runs.add_arguments(parser)
    parser.add_argument("--what", nargs="+", default=[*AXES, MEMORY])
    options = parser.parse_args()
    if options.job is not None:
        runs.print_row(run, options.job)
        return
    values = AXES | {MEMORY: (MARKS[-1],)}
    jobs = [
        {"what": what, "value": value}
        for what in options.what
        for value in values[what]
    ]
    rows = runs.do_all("tests.benchmarks.scaling", jobs, options)
    versions = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    runs.show(f"{versions}\n\n{report(rows)}", options.markdown)


if __name__ == "__main__":
    main()
