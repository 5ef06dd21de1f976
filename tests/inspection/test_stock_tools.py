"""scikit-learn's own tools of inspection, used on policies as they are."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import is_classifier
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from tests.scripted import RewardingEnv

STATES = np.random.default_rng(0).normal(scale=2.0, size=(60, 2))
SMALL = {"max_iter": 2, "steps_per_iter": 48, "n_envs": 2, "random_state": 0}


def make_env():
    return RewardingEnv(n_actions=3)


@pytest.fixture(scope="module")
def policy():
    """It follows the first feature, the step: action 0, 1, 2, 0, 1."""
    tree = DecisionTreeRegressor(max_depth=5)
    parameters = SMALL | {"steps_per_iter": 480, "exploration": 1.0}
    return AMPOPolicy(tree, encoding="per_action", gamma=0.0, **parameters).fit(
        make_env
    )


def test_only_fitted_policies_are_classifiers(policy):
    assert is_classifier(policy)
    assert not is_classifier(AMPOPolicy())
    with pytest.raises(ValueError, match="not fitted yet"):
        partial_dependence(AMPOPolicy(), STATES, [0])


@pytest.fixture(scope="module")
def visited():
    steps = np.tile(np.arange(5.0), 12)
    return np.column_stack([steps, np.random.default_rng(0).integers(3, size=60)])


def test_permutation_importance(policy, visited):
    actions = policy.predict(visited)
    assert_array_equal(actions, visited[:, 0] % 3)
    result = permutation_importance(policy, visited, actions, random_state=0)
    assert result.importances_mean[0] > 0.5
    assert result.importances_mean[1] == 0


def test_partial_dependence(policy, visited):
    result = partial_dependence(
        policy, visited, [0], response_method="predict_proba", grid_resolution=5
    )
    grid = result["grid_values"][0]
    assert_array_equal(grid, np.arange(5))
    assert result["average"].shape == (3, 5)
    assert_allclose(result["average"].sum(axis=0), 1)
    assert_array_equal(result["average"].argmax(axis=0), grid % 3)
    by_hand = [
        policy.predict_proba(np.column_stack([np.full(60, step), visited[:, 1]]))
        for step in grid
    ]
    expected = np.mean(by_hand, axis=1).T
    assert_allclose(result["average"], expected)


def test_partial_dependence_of_a_pipeline_and_of_frames():
    frame = pd.DataFrame(STATES, columns=["speed", "angle"])
    labels = STATES[:, 0] > 0
    pipeline = make_pipeline(StandardScaler(), AMPOPolicy(Ridge(), max_iter=2))
    pipeline.fit(frame, labels)
    display = PartialDependenceDisplay.from_estimator(
        pipeline, frame, ["speed", "angle"], grid_resolution=5
    )
    rising, flat = (curves.average[0] for curves in display.pd_results)
    assert (np.diff(rising) > 0).all()
    assert np.ptp(flat) < np.ptp(rising) / 2


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_decision_boundary(policy, visited, method):
    display = DecisionBoundaryDisplay.from_estimator(
        policy, visited, response_method=method, grid_resolution=7
    )
    grid = np.column_stack([display.xx0.ravel(), display.xx1.ravel()])
    expected = getattr(policy, method)(grid)
    assert_array_equal(display.response.reshape(expected.shape), expected)


def test_decision_boundary_of_two_actions():
    labels = np.where(STATES[:, 0] > 0, "right", "left")
    policy = AMPOPolicy(Ridge(), max_iter=2, random_state=0).fit(STATES, labels)
    display = DecisionBoundaryDisplay.from_estimator(policy, STATES, grid_resolution=5)
    assert display.response.shape == (5, 5)


@pytest.mark.parametrize(
    "regressor", [DecisionTreeRegressor(), RandomForestRegressor(5, random_state=0)]
)
def test_importances_of_each_action(regressor):
    policy = AMPOPolicy(regressor, encoding="per_action", **SMALL).fit(make_env)
    assert len(policy.regressor_) == len(policy.classes_) == 3
    for model in policy.regressor_:
        assert model.feature_importances_.shape == (2,)
        assert model.feature_importances_.sum() in (0.0, pytest.approx(1.0))
    together = AMPOPolicy(regressor, encoding="multi_output", **SMALL).fit(make_env)
    assert together.regressor_.feature_importances_.shape == (2,)
