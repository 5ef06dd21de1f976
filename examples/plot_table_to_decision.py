"""
A table of offers becomes a decision in ten lines
=================================================

A shop has sent offers by chance: a row for each customer, with the offer and what it
brought. Should every customer get the offer that a policy chooses? The table becomes a
log; one part of it finds the policy, and the other one says whether it pays.
"""

# %%
# The table
# ---------
# Older customers are won by calls and younger ones by mail, which nobody knows yet.
# Profits vary much more than that.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.off_policy import PolicyReport

rng = np.random.default_rng(0)
table = pd.DataFrame(
    {
        "age": rng.integers(20, 80, size=4000),
        "visits": rng.poisson(3, size=4000),
        "region": rng.choice(["north", "south", "west"], size=4000),
        "offer": rng.choice(["call", "mail", "none"], size=4000),
    }
)
best = np.where(table["age"] > 50, "call", "mail")
table["profit"] = 2.0 * (table["offer"] == best) - (table["offer"] == "call")
table["profit"] += rng.normal(scale=2.0, size=4000)
table["chance"] = 1 / 3

# %%
# Ten lines
# ---------
# The search compares two mirror maps by what the log says of rows that they have not
# seen. The report is on customers that neither the search nor the policy has met.
roles = {"action": "offer", "reward": "profit", "propensity": "chance"}
log = TransitionLog.from_frame(table, state=["age", "visits", "region"], **roles)
seen, held_out = log[:2500], log[2500:]
grid = {"mirror_map": ["negative_entropy", "euclidean"]}
search = GridSearchCV(AMPOPolicy(random_state=0), grid, cv=3).fit(seen)
policy = search.best_estimator_
report = PolicyReport.from_estimator(policy, held_out, random_state=0)
print(report)

# %%
# What the policy looks at
# ------------------------
# How often does the action change if a column is shuffled? Age matters most.
customers = table[["age", "visits", "region"]].iloc[2500:]
same = lambda policy, X, y: (policy.predict(X) == y).mean()
importance = permutation_importance(
    policy, customers, policy.predict(customers), scoring=same, random_state=0
)

# %%
# Three pictures of the answer
# ----------------------------
# Left, the values with their intervals: the policy earns more than the one that was
# logged. ``report.to_html(path)`` writes a page for those who decide.
figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(13, 3.6), layout="constrained"
)
report.plot(left)
middle.barh(customers.columns, importance.importances_mean, color="#0072b2")
middle.set(xlabel="share of actions that change")
decade, offers = customers["age"] // 10 * 10, policy.predict(customers)
shares = pd.crosstab(decade, offers, colnames=["offer"])
shares.div(shares.sum(axis=1), axis=0).plot.bar(
    stacked=True, ax=right, xlabel="age", ylabel="share of customers", rot=0
)
right.legend(title="offer", loc="upper left", bbox_to_anchor=(1, 1))
plt.show()
