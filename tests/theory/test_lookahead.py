"""Policy mirror descent whose values look several steps ahead, by its own formulas."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skampo import AMPOPolicy
from skampo.critics import Exact
from skampo.exceptions import InvalidParameterError
from skampo.mdp import TabularMDP, make_random_mdp
from skampo.mirror_maps import Euclidean, NegativeEntropy
from skampo.step_sizes import Adaptive, Constant, Geometric, StepSize
from skampo.theory import protopapas_bound
from tests.naming import show
from tests.theory.walks import MAPS, Recorded

N_ITER = 12
# The first few show a mistake as well as all.
SEEDS = [pytest.param(i, marks=[pytest.mark.slow] * (i > 3)) for i in range(30)]


class Problem:
    """A random model, its discount, lookahead and step size."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        n_states, n_actions = int(rng.integers(3, 31)), int(rng.integers(2, 7))
        self.mdp = make_random_mdp(n_states, n_actions, random_state=seed)
        self.gamma, self.eta = rng.uniform(0.3, 0.95), rng.uniform(0.1, 1.0)
        self.lookahead = int(rng.integers(2, 6))

    def walk(self, n_iter, step_size, mirror_map="negative_entropy"):
        """All policies of one fit."""
        recorded = Recorded(step_size)
        policy = AMPOPolicy(
            critic=Exact(lookahead=self.lookahead),
            step_size=recorded,
            mirror_map=mirror_map,
            gamma=self.gamma,
            max_iter=n_iter,
        ).fit(self.mdp)
        return [*recorded.policies, policy.predict_proba(self.mdp.states)], policy

    def values(self, proba):
        chain = np.einsum("sa,sat->st", proba, self.mdp.transition)
        system = np.eye(self.mdp.n_states) - self.gamma * chain
        return np.linalg.solve(system, (proba * self.mdp.reward).sum(axis=1))

    def look(self, values):
        return self.mdp.reward + self.gamma * self.mdp.transition @ values

    def ahead(self, proba):
        """Values of h - 1 best actions, and the policy after them."""
        values = self.values(proba)
        for _ in range(self.lookahead - 1):
            values = self.look(values).max(axis=1)
        return self.look(values)

    def gaps(self, policies):
        """Missing values in the worst state."""
        best = np.zeros(self.mdp.n_states)
        for _ in range(3000):
            best = self.look(best).max(axis=1)
        return np.array([np.abs(best - self.values(p)).max() for p in policies])

    def slacks(self, n_iter):
        """Those of the adaptive step."""
        rates = self.gamma ** (2 * self.lookahead * np.arange(1, n_iter + 1))
        return np.ptp(self.mdp.reward) * rates

    def bound(self, n_iter, gap):
        setting = self.gamma, self.lookahead, gap, self.slacks(n_iter)
        return protopapas_bound(np.arange(n_iter + 1), *setting)


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def onto_simplex(row):
    """The nearest distribution, by bisection of the threshold."""
    low, high = row.min() - 1.0, row.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if np.maximum(row - middle, 0).sum() > 1 else (low, middle)
        )
    return np.maximum(row - low, 0.0)


STEPS = {
    NegativeEntropy(): lambda proba, move: softmax(np.log(proba) + move),
    Euclidean(): lambda proba, move: np.apply_along_axis(onto_simplex, 1, proba + move),
}


@pytest.mark.parametrize("mirror_map", STEPS, ids=show)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_iterate_is_that_of_the_formula(seed, mirror_map):
    problem = Problem(seed)
    proba = np.full_like(problem.mdp.reward, 1 / problem.mdp.n_actions)
    for found in problem.walk(N_ITER, Constant(problem.eta), mirror_map)[0]:
        assert_allclose(found, proba, rtol=0, atol=1e-10)
        move = problem.eta * problem.ahead(proba)
        # A constant per state moves nothing, and would cost digits.
        move -= move.max(axis=1, keepdims=True)
        proba = STEPS[mirror_map](proba, move)


