"""The policy iterate: line 1's exact target, line 2, and both at extreme steps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skampo.critics import QSample
from skampo.encodings import Scores
from skampo.mirror_maps import Euclidean, MirrorMap, NegativeEntropy
from tests.iterates import MirrorPolicy

STATES = np.arange(4.0)[:, None]
MAPS = [kind() for kind in MirrorMap.by_name.values()]
RNG = np.random.default_rng(0)
SCORES = RNG.normal(size=(4, 3))
Q_VALUES = RNG.normal(size=(4, 3))

every_map = pytest.mark.parametrize("mirror_map", MAPS, ids=repr)


def table(values):
    """Scores read off a table, one row per state."""
    return lambda observations: np.asarray(values)[observations[:, 0].astype(int)]


def at(policy, q_values=Q_VALUES):
    sample = QSample(STATES[: len(q_values)], np.asarray(q_values), gamma=0.9)
    return policy.at(sample)


def greedy_proba(values, mask=None):
    """Probabilities of the policy after an infinite step."""
    policy = MirrorPolicy(NegativeEntropy(), table(values), np.inf)
    return policy.proba(STATES[: len(values)], mask)


def exact_target(q_values, dual, eta):
    """What line 1 aims at from the softmax of `dual`."""
    here = at(MirrorPolicy(NegativeEntropy(), table(dual)), q_values)
    return here.target(np.asarray(q_values), eta).values


class TestGreedy:
    def test_by_hand(self):
        values = [[0.0, 2.0, 1.0], [3.0, 1.0, 3.0], [-1.0, -1.0, -1.0]]
        expected = [[0, 1, 0], [0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3]]
        assert_allclose(greedy_proba(np.array(values)), expected)

    def test_forbidden_actions_never_share(self):
        values = np.array([[7.0, 0.0, 0.0], [7.0, 7.0, -5.0]])
        mask = np.array([[False, True, True], [False, False, True]])
        assert_array_equal(greedy_proba(values, mask), [[0, 0.5, 0.5], [0, 0, 1]])


class TestExactTarget:
    def test_by_hand(self):
        # Centered: q (-1, 1) and (0, 0), dual (-2, 2) and (3, -3).
        target = exact_target(
            np.array([[1.0, 3.0], [5.0, 5.0]]), np.array([[0.0, 4.0], [6.0, 0.0]]), 2.0
        )
        assert_allclose(target, [[-2, 2], [1.5, -1.5]])

    def test_an_infinite_step_sees_the_action_values_alone(self):
        target = exact_target(np.array([[1.0, 3.0]]), np.array([[1e6, 0.0]]), np.inf)
        assert_allclose(target, [[-1, 1]])

    def test_action_values_and_dual_count_up_to_a_constant_per_state(self):
        offset = np.array([[3.0], [-7.0], [100.0], [0.0]])
        assert_allclose(
            exact_target(Q_VALUES + offset, SCORES - offset, 0.7),
            exact_target(Q_VALUES, SCORES, 0.7),
        )

    @given(st.floats(1e-6, 1e6))
    def test_centered_in_every_state(self, eta):
        target = exact_target(Q_VALUES, SCORES, eta)
        assert_allclose(target.mean(axis=1), 0, atol=1e-12 * (1 + 1 / eta))


class TestFirstIterate:
    @every_map
    def test_uniform(self, mirror_map):
        policy = MirrorPolicy(mirror_map, Scores((None,) * 3))
        assert_allclose(policy.proba(STATES), 1 / 3, rtol=1e-12)
        assert_array_equal(policy.scores(STATES), np.zeros((4, 3)))


class TestImprove:
    def test_by_hand(self):
        policy = MirrorPolicy(NegativeEntropy(), table([[0.0, np.log(3.0)]]), 2.0)
        assert_allclose(policy.proba(STATES[:1]), [[0.1, 0.9]])
        assert_allclose(policy.scores(STATES[:1]), [[0, 2 * np.log(3)]])

    def test_gives_a_new_value(self):
        first = MirrorPolicy(NegativeEntropy(), Scores((None,) * 3))
        second = first.improve(table(SCORES), 2.0)
        assert first.eta == 1.0
        assert second.eta == 2.0
        assert second.mirror_map is first.mirror_map
        with pytest.raises(AttributeError):
            second.eta = 3.0

    @every_map
    @pytest.mark.parametrize("eta", [1e-3, 0.5, 4.0])
    def test_an_exact_regression_is_the_exact_mirror_step(self, mirror_map, eta):
        policy = MirrorPolicy(mirror_map, table(SCORES), 0.8)
        here = at(policy)
        target = exact_target(Q_VALUES, here.dual, eta)
        after = policy.improve(table(target), eta)
        assert_allclose(after.proba(STATES), here.step(Q_VALUES, eta), atol=1e-9)

    @every_map
    def test_a_tiny_step_stays(self, mirror_map):
        policy = MirrorPolicy(mirror_map, table(SCORES), 0.8)
        target = exact_target(Q_VALUES, at(policy).dual, 1e-12)
        after = policy.improve(table(target), 1e-12)
        assert_allclose(after.proba(STATES), policy.proba(STATES), atol=1e-9)

    @every_map
    @pytest.mark.parametrize("eta", [1e12, 1e300, 1e308])
    def test_a_huge_step_is_greedy(self, mirror_map, eta):
        large = MirrorPolicy(mirror_map, table(SCORES), eta).proba(STATES)
        assert_allclose(large, greedy_proba(SCORES), atol=1e-9)

    @every_map
    def test_a_finite_step_after_a_greedy_one(self, mirror_map):
        policy = MirrorPolicy(mirror_map, table(SCORES), np.inf)
        here = at(policy)
        assert_array_equal(here.proba, greedy_proba(SCORES))
        assert np.isfinite(here.dual).all()
        target = exact_target(Q_VALUES, here.dual, 1.0)
        assert np.isfinite(policy.improve(table(target), 1.0).proba(STATES)).all()

    @every_map
    def test_a_greedy_policy_has_no_floor(self, mirror_map):
        policy = MirrorPolicy(mirror_map, table(SCORES), np.inf, min_odds=0.9)
        here = policy.at(QSample(STATES, Q_VALUES, gamma=0.9))
        assert_array_equal(here.proba, policy.proba(STATES))
        bare = MirrorPolicy(mirror_map, table(SCORES), np.inf)
        assert_array_equal(here.dual, at(bare).dual)


class TestExtremeScores:
    @every_map
    @pytest.mark.parametrize("eta", [1e-300, 1.0, 1e300, np.inf])
    @pytest.mark.parametrize("size", [5e-324, 1e-300, 1e300, 1e308])
    def test_probabilities_and_scores_stay_finite(self, mirror_map, eta, size):
        scores = size * np.array([[1.0, -1.0, 0.5], [0.0, 0.0, 0.0]])
        policy = MirrorPolicy(mirror_map, table(scores), eta)
        proba = policy.proba(STATES[:2])
        assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
        assert (proba[0].argmax(), proba[0].min() >= 0) == (0, True)
        assert_allclose(proba[1], 1 / 3, rtol=1e-12)
        assert np.isfinite(policy.scores(STATES[:2])).all()
        assert np.isfinite(at(policy, np.zeros((2, 3))).dual).all()


class TestMasks:
    MASK = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1], [1, 1, 1]], dtype=bool)

    @every_map
    @pytest.mark.parametrize("eta", [0.5, 1e300, np.inf])
    def test_forbidden_actions_have_probability_zero(self, mirror_map, eta):
        policy = MirrorPolicy(mirror_map, table(SCORES), eta)
        proba = policy.proba(STATES, self.MASK)
        assert (proba[~self.MASK] == 0).all()
        assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
        assert_allclose(proba[3], policy.proba(STATES)[3])

    def test_the_others_as_if_the_forbidden_were_not_there(self):
        policy = MirrorPolicy(NegativeEntropy(), table(SCORES), 0.5)
        full = policy.proba(STATES) * self.MASK
        expected = full / full.sum(axis=1, keepdims=True)
        assert_allclose(policy.proba(STATES, self.MASK), expected)


class TestStep:
    HERE = at(MirrorPolicy(Euclidean(), table([[0.5, 0.5]])), [[0.0, 0.0]])

    @pytest.mark.parametrize(
        ("eta", "expected"),
        [
            (0.25, [0.625, 0.375]),
            (1.0, [1.0, 0.0]),
            (1e308, [1.0, 0.0]),
            (np.inf, [1, 0]),
        ],
    )
    def test_by_hand(self, eta, expected):
        # The projection of (0.5 + eta, 0.5) onto the simplex.
        assert_allclose(self.HERE.step(np.array([[1.0, 0.0]]), eta), [expected])

    def test_an_infinite_step_shares_ties(self):
        step = self.HERE.step(np.array([[1.0, 1.0]]), np.inf)
        assert_array_equal(step, [[0.5, 0.5]])

    def test_a_step_too_long_for_floats_still_knows_the_best(self):
        step = self.HERE.step(np.array([[10.0, 9.0]]), 1e308)
        assert_array_equal(step, [[1, 0]])
        step = self.HERE.step(np.array([[10.0, 1.0]]), 1e308)
        assert_array_equal(step, [[1, 0]])

    def test_the_target_of_line_1_by_hand(self):
        here = at(MirrorPolicy(NegativeEntropy(), table([[0.0, 4.0]])), [[1.0, 3.0]])
        target = here.target(np.array([[1.0, 3.0]]), 4.0)
        # Centered: q (-1, 1), a quarter of the dual (-0.5, 0.5).
        assert_allclose(target.values, [[-1.5, 1.5]])
