"""
A contextual bandit that learns to read digits
==============================================

A log of decisions says what the chosen action paid and nothing of the others. Here the
decisions are guesses of a digit, paid 1 when right: from guesses that were mostly wrong
a policy learns nearly as much as from the labels themselves, and the log also says what
the policy is worth before anybody uses it.
"""

# %%
# Guesses instead of labels
# -------------------------
# The logged policy guesses the right digit with a probability of 30 % and any other
# with equal probability: each row keeps the probability of the guess, its propensity.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.off_policy import doubly_robust, importance_sampling

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)


def guess(y, n_rounds, seed):
    """Guesses, their rewards and propensities, for n rounds of the same digits."""
    rng = np.random.default_rng(seed)
    y = np.tile(y, n_rounds)
    proba = np.where(np.arange(10) == y[:, None], 0.3, 0.7 / 9)
    edges = proba.cumsum(axis=1)
    guesses = (rng.random((len(y), 1)) > edges).sum(axis=1).clip(max=9)
    return guesses, (guesses == y).astype(float), proba[np.arange(len(y)), guesses]


# %%
# Learning from more and more guesses
# -----------------------------------
# Without next states every row is a step of a contextual bandit. The policy that sees
# the labels, of as many rows, is the best that these regressors can do.
parameters = {"max_iter": 5, "random_state": 0}
rounds, accuracies = [1, 2, 4], []
supervised = AMPOPolicy(**parameters)
supervised.fit(np.tile(X_train, (4, 1)), np.tile(y_train, 4))
supervised = supervised.score(X_test, y_test)
for n_rounds in rounds:
    guesses, paid, _ = guess(y_train, n_rounds, seed=n_rounds)
    policy = AMPOPolicy(**parameters)
    policy.fit(np.tile(X_train, (n_rounds, 1)), guesses, rewards=paid)
    # `score` would refuse: what was guessed in a log is no label. These are labels.
    accuracies.append(accuracy_score(y_test, policy.predict(X_test)))
    print(f"{n_rounds} guesses per digit: accuracy {accuracies[-1]:.3f}")
print(f"labels: accuracy {supervised:.3f}")

# %%
# What the log says of the policy
# -------------------------------
# A second log, of digits that the policy has not seen, estimates its value. The truth
# is the probability that it gives to the right digit.
guesses, paid, propensities = guess(y_test, 1, seed=0)
log = TransitionLog(X_test, guesses, paid, propensities=propensities)
truth = policy.predict_proba(X_test)[np.arange(len(y_test)), y_test].mean()
estimates = {
    "importance\nsampling": importance_sampling(policy, log, random_state=0),
    "self-\nnormalized": importance_sampling(
        policy, log, self_normalized=True, random_state=0
    ),
    "doubly\nrobust": doubly_robust(
        policy, log, action_values=policy.action_values, random_state=0
    ),
}
for name, result in estimates.items():
    print(name.replace("-\n", "-").replace("\n", " "), result)

# %%
# Both in one picture
# -------------------
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
left.plot(rounds, accuracies, "o-", color="#0072b2", label="guesses")
left.axhline(supervised, color="black", linestyle="--", label="labels")
left.axhline(0.3, color="#d55e00", linestyle=":", label="the logged policy")
left.set(
    xlabel="logged guesses per digit",
    ylabel="accuracy on other digits",
    title="Guesses teach nearly as much as labels",
)
left.set_xticks(rounds)
left.legend()
for column, result in enumerate(estimates.values()):
    right.plot([column] * 2, [result.low, result.high], color="#0072b2")
    right.plot(column, result.estimate, "o", color="#0072b2")
right.axhline(truth, color="black", linestyle="--", label="exact value")
right.set_xticks(range(len(estimates)), estimates)
right.set(
    ylabel="reward per decision",
    xlim=(-0.5, 2.5),
    title="What a log says the policy is worth",
)
right.legend()
plt.show()
