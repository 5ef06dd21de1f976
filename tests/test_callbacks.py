"""scikit-learn's callbacks, and ours, around and inside `fit`."""

import pickle
import re
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor, _progressbar
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skampo import AMPOPolicy
from skampo.callbacks import Checkpoint, StopAtReturn
from skampo.exceptions import InvalidParameterError
from skampo.model_selection import make_return_scorer, make_tasks
from tests.faulty_envs import Counter
from tests.scripted import Fuse, FusedEnv, RewardingEnv, ScriptedCritic

SMALL = {"max_iter": 3, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
TASKS = make_tasks("CartPole-v1", 4)
STATES = np.random.default_rng(0).normal(size=(20, 2))
LABELS = np.eye(6), [0, 1] * 3


def make_policy(*callbacks, **parameters):
    return AMPOPolicy(Ridge(), **(SMALL | parameters)).set_callbacks(*callbacks)


class Log:
    """Writes down every call; says stop after some iterations."""

    def __init__(self, stop_after=None):
        self.calls = []
        self.seen = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.calls.append(f"end {context.task_name} {context.task_id}")
        self.seen.append((X, y, metadata, fitted_estimator))
        return estimator.n_iter_ == self.stop_after


def test_the_order_of_the_hooks():
    log = Log()
    make_policy(log, max_iter=2).fit(RewardingEnv)
    assert log.calls == [
        "setup",
        "begin fit 0",
        "begin iteration 0",
        "end iteration 0",
        "begin iteration 1",
        "end iteration 1",
        "end fit 0",
        "teardown",
    ]


def test_what_hooks_are_given():
    log = Log()
    policy = make_policy(log).fit(RewardingEnv)
    for n_iter, (X, y, metadata, fitted) in enumerate(log.seen[:-1], start=1):
        assert (X, y, metadata) == (RewardingEnv, (), None)
        assert fitted is not policy
        assert fitted.n_iter_ == len(fitted.history_) == n_iter
        expected = make_policy(max_iter=n_iter).fit(RewardingEnv)
        assert_array_equal(fitted.predict_proba(STATES), expected.predict_proba(STATES))


def test_labels_and_weights_reach_the_hooks():
    log = Log()
    X, y = LABELS
    make_policy(log).fit(X, y, sample_weight=np.ones(6))
    assert log.seen[0][0] is X
    assert log.seen[0][1] is y
    assert_array_equal(log.seen[0][2]["sample_weight"], 1)


def test_callbacks_change_nothing_of_what_is_learned():
    watched = make_policy(Log(), ProgressBar()).fit(RewardingEnv)
    alone = make_policy().fit(RewardingEnv)
    assert_array_equal(watched.predict_proba(STATES), alone.predict_proba(STATES))


def test_a_callback_stops_the_fit():
    log = Log(stop_after=2)
    policy = make_policy(log).fit(RewardingEnv)
    assert policy.n_iter_ == 2
    assert log.calls[-2:] == ["end fit 0", "teardown"]
    # What was stopped goes on.
    policy = make_policy(Log(stop_after=2), warm_start=True).fit(RewardingEnv)
    policy.set_params(max_iter=1).set_callbacks()
    assert policy.fit(RewardingEnv).n_iter_ == 3


def test_no_iterations():
    log = Log()
    make_policy(log, max_iter=0).fit(RewardingEnv)
    assert log.calls == ["setup", "begin fit 0", "end fit 0", "teardown"]


def test_ctrl_c_ends_the_callbacks():
    log, fuse = Log(), Fuse(60)
    policy = make_policy(log)
    with pytest.raises(KeyboardInterrupt):
        policy.fit(lambda: FusedEnv(fuse))
    assert policy.n_iter_ == 1
    assert log.calls[-2:] == ["begin iteration 1", "teardown"]
    assert not [name for name in vars(policy) if "callback_fit" in name]


def test_a_refused_fit_reaches_no_callback():
    log = Log()
    with pytest.raises(InvalidParameterError):
        make_policy(log, gamma=2.0).fit(RewardingEnv)
    assert log.calls == []


def test_an_error_in_a_callback_closes_the_environments():
    class Broken(Log):
        def on_fit_task_begin(self, estimator, context):
            raise ZeroDivisionError

    counter = Counter()
    log = Broken()
    with pytest.raises(ZeroDivisionError):
        make_policy(log).fit(lambda: RewardingEnv(counter=counter))
    assert counter.opened == counter.closed > 0
    assert log.calls == ["setup", "teardown"]


def test_callbacks_survive_a_clone_and_a_pickle():
    policy = make_policy(StopAtReturn(-1.0)).fit(RewardingEnv)
    for copied in (clone(policy), pickle.loads(pickle.dumps(policy))):
        assert copied.fit(RewardingEnv).n_iter_ == 1


def test_the_progress_bar_and_the_printed_lines_count_the_same(monkeypatch, capsys):
    messages = []
    monkeypatch.setattr(
        _progressbar, "send", lambda _, message: messages.append(message)
    )
    make_policy(Log(stop_after=2), ProgressBar(), verbose=1).fit(RewardingEnv)
    printed = re.findall(r"^iteration +(\d+)", capsys.readouterr().out, re.MULTILINE)
    ended = [m["path"][-1] + 1 for m in messages if m["event"] == "end"][:-1]
    assert list(map(int, printed)) == ended == [1, 2]
    assert messages[0]["max_subtasks"] == SMALL["max_iter"]


def test_progress_bars_are_drawn(capsys):
    make_policy(ProgressBar()).fit(RewardingEnv)
    assert re.search(r"AMPOPolicy - fit .*100%", capsys.readouterr().out)
    pipeline = make_pipeline(StandardScaler(), make_policy())
    pipeline.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*LABELS)
    assert re.search(r"AMPOPolicy - fit #1 .*100%", capsys.readouterr().out)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_progress_bar_for_a_search(n_jobs, capsys):
    search = GridSearchCV(
        make_policy(), {"gamma": [0.5, 0.9]}, cv=2, n_jobs=n_jobs, error_score="raise"
    )
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(TASKS)
    bars = re.findall(r"AMPOPolicy - fit .*100%", capsys.readouterr().out)
    assert len(bars) >= 5


