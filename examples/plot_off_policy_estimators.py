"""
Which estimate of a policy to trust
===================================

What would another policy have earned? A log can answer when it contains enough of what
that policy does. On a frozen lake, whose exact answer is known, importance sampling is
right on average and noisy, a fitted model is precise and as right as its regressor, and
the doubly robust estimate corrects the one by the other. The further the policy is from
the logged one, the less any of them knows, and the results say so.
"""

# %%
# A log whose truth is known
# --------------------------
# The logged policy follows the best one half of the time. Two policies are to be
# judged: one that follows it a little more often, and the best one itself.
import warnings

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skampo.data import TransitionLog
from skampo.mdp import TabularMDP
from skampo.off_policy import (
    doubly_robust,
    fitted_q_evaluation,
    importance_sampling,
    magic,
)

gamma = 0.95
environment = gymnasium.make("FrozenLake-v1", is_slippery=True)
mdp = TabularMDP.from_env(environment)
best = mdp.solve(gamma).proba


class Mixed:
    """The best policy, with a share of uniform actions."""

    classes_ = np.arange(mdp.n_actions)

    def __init__(self, uniform):
        self.proba = (1 - uniform) * best + uniform / mdp.n_actions

    def predict_proba(self, X):
        """Probabilities of numbered states."""
        return self.proba[np.asarray(X)[:, 0].astype(int)]


def play(policy, n_episodes, seed=0):
    """A log of the policy, with the probabilities of what it did."""
    rng = np.random.default_rng(seed)
    episodes = []
    for number in range(n_episodes):
        state, _ = environment.reset(seed=seed + number)
        rows, observations, over = [], [state], False
        while not over:
            proba = policy.proba[state]
            action = int(rng.choice(mdp.n_actions, p=proba))
            state, reward, terminated, truncated, _ = environment.step(action)
            rows.append((action, reward, proba[action], terminated, truncated))
            observations.append(state)
            over = terminated or truncated
        names = ["actions", "rewards", "propensities", "terminated", "truncated"]
        columns = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
        episodes.append(columns | {"observations": np.array(observations)})
    return TransitionLog.from_episodes(episodes, classes=Mixed.classes_)


log = play(Mixed(0.5), 300)
policies = {"a little better": Mixed(0.4), "the best": Mixed(0.0)}

# %%
# Five estimates of each
# ----------------------
# The model is a table of action values, fitted by ridge regression. It is linear, so
# that fitted Q evaluation solves for its values and their interval, without resamples.
# Warnings are collected here; each is also a part of its result.
tabular = make_pipeline(
    OneHotEncoder(handle_unknown="ignore"), Ridge(1e-3, fit_intercept=False)
)
model = {"regressor": tabular}
estimators = {
    "importance sampling": (importance_sampling, {}),
    "per decision": (importance_sampling, {"per_decision": True}),
    "fitted Q": (fitted_q_evaluation, model | {"n_bootstraps": None}),
    "doubly robust": (doubly_robust, model),
    "MAGIC": (magic, model | {"n_refits": 10}),
}
results = {}
for title, policy in policies.items():
    for name, (estimator, options) in estimators.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = estimator(policy, log, gamma=gamma, random_state=0, **options)
        results[title, name] = result
        print(f"{title}, {name}: {result}")

# %%
# Estimates and the truth
# -----------------------
# All look at the same log, in which successes were fewer than usual: all estimates of
# the nearer policy are too low, and their intervals contain its value. No episode does
# what the best policy does from its beginning to its end: estimates that need such
# episodes know nothing there, and say so.
figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
for ax, (title, policy) in zip(axes, policies.items(), strict=True):
    truth = mdp.expected_return(policy.proba, gamma)
    ax.axvline(truth, color="black", label="exact value")
    for row, name in enumerate(estimators):
        result = results[title, name]
        color = "#d55e00" if result.warning else "#0072b2"
        ax.plot([result.low, result.high], [row, row], color=color, linewidth=2)
        ax.plot(result.estimate, row, "o", color=color)
    effective = results[title, "importance sampling"].effective_sample_size
    ax.set(
        title=f"{title}: {effective:.0f} effective episodes of {log.n_episodes}",
        xlabel="discounted return (orange: the result warns)",
    )
axes[0].set_yticks(range(len(estimators)), estimators)
axes[0].invert_yaxis()
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center")
plt.show()
