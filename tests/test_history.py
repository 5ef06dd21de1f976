"""What is recorded, printed and kept: history, progress lines, the best iterate."""

import re
from functools import partial
from itertools import chain, count, cycle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
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
    # 20 steps of each environment in an iteration: episodes end in every second one.
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


class Luck:
    """Returns of validation: for each iteration, of one attempt after another."""

    def __init__(self, values):
        self.values = values
        self.resets = []

    def __deepcopy__(self, memo):
        """Share the record between copies."""
        return self

    def draw(self, stream):
        self.resets.append(stream)
        attempts = self.values[(self.resets.count(VALIDATION) - 1) // 4]
        value = attempts[min(VALIDATIONS.index(stream), len(attempts) - 1)]
        return np.broadcast_to(value, 4)[(len(self.resets) - 1) % 4]


class LuckyEnv(CountingEnv):
    """Episodes of one step, whose reward is luck where policies are validated."""

    STREAMS = {reset_seed(0, s, i, 0): s for s in VALIDATIONS for i in range(4)}

    def __init__(self, luck):
        super().__init__(length=1)
        self.luck = luck

    def reset(self, *, seed=None, options=None):
        stream = self.STREAMS.get(seed)
        self.reward = None if stream is None else self.luck.draw(stream)
        return super().reset(seed=seed)

    def step(self, action):
        observation, _, *rest = super().step(action)
        reward = action if self.reward is None else self.reward
        return observation, float(reward), *rest


def fit_lucky(values, patience=None):
    """Fit one iteration after another; what is learned does not matter."""
    luck = Luck(values)
    make = lambda: LuckyEnv(luck)
    script = [0] * len(values)
    return fit_script(script, X=make, n_iter_no_change=patience), luck.resets[::4]


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
    policy, _ = fit_lucky([[value] for value in values], patience)
    assert policy.best_iteration_ == kept
    assert policy.n_iter_ == (stops_at or len(values))


def test_validations_join_as_if_they_were_one():
    returns = np.random.default_rng(0).normal(3, 2, size=(4, 4))
    policy, _ = fit_lucky([[-9.0], returns])
    record = policy.history_[-1]
    assert_allclose(record["validation_return"], returns.mean(), rtol=1e-12)
    assert_allclose(record["validation_std"], returns.std(), rtol=1e-12)


@pytest.mark.parametrize(
    ("luck", "kept", "n_plays"),
    [
        # Two leads: the first is confirmed, the second is lost in the third set.
        ([[1.0], [3.0, 3.0, 3.0, 3.0], [5.0, 2.0, 1.0]], 2, 8),
        ([[1.0], [3.0, -2.0], [2.0, 2.0, 2.0, 2.0]], 3, 7),
        ([[1.0], [0.0], [1.0]], 3, 3),
    ],
)
def test_a_lead_has_to_be_confirmed(luck, kept, n_plays):
    policy, streams = fit_lucky(luck)
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
        # Of no episode at all, the last one.
        (partial(CountingEnv, 999), 6, 6, 6),
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


class LuckyFirstEnv(CountingEnv):
    """Four episodes in an iteration; the very first ones are better in the mean."""

    def __init__(self, paid):
        super().__init__(length=10)
        self.paid = paid

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, float(next(self.paid) if any(rest[:2]) else 0), *rest


def test_few_lucky_episodes_rank_below_many():
    paid = chain([1, 1, 13, 13], cycle([4, 5]))
    policy = AMPOPolicy(
        Ridge(),
        early_stopping=True,
        validation_episodes=0,
        n_iter_no_change=None,
        **(SMALL | {"max_iter": 8}),
    ).fit(lambda: LuckyFirstEnv(paid))
    # By the mean of its neighbors, the second iterate would be the best.
    means = [record["return_mean"] for record in policy.history_]
    assert np.argmax(means) == 0
    assert policy.best_iteration_ == 5


@pytest.mark.parametrize("last", [2.0, 3.0, 4.0])
@pytest.mark.parametrize(("X", "n_iter"), [(CountingEnv, 4), (RisingEnv, 6)])
def test_patience_where_no_validation_is_played(X, n_iter, last):
    # The second takes more steps than all of learning, and is not confirmed. The last
    # policy is scored all the same, and once.
    luck, lengths = Luck([[1.0], [3.0], [last]]), (10, 1000, 10)

    class Validated(X):
        play = None

        def reset(self, *, seed=None, options=None):
            if seed in LuckyEnv.STREAMS:
                value = luck.draw(LuckyEnv.STREAMS[seed])
                self.play = value, lengths[(len(luck.resets) - 1) // 4]
            return super().reset(seed=seed)

        def step(self, action):
            if self.play is None:
                return super().step(action)
            self.t += 1
            (value, length), place = self.play, np.array([self.t, action], dtype=float)
            is_over = self.t == length
            return place, float(value) if is_over else 0.0, is_over, False, {}

    policy = fit_script([0] * 6, X=Validated, n_iter_no_change=2)
    assert policy.n_iter_ == n_iter
    assert policy.best_iteration_ == (2 if last == 2.0 else n_iter)
    means = [record["validation_return"] for record in policy.history_]
    assert_array_equal(means, [1.0, 3.0] + [np.nan] * (n_iter - 3) + [last])
    assert policy.n_validation_steps_ == 4 * (10 + 1000 + 10)
    assert policy.history_[-1]["n_validation_steps"] == policy.n_validation_steps_


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
    assert rounds[0] == {reset_seed(0, VALIDATION, index, 0) for index in range(4)}
    assert scoring == {reset_seed(0, SCORING, index, 0) for index in range(4)}
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
