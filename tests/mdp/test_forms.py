"""Forms in which models come from elsewhere."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_matrix, csc_array, csr_array, dia_matrix

from skampo.mdp import TabularMDP, make_random_mdp

MDP = make_random_mdp(7, 3, random_state=0)
PER_ACTION = MDP.transition.transpose(1, 0, 2)


@pytest.mark.parametrize("form", [csr_array, csc_array, coo_matrix, dia_matrix])
@pytest.mark.parametrize("container", [list, tuple, "array"])
def test_a_list_of_one_sparse_array_for_each_action(form, container):
    matrices = [form(matrix) for matrix in PER_ACTION]
    if container == "array":
        given = np.empty(3, dtype=object)
        given[:] = matrices
    else:
        given = container(matrices)
    found = TabularMDP(given, MDP.reward)
    expected = MDP.transition_rows
    assert_array_equal(found.transition.toarray(), expected.toarray())
    assert_allclose(found.solve(0.9).values, MDP.solve(0.9).values)


def test_a_list_with_a_dense_matrix_in_it():
    given = [csr_array(PER_ACTION[0]), PER_ACTION[1], csr_array(PER_ACTION[2])]
    found = TabularMDP(given, MDP.reward)
    assert_array_equal(found.transition.toarray(), MDP.transition_rows.toarray())


@pytest.mark.parametrize(
    ("given", "reward"),
    [
        ([csr_array(PER_ACTION[0])] * 2, MDP.reward),
        ([csr_array(PER_ACTION[0, :5])] * 3, MDP.reward),
        ([csr_array(PER_ACTION[0])] * 3, MDP.reward.T),
        ([csr_array(PER_ACTION[0])] * 3, MDP.reward[0]),
    ],
)
def test_a_list_that_does_not_fit(given, reward):
    with pytest.raises(ValueError, match=r"one of shape \(n_states, n_states\) for"):
        TabularMDP(given, reward)


def test_a_row_that_is_no_distribution():
    wrong = [csr_array(matrix) for matrix in PER_ACTION]
    wrong[2] = 2 * wrong[2]
    with pytest.raises(ValueError, match=r"transition\[0, 2\] must sum to 1"):
        TabularMDP(wrong, MDP.reward)


class TestRewardsOfSuccessors:
    REWARD = np.random.default_rng(0).uniform(size=(7, 3, 7))

    def test_they_are_refused_with_the_way_out(self):
        match = r"take the mean, \(transition \* reward\).sum\(axis=2\).*\(7, 3, 7\)"
        with pytest.raises(ValueError, match=match):
            TabularMDP(MDP.transition, self.REWARD)
        TabularMDP(MDP.transition, (MDP.transition * self.REWARD).sum(axis=2))

    def test_sparse_ones(self):
        rows, reward = MDP.transition_rows, csr_array(self.REWARD.reshape(21, 7))
        with pytest.raises(ValueError, match=r"transition.multiply\(reward\).*sparse"):
            TabularMDP(rows, reward)
        means = rows.multiply(reward).sum(axis=1).reshape(7, 3)
        dense = (MDP.transition * self.REWARD).sum(axis=2)
        assert_allclose(TabularMDP(rows, means).reward, dense)

    @pytest.mark.parametrize("reward", ["a", [[1.0], [1.0, 2.0]], [csr_array([[1.0]])]])
    def test_what_is_no_array_of_numbers(self, reward):
        with pytest.raises(ValueError, match="is no array of numbers"):
            TabularMDP(MDP.transition, reward)
