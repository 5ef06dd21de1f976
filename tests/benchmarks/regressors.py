"""
Fifteen classes of policies on classic control, everything else at its default.

Run with ``python -m tests.benchmarks.regressors [--envs NAME ...] [--seeds 5]
[--regressors NAME ...] [--csv PATH] [--markdown PATH]``. Every 512 steps the greedy
policy plays 20 episodes outside the clock, as in control.py; the thresholds are 475 on
CartPole, -110 on MountainCar and -90 on Acrobot. A run is cut when it has learned for
``--cpu-limit`` seconds. ``--envs LunarLander-v3`` is for those who ask for it: 100,000
steps with an evaluation every 10,240, threshold 200.
"""

import argparse
import os
import platform

import numpy as np

from tests.benchmarks import runs
from tests.benchmarks.control import Task
from tests.benchmarks.learners import NAMES

TASKS = {
    "CartPole-v1": Task(475.0, 512, 5_120),
    "MountainCar-v0": Task(-110.0, 512, 8_192),
    "Acrobot-v1": Task(-90.0, 512, 10_240),
    "LunarLander-v3": Task(200.0, 10_240, 100_000),
}
DEFAULT_TASKS = ("CartPole-v1", "MountainCar-v0", "Acrobot-v1")
TITLES = ["environment", "regressor", "passed", "steps", "CPU s", "next 10"]
TITLES += ["kept, 100 episodes", "best", "whole run: CPU s"]


def run(environment, learner, seed, cpu_limit):
    """One row; what learns is imported only in the process that measures it."""
    from tests.benchmarks.learners import run as run_one

    return run_one(environment, TASKS[environment], learner, seed, cpu_limit)


def jobs_of(options):
    """What there is to measure, seed by seed, so that all have some soon."""
    return [
        {
            "environment": name,
            "learner": learner,
            "seed": seed,
            "cpu_limit": options.cpu_limit,
        }
        for seed in range(options.seeds)
        for name in options.envs
        for learner in options.regressors
    ]


def report(rows):
    """The table."""
    lines = []
    for name, learner in dict.fromkeys((r["environment"], r["learner"]) for r in rows):
        found = [r for r in rows if (r["environment"], r["learner"]) == (name, learner)]
        column = {key: [row[key] for row in found] for key in found[0]}
        n_passed = int(np.isfinite(column["steps"]).sum())
        lines.append(
            [
                f"{name} >= {TASKS[name].threshold:.0f}",
                learner,
                f"{n_passed} of {len(found)}",
                runs.cost_cell(column["steps"]),
                runs.cost_cell(column["seconds"], 1),
                *(runs.cell(column[key]) for key in ("after", "kept", "best")),
                runs.cell(column["total_seconds"], 1),
            ]
        )
    return runs.table(TITLES, lines)


def main():
    """Measure what is missing and print the table, or do one job."""
    parser = argparse.ArgumentParser(description="Classes of policies.")
    runs.add_arguments(parser)
    parser.add_argument("--envs", nargs="+", default=DEFAULT_TASKS, choices=TASKS)
    parser.add_argument("--regressors", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--cpu-limit", type=float, default=60.0)
    options = parser.parse_args()
    if options.job is not None:
        runs.print_row(run, options.job)
        return
    rows = runs.do_all("tests.benchmarks.regressors", jobs_of(options), options)
    versions = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    runs.show(f"{versions}\n\n{report(rows)}", options.markdown)


if __name__ == "__main__":
    main()
