"""Callbacks where scikit-learn has none: the package imports, fits and calls them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from tests.scripted import RewardingEnv

ROOT = Path(__file__).parents[2]
# scikit-learn itself needs its module: it is hidden from skampo alone.
HIDE = """
import builtins

real_import = builtins.__import__

def import_for(name, globals=None, *rest, **more):
    who = (globals or {}).get("__name__", "")
    if name == "sklearn.callback" and who.startswith("skampo"):
        raise ImportError(name)
    return real_import(name, globals, *rest, **more)

builtins.__import__ = import_for
"""
SCRIPT = """
import os
import tempfile
import warnings
import numpy as np
from sklearn.base import clone
from sklearn.callback import CallbackSupportMixin
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skampo import AMPOPolicy, load
from skampo.callbacks import Checkpoint, StopAtReturn
from skampo.preprocessing import EnvTransformer
from tests.scripted import Fuse, FusedEnv, RewardingEnv

warnings.simplefilter("error")
STATES = np.random.default_rng(0).normal(size=(20, 2))

def make(*callbacks, **parameters):
    small = {"max_iter": 2, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
    return AMPOPolicy(Ridge(), **(small | parameters)).set_callbacks(*callbacks)

class Log:
    def __init__(self, stop_after=None):
        self.calls, self.fitted, self.stop_after = [], [], stop_after

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.calls.append(f"end {context.task_name} {context.task_id}")
        self.fitted.append((X, y, fitted_estimator, context))
        return getattr(estimator, "n_iter_", None) == self.stop_after is not None

print(issubclass(AMPOPolicy, CallbackSupportMixin))

log = Log()
policy = make(log).fit(RewardingEnv)
print(log.calls)
print([fitted.n_iter_ for _, _, fitted, _ in log.fitted])
assert log.fitted[0][:2] == (RewardingEnv, ())
assert log.fitted[0][3].parent.max_subtasks == 2
assert not [name for name in vars(policy) if name.startswith("_callback")]
np.save(os.environ["PROBA"], policy.predict_proba(STATES))

log = Log(stop_after=1)
print(make(log, StopAtReturn(1e9)).fit(RewardingEnv).n_iter_, log.calls[-2:])
print(clone(make(StopAtReturn(-1.0))).fit(RewardingEnv).n_iter_)
print(clone(make(StopAtReturn(-1.0)).set_callbacks()).fit(RewardingEnv).n_iter_)

with tempfile.TemporaryDirectory() as folder:
    path, fuse, log = os.path.join(folder, "policy.skampo"), Fuse(60), Log()
    try:
        make(log, Checkpoint(path, every=5)).fit(lambda: FusedEnv(fuse))
    except KeyboardInterrupt:
        print(log.calls[-2:], load(path).n_iter_)

for wrong in (StopAtReturn, 3):
    try:
        make(wrong)
    except TypeError as error:
        print(error)

class Broken(Log):
    def teardown(self, estimator, context):
        raise ZeroDivisionError

log = Log()
try:
    make(Broken(), log).fit(RewardingEnv)
except ZeroDivisionError:
    print(log.calls[-1])

log = Log()
pipe = make_pipeline(EnvTransformer(StandardScaler()).set_callbacks(log), make())
pipe.fit(RewardingEnv)
print(log.calls)
"""
METHODS = "['setup', 'teardown', 'on_fit_task_begin', 'on_fit_task_end']"
PRINTED = f"""\
False
['setup', 'begin fit 0', 'begin iteration 0', 'end iteration 0', 'begin iteration 1', \
'end iteration 1', 'end fit 0', 'teardown']
[1, 2, 2]
1 ['end fit 0', 'teardown']
1
2
['begin iteration 1', 'teardown'] 1
A callback is an object with the methods {METHODS}. \
Got <class 'skampo.callbacks.StopAtReturn'>, which is a class: call it.
A callback is an object with the methods {METHODS}. \
Got 3, which lacks {METHODS}.
teardown
['setup', 'begin fit 0', 'end fit 0', 'teardown']
"""


def test_a_loop_of_our_own(tmp_path):
    path = tmp_path / "proba.npy"
    run = subprocess.run(
        [sys.executable, "-c", HIDE + SCRIPT],
        env={**os.environ, "PROBA": str(path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == PRINTED
    policy = AMPOPolicy(
        Ridge(), max_iter=2, steps_per_iter=40, n_envs=2, random_state=0
    )
    states = np.random.default_rng(0).normal(size=(20, 2))
    expected = policy.fit(RewardingEnv).predict_proba(states)
    assert_array_equal(np.load(path), expected)
