"""
Toy text against tabular Q-learning, as a Markdown table.

Run with ``python -m tests.benchmarks.toy_text [--envs NAME ...] [--seeds 5] [--tune]``.
Each environment, learner and seed is a process of its own (see runs.py). Every 512
steps the greedy policy that is in hand by then plays 300 episodes outside the clock, in
a simulation of the environment's own table, cut at its time limit (200 steps where it
has none); the threshold is passed at the first mean return that reaches it.

`AMPOPolicy` has its default parameters and a budget of 100,000 steps. Q-learning is
one-step and epsilon-greedy, with the discount 0.99, ties broken at random and all
values 0 at first. Learning rate and exploration are the best of those in `SETTINGS`
(the fewest median steps over five other seeds), which ``--tune`` measures again; Taxi
has the setting of CliffWalking, where nothing is random either.
"""

import argparse
import itertools
import os
import platform
import time
import warnings
from contextlib import suppress
from typing import NamedTuple

import gymnasium
import numpy as np

from tests.benchmarks import runs


class Task(NamedTuple):
    """An environment's threshold, and the settings that suit Q-learning."""

    threshold: float
    learning_rate: float
    exploration: float
    explore_for: int


TASKS = {
    "FrozenLake-v1": Task(0.70, 0.5, 0.05, 10_000),
    "Taxi-v4": Task(7.0, 1.0, 0.0, 0),
    "CliffWalking-v1": Task(-13.0, 1.0, 0.0, 0),
}
LEARNERS = ("AMPOPolicy", "Q-learning")
MAX_STEPS, EVALUATE_EVERY = 100_000, 512
N_EPISODES, LONGEST = 300, 200
GAMMA = 0.99
# Learning rates; negative ones are powers of the number of visits.
RATES = (0.1, 0.2, 0.5, 1.0, -0.5, -0.7)
# Share of random actions, after it fell from 1 in so many steps.
EXPLORATIONS = ((0.0, 0), (0.1, 0), (0.3, 0), (0.05, 10_000))
SETTINGS = tuple(itertools.product(RATES, EXPLORATIONS))


class Simulator:
    """Many episodes at once, out of the table of a toy text environment."""

    def __init__(self, name):
        environment = gymnasium.make(name)
        self.longest = environment.spec.max_episode_steps or LONGEST
        environment = environment.unwrapped
        self.start = np.cumsum(environment.initial_state_distrib)
        outcomes = environment.P
        shape = len(outcomes), len(outcomes[0])
        width = max(len(outcomes[s][a]) for s, a in np.ndindex(shape))
        self.edges = np.ones((*shape, width))
        self.follows = np.zeros((*shape, width), dtype=int)
        self.rewards = np.zeros((*shape, width))
        self.ends = np.zeros((*shape, width), dtype=bool)
        for s, a in np.ndindex(shape):
            proba, *rest = zip(*outcomes[s][a], strict=True)
            n = len(proba)
            self.edges[s, a, : n - 1] = np.cumsum(proba)[:-1]
            columns = self.follows, self.rewards, self.ends
            for column, values in zip(columns, rest, strict=True):
                column[s, a, :n] = values

    def mean_return(self, actions, rng):
        """Mean return of a deterministic policy; long episodes are cut."""
        states = np.searchsorted(self.start, rng.random(N_EPISODES), side="right")
        total, running = np.zeros(N_EPISODES), np.arange(N_EPISODES)
        for _ in range(self.longest):
            here = states[running], actions[states[running]]
            drawn = rng.random(len(running))[:, None]
            cell = *here, (self.edges[here] <= drawn).sum(axis=1)
            total[running] += self.rewards[cell]
            states[running] = self.follows[cell]
            running = running[~self.ends[cell]]
            if not len(running):
                break
        return total.mean()


class Judge:
    """Evaluates outside the clock and notes when the threshold was passed."""

    def __init__(self, name, seed):
        self.simulator, self.rng = Simulator(name), np.random.default_rng(seed)
        self.threshold = TASKS[name].threshold
        self.curve, self.excluded = [], 0.0
        self.started = time.process_time()

    def __call__(self, n_steps, actions):
        """Whether the policy passes."""
        before = time.process_time()
        value = self.simulator.mean_return(actions, self.rng)
        self.curve.append((n_steps, before - self.started - self.excluded, value))
        self.excluded += time.process_time() - before
        return value >= self.threshold

    def row(self):
        """Steps and seconds when it passed, NaN if it did not."""
        steps, seconds, values = map(np.array, zip(*self.curve, strict=True))
        passed = np.flatnonzero(values >= self.threshold)
        first = passed[0] if len(passed) else None
        return {
            "steps": np.nan if first is None else float(steps[first]),
            "seconds": np.nan if first is None else seconds[first],
            "best": values.max(),
            "last": values[-10:].mean(),
            "total_steps": int(steps[-1]),
            "total_seconds": seconds[-1],
        }


