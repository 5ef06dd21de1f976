"""
Solvers of finite models beside each other, as a Markdown table.

Run with ``python -m tests.benchmarks.solvers``. Every cell is a process of its own,
that makes the model, and solves a small one first, so that nothing is compiled later.
It shows the CPU seconds of the solver, its rounds in brackets, and the peak memory of
the process, from the imports on. What takes more than 20 CPU seconds is ended, shown as
">", and not tried on larger models of its kind. All aim at an error of 1e-8; the table
names those whose error may be larger, by the largest residual over ``1 - gamma``.

QuantEcon has state-action pairs in sparse form. "spsolve" is policy iteration whose
linear systems are solved by SciPy's SuperLU.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time

import numpy as np
from scipy.sparse import csr_array, csr_matrix, eye_array
from scipy.sparse.linalg import spsolve

from skampo.mdp import TabularMDP, make_gridworld

TOL = 1e-8
LIMIT, TOO_LONG = 20, ">"
N_SUCCESSORS, N_ACTIONS = 5, 4
MODELS = [("random", n) for n in (2_000, 10_000, 100_000, 1_000_000)]
MODELS += [("grid", 10_000)]


def random_model(n_states):
    """As `make_random_mdp`, in a second for a million states: successors may repeat."""
    rng = np.random.default_rng(0)
    n_rows = n_states * N_ACTIONS
    weights = rng.exponential(size=(n_rows, N_SUCCESSORS))
    weights /= weights.sum(axis=1, keepdims=True)
    successors = rng.integers(n_states, size=weights.shape, dtype=np.int32)
    ends = np.arange(0, weights.size + 1, N_SUCCESSORS, dtype=np.int32)
    transition = csr_array(
        (weights.ravel(), successors.ravel(), ends), shape=(n_rows, n_states)
    )
    return TabularMDP(transition, rng.uniform(size=(n_states, N_ACTIONS)))


def grid_model(n_states):
    """A square with the goal in the far corner, and moves that slip."""
    width = int(np.sqrt(n_states))
    inner = (width - 2) * [width * "."]
    return make_gridworld(
        ["S" + (width - 1) * ".", *inner, (width - 1) * "." + "G"], slip=0.2
    )


def of_skampo(method):
    """One method of `TabularMDP.solve`."""

    def solve(mdp, gamma):
        # Relative to the largest value, which is below 1 / (1 - gamma).
        solution = mdp.solve(gamma, method=method, tol=TOL * (1 - gamma))
        return solution.values, solution.n_iter

    return solve


def of_quantecon(method):
    """One method of `DiscreteDP`; the model is handed over outside of the clock."""

    def solve(problem, gamma):
        found = problem.solve(method=method, epsilon=TOL, max_iter=10**6)
        return found.v, found.num_iter

    return solve


def as_discrete_dp(mdp, gamma):
    """The model in QuantEcon's form."""
    from quantecon.markov import DiscreteDP

    states, actions = np.indices(mdp.reward.shape).reshape(2, -1)
    rows = csr_matrix(mdp.transition_rows)
    return DiscreteDP(mdp.reward.ravel(), rows, gamma, states, actions)


def by_superlu(mdp, gamma):
    """Policy iteration in five lines of SciPy."""
    rows, states = mdp.transition_rows, np.arange(mdp.n_states)
    actions, n_iter = mdp.reward.argmax(axis=1), 0
    while True:
        kernel = rows[states * mdp.n_actions + actions]
        system = (eye_array(mdp.n_states) - gamma * kernel).tocsc()
        values = spsolve(system, mdp.reward[states, actions])
        q_values, n_iter = mdp.look_ahead(values, gamma), n_iter + 1
        gain = q_values.max(axis=1) - q_values[states, actions]
        if gain.max() <= TOL * (1 - gamma):
            return values, n_iter
        actions = np.where(gain > 0, q_values.argmax(axis=1), actions)


METHODS = ["policy_iteration", "modified_policy_iteration", "value_iteration"]
SOLVERS = {f"skampo {name}": of_skampo(name) for name in METHODS}
SOLVERS |= {f"quantecon {name}": of_quantecon(name) for name in METHODS}
SOLVERS["spsolve"] = by_superlu


def measure(kind, n_states, gamma, solver):
    """Seconds, rounds, megabytes, and a bound on the error."""
    make = {"random": random_model, "grid": grid_model}[kind]
    for size in (100, n_states):
        mdp = make(size)
        form = as_discrete_dp(mdp, gamma) if "quantecon" in solver else mdp
        start = time.process_time()
        values, n_iter = SOLVERS[solver](form, gamma)
        seconds = time.process_time() - start
    # Linux counts in kB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    error = np.abs(mdp.bellman(values, gamma) - values).max() / (1 - gamma)
    return seconds, int(n_iter), memory, float(error)


def cell(*job):
    """What one process measures, as text."""
    command = [sys.executable, "-m", "tests.benchmarks.solvers"]
    done = subprocess.run(
        [*command, "--cell", json.dumps(job)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT)),
    )
    if done.returncode:
        return TOO_LONG
    seconds, n_iter, memory, error = json.loads(done.stdout.splitlines()[-1])
    doubt = f", error {error:.0e}" if error > 2 * TOL else ""
    return f"{seconds:.3g} ({n_iter}), {memory:,.0f} MB{doubt}"


def report(gamma):
    """The lines of a table, model by model."""
    yield f"| gamma {gamma} | " + " | ".join(SOLVERS) + " |"
    yield "|---" * (len(SOLVERS) + 1) + "|"
    too_long = set()
    for kind, n_states in MODELS:
        cells = []
        for solver in SOLVERS:
            tried = (kind, solver) not in too_long
            cells.append(cell(kind, n_states, gamma, solver) if tried else TOO_LONG)
            if cells[-1] == TOO_LONG:
                too_long.add((kind, solver))
        yield f"| {kind}, {n_states:,} | " + " | ".join(cells) + " |"


def main():
    """Print the table, or measure the cell that was asked for."""
    parser = argparse.ArgumentParser(description="Solvers of finite models.")
    parser.add_argument("--cell", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--gamma", type=float, default=0.99)
    options = parser.parse_args()
    if options.cell:
        print(json.dumps(measure(*options.cell)))
        return
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    for line in report(options.gamma):
        print(line, flush=True)


if __name__ == "__main__":
    main()
