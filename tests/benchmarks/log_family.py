"""
A family of logs that is drawn by seeds, so that nothing can be tuned to single ones.

`draw(task, seed, number)` is a log of one of `TASKS`, of 2,000 to 6,000 rows, from one
of `KINDS` of behavior: random; mediocre or good, which are the best policy at hand with
many or few uniform actions; mixed, half random and half good; narrow, a policy of any
quality with hardly any uniform actions; contrary, half random and half from the action
that the best policy likes least in three of ten states. Choices are made on the seeds 0
to 4 and reported on 5 to 9.

Run with ``python -m tests.benchmarks.log_family [--seeds 5 6] [--numbers 0]
[--critics auto fitted_q] [--names Taxi]``: for each log the mean return of the logged
policies, and of policies by the critics that are named their greedy return, their
return as `fit` says that they should be played if this is by draws, and CPU seconds.
"""

import argparse
import time
import warnings
from functools import cache, partial
from itertools import pairwise, product
from typing import NamedTuple

import gymnasium
import numpy as np

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.mdp import TabularMDP, make_random_mdp
from skampo.rollouts import Rollouts, play_episodes
from tests.benchmarks.offline import columns_of, fit_validating_all

KINDS = ("random", "mediocre", "good", "mixed", "narrow", "contrary")


class Torques(gymnasium.ActionWrapper):
    """Five torques of the pendulum."""

    def __init__(self, env):
        super().__init__(env)
        self.action_space = gymnasium.spaces.Discrete(5)

    def action(self, action):
        """The torque of a number."""
        return np.array([action - 2.0], dtype=np.float32)


class Shown(gymnasium.ObservationWrapper):
    """A finite model whose states are shown by the rows of a table."""

    def __init__(self, env, table):
        super().__init__(env)
        self.table = np.asarray(table, dtype=np.float64)
        width = self.table.shape[1:]
        self.observation_space = gymnasium.spaces.Box(-1e3, 1e3, width, np.float64)

    def observation(self, observation):
        """The row of a state."""
        return self.table[observation]


class Inventory(gymnasium.Env):
    """A stock of at most 20, orders of 0 to 8 in twos, and demand of four seasons."""

    observation_space = gymnasium.spaces.Box(-1.0, 25.0, (3,), np.float64)
    action_space = gymnasium.spaces.Discrete(5)

    def reset(self, *, seed=None, options=None):
        """Any stock on any day."""
        super().reset(seed=seed)
        self.stock = int(self.np_random.integers(21))
        self.day = int(self.np_random.integers(28))
        return self._see(), {}

    def _see(self):
        angle = 2 * np.pi * self.day / 28
        return np.array([self.stock, np.sin(angle), np.cos(angle)])

    def step(self, action):
        """Orders arrive, demand is served, the rest is stored at a price."""
        before = min(self.stock + 2 * int(action), 20)
        mean = 4 + 3 * np.sin(2 * np.pi * self.day / 28)
        sold = min(before, int(self.np_random.poisson(mean)))
        reward = 2.0 * sold - 2 * int(action) - 0.5 * (action > 0)
        self.stock, self.day = before - sold, (self.day + 1) % 28
        return self._see(), reward - 0.1 * self.stock, False, False, {}


def taxi_table():
    """Place, passenger and destination of the 500 states, one-hot."""
    state = np.arange(500)
    parts = state // 100, state // 20 % 5, state // 4 % 5, state % 4
    sizes = 5, 5, 5, 4
    eyes = [np.eye(n)[part] for n, part in zip(sizes, parts, strict=True)]
    return np.hstack(eyes)


def make_pendulum():
    """A pendulum with five torques."""
    return Torques(gymnasium.make("Pendulum-v1"))


def make_shown(env, table, n_steps):
    """A finite environment with other observations."""
    made = gymnasium.make(env).unwrapped if isinstance(env, str) else env.to_env()
    return gymnasium.wrappers.TimeLimit(Shown(made, table), n_steps)


