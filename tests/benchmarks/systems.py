"""
The algorithms of the field on one random model, as a Markdown table.

Run with ``python -m tests.benchmarks.systems``. Every row is one line of code of
docs/user_guide/systems.md, fitted to ``make_random_mdp(random_state=0)`` with
gamma = 0.9; the gap is the expected return that is missing, 0 below 1e-12.
"""

import warnings

import numpy as np
from lightgbm import LGBMRegressor
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import Exact
from skampo.mdp import make_random_mdp

GAMMA = 0.9
PSI = np.random.default_rng(0).normal(size=(10, 4))


def look_up(states):
    """Four random features of each state."""
    return PSI[states[:, 0].astype(int)]


LEAST_SQUARES = LinearRegression(fit_intercept=False)
ONE_HOT = OneHotEncoder(sparse_output=False)
FEATURES = make_pipeline(FunctionTransformer(look_up), LEAST_SQUARES)
KERNEL = make_pipeline(Nystroem(gamma=0.2, n_components=10), Ridge(1e-3))
NETWORK = make_pipeline(ONE_HOT, MLPRegressor(hidden_layer_sizes=64, solver="lbfgs"))
TREES = LGBMRegressor(min_child_samples=1, min_data_in_bin=1, verbose=-1)
VISITED, PAIRS = Exact("visitation"), Exact("state_action_visitation")
SYSTEMS = {
    "softmax NPG": {"encoding": "compatible", "critic": VISITED},
    "policy mirror descent": {"mirror_map": "euclidean"},
    "policy mirror descent, growing steps": {"step_size": "geometric"},
    "policy mirror descent, adaptive steps": {"step_size": "adaptive"},
    "trust region": {"step_size": "trust_region"},
    "policy iteration": {"step_size": "greedy"},
    "Q-NPG, 4 features": {"regressor": FEATURES, "critic": PAIRS},
    "Q-NPG, equal actions": {"regressor": FEATURES, "critic": VISITED},
    "NPG, 4 features": {
        "regressor": FEATURES,
        "encoding": "compatible",
        "critic": VISITED,
    },
    "AMPO, kernel": {"regressor": KERNEL},
    "AMPO, tree with 4 leaves": {"regressor": DecisionTreeRegressor(max_leaf_nodes=4)},
    "AMPO, boosting": {"regressor": TREES},
    "AMPO, network": {"regressor": NETWORK},
}


def gaps(parameters, mdp, n_iter):
    """Missing return of the iterates 0, 1, ..., n_iter."""
    policy = AMPOPolicy(step_size="constant", gamma=GAMMA, max_iter=n_iter + 1)
    policy.set_params(random_state=0, **parameters).fit(mdp)
    returns = np.array([record["return_mean"] for record in policy.history_])
    missing = mdp.initial_distribution @ mdp.solve(GAMMA).values - returns
    return np.where(missing < 1e-12, 0.0, missing)


def main():
    """Print the table."""
    warnings.simplefilter("ignore")
    mdp = make_random_mdp(random_state=0)
    print("| algorithm | gap after 1 | 5 | 10 | 20 | 50 |")
    print("|---|---|---|---|---|---|")
    for name, parameters in SYSTEMS.items():
        found = gaps(parameters, mdp, 50)
        cells = [f"{found[k]:.3g}" for k in (1, 5, 10, 20, 50)]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
