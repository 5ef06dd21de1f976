"""What is recorded, printed and kept: history, progress lines, the best iterate."""

import re
from itertools import count

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo._history import BestIterate, Validation, lower_end
from skampo.rollouts import EpisodeResults
from tests.faulty_envs import Counter, CountingEnv
from tests.scripted import DATA_CRITICS, Fuse, FusedEnv, RewardingEnv, ScriptedCritic
from tests.seeds import (
    SCORING,
    TRAINING,
    VALIDATION,
    VALIDATIONS,
    reset_seed,
)

SMALL = {"max_iter": 3, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
INTEGERS = ["iteration", "n_steps", "n_episodes", "n_faults", "n_validation_steps"]
NUMBERS = ["return_mean", "return_std", "eta", "divergence", "entropy"]
NUMBERS += [
    "approximation_error",
    "critic_error",
    "validation_return",
    "validation_std",
]
TIMES = ["rollout_time", "critic_time", "fit_time", "validation_time"]
KEYS = [*INTEGERS[:4], *NUMBERS, INTEGERS[4], *TIMES]


@pytest.mark.parametrize("critic", DATA_CRITICS)
def test_one_plain_record_per_iteration(critic):
    policy = AMPOPolicy(Ridge(), critic=critic, **SMALL).fit(CountingEnv)
    assert policy.n_iter_ == len(policy.history_) == policy.best_iteration_ == 3
    for i, record in enumerate(policy.history_, start=1):
        assert list(record) == KEYS
        assert {type(record[key]) for key in INTEGERS} == {int}
        assert {type(record[key]) for key in NUMBERS + TIMES} == {float}
        assert record["iteration"] == i
        assert record["n_steps"] == 40 * i
        assert record["n_episodes"] == 8
        assert record["n_faults"] == 0
        assert record["return_mean"] == 5.0
        assert record["return_std"] == 0.0
        assert 0 <= record["entropy"] <= np.log(2) + 1e-12
        assert 0 <= record["divergence"] < 1
        assert record["approximation_error"] >= 0
        assert record["eta"] > 0
        assert np.isnan([record["validation_return"], record["validation_std"]]).all()
        assert record["n_validation_steps"] == 0
        assert min(record[key] for key in TIMES) >= 0
    assert policy.n_steps_ == 120
    assert policy.n_validation_steps_ == 0


def test_no_episode_finished(capsys):
    policy = AMPOPolicy(Ridge(), **SMALL, verbose=1).fit(lambda: CountingEnv(99))
    record = policy.history_[0]
    assert "return         -  divergence" in capsys.readouterr().out
    assert record["n_episodes"] == 0
    assert np.isnan(record["return_mean"])
    assert np.isnan(record["return_std"])


def test_the_last_return_is_shown_until_an_episode_ends(capsys):
    # 20 steps of each lane in an iteration: episodes end in every second one.
    AMPOPolicy(Ridge(), **SMALL, verbose=1).fit(lambda: CountingEnv(33))
    shown = re.findall(r"return +(\S+)", capsys.readouterr().out)
    assert shown == ["-", "33.00", "(33.00)"]


def test_the_history_of_one_fit_is_not_that_of_the_next():
    policy = AMPOPolicy(Ridge(), **SMALL).fit(CountingEnv)
    first = policy.history_
    policy.fit(CountingEnv)
    assert policy.history_ is not first
    assert len(first) == 3


LINE = re.compile(
    r"iteration +(\d+)  return +5\.00  (?:validation +5\.00  )?"
    r"divergence \d\.\d\de[-+]\d\d  eta \S+  [\d,]+ steps/s  \d+\.\d s"
)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose_prints_one_line_per_iteration(capsys, early_stopping):
    policy = AMPOPolicy(Ridge(), verbose=1, early_stopping=early_stopping, **SMALL)
    policy.set_params(validation_episodes=1).fit(CountingEnv)
    lines = capsys.readouterr().out.splitlines()
    assert [LINE.fullmatch(line)[1] for line in lines] == ["1", "2", "3"]
    assert all(("validation" in line) == early_stopping for line in lines)
    policy.set_params(verbose=0).fit(CountingEnv)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("values", "patience", "kept", "stops_at"),
    [
        ([1, 2, 3, 4], 1, 4, None),
        ([1, 2, 1, 1, 1], 2, 2, 4),
        ([1, 2, 2, 1, 1], 2, 3, 4),
        ([1, 2, 1, 3, 1, 1], 2, 4, 6),
        ([1, 1, 1, 1, 1], 1, 5, None),
        ([3, 2, 1, 0, 1], 1, 1, None),
        ([3, 2, 1, 4, 1], 1, 4, 5),
        ([1, 2, 1, 1, 1], None, 2, None),
        ([-200, -200, -110, -110, -120], 2, 4, 5),
    ],
)
def test_the_best_iterate(values, patience, kept, stops_at):
    best = BestIterate()
    stops = [best.update(value, i, patience) for i, value in enumerate(values, start=1)]
    assert best.iterate == kept
    assert best.best == max(values)
    assert (stops.index(True) + 1 if any(stops) else None) == stops_at


