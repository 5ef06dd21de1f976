"""
The experiment of the AMPO paper: a shallow network on CartPole and Acrobot.

Run with ``python -m tests.benchmarks.paper FOLDER [--seeds 10] [--jobs 2] [--ppo]``; it
takes hours. Every run writes a file of its own to FOLDER and is skipped when the file
is there, so that an interrupted experiment goes on. With all files, or with
``--report``, the table is printed and ``paper.png`` is drawn in FOLDER.

The settings are the authors' (their second version): 500,000 steps as 390 iterations of
10 environments x 128 steps, gamma 0.99, GAE(0.95), a constant step of 1 on normalized
advantages, networks of 64 x 64 tanh units, Adam with a learning rate of 0.001 and four
minibatches a pass. Other than theirs: the learning rate stays, the critic first fits
the advantages of the actions taken and labels all actions, and fits take 20 passes.

``--ppo`` adds PPO of stable-baselines3 (``pip install "skampo[bench]"``) with the
settings that the authors gave it.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import bootstrap, trim_mean
from sklearn.neural_network import MLPRegressor

from skampo import AMPOPolicy
from skampo.critics import LambdaReturn
from skampo.mirror_maps import Euclidean, NegativeEntropy, Tsallis
from skampo.step_sizes import Normalized

ENVIRONMENTS = {"CartPole-v1": 500.0, "Acrobot-v1": -80.0}
MAPS = {
    "negative entropy": NegativeEntropy(),
    "Euclidean": Euclidean(),
    "Tsallis(1.5)": Tsallis(1.5),
    "Tsallis(0.5)": Tsallis(0.5),
}
N_ENVS, N_STEPS, N_ITER = 10, 128, 390
STEPS = N_ENVS * N_STEPS * np.arange(1, N_ITER + 1)
LAST = 10


def make_policy(mirror_map, seed):
    """AMPO with the settings of the paper."""
    network = MLPRegressor(
        hidden_layer_sizes=(64, 64),
        activation="tanh",
        learning_rate_init=1e-3,
        batch_size=N_ENVS * N_STEPS // 4,
    )
    return AMPOPolicy(
        network,
        mirror_map=mirror_map,
        step_size=Normalized(1.0),
        critic=LambdaReturn(trace_decay=0.95, n_passes=20),
        encoding="multi_output",
        gamma=0.99,
        n_envs=N_ENVS,
        steps_per_iter=N_ENVS * N_STEPS,
        exploration=0.0,
        max_iter=N_ITER,
        random_state=seed,
    )


def ampo_curve(environment, name, seed):
    """Mean return of the episodes that ended in each iteration."""
    policy = make_policy(MAPS[name], seed).fit(environment)
    return [record["return_mean"] for record in policy.history_]


def ppo_curve(environment, name, seed):
    """The same for PPO, with the authors' settings."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    class Recorder(BaseCallback):
        def __init__(self):
            super().__init__()
            self.curve, self.finished = [], []

        def _on_step(self):
            infos = self.locals["infos"]
            self.finished += [i["episode"]["r"] for i in infos if "episode" in i]
            return True

        def _on_rollout_end(self):
            self.curve.append(np.mean(self.finished) if self.finished else np.nan)
            self.finished.clear()

    recorder = Recorder()
    model = PPO(
        "MlpPolicy",
        make_vec_env(environment, N_ENVS, seed=seed),
        learning_rate=lambda remaining: 2.5e-4 * remaining,
        n_steps=N_STEPS,
        batch_size=N_STEPS,
        n_epochs=4,
        gamma=0.99,
        gae_lambda=0.95,
        clip_range=0.2,
        ent_coef=0.01,
        seed=seed,
        device="cpu",
    )
    model.learn(N_ENVS * N_STEPS * N_ITER, callback=recorder)
    return recorder.curve[:N_ITER]


