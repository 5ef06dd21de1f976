"""Compatible features: the natural gradient, computed independently."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import Exact
from skampo.exceptions import InvalidParameterError
from skampo.mdp import make_random_mdp
from skampo.step_sizes import Constant

GAMMA = 0.9
MDP = make_random_mdp(12, 3, random_state=1)
LEAST_SQUARES = LinearRegression(fit_intercept=False)
TABLE = make_pipeline(OneHotEncoder(sparse_output=False), LEAST_SQUARES)
FEATURES = np.random.default_rng(0).normal(size=(12, 4))


def look_up(states):
    return FEATURES[states[:, 0].astype(int)]


FEW = make_pipeline(FunctionTransformer(look_up), LEAST_SQUARES)


def fit(regressor, n_iter, **parameters):
    settings = {
        "encoding": "compatible",
        "critic": Exact("visitation"),
        "step_size": Constant(2.0),
        "gamma": GAMMA,
        "max_iter": n_iter,
        "random_state": 0,
    }
    return AMPOPolicy(regressor, **settings | parameters).fit(MDP)


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def natural_gradient(psi, proba, state_distribution, advantages):
    """Pseudo-inverse of the Fisher matrix times the gradient, state by state."""
    n_actions, size = proba.shape[1], psi.shape[1] * proba.shape[1]
    fisher, gradient = np.zeros((size, size)), np.zeros(size)
    for s, action in np.ndindex(proba.shape):
        weight = state_distribution[s] * proba[s, action]
        score = np.kron(np.eye(n_actions)[action] - proba[s], psi[s])
        fisher += weight * np.outer(score, score)
        gradient += weight * advantages[s, action] * score
    solution = np.linalg.pinv(fisher, rcond=1e-12, hermitian=True) @ gradient
    return solution.reshape(n_actions, -1).T


def natural_policies(psi, eta, n_iter):
    """Iterates of the natural gradient with exact values."""
    theta = np.zeros((psi.shape[1], MDP.n_actions))
    for _ in range(n_iter):
        proba = softmax(psi @ theta)
        q_values = MDP.action_values(proba, GAMMA)
        advantages = q_values - (proba * q_values).sum(axis=1, keepdims=True)
        visited = MDP.visitation(proba, GAMMA)
        theta = theta + eta * natural_gradient(psi, proba, visited, advantages)
    return softmax(psi @ theta)


@pytest.mark.parametrize("n_iter", [1, 2, 5])
def test_few_features_follow_the_fisher_matrix(n_iter):
    proba = fit(FEW, n_iter).predict_proba(MDP.states)
    assert_allclose(proba, natural_policies(FEATURES, 2.0, n_iter), atol=1e-8)


def test_few_features_are_not_those_of_line_1():
    compatible = fit(FEW, 5).predict_proba(MDP.states)
    other = fit(FEW, 5, encoding="per_action").predict_proba(MDP.states)
    assert np.abs(compatible - other).max() > 0.01


def test_a_table_gives_the_softmax_natural_gradient():
    scores = np.zeros((MDP.n_states, MDP.n_actions))
    for _ in range(5):
        scores = scores + 2.0 * MDP.action_values(softmax(scores), GAMMA)
    proba = fit(TABLE, 5).predict_proba(MDP.states)
    assert_allclose(proba, softmax(scores), atol=1e-9)


def test_sparse_features_are_the_same():
    ridge = Ridge(1e-3, fit_intercept=False, solver="cholesky")
    sparse = make_pipeline(OneHotEncoder(), ridge)
    dense = make_pipeline(OneHotEncoder(sparse_output=False), ridge)
    first, second = (fit(r, 4).predict_proba(MDP.states) for r in (sparse, dense))
    assert_allclose(first, second, atol=1e-9)


def test_an_intercept_changes_nothing():
    with_intercept = make_pipeline(
        OneHotEncoder(sparse_output=False), LinearRegression()
    )
    first, second = (
        fit(r, 4).predict_proba(MDP.states) for r in (TABLE, with_intercept)
    )
    assert_allclose(first, second, atol=1e-9)


def test_an_infinite_step_is_policy_iteration():
    proba = np.full((MDP.n_states, MDP.n_actions), 1 / 3)
    greedy = MDP.action_values(proba, GAMMA).argmax(axis=1)
    policy = fit(TABLE, 1, step_size="greedy")
    assert_array_equal(policy.predict(MDP.states), greedy)
    policy = fit(TABLE, 1, step_size="greedy", warm_start=True)
    after = policy.set_params(step_size=Constant(0.5)).fit(MDP)
    assert np.isfinite(after.decision_function(MDP.states)).all()


def test_goes_on_from_the_scores_of_another_encoding():
    policy = fit(TABLE, 3, encoding="per_action", warm_start=True)
    policy.set_params(encoding="compatible").fit(MDP)
    expected = fit(TABLE, 6).predict_proba(MDP.states)
    assert_allclose(policy.predict_proba(MDP.states), expected, atol=1e-8)


def test_the_fitted_regressors_predict_the_scores():
    policy = fit(FEW, 3)
    columns = [model.predict(MDP.states) for model in policy.regressor_]
    scores = policy.decision_function(MDP.states) / policy.step_size_
    assert_allclose(np.column_stack(columns), scores)


def test_features_stay_as_they_were_fitted_first():
    policy = fit(TABLE, 1, warm_start=True)
    first = policy.regressor_[0][0]
    assert policy.fit(MDP).regressor_[0][0] is first


def test_the_error_is_that_of_the_advantages_under_the_policy():
    policy = fit(FEW, 4)
    before = fit(FEW, 3).predict_proba(MDP.states)
    q_values = MDP.action_values(before, GAMMA)
    advantages = q_values - (before * q_values).sum(axis=1, keepdims=True)
    visited = MDP.visitation(before, GAMMA)
    gradient = FEATURES @ natural_gradient(FEATURES, before, visited, advantages)
    centered = gradient - (before * gradient).sum(axis=1, keepdims=True)
    squares = (before * (centered - advantages) ** 2).sum(axis=1)
    error = policy.history_[-1]["approximation_error"]
    assert error == pytest.approx(visited @ squares, rel=1e-6)


def test_another_regressor_cannot_go_on():
    policy = fit(FEW, 1, warm_start=True)
    with pytest.raises(InvalidParameterError, match="parameter 'regressor__steps' was"):
        policy.set_params(regressor=TABLE).fit(MDP)


class Leaves(TransformerMixin, BaseEstimator):
    """Supervised features: in which leaf of a tree a state is."""

    def fit(self, X, y):
        self.tree_ = DecisionTreeRegressor(max_leaf_nodes=4).fit(X, y)
        y[:] = np.nan
        return self

    def transform(self, X):
        leaves = self.tree_.apply(X)[:, None]
        return (leaves == np.unique(self.tree_.apply(MDP.states))).astype(float)


def test_supervised_features_are_fitted_to_the_first_action_values():
    policy = fit(make_pipeline(Leaves(), LEAST_SQUARES), 3)
    first = MDP.action_values(np.full((12, 3), 1 / 3), GAMMA)
    tree = DecisionTreeRegressor(max_leaf_nodes=4).fit(MDP.states, first)
    # One policy in each leaf, and another one in others.
    assert len(np.unique(policy.predict_proba(MDP.states).round(9), axis=0)) == 4
    leaves = policy.regressor_[0][:-1].transform(MDP.states).argmax(axis=1)
    assert_array_equal(
        np.unique(tree.apply(MDP.states), return_inverse=True)[1], leaves
    )


def test_supervised_features_of_pairs():
    select = make_pipeline(
        FunctionTransformer(cross), SelectKBest(f_regression, k=6), LEAST_SQUARES
    )
    policy = fit(select, 3, encoding="compatible_joint")
    uniform = np.full((12, 3), 1 / 3)
    advantages = MDP.action_values(uniform, GAMMA)
    advantages -= advantages.mean(axis=1, keepdims=True)
    rows = np.hstack([np.repeat(MDP.states, 3, axis=0), np.tile(np.eye(3), (12, 1))])
    best = SelectKBest(f_regression, k=6).fit(cross(rows), advantages.ravel())
    assert_array_equal(policy.regressor_[1].get_support(), best.get_support())


def test_labels():
    X = np.random.default_rng(0).normal(size=(200, 2))
    y = (X[:, 0] > X[:, 1]).astype(int)
    policy = AMPOPolicy(Ridge(), encoding="compatible", max_iter=20, random_state=0)
    assert policy.fit(X, y).score(X, y) > 0.95


@pytest.mark.parametrize("encoding", ["compatible", "compatible_joint"])
@pytest.mark.parametrize("mirror_map", ["euclidean", "tsallis", "hyperbolic_tangent"])
def test_only_the_softmax_has_a_natural_gradient_like_this(mirror_map, encoding):
    with pytest.raises(InvalidParameterError, match=f"{encoding}' is .* of softmax"):
        fit(TABLE, 1, mirror_map=mirror_map, encoding=encoding)


@pytest.mark.parametrize(
    "regressor",
    [ExtraTreesRegressor(3), make_pipeline(OneHotEncoder(), ExtraTreesRegressor(3))],
    ids=["alone", "pipeline"],
)
@pytest.mark.parametrize("encoding", ["compatible", "compatible_joint"])
def test_a_regressor_without_coefficients_is_refused(regressor, encoding):
    with pytest.raises(InvalidParameterError, match=r"linear regressor\. Got Extra"):
        fit(regressor, 1, encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "odds"), [("compatible", 0.0), ("per_action", 1e-3)]
)
def test_the_dual_is_limited_only_where_it_is_fitted(encoding, odds):
    policy = AMPOPolicy(encoding=encoding, max_iter=1, steps_per_iter=64)
    assert policy.set_params(random_state=0).fit("CartPole-v1").min_odds_ == odds


def cross(rows):
    """Features of states and one-hot actions, multiplied."""
    psi, one_hot = look_up(rows[:, :1]), rows[:, 1:]
    return np.einsum("na,nd->nad", one_hot, psi).reshape(len(rows), -1)


def cross_sparse(rows):
    return csr_array(cross(rows))


CROSSED = make_pipeline(FunctionTransformer(cross), LEAST_SQUARES)


def test_features_of_states_are_a_special_case_of_features_of_pairs():
    expected = fit(FEW, 5).predict_proba(MDP.states)
    policy = fit(CROSSED, 5, encoding="compatible_joint")
    assert_allclose(policy.predict_proba(MDP.states), expected, atol=1e-10)


def test_sparse_features_of_pairs():
    settings = {"encoding": "compatible_joint"}
    ridge = Ridge(1e-3, fit_intercept=False, solver="cholesky")
    pipes = [
        make_pipeline(FunctionTransformer(f), ridge) for f in (cross, cross_sparse)
    ]
    first, second = (fit(r, 4, **settings).predict_proba(MDP.states) for r in pipes)
    assert_allclose(first, second, atol=1e-9)


def test_the_fitted_regressor_of_pairs_predicts_the_scores():
    policy = fit(CROSSED, 3, encoding="compatible_joint")
    rows = np.hstack([np.repeat(MDP.states, 3, axis=0), np.tile(np.eye(3), (12, 1))])
    scores = policy.decision_function(MDP.states) / policy.step_size_
    assert_allclose(policy.regressor_.predict(rows).reshape(12, 3), scores)
    assert list(policy.regressor_.named_steps) == list(CROSSED.named_steps)


def test_features_of_pairs_stay_as_they_were_fitted_first():
    drawn = make_pipeline(
        FunctionTransformer(cross), Nystroem(n_components=9), LEAST_SQUARES
    )
    policy = fit(drawn, 2, encoding="compatible_joint", warm_start=True)
    first = policy.regressor_.steps[1][1]
    assert policy.fit(MDP).regressor_.steps[1][1] is first
    expected = fit(drawn, 4, encoding="compatible_joint").predict_proba(MDP.states)
    assert_allclose(policy.predict_proba(MDP.states), expected)


def test_pairs_go_on_from_the_scores_of_another_encoding():
    policy = fit(CROSSED, 3, encoding="joint", warm_start=True)
    before = policy.predict_proba(MDP.states)
    scores = np.log(before)
    policy.set_params(encoding="compatible_joint", max_iter=1).fit(MDP)
    q_values = MDP.action_values(before, GAMMA)
    goal = scores + 2.0 * q_values
    goal -= (before * goal).sum(axis=1, keepdims=True)
    visited = MDP.visitation(before, GAMMA)
    theta = natural_gradient(FEATURES, before, visited, goal)
    expected = softmax(FEATURES @ theta)
    assert_allclose(policy.predict_proba(MDP.states), expected, atol=1e-8)


def test_scores_of_pairs_need_an_interaction():
    with pytest.warns(UserWarning, match="'compatible_joint' with a linear regressor"):
        fit(LEAST_SQUARES, 1, encoding="compatible_joint")


def test_pairs_with_a_sampled_critic():
    crossing = make_pipeline(PolynomialFeatures(3, interaction_only=True), Ridge(1e-3))
    policy = AMPOPolicy(
        crossing, encoding="compatible_joint", max_iter=12, random_state=0
    )
    assert policy.fit("CartPole-v1").score("CartPole-v1") > 150
