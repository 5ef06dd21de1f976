"""
Steps that grow geometrically converge linearly
===============================================

Which schedule of step sizes is the right one when action values are exact? The theory
of policy mirror descent gives an answer that can be checked on a screen, whatever the
mirror map is. For constant steps it bounds the gap to the optimum by a multiple of 1/k;
for steps that grow by 1 / gamma in every iteration by a multiple of (1 - 1/theta)^k, a
straight line on a logarithmic axis. The mismatch coefficient theta says how differently
the optimal policy and the first states are distributed.
"""

# %%
# A model, and exact regression
# -----------------------------
# On a model the default regressor makes line 1 of the algorithm exact.
from functools import partial

import matplotlib.pyplot as plt
import numpy as np

from skampo import AMPOPolicy
from skampo.inspection import ConvergenceDisplay
from skampo.mdp import make_random_mdp
from skampo.mirror_maps import Euclidean, NegativeEntropy, Tsallis
from skampo.step_sizes import Constant, Geometric
from skampo.theory import mismatch_coefficient, xiao_linear_bound, xiao_sublinear_bound

gamma = 0.9
mdp = make_random_mdp(random_state=0)
maps = {
    "negative entropy": NegativeEntropy(),
    "Tsallis, q = 0.5": Tsallis(q=0.5),
    "Euclidean": Euclidean(),
}

# %%
# What the bounds are made of
# ---------------------------
# How far the uniform policy is from the optimal one, by the divergence of each map, in
# the states that the optimal policy meets.
optimum = mdp.solve(gamma)
visits = mdp.visitation(optimum.proba, gamma)
theta = mismatch_coefficient(visits, mdp.initial_distribution, gamma)
uniform = np.full_like(optimum.proba, 1 / mdp.n_actions)
eta0 = np.log(mdp.n_actions) * (1 - gamma) / gamma
print(f"theta = {theta:.1f}, first geometric step {eta0:.3f}")


def draw(ax, name, step_size, bound, color):
    """Draw the gaps of one mirror map and step size, and their bound."""
    policy = AMPOPolicy(
        mirror_map=maps[name], step_size=step_size, gamma=gamma, max_iter=50
    )
    divergence = visits @ maps[name].divergence(optimum.proba, uniform)
    display = ConvergenceDisplay.from_estimator(
        policy.fit(mdp),
        mdp,
        bounds=partial(bound, gamma=gamma, divergence=divergence),
        ax=ax,
        color=color,
    )
    display.line_.set_linewidth(2)
    return display.gaps


# %%
# Curves and bounds
# -----------------
# One panel for each map and schedule, with the curves of the other maps in gray. No
# curve crosses its dashed bound. That of growing steps is a straight line; once the
# steps are large, the gap falls even faster. In the end the gap of constant steps falls
# faster than its bound as well, and with the Euclidean map, which leaves actions out,
# it becomes 0: the best actions of this model are better than the others by some
# margin. The bound of 1/k holds without any margin.
figure, axes = plt.subplots(
    2, 3, figsize=(10, 5.5), sharex=True, sharey=True, layout="constrained"
)
rows = {
    "constant steps": (Constant(eta=1.0), partial(xiao_sublinear_bound, eta=1.0)),
    "growing steps": (
        Geometric(),
        partial(xiao_linear_bound, theta=theta, eta0=eta0),
    ),
}
for row, (steps, (step_size, bound)), color in zip(
    axes, rows.items(), ["#0072b2", "#d55e00"], strict=True
):
    gaps = [
        draw(ax, name, step_size, bound, color)
        for ax, name in zip(row, maps, strict=True)
    ]
    for ax, name in zip(row, maps, strict=True):
        ax.plot(np.transpose(gaps), color="gray", linewidth=0.8, alpha=0.6, zorder=1)
        ax.set_title(f"{name},\n{steps}", fontsize="medium")
        ax.label_outer()
for ax in axes[:, 1:].flat:
    ax.get_legend().remove()
axes[0, 0].set(ylim=(1e-5, 1e3))
plt.show()