def run(folder, environment, name, seed):
    """One run, unless its file is there; CPU seconds stand before the curve."""
    path = folder / f"{environment}_{name}_{seed}.csv"
    if path.exists():
        return
    warnings.simplefilter("ignore")
    curve = ppo_curve if name == "PPO" else ampo_curve
    start = time.process_time()
    returns = curve(environment, name, seed)
    seconds = time.process_time() - start
    path.write_text(",".join(f"{value:.6g}" for value in [seconds, *returns]))
    print(f"{path.stem}: {np.nanmean(returns[-LAST:]):.1f} in {seconds:.0f} CPU s")


def load(folder, environment, name):
    """CPU seconds (n_seeds,) and returns (n_seeds, n_iterations); none is missing."""
    files = sorted(folder.glob(f"{environment}_{name}_*.csv"))
    rows = np.array([np.fromstring(file.read_text(), sep=",") for file in files])
    returns = rows[:, 1:]
    for row in returns:
        known = np.flatnonzero(np.isfinite(row))
        row[:] = row[known[np.searchsorted(known[1:], np.arange(len(row)), "right")]]
    return rows[:, 0], returns


def interquartile_mean(values, axis=0):
    """Mean of the middle half of the seeds."""
    return trim_mean(values, 0.25, axis=axis)


def interval(values):
    """95 % bootstrap interval of the interquartile mean over the seeds."""
    if len(values) < 2:
        return values[0], values[0]
    found = bootstrap((values,), interquartile_mean, rng=0, method="percentile")
    return found.confidence_interval


def table_row(folder, environment, name):
    """One row of the table."""
    seconds, returns = load(folder, environment, name)
    final = returns[:, -LAST:].mean(axis=1)
    low, high = interval(final)
    best = interquartile_mean(returns).max()
    return (
        f"| {environment} | {name} | {len(final)} | {interquartile_mean(final):.1f} "
        f"({low:.1f} to {high:.1f}) | {final.min():.1f} | {best:.1f} "
        f"| {np.median(seconds):.0f} |"
    )


def draw(row, environment, curves):
    """One panel for each policy, the lines of the others in gray."""
    for ax, (name, returns) in zip(row, curves.items(), strict=False):
        for others in curves.values():
            ax.plot(STEPS, interquartile_mean(others), color="silver", linewidth=0.8)
        ax.fill_between(STEPS, *interval(returns), alpha=0.3)
        ax.plot(STEPS, interquartile_mean(returns))
        ax.axhline(ENVIRONMENTS[environment], color="gray", linestyle=":")
        ax.set_title(f"{environment}\n{name}, {len(returns)} seeds", fontsize="medium")
    row[0].set_ylabel("return")


def report(folder):
    """Print the table and draw the figure."""
    import matplotlib.pyplot as plt

    print("| environment | policy | seeds | final return | worst seed | best | CPU s |")
    print("|---|---|---|---|---|---|---|")
    found = {environment: {} for environment in ENVIRONMENTS}
    for environment, curves in found.items():
        for name in [*MAPS, "PPO"]:
            if list(folder.glob(f"{environment}_{name}_*.csv")):
                print(table_row(folder, environment, name))
                curves[name] = load(folder, environment, name)[1]
    width = max(map(len, found.values()))
    figure, axes = plt.subplots(
        2,
        width,
        figsize=(2.8 * width, 5.5),
        sharex=True,
        sharey="row",
        layout="constrained",
        squeeze=False,
    )
    for row, (environment, curves) in zip(axes, found.items(), strict=True):
        draw(row, environment, curves)
    axes[1, 0].set_ylim(-250, -60)
    figure.supxlabel("environment steps")
    figure.savefig(folder / "paper.png", dpi=120)


def main():
    """Run what is missing, then report."""
    parser = argparse.ArgumentParser(description="The experiment of the AMPO paper.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--maps", nargs="+", default=list(MAPS), choices=list(MAPS))
    parser.add_argument("--ppo", action="store_true")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not options.report:
        names = [*options.maps, *(["PPO"] if options.ppo else [])]
        jobs = [
            delayed(run)(options.folder, environment, name, seed)
            for seed in range(options.seeds)
            for environment in ENVIRONMENTS
            for name in names
        ]
        Parallel(n_jobs=options.jobs)(jobs)
    report(options.folder)


if __name__ == "__main__":
    main()
