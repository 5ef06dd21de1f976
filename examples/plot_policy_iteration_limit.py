"""
Steps that outgrow all earlier ones are policy iteration
========================================================

How large should a step be when the action values are exact? The scores of iteration t
are the sum of all action values so far, each times its step size. If step sizes are
constant, even large ones, the past keeps its weight. If each is many times the one
before, only the last action values count, and the policy is greedy with respect to
them: that is policy iteration, the limit of an infinite step.
"""

# %%
# A model with 100 states
# -----------------------
# One-hot states and least squares make line 1 of the algorithm exact, so that the
# curves show the step sizes and nothing else.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skampo import AMPOPolicy
from skampo.inspection import ConvergenceDisplay
from skampo.mdp import make_random_mdp
from skampo.step_sizes import Geometric

mdp = make_random_mdp(n_states=100, n_actions=10, random_state=0)
table = make_pipeline(OneHotEncoder(), LinearRegression(fit_intercept=False))


def fit(step_size, n_iter=20):
    """Fit a policy to the model with exact action values."""
    policy = AMPOPolicy(table, step_size=step_size, gamma=0.95, max_iter=n_iter)
    return policy.fit(mdp)


# %%
# From constant to infinite steps
# -------------------------------
# All start with a step of 10; `ratio` is what each is multiplied by for the next. A
# triangle says that the policy is optimal from there on.
figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
ratios = [1, 2, 10, 1000]
colors = plt.get_cmap("viridis_r")(np.linspace(0.15, 0.9, len(ratios)))
for ratio, color in zip(ratios, colors, strict=True):
    ConvergenceDisplay.from_estimator(
        fit(Geometric(eta0=10.0, ratio=ratio)),
        mdp,
        name=f"ratio {ratio}",
        ax=ax,
        color=color,
        marker=".",
    )
ConvergenceDisplay.from_estimator(
    fit("greedy"),
    mdp,
    name="policy iteration",
    ax=ax,
    color="black",
    linestyle=":",
    linewidth=2.5,
)
ax.legend(loc="center right")
ax.set_title("The faster steps grow, the closer to policy iteration")

# %%
# The same actions
# ----------------
# With the largest ratio the greedy actions are those of policy iteration, iteration by
# iteration.
for n_iter in (1, 2, 3, 4):
    steps = (Geometric(eta0=1000.0, ratio=1000.0), "greedy")
    large, infinite = (fit(step, n_iter).predict(mdp.states) for step in steps)
    print(f"iteration {n_iter}: {(large == infinite).mean():.0%} of the actions agree")
plt.show()
