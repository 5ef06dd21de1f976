"""The mean of the last policies, which a fit in environments returns."""

from functools import partial

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy, load
from skampo.callbacks import Checkpoint
from skampo.exceptions import InvalidParameterError, RegressorError
from skampo.mdp import make_random_mdp
from skampo.step_sizes import TrustRegion
from tests.scripted import Fuse, RewardingEnv
from tests.test_callbacks import STATES, Log

SMALL = {"steps_per_iter": 40, "n_envs": 2, "random_state": 0}
SMALL |= {"max_episode_steps": 100}
ON_STATES = make_pipeline(
    # On sparse columns its solution would be good to six digits only.
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    LinearRegression(fit_intercept=False),
)


class Watch(Log):
    """Keeps the probabilities of some states after every iteration."""

    def __init__(self, states):
        super().__init__()
        self.states = states
        self.seen = []

    def on_fit_task_end(self, estimator, context):
        if len(self.seen) < estimator.n_iter_:
            self.seen.append(estimator.predict_proba(self.states))


def fit(env="CliffWalking-v1", **parameters):
    return AMPOPolicy(**(SMALL | parameters)).fit(env)


def watched(states, env="CliffWalking-v1", **parameters):
    """The policy of a fit, and the probabilities after each of its iterations."""
    watch = Watch(states)
    # Short steps, so that no probability underflows.
    parameters = SMALL | {"step_size": TrustRegion(1e-3)} | parameters
    policy = AMPOPolicy(ON_STATES, min_odds=0.0, **parameters).fit(env)
    # The last iteration ends with the mean.
    clone(policy).set_params(average=0.0).set_callbacks(watch).fit(env)
    # Of policies that are alike the last one would be the mean.
    assert abs(watch.seen[-1] - watch.seen[-2]).max() > 1e-3
    return policy, watch.seen


def mean_of(seen, numbers):
    """The policy whose dual is the mean of those after some iterations."""
    logs = np.log([seen[number - 1] for number in numbers]).mean(axis=0)
    return np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("max_iter", "averaged"),
    [
        (5, [5]),
        (6, [5, 6]),
        (9, [7, 8, 9]),
        # Of more than eight every second one counts, and the last.
        (27, [20, 22, 24, 26, 27]),
    ],
)
def test_the_dual_is_the_mean_of_the_last_third(max_iter, averaged):
    states = np.arange(48)[:, None]
    policy, seen = watched(states, max_iter=max_iter)
    expected = mean_of(seen, averaged)
    assert_allclose(policy.predict_proba(states), expected, rtol=1e-6)
    assert len(seen) == max_iter


class Trend(gymnasium.Wrapper):
    """Pays what is larger or smaller with every step, whatever is done."""

    def __init__(self, slope):
        super().__init__(gymnasium.make("CliffWalking-v1"))
        self.slope, self.n_steps = slope, 0

    def step(self, action):
        observation, _, *rest = super().step(action)
        self.n_steps += 1
        return observation, self.slope * self.n_steps, *rest


@pytest.mark.parametrize(
    ("slope", "max_iter", "averaged"),
    [
        (-1.0, 27, [20, 22, 24, 26, 27]),
        (1.0, 27, [24, 25, 26, 27]),
        # Half of seven is fewer than four.
        (1.0, 21, [15, 16, 17, 18, 19, 20, 21]),
        # A quarter of seventeen.
        (1.0, 51, [48, 49, 50, 51]),
    ],
)
def test_policies_that_improve_are_averaged_over_fewer(slope, max_iter, averaged):
    states = np.arange(48)[:, None]
    parameters = {"max_iter": max_iter, "max_episode_steps": 20}
    parameters["step_size"] = TrustRegion(2e-4)
    policy, seen = watched(states, partial(Trend, slope), **parameters)
    proba = policy.predict_proba(states)
    assert_allclose(proba, mean_of(seen, averaged), rtol=1e-6)


def test_other_shares():
    states = np.arange(48)[:, None]
    policy, seen = watched(states, max_iter=4, average=1.0)
    logs = np.log(seen).mean(axis=0)
    expected = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    assert_allclose(policy.predict_proba(states), expected, rtol=1e-6)
    policy, seen = watched(states, max_iter=4, average=0.0)
    assert_array_equal(policy.predict_proba(states), seen[-1])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_nothing_that_is_learned_depends_on_it(share):
    expected, policy = fit(max_iter=6), fit(max_iter=6, average=share)
    for one, other in zip(expected.history_, policy.history_, strict=True):
        for entry in ("n_steps", "return_mean", "eta", "entropy"):
            assert one[entry] == pytest.approx(other[entry], rel=0, abs=0, nan_ok=True)
    states = np.arange(48)[:, None]
    assert_array_equal(expected.action_values(states), policy.action_values(states))


@pytest.mark.parametrize("parts", [(4, 16), (13, 7), (19, 1), (1,) * 20])
def test_a_fit_that_goes_on_averages_the_same(parts):
    expected = fit(max_iter=20, warm_start=True)
    policy = AMPOPolicy(warm_start=True, **SMALL)
    for max_iter in parts:
        policy.set_params(max_iter=max_iter).fit("CliffWalking-v1")
    states = np.arange(48)[:, None]
    assert_array_equal(policy.predict_proba(states), expected.predict_proba(states))


