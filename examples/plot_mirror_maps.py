"""
The mirror map decides which actions are given up
=================================================

What does another mirror map change? All of them find the best action. On the way there
negative entropy, whose policies are softmax, keeps some probability on every action,
while Euclidean and Tsallis with q > 1 leave bad actions out altogether. Such sparse
policies are easier to read, and they no longer explore what they have left out.
"""

# %%
# How sparse are policies of a whole model?
# -----------------------------------------
# Four maps on a model with 50 states and 10 actions, with a constant step size. With
# ``warm_start=True`` each `fit` adds one iteration, after which the exact zeros among
# the probabilities are counted.
import matplotlib.pyplot as plt
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skampo import AMPOPolicy
from skampo.inspection import SimplexDisplay
from skampo.mdp import make_random_mdp
from skampo.mirror_maps import Euclidean, NegativeEntropy, Tsallis

mirror_maps = {
    "negative entropy": NegativeEntropy(),
    "Tsallis, q = 0.5": Tsallis(q=0.5),
    "Tsallis, q = 1.5": Tsallis(q=1.5),
    "Euclidean": Euclidean(),
}
mdp = make_random_mdp(n_states=50, n_actions=10, random_state=0)
table = make_pipeline(OneHotEncoder(), LinearRegression(fit_intercept=False))
optimum = mdp.solve(0.9).values.mean()
zeros = {}
for name, mirror_map in mirror_maps.items():
    policy = AMPOPolicy(
        table,
        mirror_map=mirror_map,
        step_size="constant",
        gamma=0.9,
        max_iter=1,
        warm_start=True,
    )
    zeros[name] = [0.0]
    for _ in range(20):
        proba = policy.fit(mdp).predict_proba(mdp.states)
        zeros[name].append((proba == 0).mean())
    gap = optimum - mdp.expected_return(proba, 0.9)
    print(f"{name:18s} {zeros[name][-1]:4.0%} zeros, gap {gap:.4f}")

# %%
# One state, and the model
# ------------------------
# On the left one state with three actions, and the same action values in every step.
# The first policy prefers the worst action. A point on a side of the triangle never
# takes the action of the opposite corner. On the right the model, in the same colors.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
simplex = SimplexDisplay.from_mirror_maps(
    mirror_maps,
    q_values=[1.0, 0.8, 0.0],
    eta=0.3,
    n_steps=40,
    start=[0.05, 0.15, 0.8],
    actions=("best", "second", "worst"),
    ax=left,
)
left.set_title("One state: from the worst action to the best")
for index, (name, shares) in enumerate(zeros.items()):
    path = simplex.lines_[name]
    right.plot(
        shares,
        color=path.get_color(),
        marker=path.get_marker(),
        markevery=(index, 4),
    )
right.axhline(1 - 1 / mdp.n_actions, color="gray", linestyle=":")
right.annotate("one action per state", (0.3, 0.91), color="gray")
right.set(
    xticks=range(0, 21, 5),
    ylim=(-0.03, 1),
    xlabel="iteration",
    ylabel="share of probabilities that are 0",
    title="A model: actions that are given up",
)
plt.show()
