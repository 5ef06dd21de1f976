"""The penalty of leaving the logged policy, by hand and in what it prevents."""

from dataclasses import replace

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from skampo import AMPOPolicy
from skampo.critics import (
    LSTDQ,
    CriticSetting,
    FittedQ,
    LambdaReturn,
    Pessimistic,
)
from skampo.data import TransitionLog
from skampo.encodings import Encoding
from skampo.exceptions import InvalidParameterError
from skampo.mdp import make_random_mdp
from tests.critics.logs import FREQUENCIES, LOG, TABULAR, evaluate, mixture
from tests.faulty_envs import CountingEnv
from tests.iterates import softmax_of, uniform


def test_the_price_by_hand():
    critic = Pessimistic(strength=2.0, classifier=FREQUENCIES)
    # Advantages are -1/2 and 1/2, whose root mean square is 1/2; the policy is (p, q).
    scores = np.array([0.0, 1.0])
    proba = np.exp(scores) / np.exp(scores).sum()
    penalty = np.log(proba) - 2 * np.log([0.75, 0.25])
    expected = np.array([0.0, 1.0]) - 2.0 * 0.5 * penalty
    sample = evaluate(critic, scores)
    assert_allclose(sample.q_values, [expected], atol=1e-6)
    assert_allclose(sample.largest_step, 1 / (2.0 * 0.5))
    assert_allclose(critic.q_(np.zeros((1, 1))), [[0.0, 1.0]], atol=1e-6)


def test_the_square_of_the_logged_policy_is_free():
    critic = Pessimistic(strength=9.0, classifier=FREQUENCIES)
    q_values = evaluate(critic, 2 * np.log([0.75, 0.25])).q_values
    # The normalizer is a constant of the state, and counts for nothing.
    assert_allclose(np.diff(q_values), [[1.0]], atol=1e-6)


def test_classifiers_of_lightgbm_count_no_cores():
    classifier = LGBMClassifier(n_estimators=2, min_child_samples=1, verbose=-1)
    critic = Pessimistic(classifier=classifier)
    log = TransitionLog(np.arange(40.0)[:, None], np.arange(40) % 2, np.ones(40))
    policy = AMPOPolicy(critic=critic, max_iter=1, random_state=0).fit(log)
    assert policy.critic_.classifier_.n_jobs == 1
    assert classifier.n_jobs is None


def test_steps_are_in_units_of_the_rewards_as_they_are():
    log = TransitionLog(
        [[0.0], [1.0], [1.0]],
        [0, 1, 0],
        [-2.0, -1.0, 4.0],
        [[1.0], [0.0], [0.0]],
        terminated=[False, False, True],
    )
    critic = Pessimistic(classifier=FREQUENCIES)
    assert evaluate(critic, log=log, gamma=0.5).reward_range == 6.0


def test_choices_that_mean_nothing_are_hardly_copied():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(400, 3))
    noise, meant = rng.integers(2, size=400), (states[:, 0] > 0).astype(int)
    learned = [
        Pessimistic.default_classifier().fit(states, actions).predict_proba(states)
        for actions in (noise, meant)
    ]
    assert np.abs(learned[0] - 0.5).max() < 0.1
    assert np.mean(learned[1].max(axis=1)) > 0.9


@pytest.mark.parametrize(
    "actions", [[0, 1], [0, 1, 1], [0, 0, 0, 0, 1, 1], [2, 0, 1] * 3]
)
def test_logs_of_a_few_rows(actions):
    states = np.random.default_rng(0).normal(size=(len(actions) + 1, 2))
    rewards = np.arange(len(actions), dtype=float)
    policy = AMPOPolicy(max_iter=2, random_state=0)
    columns = {"next_states": states[1:], "terminated": 0 * rewards}
    policy.fit(states[:-1], actions, rewards=rewards, **columns)
    assert policy.predict_proba(states).shape == (len(states), len(set(actions)))


def test_measuring_from_the_worst_changes_no_value_that_was_seen():
    mdp = make_random_mdp(3, 2, random_state=0)
    s, a = np.divmod(np.tile(np.arange(6), 3000), 2)
    edges = mdp.transition[s, a].cumsum(axis=1)
    after = (np.random.default_rng(0).random((len(s), 1)) > edges).sum(axis=1)
    log = TransitionLog(s[:, None], a, mdp.reward[s, a] - 5.0, after[:, None])
    values = {}
    for critic in ("fitted_q", Pessimistic(FittedQ(n_sweeps=300), strength=0)):
        policy = AMPOPolicy(TABULAR, critic=critic, gamma=0.8, max_iter=8)
        policy.set_params(random_state=0, step_size="constant")
        values[str(critic)] = policy.fit(log).action_values(mdp.states)
    assert_allclose(*values.values(), atol=0.1)