def test_so_does_one_whose_policies_improve():
    # Short steps: policies that are at `min_odds` everywhere are their own mean.
    parameters = SMALL | {"warm_start": True, "step_size": TrustRegion(3e-4)}
    whole = AMPOPolicy(max_iter=34, **parameters).fit(RewardingEnv)
    parts = AMPOPolicy(max_iter=30, **parameters).fit(RewardingEnv)
    parts.set_params(max_iter=4).fit(RewardingEnv)
    # Of the last eleven the newest five are averaged.
    returns = [record["return_mean"] for record in whole.history_]
    assert np.mean(returns[-5:]) > np.mean(returns[-10:-5])
    assert_array_equal(parts.predict_proba(STATES), whole.predict_proba(STATES))


def test_no_more_iterations_and_files_keep_the_mean(tmp_path):
    states = np.arange(48)[:, None]
    policy = fit(max_iter=6, warm_start=True)
    expected = policy.predict_proba(states)
    last = fit(max_iter=6, average=0.0).predict_proba(states)
    assert abs(expected - last).max() > 1e-3
    loaded = load(policy.save(tmp_path / "policy.skampo") or tmp_path / "policy.skampo")
    for other in (policy, loaded):
        other.set_params(max_iter=0).fit("CliffWalking-v1")
        assert_array_equal(other.predict_proba(states), expected)
    longer = fit(max_iter=8, warm_start=True)
    loaded.set_params(max_iter=2).fit("CliffWalking-v1")
    assert_array_equal(loaded.predict_proba(states), longer.predict_proba(states))


def test_the_last_checkpoint_holds_the_mean(tmp_path):
    path = tmp_path / "policy.skampo"
    policy = AMPOPolicy(max_iter=6, **SMALL).set_callbacks(Checkpoint(path))
    policy.fit("CliffWalking-v1")
    states = np.arange(48)[:, None]
    assert_array_equal(load(path).predict_proba(states), policy.predict_proba(states))


def test_callbacks_see_the_mean_in_the_last_iteration(tmp_path):
    # Killed after the file of the last iteration, a fit has nothing left to do.
    watch, states = Watch(np.arange(48)[:, None]), np.arange(48)[:, None]
    policy = AMPOPolicy(max_iter=6, **SMALL).set_callbacks(watch)
    policy.fit("CliffWalking-v1")
    assert_array_equal(watch.seen[-1], policy.predict_proba(states))


def test_the_default_depends_on_the_data():
    mdp, states = make_random_mdp(random_state=0), [[0.0], [1.0]]
    assert fit(max_iter=1).resolved_params_["average"] == 1 / 3
    assert fit(mdp, max_iter=1, gamma=0.9).resolved_params_["average"] == 0
    assert AMPOPolicy().fit(states, [0, 1]).resolved_params_["average"] == 0
    # Scores that are added up are no dual that could be fitted.
    summed = fit(max_iter=6, encoding="dual_averaging")
    assert summed.resolved_params_["average"] == 0
    assert len(summed.regressor_) == 6


@pytest.mark.parametrize(
    "parameters", [{"step_size": "greedy"}, {"early_stopping": True}]
)
def test_single_policies_are_returned(parameters):
    states = np.arange(48)[:, None]
    one = fit(max_iter=6, **parameters)
    other = fit(max_iter=6, average=0.0, **parameters)
    assert_array_equal(one.predict_proba(states), other.predict_proba(states))


@pytest.mark.parametrize("critic", ["monte_carlo", "lambda_return", "fitted_q"])
@pytest.mark.parametrize("mirror_map", ["negative_entropy", "euclidean", "tsallis"])
def test_every_critic_and_mirror_map_has_a_mean(critic, mirror_map):
    parameters = {"critic": critic, "mirror_map": mirror_map, "max_iter": 6}
    trees = DecisionTreeRegressor(max_depth=3)
    policy = fit(RewardingEnv, regressor=trees, **parameters)
    last = fit(RewardingEnv, regressor=trees, average=0.0, **parameters)
    proba = policy.predict_proba(STATES)
    assert_allclose(proba.sum(axis=1), 1)
    # It is a policy of the same class.
    assert type(policy.regressor_) is type(last.regressor_)


class FusedTree(DecisionTreeRegressor):
    """Fails at its n-th fit."""

    def __init__(self, fuse=None):
        super().__init__(max_depth=3)
        self.fuse = fuse

    def fit(self, X, y, sample_weight=None):
        self.fuse.tick()
        return super().fit(X, y, sample_weight)


def test_a_mean_that_fails_leaves_the_last_policy():
    expected = fit(RewardingEnv, regressor=FusedTree(Fuse(0)), max_iter=6, average=0.0)
    # Line 1 is fitted once in an iteration, and once more in the end.
    policy = AMPOPolicy(FusedTree(Fuse(7, RuntimeError("late"))), max_iter=6, **SMALL)
    with pytest.raises(RegressorError, match="late"):
        policy.fit(RewardingEnv)
    assert policy.n_iter_ == 6
    proba = policy.predict_proba(STATES)
    assert_allclose(proba, expected.predict_proba(STATES), rtol=1e-9)


@pytest.mark.parametrize("share", [-0.1, 1.5, np.nan, "third", True])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(InvalidParameterError, match="average"):
        fit(max_iter=1, average=share)
