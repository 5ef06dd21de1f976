"""
A pole balancer looks at the pole and hardly at the cart
========================================================

Which observations does a policy use? A fitted policy is a classifier of states, so
that scikit-learn's `permutation_importance` asks it as it is: how many of its choices
change when one feature is shuffled? With trees, each action also has importances of its
own, those of the regressor that was fitted to its scores.
"""

# %%
# A policy of trees
# -----------------
# One regression tree for each action. The best iterate is kept.
import gymnasium
import matplotlib.pyplot as plt
import numpy as np
from sklearn.inspection import permutation_importance
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy

NAMES = ["cart position", "cart velocity", "pole angle", "pole velocity"]
tree = DecisionTreeRegressor(max_leaf_nodes=64, min_samples_leaf=20)
policy = AMPOPolicy(
    tree, encoding="per_action", max_iter=8, early_stopping=True, random_state=0
)
policy.fit("CartPole-v1")
print("return of the kept policy:", policy.score("CartPole-v1"))

# %%
# States that matter
# ------------------
# Importance depends on where one asks. These are states that the policy meets itself,
# when it follows its probabilities.
env = gymnasium.make("CartPole-v1")
rng, states = np.random.RandomState(0), []
for seed in range(4):
    observation, _ = env.reset(seed=seed)
    over = False
    while not over:
        states.append(observation)
        action = policy.act(observation, deterministic=False, rng=rng)
        observation, _, terminated, truncated, _ = env.step(action)
        over = terminated or truncated
env.close()
states = np.array(states)

# %%
# Two answers
# -----------
# Left, the share of greedy actions that change when a feature is shuffled among the
# states. Right, how much each feature contributed to the splits of each action's tree.
importance = permutation_importance(
    policy, states, policy.predict(states), n_repeats=5, random_state=0
)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True)
rows = np.arange(len(NAMES))
left.barh(rows, importance.importances_mean, xerr=importance.importances_std)
left.set(yticks=rows, yticklabels=NAMES, xlabel="changed actions", title="the policy")
for action, (label, model) in enumerate(
    zip(["push left", "push right"], policy.regressor_, strict=True)
):
    right.barh(
        rows + 0.2 - 0.4 * action, model.feature_importances_, height=0.4, label=label
    )
right.set(xlabel="share of the splits", title="its trees")
right.legend()
figure.tight_layout()
for name, mean in zip(NAMES, importance.importances_mean, strict=True):
    print(f"{name}: {mean:.2f} of the actions change")
plt.show()
