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
# On a model the default regressor makes line 1 of the algorithm exact, so that the
# curves show the step sizes and nothing else.
import matplotlib.pyplot as plt
import numpy as np

from skampo import AMPOPolicy
from skampo.inspection import ConvergenceDisplay
from skampo.mdp import make_random_mdp
from skampo.step_sizes import Geometric

mdp = make_random_mdp(n_states=100, n_actions=10, random_state=0)


def fit(step_size):
    """Fit a policy with exact action values."""
    return AMPOPolicy(step_size=step_size, gamma=0.95, max_iter=8).fit(mdp)


def returns(policy):
    """Exact returns of the iterates."""
    return np.array([record["return_mean"] for record in policy.history_])


# %%
# From constant to infinite steps
# -------------------------------
# The first step is c, and each is c times the one before. On the left the gap of every
# iterate; a triangle says that the policy is optimal from there on. A finite step may
# be ahead of policy iteration for a while, because it still remembers the values of
# earlier policies. On the right the distance of the returns from those of policy
# iteration, in the iteration where they differ most. It goes to 0 faster than any power
# of c.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
factors = [1, 10, 100, 10_000]
colors = plt.get_cmap("viridis_r")(np.linspace(0.15, 0.9, len(factors)))
for factor, color in zip(factors, colors, strict=True):
    ConvergenceDisplay.from_estimator(
        fit(Geometric(eta0=factor, ratio=factor)),
        mdp,
        name=f"c = {factor:,}",
        ax=left,
        color=color,
        marker=".",
    )
infinite = fit("greedy")
ConvergenceDisplay.from_estimator(
    infinite,
    mdp,
    name="policy iteration",
    ax=left,
    color="black",
    linestyle=":",
    linewidth=3,
)
left.set_title("The faster steps grow ...")

factors = 10 ** np.arange(0, 4.5, 0.5)
distances = [
    np.abs(returns(fit(Geometric(eta0=c, ratio=c))) - returns(infinite)).max()
    for c in factors
]
right.loglog(factors, distances, color="black", marker=".")
right.set(
    xlabel="first step and growth, c",
    ylabel=r"$\max_k \, |V^k - V^k_\mathrm{PI}|$",
    title="... the closer to policy iteration",
)
plt.show()
