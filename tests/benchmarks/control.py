"""
The default policy on classic control: what it needs to pass a threshold.

Run with ``python -m tests.benchmarks.control [--envs NAME ...] [--seeds 5] [--peers]``;
``--peers`` adds the best tuned peer of stable-baselines3 (see peers.py). After
every iteration of 512 steps the greedy policy plays 20 episodes outside the clock; the
threshold is passed at the first mean return that reaches it. Nothing is set for an
environment but the budget. Cells are medians over the seeds, with the smallest and the
largest in parentheses; CPU seconds are those of the process.
"""

import argparse
import os
import platform
import time
import warnings
from typing import NamedTuple

import numpy as np

from skampo import AMPOPolicy


class Task(NamedTuple):
    """An environment's threshold, and the iterations to give."""

    threshold: float
    max_iter: int


TASKS = {
    "CartPole-v1": Task(475.0, 20),
    "Acrobot-v1": Task(-85.0, 30),
    "MountainCar-v0": Task(-110.0, 30),
}
N_AFTER = 10


class TimedPolicy(AMPOPolicy):
    """Notes the CPU seconds of learning at each validation, which do not count."""

    def _play(self, X, n_episodes, **keywords):
        start = time.process_time()
        self.seconds.append(start - self.started - self.excluded)
        results = super()._play(X, n_episodes, **keywords)
        self.excluded += time.process_time() - start
        return results


class Row(NamedTuple):
    """What one fit needed and reached."""

    steps: float
    seconds: float
    after: float
    worst: float
    kept: float


def measure(name, seed):
    """One fit, and the policy that it keeps on 100 fresh episodes."""
    threshold, max_iter = TASKS[name]
    policy = TimedPolicy(
        max_iter=max_iter,
        early_stopping=True,
        validation_episodes=20,
        n_iter_no_change=None,
        random_state=seed,
    )
    policy.seconds, policy.excluded = [], 0.0
    policy.started = time.process_time()
    policy.fit(name)
    returns = np.array([record["validation_return"] for record in policy.history_])
    kept = policy.score(name, n_episodes=100)
    passed = np.flatnonzero(returns >= threshold)
    if not len(passed):
        return Row(np.nan, np.nan, np.nan, np.nan, kept)
    first = passed[0]
    after = returns[first + 1 : first + 1 + N_AFTER]
    steps = policy.history_[first]["n_steps"]
    return Row(steps, policy.seconds[first], after.mean(), after.min(), kept)


def cell(values, decimals=0):
    """Median and range of what there is."""
    known = values[np.isfinite(values)]
    if not len(known):
        return "-"
    numbers = np.median(known), known.min(), known.max()
    return "{} ({} to {})".format(*(f"{number:,.{decimals}f}" for number in numbers))


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description="The default on classic control.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--envs", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    titles = ["environment", "threshold", "passed", "steps", "CPU s"]
    titles += [f"next {N_AFTER}", "worst of them", "kept, 100 episodes"]
    print("| " + " | ".join(titles) + " |")
    print("|---" * len(titles) + "|")
    for name in options.envs:
        rows = np.array([measure(name, seed) for seed in range(options.seeds)])
        passed = f"{np.isfinite(rows[:, 0]).sum()} of {len(rows)}"
        cells = [cell(column, 2 if i == 1 else 0) for i, column in enumerate(rows.T)]
        line = [name, f"{TASKS[name].threshold:.0f}", passed, *cells]
        print("| " + " | ".join(line) + " |", flush=True)
        if options.peers:
            print_peer(name, options.seeds)


def print_peer(name, n_seeds):
    """One row for the best tuned peer."""
    from tests.benchmarks.peers import PEERS, peer_needs

    threshold = TASKS[name].threshold
    rows = np.array([peer_needs(name, threshold, seed) for seed in range(n_seeds)])
    passed = f"{np.isfinite(rows[:, 0]).sum()} of {n_seeds}"
    cells = [cell(rows[:, 0]), cell(rows[:, 1], 2), "", "", ""]
    line = [f"{name}, {PEERS[name][0]}", f"{threshold:.0f}", passed, *cells]
    print("| " + " | ".join(line) + " |", flush=True)


if __name__ == "__main__":
    main()
