import os
import pickle
import sys
import time
from subprocess import PIPE, Popen

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy
from skampo.exceptions import EnvironmentDataError, InvalidParameterError, RolloutError
from skampo.model_selection import make_tasks
from skampo.preprocessing import EnvTransformer
from skampo.rollouts import Guarded, Rollouts, play_episodes
from tests.faulty_envs import (
    Counter,
    CountingEnv,
    FaultyEnv,
    LockedEnv,
    MaskedEnv,
    MethodMaskedEnv,
    PidEnv,
    SlowEnv,
    TwoArgumentError,
    dies,
    fails,
    hangs,
    observes,
    raises_what_cannot_be_sent,
    returns,
    rewards,
)
from tests.rollouts.policies import UniformPolicy

COLUMNS = ["observations", "actions", "rewards", "next_observations", "ends"]


def ends(result):
    """The fault of who ends badly."""
    return (np.array([np.nan, 0.0]), 1.0, True, False, {})


class Factory:
    """Makes an environment that goes wrong, so many times; then healthy ones."""

    def __init__(self, fault, at_step=1, times=1, **kwargs):
        self.counter, self.times, self.kwargs = Counter(), times, kwargs
        self.fault, self.at_step = fault, at_step

    def __call__(self):
        if self.counter.opened < self.times:
            return FaultyEnv(
                self.fault, self.at_step, counter=self.counter, **self.kwargs
            )
        return CountingEnv(counter=self.counter)


def gather(env, policy=None, **kwargs):
    kwargs = {"n_envs": 1, "steps_per_iter": 12, **kwargs}
    with Rollouts(env, **kwargs) as experience:
        return experience.gather(policy or UniformPolicy()), experience


FAULTS = [
    fails(RuntimeError("lost connection")),
    fails(SystemExit(3)),
    observes(np.array([0.0, np.nan])),
    observes(np.zeros(3)),
    rewards(np.inf),
    returns(None),
]


@pytest.mark.filterwarnings("ignore:An episode was given up")
@pytest.mark.parametrize("fault", FAULTS)
def test_the_step_that_failed_is_left_out(fault):
    factory = Factory(fault, at_step=3)
    rows, experience = gather(Guarded(factory))
    assert len(rows) == 11
    assert_array_equal(rows.observations[:3, 0], [0, 1, 0])
    assert_array_equal(rows.ends[:3], [False, True, False])
    assert_array_equal(rows.truncated[:3], [False, True, False])
    assert not rows.terminated[:3].any()
    assert_array_equal(rows.next_observations[1, 0], 2)
    assert (experience.n_faults, experience.n_steps) == (1, 12)
    # The episode that was given up has no return.
    assert_array_equal(experience.episode_returns, [5.0])
    assert factory.counter.opened == factory.counter.closed == 2


@pytest.mark.filterwarnings("ignore:An episode was given up")
@pytest.mark.parametrize("at_step", [0, 1])
def test_episodes_without_a_step(at_step):
    rows, experience = gather(Guarded(Factory(fails(KeyError("k")), at_step, 3)))
    assert_array_equal(rows.observations[:5, 0], range(5))
    assert experience.n_faults == 3


def test_a_warning_says_what_happened():
    with pytest.warns(UserWarning, match=r"given up.*lost connection at step 2 of"):
        gather(Guarded(Factory(FAULTS[0], 2)))


@pytest.mark.filterwarnings("ignore:An episode was given up")
@pytest.mark.parametrize("fault", [FAULTS[0], ends])
def test_too_many_faults_in_a_row(fault):
    assert gather(Guarded(Factory(fault, 2, 3), max_faults=3))[1].n_faults == 3
    with pytest.raises((RolloutError, EnvironmentDataError), match="at step 2"):
        gather(Guarded(Factory(fault, 2, 3), max_faults=2))


@pytest.mark.filterwarnings("ignore:An episode was given up")
def test_faults_are_counted_anew_after_an_episode():
    # The second episode of each environment fails.
    make = lambda: FaultyEnv(fails(KeyError("k")), 2, 2)
    rows, experience = gather(Guarded(make, max_faults=1), steps_per_iter=40)
    assert experience.n_faults == 5
    assert rows.truncated.sum() == 5


