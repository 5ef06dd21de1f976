"""Random models and chains."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import issparse

from skampo.exceptions import InvalidParameterError
from skampo.mdp import make_chain, make_random_mdp


def drawn_one_by_one(n_states, n_actions, n_successors, seed):
    """The draws in their order, on which published numbers depend."""
    rng = np.random.default_rng(seed)
    transition = np.zeros((n_states, n_actions, n_states))
    for place in np.ndindex(n_states, n_actions):
        weights = rng.dirichlet(np.ones(n_successors))
        transition[place][rng.choice(n_states, n_successors, replace=False)] = weights
    return transition, rng.uniform(size=(n_states, n_actions))


@pytest.mark.parametrize("seed", [0, 1])
def test_random_models_are_the_same_for_ever(seed):
    transition, reward = drawn_one_by_one(10, 4, 3, seed)
    mdp = make_random_mdp(random_state=seed)
    assert_array_equal(mdp.transition, transition)
    assert_array_equal(mdp.reward, reward)


def test_sparse_ones_have_the_same_numbers():
    dense, sparse = (
        make_random_mdp(12, 3, n_successors=5, sparse=sparse, random_state=2)
        for sparse in (False, True)
    )
    assert issparse(sparse.transition)
    assert_array_equal(sparse.transition.toarray(), dense.transition.reshape(36, 12))
    assert_array_equal(sparse.reward, dense.reward)


def test_random_models_have_few_successors():
    mdp = make_random_mdp(6, 2, n_successors=2, random_state=1)
    assert ((mdp.transition > 0).sum(axis=2) == 2).all()
    assert mdp.n_successors == 2
    assert make_random_mdp(3, 2, n_successors=5).n_successors == 3


@pytest.mark.parametrize("name", ["n_states", "n_actions", "n_successors"])
@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_random_models_have_something_of_everything(name, size):
    words = rf"'{name}' parameter of make_random_mdp must be an int .* Got {size}"
    with pytest.raises(InvalidParameterError, match=words):
        make_random_mdp(**{name: size})


def test_a_chain_by_hand():
    mdp = make_chain(3, slip=0.25, small_reward=2.0, large_reward=5.0)
    expected = [
        [[0.75, 0.25, 0], [0.25, 0.75, 0]],
        [[0.75, 0, 0.25], [0.25, 0, 0.75]],
        [[0, 0.75, 0.25], [0, 0.25, 0.75]],
    ]
    assert_array_equal(mdp.transition, expected)
    assert_array_equal(mdp.reward, [[2, 0], [0, 0], [0, 5]])
    assert_array_equal(mdp.initial_distribution, [1, 0, 0])


def test_the_near_end_pays_the_impatient():
    mdp = make_chain(10, slip=0.0)
    # Waiting pays 0.1 / (1 - gamma), walking gamma^9 / (1 - gamma).
    patient, impatient = mdp.solve(0.9), mdp.solve(0.7)
    assert patient.values[0] == pytest.approx(0.9**9 / 0.1)
    assert impatient.values[0] == pytest.approx(0.1 / 0.3)
    assert patient.proba[0].argmax() == 1
    assert impatient.proba[0].argmax() == 0


def test_the_shortest_chain():
    assert_allclose(make_chain(2, slip=0.0).solve(0.5).values, [1, 2])
    with pytest.raises(ValueError, match=r"at least two states\. Got 1"):
        make_chain(1)


@pytest.mark.parametrize("slip", [-0.1, 1.1, np.nan, "often"])
def test_invalid_slips(slip):
    with pytest.raises(InvalidParameterError, match="slip must be a float in"):
        make_chain(3, slip=slip)
