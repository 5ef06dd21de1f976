"""
The default policy on classic control and LunarLander: what it needs, and its peers.

Run with ``python -m tests.benchmarks.control [--envs NAME ...] [--seeds 5] [--peers]
[--regressors default lightgbm ...] [--csv PATH] [--markdown PATH]``. Each environment,
learner and seed is a process of its own (see runs.py), run one after another unless
``--jobs`` says otherwise. Cells are medians over the seeds, with the smallest and the
largest in parentheses.

Nothing is set for an environment but the budget. Every 512 steps (LunarLander: 10,240),
at the end of the iteration that reaches them, the greedy policy plays 20 episodes
outside the clock; the threshold is passed at the first mean return that reaches it,
and a run that does not pass counts as longer than all that do.
`early_stopping` keeps the best iterate, which then plays 100 fresh episodes. CPU
seconds are those of the process, from the start of `fit` to the threshold; a run is cut
when it has learned for ``--cpu-limit`` seconds. Memory is the largest of the process
until the end of `fit`, imports included. What the shares of time mean is in shares.py.

``--peers`` adds the best tuned peer of each environment, ``--peers A2C PPO DQN TRPO``
those that were tuned for it (see peers.py); they need ``pip install "skampo[bench]"``.
"""

import argparse
import os
import platform
from typing import NamedTuple

import numpy as np

from tests.benchmarks import runs


class Task(NamedTuple):
    """An environment's threshold, the steps between evaluations, and the budget."""

    threshold: float
    evaluate_every: int
    max_steps: int


TASKS = {
    "CartPole-v1": Task(475.0, 512, 10_240),
    "Acrobot-v1": Task(-85.0, 512, 25_600),
    "MountainCar-v0": Task(-110.0, 512, 20_480),
    "LunarLander-v3": Task(200.0, 10_240, 250_000),
}
REGRESSORS = ("default", "lightgbm", "extra_trees", "mlp")


def run(environment, learner, seed, cpu_limit):
    """One row; what learns is imported only in the process that measures it."""
    if learner in REGRESSORS:
        from tests.benchmarks.learners import run as run_one
    else:
        from tests.benchmarks.peers import run as run_one
    return run_one(environment, TASKS[environment], learner, seed, cpu_limit)


def jobs_of(options):
    """What there is to measure."""
    learners = {name: list(options.regressors) for name in options.envs}
    if options.peers is not None:
        from tests.benchmarks.peers import BEST, PEERS

        for name in options.envs:
            peers = options.peers or BEST[name]
            learners[name] += [peer for peer in peers if (name, peer) in PEERS]
    return [
        {
            "environment": name,
            "learner": learner,
            "seed": seed,
            "cpu_limit": options.cpu_limit,
        }
        for name in options.envs
        for learner in learners[name]
        for seed in range(options.seeds)
    ]


TITLES = ["environment", "learner", "passed", "steps", "CPU s", "next 10"]
TITLES += ["worst of them", "kept, 100 episodes", "best", "MB"]
SHARES = ["environment", "learner", "whole run: steps", "CPU s", "env.step, %"]
SHARES += ["regressor, %", "rest, %", "validation, CPU s"]


def report(rows):
    """Both tables."""
    lines, shares = [], []
    groups = dict.fromkeys((row["environment"], row["learner"]) for row in rows)
    for name, learner in groups:
        found = [r for r in rows if (r["environment"], r["learner"]) == (name, learner)]
        column = {key: [row[key] for row in found] for key in found[0]}
        n_passed = int(np.isfinite(column["steps"]).sum())
        threshold = TASKS[name].threshold
        lines.append(
            [
                f"{name} >= {threshold:.0f}",
                learner,
                f"{n_passed} of {len(found)}",
                runs.cost_cell(column["steps"]),
                runs.cost_cell(column["seconds"], 2),
                *(runs.cell(column[key]) for key in ("after", "worst")),
                *(runs.cell(column[key]) for key in ("kept", "best", "memory")),
            ]
        )
        if np.isfinite(column["rest_share"]).any():
            kinds = ("environment_share", "regressor_share", "rest_share")
            shares.append(
                [
                    name,
                    learner,
                    runs.cell(column["total_steps"]),
                    runs.cell(column["total_seconds"], 1),
                    *(runs.cell(column[kind]) for kind in kinds),
                    runs.cell(column["validation_seconds"], 1),
                ]
            )
    return runs.table(TITLES, lines) + "\n\n" + runs.table(SHARES, shares)


def main():
    """Measure what is missing and print the tables, or do one job."""
    parser = argparse.ArgumentParser(description="The default on classic control.")
    runs.add_arguments(parser)
    parser.add_argument("--envs", nargs="+", default=list(TASKS)[:3], choices=TASKS)
    parser.add_argument(
        "--regressors", nargs="*", default=["default"], choices=REGRESSORS
    )
    parser.add_argument(
        "--peers", nargs="*", choices=("A2C", "PPO", "DQN", "TRPO"), metavar="NAME"
    )
    parser.add_argument("--cpu-limit", type=float, default=600.0)
    options = parser.parse_args()
    if options.job is not None:
        runs.print_row(run, options.job)
        return
    rows = runs.do_all("tests.benchmarks.control", jobs_of(options), options)
    versions = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    runs.show(f"{versions}\n\n{report(rows)}", options.markdown)


if __name__ == "__main__":
    main()
