"""
Learning in CartPole after a log of it, and without.

Run with ``python -m tests.benchmarks.log_first [--seeds 4]``. The log has 2,000 rows of
a policy that follows a straight line in seven of ten steps. For each seed: what the
policy of the log scores; the mean returns of episodes that ended in each of the six
iterations that follow in environments ("none" where none ended), and of six iterations
without a log; and both scores.
"""

import argparse
import warnings

import gymnasium
import numpy as np

from skampo import AMPOPolicy
from skampo.data import TransitionLog

ID = "CartPole-v1"


def make_log(n_rows=2000):
    """A log whose episodes last 222 steps in the mean."""
    env, rng, rows, episode = gymnasium.make(ID), np.random.default_rng(0), [], 0
    observation, _ = env.reset(seed=0)
    for _ in range(n_rows):
        leans = int(observation[2] + observation[3] > 0)
        action = leans if rng.random() < 0.7 else int(rng.integers(2))
        following, reward, *ends, _ = env.step(action)
        rows.append((observation, action, reward, following, *ends, episode))
        observation = following
        if any(ends):
            observation, episode = env.reset()[0], episode + 1
    return TransitionLog(*map(np.array, zip(*rows, strict=True)))


def returns(policy):
    """Mean returns of the last six iterations."""
    found = [record["return_mean"] for record in policy.history_[-6:]]
    return ", ".join("none" if np.isnan(r) else f"{r:.0f}" for r in found)


def main():
    """Print a line for each seed and way to begin."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    warnings.simplefilter("ignore")
    log = make_log()
    for seed in range(parser.parse_args().seeds):
        policy = AMPOPolicy(warm_start=True, max_iter=10, random_state=seed).fit(log)
        print(f"seed {seed}: the policy of the log scores {policy.score(ID):.0f}")
        policy.set_params(max_iter=6).fit(ID)
        print(f"  then {returns(policy)}: scores {policy.score(ID):.0f}")
        anew = AMPOPolicy(max_iter=6, random_state=seed).fit(ID)
        print(f"  anew {returns(anew)}: scores {anew.score(ID):.0f}", flush=True)


if __name__ == "__main__":
    main()
