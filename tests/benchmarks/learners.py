"""The runs of skampo in tests.benchmarks.control: one fit, watched."""

import time
from contextlib import suppress
from importlib import import_module

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy
from skampo.regressors import default_regressor
from tests.benchmarks.runs import peak_memory
from tests.benchmarks.shares import Shares, replaced_validation

N_EPISODES, N_FRESH, N_AFTER = 20, 100, 10


class WatchedPolicy(AMPOPolicy):
    """Plays episodes after each iteration, outside the clock; stops at a limit."""

    def watch(self, shares, cpu_limit, max_steps):
        """Start the clock."""
        self.shares, self.cpu_limit, self.max_steps = shares, cpu_limit, max_steps
        self.seconds, self.returns = [], []
        self.excluded = self.validation = 0.0
        self.started = time.process_time()
        return self

    def fit(self, X):
        """Fit with iterates that are watched."""

        def watched(validate, run, iterate, record):
            self._check_time()
            start = time.process_time()
            with self.shares.paused():
                # Of every iterate, where `early_stopping` affords some.
                self.returns.append(run.problem.validate(iterate.policy).mean)
                middle = time.process_time()
                found, stop = validate(run, iterate, record)
            end = time.process_time()
            self.validation += end - middle
            self.excluded += end - start
            return found, stop or record["n_steps"] >= self.max_steps

        with replaced_validation(watched):
            return super().fit(X)

    def _check_time(self):
        self.seconds.append(time.process_time() - self.started - self.excluded)
        if self.seconds[-1] > self.cpu_limit:
            # What Ctrl-C does: the best iterate so far is kept.
            raise KeyboardInterrupt


def lightgbm():
    from lightgbm import LGBMRegressor

    return LGBMRegressor(verbose=-1, n_jobs=1)


def from_module(module, name, scaled=False, **parameters):
    """Make a regressor of scikit-learn, behind a scaler if that is asked for."""

    def make():
        regressor = getattr(import_module(f"sklearn.{module}"), name)(**parameters)
        return make_pipeline(StandardScaler(), regressor) if scaled else regressor

    return make


def features(module, name, **parameters):
    """A ridge on features of scaled columns."""

    def make():
        transformer = getattr(import_module(f"sklearn.{module}"), name)(**parameters)
        return make_pipeline(StandardScaler(), transformer, Ridge())

    return make


# Packages are imported for those who use them only.
MAKERS = {
    "default": lambda: None,
    "lightgbm": lightgbm,
    "hist_boosting": from_module("ensemble", "HistGradientBoostingRegressor"),
    "boosting": from_module("ensemble", "GradientBoostingRegressor"),
    "extra_trees": from_module("ensemble", "ExtraTreesRegressor"),
    "forest": from_module("ensemble", "RandomForestRegressor"),
    "tree": from_module("tree", "DecisionTreeRegressor"),
    "neighbors": from_module("neighbors", "KNeighborsRegressor", scaled=True),
    "mlp": from_module(
        "neural_network", "MLPRegressor", scaled=True, hidden_layer_sizes=(64, 64)
    ),
    "svr": from_module("svm", "SVR", scaled=True),
    "kernel_ridge": from_module(
        "kernel_ridge", "KernelRidge", scaled=True, kernel="rbf"
    ),
    "gaussian_process": from_module(
        "gaussian_process", "GaussianProcessRegressor", optimizer=None
    ),
    "nystroem": features("kernel_approximation", "Nystroem"),
    "splines": features("preprocessing", "SplineTransformer"),
    "ridge": lambda: Ridge(),
}
NAMES = list(MAKERS)


def regressor_of(learner):
    """The regressor of this name."""
    return MAKERS[learner]()


def run(name, task, learner, seed, cpu_limit):
    """One fit, and its kept policy on fresh episodes; a dict of numbers."""
    regressor = regressor_of(learner)
    # Lazy imports are not what is measured.
    AMPOPolicy(regressor, max_iter=1, steps_per_iter=64).fit(name)
    shares = Shares(default_regressor(pooled=True) if regressor is None else regressor)
    policy = WatchedPolicy(
        regressor,
        max_iter=task.max_steps,
        early_stopping=True,
        validation_episodes=N_EPISODES,
        n_iter_no_change=None,
        random_state=seed,
    ).watch(shares, cpu_limit, task.max_steps)
    with shares.total(), suppress(KeyboardInterrupt):
        policy.fit(name)
    memory = peak_memory()
    steps = np.array([record["n_steps"] for record in policy.history_])
    returns = np.array(policy.returns[: len(steps)])
    due = np.diff(steps // task.evaluate_every, prepend=0) > 0
    seconds = np.array(policy.seconds[: len(steps)])
    found = summary(steps[due], seconds[due], returns[due], task.threshold)
    return found | {
        "kept": policy.score(name, n_episodes=N_FRESH),
        "memory": memory,
        "total_steps": policy.n_steps_,
        "total_seconds": policy.seconds[len(steps) - 1],
        "validation_seconds": policy.validation,
        **shares.as_percentages(),
    }


def summary(steps, seconds, returns, threshold):
    """What a learning curve says about a threshold; NaN where it was not reached."""
    best = returns.max() if len(returns) else np.nan
    unknown = dict.fromkeys(("steps", "seconds", "after", "worst"), np.nan)
    passed = np.flatnonzero(returns >= threshold)
    if not len(passed):
        return unknown | {"best": best}
    first = passed[0]
    after = returns[first + 1 : first + 1 + N_AFTER]
    return {
        "steps": int(steps[first]),
        "seconds": seconds[first],
        "after": after.mean() if len(after) else np.nan,
        "worst": after.min() if len(after) else np.nan,
        "best": best,
    }