def make_inventory():
    """Fifty days of an inventory."""
    return gymnasium.wrappers.TimeLimit(Inventory(), 50)


class Task(NamedTuple):
    """How to make an environment, its actions, and how long a good policy learns."""

    make: object
    n_actions: int
    max_iter: int
    gamma: float = 0.995
    model: object = None


RANDOM = [make_random_mdp(n, 4, random_state=n) for n in (20, 60)]
TASKS = {
    "CartPole": Task("CartPole-v1", 2, 12),
    "Acrobot": Task("Acrobot-v1", 3, 16),
    "MountainCar": Task("MountainCar-v0", 3, 16),
    "Pendulum": Task(make_pendulum, 5, 30),
    "LunarLander": Task(
        partial(gymnasium.make, "LunarLander-v3", max_episode_steps=500), 4, 45
    ),
    "FrozenLake": Task(
        partial(make_shown, "FrozenLake-v1", np.eye(16), 100), 4, 30, model=True
    ),
    "Taxi": Task(partial(make_shown, "Taxi-v4", taxi_table(), 100), 6, 30, model=True),
    "Inventory": Task(make_inventory, 5, 20),
    "Random20": Task(
        partial(make_shown, RANDOM[0], np.eye(20), 50), 4, 30, model=RANDOM[0]
    ),
    "Random60": Task(
        partial(make_shown, RANDOM[1], np.eye(60), 50), 4, 30, model=RANDOM[1]
    ),
}


class Behavior(NamedTuple):
    """The favorite action of a policy, or the one it likes least, for rollouts."""

    policy: object
    n_actions: int
    sign: int = 1

    def proba(self, observations, action_mask=None):
        """Probabilities of the actions, uniform without a policy."""
        if self.policy is None:
            return np.full((len(observations), self.n_actions), 1 / self.n_actions)
        liked = self.sign * self.policy.decision_function(observations)
        if liked.ndim == 1:
            liked = np.stack([-liked, liked], axis=1)
        return np.eye(self.n_actions)[liked.argmax(axis=1)]


class OnTable(NamedTuple):
    """A policy of numbered states, asked by the rows of a table."""

    policy: object
    table: np.ndarray

    def decision_function(self, rows):
        """Scores of the states that have these rows."""
        state = np.abs(rows[:, None] - self.table).sum(axis=2).argmin(axis=1)
        return self.policy.decision_function(state[:, None])


@cache
def learned(name, share):
    """A policy after a share of the iterations that a good one takes."""
    task = TASKS[name]
    max_iter = max(1, round(share * task.max_iter))
    if task.model is None:
        # The best iterate: the last one of LunarLander is any.
        policy = AMPOPolicy(
            max_iter=max_iter,
            early_stopping=share == 1,
            n_iter_no_change=None,
            # Logs stay those of the tables: of a single policy.
            average=0.0,
            random_state=0,
        )
        return fit_validating_all(policy, task.make)
    model, table = task.model, task.make.args[1]
    if model is True:
        model = TabularMDP.from_env(task.make.args[0])
        table = np.vstack([table, np.full((1, table.shape[1]), 2.0)])
        table = table[: model.n_states]
    # Few steps are what a policy that has hardly learned takes.
    policy = AMPOPolicy(step_size="constant", max_iter=max_iter, gamma=0.99)
    return OnTable(policy.fit(model), table)


def sources_of(name, kind, rng):
    """The policies behind a log, with their shares of uniform actions."""
    n_actions = TASKS[name].n_actions
    chance = Behavior(None, n_actions), 1.0
    if kind == "random":
        return [chance]
    if kind == "narrow":
        return [(Behavior(learned(name, rng.choice([0.3, 0.6, 1])), n_actions), 0.02)]
    best = learned(name, 1)
    if kind == "contrary":
        return [chance, (Behavior(best, n_actions, -1), 0.7)]
    low, high = {"mediocre": (0.3, 0.7)}.get(kind, (0.05, 0.2))
    good = Behavior(best, n_actions), rng.uniform(low, high)
    return [chance, good] if kind == "mixed" else [good]


