"""
Fits that are killed and go on from their last checkpoint, against fits that are not.

Run with ``python -m tests.benchmarks.resume [--trials N]``. For each kind of problem, a
child process that writes checkpoints is killed (SIGKILL) at a random time, and another
one goes on from the file until all iterations are done, again and again killed at a
random time. The policy then has to be that of a fit without interruption, bit by bit.
The children are forks of a process that has imported everything and fitted nothing.
"""

import argparse
import hashlib
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPRegressor

import skampo
from skampo import AMPOPolicy
from skampo.callbacks import Checkpoint
from tests.benchmarks.log_memory import make_log

KINDS = ("CartPole", "Taxi", "network", "log")
#: By the process that is forked.
IMPORTED = ["skampo.callbacks", "tests.benchmarks.log_memory", "sklearn.neural_network"]
N_ITER = {"CartPole": 12, "Taxi": 40, "network": 8, "log": 12}


def make_policy(kind):
    """An unfitted policy that keeps what it needs to go on, and its data."""
    policy = AMPOPolicy(warm_start=True, random_state=0, max_iter=N_ITER[kind])
    if kind == "log":
        return policy, make_log(1000, "shuffled")
    if kind == "Taxi":
        return policy, "Taxi-v4"
    if kind == "network":
        network = MLPRegressor(hidden_layer_sizes=(32,), random_state=0, max_iter=20)
        policy.set_params(regressor=network, critic=skampo.critics.FittedQ("policy"))
    return policy, "CartPole-v1"


def digest(policy):
    """Letters that stand for the scores in some states, and for the history."""
    rng = np.random.default_rng(0)
    states = rng.normal(size=(200, policy.n_features_in_))
    if policy.n_features_in_ == 1:
        states = np.arange(500)[:, None]
    rows = policy.decision_function(states), policy.action_values(states)
    times = [k for k in policy.history_[-1] if not k.endswith("_time")]
    known = [[record[name] for name in times] for record in policy.history_]
    text = b"".join(np.asarray(x, dtype=float).tobytes() for x in (*rows, known))
    return hashlib.sha256(text).hexdigest()[:16]


def work(kind, path):
    """Fit to the end, from the last checkpoint if there is one; return the digest."""
    policy, data = make_policy(kind)
    if Path(path).exists():
        policy = skampo.load(path)
    policy.set_params(max_iter=N_ITER[kind] - getattr(policy, "n_iter_", 0))
    policy.set_callbacks(Checkpoint(path)).fit(data)
    return digest(policy)


def start(kind, path):
    """A child process that works, and where it writes what it found."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    answer = f"{path}.digest"
    child = context.Process(target=_answer, args=(kind, path, answer))
    child.start()
    return child, answer


def _answer(kind, path, answer):
    warnings.simplefilter("ignore")
    Path(answer).write_text(work(kind, path), "utf8")


def trial(kind, seconds, rng):
    """What a fit that was killed at random times found in the end, and how often."""
    with tempfile.TemporaryDirectory() as folder:
        path, n_kills = os.path.join(folder, "policy.skampo"), 0
        while True:
            child, answer = start(kind, path)
            # The first iterations count as much as the last ones.
            wait_for_file(child, path)
            child.join(rng.uniform(0, seconds))
            if child.is_alive():
                child.kill()
                child.join()
                n_kills += 1
                continue
            if child.exitcode:
                raise RuntimeError(f"{kind}: the child ended with {child.exitcode}")
            return Path(answer).read_text("utf8"), n_kills


def wait_for_file(child, path):
    """Wait until a child has written a checkpoint, or has ended."""
    before = _changed(path)
    while child.is_alive() and _changed(path) == before:
        time.sleep(0.005)


def _changed(path):
    return os.stat(path).st_mtime_ns if os.path.exists(path) else None


def measure(kind, n_trials, rng):
    """How many of the trials found the policy of the fit that nobody killed."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "policy.skampo")
        child, answer = start(kind, path)
        wait_for_file(child, path)
        begun = time.perf_counter()
        child.join()
        seconds = time.perf_counter() - begun
        expected = Path(answer).read_text("utf8")
    results = [trial(kind, seconds, rng) for _ in range(n_trials)]
    n_same = sum(found == expected for found, _ in results)
    n_kills = sum(n for _, n in results)
    print(f"{kind:10} {n_same} of {n_trials} the same, {n_kills} kills", flush=True)
    return n_same == n_trials


def main():
    """All kinds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    done = [measure(kind, options.trials, rng) for kind in options.kinds]
    sys.exit(not all(done))


if __name__ == "__main__":
    main()