def test_strength_zero_changes_nothing():
    found = evaluate(Pessimistic(strength=0.0)).q_values
    assert_array_equal(found, evaluate(FittedQ()).q_values)


@pytest.mark.parametrize("step_size", ["constant", "greedy"])
def test_iterates_end_at_the_regularized_optimum(step_size):
    # pi is proportional to behavior^2 * exp(Q / (strength * unit)), unit = 1/2.
    policy = AMPOPolicy(
        TABULAR,
        critic=Pessimistic(strength=2.0, classifier=FREQUENCIES),
        step_size=step_size,
        max_iter=20,
        random_state=0,
    ).fit(LOG)
    expected = np.array([0.75, 0.25]) ** 2 * np.exp([0.0, 1.0])
    assert_allclose(
        policy.predict_proba([[0.0]])[0], expected / expected.sum(), atol=1e-3
    )


def test_what_was_never_done_is_not_done():
    rng = np.random.default_rng(0)
    # Of fewer than 300 rows it is not asked whether a surer policy pays.
    n = 299
    states = rng.integers(3, size=n).astype(float)
    # Punishment wherever it acted: the third action, never tried, is worth as much as
    # the mean of the others to a fitted critic.
    log = TransitionLog(
        states[:, None],
        rng.choice(2, size=n, p=[0.9, 0.1]),
        rng.normal(size=n),
        np.roll(states, 1)[:, None],
        classes=[0, 1, 2],
    )
    policy = AMPOPolicy(TABULAR, gamma=0.9, max_iter=30, random_state=0).fit(log)
    assert set(policy.predict(log.states)) <= {0, 1}
    assert policy.predict_proba(log.states)[:, 2].max() < 0.1


@pytest.mark.parametrize("inner", [FittedQ(n_states=2), LSTDQ()], ids=str)
def test_critics_that_accept_a_log_can_be_inside(inner):
    critic = clone(Pessimistic(inner, classifier=LogisticRegression()))
    sample = evaluate(critic)
    assert sample.q_values.shape == (len(sample.observations), 2)
    critic.set_params(critic__capacity=7)
    assert critic.capacity == 7


def random_log(n, seed=0):
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(n + 1, 2))
    return TransitionLog(
        states[:-1], rng.integers(2, size=n), rng.normal(size=n), states[1:]
    )


class Backwards(LSTDQ):
    """Labels the states in an order of its own."""

    def evaluate(self, policy, transitions, setting):
        sample = super().evaluate(policy, transitions, setting)
        order = np.arange(len(transitions))[::-1]
        return replace(sample.take(order), rows=None)


def test_states_need_not_be_in_the_order_of_the_log():
    states = np.repeat([[0.0, 1.0], [1.0, 0.0]], 3, axis=0)
    log = TransitionLog(states, [0, 0, 1, 1, 1, 0], np.arange(6.0))
    tree = DecisionTreeClassifier()
    straight = evaluate(Pessimistic(LSTDQ(), classifier=tree), log=log)
    backwards = evaluate(Pessimistic(Backwards(), classifier=tree), log=log)
    assert_array_equal(backwards.observations, straight.observations[::-1])
    assert_allclose(backwards.q_values, straight.q_values[::-1])


def test_some_states_of_a_long_log_are_labeled():
    log = random_log(50)
    transitions = replace(log.transitions(), first_row=0)
    policy = uniform(2)
    setting = CriticSetting(
        2, 0.9, Ridge(), Encoding.by_name["auto"](), np.random.default_rng(0)
    )
    critic = Pessimistic(classifier=LogisticRegression(), n_states=20)
    first, second = (critic.evaluate(policy, transitions, setting) for _ in range(2))
    assert_array_equal(first.observations, second.observations)
    assert len(np.unique(first.observations, axis=0)) == 20
    assert set(map(tuple, first.observations)) <= set(map(tuple, log.states))
    behavior = critic.classifier_.predict_proba(first.observations)
    # The policy is uniform, and constants of a state do not matter.
    penalty = (first.q_values - critic.q_(first.observations)) * first.largest_step
    assert_allclose(np.diff(penalty), 2 * np.diff(np.log(behavior)), atol=1e-9)


