"""
Rollouts whose steps take long, in this process and in processes of their own.

Run with ``python -m tests.benchmarks.slow_steps [--milliseconds 5] [--compute]``. A
cell is the time of a lock-step while CartPole learns, median over the iterations, in
ms: of 2 and 8 environments that step one after the other, and at the same time
(``Guarded(env, timeout=60)``). A step waits, as for another machine, or computes for
as many milliseconds of CPU time, so that no more than the cores can be gained.
"""

import argparse
import time
from functools import partial

import gymnasium
import numpy as np

from skampo import AMPOPolicy
from skampo.rollouts import Guarded
from tests.benchmarks import runs

N_LOCKSTEPS = 60


def compute(seconds):
    """Take CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


class Slow(gymnasium.Wrapper):
    """A simulator that takes its time."""

    def __init__(self, spend, seconds):
        super().__init__(gymnasium.make("CartPole-v1"))
        self.spend, self.seconds = spend, seconds

    def step(self, action):
        """Wait or compute, and step."""
        self.spend(self.seconds)
        return super().step(action)


def milliseconds(env, n_envs):
    """Of a lock-step."""
    steps = N_LOCKSTEPS * n_envs
    options = {"steps_per_iter": steps, "n_envs": n_envs, "max_iter": 5}
    policy = AMPOPolicy(random_state=0, **options).fit(env)
    times = [record["rollout_time"] for record in policy.history_]
    return 1000 * float(np.median(times)) / N_LOCKSTEPS


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--milliseconds", type=float, default=5.0)
    parser.add_argument("--compute", action="store_true", help="instead of waiting")
    options = parser.parse_args()
    spend = compute if options.compute else time.sleep
    env = partial(Slow, spend, options.milliseconds / 1000)
    print(runs.table(["environments", "one process", "a process each", "times"], []))
    for n_envs in (2, 8):
        here = milliseconds(env, n_envs)
        apart = milliseconds(Guarded(env, timeout=60), n_envs)
        cells = [f"{here:.1f}", f"{apart:.1f}", f"{here / apart:.2f}"]
        print(f"| {n_envs} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
