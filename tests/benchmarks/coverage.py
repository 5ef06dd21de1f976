"""
How often the intervals of off-policy estimates contain the truth, as a Markdown table.

Run with ``python -m tests.benchmarks.coverage [--logs 300] [--models MODEL ...]
[NAME ...]``. The models are finite and their truth exact; values are fitted to each
log, as they are by default. Logs whose weights are worth at most 100 episodes do not
count. `low` and `high` are the shares of intervals below and above the truth.
"""

import argparse
import time
import warnings
from functools import partial

import numpy as np
from sklearn.linear_model import Ridge

from skampo.off_policy import (
    doubly_robust,
    fitted_q_evaluation,
    importance_sampling,
    magic,
)
from tests.off_policy.absorbing import Absorbing
from tests.off_policy.layered import Layered, TablePolicy, one_hot

per_decision_importance_sampling = partial(importance_sampling, per_decision=True)

# Models, and how many episodes a log has.
MODELS = {
    "layered": (Layered.random(1), 200),
    "absorbing": (Absorbing.random(5), 150),
    "heavy tails": (Absorbing.random(3, distance=0.8), 300),
}
# Other logs than those on which the intervals were designed.
_FIRST_SEED = 10_000
FIT = {"regressor": Ridge(1e-6, fit_intercept=False)}
SELF = {"self_normalized": True}
ESTIMATORS = {
    "IS": (importance_sampling, {}),
    "weighted IS": (importance_sampling, SELF),
    "PDIS": (per_decision_importance_sampling, {}),
    "weighted PDIS": (per_decision_importance_sampling, SELF),
    "DR": (doubly_robust, FIT),
    "weighted DR": (doubly_robust, FIT | SELF),
    "MAGIC": (magic, FIT),
    "FQE": (fitted_q_evaluation, FIT),
    "FQE, fixed point": (fitted_q_evaluation, FIT | {"n_bootstraps": None}),
}


def logs_of(name, n_logs):
    """Policy, logs with enough effective episodes, and the size of each."""
    model, n_episodes = MODELS[name]
    n_states = len(model.target)
    policy = TablePolicy(model.target, one_hot=True)
    seeds = range(_FIRST_SEED, _FIRST_SEED + n_logs)
    logs = [one_hot(model.draw(n_episodes, seed), n_states) for seed in seeds]
    with warnings.catch_warnings():
        # Of sizes below 50, which do not count anyway.
        warnings.simplefilter("ignore", UserWarning)
        results = [importance_sampling(policy, log, n_bootstraps=0) for log in logs]
    sizes = [result.effective_sample_size for result in results]
    return policy, logs, np.array(sizes)


def measure(name, policy, logs, gamma, truth):
    """Row of the table: coverage, misses, error, its estimate, seconds of a log."""
    estimator, options = ESTIMATORS[name]
    start = time.process_time()
    results = [
        estimator(policy, log, gamma=gamma, random_state=seed, **options)
        for seed, log in enumerate(logs)
    ]
    seconds = (time.process_time() - start) / len(logs)
    low, high, estimate = (
        np.array([getattr(result, field) for result in results])
        for field in ("low", "high", "estimate")
    )
    return [
        np.mean((low <= truth) & (truth <= high)),
        np.mean(high < truth),
        np.mean(low > truth),
        np.sqrt(np.mean((estimate - truth) ** 2)),
        np.median(high - low) / 3.92,
        np.mean([bool(result.warning) for result in results]),
        seconds,
    ]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description="Coverage of off-policy intervals.")
    parser.add_argument("--logs", type=int, default=300)
    parser.add_argument("--models", nargs="*", default=list(MODELS), metavar="MODEL")
    parser.add_argument("names", nargs="*", default=list(ESTIMATORS), metavar="NAME")
    options = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    columns = ["coverage", "low", "high", "error", "width / 3.92", "warned", "CPU s"]
    print("| model | logs | effective | estimator | " + " | ".join(columns) + " |")
    print("|---|---|---|---|" + "---|" * len(columns))
    for name in options.models:
        policy, logs, sizes = logs_of(name, options.logs)
        kept = [log for log, size in zip(logs, sizes, strict=True) if size > 100]
        model, _ = MODELS[name]
        shared = f"| {name} | {len(kept)} | {np.median(sizes):.0f} | "
        for estimator in options.names:
            row = measure(estimator, policy, kept, model.gamma, model.truth[1])
            cells = " | ".join(f"{value:.3f}" for value in row)
            print(f"{shared}{estimator} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
