"""Exploring actions are repeated, for as long and as often as the parameters say."""

from itertools import groupby

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError
from skampo.rollouts import Rollouts
from tests.faulty_envs import CountingEnv, MaskedEnv
from tests.rollouts.policies import ConstantPolicy, UniformPolicy

# Of so many actions, exploration hardly ever draws the one of the policy.
MANY = 1000
FIRST = np.eye(MANY)[0]


def endless():
    return CountingEnv(length=None, n_actions=MANY)


def two_actions():
    return CountingEnv(length=None)


def gather(make, policy, **parameters):
    with Rollouts(make, max_episode_steps=10**6, **parameters) as experience:
        return experience.gather(policy)


def lengths_of_runs(rows, n_envs):
    """For how many steps each exploring action was taken."""
    found = []
    actions = rows.actions.reshape(n_envs, -1)
    proba = rows.behavior_proba.reshape(n_envs, -1)
    for row, chances in zip(actions, proba, strict=True):
        # An action is drawn with a probability below 1, and then repeated.
        begun = np.cumsum(chances < 1)
        for _, run in groupby(zip(begun, row, strict=True), key=lambda pair: pair[0]):
            run = [action for _, action in run]
            assert len(set(run)) == 1
            found += [len(run)] if run[0] else []
    return np.array(found)


def test_lengths_follow_the_law_and_steps_the_share():
    settings = {"n_envs": 4, "steps_per_iter": 40_000, "exploration": 0.3}
    rows = gather(endless, ConstantPolicy(FIRST), max_exploration_steps=4, **settings)
    lengths = lengths_of_runs(rows, 4)
    # 1, 1/4, 1/9 and 1/16, times 144, of 205 in all.
    expected = np.array([144, 36, 16, 9]) / 205
    counts = np.bincount(lengths, minlength=5)[1:5]
    assert lengths.max() == 4
    error = 4 * np.sqrt(expected * (1 - expected) / len(lengths))
    assert (abs(counts / len(lengths) - expected) < error).all()
    assert abs(np.mean(rows.actions > 0) - 0.3) < 0.02


def test_probabilities_are_those_given_the_steps_before():
    settings = {"n_envs": 2, "steps_per_iter": 2000, "exploration": 0.5}
    policy = ConstantPolicy([0.8, 0.2])
    rows = gather(two_actions, policy, max_exploration_steps=2, **settings)
    # Lengths are 1 and 2 with probabilities 4/5 and 1/5, so 6/5 in the mean: a share r
    # of the draws explores, and r * 6/5 of (1 - r) + r * 6/5 steps is a half.
    share = 5 / 11
    drawn = np.array([0.8, 0.2]) * (1 - share) + share / 2
    is_repeated = rows.behavior_proba == 1
    assert_allclose(
        rows.behavior_proba[~is_repeated], drawn[rows.actions[~is_repeated]]
    )
    # Of all draws, share / 5 are repeated once.
    assert abs(is_repeated.mean() - 1 / 12) < 0.03


def test_an_episode_repeats_nothing_of_the_one_before():
    rows = gather(
        CountingEnv, UniformPolicy(), exploration=0.9, max_exploration_steps=64
    )
    is_first = rows.observations[:, 0] == 0
    assert is_first.sum() > 50
    assert (rows.behavior_proba[is_first] < 1).all()
    assert (rows.behavior_proba[~is_first] == 1).any()


def test_masks_end_a_repetition():
    # The environment raises when another action is taken than the one it allows.
    settings = {"exploration": 0.9, "max_exploration_steps": 64}
    rows = gather(MaskedEnv, UniformPolicy(3), **settings)
    assert_array_equal(rows.actions, rows.observations[:, 0].astype(int) % 3)


def test_without_exploration_nothing_is_drawn_for_it():
    once, often = (
        gather(CountingEnv, UniformPolicy(), exploration=0.0, max_exploration_steps=k)
        for k in (1, 64)
    )
    assert_array_equal(once.actions, often.actions)


class SevenColumns(gymnasium.Env):
    observation_space = spaces.Box(-1, 1, (7,), np.float64)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self.np_random.uniform(-1, 1, 7), {}

    def step(self, action):
        self.t += 1
        seen = self.np_random.uniform(-1, 1, 7)
        return seen, float(action), self.t == 20, False, {}


class SixColumns(SevenColumns):
    observation_space = spaces.Box(-1, 1, (6,), np.float64)

    def reset(self, **options):
        seen, info = super().reset(**options)
        return seen[:6], info

    def step(self, action):
        seen, *others = super().step(action)
        return seen[:6], *others


def scores(env, n_columns, **parameters):
    policy = AMPOPolicy(max_iter=2, random_state=0, n_envs=2, **parameters)
    return policy.fit(env).decision_function(np.linspace(-1, 1, n_columns)[None])


@pytest.mark.parametrize(
    ("env", "n_columns", "parameters", "steps"),
    [
        (SevenColumns, 7, {}, 64),
        (SevenColumns, 7, {"critic": "lambda_return", "regressor": Ridge()}, 1),
        (SixColumns, 6, {}, 1),
    ],
    ids=["many columns", "only its own data", "few columns"],
)
def test_what_none_means(env, n_columns, parameters, steps):
    auto, same, other = (
        scores(env, n_columns, max_exploration_steps=k, **parameters)
        for k in (None, steps, 65 - steps)
    )
    assert_array_equal(auto, same)
    assert (auto != other).any()


@pytest.mark.parametrize(("env", "share"), [(SevenColumns, 1 / 6), (SixColumns, 1 / 3)])
def test_where_iterations_grow_fewer_of_them_are_averaged(env, share):
    policy = AMPOPolicy(max_iter=1, random_state=0, n_envs=2).fit(env)
    assert policy.resolved_params_["average"] == share


def test_a_fit_that_goes_on_is_that_of_one_longer_fit():
    parameters = {"random_state": 0, "n_envs": 2, "warm_start": True}
    parts = AMPOPolicy(max_iter=2, **parameters).fit(SevenColumns).fit(SevenColumns)
    whole = AMPOPolicy(max_iter=4, **parameters).fit(SevenColumns)
    states = np.linspace(-1, 1, 7)[None]
    assert_array_equal(parts.decision_function(states), whole.decision_function(states))


def test_a_number_of_steps_is_at_least_one():
    with pytest.raises(InvalidParameterError, match="'max_exploration_steps'"):
        Rollouts(CountingEnv, max_exploration_steps=0)
    with pytest.raises(InvalidParameterError, match="'max_exploration_steps'"):
        AMPOPolicy(max_exploration_steps=1.5).fit(CountingEnv)