def test_critics_that_need_fresh_data_cannot():
    with pytest.raises(InvalidParameterError, match="accepts a log, such as FittedQ"):
        evaluate(Pessimistic(LambdaReturn()))


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"strength": -1.0}, "strength"),
        ({"classifier": Ridge()}, "classifier"),
        ({"critic": "fitted_q"}, "critic"),
        ({"n_states": 0}, "n_states"),
    ],
)
def test_invalid_parameters_are_named(parameters, name):
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter"):
        evaluate(Pessimistic(**parameters))


def test_growing_data_are_classified_again():
    policy = AMPOPolicy(
        TABULAR,
        critic=Pessimistic(classifier=DecisionTreeClassifier()),
        max_iter=3,
        steps_per_iter=40,
        random_state=0,
    )
    assert policy.fit(CountingEnv).n_iter_ == 3


def test_new_data_may_move_a_policy_that_has_settled():
    critic = Pessimistic(strength=1e6, classifier=DummyClassifier(strategy="uniform"))
    policy = AMPOPolicy(TABULAR, critic=critic, max_iter=4, steps_per_iter=40)
    policy.set_params(random_state=0, step_size="greedy").fit(CountingEnv)
    assert policy.history_[1]["divergence"] < 1e-4
    assert policy.n_iter_ == 4


def test_an_action_that_no_row_shows_has_a_price():
    log = TransitionLog(LOG.states, LOG.actions, LOG.rewards, classes=[0, 1, 2])
    transitions = log.transitions()
    policy = uniform(3)
    encoding, rng = Encoding.by_name["auto"](), np.random.default_rng(0)
    critic = Pessimistic(classifier=FREQUENCIES)
    sample = critic.evaluate(
        policy, transitions, CriticSetting(3, 0.0, TABULAR, encoding, rng)
    )
    assert sample.q_values[0, 2] < sample.q_values[0, :2].min()


@pytest.mark.parametrize("n_actions", [1, 2])
def test_environments_with_one_action_or_two(n_actions):
    make = lambda: CountingEnv(n_actions=n_actions)
    policy = AMPOPolicy(Ridge(), critic="pessimistic", max_iter=1, steps_per_iter=16)
    proba = policy.fit(make).predict_proba(np.zeros((1, 2)))
    assert_allclose(proba.sum(axis=1), 1)


def test_the_unit_of_the_price_counts_states_as_often_as_they_were_met():
    # State 0 is met three times as often, and there is nothing to gain in it.
    states, actions = [0.0] * 6 + [1.0] * 2, [0, 1] * 4
    rewards = [1.0] * 6 + [0.0, 2.0]
    steps = []
    for columns in ([0], [0, 0]):
        # States of two columns are not counted but repeated.
        log = TransitionLog(np.array(states)[:, None][:, columns], actions, rewards)
        policy = softmax_of(lambda X: np.zeros((len(X), 2)))
        setting = CriticSetting(
            2, 0.0, TABULAR, Encoding.by_name["auto"](), np.random.default_rng(0)
        )
        critic = Pessimistic(strength=1.0, classifier=FREQUENCIES)
        sample = critic.evaluate(policy, log.transitions(), setting)
        steps.append((len(sample.observations), sample.largest_step))
    # Advantages are 1 in a quarter of the states: their root mean square is 1/2.
    assert [n for n, _ in steps] == [2, 8]
    assert_allclose([step for _, step in steps], 2.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("actions", "pays", "copies"),
    [
        # As often as chance has it, and more often what pays less or more.
        ([0] * 5 + [1] * 5, 1, False),
        ([0] * 6 + [1] * 4, 1, False),
        ([0] * 6 + [1] * 4, 0, True),
        # Bad choices, but what pays is hardly ever seen.
        ([0] * 9 + [1], 1, True),
    ],
)
def test_choices_are_copied_if_they_gain_or_hide_something(actions, pays, copies):
    rewards = np.equal(actions, pays).astype(float)
    log = TransitionLog(np.zeros((10, 1)), actions, rewards)
    critic = Pessimistic(strength=2.0, classifier=FREQUENCIES)
    # The policy is even, and its share of the penalty a constant.
    difference = np.diff(evaluate(critic, log=log).q_values)[0, 0]
    assert critic.copies_ == copies
    share = np.mean(actions)
    copied = 2.0 * 0.5 * 2 * np.log(share / (1 - share)) if copies else 0.0
    assert_allclose(difference, (1.0 if pays == 1 else -1.0) + copied, atol=1e-6)