@pytest.mark.filterwarnings("ignore:An episode was given up")
def test_nothing_goes_well():
    make = lambda: FaultyEnv(fails(KeyError("k")), 1)
    with pytest.raises(RolloutError, match="None of 8 steps of FaultyEnv went well"):
        gather(Guarded(make), steps_per_iter=8)


@pytest.mark.filterwarnings("ignore:An episode was given up")
@pytest.mark.parametrize("sampling", ["episodes", "geometric"])
def test_other_ways_of_sampling(sampling):
    factory = Factory(FAULTS[0], 3)
    rows, experience = gather(Guarded(factory), sampling=sampling, gamma=0.9)
    assert experience.n_faults == 1
    assert rows.ends[-1]
    # Wherever the next row does not go on, a piece has ended.
    goes_on = rows.observations[1:, 0] == rows.next_observations[:-1, 0]
    assert (rows.ends[:-1] | goes_on).all()


@pytest.mark.filterwarnings("ignore:An episode was given up")
def test_episodes_of_scores_are_played_again():
    factory = Factory(FAULTS[0], 3)
    results = play_episodes(Guarded(factory), UniformPolicy(), n_episodes=2)
    assert_array_equal(results.returns, [5.0, 5.0])
    with pytest.raises(RolloutError, match="lost connection"):
        play_episodes(Factory(FAULTS[0], 3), UniformPolicy(), n_episodes=2)


@pytest.mark.filterwarnings("ignore:An episode was given up")
def test_history_counts_faults():
    policy = AMPOPolicy(Ridge(), max_iter=2, steps_per_iter=40, random_state=0)
    factory = Factory(FAULTS[0], 3, times=9)
    policy.fit(Guarded(factory))
    n_faults = sum(record["n_faults"] for record in policy.history_)
    assert n_faults == factory.counter.opened - 8 > 0
    assert policy.n_steps_ == 80


@pytest.mark.filterwarnings("ignore:An episode was given up")
def test_environments_whose_observations_are_transformed():
    transformer = EnvTransformer(StandardScaler(), n_steps=40).fit(CountingEnv)
    fault = Factory(FAULTS[0], 3), Factory(FAULTS[0], 3)
    expected, _ = gather(Guarded(fault[0]))
    rows, experience = gather(transformer.transform(Guarded(fault[1])))
    scaled = transformer.transformer_.transform(expected.observations)
    assert_allclose(rows.observations, scaled)
    assert experience.n_faults == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (hangs, "TimeoutError: no answer within 0.5 s, so that its process was"),
        (dies, "ChildProcessError: its process ended with exit code 3"),
        (fails(KeyError("k")), "KeyError: 'k'"),
        (fails(TwoArgumentError(7, "why")), "TwoArgumentError: (7, 'why')"),
        (raises_what_cannot_be_sent, "RuntimeError: UnsendableError: why"),
        (fails(SystemExit(3)), "SystemExit: 3"),
    ],
)
@pytest.mark.parametrize("at_step", [0, 3])
def test_faults_in_another_process(fault, message, at_step):
    make = lambda: FaultyEnv(fault, at_step)
    with pytest.raises(RolloutError) as caught:
        gather(Guarded(make, timeout=0.5, max_faults=0))
    method = "step" if at_step else "reset"
    assert str(caught.value).startswith(f"FaultyEnv.{method} raised {message}")
    assert caught.value.step == at_step


@pytest.mark.filterwarnings("ignore:An episode was given up")
def test_a_fit_survives_what_hangs_and_what_dies():
    # In the second episode, so that environments are made anew once.
    hanging = lambda: FaultyEnv(hangs, 2, 2)
    dying = lambda: FaultyEnv(dies, 4, 2)
    envs = [Guarded(make, timeout=0.5) for make in (hanging, dying)]
    policy = AMPOPolicy(
        Ridge(), n_envs=2, max_iter=2, steps_per_iter=10, random_state=0
    )
    policy.fit(envs)
    assert [record["n_faults"] for record in policy.history_] == [0, 2]


def test_the_same_bits_from_another_process():
    envs = "CartPole-v1", Guarded("CartPole-v1"), Guarded("CartPole-v1", timeout=5)
    expected, *found = [gather(e, n_envs=2, steps_per_iter=80)[0] for e in envs]
    for rows in found:
        for name in COLUMNS:
            assert_array_equal(getattr(rows, name), getattr(expected, name))


