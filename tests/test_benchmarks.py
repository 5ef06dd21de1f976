"""The instruments of tests/benchmarks measure what they say."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo import AMPOPolicy
from tests.benchmarks import exports, offline, runs
from tests.benchmarks.control import report
from tests.benchmarks.learners import summary


def test_a_curve_passes_where_it_first_reaches_the_threshold():
    returns = np.array([0.0, 5.0, 1.0, 6.0, *range(20)])
    steps, seconds = 512 * np.arange(1, 25), np.arange(24.0)
    assert summary(steps, seconds, returns, 5.0) == {
        "steps": 1024,
        "seconds": 1.0,
        "after": (1 + 6 + sum(range(8))) / 10,
        "worst": 0.0,
        "best": 19.0,
    }


def test_a_curve_that_does_not_pass_shows_its_best():
    found = summary(np.array([512]), np.array([1.0]), np.array([4.0]), 5.0)
    assert found["best"] == 4.0
    assert np.isnan([found[key] for key in ("steps", "seconds", "after")]).all()


def test_cells_show_median_and_range_of_what_is_known():
    assert runs.cell([3.0, np.nan, 1.0, 8.0]) == "3 (1 to 8)"
    assert runs.cell([2.5], 1) == "2.5"
    assert runs.cell([np.nan]) == "-"


def test_what_never_passes_costs_more_than_all_that_do():
    assert runs.cost_cell([3.0, np.nan, 1.0]) == "3 (1 to never)"
    assert runs.cost_cell([3.0, np.nan, np.nan]) == "never (3 to never)"
    assert runs.cost_cell([np.nan, np.nan]) == "-"
    assert runs.cost_cell([2.0, 1.0, 4.0]) == runs.cell([2.0, 1.0, 4.0])


def test_rows_of_a_file_are_not_measured_again(tmp_path, monkeypatch):
    measured = []

    def fake(module, job):
        measured.append(job["seed"])
        return {"seed": job["seed"], "steps": np.nan if job["seed"] else 512}

    monkeypatch.setattr(runs, "in_a_process", fake)
    options = Namespace(csv=tmp_path / "rows.csv", jobs=1, report=False)
    jobs = [{"seed": seed, "cpu_limit": 1.0} for seed in range(2)]
    runs.do_all("module", jobs[:1], options)
    rows = runs.do_all("module", jobs, options)
    assert measured == [0, 1]
    assert [row["seed"] for row in rows] == [0, 1]
    assert rows[0]["steps"] == 512
    assert np.isnan(rows[1]["steps"])


def test_a_report_has_one_line_for_each_environment_and_learner():
    known = dict.fromkeys(("seconds", "after", "worst", "kept", "best", "memory"), 1.0)
    shares = {"environment_share": 30.0, "regressor_share": 60.0, "rest_share": 10.0}
    shares |= {"total_steps": 10, "total_seconds": 2.0, "validation_seconds": 1.0}
    row = {"environment": "CartPole-v1", "learner": "default", "steps": 512}
    rows = [row | {"seed": 0} | known | shares]
    rows.append(rows[0] | {"seed": 1})
    rows.append(rows[0] | {"seed": 2, "steps": np.nan})
    control, profile = report(rows).split("\n\n")
    assert control.splitlines()[2].startswith(
        "| CartPole-v1 >= 475 | default | 2 of 3 | 512 (512 to never) | 1.00 |"
    )
    assert profile.splitlines()[2].endswith("| 30 | 60 | 10 | 1.0 |")


SLOW_FIT = """
import json, time
from sklearn.linear_model import Ridge
from skampo import AMPOPolicy
from tests.benchmarks.shares import Shares
from tests.faulty_envs import CountingEnv

def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

class Slow(Ridge):
    def fit(self, X, y, sample_weight=None):
        work(0.05)
        return super().fit(X, y, sample_weight)

class SlowEnv(CountingEnv):
    def step(self, action):
        work(0.002)
        return super().step(action)

shares = Shares(Slow())
policy = AMPOPolicy(Slow(), max_iter=2, steps_per_iter=40, n_envs=2)
with shares.total():
    policy.fit(lambda: SlowEnv(9))
before = dict(shares.seconds)
policy.score(lambda: SlowEnv(9))
assert shares.seconds == before
print(json.dumps({**shares.seconds, **shares.as_percentages()}))
"""


def test_time_is_attributed_to_environments_and_regressors():
    command = [sys.executable, "-W", "ignore", "-c", SLOW_FIT]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=root)
    found = json.loads(done.stdout)
    assert found["environment"] > 0.002 * 80
    # Line 1 of two iterations is one fit at least.
    assert found["regressor"] > 0.05 * 2
    assert found["rest_share"] > 0
    names = ("environment_share", "regressor_share", "rest_share")
    assert sum(found[name] for name in names) == pytest.approx(100)


def offline_options(path, **changed):
    given = {"seeds": 2, "sizes": [10], "envs": ["CartPole-v1"], "kinds": ["random"]}
    given |= {"methods": None, "peers": None, "csv": path, "report": False}
    return Namespace(**given | changed)


def test_logs_are_measured_seed_by_seed_and_once(tmp_path, monkeypatch):
    measured = []

    def fake(job, peers):
        measured.append((job["seed"], job["method"]))
        return float(job["seed"]), 2.0

    monkeypatch.setattr(offline, "measure", fake)
    own = ["behavior", *offline.METHODS]
    options = offline_options(tmp_path / "rows.csv")
    offline.measure_missing(offline.jobs_of(options), options)
    assert measured == [(seed, method) for seed in range(2) for method in own]
    options = offline_options(tmp_path / "rows.csv", peers="python")
    rows = offline.measure_missing(offline.jobs_of(options), options)
    peers = [(seed, peer) for seed in range(2) for peer in offline.PEERS]
    assert measured[2 * len(own) :] == peers
    returns, seconds = (t.splitlines()[2] for t in offline.report(rows).split("\n\n"))
    assert returns.startswith("| CartPole-v1 | random | 10 | 0 (0 to 1)")
    assert seconds.endswith("| 2.0 | 2.0 |")


def test_a_log_is_made_of_its_sources():
    log = offline.make_log("CartPole-v1", "random", 40, 0)
    assert len(log) == 40
    assert set(log.propensities) == {0.5}
    rows = (log.next_states[:-1] == log.states[1:]).all(axis=1)
    assert_array_equal(rows[~log.terminated[:-1] & ~log.truncated[:-1]], True)


def test_other_actions_of_a_program_are_counted_with_what_they_lose():
    X, y = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    policy = AMPOPolicy(max_iter=1, random_state=0).fit(X, y)
    proba = policy.predict_proba(X)

    def run(states):
        return proba - 0.25, np.array([0, 0, 0, 1])

    lost = proba[2, 1] - proba[2, 0]
    found = exports.difference(policy, run, np.array(X))
    assert found == f"2.5e-01 (1, {lost:.0e})"
