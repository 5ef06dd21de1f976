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

mdp = make_random_mdp(n_states=100, random_state=0)
capacities = [15, 40, 60, 80, 90, 95, 100]
policies = {}
for n_leaves in capacities:
    tree = DecisionTreeRegressor(max_leaf_nodes=n_leaves, random_state=0)
    policy = AMPOPolicy(tree, step_size="geometric", gamma=0.9, max_iter=70)
    policies[n_leaves] = policy.fit(mdp)

# %%
# Gaps and their floors
# ---------------------
# On the left the gap of every iterate. On the right the floor, which is the mean gap of
# the last 20 iterates, against the root of the mean squared error of line 1. The tree
# with 100 leaves is still on its way down, and has no place there.
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
colors = plt.get_cmap("viridis_r")(np.linspace(0.1, 1, len(capacities)))
for (n_leaves, policy), color in zip(policies.items(), colors, strict=True):
    display = ConvergenceDisplay.from_estimator(
        policy, mdp, name=f"{n_leaves}", ax=left, color=color
    )
    errors = [record["approximation_error"] for record in policy.history_[-20:]]
    error, floor = np.sqrt(np.mean(errors)), display.gaps[-20:].mean()
    print(f"{n_leaves:3d} leaves: error {error:.1e}, mean gap {floor:.1e}")
    if n_leaves < mdp.n_states:
        right.loglog(error, floor, "o", color=color, markersize=8)
        right.annotate(
            f"{n_leaves} leaves",
            (error, floor),
            xytext=(8, -3),
            textcoords="offset points",
        )
left.legend(title="leaves", loc="lower left", ncols=2)
left.set(ylim=(1e-5, 10), title="Every small tree levels off ...")
right.set(
    xlim=(0.01, 1),
    xlabel="error of line 1 (root mean square)",
    ylabel="floor of the gap",
    title="... the lower, the smaller its error",
)
plt.show()
