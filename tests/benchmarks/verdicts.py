"""
How often the verdicts of `PolicyReport` are right, as a Markdown table.

Run with ``python -m tests.benchmarks.verdicts [--logs 12] [--first 1000]``. Each log is
drawn from another model with known truth: a random MDP of 5 to 10 states, whose states
are indicator columns, or a contextual bandit with three columns. To each log there are
four policies, from clearly worse to clearly better, and the propensities are known or
not. Gains are shares of the range between the best and the worst policy of the model.
"""

import argparse
import dataclasses
import time
import warnings
from dataclasses import dataclass

import numpy as np

from skampo.data import TransitionLog
from skampo.off_policy import PolicyReport
from tests.off_policy.absorbing import Absorbing, pick
from tests.off_policy.layered import TablePolicy, one_hot, softmax

# How far the policies are from the logged one, in units of the spread of advantages.
STEPS = (-0.6, -0.15, 0.3, 0.9)
WORSE, BETTER = -0.02, 0.10


class MDP:
    """Random states that lead to each other until an episode ends."""

    sizes = (150, 400, 1000)

    def __init__(self, rng):
        n_states, n_actions = int(rng.integers(5, 11)), int(rng.integers(2, 4))
        seed = int(rng.integers(2**31))
        self.model = Absorbing.random(seed, n_states, n_actions, end=0.2)
        self.q_values = self.with_target(self.model.behavior).truth[0]
        best, worst = (self._extreme(sign) for sign in (1, -1))
        self.range = best - worst
        self.gamma = self.model.gamma

    def with_target(self, proba):
        return dataclasses.replace(self.model, target=proba)

    def _extreme(self, sign):
        """The value of the best policy, or of the worst, by policy iteration."""
        model, n_actions = self.model, self.model.reward.shape[1]
        for _ in range(20):
            best = (sign * model.truth[0]).argmax(axis=1)
            model = self.with_target(np.eye(n_actions)[best])
        return model.truth[1]

    def policy(self, step):
        """Mirror descent from the logged policy, up or down its own values."""
        logits = np.log(self.model.behavior) + step * scaled(self.q_values)
        return TablePolicy(softmax(logits), one_hot=True)

    def gain(self, policy):
        value, logged = (
            self.with_target(proba).truth[1]
            for proba in (policy.proba, self.model.behavior)
        )
        return value - logged

    def draw(self, size, seed):
        return one_hot(self.model.draw(size, seed), len(self.model.reward))


@dataclass(frozen=True, eq=False)
class Tilted:
    """Logits of a linear policy and a step along the mean rewards."""

    bandit: object
    step: float

    def predict_proba(self, X):
        X = np.asarray(X)
        return softmax(X @ self.bandit.logits + self.step * scaled(self.bandit.mean(X)))

    @property
    def classes_(self):
        return np.arange(self.bandit.n_actions)


class Bandit:
    """Three columns, rewards that are waves of them, and an uneven logged policy."""

    sizes = (400, 1000, 2500)
    n_actions, gamma = 3, 0.0

    def __init__(self, rng):
        self.logits = 0.5 * rng.normal(size=(3, 3))
        self.slopes, self.waves = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
        self.seen = rng.normal(size=(100_000, 3))
        means = self.mean(self.seen)
        self.range = (means.max(axis=1) - means.min(axis=1)).mean()

    def mean(self, X):
        return X @ self.slopes + np.sin(2 * X @ self.waves)

    def policy(self, step):
        return Tilted(self, step)

    def gain(self, policy):
        new, old = (p.predict_proba(self.seen) for p in (policy, Tilted(self, 0.0)))
        return ((new - old) * self.mean(self.seen)).sum(axis=1).mean()

    def draw(self, size, seed):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(size, 3))
        proba = Tilted(self, 0.0).predict_proba(X)
        done = pick(rng, proba)
        rows = np.arange(size)
        paid = self.mean(X)[rows, done] + rng.normal(size=size)
        return TransitionLog(
            X, done, paid, propensities=proba[rows, done], classes=np.arange(3)
        )


def scaled(q_values):
    """Advantages over the mean of a row, of the spread 1."""
    centered = q_values - q_values.mean(axis=1, keepdims=True)
    return centered / centered.std()


def judge(kind, seed, known):
    """Of each policy its gain in shares of the range, the verdict, and if covered."""
    rng = np.random.default_rng(seed)
    model = kind(rng)
    log = model.draw(int(rng.choice(model.sizes)), seed)
    if not known:
        log = dataclasses.replace(log, propensities=None)
    for step in STEPS:
        policy = model.policy(step * rng.uniform(0.5, 1.5))
        truth = model.gain(policy)
        report = PolicyReport.from_estimator(
            policy, log, gamma=model.gamma, random_state=seed
        )
        low, high = report.difference.low, report.difference.high
        yield truth / model.range, report.verdict, low <= truth <= high


def summarize(found, seconds):
    """Cells of one row of the table."""
    gains, verdicts, covered = (np.array(column) for column in zip(*found, strict=True))
    deployed = verdicts == "deploy"
    worse, better = gains < WORSE, gains > BETTER
    answered = verdicts != "the log cannot answer"
    return [
        str(len(found)),
        f"{1 - answered.mean():.0%}",
        f"{deployed[worse].mean():.1%} of {worse.sum()}",
        f"{deployed[better].mean():.1%} of {better.sum()}",
        f"{covered.mean():.1%}",
        f"{covered[answered].mean():.1%}",
        f"{seconds / len(found):.1f}",
    ]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description="Verdicts with known truth.")
    parser.add_argument("--logs", type=int, default=12)
    parser.add_argument("--first", type=int, default=1000)
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    columns = [
        "reports",
        "cannot answer",
        "deploy, worse by 2 %",
        "deploy, better by 10 %",
        "covered",
        "covered, answered",
        "CPU s",
    ]
    print("| model | propensities | " + " | ".join(columns) + " |")
    print("|---|---|" + "---|" * len(columns))
    everything, total = [], 0.0
    for kind in (MDP, Bandit):
        for known in (True, False):
            start = time.process_time()
            seeds = range(options.first, options.first + options.logs)
            found = [one for seed in seeds for one in judge(kind, seed, known)]
            seconds = time.process_time() - start
            cells = " | ".join(summarize(found, seconds))
            known_or_not = "known" if known else "estimated"
            print(f"| {kind.__name__} | {known_or_not} | {cells} |", flush=True)
            everything, total = everything + found, total + seconds
    print("| all | | " + " | ".join(summarize(everything, total)) + " |")


if __name__ == "__main__":
    main()