def record(name, source, n, seed):
    """Transitions of one policy, as columns of a log."""
    policy, uniform = source
    experience = Rollouts(
        TASKS[name].make, n_envs=4, steps_per_iter=n, exploration=uniform, seed=seed
    )
    steps = experience.gather(policy)
    experience.close()
    return columns_of(steps)


def draw(name, seed, number=0):
    """The kind of a log, its sources, and the log."""
    place = list(TASKS).index(name)
    rng = np.random.default_rng([place, seed, number])
    # In turn: six logs of an environment are of all kinds.
    kind = KINDS[(place + seed + 3 * number) % len(KINDS)]
    sources = sources_of(name, kind, rng)
    n_rows = int(np.exp(rng.uniform(np.log(2_000), np.log(6_000))))
    parts = [
        record(name, source, n_rows // len(sources), 1000 * seed + 10 * number + i)
        for i, source in enumerate(sources)
    ]
    for before, part in pairwise(parts):
        part["episodes"] = part["episodes"] + before["episodes"].max()
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    classes = np.arange(TASKS[name].n_actions)
    return kind, sources, TransitionLog(**columns, classes=classes)


class Logged(NamedTuple):
    """A source as it acted when it was logged."""

    behavior: Behavior
    uniform: float
    rng: np.random.Generator

    def predict(self, observations):
        """Its favorite action, or any."""
        proba = self.behavior.proba(observations)
        proba = (1 - self.uniform) * proba + self.uniform / self.behavior.n_actions
        draws = self.rng.random((len(proba), 1))
        return (draws < proba.cumsum(axis=1)).argmax(axis=1)


def value_of_sources(name, sources, n_episodes=64):
    """Mean return of whole episodes of the policies behind a log."""
    rng = np.random.default_rng(7)
    # So many steps would leave out the longest episodes, which are cut by their end.
    played = [
        play_episodes(TASKS[name].make, Logged(*source, rng), n_episodes=n_episodes)
        for source in sources
    ]
    return float(np.mean([found.returns.mean() for found in played]))


def measure(name, log, critic, n_episodes=32):
    """Greedy return, return as `fit` says, and CPU seconds of a policy of the log."""
    start = time.process_time()
    policy = AMPOPolicy(critic=critic, max_iter=20, random_state=0).fit(log)
    seconds = time.process_time() - start
    ways = [True, not getattr(policy.critic_, "draws_", False)]
    returns = [
        policy.play(TASKS[name].make, n_episodes, deterministic=way).returns.mean()
        for way in dict.fromkeys(ways)
    ]
    return returns[0], returns[-1], seconds


def cell(greedy, said, seconds):
    """Returns and seconds as text."""
    drawn = f", drawn {said:.4g}" if said != greedy else ""
    return f"{greedy:.4g}{drawn} ({seconds:.1f} s)"


def main():
    """Print a line for each log."""
    parser = argparse.ArgumentParser(description="Choices of logs.")
    parser.add_argument("--seeds", nargs="+", type=int, default=[5, 6, 7, 8, 9])
    parser.add_argument("--numbers", nargs="+", type=int, default=[0])
    parser.add_argument("--critics", nargs="+", default=["auto", "fitted_q"])
    parser.add_argument("--names", nargs="+", default=list(TASKS), choices=list(TASKS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    titles = ["environment", "seed", "number", "log", "rows", "behavior"]
    titles += options.critics
    print("| " + " | ".join(titles) + " |\n" + "|---" * len(titles) + "|")
    for seed, number, name in product(options.seeds, options.numbers, options.names):
        kind, sources, log = draw(name, seed, number)
        found = [cell(*measure(name, log, critic)) for critic in options.critics]
        behavior = f"{value_of_sources(name, sources):.4g}"
        cells = [name, seed, number, kind, len(log), behavior, *found]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
