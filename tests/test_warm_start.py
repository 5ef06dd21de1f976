"""Another `fit` that goes on where the last one ended."""

from itertools import groupby

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy, load
from skampo.critics import LSTDQ, FittedQ
from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.regressors import NystroemFeatures
from tests.faulty_envs import Counter, CountingEnv
from tests.scripted import DATA_CRITICS, Fuse, FusedEnv, RewardingEnv, ScriptedCritic

SMALL = {"max_iter": 2, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
LABELS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), [0, 1, 0, 1]


def make_policy(**parameters):
    defaults = {"regressor": Ridge(), "warm_start": True}
    return AMPOPolicy(**(defaults | SMALL | parameters))


@pytest.mark.parametrize("critic", DATA_CRITICS)
@pytest.mark.parametrize("regressor", [Ridge(), DecisionTreeRegressor(), None])
def test_the_history_goes_on(regressor, critic):
    policy = make_policy(critic=critic, regressor=regressor).fit(RewardingEnv)
    first = policy.history_
    policy.fit(RewardingEnv)
    assert policy.history_[:2] == first
    assert [record["iteration"] for record in policy.history_] == [1, 2, 3, 4]
    assert [record["n_steps"] for record in policy.history_] == [40, 80, 120, 160]
    assert policy.n_iter_ == policy.best_iteration_ == 4
    assert policy.n_steps_ == 160


def test_zero_more_iterations_change_nothing():
    policy = make_policy().fit(RewardingEnv)
    states = np.random.default_rng(0).normal(size=(20, 2))
    before = policy.predict_proba(states), policy.action_values(states)
    policy.set_params(max_iter=0).fit(RewardingEnv)
    assert_array_equal(policy.predict_proba(states), before[0])
    assert_array_equal(policy.action_values(states), before[1])
    assert policy.n_iter_ == 2


@pytest.mark.parametrize(
    ("capacity", "expected"), [(0, [40] * 4), (1000, [40, 80, 120, 160])]
)
def test_stored_transitions_are_kept(capacity, expected):
    policy = make_policy(critic=ScriptedCritic(capacity=capacity))
    policy.fit(RewardingEnv).fit(RewardingEnv)
    assert policy.critic_.n_rows_ == expected


def test_reset_seeds_are_not_used_again():
    made = []

    def make():
        made.append(RewardingEnv())
        return made[-1]

    make_policy().fit(make).fit(make)
    # The first reset of a fit is repeated, to see whether it shows the same again.
    seeds = [[seed for seed, _ in groupby(env.seeds)] for env in made]
    assert len(made) == 4
    for first, second in zip(seeds[:2], seeds[2:], strict=True):
        # The last episode was in progress, and goes on.
        assert first[-1] == second[0]
        assert len({*first, *second}) == len(first) + len(second) - 1


def test_without_warm_start_everything_is_new():
    policy = make_policy(warm_start=False).fit(RewardingEnv).fit(RewardingEnv)
    assert policy.n_iter_ == 2
    with pytest.warns(UserWarning, match="starts anew"):
        policy.set_params(warm_start=True).fit(RewardingEnv)
    policy.fit(RewardingEnv).set_params(warm_start=False).fit(RewardingEnv)
    assert policy.n_iter_ == 2
    copied = clone(policy.set_params(warm_start=True))
    assert copied.fit(RewardingEnv).n_iter_ == 2


@pytest.mark.parametrize("store", ["memory", "file"])
def test_a_fit_that_cannot_go_on_says_so(store, tmp_path):
    policy = make_policy(warm_start=False).fit(RewardingEnv)
    if store == "file":
        policy.save(tmp_path / "policy.skampo")
        policy = load(tmp_path / "policy.skampo")
    policy.set_params(warm_start=True)
    message = "starts anew: the 2 iterations so far were made with warm_start=False"
    with pytest.warns(UserWarning, match=message):
        policy.fit(RewardingEnv)
    assert policy.n_iter_ == 2
    # From now on it goes on, in silence.
    assert policy.fit(RewardingEnv).n_iter_ == 4


def test_a_first_fit_has_nothing_to_go_on_from(recwarn):
    make_policy().fit(RewardingEnv)
    policy = make_policy(warm_start=False, max_iter=0).fit(RewardingEnv)
    policy.set_params(warm_start=True).fit(RewardingEnv)
    assert [str(warning.message) for warning in recwarn] == []


def test_going_on_after_ctrl_c():
    policy = make_policy()
    fuse = Fuse(60)
    with pytest.raises(KeyboardInterrupt):
        policy.fit(lambda: FusedEnv(fuse))
    policy.fit(RewardingEnv)
    assert policy.n_iter_ == 3
    assert policy.n_steps_ == 120
    assert policy.interrupted_ is False


def test_going_on_from_the_best_iterate():
    policy = make_policy(
        critic=ScriptedCritic([0, 1, 1, 1]), step_size="greedy", early_stopping=True
    ).fit(RewardingEnv)
    assert policy.best_iteration_ == 1
    policy.set_params(max_iter=0).fit(RewardingEnv)
    assert policy.best_iteration_ == 1
    assert policy.predict([[0.0, 0.0]]) == [0]
    assert policy.n_iter_ == 2


def test_the_best_iterate_is_compared_across_fits():
    policy = make_policy(
        critic=ScriptedCritic([0, 1, 1, 1]), step_size="greedy", early_stopping=True
    ).fit(RewardingEnv)
    policy.fit(RewardingEnv)
    assert policy.predict([[0.0, 0.0]]) == [0]
    assert policy.best_iteration_ == 1


