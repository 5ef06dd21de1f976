"""
The policy of the mountain car swings before it climbs
======================================================

What has a policy learned? MountainCar has two features, so that all of it fits into
one picture: at every position and velocity the action that it prefers, and how sure it
is. The engine is too weak for the hill, and the policy discovers from rewards of -1
alone that it has to push in the direction in which the car already moves.
"""

# %%
# A policy in seconds
# -------------------
# The default regressor, ridge on kernel features, learns in 12 iterations of 512 steps.
# The best iterate is kept.
import gymnasium
import matplotlib.pyplot as plt
import numpy as np

from skampo import AMPOPolicy
from skampo.inspection import PolicyDisplay

policy = AMPOPolicy(
    max_iter=12, early_stopping=True, n_iter_no_change=None, random_state=0
)
policy.fit("MountainCar-v0")
print("return of the kept policy:", policy.score("MountainCar-v0"))

# %%
# One episode
# -----------
# The states that the greedy policy passes on its way from the valley to the flag.
env = gymnasium.make("MountainCar-v0")
observation, _ = env.reset(seed=0)
trajectory, over = [observation], False
while not over:
    observation, _, terminated, truncated, _ = env.step(policy.act(observation))
    trajectory.append(observation)
    over = terminated or truncated
bounds = np.array([env.observation_space.low, env.observation_space.high])
env.close()
trajectory = np.array(trajectory)

# %%
# The policy and its path
# -----------------------
# The colors are the greedy actions, paler where the policy is less sure.
display = PolicyDisplay.from_estimator(
    policy,
    bounds,
    feature_names=["position", "velocity"],
    action_names=["push left", "coast", "push right"],
    margin=0.0,
    grid_resolution=150,
)
ax = display.ax_
ax.plot(*trajectory.T, color="black", linewidth=2)
ax.plot(*trajectory[0], "o", color="black")
ax.annotate("start", trajectory[0], (8, 4), textcoords="offset points")
ax.axvline(0.5, color="black", linestyle=":")
ax.set_title(f"MountainCar-v0: at the flag after {len(trajectory) - 1} steps")
plt.show()
