"""Contextual bandits: their action values depend on no policy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import FittedQ
from skampo.exceptions import InvalidParameterError
from skampo.step_sizes import Constant

RNG = np.random.default_rng(0)
STATES = RNG.normal(size=(300, 2))
ACTIONS = RNG.integers(3, size=300)
REWARDS = np.where(ACTIONS == (STATES[:, 0] > 0), 1.0, 0.0)
TABLE = np.column_stack([STATES[:, 0] < 0, STATES[:, 0] > 0, np.zeros(300)]) * 1.0


class CountingTree(DecisionTreeRegressor):
    """Counts its fits."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        CountingTree.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture
def tree():
    CountingTree.n_fits = 0
    return CountingTree(max_depth=3)


PROBLEMS = {
    "log": ((STATES, ACTIONS), {"rewards": REWARDS}, 3),
    "labels": ((STATES, TABLE.argmax(axis=1)), {}, 1),
    "all rewards": ((STATES,), {"rewards": TABLE}, 1),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_regressor_is_fitted_once(problem, tree):
    arguments, columns, n_fits = PROBLEMS[problem]
    policy = AMPOPolicy(tree, max_iter=6, step_size=Constant(0.5)).fit(
        *arguments, **columns
    )
    assert policy.n_iter_ == 6
    assert CountingTree.n_fits == n_fits


@pytest.mark.parametrize("scaled", [False, True])
def test_the_policy_is_the_softmax_of_the_summed_steps(scaled):
    regressor = LinearRegression()
    if scaled:
        regressor = make_pipeline(StandardScaler(), regressor)
    policy = AMPOPolicy(regressor, max_iter=4, step_size=Constant(0.5))
    policy.set_params(critic=FittedQ("policy")).fit(STATES, ACTIONS, rewards=REWARDS)
    taken = [ACTIONS == action for action in range(3)]
    models = [LinearRegression().fit(STATES[t], REWARDS[t]) for t in taken]
    values = np.column_stack([model.predict(STATES) for model in models])
    # Line 1 fits straight lines to values that are clipped to what rewards can be.
    fitted = LinearRegression().fit(STATES, np.clip(values, 0, 1))
    scores = 4 * 0.5 * fitted.predict(STATES)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert_allclose(policy.predict_proba(STATES), expected)


def test_the_greedy_policy_is_that_of_separate_fits():
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    policy = AMPOPolicy(tree, random_state=0).fit(STATES, ACTIONS, rewards=REWARDS)
    columns = []
    for action in range(3):
        rows = action == ACTIONS
        model = DecisionTreeRegressor(max_depth=3, random_state=0)
        columns.append(model.fit(STATES[rows], REWARDS[rows]).predict(STATES))
    assert_allclose(policy.action_values(STATES), np.column_stack(columns))
    best = np.column_stack(columns).argmax(axis=1)
    assert_array_equal(policy.predict(STATES), best)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_fit_ends_when_the_policy_is_settled(problem):
    arguments, columns, _ = PROBLEMS[problem]
    policy = AMPOPolicy(random_state=0).fit(*arguments, **columns)
    assert policy.n_iter_ < 50
    assert (1 - policy.predict_proba(STATES).max(axis=1)).mean() < 0.01


@pytest.mark.parametrize("mirror_map", ["euclidean", "tsallis"])
def test_other_mirror_maps_fit_line_1_again(mirror_map, tree):
    policy = AMPOPolicy(tree, mirror_map=mirror_map, max_iter=3)
    policy.set_params(step_size=Constant(0.1)).fit(STATES, rewards=TABLE)
    assert CountingTree.n_fits == 3
    assert policy.score(STATES, TABLE.argmax(axis=1)) > 0.95


def test_compatible_features_refuse_trees_also_here(tree):
    policy = AMPOPolicy(tree, encoding="compatible", max_iter=1)
    with pytest.raises(InvalidParameterError, match="linear regressor"):
        policy.fit(STATES, ACTIONS, rewards=REWARDS)
