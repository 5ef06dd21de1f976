"""
Pipelines with features of their own: whose features should fit the values?

Run ``python -m tests.benchmarks.own_features [--seeds 10 11 12 13 14]``. For each
Pipeline, greedy returns of the last policy (20 episodes) with the value model for the
data and with the Pipeline itself in the critic, the median and the worst of the seeds,
and median CPU seconds of a fit.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler

from skampo import AMPOPolicy
from skampo.critics import FittedQ

ITERATIONS = {"CartPole-v1": 10, "MountainCar-v0": 16, "Acrobot-v1": 20}
FEATURES = {
    "100 kernels": Nystroem(n_components=100, random_state=0),
    "splines": SplineTransformer(n_knots=6, extrapolation="linear"),
    "squares and products": PolynomialFeatures(2),
}
CRITICS = {"value model": "auto", "the Pipeline": FittedQ("policy")}


def measure(name, features, critic, seed):
    """Return of the last policy, and CPU seconds."""
    regressor = make_pipeline(StandardScaler(), features, Ridge())
    policy = AMPOPolicy(regressor, critic=critic, max_iter=ITERATIONS[name])
    start = time.process_time()
    policy.set_params(random_state=seed).fit(name)
    return policy.score(name), time.process_time() - start


def main():
    """Print a table."""
    parser = argparse.ArgumentParser(description="Whose features fit the values?")
    parser.add_argument("--seeds", type=int, nargs="+", default=[10, 11, 12, 13, 14])
    seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")
    print("| environment | features | values by | median | worst | CPU s |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in ITERATIONS:
        for label, features in FEATURES.items():
            for by, critic in CRITICS.items():
                runs = [measure(name, features, critic, seed) for seed in seeds]
                returns, seconds = np.transpose(runs)
                print(
                    f"| {name} | {label} | {by} | {np.median(returns):.0f} | "
                    f"{returns.min():.0f} | {np.median(seconds):.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
