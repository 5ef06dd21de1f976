"""
Steps that grow geometrically converge linearly
===============================================

Which schedule of step sizes is the right one when action values are exact? The theory
of policy mirror descent gives an answer that can be checked on a screen. For constant
steps it bounds the gap to the optimum by a multiple of 1/k; for steps that grow by
1 / gamma in every iteration by a multiple of (1 - 1/theta)^k, a straight line on a
logarithmic axis. The mismatch coefficient theta says how differently the optimal
policy and the first states are distributed.
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
from skampo.step_sizes import Constant, Geometric
from skampo.theory import mismatch_coefficient, xiao_linear_bound, xiao_sublinear_bound

gamma = 0.9
mdp = make_random_mdp(random_state=0)


def fit(step_size):
    """Fit a policy to the model with exact action values."""
    policy = AMPOPolicy(step_size=step_size, gamma=gamma, max_iter=100)
    return policy.fit(mdp)


# %%
# What the bounds are made of
# ---------------------------
# The divergence of the optimal from the uniform policy is log(n_actions) in each state.
optimum = mdp.solve(gamma)
divergence = np.log(mdp.n_actions)
theta = mismatch_coefficient(
    mdp.visitation(optimum.proba, gamma), mdp.initial_distribution, gamma
)
eta0 = divergence * (1 - gamma) / gamma
print(f"theta = {theta:.1f}, first geometric step {eta0:.3f}")

# %%
# Curves and bounds
# -----------------
# The dashed bounds are never crossed. That of growing steps is a straight line; once
# the steps are large, the gap falls even faster, and soon is below the picture.
# In the end the gap of constant steps is a straight line as well: the best actions of
# this model are better than the others by some margin, and each iteration multiplies
# what the others have left by a constant. The bound of 1/k holds without any margin.
figure, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
ConvergenceDisplay.from_estimator(
    fit(Constant(eta=1.0)),
    mdp,
    bounds=partial(xiao_sublinear_bound, gamma=gamma, divergence=divergence, eta=1.0),
    name="constant steps",
    ax=ax,
    color="#0072b2",
)
ConvergenceDisplay.from_estimator(
    fit(Geometric()),
    mdp,
    bounds=partial(
        xiao_linear_bound, gamma=gamma, theta=theta, divergence=divergence, eta0=eta0
    ),
    name="steps that grow by 1 / gamma",
    ax=ax,
    color="#d55e00",
)
ax.set(ylim=(1e-7, 1e3), title="10 states, 4 actions, gamma = 0.9: gaps and bounds")
plt.show()
