"""DiscreteCQL and DiscreteBCQ of d3rlpy on one log; started by offline.py.

Prints, as JSON, the mean return of greedy episodes and the CPU seconds of each.
"""

import json
import sys
import time

import gymnasium
import numpy as np

N_STEPS = 10_000


def play(algorithm, name, n_episodes):
    """Mean return of greedy episodes."""
    environment = gymnasium.make(name)
    returns = []
    for seed in range(n_episodes):
        observation, _ = environment.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            row = np.asarray(observation, dtype=np.float32)[None]
            action = int(algorithm.predict(row)[0])
            observation, reward, terminated, truncated, _ = environment.step(action)
            total, over = total + reward, terminated or truncated
        returns.append(total)
    return float(np.mean(returns))


def main():
    """Fit both algorithms with the settings that d3rlpy gives them."""
    import d3rlpy

    path, name, seed, n_episodes = sys.argv[1:]
    d3rlpy.seed(int(seed))
    with np.load(path) as columns:
        dataset = d3rlpy.dataset.MDPDataset(**columns)
    found = {}
    for title in ("DiscreteCQL", "DiscreteBCQ"):
        scaler = d3rlpy.preprocessing.StandardObservationScaler()
        config = getattr(d3rlpy.algos, f"{title}Config")
        algorithm = config(observation_scaler=scaler).create(device="cpu:0")
        start = time.process_time()
        algorithm.fit(
            dataset,
            n_steps=N_STEPS,
            n_steps_per_epoch=N_STEPS,
            show_progress=False,
            logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
        )
        seconds = time.process_time() - start
        found[title] = play(algorithm, name, int(n_episodes)), seconds
    print(json.dumps(found))


if __name__ == "__main__":
    main()
