"""What `fit` does to itself, to its parts, to environments, and at the extremes."""

import hashlib
import io
import os
import pickle
import subprocess
import sys
import types
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from skampo import AMPOPolicy
from skampo.critics import FittedQ, MonteCarlo
from skampo.encodings import Encoding
from skampo.exceptions import EnvironmentDataError, RolloutError
from skampo.mirror_maps import NegativeEntropy
from skampo.step_sizes import Constant, StepSize, TrustRegion
from tests.faulty_envs import Counter, CountingEnv, LockedEnv
from tests.scripted import DATA_CRITICS, Fuse, FusedEnv, FusedRidge, RewardingEnv

SMALL = {"max_iter": 2, "steps_per_iter": 40, "n_envs": 2, "random_state": 0}
STATES = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [2.0, 1.0], [4.0, 0.0]])
RANDOM_TREE = DecisionTreeRegressor(max_depth=3, splitter="random")


@pytest.mark.parametrize("critic", DATA_CRITICS)
def test_zero_iterations(critic):
    policy = AMPOPolicy(critic=critic, max_iter=0).fit("CartPole-v1")
    states = np.ones((3, 4))
    assert_array_equal(policy.predict_proba(states), np.full((3, 2), 0.5))
    assert_array_equal(policy.predict(states), [0, 0, 0])
    assert_array_equal(policy.action_values(states), np.zeros((3, 2)))
    assert policy.history_ == []
    assert policy.n_iter_ == policy.n_steps_ == policy.best_iteration_ == 0
    assert 5 < policy.score("CartPole-v1", n_episodes=2) < 20


@pytest.mark.parametrize("regressor", [None, RANDOM_TREE])
def test_fitting_again_is_fitting_afresh(regressor):
    policy = AMPOPolicy(regressor, **SMALL).fit(RewardingEnv)
    first = policy.predict_proba(STATES)
    policy.fit([[0.0], [1.0]], ["a", "b"])
    assert_array_equal(policy.classes_, ["a", "b"])
    assert policy.n_features_in_ == 1
    again = policy.fit(RewardingEnv).predict_proba(STATES)
    fresh = clone(policy).fit(RewardingEnv).predict_proba(STATES)
    assert_array_equal(first, again)
    assert_array_equal(first, fresh)
    assert len(policy.history_) == policy.n_iter_ == 2
    assert policy.n_steps_ == 80


def test_parts_that_are_passed_in_stay_as_they_are():
    parts = {
        "regressor": make_pipeline(StandardScaler(), RANDOM_TREE),
        "mirror_map": NegativeEntropy(),
        "step_size": TrustRegion(),
        "critic": FittedQ(Ridge()),
    }
    before = {name: str(vars(part)) for name, part in parts.items()}
    policy = AMPOPolicy(**parts, **SMALL).fit(RewardingEnv)
    for name, part in parts.items():
        assert getattr(policy, name) is part
        assert str(vars(part)) == before[name]
    assert not hasattr(RANDOM_TREE, "tree_")
    assert policy.critic_ is not parts["critic"]


def test_set_params_after_fit_changes_nothing_before_the_next_fit():
    policy = AMPOPolicy(Ridge(), **SMALL).fit(RewardingEnv)
    before = policy.predict_proba(STATES)
    policy.set_params(mirror_map="euclidean", gamma=0.1, regressor=None)
    assert_array_equal(policy.predict_proba(STATES), before)
    with pytest.raises(Exception, match="not fitted"):
        check_is_fitted(clone(policy))


@pytest.mark.parametrize("mirror_map", ["negative_entropy", "tsallis"])
@pytest.mark.parametrize("encoding", Encoding.by_name)
@pytest.mark.parametrize("critic", [*DATA_CRITICS, MonteCarlo("geometric")], ids=str)
def test_all_parts_work_together(critic, encoding, mirror_map):
    regressor = RANDOM_TREE
    if encoding == "dual_averaging":
        mirror_map = "negative_entropy"
    if encoding.startswith("compatible"):
        crossing = PolynomialFeatures(interaction_only=True)
        regressor = make_pipeline(crossing, LinearRegression())
        mirror_map = "negative_entropy"
    policy = AMPOPolicy(
        regressor, critic=critic, encoding=encoding, mirror_map=mirror_map, **SMALL
    ).fit(RewardingEnv)
    assert policy.n_iter_ == 2
    assert_allclose(policy.predict_proba(STATES).sum(axis=1), 1, rtol=0, atol=1e-12)
    assert np.isfinite(policy.action_values(STATES)).all()
    assert policy.step_size_ == policy.history_[-1]["eta"] > 0


