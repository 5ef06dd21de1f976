"""
Learning from logs of classic control: behavior, cloning, and policies fitted to logs.

Run with ``python -m tests.benchmarks.offline [--envs NAME ...] [--sizes 5000 50000]
[--seeds 5] [--narrow] [--peers PYTHON]``. A log is random, mediocre (the best policy at
hand with a share of uniform actions) or mixed (one half random, the other the best with
10 % of uniform actions). Cells are medians over the seeds of the mean return of 20
greedy episodes, with the smallest and the largest in parentheses; "behavior" is the
mean return of the policy that was logged, played on. ``--narrow`` plays 20 logs of
nearly deterministic policies of any quality instead. ``--peers`` adds DiscreteCQL and
DiscreteBCQ of d3rlpy, which PYTHON must be able to import: its pins differ from ours.
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
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from skampo import AMPOPolicy
from skampo.experience import EnvironmentExperience, TransitionLog, play_episodes

N_EPISODES = 20
PEERS = ("DiscreteCQL", "DiscreteBCQ")


def cell(values):
    """Median and range."""
    numbers = np.median(values), np.min(values), np.max(values)
    return "{} ({} to {})".format(*(f"{number:,.0f}" for number in numbers))


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


@cache
def learned(name, max_iter, seed):
    """A policy that was learned by playing."""
    policy = AMPOPolicy(
        max_iter=max_iter,
        early_stopping=max_iter > 5,
        n_iter_no_change=None,
        random_state=seed,
    )
    return policy.fit(name)


def record(name, policy, n, uniform, seed):
    """A log of n transitions of a greedy policy with a share of uniform actions."""
    rollout = Rollout(policy, TASKS[name].n_actions)
    experience = EnvironmentExperience(
        name, n_envs=8, steps_per_iter=n, exploration=uniform, seed=seed
    )
    steps = experience.gather(rollout)
    experience.close()
    return {
        "states": steps.observations,
        "actions": steps.actions,
        "rewards": steps.rewards,
        "next_states": steps.next_observations,
        "terminated": steps.terminated,
        "truncated": steps.ends & ~steps.terminated,
        "episodes": steps.is_start.cumsum(),
        "propensities": steps.behavior_proba,
    }


def make_log(name, kind, n, seed):
    """A log, and the policies (with their shares of uniform actions) behind it."""
    expert = learned(name, 25, 100)
    sources = {
        "random": [(None, 1.0)],
        "mediocre": [(expert, TASKS[name].mediocre)],
        "mixed": [(None, 1.0), (expert, 0.1)],
    }[kind]
    parts = [
        record(name, policy, n // len(sources), uniform, 1000 * i + seed)
        for i, (policy, uniform) in enumerate(sources)
    ]
    if len(parts) == 2:
        parts[1]["episodes"] = parts[1]["episodes"] + parts[0]["episodes"].max()
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    classes = np.arange(TASKS[name].n_actions)
    return TransitionLog(**columns, classes=classes), sources


def play_behavior(name, sources):
    """Mean return of the policies behind a log."""
    n_actions = TASKS[name].n_actions
    returns = []
    for policy, uniform in sources:
        experience = EnvironmentExperience(
            name, n_envs=8, steps_per_iter=20_000, exploration=uniform, seed=7
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


def fit(name, log, seed, critic):
    """Mean greedy return of a policy fitted to the log, and CPU seconds."""
    policy = AMPOPolicy(critic=critic, max_iter=20, random_state=seed)
    start = time.process_time()
    policy.fit(log)
    seconds = time.process_time() - start
    return policy.score(name, n_episodes=N_EPISODES), seconds


def ask_peers(python, name, log, seed):
    """Returns and CPU seconds of the peers, measured by another interpreter."""
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
        command = [python, str(script), str(path), name, str(seed), str(N_EPISODES)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


METHODS = {
    "cloning": lambda name, log, seed: clone(name, log, seed),
    "fitted_q": lambda name, log, seed: fit(name, log, seed, "fitted_q"),
    "default": lambda name, log, seed: fit(name, log, seed, "auto"),
}


def print_rows(name, kind, n, options):
    """One line of the table."""
    found = {method: [] for method in [*METHODS, *(PEERS if options.peers else ())]}
    behavior = []
    for seed in range(options.seeds):
        log, sources = make_log(name, kind, n, seed)
        behavior.append(play_behavior(name, sources))
        for method, measure in METHODS.items():
            found[method].append(measure(name, log, seed))
        if options.peers:
            for method, result in ask_peers(options.peers, name, log, seed).items():
                found[method].append(result)
    cells = [name, kind, f"{n:,}", cell(np.array(behavior))]
    for rows in found.values():
        returns, seconds = np.array(rows).T
        cells.append(f"{cell(returns)}, {np.median(seconds):.1f} s")
    print("| " + " | ".join(cells) + " |", flush=True)


def print_narrow(n_logs=20):
    """Behavior and default on logs of nearly deterministic policies."""
    print("| environment | seed | behavior | default | loss in % of the range |")
    print("|---|---|---|---|---|")
    names = list(TASKS)
    for number in range(n_logs):
        name, seed = names[number % len(names)], number // len(names)
        task = TASKS[name]
        # From hardly learned to good.
        policy = learned(name, 2 + 3 * seed, seed)
        log = TransitionLog(
            **record(name, policy, 5000, 0.02, seed), classes=range(task.n_actions)
        )
        behavior = play_behavior(name, [(policy, 0.02)])
        value, _ = fit(name, log, seed, "auto")
        loss = 100 * (behavior - value) / (task.best - task.worst)
        cells = [name, seed, f"{behavior:.1f}", f"{value:.1f}", f"{loss:.1f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description="Learning from logs.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--envs", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--kinds", nargs="+", default=["random", "mediocre", "mixed"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[5000, 50_000])
    parser.add_argument("--narrow", action="store_true")
    parser.add_argument("--peers", metavar="PYTHON")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores\n")
    if options.narrow:
        print_narrow()
        sys.exit()
    titles = ["environment", "log", "rows", "behavior", *METHODS]
    titles += PEERS if options.peers else ()
    print("| " + " | ".join(titles) + " |")
    print("|---" * len(titles) + "|")
    for n in options.sizes:
        for name in options.envs:
            for kind in options.kinds:
                print_rows(name, kind, n, options)


if __name__ == "__main__":
    main()