def test_validation_steps_add_up():
    policy = make_policy(early_stopping=True, validation_episodes=2)
    policy.fit(RewardingEnv).fit(RewardingEnv)
    assert policy.n_validation_steps_ == 4 * 2 * 5


@pytest.mark.parametrize(
    ("name", "value"), [("mirror_map", "euclidean"), ("critic", "monte_carlo")]
)
def test_parts_that_change_are_not_ignored(name, value):
    policy = make_policy().fit(RewardingEnv).set_params(**{name: value})
    with pytest.raises(InvalidParameterError, match=name):
        policy.fit(RewardingEnv)


def test_a_parameter_whose_text_is_too_long_to_show_is_named():
    def make_critic(number):
        settings = {"a": "x" * 600, "b": number, "c": "y" * 600}
        return LSTDQ(FunctionTransformer(kw_args=settings))

    assert repr(make_critic(0)) == repr(make_critic(1))
    policy = make_policy(critic=make_critic(0), max_iter=0).fit(RewardingEnv)
    policy.set_params(critic=make_critic(0)).fit(RewardingEnv)
    with pytest.raises(InvalidParameterError, match="'critic__transformer__kw_args'"):
        policy.set_params(critic=make_critic(1)).fit(RewardingEnv)


@pytest.mark.parametrize(("n_components", "kept"), [(4, True), (6, False)])
def test_features_of_another_regressor_are_fitted_anew(n_components, kept):
    policy = make_policy(
        regressor=make_pipeline(NystroemFeatures(4), Ridge()),
        critic=FittedQ("policy"),
    )
    policy.fit(RewardingEnv)
    features = policy.regressor_[0]
    policy.set_params(regressor__nystroemfeatures__n_components=n_components)
    # Few more rows, for which the same features would be kept.
    policy.set_params(max_iter=1, steps_per_iter=10).fit(RewardingEnv)
    assert (policy.regressor_[0] is features) == kept
    assert len(policy.regressor_[0].landmarks_) == n_components


LOG = TransitionLog(
    np.tile([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]], (20, 1)),
    np.tile([0, 1, 1, 0, 1, 0], 10),
    np.tile([0.0, 1.0, 1.0, 0.0, 1.0, 0.0], 10),
    np.tile([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]], (20, 1)),
    np.tile([False, False, True], 20),
    episodes=np.repeat(range(20), 3),
)


@pytest.mark.parametrize("store", ["memory", "file"])
@pytest.mark.parametrize(
    "sources", [(LOG, RewardingEnv), (RewardingEnv, LOG)], ids=["log", "environments"]
)
def test_logs_and_environments_follow_each_other(sources, store, tmp_path):
    # Long enough for a mean of policies, which is what goes on.
    policy = make_policy(regressor=None, max_iter=6).fit(sources[0])
    if store == "file":
        policy.save(tmp_path / "policy.skampo")
        policy = load(tmp_path / "policy.skampo")
    before, n_before = policy.predict_proba(LOG.states), policy.n_iter_
    assert abs(before - 0.5).max() > 1e-3
    # The policy goes on as it is, and with it the history.
    policy.set_params(max_iter=0).fit(sources[1])
    assert_array_equal(policy.predict_proba(LOG.states), before)
    history = policy.set_params(max_iter=1).fit(sources[1]).history_
    assert [record["iteration"] for record in history] == [*range(1, n_before + 2)]
    anew = make_policy(regressor=None, max_iter=1).fit(sources[1])
    assert type(policy.critic_) is type(anew.critic_)
    # One step from there is another policy than one from nowhere.
    found = policy.predict_proba(LOG.states)
    assert abs(found - anew.predict_proba(LOG.states)).max() > 1e-3
    # And back again.
    assert policy.fit(sources[0]).n_iter_ == n_before + 2


def test_environments_after_a_log_play_its_policy():
    learned = make_policy(regressor=None).fit(LOG)
    expected = learned.play(RewardingEnv, 600, deterministic=False).mean
    # An even choice gets half of the five.
    assert expected > 2.8
    learned.set_params(max_iter=1, steps_per_iter=3000, exploration=0.0)
    assert abs(learned.fit(RewardingEnv).history_[-1]["return_mean"] - expected) < 0.2


def check_refused(policy, *args):
    states = np.ones((2, 2))
    before, n_iter = policy.predict_proba(states), policy.n_iter_
    with pytest.raises(InvalidParameterError) as caught:
        policy.fit(*args)
    assert "warm_start=True continues the last fit, whose " in str(caught.value)
    assert "Set warm_start=False to start anew." in str(caught.value)
    assert_array_equal(policy.predict_proba(states), before)
    assert policy.n_iter_ == n_iter


@pytest.mark.parametrize(
    "X", ["CartPole-v1", lambda: CountingEnv(n_actions=3)], ids=["features", "actions"]
)
def test_other_environments_are_refused(X):
    check_refused(make_policy().fit(RewardingEnv), X)


def test_other_labels_are_refused():
    X, y = LABELS
    check_refused(make_policy().fit(X, y), X, ["a", "b", "a", "b"])


def test_labels_of_other_width_are_refused():
    X, y = LABELS
    check_refused(make_policy().fit(X, y), X[:, :1], y)


def test_environments_after_labels_are_refused():
    check_refused(make_policy().fit(*LABELS), RewardingEnv)


def test_labels_after_logs_are_refused():
    check_refused(make_policy(regressor=None).fit(LOG), *LABELS)


def test_labels_after_environments_are_refused():
    check_refused(make_policy().fit(RewardingEnv), *LABELS)


def test_a_refusal_closes_the_environments():
    counter = Counter()
    policy = make_policy().fit(RewardingEnv)
    check_refused(policy, lambda: CountingEnv(n_actions=3, counter=counter))
    assert counter.opened == counter.closed
