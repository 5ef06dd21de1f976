"""
A regressor's error is the floor of the gap
===========================================

What does a small regressor cost? The theory of AMPO promises the speed of exact methods
down to a floor, which grows with the error that the regressor makes in line 1 of the
algorithm, whatever the regressor is. Here trees with more and more leaves learn the
scores of 100 states: the curves fall together, and each levels off at its own floor.
"""

# %%
# Trees of growing capacity
# -------------------------
# A tree with 100 leaves can tell all states apart and makes no error. In the others
# several states share a leaf, and with it their scores and their policy.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.inspection import ConvergenceDisplay
from skampo.mdp import make_random_mdp
from skampo.theory import ampo_linear_bound, mismatch_coefficient

gamma, mdp = 0.9, make_random_mdp(n_states=100, random_state=0)
capacities = [15, 40, 70, 90, 95, 100]
policies = {}
for n_leaves in capacities:
    tree = DecisionTreeRegressor(max_leaf_nodes=n_leaves, random_state=0)
    policy = AMPOPolicy(tree, step_size="geometric", gamma=gamma, max_iter=60)
    policies[n_leaves] = policy.fit(mdp)

# %%
# What the theorem promises
# -------------------------
# After many iterations nothing but the floor is left of the bound. Line 1 weighs all
# pairs of a state and an action alike, so that the concentrability of no policy
# exceeds their number.
optimum = mdp.solve(gamma)
visits = mdp.visitation(optimum.proba, gamma)
nu = mismatch_coefficient(visits, mdp.initial_distribution, gamma)


def promised(error):
    """Floor of the gap, for a root mean square error of line 1."""
    return ampo_linear_bound(
        10**6, gamma, nu, 1.0, 1.0, mdp.reward.size, approximation_error=error**2
    )


# %%
# Gaps and their floors
# ---------------------
# On the left the gap of every iterate. On the right the floor, which is the mean gap of
# the last 10 iterates, against the root of the mean squared error of line 1. The tree
# with 100 leaves is still on its way down, and has no place there. The theorem is safe
# for any model: it is far above, and proportional to the error, where the floors of
# this model fall about with its square.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
colors = plt.get_cmap("viridis_r")(np.linspace(0.1, 1, len(capacities)))
points = []
for (n_leaves, policy), color in zip(policies.items(), colors, strict=True):
    display = ConvergenceDisplay.from_estimator(
        policy, mdp, name=f"{n_leaves}", ax=left, color=color
    )
    errors = [record["approximation_error"] for record in policy.history_[-10:]]
    error, floor = np.sqrt(np.mean(errors)), display.gaps[-10:].mean()
    print(f"{n_leaves:3d} leaves: error {error:.1e}, mean gap {floor:.1e}")
    if n_leaves < mdp.n_states:
        points.append((error, floor))
        right.loglog(error, floor, "o", color=color, markersize=8)
        right.annotate(
            f"{n_leaves} leaves",
            (error, floor),
            xytext=(8, -3),
            textcoords="offset points",
        )
ends = np.array([points[-1][0], points[0][0]])
right.plot(ends, [promised(error) for error in ends], "--", color="black")
right.annotate("promised: slope 1", (ends[0], promised(ends[1])))
slope, height = np.polyfit(*np.log(points).T, 1)
right.plot(ends, np.exp(height) * ends**slope, ":", color="gray")
right.annotate(f"measured: slope {slope:.1f}", (ends[0], points[0][1]), color="gray")
left.legend(title="leaves", loc="lower left", ncols=2)
left.set(ylim=(1e-5, 10), title="Every small tree levels off ...")
right.set(
    xlim=(0.01, 1),
    ylim=(1e-3, 1e5),
    xlabel=r"root mean square error of line 1, $\sqrt{\epsilon}$",
    ylabel="floor of the gap",
    title="... the lower, the smaller its error",
)
plt.show()
