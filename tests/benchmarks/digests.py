"""
Digests of what is learned, to see whether moving code has changed a bit.

Run ``python -m tests.benchmarks.digests`` before and after on the same machine: another
processor sums in another order. Small fits on environments, a model, logs, labels and
rewards of all actions, by the default and by LightGBM.
"""

import hashlib
import warnings

import gymnasium
import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.datasets import load_iris

from skampo import AMPOPolicy
from skampo.mdp import make_random_mdp

ENVIRONMENTS = ["CartPole-v1", "Acrobot-v1", "MountainCar-v0", "FrozenLake-v1"]
ENVIRONMENTS += ["CliffWalking-v1", "Taxi-v4", "Blackjack-v1", "LunarLander-v3"]


def log_of_cartpole(n_rows):
    """Columns of a log of uniform actions."""
    env, rng = gymnasium.make("CartPole-v1"), np.random.default_rng(0)
    rows, episode = [], 0
    state, _ = env.reset(seed=0)
    for _ in range(n_rows):
        action = int(rng.integers(2))
        after, reward, terminated, truncated, _ = env.step(action)
        rows.append((state, action, reward, after, terminated, truncated, episode))
        state = after
        if terminated or truncated:
            episode += 1
            state, _ = env.reset(seed=episode)
    states, actions, rewards, after, terminated, truncated, episodes = zip(
        *rows, strict=True
    )
    columns = {"rewards": rewards, "next_states": np.array(after)}
    columns |= {"terminated": terminated, "truncated": truncated, "episodes": episodes}
    return (np.array(states), np.array(actions)), columns


def bandit(n_rows):
    """A log of a contextual bandit, its states as a table with a category."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {"size": rng.normal(size=n_rows), "kind": rng.choice(["a", "b"], n_rows)}
    )
    actions = rng.integers(3, size=n_rows)
    rewards = table["size"] * (actions - 1) + (table["kind"] == "a") * (actions == 2)
    return table, actions, np.asarray(rewards)


def problems():
    """Names, arguments and columns of `fit`."""
    for name in ENVIRONMENTS:
        yield name, (name,), {}
    yield "model", (make_random_mdp(8, 3, random_state=0),), {}
    data, columns = log_of_cartpole(1500)
    yield "log", data, columns
    table, actions, rewards = bandit(400)
    yield "one step", (table, actions), {"rewards": rewards}
    following = {"next_states": table[1:], "terminated": [False] * 398 + [True]}
    data = (table[:-1], actions[:-1])
    yield "table", data, {"rewards": rewards[:-1], **following}
    yield "labels", load_iris(return_X_y=True), {}
    X, y = load_iris(return_X_y=True)
    yield "rewards", (X,), {"rewards": np.eye(3)[y] + X[:, :1]}


def digest(policy, seed=0):
    """A few letters that stand for the scores in some states."""
    rng = np.random.default_rng(seed)
    width = policy.n_features_in_
    names = getattr(policy, "feature_names_in_", None)
    states = rng.normal(size=(50, width))
    if names is not None and "kind" in names:
        states = bandit(50)[0]
    elif width == 1:
        states = np.arange(8)[:, None]
    scores = np.asarray(policy.decision_function(states))
    return hashlib.sha256(scores.tobytes()).hexdigest()[:12]


def main():
    """Print a line for each problem and regressor."""
    warnings.simplefilter("ignore")
    for name, data, columns in problems():
        regressors = {"default": None}
        if name in ("CartPole-v1", "log", "one step"):
            regressors["LightGBM"] = LGBMRegressor(
                n_estimators=10, n_jobs=1, verbose=-1, random_state=0
            )
        for label, regressor in regressors.items():
            if regressor is not None and name == "one step":
                data = (data[0][["size"]], data[1])
            policy = AMPOPolicy(regressor, max_iter=6, random_state=0)
            policy.fit(*data, **columns)
            print(f"{name:16} {label:10} {digest(policy)}", flush=True)


if __name__ == "__main__":
    main()