def test_validations_join_as_if_they_were_one():
    returns = np.random.default_rng(0).normal(3, 2, size=12)
    joined = Validation.of(returns[:4], 10).join(Validation.of(returns[4:], 30))
    assert_allclose(joined, Validation.of(returns, 40), rtol=1e-12)


@pytest.mark.parametrize(
    ("luck", "kept", "n_plays"),
    [
        # Two leads: the first is confirmed, the second is lost in the third set.
        ([[1.0], [3.0, 3.0, 3.0, 3.0], [5.0, 2.0, 1.0]], 2, 8),
        ([[1.0], [3.0, -2.0], [2.0, 2.0, 2.0, 2.0]], 3, 7),
        ([[1.0], [0.0], [1.0]], 3, 3),
    ],
)
def test_a_lead_has_to_be_confirmed(luck, kept, n_plays, monkeypatch):
    plays = iter([value for attempts in luck for value in attempts])
    streams = []

    def play(X, policy, *, n_episodes, stream, **keywords):
        streams.append(stream)
        return EpisodeResults(np.full(n_episodes, next(plays)), np.ones(n_episodes))

    monkeypatch.setattr("skampo.problems._environments.play_episodes", play)
    policy = fit_script([0] * len(luck), n_iter_no_change=None)
    assert policy.best_iteration_ == kept
    assert policy.n_validation_steps_ == 4 * n_plays
    assert streams == [s for attempts in luck for s in VALIDATIONS[: len(attempts)]]
    means = [record["validation_return"] for record in policy.history_]
    assert means == [np.mean(attempts) for attempts in luck]


def make_scripted(script, *, n_iter_no_change=2, **parameters):
    """Follow a script of greedy actions; 0 is worth 3, 1 is worth 2."""
    return AMPOPolicy(
        Ridge(),
        critic=ScriptedCritic(script),
        step_size="greedy",
        early_stopping=True,
        validation_episodes=4,
        n_iter_no_change=n_iter_no_change,
        **(SMALL | {"max_iter": len(script)} | parameters),
    )


def fit_script(script, *, X=RewardingEnv, **parameters):
    return make_scripted(script, **parameters).fit(X)


@pytest.mark.parametrize(
    ("script", "patience", "n_iter", "best"),
    [
        ([1, 0, 0, 1, 1, 1], 2, 4, 3),
        ([1, 0, 0, 1, 1, 1], 9, 6, 3),
        ([1, 0, 0, 1, 1, 1], None, 6, 3),
        ([0, 1, 1, 1], 1, 4, 1),
        ([1, 1, 1, 1], 1, 4, 4),
    ],
)
def test_early_stopping(script, patience, n_iter, best):
    policy = fit_script(script, n_iter_no_change=patience)
    assert policy.n_iter_ == len(policy.history_) == n_iter
    assert policy.best_iteration_ == best
    values = [record["validation_return"] for record in policy.history_]
    assert values == [3.0 - action for action in script[:n_iter]]
    counts = [record["n_validation_steps"] for record in policy.history_]
    # A policy that is better than the best so far plays four times as many.
    bests = [max(values[:i], default=np.inf) for i in range(n_iter)]
    shares = [
        4 if value > best else 1 for value, best in zip(values, bests, strict=True)
    ]
    assert counts == [4 * 5 * n for n in np.cumsum(shares)]
    assert {record["validation_std"] for record in policy.history_} == {0.0}
    kept = script[best - 1]
    assert_array_equal(policy.predict([[0.0, 0.0], [3.0, 1.0]]), [kept, kept])
    assert_allclose(policy.action_values([[0.0, 0.0]]), [np.eye(2)[kept]])
    assert policy.score(RewardingEnv, n_episodes=2) == 3.0 - kept
    assert policy.n_steps_ == 40 * n_iter
    assert policy.n_validation_steps_ == counts[-1]
    assert policy.interrupted_ is False


@pytest.mark.parametrize("length", [5, 10, 20, 40])
def test_no_validation_begins_after_more_steps_than_learning(length):
    make = lambda: RewardingEnv(length)
    policy = fit_script([0] * 8, X=make, n_iter_no_change=None)
    counts = np.array([r["n_validation_steps"] for r in policy.history_])
    before, learned = np.append(0, counts[:-1]), 40 * np.arange(1, 9)
    means = [record["validation_return"] for record in policy.history_]
    assert_array_equal(np.isfinite(means), before <= learned)
    # Four episodes each.
    assert_array_equal(counts - before, 4 * length * (before <= learned))
    # The last one of equals that was validated is kept.
    assert policy.best_iteration_ == 1 + np.flatnonzero(before <= learned)[-1]


class RisingEnv(CountingEnv):
    """Every step of any copy pays more than the one before."""

    paid, change = count(), 1.0

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, self.change * next(self.paid), *rest


class FallingEnv(RisingEnv):
    """Every step of any copy pays less than the one before."""

    change = -1.0


