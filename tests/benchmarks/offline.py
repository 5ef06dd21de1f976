"""
Learning from logs of classic control: behavior, cloning, and policies fitted to logs.

Run with ``python -m tests.benchmarks.offline [--envs NAME ...] [--sizes 5000 50000]
[--seeds 5] [--peers PYTHON] [--csv PATH] [--logs FOLDER] [--methods NAME ...]
[--narrow]``. A log is random, mediocre (the best policy at hand with a share of uniform
actions) or mixed (half of it random, half the best with 10 % of uniform actions). The
discount is 0.99 for all. Cells are medians over the seeds of the mean return of 20
greedy episodes, with the smallest and the largest in parentheses; "behavior" is the
mean return of the policy that was logged, played on.

``--peers`` adds DiscreteCQL and DiscreteBCQ of d3rlpy, which PYTHON must be able to
import: its pins differ from ours (see offline_peers.py). ``--narrow`` takes 20 logs of
nearly deterministic policies of any quality instead, and plays 200,000 steps of each
and 1,000 episodes of what was learned, for standard errors of at most 1 % of the range.

Rows are added to the CSV file one by one, all cells of a seed before the next seed, and
rows that are there are not measured again (see runs.py). With ``--logs`` all methods
see the very same logs, also on other days and with other versions.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.rollouts import Rollouts, play_episodes
from tests.benchmarks import runs
from tests.benchmarks.shares import unlimited_validation
from tests.seeds import SCORING, reset_seed

# The discount of the peers.
N_EPISODES, GAMMA = 20, 0.99
KINDS = ("random", "mediocre", "mixed")
PEERS = ("DiscreteCQL", "DiscreteBCQ")
KEYS = ("environment", "log", "rows", "seed", "method")
COLUMNS = ("states", "actions", "rewards", "next_states", "terminated", "truncated")
COLUMNS += ("episodes", "propensities")


class Task(NamedTuple):
    """Actions, uniform share of the mediocre policy, and the range of returns."""

    n_actions: int
    mediocre: float
    worst: float
    best: float


TASKS = {
    "CartPole-v1": Task(2, 0.4, 9.0, 500.0),
    "Acrobot-v1": Task(3, 0.7, -500.0, -75.0),
    "MountainCar-v0": Task(3, 0.35, -200.0, -100.0),
}


class Rollout(NamedTuple):
    """A policy as rollouts ask for it: greedy, or uniform without a policy."""

    policy: object
    n_actions: int

    def proba(self, observations, action_mask=None):
        """Probabilities of the actions."""
        if self.policy is None:
            return np.full((len(observations), self.n_actions), 1 / self.n_actions)
        best = self.policy.predict_proba(observations).argmax(axis=1)
        return np.eye(self.n_actions)[best]


def fit_validating_all(policy, X):
    """Fit with all iterates validated, whatever it costs: logs stay as they were."""
    with unlimited_validation():
        return policy.fit(X)


@cache
def learned(name, max_iter, seed):
    """A policy that was learned by playing."""
    policy = AMPOPolicy(
        max_iter=max_iter,
        early_stopping=max_iter > 5,
        n_iter_no_change=None,
        random_state=seed,
    )
    return fit_validating_all(policy, name)


def columns_of(steps):
    """Transitions as columns of a log."""
    return {
        "states": steps.observations,
        "actions": steps.actions,
        "rewards": steps.rewards,
        "next_states": steps.next_observations,
        "terminated": steps.terminated,
        "truncated": steps.ends & ~steps.terminated,
        "episodes": steps.is_start.cumsum(),
    }


def record(name, policy, n, uniform, seed):
    """A log of n transitions of a greedy policy with a share of uniform actions."""
    rollout = Rollout(policy, TASKS[name].n_actions)
    experience = Rollouts(
        name, n_envs=8, steps_per_iter=n, exploration=uniform, seed=seed
    )
    steps = experience.gather(rollout)
    experience.close()
    return columns_of(steps) | {"propensities": steps.behavior_proba}


def sources_of(name, kind):
    """The policies behind a log, with their shares of uniform actions."""
    if kind == "random":
        return [(None, 1.0)]
    expert = learned(name, 25, 100)
    if kind == "mediocre":
        return [(expert, TASKS[name].mediocre)]
    return [(None, 1.0), (expert, 0.1)]


@lru_cache(maxsize=1)
def get_log(folder, name, kind, n, seed):
    """The log that the folder keeps; it is made and kept there if it is missing."""
    path = folder and folder / f"{name}-{kind}-{n}-{seed}.npz"
    if path is None or not path.exists():
        log = make_log(name, kind, n, seed)
        if path is not None:
            folder.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(path, **{key: getattr(log, key) for key in COLUMNS})
        return log
    with np.load(path) as columns:
        return TransitionLog(**columns, classes=np.arange(TASKS[name].n_actions))


def make_log(name, kind, n, seed):
    """A log of `n` rows, the same number of each source."""
    sources = sources_of(name, kind)
    parts = [
        record(name, policy, n // len(sources), uniform, 1000 * i + seed)
        for i, (policy, uniform) in enumerate(sources)
    ]
    if len(parts) == 2:
        parts[1]["episodes"] = parts[1]["episodes"] + parts[0]["episodes"].max()
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return TransitionLog(**columns, classes=np.arange(TASKS[name].n_actions))


def play_behavior(name, sources, n_steps=20_000):
    """Mean return of the policies behind a log."""
    n_actions = TASKS[name].n_actions
    returns = []
    for policy, uniform in sources:
        experience = Rollouts(
            name, n_envs=8, steps_per_iter=n_steps, exploration=uniform, seed=7
        )
        experience.gather(Rollout(policy, n_actions))
        returns.append(np.mean(experience.episode_returns))
        experience.close()
    return float(np.mean(returns))


def clone(name, log, seed):
    """Mean greedy return of a classifier of the logged actions."""
    classifier = HistGradientBoostingClassifier(random_state=seed)
    start = time.process_time()
    classifier.fit(log.states, log.actions)
    seconds = time.process_time() - start
    found = Rollout(classifier, TASKS[name].n_actions)
    returns = play_episodes(name, found, n_episodes=N_EPISODES).returns
    return returns.mean(), seconds


def fit(name, log, seed, critic, gamma=GAMMA, n_episodes=N_EPISODES):
    """Mean greedy return of a policy fitted to the log, and CPU seconds."""
    policy = AMPOPolicy(critic=critic, max_iter=20, random_state=seed, gamma=gamma)
    start = time.process_time()
    policy.fit(log)
    seconds = time.process_time() - start
    return policy.score(name, n_episodes=n_episodes), seconds


def ask_peer(python, title, name, log, seed):
    """Mean greedy return and CPU seconds of a peer, measured by its own interpreter."""
    script = Path(__file__).with_name("offline_peers.py")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.npz"
        np.savez(
            path,
            observations=log.states.astype(np.float32),
            actions=log.actions,
            rewards=log.rewards,
            terminals=log.terminated,
            timeouts=log.truncated & ~log.terminated,
        )
        job = {"method": title, "path": str(path), "name": name, "seed": seed}
        # The episodes that our policies are scored on.
        job["episodes"] = [reset_seed(0, SCORING, i, 0) for i in range(N_EPISODES)]
        done = subprocess.run(
            [python, str(script), json.dumps(job)],
            env=os.environ | dict.fromkeys(runs.THREADS, "1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


@cache
def behavior_return(name, kind):
    """Mean return of the policies behind the logs of a kind."""
    return play_behavior(name, sources_of(name, kind))


def measure(job, options):
    """Mean return and CPU seconds of one method on one log."""
    name, kind, n_rows, seed, method = (job[key] for key in KEYS)
    if method == "behavior":
        return behavior_return(name, kind), 0.0
    log = get_log(options.logs, name, kind, n_rows, seed)
    if method in PEERS:
        return ask_peer(options.peers, method, name, log, seed)
    return METHODS[method](name, log, seed)


METHODS = {
    "cloning": clone,
    "fitted_q": lambda name, log, seed: fit(name, log, seed, "fitted_q"),
    "default": lambda name, log, seed: fit(name, log, seed, "auto"),
}


def jobs_of(options):
    """What there is to measure: all cells of a seed before the next seed."""
    methods = options.methods or ["behavior", *METHODS]
    if options.peers and not options.methods:
        methods += PEERS
    cells = product(
        range(options.seeds), options.sizes, options.envs, options.kinds, methods
    )
    return [
        dict(zip(KEYS, (name, kind, n, seed, method), strict=True))
        for seed, n, name, kind, method in cells
    ]


def measure_missing(jobs, options):
    """Rows of the file, and of the jobs that are not in it yet."""
    rows = runs.load(options.csv)
    done = {runs.key_of(row, KEYS) for row in rows}
    for job in jobs:
        if options.report or runs.key_of(job, KEYS) in done:
            continue
        value, seconds = measure(job, options)
        rows.append(job | {"return": value, "seconds": seconds})
        runs.save(options.csv, rows[-1])
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def report(rows):
    """A table of returns and one of CPU seconds: a line for each kind of log."""
    titles = ["environment", "log", "rows"]
    methods = [m for m in ["behavior", *METHODS, *PEERS] if m in column(rows, "method")]
    returns, seconds = [], []
    for cell in dict.fromkeys(tuple(row[key] for key in titles) for row in rows):
        name, kind, n_rows = cell
        here = [row for row in rows if tuple(row[key] for key in titles) == cell]
        found = [[row for row in here if row["method"] == m] for m in methods]
        start = [name, kind, f"{n_rows:,}"]
        returns.append(start + [runs.cell(column(r, "return")) for r in found])
        seconds.append(start + [runs.cell(column(r, "seconds"), 1) for r in found[1:]])
    tables = (titles + methods, returns), (titles + methods[1:], seconds)
    return "\n\n".join(runs.table(*content) for content in tables)


def column(rows, name):
    """The values of a column."""
    return [row[name] for row in rows]


def print_narrow(chosen, n_logs=20):
    """Behavior and default on those logs of nearly deterministic policies."""
    print("| environment | seed | behavior | default | loss in % of the range |")
    print("|---|---|---|---|---|")
    names = list(TASKS)
    for number in range(n_logs):
        name, seed = names[number % len(names)], number // len(names)
        if name not in chosen:
            continue
        task = TASKS[name]
        # From hardly learned to good.
        policy = learned(name, 2 + 3 * seed, seed)
        log = TransitionLog(
            **record(name, policy, 5000, 0.02, seed), classes=range(task.n_actions)
        )
        behavior = play_behavior(name, [(policy, 0.02)], n_steps=200_000)
        value, _ = fit(name, log, seed, "auto", AMPOPolicy().gamma, n_episodes=1000)
        loss = 100 * (behavior - value) / (task.best - task.worst)
        cells = [name, seed, f"{behavior:.1f}", f"{value:.1f}", f"{loss:.1f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main():
    """Measure what is missing and print the tables."""
    parser = argparse.ArgumentParser(description="Learning from logs.")
    runs.add_arguments(parser)
    parser.add_argument("--envs", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--sizes", nargs="+", type=int, default=[5000, 50_000])
    choices = ["behavior", *METHODS, *PEERS]
    parser.add_argument("--methods", nargs="+", choices=choices)
    parser.add_argument("--logs", type=Path, help="keep the logs in this folder")
    parser.add_argument("--narrow", action="store_true")
    parser.add_argument("--peers", metavar="PYTHON")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    versions = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    if options.narrow:
        print(versions, end="\n\n")
        print_narrow(options.envs)
        return
    rows = measure_missing(jobs_of(options), options)
    runs.show(f"{versions}\n\n{report(rows)}", options.markdown)


if __name__ == "__main__":
    main()
