"""
Five fits say what a single one cannot
======================================

Learning is random: of the same policy, one fit balances the pole and the next one does
not. Whoever compares two kinds of policies by one fit each compares luck. `compare`
takes several fits of each kind, plays all of them in the same episodes, and says how
sure the answer is.
"""

# %%
# Five fits of each kind
# ----------------------
# Five iterations of three regressors, with five seeds each. After so few iterations
# straight lines sometimes balance the pole, and sometimes drop it soon.
import matplotlib.pyplot as plt
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.inspection import ComparisonDisplay
from skampo.model_selection import compare

ENV = "CartPole-v1"
kinds = {
    "default": None,
    "straight lines": Ridge(),
    "one tree": DecisionTreeRegressor(min_samples_leaf=5),
}
fits = {
    name: [
        AMPOPolicy(regressor, max_iter=5, random_state=seed).fit(ENV)
        for seed in range(5)
    ]
    for name, regressor in kinds.items()
}

# %%
# The same episodes for all
# -------------------------
# The interquartile mean is the mean of the middle half of all returns. The probability
# of improvement is how often a fit of one kind earns more than one of another in the
# same episode. Intervals count how much fits and episodes differ.
comparison = compare(fits, ENV, n_episodes=20, random_state=0)
print(comparison)

# %%
# One dot is a fit
# ----------------
# Left, the mean returns of single fits: any of the dots in a row could have been the
# only one. An interval on the right that contains 0.5 leaves the question open.
figure, (left, *others) = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
for height, returns in enumerate(comparison.returns.values()):
    left.plot(returns.mean(axis=1), [height] * len(returns), "o", alpha=0.5)
left.set_yticks(range(len(fits)), fits)
left.set(xlabel="mean return of each fit", ylim=(len(fits) - 0.5, -0.5))
ComparisonDisplay(comparison).plot(others)
titles = ["Five fits of each kind", "Their middle half", "One kind over another"]
for ax, title in zip([left, *others], titles, strict=True):
    ax.set_title(title)
plt.show()
