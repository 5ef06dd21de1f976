"""
How much slower rollouts are behind an `EnvTransformer`.

Run with ``python -m tests.benchmarks.env_transformer``. CPU seconds of 4,000 steps of
CartPole with uniform actions in 8 environments, the best of three, as a ratio to those
without a transformer. The last column transforms each observation by itself, as a
wrapper outside of the rollouts would.
"""

import time

import gymnasium
import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler

from skampo.preprocessing import EnvTransformer
from skampo.rollouts import Rollouts

ID = "CartPole-v1"
N_STEPS = 4000
TRANSFORMERS = [StandardScaler(), MinMaxScaler(), PCA(), PolynomialFeatures(2)]


class Uniform:
    """Both actions with the same probability."""

    def proba(self, observations, action_mask=None):
        """One half everywhere."""
        return np.full((len(observations), 2), 0.5)


def seconds(X):
    """CPU seconds of one `gather` that finds everything in place."""
    with Rollouts(X, steps_per_iter=N_STEPS, seed=0) as experience:
        experience.gather(Uniform())
        start = time.process_time()
        experience.gather(Uniform())
        return time.process_time() - start


def ratio(X):
    """CPU seconds of `X` by those of plain CartPole, the best of three, in turns."""
    pairs = [(seconds(X), seconds(ID)) for _ in range(3)]
    transformed, plain = np.min(pairs, axis=0)
    return transformed / plain


def one_by_one(transformer):
    """A function that makes CartPole in a wrapper that skampo does not look into."""

    def transform(observation):
        return transformer.transform(np.float64([observation]))[0]

    def make():
        environment = gymnasium.make(ID)
        shape = transform(np.zeros(4)).shape
        space = gymnasium.spaces.Box(-np.inf, np.inf, shape, np.float64)
        return gymnasium.wrappers.TransformObservation(environment, transform, space)

    return make


def main():
    """Print the table."""
    print("| transformer | batched | one by one |")
    print("|---|---|---|")
    for transformer in TRANSFORMERS:
        fitted = EnvTransformer(transformer, random_state=0).fit(ID)
        batched = ratio(fitted.transform(ID))
        single = ratio(one_by_one(fitted.transformer_))
        print(f"| {transformer} | {batched:.2f} | {single:.1f} |", flush=True)


if __name__ == "__main__":
    main()