def test_a_log_that_tells_nothing_is_learned_from_without_copying():
    policy = AMPOPolicy(
        TABULAR,
        critic=Pessimistic(strength=2.0, classifier=FREQUENCIES),
        max_iter=20,
        random_state=0,
    ).fit(TransitionLog(np.zeros((10, 1)), [0] * 6 + [1] * 4, [0.0] * 6 + [1.0] * 4))
    # pi is proportional to exp(Q / (strength * unit)), unit = 1/2.
    assert_allclose(
        policy.predict_proba([[0.0]])[0, 1], 1 / (1 + np.exp(-1)), atol=1e-3
    )


def walk(mdp, proba, n, seed=0):
    """States, actions, rewards and next states of a policy of a finite model."""
    rng = np.random.default_rng(seed)
    rows, s = [], 0
    for _ in range(n):
        a = rng.choice(len(proba[s]), p=proba[s])
        after = rng.choice(len(proba), p=mdp.transition[s, a])
        rows.append((s, a, mdp.reward[s, a], after))
        s = after
    return tuple(np.array(column) for column in zip(*rows, strict=True))


def half_even_log(mdp, prefer=np.argmin, shift=0.0):
    """Half even choices, half those that prefer the worst action, or the best."""
    best = AMPOPolicy(gamma=0.95, max_iter=20).fit(mdp).action_values(mdp.states)
    n_states, n_actions = best.shape
    even = np.full((n_states, n_actions), 1 / n_actions)
    other = 0.7 * even + 0.3 * np.eye(n_actions)[prefer(best, axis=1)]
    halves = [walk(mdp, proba, 1500) for proba in (even, other)]
    s, a, r, after = (np.concatenate(columns) for columns in zip(*halves, strict=True))
    return TransitionLog(s[:, None], a, r + shift, after[:, None])


def test_a_log_of_bad_choices_is_not_copied():
    mdp = make_random_mdp(20, 4, random_state=0)
    policy = AMPOPolicy(TABULAR, gamma=0.95, max_iter=20, random_state=0)
    policy.fit(half_even_log(mdp))
    assert not policy.critic_.copies_
    even, best = np.full((20, 4), 0.25), mdp.solve(0.95).proba
    found = np.eye(4)[policy.predict(mdp.states)]
    values = [mdp.expected_return(proba, 0.95) for proba in (even, found, best)]
    # Copied it loses a third of what can be gained.
    assert (values[1] - values[0]) / (values[2] - values[0]) > 0.9


@pytest.mark.parametrize("prefer", [np.argmin, np.argmax])
def test_without_ends_the_origin_of_rewards_means_nothing(prefer):
    mdp = make_random_mdp(20, 4, random_state=0)
    policy = AMPOPolicy(TABULAR, gamma=0.95, max_iter=20, random_state=0)
    found = []
    for shift in (0.0, -10.0):
        policy.fit(half_even_log(mdp, prefer, shift))
        assert policy.critic_.copies_ == (prefer is np.argmax)
        found.append(policy.predict_proba(mdp.states))
    assert_allclose(*found, rtol=0, atol=1e-3)


@pytest.mark.parametrize("critic", ["pessimistic", Pessimistic(FittedQ())])
def test_rewards_of_one_step_are_the_values_where_nothing_is_copied(critic):
    rng = np.random.default_rng(0)
    states, actions = rng.normal(size=(400, 2)), rng.integers(2, size=400)
    rewards = 5.0 + 0.1 * rng.normal(size=400) + states[:, 0] * (actions - 0.5)
    policy = AMPOPolicy(critic=critic, max_iter=3, random_state=0)
    policy.fit(states, actions, rewards=rewards)
    assert not policy.critic_.copies_
    expected = 5.0 + states[:, :1] * [-0.5, 0.5]
    # Kernels are flat far out, where there are few states.
    assert np.abs(policy.action_values(states) - expected).mean() < 0.1


@pytest.mark.parametrize("n_episodes", [4, 40])
def test_a_mixture_is_copied_from_the_better_policy(n_episodes):
    log = mixture(n_episodes, better=(0.0, 1.0))
    policy = AMPOPolicy(gamma=0.9, max_iter=2, random_state=0).fit(log)
    states = np.column_stack([[-1.0, 1.0], [0.0, 0.0]])
    sure = policy.critic_.classifier_.predict_proba(states)[[0, 1], [0, 1]].min()
    # So few rows tell nothing, and half of them are any.
    assert (sure > 0.9) == (n_episodes == 40)
    share = {4: 1.0, 40: 420 / 800}
    assert policy.critic_.copied_share_ == share[n_episodes]
