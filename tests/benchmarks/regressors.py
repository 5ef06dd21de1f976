"""
CartPole with four regressors and the default parameters, as a Markdown table.

Run with ``python -m tests.benchmarks.regressors [--seeds 5]``. CPU seconds are those of
the process that fits; the first iteration counts as solving when the greedy policy's
mean over ten validation episodes reaches 475, found by refitting with early stopping
outside the clock.
"""

import argparse
import os
import time
import warnings

import numpy as np

from skampo import AMPOPolicy
from tests.learning.regressors import REGRESSORS, SOLVED


def measure(regressor, seed):
    """Steps, CPU seconds and score of one fit, and the steps to the first solution."""
    policy = AMPOPolicy(regressor, random_state=seed)
    start = time.process_time()
    policy.fit("CartPole-v1")
    seconds = time.process_time() - start
    watched = AMPOPolicy(
        regressor, random_state=seed, early_stopping=True, n_iter_no_change=None
    ).fit("CartPole-v1")
    solved = [
        record["n_steps"]
        for record in watched.history_
        if record["validation_return"] >= SOLVED
    ]
    first = solved[0] if solved else np.inf
    return policy.score("CartPole-v1"), first, policy.n_steps_, seconds


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    print(
        f"Median of {len(seeds)} seeds (smallest to largest), {os.cpu_count()} cores."
    )
    print()
    print(
        "| regressor | score after fit | steps to 475 | steps of fit | CPU s of fit |"
    )
    print("|---|---|---|---|---|")
    for name, regressor in REGRESSORS.items():
        rows = np.array([measure(regressor, seed) for seed in seeds])
        cells = [
            f"{np.median(c):,.0f} ({c.min():,.0f} to {c.max():,.0f})" for c in rows.T
        ]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