@pytest.mark.parametrize("make", [MaskedEnv, MethodMaskedEnv])
def test_masks_from_another_process(make):
    rows, _ = gather(Guarded(make, timeout=5), UniformPolicy(3))
    assert_array_equal(rows.action_masks.argmax(1), rows.actions)


def test_a_time_limit_from_another_process():
    inside = lambda: gymnasium.wrappers.TimeLimit(CountingEnv(length=None), 1500)
    rows, _ = gather(Guarded(inside, timeout=5), steps_per_iter=1501)
    assert_array_equal(np.flatnonzero(rows.truncated), [1499])


def test_other_processes_step_at_the_same_time():
    rows, _ = gather(Guarded(SlowEnv, timeout=5), n_envs=4, steps_per_iter=40)
    began, ended = rows.next_observations[rows.next_observations[:, 0].argsort()].T
    # One after the other, each would begin when the one before has ended.
    assert np.sum(began[1:] < ended[:-1]) > 10


def test_processes_end_with_the_rollout(capfd):
    rows, _ = gather(Guarded(PidEnv, timeout=5), n_envs=2)
    pids = {int(pid) for pid in rows.observations[rows.is_start, 0]}
    assert len(pids) == 2
    assert os.getpid() not in pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert "reset" in capfd.readouterr().err


def test_a_process_that_does_not_want_to_close():
    rows, _ = gather(Guarded(lambda: PidEnv(closes=False), timeout=5))
    with pytest.raises(ProcessLookupError):
        os.kill(int(rows.observations[0, 0]), 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:An episode was given up")
def test_environments_that_hang_at_the_same_time():
    make = lambda: FaultyEnv(hangs, 3)
    with Rollouts(Guarded(make, timeout=2), n_envs=3, steps_per_iter=9) as e:
        start = time.monotonic()
        rows = e.gather(UniformPolicy())
        # Three times as long one after the other, beside three starts.
        assert time.monotonic() - start < 6
    assert len(rows) == 6


SCRIPT = """
from skampo.rollouts import Guarded
from tests.faulty_envs import PidEnv, hangs
env = Guarded(lambda: PidEnv(fault=hangs), timeout=1000)()
print(int(env.reset(seed=0)[0][0]), flush=True)
env.step(0)
"""


@pytest.mark.slow
def test_processes_end_with_a_process_that_is_killed():
    command = [sys.executable, "-c", SCRIPT]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with Popen(command, env=environment, stdout=PIPE, stderr=PIPE) as process:
        os.kill(int(process.stdout.readline()), 0)
        # It is hanging by now.
        time.sleep(0.5)
        process.kill()
        # Whoever still lives could write to it.
        process.communicate(timeout=5)


def test_a_constructor_that_fails_in_another_process():
    def make():
        raise OSError("no license")

    with pytest.raises(RolloutError, match="Making make raised OSError: no license"):
        gather(Guarded(make, timeout=5))


def test_what_cannot_be_sent():
    locked = LockedEnv()
    with pytest.raises(ValueError, match="cannot be sent to another process"):
        gather(Guarded(lambda: locked, timeout=5))


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"timeout": 0.0}, "'timeout' parameter of Guarded must be a float"),
        ({"timeout": float("nan")}, "'timeout'"),
        ({"max_faults": -1}, "'max_faults' parameter of Guarded must be an int"),
        ({"max_faults": 1.5}, "'max_faults'"),
    ],
)
def test_parameters_that_are_refused(kwargs, match):
    with pytest.raises(InvalidParameterError, match=match):
        Guarded("CartPole-v1", **kwargs)


def test_one_environment_only():
    with pytest.raises(ValueError, match=r"one environment\. Got 2: give a list"):
        Guarded(["CartPole-v1", "CartPole-v1"])
    with pytest.raises(ValueError, match=r"was expected\. Got int"):
        Guarded(3)


def test_tasks_and_searches():
    guarded = Guarded("CartPole-v1", max_faults=2)
    policy = AMPOPolicy(Ridge(), max_iter=1, steps_per_iter=64, random_state=0)
    tasks = make_tasks(guarded, 4)
    scores = cross_val_score(policy, tasks, cv=2)
    expected = cross_val_score(policy, make_tasks("CartPole-v1", 4), cv=2)
    assert_array_equal(scores, expected)
    assert repr(pickle.loads(pickle.dumps(guarded))) == repr(guarded)
