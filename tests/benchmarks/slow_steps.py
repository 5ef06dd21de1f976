"""
Rollouts whose steps wait, in this process and in processes of their own.

Run with ``python -m tests.benchmarks.slow_steps [--milliseconds 5]``. A cell is the
time of a lock-step while CartPole learns, median over the iterations, in ms: of 2
and 8 environments that step one after the other, and at the same time
(``Guarded(env, timeout=60)``).
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


class Waiting(gymnasium.Wrapper):
    """A simulator that takes its time."""

    def __init__(self, seconds):
        super().__init__(gymnasium.make("CartPole-v1"))
        self.seconds = seconds

    def step(self, action):
        """Wait, and step."""
        time.sleep(self.seconds)
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
    env = partial(Waiting, parser.parse_args().milliseconds / 1000)
    print(runs.table(["environments", "one process", "a process each", "times"], []))
    for n_envs in (2, 8):
        here = milliseconds(env, n_envs)
        apart = milliseconds(Guarded(env, timeout=60), n_envs)
        cells = [f"{here:.1f}", f"{apart:.1f}", f"{here / apart:.2f}"]
        print(f"| {n_envs} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