@pytest.mark.parametrize(
    ("X", "max_iter", "kept", "n_iter"),
    [
        # Iterate 5 of 8: iteration 8 ends when 7 was played, and two came after 5.
        (RisingEnv, 8, 5, 8),
        # The last of equals; patience waits for a first success.
        (CountingEnv, 6, 3, 6),
        (FallingEnv, 8, 2, 8),
        # Without five that played, the last one.
        (FallingEnv, 4, 4, 4),
    ],
)
def test_the_episodes_of_learning_rank_iterates(X, max_iter, kept, n_iter):
    parameters = SMALL | {"max_iter": max_iter}
    policy = AMPOPolicy(
        Ridge(),
        early_stopping=True,
        validation_episodes=0,
        n_iter_no_change=1,
        **parameters,
    ).fit(X)
    assert (policy.best_iteration_, policy.n_iter_) == (kept, n_iter)
    assert policy.n_validation_steps_ == 0
    assert policy.step_size_ == policy.history_[kept - 1]["eta"]
    assert np.isnan([r["validation_return"] for r in policy.history_]).all()


def test_few_lucky_episodes_rank_below_many():
    few, many = Validation.of([1.0, 9.0], 2), Validation.of([4.0, 5.0] * 9, 18)
    assert few.mean > many.mean
    assert_allclose(lower_end([few, Validation()]), 5 - 4 / np.sqrt(2), rtol=1e-12)
    assert lower_end([few]) < lower_end([many])
    assert_allclose(lower_end([few, many]), lower_end([few.join(many)]), rtol=1e-12)
    assert lower_end([Validation(0.1, 0.0, 0, n) for n in (3, 7, 11)]) == 0.1
    assert lower_end([Validation(), Validation.of([3.0], 1)]) is None


@pytest.mark.parametrize(("X", "n_iter"), [(CountingEnv, 4), (RisingEnv, 6)])
def test_patience_where_no_validation_is_played(X, n_iter, monkeypatch):
    plays = iter([(1.0, 10), (3.0, 1000)])

    def play(X, policy, *, n_episodes, **keywords):
        # The second takes more steps than all of learning, and is not confirmed.
        mean, length = next(plays)
        return EpisodeResults(np.full(n_episodes, mean), np.full(n_episodes, length))

    monkeypatch.setattr("skampo.problems._environments.play_episodes", play)
    policy = fit_script([0] * 6, X=X, n_iter_no_change=2)
    assert policy.n_iter_ == n_iter
    assert policy.best_iteration_ == 2
    means = [record["validation_return"] for record in policy.history_]
    assert_array_equal(means, [1.0, 3.0] + [np.nan] * (n_iter - 2))


def test_the_step_size_is_that_of_the_iterate_that_is_kept():
    policy = AMPOPolicy(
        Ridge(),
        critic=ScriptedCritic([0, 1, 1]),
        step_size="geometric",
        gamma=0.5,
        early_stopping=True,
        **SMALL,
    ).fit(RewardingEnv)
    etas = [record["eta"] for record in policy.history_]
    assert len(set(etas)) == 3
    assert policy.step_size_ == etas[policy.best_iteration_ - 1]


def test_seeds_of_training_validation_and_score_are_disjoint():
    made = []

    def make():
        made.append(RewardingEnv())
        return made[-1]

    def seeds(environments):
        return {s for e in environments for s in e.seeds if s is not None}

    policy = fit_script([0, 1, 0], n_iter_no_change=None, X=make)
    training = seeds(made[:2])
    rounds = [seeds(made[i : i + 4]) for i in range(2, len(made), 4)]
    assert len(rounds) == 3
    assert rounds[0] == rounds[1] == rounds[2]
    n_fitted = len(made)
    policy.score(make, n_episodes=4)
    scoring = seeds(made[n_fitted:])
    assert len(rounds[0]) == len(scoring) == 4
    assert len(training | rounds[0] | scoring) == len(training) + 8
    assert rounds[0] == {reset_seed(0, VALIDATION, lane, 0) for lane in range(4)}
    assert scoring == {reset_seed(0, SCORING, lane, 0) for lane in range(4)}
    assert reset_seed(0, TRAINING, 0, 0) in training


def test_validation_closes_its_environments_and_leaves_training_alone():
    counter = Counter()
    make = lambda: RewardingEnv(counter=counter)
    policy = AMPOPolicy(Ridge(), n_iter_no_change=None, **SMALL)
    expected = [record["eta"] for record in policy.fit(make).history_]
    policy.set_params(early_stopping=True).fit(make)
    assert [record["eta"] for record in policy.history_] == expected
    assert counter.opened == counter.closed


@pytest.mark.parametrize("at", [41, 60])
def test_ctrl_c_during_validation(at):
    # 40 steps of training, then 20 of validation.
    counter, fuse = Counter(), Fuse(at)
    policy = make_scripted([1, 1])
    with pytest.raises(KeyboardInterrupt):
        policy.fit(lambda: FusedEnv(fuse, counter=counter))
    assert policy.n_iter_ == policy.best_iteration_ == 0
    assert policy.interrupted_ is True
    assert_array_equal(policy.predict_proba([[0.0, 0.0]]), [[0.5, 0.5]])
    assert counter.opened == counter.closed > 0
