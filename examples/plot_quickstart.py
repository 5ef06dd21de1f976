"""
One minute of learning to balance a pole with three regressors
==============================================================

How does one swap the regressor, and what does each of them buy? `AMPOPolicy` is fitted
on CartPole with kernel features and ridge (the default), with LightGBM and with a
neural network, over three seeds each. The curves are written to ``quickstart.png``, and
one episode of the default policy to ``quickstart.gif``.
"""

# %%
# Three policies that differ in one word
# --------------------------------------
import os
import warnings
from pathlib import Path

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed
from lightgbm import LGBMRegressor
from matplotlib.animation import FuncAnimation, PillowWriter
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # frames, and no window
SEEDS = range(3)
POLICIES = {
    "kernel ridge features (default)": AMPOPolicy(max_iter=14),
    "LightGBM": AMPOPolicy(
        LGBMRegressor(n_estimators=50, num_leaves=15, n_jobs=1, verbose=-1),
        max_iter=8,
        steps_per_iter=1024,
    ),
    "neural network": AMPOPolicy(
        make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(64, 64))),
        max_iter=12,
    ),
}


def fit(policy, seed):
    """Fit a policy: the mean of those of the last iterations."""
    # A network that is stopped early is fitted further in the next iteration.
    warnings.simplefilter("ignore", ConvergenceWarning)
    return policy.set_params(random_state=seed).fit("CartPole-v1")


jobs = [(name, seed) for name in POLICIES for seed in SEEDS]
fitted = Parallel(n_jobs=2)(delayed(fit)(POLICIES[name], seed) for name, seed in jobs)

# %%
# How fast they learn
# -------------------
# Each line is the median over the seeds of the mean return of the episodes that ended
# while the policy learned, exploration included; the band runs from the worst seed to
# the best.
figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for name in POLICIES:
    runs = [p for p, job in zip(fitted, jobs, strict=True) if job[0] == name]
    steps = np.array([record["n_steps"] for record in runs[0].history_])
    returns = np.array([[r["return_mean"] for r in p.history_] for p in runs])
    # In an iteration of few steps no episode may have ended.
    some = np.isfinite(returns).any(axis=0)
    lowest, middle, highest = np.nanquantile(returns[:, some], [0, 0.5, 1], axis=0)
    ax.plot(steps[some], middle, label=name)
    ax.fill_between(steps[some], lowest, highest, alpha=0.2)
    scores = [p.score("CartPole-v1") for p in runs]
    print(f"{name:32s} return of the policies {np.round(scores)}")
ax.axhline(475, color="gray", linestyle=":", label="solved")
ax.set(xlabel="environment steps", ylabel="return", title="CartPole-v1, three seeds")
ax.legend(loc="lower right")
figure.savefig("quickstart.png", dpi=120)

# %%
# What the policy says
# --------------------
# One row per state, one column per action: position, velocity, angle, angular velocity.
policy = fitted[0]
leaning = np.array([[0.0, 0.0, -0.1, 0.0], [0.0, 0.0, 0.1, 0.0]])
print("leaning left, leaning right:")
print(policy.predict_proba(leaning).round(3))

# %%
# One episode to watch
# --------------------
env = gymnasium.make("CartPole-v1", render_mode="rgb_array")
observation, _ = env.reset(seed=1)
frames, over = [], False
while not over and len(frames) < 200:
    frames.append(env.render())
    observation, _, terminated, truncated, _ = env.step(policy.act(observation))
    over = terminated or truncated
env.close()

figure, ax = plt.subplots(figsize=(3, 2), layout="constrained")
ax.set_axis_off()
ax.set_title("One episode of the default policy", fontsize="small")
image = ax.imshow(frames[0])
animation = FuncAnimation(
    figure, lambda frame: [image.set_data(frame)], frames=frames[::2], interval=40
)
animation.save("quickstart.gif", writer=PillowWriter(fps=25))
print("wrote", *(Path(name).name for name in ("quickstart.png", "quickstart.gif")))