def test_a_scoring_monitor():
    scorer = make_return_scorer(n_episodes=3)
    monitor = ScoringMonitor(scoring={"return": scorer})
    policy = make_policy(monitor).fit("CartPole-v1")
    log = monitor.get_logs().data_as_pandas.query("task_name == 'iteration'")
    assert_array_equal(log["task_id"], [0, 1, 2])
    first = make_policy(max_iter=1).fit("CartPole-v1")
    assert log["return"].iloc[0] == scorer(first, "CartPole-v1")
    assert log["return"].iloc[-1] == scorer(policy, "CartPole-v1")


def test_a_scoring_monitor_in_a_search():
    monitor = ScoringMonitor(scoring={"return": make_return_scorer(n_episodes=2)})
    search = GridSearchCV(make_policy(monitor, max_iter=2), {"gamma": [0.5]}, cv=2)
    search.fit(TASKS)
    log = monitor.get_logs().data_as_pandas.query("task_name == 'iteration'")
    assert len(log) == 3 * 2


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_stopping_in_a_search(n_jobs):
    search = GridSearchCV(
        make_policy(StopAtReturn(5.0), steps_per_iter=200),
        {"gamma": [0.5]},
        cv=2,
        n_jobs=n_jobs,
    ).fit(TASKS)
    assert search.best_estimator_.n_iter_ == 1


def test_stopping_at_a_return():
    policy = make_policy(StopAtReturn(1e6), steps_per_iter=200).fit("CartPole-v1")
    returns = [record["return_mean"] for record in policy.history_]
    for threshold in returns:
        policy.set_callbacks(StopAtReturn(threshold)).fit("CartPole-v1")
        first = min(t for t, value in enumerate(returns) if value >= threshold)
        assert policy.n_iter_ == first + 1


def returns_of(policy, name):
    return [record[name] for record in policy.history_]


@pytest.mark.parametrize(
    ("validated", "stops"), [([1.0, np.nan], False), ([np.nan, np.nan], True)]
)
def test_exploring_episodes_do_not_stand_in_for_validation(validated, stops):
    history = [{"validation_return": v, "return_mean": 9.0} for v in validated]
    policy = SimpleNamespace(history_=history)
    assert StopAtReturn(3.0).on_fit_task_end(policy, None) is stops


def test_the_entry_that_is_compared():
    # Step t pays for action t modulo 2: three of five steps if it is always 0.
    parameters = {"critic": ScriptedCritic([0, 1]), "step_size": "greedy"}
    validated = parameters | {"early_stopping": True}
    for callback in (StopAtReturn(3.0), StopAtReturn(3.0, entry="validation_return")):
        policy = make_policy(callback, **validated).fit(RewardingEnv)
        assert returns_of(policy, "validation_return") == [3.0]
    for others in (parameters, validated):
        callback = StopAtReturn(2.9, entry="return_mean")
        policy = make_policy(callback, exploration=0.0, **others).fit(RewardingEnv)
        assert policy.n_iter_ == 2
        assert returns_of(policy, "return_mean")[1] == 3.0


def test_unfinished_episodes_stop_nothing():
    policy = make_policy(StopAtReturn(-1e9), steps_per_iter=4, n_envs=2)
    policy.fit(lambda: RewardingEnv(length=5))
    assert np.isnan(policy.history_[0]["return_mean"])
    assert policy.n_iter_ == 3


@pytest.mark.parametrize(
    ("callback", "keywords", "words"),
    [
        (StopAtReturn, {"threshold": "475"}, "'threshold' parameter of StopAtReturn"),
        (StopAtReturn, {"threshold": 1, "entry": "mean"}, "Got 'mean' instead"),
        (Checkpoint, {"path": 3}, "a str or path-like. Got 3 instead"),
        (Checkpoint, {"path": "a", "every": 0}, "an int in the range [1, inf)"),
        (Checkpoint, {"path": "a", "save": "joblib"}, "a function of a policy and a"),
    ],
)
def test_parameters_that_are_refused(callback, keywords, words):
    with pytest.raises(InvalidParameterError, match=re.escape(words)):
        callback(**keywords)


@pytest.mark.parametrize("callback", [StopAtReturn(1), Checkpoint("a")])
def test_our_callbacks_watch_policies(callback):
    name = type(callback).__name__
    with pytest.raises(TypeError, match=f"{name} watches a policy. Got LogisticReg"):
        LogisticRegression().set_callbacks(callback).fit(*LABELS)
    search = GridSearchCV(make_policy(), {"gamma": [0.5]}, cv=2)
    with pytest.raises(TypeError, match="Got GridSearchCV"):
        search.set_callbacks(callback).fit(TASKS)
