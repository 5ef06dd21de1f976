"""
A grid search chooses the regressor of a policy
===============================================

Which regressor should represent the policy? `make_tasks` turns an environment into
samples, so that scikit-learn's own `GridSearchCV` answers: it trains on some tasks and
plays on others, whose episodes the training never saw. All candidates learn from the
same critic, so that the search compares classes of policies and nothing else.
"""

# %%
# Six tasks and ten regressors
# ----------------------------
# A task is an environment with a seed. Each candidate is fitted three times, to four
# tasks, and scored on the other two; afterwards the best is fitted to all six. Six
# iterations of 512 steps are enough for the pole.
import warnings

import matplotlib.pyplot as plt
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.model_selection import make_tasks

# A network that is stopped early is fitted further in the next iteration.
warnings.simplefilter("ignore", ConvergenceWarning)
regressors = {
    "default (kernel ridge)": None,
    "straight lines": Ridge(),
    "splines": make_pipeline(SplineTransformer(), Ridge()),
    "one tree": DecisionTreeRegressor(min_samples_leaf=5),
    "random trees": ExtraTreesRegressor(20, min_samples_leaf=5),
    "LightGBM": LGBMRegressor(n_estimators=50, verbose=-1),
    "histogram boosting": HistGradientBoostingRegressor(max_iter=30),
    "neighbors": make_pipeline(StandardScaler(), KNeighborsRegressor(10)),
    "support vectors": make_pipeline(StandardScaler(), SVR()),
    "network": make_pipeline(StandardScaler(), MLPRegressor()),
}
search = GridSearchCV(
    AMPOPolicy(max_iter=6, steps_per_iter=512, random_state=0),
    {"regressor": list(regressors.values())},
    cv=3,
    n_jobs=2,
).fit(make_tasks("CartPole-v1", 6))

# %%
# The table of results
# --------------------
# A score is the mean return of 20 greedy episodes; 500 is the most there is.
table = pd.DataFrame(search.cv_results_, index=list(regressors))
columns = ["mean_test_score", "std_test_score", "mean_fit_time", "rank_test_score"]
print(table[columns].sort_values("rank_test_score").round(1).to_string())
winner = list(regressors)[search.best_index_]
new = search.score(make_tasks("CartPole-v1", 6, seed=1))
print(f"\nbest: {winner}, refitted to all tasks; on new seeds: {new:.0f}")

# %%
# Score against time
# ------------------
# Bars reach from the worst fold to the best. Several classes of policies balance the
# pole, so that time decides.
folds = table[[f"split{i}_test_score" for i in range(3)]]
figure, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
for name, row in table.iterrows():
    mean, low, high = folds.loc[name].agg(["mean", "min", "max"])
    ax.errorbar(
        row["mean_fit_time"],
        mean,
        xerr=row["std_fit_time"],
        yerr=[[mean - low], [high - mean]],
        fmt="o",
        markersize=10 if name == winner else 6,
        label=f"{name} (best)" if name == winner else name,
    )
ax.axhline(475, color="gray", linestyle=":", label="solved")
ax.set(
    xscale="log",
    xlabel="seconds of one fit",
    ylabel="return on tasks left out",
    title="Ten regressors on CartPole-v1: score against time",
)
ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
plt.show()
