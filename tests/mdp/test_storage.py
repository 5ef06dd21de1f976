"""The sparse form means what the dense one means, and leaves its input alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array, csr_array, csr_matrix, issparse

from skampo.mdp import TabularMDP, make_gridworld, make_random_mdp
from tests.mdp.forms import as_rows, stored

TRANSITION = np.array([[[0.5, 0.5], [0, 1]], [[0.25, 0.75], [1, 0]]])
REWARD = np.array([[0.0, 2.0], [1.0, 0.0]])


@given(
    st.integers(0, 10_000),
    st.integers(1, 30),
    st.integers(1, 4),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.3, 0.9, 0.99, 0.999]),
    st.booleans(),
)
def test_the_forms_agree(seed, n_states, n_actions, n_successors, gamma, deterministic):
    sparse = make_random_mdp(
        n_states, n_actions, n_successors=n_successors, sparse=True, random_state=seed
    )
    dense = stored(sparse, "dense")
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(n_actions), size=n_states)
    if deterministic:
        proba = np.eye(n_actions)[proba.argmax(axis=1)]
    for name in ("values", "action_values", "visitation", "expected_return"):
        found, expected = (getattr(mdp, name)(proba, gamma) for mdp in (sparse, dense))
        assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    values = rng.normal(size=n_states)
    assert_allclose(sparse.look_ahead(values, gamma), dense.look_ahead(values, gamma))
    optima = [mdp.solve(gamma).values for mdp in (sparse, dense)]
    assert_allclose(*optima, rtol=1e-9, atol=1e-9)


def test_rows_are_states_and_then_actions():
    rows = csr_array([[0.5, 0.5], [0, 1], [0.25, 0.75], [1, 0]])
    mdp = TabularMDP(rows, REWARD)
    # r + 0.5 P v with v = (4, 8).
    assert_array_equal(mdp.look_ahead([4, 8], 0.5), [[3, 6], [4.5, 2]])


@pytest.mark.parametrize("kind", [csr_array, csr_matrix, coo_array])
def test_every_sparse_class_is_taken(kind):
    mdp = TabularMDP(kind(TRANSITION.reshape(4, 2)), REWARD)
    assert_array_equal(mdp.transition_rows.toarray(), TRANSITION.reshape(4, 2))


def test_entries_of_one_place_are_summed():
    rows = csr_array(([0.25, 0.75, 1.0], [0, 0, 0], [0, 2, 3]), shape=(2, 1))
    mdp = TabularMDP(rows, [[0.0, 1.0]])
    assert mdp.n_successors == 1
    assert rows.nnz == 3
    assert mdp.absorbing.tolist() == [False]


def test_zeros_that_are_stored_are_no_successors():
    rows = csr_array(([1.0, 0.0, 1.0], [0, 1, 1], [0, 2, 3]), shape=(2, 2))
    assert TabularMDP(rows, [[0.0], [0.0]]).n_successors == 1


@pytest.mark.parametrize("transition", [TRANSITION, as_rows(TRANSITION)])
def test_the_input_is_copied_and_never_changed(transition):
    transition = transition.copy()
    numbers = transition.data if issparse(transition) else transition
    before, reward, start = numbers.copy(), REWARD.copy(), np.array([0.5, 0.5])
    mdp = TabularMDP(transition, reward, start)
    mdp.solve(0.9)
    assert_array_equal(numbers, before)
    numbers[:], reward[:], start[:] = 7, 7, 7
    held = mdp.transition.data if issparse(transition) else mdp.transition
    assert_array_equal(held, before)
    assert_array_equal(mdp.reward, REWARD)
    assert_array_equal(mdp.initial_distribution, [0.5, 0.5])


def test_unsorted_input_keeps_its_order():
    rows = csr_array(([0.5, 0.5], [1, 0], [0, 2]), shape=(1, 2))
    rows = csr_array(
        (np.tile(rows.data, 2), np.tile(rows.indices, 2), [0, 2, 4]), shape=(2, 2)
    )
    TabularMDP(rows, np.zeros((2, 1)))
    assert rows.indices.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("rows", "reward"),
    [
        (as_rows(TRANSITION)[:3], REWARD),
        (as_rows(TRANSITION), REWARD[0]),
        (as_rows(TRANSITION), REWARD.reshape(4, 1)),
        (as_rows(TRANSITION)[:0], REWARD[:0]),
    ],
)
def test_invalid_shapes(rows, reward):
    words = r"sparse transition must have shape \(n_states \* n_actions, n_states\)"
    with pytest.raises(ValueError, match=words):
        TabularMDP(rows, reward)


def test_a_large_model_is_refused_without_making_it_dense():
    # Dense, the rows would take 3 TB.
    n_states = 200_000
    data = np.ones(2 * n_states)
    data[123_457] = 0.5
    rows = csr_array(
        (data, np.zeros(len(data), dtype=int), np.arange(len(data) + 1)),
        shape=(len(data), n_states),
    )
    with pytest.raises(ValueError, match=r"\[61728, 1\] must sum to 1. Got a sum of"):
        TabularMDP(rows, np.zeros((n_states, 2)))


def test_small_models_are_dense_and_large_ones_sparse():
    assert not issparse(make_gridworld(["." * 22] * 22).transition)
    assert issparse(make_gridworld(["." * 23] * 23).transition)
