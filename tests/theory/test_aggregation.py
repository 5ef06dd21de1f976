"""Aggregated states: greedy policies go in circles, gentle steps find the optimum."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from skampo.mdp import make_aggregation_counterexample
from skampo.mirror_maps import NegativeEntropy
from skampo.step_sizes import Constant, Geometric, StepSize
from skampo.theory import politex_bound
from tests.theory.walks import Problem

EPSILON, GAMMA, N_ITER = 0.05, 0.9, 400
MDP, GROUPS = make_aggregation_counterexample(EPSILON, GAMMA)
PROBLEM = Problem(MDP, GAMMA)
# Two leaves: the states of a group share their scores.
AGGREGATE = DecisionTreeRegressor(max_depth=1, random_state=0)


def walk(step_size, n_iter=N_ITER):
    return PROBLEM.walk(n_iter, step_size, NegativeEntropy(), AGGREGATE)


def test_the_regressor_aggregates():
    for proba in walk(Constant(1.0), 5).policies:
        assert (proba[GROUPS == 0] == proba[0]).all()
        assert (proba[GROUPS == 1] == proba[2]).all()


def test_greedy_policies_go_in_circles():
    gone = walk(StepSize.by_name["greedy"]())
    assert gone.largest_gaps[1:] == pytest.approx(np.full(N_ITER, 3.0))
    # Approximate policy iteration cannot be promised more than this.
    assert 3.0 >= EPSILON / (2 * (1 - GAMMA) ** 2)
    for old, new, again in zip(
        gone.policies[1:], gone.policies[2:], gone.policies[3:], strict=False
    ):
        assert (old == again).all()
        assert (old != new).any()


@pytest.mark.parametrize("step_size", [Constant(0.2), Constant(1.0), Geometric()])
def test_gentle_steps_find_the_optimum(step_size):
    gone = walk(step_size)
    assert gone.largest_gaps[-1] < 5e-5
    # The mean of all iterates still carries the first ones.
    assert gone.largest_gaps.mean() > 0.03


def test_the_mean_iterate_is_as_good_as_politex_says():
    unit = np.ptp(MDP.reward)
    eta = (1 - GAMMA) * np.sqrt(2 * np.log(MDP.n_actions) / N_ITER) / unit
    gone = walk(Constant(eta))
    error = 0.0
    for proba in gone.policies[:-1]:
        q_values = MDP.action_values(proba, GAMMA)
        groups = [q_values[GROUPS == group].mean(axis=0) for group in (0, 1)]
        error = max(error, np.abs(q_values - np.array(groups)[GROUPS]).max())
    assert error == pytest.approx(EPSILON)
    bound = unit * politex_bound(N_ITER, GAMMA, MDP.n_actions, error / unit)
    assert gone.largest_gaps[:-1].mean() <= bound
