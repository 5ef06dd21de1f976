"""
Summed trees follow the action values, fixed regions do not
===========================================================

Which features should a policy have? The error of line 1, the bias of the approximation,
is the floor of every guarantee of AMPO. Features that are chosen before the fit have to
do for the action values of all policies. Those of a tree are chosen by the action
values themselves, and can be chosen anew in every iteration. Here all regressors tell
16 regions of a maze apart, and differ only in when the regions are drawn.
"""

# %%
# A maze
# ------
# Of 144 cells about a sixth are walls. Moves slip sometimes, and only the goal pays.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.inspection import ConvergenceDisplay
from skampo.mdp import make_gridworld
from skampo.step_sizes import Constant

WIDTH, N_REGIONS, GAMMA = 12, 16, 0.95
cells = np.where(np.random.default_rng(0).random((WIDTH, WIDTH)) < 1 / 6, "#", ".")
cells[0, 0], cells[-1, -1] = "S", "G"
mdp = make_gridworld(["".join(row) for row in cells], slip=0.1)


def coordinates(states):
    """Row and column of each cell."""
    return np.column_stack(np.divmod(states[:, 0], WIDTH))


# %%
# Regions that stay
# -----------------
# Squares of nine cells are drawn before anything is known. The leaves of a tree that is
# fitted to the action values of the first policy, the uniform one, follow the walls.
# Behind both is least squares with a weight for each region and action.
def squares(states):
    """Number of the square of each cell."""
    row, column = coordinates(states).T // 3
    return (4 * row + column)[:, None]


tree = DecisionTreeRegressor(max_leaf_nodes=N_REGIONS, random_state=0)
uniform = np.full(mdp.reward.shape, 1 / mdp.n_actions)
first = clone(tree).fit(coordinates(mdp.states), mdp.action_values(uniform, GAMMA))


def leaves(states):
    """Number of the leaf of each cell."""
    return first.apply(coordinates(states))[:, None]


def behind(features):
    """Least squares behind one-hot features."""
    weights = LinearRegression(fit_intercept=False)
    return make_pipeline(FunctionTransformer(features), OneHotEncoder(), weights)


# %%
# Regions that are drawn anew
# ---------------------------
# A tree that is fitted to line 1 draws its regions for the action values *and* for the
# scores of the last policy, a part of which it forgets. With
# ``encoding="dual_averaging"`` each tree is fitted to action values alone and added to
# the ensemble, as in boosting: the ensemble is the policy, and nothing is fitted again.
# It ends with the least error, and with the least gap.
growing = make_pipeline(FunctionTransformer(coordinates), tree)
cases = {
    "squares": (behind(squares), "auto"),
    "leaves of the first tree": (behind(leaves), "auto"),
    "new trees, fitted to line 1": (growing, "auto"),
    "new trees, summed": (growing, "dual_averaging"),
}
colors = ["#999999", "#56b4e9", "#d55e00", "#0072b2"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for (name, (regressor, encoding)), color in zip(cases.items(), colors, strict=True):
    policy = AMPOPolicy(
        regressor,
        encoding=encoding,
        critic="exact",
        step_size=Constant(20.0),
        gamma=GAMMA,
        max_iter=30,
        random_state=0,
    ).fit(mdp)
    errors = [record["approximation_error"] for record in policy.history_]
    left.plot(np.sqrt(errors), color=color, label=name)
    display = ConvergenceDisplay.from_estimator(policy, mdp, ax=right, color=color)
    print(f"{name:27s} error {errors[-1] ** 0.5:.4f}, gap {display.gaps[-1]:.4f}")
left.set(
    ylim=0,
    xlabel="iteration",
    ylabel=r"root mean square error of line 1, $\sqrt{\epsilon}$",
    title="Trees that are summed keep the error small ...",
)
right.set_title("... and the gap")
figure.legend(loc="outside lower center", ncols=4)
plt.show()
