"""
From a table of decisions to a saved policy
===========================================

A shop has a table: stock, weekday, weather, how much was ordered, what the day earned.
That is enough to learn when to order: without a simulator, with columns of names and
numbers as they are, a choice between regressors by the table alone, and a policy that
can be explained and saved.
"""

# %%
# The table
# ---------
# Ten stores, each 60 days. Whoever ordered did so by a coin and a rule of thumb. A row
# tells what was seen in the morning, what was ordered for the next day, and the profit.
import tempfile
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import skampo
from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.off_policy import make_off_policy_scorer

rng = np.random.default_rng(0)
WEATHER = ["rain", "sun"]


def sell(stock, weather, ordered, rng):
    """Profit of a day, and the stock of the next morning."""
    demand = rng.poisson({"rain": 2, "sun": 6}[weather])
    sold = min(stock, demand)
    left = stock - sold
    return 5 * sold - 1.0 * left - 3 * ordered, min(left + ordered, 12)


def walk(choose, n_days, rng):
    """Days of one store: what was seen, ordered and earned."""
    stock, weather, rows = 5, "sun", []
    for day in range(n_days):
        seen = {"stock": stock, "weather": weather, "weekday": day % 7}
        ordered = choose(seen)
        profit, stock = sell(stock, weather, ordered, rng)
        rows.append(seen | {"order": ordered, "profit": profit})
        # The weather of the next day is mostly that of today.
        if rng.random() < 0.2:
            weather = WEATHER[1 - WEATHER.index(weather)]
    return rows


def rule_of_thumb(seen):
    """Fill up when stock is low; every third time by a coin."""
    if rng.random() < 1 / 3:
        return int(rng.choice([0, 4, 8]))
    return 4 if seen["stock"] < 4 else 0


table = pd.concat(
    [
        pd.DataFrame(walk(rule_of_thumb, 60, rng)).assign(store=f"store {i}")
        for i in range(10)
    ],
    ignore_index=True,
)
print(table.head())

# %%
# A log, and a choice by the log alone
# ------------------------------------
# Each store is an episode. The default regressor turns names into numbers by itself;
# a forest behind a ColumnTransformer is the other candidate. Stock `GridSearchCV` fits
# both to some stores and scores them on the others, by fitted Q evaluation.
log = TransitionLog.from_frame(
    table,
    state=["stock", "weather", "weekday"],
    action="order",
    reward="profit",
    episode="store",
)
trees = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["weather"]), remainder="passthrough"),
    ExtraTreesRegressor(n_estimators=20, min_samples_leaf=5, random_state=0),
)
search = GridSearchCV(
    AMPOPolicy(gamma=0.9, max_iter=5, random_state=0),
    {"regressor": [None, trees]},
    scoring=make_off_policy_scorer(gamma=0.9),
    cv=GroupKFold(2),
    error_score="raise",
)
search.fit(log, groups=log.episodes)
policy = search.best_estimator_
print(search.cv_results_["mean_test_score"], search.best_params_)

# %%
# What it looks at, and what it does
# ----------------------------------
# The importance of a column is how much of its decisions changes when the column is
# shuffled; the weekday plays no part in this shop.
states = log.states
importance = permutation_importance(
    policy,
    states,
    policy.predict(states),
    scoring="accuracy",
    n_repeats=5,
    random_state=0,
)
stocks = np.arange(13)
orders = {
    weather: policy.predict(
        pd.DataFrame({"stock": stocks, "weather": weather, "weekday": 0}).astype(
            states.dtypes
        )
    )
    for weather in WEATHER
}

# %%
# Saved, loaded, used
# -------------------
with tempfile.TemporaryDirectory() as folder:
    policy.save(Path(folder) / "orders.skampo")
    loaded = skampo.load(Path(folder) / "orders.skampo")
today = {"stock": 1, "weather": "sun", "weekday": 3}
print("order", loaded.act(today))

# One prediction for all mornings there are is quicker than one for each day below.
mornings = pd.DataFrame(
    product(stocks, WEATHER, range(7)), columns=["stock", "weather", "weekday"]
).astype(states.dtypes)
decisions = dict(
    zip(
        mornings.itertuples(index=False, name=None),
        loaded.predict(mornings),
        strict=True,
    )
)


def earn(choose):
    """Mean profit per day in 40 simulated stores."""
    rng = np.random.default_rng(1)
    days = [row["profit"] for _ in range(40) for row in walk(choose, 60, rng)]
    return np.mean(days)


profits = {
    "rule of thumb": earn(rule_of_thumb),
    "policy": earn(lambda seen: decisions[tuple(seen.values())]),
}
print(profits)

# %%
# In one picture
# --------------
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
for weather, chosen in orders.items():
    left.step(stocks, chosen, where="mid", label=weather)
left.set(xlabel="stock in the morning", ylabel="order", title="What the policy does")
left.legend()
right.barh(list(states.columns), importance.importances_mean, color="#0072b2")
right.set(xlabel="decisions that change", title="What it looks at")
plt.show()
