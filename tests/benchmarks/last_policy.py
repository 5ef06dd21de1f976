"""
The last policy of a fit, and the mean of the last policies.

Run ``python -m tests.benchmarks.last_policy [--envs NAME ...] [--seeds 5]
[--first-seed 300] [--regressor NAME]``. Each fit is made with everything but
`max_iter` at its default, and once more with ``average=0``, which returns the policy
after the last iteration: greedy returns on 100 fresh episodes of both; the mean, the
median, the smallest and the largest of the seeds, and median steps and CPU seconds of a
fit.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.base import clone

from skampo import AMPOPolicy
from tests.benchmarks.learners import NAMES, regressor_of

ITERATIONS = {
    "CartPole-v1": 15,
    "Acrobot-v1": 25,
    "MountainCar-v0": 20,
    "FrozenLake-v1": 100,
    "Taxi-v4": 50,
    "LunarLander-v3": 50,
}


def measure(name, seed, regressor):
    """Returns of the last policy and of the mean, steps, and CPU seconds."""
    policy = AMPOPolicy(regressor, max_iter=ITERATIONS[name], random_state=seed)
    start = time.process_time()
    policy.fit(name)
    seconds = time.process_time() - start
    last = clone(policy).set_params(average=0.0).fit(name)
    returns = [p.score(name, n_episodes=100) for p in (last, policy)]
    return *returns, policy.n_steps_, seconds


def cell(returns):
    """Mean, median and range."""
    middle = f"{np.mean(returns):.4g}, {np.median(returns):.4g}"
    return f"{middle} ({min(returns):.4g} to {max(returns):.4g})"


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description="Is the last policy a good one?")
    parser.add_argument("--envs", nargs="+", default=list(ITERATIONS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--regressor", choices=NAMES, default="default")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| environment | the last policy | the mean | steps | CPU s |")
    print("|---|---|---|---|---|", flush=True)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for name in options.envs:
        runs = [measure(name, s, regressor_of(options.regressor)) for s in seeds]
        last, mean, steps, seconds = zip(*runs, strict=True)
        print(
            f"| {name} | {cell(last)} | {cell(mean)} | {np.median(steps):,.0f} | "
            f"{np.median(seconds):.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
