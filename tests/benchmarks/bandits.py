"""
What propensities are worth to a learner: `RewardModel` on logs of contextual bandits.

Run with ``python -m tests.benchmarks.bandits [--seeds 10]``. Rewards of three actions
are smooth functions of four columns plus noise; the logger prefers what a straight line
through the rewards prefers (``skewed``), or chooses evenly. A cell is the value of the
learned policy, on a scale where 0 is an even choice and 1 the best policy, median over
the seeds with the smallest and the largest in parentheses.
"""

import argparse

import numpy as np
from lightgbm import LGBMRegressor
from sklearn.linear_model import LinearRegression, Ridge

from skampo import AMPOPolicy
from skampo.critics import RewardModel
from tests.benchmarks import runs

REGRESSORS = {
    "default": lambda: None,
    "Ridge": Ridge,
    "LGBMRegressor": lambda: LGBMRegressor(verbose=-1, n_jobs=1),
}
METHODS = ("direct", "weighted", "doubly_robust")
N_ACTIONS, N_COLUMNS, N_ROWS, N_FRESH = 3, 4, 2000, 20_000


def make_rewards(rng):
    """A function from states to the mean rewards of all actions."""
    slopes = rng.normal(size=(N_COLUMNS, N_ACTIONS))
    waves = rng.normal(size=(N_COLUMNS, N_ACTIONS))
    return lambda X: 0.5 * X @ slopes + np.cos(2 * X @ waves)


def make_log(rng, rewards, skewed):
    """States, actions, what they paid, and how likely they were."""
    X = rng.normal(size=(N_ROWS, N_COLUMNS))
    means = rewards(X)
    odds = np.exp(2 * skewed * LinearRegression().fit(X, means).predict(X))
    chances = 0.05 + 0.85 * odds / odds.sum(axis=1, keepdims=True)
    drawn = np.cumsum(chances, axis=1) > rng.random((N_ROWS, 1))
    done, rows = drawn.argmax(axis=1), np.arange(N_ROWS)
    return X, done, means[rows, done] + rng.normal(size=N_ROWS), chances[rows, done]


def share(policy, rewards, rng):
    """How far a policy is from an even choice to the best one."""
    X = rng.normal(size=(N_FRESH, N_COLUMNS))
    means = rewards(X)
    value = means[np.arange(N_FRESH), policy.predict(X)].mean()
    return (value - means.mean()) / (means.max(axis=1).mean() - means.mean())


def measure(name, method, skewed, seed):
    """One learned policy."""
    rng = np.random.default_rng(seed)
    rewards = make_rewards(rng)
    X, done, paid, chances = make_log(rng, rewards, skewed)
    critic = RewardModel(method=method)
    policy = AMPOPolicy(REGRESSORS[name](), critic=critic, random_state=seed)
    policy.fit(X, done, rewards=paid, propensities=chances)
    return share(policy, rewards, rng)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description="Propensities for learners.")
    parser.add_argument("--seeds", type=int, default=10)
    n_seeds = parser.parse_args().seeds
    lines = []
    for skewed in (False, True):
        for name in REGRESSORS:
            cells = [
                [measure(name, method, skewed, seed) for seed in range(n_seeds)]
                for method in METHODS
            ]
            logger = "skewed" if skewed else "even"
            lines.append([logger, name, *(runs.cell(c, 2) for c in cells)])
    print(runs.table(["logger", "regressor", *METHODS], lines))


if __name__ == "__main__":
    main()
