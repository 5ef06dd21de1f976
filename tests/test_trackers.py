"""What an iteration recorded, passed to trackers as the user guide does it."""

import contextlib
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from skampo import AMPOPolicy
from skampo.callbacks import LogHistory
from skampo.exceptions import InvalidParameterError
from tests.scripted import RewardingEnv

GUIDE = Path(__file__).parents[1] / "docs" / "user_guide" / "callbacks.md"
SMALL = {"max_iter": 3, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
RECIPES = re.findall(r"```py\n(.*?)```", GUIDE.read_text("utf8"), re.DOTALL)


class Tracker:
    """Has the functions of the three, with the parameters that theirs have."""

    def __init__(self):
        self.seen = []

    def log_metrics(self, metrics, step=None, synchronous=None, run_id=None):
        self.seen += [(name, float(value), step) for name, value in metrics.items()]

    def log(self, data, step=None, commit=None):
        assert isinstance(data, dict)
        self.log_metrics(data, step)

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None):
        self.seen.append((tag, float(scalar_value), global_step))

    def start_run(self):
        return contextlib.nullcontext()

    def log_params(self, params):
        assert params["max_iter"] == 3


def modules_of(tracker):
    def here(*args, **kwargs):
        return contextlib.nullcontext(tracker)

    mlflow, wandb = ModuleType("mlflow"), ModuleType("wandb")
    for name in ("log_metrics", "start_run", "log_params"):
        setattr(mlflow, name, getattr(tracker, name))
    wandb.init = here
    tensorboard = SimpleNamespace(SummaryWriter=here)
    return {
        "mlflow": mlflow,
        "wandb": wandb,
        "torch": ModuleType("torch"),
        "torch.utils": ModuleType("torch.utils"),
        "torch.utils.tensorboard": tensorboard,
    }


def wanted(history):
    return [
        (name, value, record["iteration"])
        for record in history
        for name, value in record.items()
        if np.isfinite(value) and name != "iteration"
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=["mlflow", "wandb", "tensorboard"])
def test_the_recipes_of_the_guide(recipe, monkeypatch):
    tracker = Tracker()
    for name, module in modules_of(tracker).items():
        monkeypatch.setitem(sys.modules, name, module)
    policy = AMPOPolicy(**SMALL)
    exec(recipe, {"policy": policy, "LogHistory": LogHistory})
    assert tracker.seen == wanted(policy.history_)
    assert {step for *_, step in tracker.seen} == {1, 2, 3}


def test_unknown_numbers_are_left_out():
    seen = []
    log = LogHistory(lambda values, step: seen.append((values, step)))
    policy = AMPOPolicy(**SMALL, warm_start=True).set_callbacks(log).fit(RewardingEnv)
    assert all("validation_return" not in values for values, _ in seen)
    assert all(np.isfinite([*values.values()]).all() for values, _ in seen)
    # A later fit counts on.
    policy.fit(RewardingEnv)
    assert [step for _, step in seen] == [1, 2, 3, 4, 5, 6]


def test_errors_of_the_function_end_the_fit_after_the_iteration():
    def log(values, step):
        if step == 2:
            raise ConnectionError("no network")

    policy = AMPOPolicy(**SMALL).set_callbacks(LogHistory(log))
    with pytest.raises(ConnectionError, match="no network"):
        policy.fit(RewardingEnv)
    assert policy.n_iter_ == len(policy.history_) == 2


def test_no_function():
    with pytest.raises(InvalidParameterError, match="'log' parameter of LogHistory"):
        LogHistory("mlflow")
