"""Logs that tell whether actions should be drawn from the policy that copies them."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import t
from sklearn.dummy import DummyClassifier

import skampo
from skampo import AMPOPolicy
from skampo.critics import FittedQ, Pessimistic
from skampo.data import TransitionLog

WAIT, GO = 0, 1


def ring(share_of_go, n_episodes=40, length=20, noise=0.0, seed=0):
    """Five places in a ring; going on pays 1, and waiting nothing."""
    rng = np.random.default_rng(seed)
    shape = n_episodes, length
    actions = (rng.random(shape) < share_of_go).astype(int)
    gone = np.cumsum(actions, axis=1)
    start = rng.integers(5, size=(n_episodes, 1))
    after = (start + gone) % 5
    before = np.hstack([start, after[:, :-1]])
    truncated = np.zeros(shape, dtype=bool)
    truncated[:, -1] = True
    turn = 2 * np.pi / 5
    states, next_states = (
        np.column_stack([np.sin(turn * x.ravel()), np.cos(turn * x.ravel())])
        for x in (before, after)
    )
    return TransitionLog(
        states,
        actions.ravel(),
        actions.ravel() + noise * rng.normal(size=actions.size),
        next_states,
        truncated=truncated.ravel(),
        classes=[WAIT, GO],
    )


def fit(log, critic=None, **parameters):
    critic = Pessimistic(classifier=DummyClassifier()) if critic is None else critic
    parameters = {"max_iter": 3, "gamma": 0.9, "random_state": 0} | parameters
    return AMPOPolicy(critic=critic, **parameters).fit(log)


def test_who_mostly_waits_is_not_played_by_waiting_always():
    log = ring(0.2)
    with pytest.warns(UserWarning, match=r"drawn: policy\.sample\(X\)"):
        policy = fit(log)
    assert (policy.predict(log.states) == WAIT).all()
    assert (policy.sample(log.states, random_state=0) == GO).any()
    gain, low = policy.critic_.sharpening_gain_
    # Those who wait even more are paid less.
    assert low < gain < 0
    assert policy.critic_.draws_


def test_who_mostly_goes_on_is_played_by_going_on():
    policy = fit(ring(0.85))
    gain, low = policy.critic_.sharpening_gain_
    assert 0 < low <= gain
    assert not policy.critic_.draws_


@pytest.mark.parametrize("share_of_go", [0.85, 0.7, 0.2])
def test_the_gain_is_that_of_the_policy_over_its_root(share_of_go):
    log = ring(share_of_go, n_episodes=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        policy = fit(log)
    odds = policy.predict_proba(log.states)[:, GO].mean() / (
        policy.predict_proba(log.states)[:, WAIT].mean()
    )
    # With `draws_` the policy is the root already.
    sharp, root = (odds**2, odds) if policy.critic_.draws_ else (odds, odds**0.5)
    # Going on with probability p is worth p / (1 - 0.9).
    expected = 10 * (sharp / (1 + sharp) - root / (1 + root))
    assert_allclose(policy.critic_.sharpening_gain_[0], expected, rtol=0.05)


@pytest.mark.slow
def test_the_error_of_the_gain_is_that_of_other_logs():
    found = []
    for seed in range(40):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            policy = fit(ring(0.7, noise=2.0, seed=seed), max_iter=1)
        found.append(policy.critic_.sharpening_gain_)
    gains, lows = np.transpose(found)
    errors = (gains - lows) / t.ppf(0.99, 38)
    # Forty logs know their spread to a ninth.
    assert 0.65 < gains.std() / np.sqrt(np.mean(errors**2)) < 1.5


def test_a_random_log_that_tells_what_pays_is_played_by_it():
    policy = fit(ring(0.5))
    assert not policy.critic_.copies_
    assert 0 < policy.critic_.sharpening_gain_[1]
    assert not policy.critic_.draws_


def test_a_log_that_tells_nothing_is_kept_to():
    log = ring(0.65, seed=2)
    rewards = np.random.default_rng(2).normal(size=len(log))
    columns = log.next_states, log.terminated, log.truncated
    log = TransitionLog(log.states, log.actions, rewards, *columns, classes=[WAIT, GO])
    with pytest.warns(UserWarning, match="drawn"):
        policy = fit(log)
    # Both actions were seen often, and by what they paid any is as good.
    assert not policy.critic_.copies_
    assert_allclose(policy.predict_proba(log.states)[:, GO].mean(), 0.65, atol=0.06)


def test_short_logs_are_not_asked():
    policy = fit(ring(0.2, n_episodes=14))
    assert policy.critic_.sharpening_gain_ is None
    assert not policy.critic_.draws_


def test_critics_without_features_are_not_asked():
    from sklearn.tree import DecisionTreeRegressor

    critic = Pessimistic(FittedQ(DecisionTreeRegressor(max_depth=2)))
    assert fit(ring(0.2), critic, max_iter=1).critic_.sharpening_gain_ is None


def test_a_log_of_one_episode_is_cut_into_blocks():
    with pytest.warns(UserWarning, match="drawn"):
        assert fit(ring(0.2, 1, 800)).critic_.draws_


def test_a_half_with_a_single_action():
    log = ring(0.2)
    is_odd = np.arange(len(log)) // 20 % 2 == 1
    actions = np.where(is_odd, WAIT, log.actions)
    columns = log.rewards, log.next_states, log.terminated, log.truncated
    log = TransitionLog(log.states, actions, *columns, classes=[WAIT, GO])
    with pytest.warns(UserWarning, match="drawn"):
        assert np.isfinite(fit(log).critic_.sharpening_gain_).all()


def test_it_is_asked_once():
    log = ring(0.2)
    with pytest.warns(UserWarning, match="drawn"):
        policy = fit(log, warm_start=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy.fit(log)
    assert policy.critic_.draws_


def test_files_keep_it(tmp_path):
    with pytest.warns(UserWarning, match="drawn"):
        policy = fit(ring(0.2))
    policy.save(tmp_path / "policy.skampo")
    loaded = skampo.load(tmp_path / "policy.skampo")
    assert loaded.critic_.draws_
    assert_allclose(loaded.critic_.sharpening_gain_, policy.critic_.sharpening_gain_)


def test_no_half_judges_its_own_policy():
    # Going on pays where it is usual, and costs in the other half, where it is not.
    log, other = ring(0.95), ring(0.4)
    is_odd = np.arange(len(log)) // 20 % 2 == 1
    columns = ("states", "actions", "rewards", "next_states")
    states, actions, rewards, next_states = (
        np.where(
            is_odd if values.ndim == 1 else is_odd[:, None],
            getattr(other, name),
            values,
        )
        for name, values in ((name, getattr(log, name)) for name in columns)
    )
    rewards = np.where(is_odd, -rewards, rewards)
    log = TransitionLog(
        states, actions, rewards, next_states, truncated=log.truncated, classes=[0, 1]
    )
    with pytest.warns(UserWarning, match="drawn"):
        policy = fit(log)
    assert policy.critic_.sharpening_gain_[0] < 0


class Demanding(DummyClassifier):
    """A classifier of no less than 500 rows."""

    def fit(self, X, y):
        if len(X) < 500:
            raise ValueError("too few rows")
        return super().fit(X, y)


def test_classifiers_that_refuse_halves_are_not_asked():
    policy = fit(ring(0.2), Pessimistic(classifier=Demanding()), max_iter=1)
    assert policy.critic_.sharpening_gain_ is None
    assert not policy.critic_.draws_