@pytest.mark.parametrize("mirror_map", MAPS, ids=show)
@pytest.mark.parametrize("seed", range(5))
def test_the_bound_holds(seed, mirror_map):
    problem = Problem(seed)
    policies, _ = problem.walk(N_ITER, Adaptive(), mirror_map)
    gaps = problem.gaps(policies)
    scale = np.abs(problem.values(policies[-1])).max()
    assert (gaps <= problem.bound(N_ITER, gaps[0]) + 1e-10 * scale).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bound_of_policy_iteration_holds(seed):
    problem = Problem(seed)
    policies, _ = problem.walk(5, StepSize.by_name["greedy"]())
    gaps = problem.gaps(policies)
    bound = protopapas_bound(
        np.arange(6), problem.gamma, problem.lookahead, gaps[0], np.zeros(5)
    )
    assert (gaps <= bound + 1e-10 * np.abs(problem.values(policies[-1])).max()).all()


def corridor(n_states, gamma):
    """To stop now is worth more than to stop next, and to reach the end is best."""
    reward, left = np.zeros((n_states + 2, 2)), np.arange(n_states, 0, -1)
    reward[:n_states, 0] = gamma**left * (0.5 + 0.2 * left / n_states)
    reward[n_states, :] = 1.0
    moves = np.zeros((n_states + 2, 2, n_states + 2))
    moves[:, 0, -1] = moves[-1, 1, -1] = moves[n_states, 1, -1] = 1.0
    moves[np.arange(n_states), 1, np.arange(1, n_states + 1)] = 1.0
    return TabularMDP(moves, reward)


@pytest.mark.parametrize("lookahead", [1, 2, 4])
def test_the_bound_is_tight_within_a_factor_of_100(lookahead):
    problem = Problem(0)
    problem.mdp, problem.gamma, problem.lookahead = corridor(40, 0.9), 0.9, lookahead
    policies, _ = problem.walk(8, StepSize.by_name["greedy"]())
    gaps = problem.gaps(policies)
    bound = protopapas_bound(np.arange(9), 0.9, lookahead, gaps[0], np.zeros(8))
    assert (gaps <= bound + 1e-12).all()
    assert (bound < 5 * gaps).all()


def test_one_step_is_policy_mirror_descent():
    problem = Problem(2)
    problem.lookahead = 1
    plain = AMPOPolicy(critic="exact", gamma=problem.gamma, max_iter=3)
    expected = plain.set_params(step_size=Constant(0.5)).fit(problem.mdp)
    found, _ = problem.walk(3, Constant(0.5))
    assert_allclose(found[-1], expected.predict_proba(problem.mdp.states))


def test_what_is_kept_and_recorded_is_of_the_policy_itself():
    problem = Problem(1)
    policies, policy = problem.walk(2, Constant(1.0))
    expected = problem.look(problem.values(policies[1]))
    assert_allclose(policy.action_values(problem.mdp.states), expected)
    found = [record["return_mean"] for record in policy.history_]
    assert_allclose(found, [problem.values(proba).mean() for proba in policies[:2]])


def test_step_sizes_follow_the_rate():
    problem = Problem(3)
    _, policy = problem.walk(3, Geometric())
    rate = problem.gamma**problem.lookahead
    found = [record["eta"] for record in policy.history_]
    first = np.log(problem.mdp.n_actions) * (1 - rate) / rate
    assert_allclose(found, first / rate ** np.arange(3))


@pytest.mark.parametrize("lookahead", [0, 1.5, None])
def test_steps_are_whole_numbers(lookahead):
    with pytest.raises(InvalidParameterError, match="lookahead must be an int"):
        protopapas_bound(1, 0.9, lookahead, 1.0, [0.0])
    policy = AMPOPolicy(critic=Exact(lookahead=lookahead), gamma=0.9)
    with pytest.raises(InvalidParameterError, match="'lookahead'"):
        policy.fit(Problem(0).mdp)


def test_values_with_entropy_do_not_look_ahead():
    policy = AMPOPolicy(critic=Exact(tau=0.1, lookahead=2), gamma=0.9)
    with pytest.raises(InvalidParameterError, match="use lookahead=1, or tau=0"):
        policy.fit(Problem(0).mdp)


def test_the_bound_by_hand():
    # 0.25 * (0.25 * 8 + 1 / 0.5) + 0.25 / 0.5
    found = protopapas_bound(2, 0.5, 2, initial_gap=8.0, slacks=[1.0, 0.25])
    assert found == pytest.approx(1.5)