@pytest.mark.parametrize("critic", DATA_CRITICS)
@pytest.mark.parametrize(
    "unit",
    [
        1e-300,
        1e-6,
        1e12,
        1e300,
    ],
)
def test_the_unit_of_the_rewards_does_not_matter(unit, critic):
    policy = AMPOPolicy(Ridge(), critic=critic, gamma=0.5, **SMALL)
    expected = policy.fit(RewardingEnv).predict_proba(STATES)
    eta = policy.step_size_
    policy.fit(lambda: RewardingEnv(unit=unit))
    assert_allclose(policy.predict_proba(STATES), expected, rtol=1e-7)
    assert_array_equal(policy.predict(STATES), expected.argmax(axis=1))
    assert_allclose(policy.step_size_ * unit, eta, rtol=1e-7)


@pytest.mark.parametrize("step_size", ["trust_region", "adaptive", "constant"])
@pytest.mark.parametrize("critic", DATA_CRITICS)
def test_zero_rewards_leave_the_policy_uniform(critic, step_size):
    policy = AMPOPolicy(Ridge(), critic=critic, step_size=step_size, **SMALL)
    policy.fit(lambda: RewardingEnv(unit=0.0))
    assert_array_equal(policy.predict_proba(STATES), np.full((5, 2), 0.5))
    assert policy.history_[-1]["divergence"] == 0.0


@pytest.mark.parametrize("mirror_map", ["negative_entropy", "euclidean", "tsallis"])
def test_steps_of_extreme_size(mirror_map):
    policy = AMPOPolicy(Ridge(), mirror_map=mirror_map, **SMALL)
    policy.set_params(step_size=Constant(1e-12)).fit(RewardingEnv)
    assert_allclose(policy.predict_proba(STATES), 0.5, rtol=0, atol=1e-11)
    policy.set_params(step_size=Constant(1e308)).fit(RewardingEnv)
    assert set(np.unique(policy.predict_proba(STATES))) == {0.0, 1.0}
    assert np.isfinite(policy.history_[-1]["divergence"])


def test_the_infinite_step_is_greedy_and_shares_ties():
    states, y = [[0.0], [0.0], [1.0], [2.0]], [0, 1, 2, 0]
    policy = AMPOPolicy(DecisionTreeRegressor(), step_size="greedy", max_iter=2)
    expected = [[0.5, 0.5, 0], [0, 0, 1], [1, 0, 0]]
    proba = policy.fit(states, y).predict_proba([[0.0], [1.0], [2.0]])
    assert_array_equal(proba, expected)
    assert_array_equal(policy.predict([[0.0]]), [0])
    assert policy.step_size_ == np.inf
    finite = AMPOPolicy(DecisionTreeRegressor(), step_size=Constant(1e12), max_iter=2)
    assert_array_equal(finite.fit(states, y).predict_proba([[0.0], [1], [2]]), expected)


def test_after_an_infinite_step_the_dual_is_taken_from_the_scores():
    class FirstGreedy(StepSize):
        def __call__(self, t, policy, sample):
            return np.inf if t == 0 else 2.0

    # f is the reward less 1/2, then that again plus half of itself.
    exact = LinearRegression(fit_intercept=False)
    policy = AMPOPolicy(exact, step_size=FirstGreedy(), max_iter=2)
    scores = policy.fit(np.eye(2), [0, 1]).decision_function(np.eye(2))
    assert_allclose(scores, [-3.0, 3.0])
    assert np.isfinite(policy.history_[-1]["divergence"])


