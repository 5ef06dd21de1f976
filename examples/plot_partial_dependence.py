"""
The velocity decides which way the mountain car pushes
======================================================

Where does a policy change its mind, and what does one feature do on its own? Once it is
fitted, a policy is a classifier, and scikit-learn's displays draw it as they draw any
other: `DecisionBoundaryDisplay` over two features, `PartialDependenceDisplay` for each
of them.
"""

# %%
# A policy and the states it meets
# --------------------------------
import gymnasium
import matplotlib.pyplot as plt
import numpy as np
from sklearn.inspection import DecisionBoundaryDisplay, PartialDependenceDisplay

from skampo import AMPOPolicy

policy = AMPOPolicy(
    max_iter=12, early_stopping=True, n_iter_no_change=None, random_state=0
)
policy.fit("MountainCar-v0")
print("return of the kept policy:", policy.score("MountainCar-v0"))

env = gymnasium.make("MountainCar-v0")
states = []
for seed in range(10):
    observation, _ = env.reset(seed=seed)
    over = False
    while not over:
        states.append(observation)
        observation, _, terminated, truncated, _ = env.step(policy.act(observation))
        over = terminated or truncated
env.close()
states = np.array(states)

# %%
# The boundary and the two features
# ---------------------------------
# Top: the greedy action of every state, and the states that were met. Below: the mean
# probability of pushing right when one feature is set and the other stays as it was.
# The velocity moves it about twice as far as the position does.
figure, axes = plt.subplot_mosaic([["map", "map"], ["x", "v"]], figsize=(8, 7))
DecisionBoundaryDisplay.from_estimator(
    policy,
    states,
    response_method="predict",
    multiclass_colors=["#0072b2", "#999999", "#d55e00"],
    xlabel="position",
    ylabel="velocity",
    alpha=0.5,
    eps=0.01,
    ax=axes["map"],
)
axes["map"].plot(*states.T, ".", color="black", markersize=2)
axes["map"].set_title("blue: push left, gray: coast, orange: push right")
display = PartialDependenceDisplay.from_estimator(
    policy,
    states,
    features=[0, 1],
    feature_names=["position", "velocity"],
    target=2,
    response_method="predict_proba",
    grid_resolution=40,
    ax=[axes["x"], axes["v"]],
)
for ax in (axes["x"], axes["v"]):
    ax.set(ylim=(0, 1), ylabel="probability of a push right")
figure.tight_layout()
for name, curve in zip(["position", "velocity"], display.pd_results, strict=True):
    spread = np.ptp(curve.average[0])
    print(f"the {name} moves the mean probability of a push right by {spread:.2f}")
plt.show()
