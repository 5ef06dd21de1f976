"""
Exact evaluation of one policy on random models, as a Markdown table.

Run with ``python -m tests.benchmarks.models``. Every row is a process of its own. It
makes a model, evaluates the uniform policy (values and action values), and prints the
CPU seconds of the evaluation alone (the median of three) and of policy iteration, the
peak memory of the whole process before that, and the certified error of the evaluation:
the largest residual divided by ``1 - gamma``. The first row makes a model of two
states, so that its memory is that of the imports.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import time

import numpy as np

from skampo.mdp import make_random_mdp

N_ACTIONS = 8
ROWS = [
    ("dense", 2, 2, 0.99),
    *(("dense", 1_000, n_successors, 0.99) for n_successors in (10, 40)),
    *(("sparse", 1_000, n_successors, 0.99) for n_successors in (5, 10, 20, 40)),
    *(("sparse", 10_000, n_successors, 0.99) for n_successors in (5, 10, 20, 40)),
    ("sparse", 10_000, 10, 0.999),
]


def measure(form, n_states, n_successors, gamma):
    """One row of the table."""
    mdp = make_random_mdp(
        n_states,
        N_ACTIONS,
        n_successors=n_successors,
        sparse=form == "sparse",
        random_state=0,
    )
    proba = np.full(mdp.reward.shape, 1 / N_ACTIONS)
    seconds = [evaluate(mdp, proba, gamma)[1] for _ in range(3)]
    values = evaluate(mdp, proba, gamma)[0]
    residual = np.abs(mdp.policy_bellman(values, proba, gamma) - values).max()
    # Linux counts in kB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    start = time.process_time()
    mdp.solve(gamma)
    solving = time.process_time() - start
    return (
        f"| {form} | {n_states:,} | {n_successors} | {gamma} | "
        f"{np.median(seconds):.3f} | {memory:,.0f} | {residual / (1 - gamma):.0e} | "
        f"{values.max():,.0f} | {solving:.2f} |"
    )


def evaluate(mdp, proba, gamma):
    """Values, and the CPU seconds for them and the action values."""
    start = time.process_time()
    values = mdp.values(proba, gamma)
    mdp.look_ahead(values, gamma)
    return values, time.process_time() - start


def main():
    """Print the table, or the row that was asked for."""
    parser = argparse.ArgumentParser(description="Exact evaluation of one policy.")
    parser.add_argument("--row", type=int, help="print only this row")
    options = parser.parse_args()
    if options.row is not None:
        print(measure(*ROWS[options.row]))
        return
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, ", end="")
    print(f"{N_ACTIONS} actions\n")
    print("| form | states | successors | gamma | evaluation, s | MB ", end="")
    print("| error | largest value | solve, s |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for row in range(len(ROWS)):
        command = [sys.executable, "-m", "tests.benchmarks.models", "--row", str(row)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
