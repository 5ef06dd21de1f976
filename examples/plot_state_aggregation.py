"""
Greedy steps oscillate where soft steps converge
================================================

Why not always act greedily? A regressor that cannot tell some states apart makes an
error, and policy iteration answers each error with a complete change of the policy: on
this model of four states, seen as two groups, it goes in circles for ever. Soft steps
average the action values of all iterations, errors included, and settle on a good
policy with the very same regressor.
"""

# %%
# Four states that look like two
# ------------------------------
# The transformer replaces a state by its group; behind it, least squares on one-hot
# groups predicts the mean over the states of a group.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from skampo import AMPOPolicy
from skampo.inspection import ConvergenceDisplay
from skampo.mdp import make_aggregation_counterexample
from skampo.step_sizes import Constant

gamma = 0.9
mdp, groups = make_aggregation_counterexample(epsilon=0.05, gamma=gamma)
aggregated = make_pipeline(
    FunctionTransformer(lambda X: groups[X[:, 0].astype(int)].reshape(-1, 1)),
    OneHotEncoder(),
    LinearRegression(fit_intercept=False),
)


def iterates(step_size, n_iter=50):
    """Probabilities of the uniform policy and of every iterate after it."""
    policy = AMPOPolicy(
        aggregated, step_size=step_size, gamma=gamma, max_iter=0, warm_start=True
    )
    found = [policy.fit(mdp).predict_proba(mdp.states)]
    policy.set_params(max_iter=1)
    for _ in range(n_iter):
        found.append(policy.fit(mdp).predict_proba(mdp.states))
    return np.array(found)


# %%
# Greedy and soft
# ---------------
# The same regressor and the same exact action values; only the step size differs. It is
# best to leave the group one is in, by action 1: the picture on the right shows whether
# the policy does in the first group.
policies = {
    "greedy steps": iterates("greedy"),
    "soft steps, eta = 0.5": iterates(Constant(0.5)),
}
figure, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.2), width_ratios=[2, 3], layout="constrained"
)
for (name, proba), color in zip(policies.items(), ["#d55e00", "#0072b2"], strict=True):
    display = ConvergenceDisplay.from_policies(
        proba, mdp, gamma=gamma, name=name, ax=left, color=color
    )
    right.plot(proba[:41, 0, 1], color=color, marker=".", label=name)
    print(f"{name}: gap of the last policy {display.gaps[-1]:.4f}")
left.set_title("The gap to the optimum")
right.set(
    ylim=(-0.03, 1.03),
    xlabel="iteration",
    ylabel="probability of leaving the first group",
    title="The policy in the first 40 iterations",
)
plt.show()
