"""
CartPole with four regressors and the default parameters, as a Markdown table.

Run with ``python -m tests.benchmarks.regressors [--seeds 5] [NAME ...]``. A row is the
median over the seeds, with the smallest and the largest in parentheses. CPU seconds are
those of the process while it fits; the score is the mean return of the last policy on
20 greedy episodes, without any selection.
"""

import argparse
import os
import platform
import time
import warnings

import numpy as np

from skampo import AMPOPolicy
from tests.learning.regressors import REGRESSORS


def measure(regressor, seed):
    """Score, environment steps and CPU seconds of one fit."""
    policy = AMPOPolicy(regressor, random_state=seed)
    start = time.process_time()
    policy.fit("CartPole-v1")
    seconds = time.process_time() - start
    return policy.score("CartPole-v1"), policy.n_steps_, seconds


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description="CartPole with four regressors.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("names", nargs="*", default=list(REGRESSORS), metavar="NAME")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, ", end="")
    print(f"{options.seeds} seeds\n")
    print("| regressor | score of the last policy | environment steps | CPU s |")
    print("|---|---|---|---|")
    for name in options.names:
        rows = np.array(
            [measure(REGRESSORS[name], seed) for seed in range(options.seeds)]
        )
        cells = [
            f"{np.median(c):,.0f} ({c.min():,.0f} to {c.max():,.0f})" for c in rows.T
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
