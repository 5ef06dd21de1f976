"""
DiscreteCQL or DiscreteBCQ of d3rlpy on one log; started by offline.py.

Prints, as JSON, the mean return of greedy episodes after the last of `N_STEPS` gradient
steps and the CPU seconds of training. States are standardized. Networks, batches of 32
and what the two algorithms are named for (alpha of CQL, threshold of BCQ) are d3rlpy's
defaults. Its learning rate and target interval are made for the many millions of steps
that Atari takes; these are the ones that such small problems are given elsewhere.
"""

import json
import sys
import time

import gymnasium
import numpy as np

N_STEPS = 10_000
SETTINGS = {"learning_rate": 1e-3, "target_update_interval": 100, "gamma": 0.99}


def play(algorithm, name, seeds):
    """Mean return of greedy episodes, played together."""
    environments = [gymnasium.make(name) for _ in seeds]
    pairs = zip(environments, seeds, strict=True)
    seen = [environment.reset(seed=seed)[0] for environment, seed in pairs]
    returns, active = np.zeros(len(seeds)), list(range(len(seeds)))
    while active:
        rows = np.array([seen[i] for i in active], dtype=np.float32)
        actions = algorithm.predict(rows)
        for i, action in zip(tuple(active), actions, strict=True):
            seen[i], reward, *over, _ = environments[i].step(int(action))
            returns[i] += reward
            if any(over):
                active.remove(i)
    return float(returns.mean())


def main():
    """Fit one algorithm and play."""
    import d3rlpy
    import torch

    torch.set_num_threads(1)
    job = json.loads(sys.argv[1])
    d3rlpy.seed(job["seed"])
    with np.load(job["path"]) as columns:
        dataset = d3rlpy.dataset.MDPDataset(**columns)
    scaler = d3rlpy.preprocessing.StandardObservationScaler()
    config = getattr(d3rlpy.algos, f"{job['method']}Config")
    algorithm = config(observation_scaler=scaler, **SETTINGS).create(device="cpu:0")
    start = time.process_time()
    algorithm.fit(
        dataset,
        n_steps=N_STEPS,
        n_steps_per_epoch=N_STEPS,
        show_progress=False,
        logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
    )
    seconds = time.process_time() - start
    print(json.dumps([play(algorithm, job["name"], job["episodes"]), seconds]))


if __name__ == "__main__":
    main()