@pytest.mark.parametrize("X", [RewardingEnv, "CartPole-v1"])
def test_threads_do_not_change_the_result(X):
    results = []
    for n_jobs in (1, 2, 3):
        policy = AMPOPolicy(RANDOM_TREE, encoding="per_action", n_jobs=n_jobs, **SMALL)
        states = np.random.default_rng(0).normal(size=(20, 4))
        policy.fit(X)
        results.append(policy.predict_proba(states[:, : policy.n_features_in_]))
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])


FRESH = """
import hashlib
import numpy as np
from skampo import AMPOPolicy
policy = AMPOPolicy(max_iter=2, steps_per_iter=64, random_state=0).fit("CartPole-v1")
proba = policy.predict_proba(np.linspace(-1, 1, 40).reshape(10, 4))
digest = hashlib.sha256(proba.tobytes()).hexdigest()
print(digest)
"""


def test_a_fresh_process_finds_the_same_policy():
    root = str(Path(__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-c", FRESH],
        env=os.environ | {"PYTHONPATH": root, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
        text=True,
    )
    here = {}
    exec(FRESH.replace("print(digest)", ""), here)
    assert result.stdout.strip() == here["digest"]
    assert len(here["digest"]) == len(hashlib.sha256().hexdigest())


@pytest.mark.parametrize(
    "first",
    [([[0.0], [1.0]], ["a", "b"]), (lambda: RewardingEnv(n_actions=3),)],
    ids=["labels", "actions"],
)
def test_validation_knows_the_environment_of_this_fit(first):
    policy = AMPOPolicy(Ridge(), **SMALL).fit(*first)
    policy.set_params(early_stopping=True).fit(RewardingEnv)
    fresh = clone(policy).fit(RewardingEnv)
    validated = [r["validation_return"] for r in policy.history_]
    assert validated == [r["validation_return"] for r in fresh.history_]


class Inspector(pickle.Pickler):
    """Pickles, and refuses what a fitted estimator must not hold."""

    def persistent_id(self, part):
        forbidden = gymnasium.Env, np.random.Generator, np.random.RandomState
        assert not isinstance(part, forbidden), part
        if isinstance(part, types.FunctionType):
            assert part.__name__ != "<lambda>", part


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("critic", DATA_CRITICS)
def test_a_fitted_policy_holds_numbers_only(critic, warm_start):
    policy = AMPOPolicy(
        RANDOM_TREE, critic=critic, warm_start=warm_start, early_stopping=True, **SMALL
    ).fit(lambda: LockedEnv())
    Inspector(io.BytesIO()).dump(policy)
    copied = pickle.loads(pickle.dumps(policy))
    assert_array_equal(copied.predict_proba(STATES), policy.predict_proba(STATES))
    assert copied.act(STATES[0]) == policy.act(STATES[0])
    assert copied.score(CountingEnv, n_episodes=1) == 5.0


def test_environments_that_are_passed_in_stay_as_they_are():
    environment = RewardingEnv()
    environment.reset(seed=11)
    environment.step(0)
    state = environment.np_random.bit_generator.state
    policy = AMPOPolicy(Ridge(), early_stopping=True, **SMALL).fit([environment])
    policy.score(environment, n_episodes=2)
    assert environment.t == 1
    assert environment.seeds == [11]
    assert environment.counter.opened == 1
    assert environment.np_random.bit_generator.state == state


@pytest.mark.parametrize("critic", DATA_CRITICS)
def test_the_budget_of_steps(critic):
    policy = AMPOPolicy(Ridge(), critic=critic, **(SMALL | {"steps_per_iter": 41}))
    policy.fit(lambda: RewardingEnv(length=4))
    # 21 steps in each of two environments; after 40 both begin another episode.
    per_iteration = 48 if critic == "monte_carlo" else 42
    assert [r["n_steps"] for r in policy.history_] == [per_iteration, 2 * per_iteration]
    assert policy.n_steps_ == 2 * per_iteration


def equals_a_run_of(n_iter, policy):
    shorter = clone(policy).set_params(max_iter=n_iter, regressor=Ridge())
    expected = shorter.fit(RewardingEnv).predict_proba(STATES)
    assert_array_equal(policy.predict_proba(STATES), expected)
    assert policy.n_iter_ == len(policy.history_) == n_iter
    assert policy.n_steps_ == 40 * n_iter
    return True


@pytest.mark.parametrize("at", [1, 40, 41, 75, 81, 119])
def test_ctrl_c_in_an_environment(at):
    counter = Counter()
    policy = AMPOPolicy(Ridge(), **(SMALL | {"max_iter": 3}))
    fuse = Fuse(at)
    with pytest.raises(KeyboardInterrupt) as caught:
        policy.fit(lambda: FusedEnv(fuse, counter=counter))
    kept = f"fit was interrupted; the policy of iteration {(at - 1) // 40} is kept."
    assert caught.value.__notes__ == [kept]
    assert policy.interrupted_ is True
    assert counter.opened == counter.closed > 0
    assert equals_a_run_of((at - 1) // 40, policy)
    assert policy.fit(RewardingEnv).interrupted_ is False


@pytest.mark.parametrize("at", [1, 3, 4, 6])
def test_ctrl_c_in_a_regressor(at):
    # Two fits of the critic, one per action, and one of the policy per iteration.
    counter = Counter()
    critic = MonteCarlo(regressor="policy")
    policy = AMPOPolicy(FusedRidge(Fuse(at)), critic=critic, **SMALL)
    with pytest.raises(KeyboardInterrupt):
        policy.fit(lambda: RewardingEnv(counter=counter))
    assert policy.interrupted_ is True
    assert counter.opened == counter.closed > 0
    assert equals_a_run_of((at - 1) // 3, policy)


def test_an_environment_that_raises_costs_one_iteration_only():
    counter = Counter()
    policy = AMPOPolicy(Ridge(), **SMALL)
    fuse = Fuse(60, RuntimeError("simulator lost connection"))
    with pytest.raises(RolloutError) as caught:
        policy.fit(lambda: FusedEnv(fuse, counter=counter))
    message = str(caught.value)
    assert "raised RuntimeError: simulator lost connection at step" in message
    assert "AMPOPolicy stopped in iteration 2 and keeps the policy" in message
    assert caught.value.__cause__ is fuse.error
    assert counter.opened == counter.closed > 0
    assert equals_a_run_of(1, policy)


class BadlyPaidEnv(RewardingEnv):
    """Pays something else at the 60th step of all its copies together."""

    def __init__(self, reward, fuse):
        super().__init__()
        self.reward = reward
        self.fuse = fuse

    def step(self, action):
        observation, reward, *rest = super().step(action)
        self.fuse.n += 1
        return observation, self.reward if self.fuse.n == 60 else reward, *rest


@pytest.mark.parametrize("reward", [5e307, "much", [1.0]])
def test_rewards_that_cannot_be_used_keep_the_policy(reward):
    policy, fuse = AMPOPolicy(Ridge(), **SMALL), Fuse(0)
    with pytest.raises(EnvironmentDataError) as caught:
        policy.fit(lambda: BadlyPaidEnv(reward, fuse))
    message = str(caught.value)
    assert message.startswith("BadlyPaidEnv returned")
    assert "AMPOPolicy stopped in iteration 2 and keeps the policy" in message
    assert caught.value.step > 0
    assert equals_a_run_of(1, policy)


def test_a_score_that_would_be_infinite():
    policy = AMPOPolicy(Ridge(), **SMALL).fit(RewardingEnv)
    with pytest.raises(EnvironmentDataError, match=r"reward 1e\+308, beyond 1e\+300"):
        policy.score(lambda: RewardingEnv(unit=1e308))


@pytest.mark.parametrize("unit", [2e155, 4e155])
def test_squares_that_overflow_do_not_warn(unit):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AMPOPolicy(Ridge(), **SMALL).fit(lambda: RewardingEnv(unit=unit))


@pytest.mark.parametrize(
    ("critic", "longer"), [("fitted_q", True), ("lambda_return", False)]
)
def test_iterations_grow_with_what_the_critic_keeps(critic, longer):
    policy = AMPOPolicy(Ridge(), critic=critic, max_iter=14, random_state=0)
    assert (policy.fit("MountainCar-v0").n_steps_ > 14 * 512) == longer
