"""Mirror maps that are each other, through the estimator."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.tree import DecisionTreeRegressor

from skampo.mdp import TabularMDP, make_random_mdp
from skampo.mirror_maps import (
    Euclidean,
    HyperbolicTangent,
    NegativeEntropy,
    OmegaPotential,
    Tsallis,
)
from skampo.step_sizes import Constant, Geometric
from tests.theory.walks import Problem, Table

REGRESSORS = [Table(), DecisionTreeRegressor(max_depth=2, random_state=0)]
TWO = Problem(make_random_mdp(10, 2, random_state=0), 0.9)
FOUR = Problem(make_random_mdp(10, 4, random_state=0), 0.9)

every_regressor = pytest.mark.parametrize("regressor", REGRESSORS)


def assert_same(one, other):
    assert_allclose(one.policies, other.policies, rtol=0, atol=1e-12)


@every_regressor
@pytest.mark.parametrize("step_size", [Constant(0.7), Geometric()])
def test_with_two_actions_the_hyperbolic_tangent_is_the_softmax(regressor, step_size):
    one = TWO.walk(10, step_size, HyperbolicTangent(), regressor)
    assert_same(one, TWO.walk(10, step_size, NegativeEntropy(), regressor))


def test_with_four_actions_it_is_not():
    one = FOUR.walk(10, Constant(0.7), HyperbolicTangent())
    other = FOUR.walk(10, Constant(0.7), NegativeEntropy())
    assert np.abs(np.subtract(one.policies, other.policies)).max() > 0.01


@every_regressor
def test_tsallis_two_is_euclidean_with_half_the_step(regressor):
    one = FOUR.walk(10, Constant(1.4), Tsallis(2.0), regressor)
    assert_same(one, FOUR.walk(10, Constant(0.7), Euclidean(), regressor))


@every_regressor
def test_an_exponential_potential_is_the_softmax(regressor):
    own = OmegaPotential(np.exp, np.log)
    one = FOUR.walk(10, Constant(0.7), own, regressor)
    assert_same(one, FOUR.walk(10, Constant(0.7), NegativeEntropy(), regressor))


@every_regressor
def test_rewards_in_other_units_and_from_another_zero(regressor):
    scaled = Problem(TabularMDP(FOUR.mdp.transition, 100 * FOUR.mdp.reward - 7), 0.9)
    one = scaled.walk(10, Constant(0.007), NegativeEntropy(), regressor)
    other = FOUR.walk(10, Constant(0.7), NegativeEntropy(), regressor)
    assert_allclose(one.policies, other.policies, rtol=0, atol=1e-10)
