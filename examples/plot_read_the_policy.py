"""
A tree of sixteen leaves drives nearly as well as its policy
============================================================

A policy of three hundred kernel features cannot be read; a small decision tree can.
`skampo.distill` fits one to what the policy does, in the states that the tree itself
meets, each weighted with what a mistake would cost there. How many leaves does it take
to drive the mountain car?
"""

# %%
# Learn
# -----
# The best iterate of the default is what all trees imitate.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.tree import export_text

from skampo import AMPOPolicy
from skampo.distill import distill

ENV = "MountainCar-v0"
policy = AMPOPolicy(max_iter=20, early_stopping=True, random_state=0).fit(ENV)
returns = policy.play(ENV, 100).returns
print(f"return of the policy: {returns.mean():.1f}")

# %%
# Read
# ----
# Sixteen leaves are a page of text. Speed comes first: push to where the car is going
# already. Class 0 pushes left, 1 waits, and 2 pushes right.
students = {
    n_leaves: distill(policy, ENV, max_leaf_nodes=n_leaves, random_state=0)
    for n_leaves in (2, 4, 8, 16)
}
best = students[16]
print("return of the tree:", best.return_)
print(f"it agrees with the policy in {best.agreement_:.0%} of the states it meets")
print(export_text(best.tree_, feature_names=["position", "speed"], decimals=3))

# %%
# Compare
# -------
# Left, what the returns are for more and more leaves, with 95 % intervals of a hundred
# fresh episodes. Right, the three actions of the best tree over the plane of states.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
means = np.array([s.return_.mean for s in students.values()])
lows = np.array([s.return_.low for s in students.values()])
names = [str(n) for n in students]
left.errorbar(names, means, yerr=means - lows, fmt="o-", capsize=4, label="trees")
left.axhline(returns.mean(), color="0.6", linestyle="--", label="the policy")
left.set(xlabel="leaves", ylabel="mean return")
left.legend()
axes = np.linspace(-1.2, 0.6, 200), np.linspace(-0.07, 0.07, 200)
position, speed = np.meshgrid(*axes)
plane = np.column_stack([position.ravel(), speed.ravel()])
actions = best.predict(plane).reshape(position.shape)
right.contourf(position, speed, actions, levels=[-0.5, 0.5, 1.5, 2.5], cmap="PuOr")
right.set(xlabel="position", ylabel="speed")
right.set_title("left: orange, wait: white, right: violet")
figure.tight_layout()
plt.show()
