"""
Tuned deep reinforcement learning for tests.benchmarks.control.

The settings are those of rl-baselines3-zoo. Install a CPU build of torch first and then
``pip install "skampo[bench]"``; without it, gigabytes of GPU libraries come along.
"""

import time

import gymnasium
import numpy as np

EVALUATE_EVERY = {"CartPole-v1": 512, "Acrobot-v1": 512, "MountainCar-v0": 2048}
LONGEST = {"CartPole-v1": 60_000, "Acrobot-v1": 60_000, "MountainCar-v0": 120_000}
DQN_MOUNTAIN_CAR = {
    "learning_rate": 4e-3,
    "batch_size": 128,
    "buffer_size": 10_000,
    "learning_starts": 1000,
    "gamma": 0.98,
    "target_update_interval": 600,
    "train_freq": 16,
    "gradient_steps": 8,
    "exploration_fraction": 0.2,
    "exploration_final_eps": 0.07,
    "policy_kwargs": {"net_arch": [256, 256]},
}
# Environment: algorithm, number of environments, whether inputs are normalized.
PEERS = {
    "CartPole-v1": ("A2C", 8, False, {"ent_coef": 0.0}),
    "Acrobot-v1": ("A2C", 16, True, {"ent_coef": 0.0}),
    "MountainCar-v0": ("DQN", 1, False, DQN_MOUNTAIN_CAR),
}


def mean_return(model, vector, name, n_episodes=20):
    """Greedy episodes with seeds of their own."""
    returns = []
    environment = gymnasium.make(name)
    for episode in range(n_episodes):
        observation, _ = environment.reset(seed=10_000 + episode)
        total, over = 0.0, False
        while not over:
            if hasattr(vector, "normalize_obs"):
                observation = vector.normalize_obs(observation)
            action, _ = model.predict(observation, deterministic=True)
            observation, reward, terminated, truncated, _ = environment.step(
                int(action)
            )
            total, over = total + reward, terminated or truncated
        returns.append(total)
    return float(np.mean(returns))


def peer_needs(name, threshold, seed):
    """Environment steps and CPU seconds until the threshold; NaN if never."""
    import stable_baselines3
    import torch
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    torch.set_num_threads(1)
    algorithm, n_envs, normalized, settings = PEERS[name]
    start = time.process_time()
    vector = make_vec_env(name, n_envs, seed=seed)
    if normalized:
        vector = VecNormalize(vector)

    class Judge(BaseCallback):
        excluded, next_step, passed = 0.0, EVALUATE_EVERY[name], None

        def _on_step(self):
            if self.num_timesteps < self.next_step:
                return True
            self.next_step += EVALUATE_EVERY[name]
            before = time.process_time()
            value = mean_return(self.model, vector, name)
            if value >= threshold:
                self.passed = self.num_timesteps, before - start - self.excluded
            self.excluded += time.process_time() - before
            return self.passed is None

    judge = Judge()
    kind = getattr(stable_baselines3, algorithm)
    model = kind("MlpPolicy", vector, seed=seed, device="cpu", **settings)
    model.learn(LONGEST[name], callback=judge)
    return judge.passed or (np.nan, np.nan)
