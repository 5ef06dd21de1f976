"""
On slippery ice the policy turns its back to the holes
======================================================

What does a policy do differently when its actions may fail? On firm ice the shortest
way to the goal is best. On slippery ice every third step goes as planned, and the
others go to one side or the other: next to a hole the best action points away from it,
because then none of the three ends in the hole. The pictures show both policies.
"""

# %%
# Two models of the same lake
# ---------------------------
# `TabularMDP.from_env` reads the transition probabilities of the environment, so that
# policies are evaluated exactly and nothing has to be sampled.
import gymnasium
import matplotlib.pyplot as plt

from skampo import AMPOPolicy
from skampo.inspection import GridworldDisplay
from skampo.mdp import TabularMDP

models, policies = {}, {}
for name, is_slippery in (("firm ice", False), ("slippery ice", True)):
    env = gymnasium.make("FrozenLake-v1", map_name="8x8", is_slippery=is_slippery)
    layout = env.unwrapped.desc
    models[name] = TabularMDP.from_env(env)
    policies[name] = AMPOPolicy(gamma=0.97, max_iter=20).fit(models[name])
    env.close()

# %%
# What the slips cost
# -------------------
# Each policy in both worlds: the exact discounted return.
for learned, policy in policies.items():
    for world, mdp in models.items():
        print(f"learned on {learned:12s}, on {world:12s}: {policy.score(mdp):.3f}")

# %%
# Both policies
# -------------
# Arrows are as long as their action is probable, and colors are the exact values. On
# firm ice several ways are equally short, and the policy splits; on slippery ice no
# arrow beside a hole (H) points at it, unless holes lie on two sides.
figure, axes = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
for ax, (name, policy) in zip(axes, policies.items(), strict=True):
    GridworldDisplay.from_estimator(policy, models[name], layout, ax=ax)
    ax.set_title(name)
plt.show()
