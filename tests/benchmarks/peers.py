"""
Tuned deep reinforcement learning, the peers of tests.benchmarks.control.

The settings are those of rl-baselines3-zoo, for stable-baselines3 and sb3-contrib.
Their greedy policies play the episodes that skampo's play, outside the clock, with the
same period; a run ends when the threshold is passed. Environments are made without
rendering, which costs more than learning on LunarLander.

Install a CPU build of torch first, then the peers, or gigabytes of GPU libraries come
along: ``pip install torch==2.13.0`` from an index of CPU builds, then
``pip install "skampo[bench]"``.
"""

import time

import numpy as np

from skampo.rollouts import play_episodes
from tests.benchmarks.learners import N_EPISODES, summary
from tests.benchmarks.runs import peak_memory
from tests.seeds import VALIDATION

LARGE = {"net_arch": [256, 256]}
# Environment, algorithm: environments, inputs normalized, schedule in steps, settings.
PEERS = {
    ("CartPole-v1", "A2C"): (8, False, 500_000, {"ent_coef": 0.0}),
    ("CartPole-v1", "PPO"): (
        8,
        False,
        100_000,
        {
            "n_steps": 32,
            "batch_size": 256,
            "gae_lambda": 0.8,
            "gamma": 0.98,
            "n_epochs": 20,
            "ent_coef": 0.0,
            "learning_rate": lambda remaining: 0.001 * remaining,
            "clip_range": lambda remaining: 0.2 * remaining,
        },
    ),
    ("CartPole-v1", "DQN"): (
        1,
        False,
        50_000,
        {
            "learning_rate": 2.3e-3,
            "batch_size": 64,
            "buffer_size": 100_000,
            "learning_starts": 1000,
            "gamma": 0.99,
            "target_update_interval": 10,
            "train_freq": 256,
            "gradient_steps": 128,
            "exploration_fraction": 0.16,
            "exploration_final_eps": 0.04,
            "policy_kwargs": LARGE,
        },
    ),
    ("CartPole-v1", "TRPO"): (
        2,
        False,
        100_000,
        {
            "n_steps": 512,
            "batch_size": 512,
            "cg_damping": 1e-3,
            "gae_lambda": 0.98,
            "gamma": 0.99,
            "learning_rate": 1e-3,
            "n_critic_updates": 20,
        },
    ),
    ("Acrobot-v1", "A2C"): (16, True, 500_000, {"ent_coef": 0.0}),
    ("Acrobot-v1", "PPO"): (
        16,
        True,
        1_000_000,
        {
            "n_steps": 256,
            "gae_lambda": 0.94,
            "gamma": 0.99,
            "n_epochs": 4,
            "ent_coef": 0.0,
        },
    ),
    ("Acrobot-v1", "DQN"): (
        1,
        False,
        100_000,
        {
            "learning_rate": 6.3e-4,
            "batch_size": 128,
            "buffer_size": 50_000,
            "learning_starts": 0,
            "gamma": 0.99,
            "target_update_interval": 250,
            "train_freq": 4,
            "gradient_steps": -1,
            "exploration_fraction": 0.12,
            "exploration_final_eps": 0.1,
            "policy_kwargs": LARGE,
        },
    ),
    ("Acrobot-v1", "TRPO"): (2, True, 100_000, {"n_steps": 1024}),
    ("MountainCar-v0", "DQN"): (
        1,
        False,
        120_000,
        {
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
            "policy_kwargs": LARGE,
        },
    ),
    ("MountainCar-v0", "PPO"): (
        16,
        True,
        1_000_000,
        {
            "n_steps": 16,
            "gae_lambda": 0.98,
            "gamma": 0.99,
            "n_epochs": 4,
            "ent_coef": 0.0,
        },
    ),
    ("LunarLander-v3", "PPO"): (
        16,
        False,
        1_000_000,
        {
            "n_steps": 1024,
            "batch_size": 64,
            "gae_lambda": 0.98,
            "gamma": 0.999,
            "n_epochs": 4,
            "ent_coef": 0.01,
        },
    ),
}
ALGORITHMS = ("A2C", "PPO", "DQN", "TRPO")
BEST = {
    "CartPole-v1": ["A2C"],
    "Acrobot-v1": ["A2C"],
    "MountainCar-v0": ["DQN"],
    "LunarLander-v3": ["PPO"],
}


class Greedy:
    """The most probable actions of a model, in the form that skampo plays."""

    def __init__(self, model, vector, n_actions):
        self.model, self.n_actions = model, n_actions
        self.normalize = getattr(vector, "normalize_obs", np.asarray)

    def proba(self, observations, action_mask=None):
        """One-hot rows; torch's networks and normalization see what they trained on."""
        observations = self.normalize(observations.astype(np.float32))
        actions, _ = self.model.predict(observations, deterministic=True)
        return np.eye(self.n_actions)[actions]


def make_judge(name, task, greedy_of, cpu_limit):
    """A callback that evaluates and stops the run, and what it has seen."""
    from stable_baselines3.common.callbacks import BaseCallback

    started, excluded = time.process_time(), 0.0
    curve = []

    class Judge(BaseCallback):
        def _on_step(self):
            nonlocal excluded
            if self.num_timesteps < (len(curve) + 1) * task.evaluate_every:
                return True
            before = time.process_time()
            results = play_episodes(
                name, greedy_of(self), n_episodes=N_EPISODES, stream=VALIDATION
            )
            value = results.returns.mean()
            curve.append((self.num_timesteps, before - started - excluded, value))
            excluded += time.process_time() - before
            return bool(value < task.threshold and curve[-1][1] < cpu_limit)

    return Judge(), curve


def run(name, task, learner, seed, cpu_limit):
    """One run until the threshold is passed; a dict of numbers."""
    import torch

    torch.set_num_threads(1)
    # Lazy imports are not what is measured.
    _learn(name, learner, seed + 1000, 64, None)
    judge, curve = make_judge(name, task, _greedy, cpu_limit)
    _learn(name, learner, seed, None, judge)
    steps, seconds, returns = map(np.array, zip(*curve, strict=True))
    shares = ("environment_share", "regressor_share", "rest_share")
    return summary(steps, seconds, returns, task.threshold) | {
        "kept": np.nan,
        "memory": peak_memory(),
        "total_steps": int(steps[-1]),
        "total_seconds": seconds[-1],
        **dict.fromkeys(("validation_seconds", *shares), np.nan),
    }


def _greedy(judge):
    vector = judge.training_env
    return Greedy(judge.model, vector, vector.action_space.n)


def _learn(name, learner, seed, n_steps, callback):
    import sb3_contrib
    import stable_baselines3
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    n_envs, is_normalized, scheduled, settings = PEERS[name, learner]
    vector = make_vec_env(name, n_envs, seed=seed, env_kwargs={"render_mode": None})
    if is_normalized:
        vector = VecNormalize(vector, gamma=settings.get("gamma", 0.99))
    home = sb3_contrib if learner == "TRPO" else stable_baselines3
    kind = getattr(home, learner)
    model = kind("MlpPolicy", vector, seed=seed, device="cpu", **settings)
    model.learn(n_steps or scheduled, callback=callback)
