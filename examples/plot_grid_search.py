"""
A grid search chooses the regressor of a policy
===============================================

Which regressor should represent the policy? `make_tasks` turns an environment into
samples, so that scikit-learn's own `GridSearchCV` answers: it trains on some tasks and
plays on others, whose episodes the training never saw. Four iterations of 512 steps
keep each fit short; a search that matters would give every candidate more.
"""

# %%
# Six tasks and three regressors
# ------------------------------
# A task is an environment with a seed. Each candidate is fitted three times, to four
# tasks, and scored on the other two; afterwards the best is fitted to all six.
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor

from skampo import AMPOPolicy
from skampo.model_selection import make_tasks

# A network that is stopped early is fitted further in the next iteration.
warnings.simplefilter("ignore", ConvergenceWarning)
tasks = make_tasks("CartPole-v1", 6)
trees = LGBMRegressor(n_estimators=50, num_leaves=15, verbose=-1)
regressors = [Ridge(), trees, MLPRegressor()]
search = GridSearchCV(
    AMPOPolicy(max_iter=4, steps_per_iter=512, random_state=0),
    {"regressor": regressors},
    cv=3,
    n_jobs=2,
).fit(tasks)

# %%
# The table of results
# --------------------
# A score is the mean return of 20 greedy episodes; 500 is the most there is. Linear
# scores on raw states are a matter of luck after so few steps, and one fold would not
# have shown it.
names = [type(regressor).__name__ for regressor in regressors]
folds = [f"split{i}_test_score" for i in range(3)]
table = pd.DataFrame(search.cv_results_, index=names)
columns = [*folds, "mean_test_score", "std_test_score", "rank_test_score"]
print(table[columns].round(1).to_string())
print(f"\nbest: {search.best_params_['regressor']}, refitted to all tasks")
print(f"its return on new seeds: {search.score(make_tasks('CartPole-v1', 6, seed=1))}")

# %%
# A fold by hand gives the same number: the result depends neither on the number of
# processes nor on their order.
policy = AMPOPolicy(Ridge(), max_iter=4, steps_per_iter=512, random_state=0)
policy.fit(tasks[2:])
print("fold 0 of Ridge by hand:", policy.score(tasks[:2]), "=", table[folds[0]].iloc[0])

# %%
# What the choice buys
# --------------------
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
places = np.arange(len(names))
left.barh(places, table["mean_test_score"], color="#9ecae1", label="mean")
for fold in folds:
    left.plot(table[fold], places, "o", color="#08519c", markersize=5)
left.plot([], [], "o", color="#08519c", label="one fold")
left.axvline(475, color="gray", linestyle=":", label="solved")
left.set(yticks=places, yticklabels=names, xlabel="return on tasks left out")
left.legend(loc="lower right")
right.barh(places, table["mean_fit_time"], color="#fdae6b")
right.set(yticks=places, yticklabels=[], xlabel="seconds of one fit")
for ax in (left, right):
    ax.invert_yaxis()
plt.show()
