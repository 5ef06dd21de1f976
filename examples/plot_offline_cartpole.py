"""
A policy from a log of mixed quality
====================================

Somebody balanced a pole, sometimes by chance and sometimes well, and wrote down what
happened. From the log alone a policy is learned that does better than what was logged
and than a copy of it, because good and bad decisions are told apart by what followed.
"""

# %%
# A log
# -----
# Half of the steps push at random, half follow a simple rule that fails in the end,
# with one push of five at random. Nothing below this cell plays to learn.
import gymnasium
import matplotlib.pyplot as plt
import numpy as np

from skampo import AMPOPolicy
from skampo.data import TransitionLog


def record(share_of_chance, n_steps, seed):
    """Episodes of pushes towards the side where the pole falls, or by chance."""
    environment = gymnasium.make("CartPole-v1")
    rng = np.random.default_rng(seed)
    episodes, total = [], 0
    while total < n_steps:
        observation, _ = environment.reset(seed=seed + total)
        rows, observations, over = [], [observation], False
        while not over:
            action = int(observation[2] + observation[3] > 0)
            if rng.random() < share_of_chance:
                action = int(rng.integers(2))
            observation, reward, terminated, truncated, _ = environment.step(action)
            rows.append((action, reward, terminated, truncated))
            observations.append(observation)
            over = terminated or truncated
        names = ["actions", "rewards", "terminated", "truncated"]
        columns = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
        episodes.append(columns | {"observations": np.array(observations)})
        total += len(rows)
    return episodes


episodes = record(1.0, 4000, seed=0) + record(0.2, 4000, seed=10_000)
log = TransitionLog.from_episodes(episodes)
returns = np.array([episode["rewards"].sum() for episode in episodes])
print(f"{len(log)} steps, {log.n_episodes} episodes, mean return {returns.mean():.0f}")

# %%
# Three policies
# --------------
# Labels make a copy of what was done. A log makes a policy; its default critic expects
# nothing of what the log does not show, and `"fitted_q"` believes every value.
parameters = {"max_iter": 20, "random_state": 0}
policies = {
    "copy": AMPOPolicy(**parameters).fit(log.states, log.actions),
    "fitted_q": AMPOPolicy(critic="fitted_q", **parameters).fit(log),
    "default": AMPOPolicy(**parameters).fit(log),
}
scores = {"logged": returns.mean()}
for name, policy in policies.items():
    scores[name] = policy.score("CartPole-v1", n_episodes=20)
    print(f"{name}: {scores[name]:.0f}")

# %%
# What they are worth
# -------------------
# The environment is used only here, to check.
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
bars = ax.bar(list(scores), list(scores.values()), color="#0072b2")
bars[0].set_color("#999999")
ax.bar_label(bars, fmt="%.0f")
ax.set(
    ylabel="mean return on CartPole-v1",
    ylim=(0, 550),
    title="What was logged, and three policies from the log",
)
plt.show()