def q_learning(name, seed, learning_rate, exploration, explore_for, n=MAX_STEPS):
    """One run of Q-learning until it passes."""
    environment = gymnasium.make(name)
    n_states, n_actions = environment.observation_space.n, environment.action_space.n
    rng = np.random.default_rng(seed)
    values = np.zeros((n_states, n_actions))
    visits = np.zeros((n_states, n_actions))
    judge = Judge(name, seed)
    state, _ = environment.reset(seed=seed)
    for t in range(1, n + 1):
        share = max(exploration, 1 - t / explore_for) if explore_for else exploration
        if share and rng.random() < share:
            action = int(rng.integers(n_actions))
        else:
            best = np.flatnonzero(values[state] == values[state].max())
            action = int(best[0] if len(best) == 1 else rng.choice(best))
        after, reward, terminated, truncated, _ = environment.step(action)
        visits[state, action] += 1
        rate = learning_rate
        if learning_rate < 0:
            rate = visits[state, action] ** learning_rate
        target = reward + GAMMA * (not terminated) * values[after].max()
        values[state, action] += rate * (target - values[state, action])
        state = after
        if terminated or truncated:
            state, _ = environment.reset()
        if t % EVALUATE_EVERY == 0 and judge(t, values.argmax(axis=1)):
            break
    return judge.row()


def ampo(name, seed):
    """One run of the default policy; it stops when it passes."""
    from skampo import AMPOPolicy

    class Watched(AMPOPolicy):
        n_judged = 0

        def _commit(self, run):
            before = getattr(self, "_policy", None)
            super()._commit(run)
            while self.n_judged + EVALUATE_EVERY <= self.n_steps_:
                self.n_judged += EVALUATE_EVERY
                is_new = self.n_judged == self.n_steps_
                states = np.arange(len(judge.simulator.follows), dtype=float)[:, None]
                proba = (self._policy if is_new else before).proba(states)
                # What Ctrl-C does: fitting ends here.
                if judge(self.n_judged, proba.argmax(axis=1)):
                    raise KeyboardInterrupt
            if self.n_steps_ >= MAX_STEPS:
                raise KeyboardInterrupt

    # Lazy imports are not what is measured.
    AMPOPolicy(max_iter=1, steps_per_iter=64).fit(name)
    judge = Judge(name, seed)
    with suppress(KeyboardInterrupt):
        Watched(max_iter=MAX_STEPS, random_state=seed).fit(name)
    return judge.row() | {"memory": runs.peak_memory()}


def run(environment, learner, seed, cpu_limit=None):
    """One row."""
    if learner == "AMPOPolicy":
        return ampo(environment, seed)
    return q_learning(environment, seed, *TASKS[environment][1:]) | {
        "memory": runs.peak_memory()
    }


def tune(name):
    """Print the settings of Q-learning that need the fewest steps."""
    found = []
    for rate, (exploration, explore_for) in SETTINGS:
        rows = [
            q_learning(name, 1000 + seed, rate, exploration, explore_for, 50_000)[
                "steps"
            ]
            for seed in range(5)
        ]
        steps = np.median(np.nan_to_num(rows, nan=np.inf))
        found.append((steps, rate, exploration, explore_for))
    for setting in sorted(found)[:5]:
        print(name, *setting, flush=True)


def report(rows):
    """The table."""
    titles = ["environment", "learner", "passed", "steps", "CPU s", "best", "MB"]
    lines = []
    for name, learner in dict.fromkeys((r["environment"], r["learner"]) for r in rows):
        found = [r for r in rows if (r["environment"], r["learner"]) == (name, learner)]
        column = {key: [row[key] for row in found] for key in found[0]}
        lines.append(
            [
                f"{name} >= {TASKS[name].threshold:g}",
                learner,
                f"{np.isfinite(column['steps']).sum()} of {len(found)}",
                runs.cell(column["steps"]),
                runs.cell(column["seconds"], 2),
                runs.cell(column["best"], 2),
                runs.cell(column["memory"]),
            ]
        )
    return runs.table(titles, lines)


def main():
    """Measure what is missing and print the table, or do one job."""
    parser = argparse.ArgumentParser(description="Toy text against Q-learning.")
    runs.add_arguments(parser)
    parser.add_argument("--envs", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.job is not None:
        runs.print_row(run, options.job)
        return
    if options.tune:
        for name in options.envs:
            tune(name)
        return
    jobs = [
        {"environment": name, "learner": learner, "seed": seed}
        for name in options.envs
        for learner in LEARNERS
        for seed in range(options.seeds)
    ]
    rows = runs.do_all("tests.benchmarks.toy_text", jobs, options)
    versions = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    runs.show(f"{versions}\n\n{report(rows)}", options.markdown)


if __name__ == "__main__":
    main()
