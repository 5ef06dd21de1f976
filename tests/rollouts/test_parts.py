"""Parts of rollouts that no public name shows: drawing, seeds, and numbers of files."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from skampo.rollouts import Rollouts
from skampo.rollouts._collect import name_all
from skampo.rollouts._sampling import draw_actions, explore
from skampo.rollouts._seeding import SCORING, TRAINING, VALIDATION, reset_seed
from skampo.rollouts._unfinished import check_draws, check_unfinished
from tests import seeds
from tests.faulty_envs import CountingEnv
from tests.rollouts.policies import UniformPolicy


@pytest.mark.parametrize(
    ("names", "text"),
    [("a", "a"), ("aba", "a, b"), ("abcb", "a, b, c"), ("abcd", "a, b, c, ...")],
)
def test_names_of_several_environments(names, text):
    assert name_all([SimpleNamespace(name=name) for name in names]) == text


def test_inverse_distribution_function_by_hand():
    proba = np.tile([0.2, 0.3, 0.5], (5, 1))
    uniforms = np.array([0.0, 0.19, 0.2, 0.51, 0.9999])
    assert_array_equal(draw_actions(proba, uniforms), [0, 0, 1, 2, 2])


def test_exploration_mixes_in_uniform_actions():
    proba = np.array([[1.0, 0.0]] * 2)
    # With a share of 0.2 the edges are 0.9 and 1.
    mixed = explore(proba, 0.2)
    assert_allclose(mixed, [[0.9, 0.1]] * 2)
    assert_array_equal(draw_actions(mixed, np.array([0.89, 0.91])), [0, 1])
    masks = np.array([[True, False]] * 2)
    assert_array_equal(explore(proba, 0.2, masks), [[1.0, 0.0]] * 2)


@pytest.mark.parametrize("exploration", [0.0, 0.1])
def test_actions_are_alike_where_no_allowed_one_is_likely(exploration):
    proba = np.array([[1.0, 0.0, 0.0], [0.2, 0.8, 0.0]])
    masks = np.array([[False, True, True], [True, True, True]])
    mixed = explore(proba, exploration, masks)
    assert_allclose(mixed[0], [0.0, 0.5, 0.5])
    assert_allclose(mixed[1], (1 - exploration) * proba[1] + exploration / 3)


@given(
    arrays(float, (4, 5), elements=st.sampled_from([0.0, 1e-9, 0.3, 1.0])),
    arrays(float, 4, elements=st.floats(0, 1, exclude_max=True)),
    st.sampled_from([0.999, 1.0, 1.001]),
)
def test_impossible_actions_are_never_drawn(weights, uniforms, slip):
    weights[:, 2] += 0.1
    # Sums that are off, as those of float32 are, do not matter.
    proba = slip * weights / weights.sum(axis=1, keepdims=True)
    actions = draw_actions(proba, uniforms)
    assert (proba[np.arange(4), actions] > 0).all()


@pytest.mark.parametrize("stream", [TRAINING, VALIDATION, SCORING])
def test_reset_seeds_are_python_ints_and_what_they_have_always_been(stream):
    for environment, episode in product(range(10), repeat=2):
        seed = reset_seed(7, stream, environment, episode)
        assert type(seed) is int
        assert seed == seeds.reset_seed(7, stream, environment, episode)


def test_reset_seeds_differ():
    made = [
        reset_seed(0, stream, index, episode)
        for stream in (TRAINING, VALIDATION, SCORING)
        for index in range(10)
        for episode in range(10)
    ]
    assert len(set(made)) == len(made)
    assert reset_seed(0, 0, 0, 0) == reset_seed(0, 0, 0, 0) != reset_seed(1, 0, 0, 0)


GOOD = {
    "seeds": np.array([5, 6]),
    "lengths": np.array([2, 1]),
    "actions": np.array([0, 1, 1]),
    "observations": np.zeros((2, 3)),
}


def test_what_experience_says_is_accepted():
    with Rollouts(CountingEnv, n_envs=2, steps_per_iter=13) as experience:
        experience.gather(UniformPolicy())
    state = experience.continuation()
    check_draws(state["draws"])
    check_unfinished(state["unfinished"], n_actions=2, n_features=2)


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": np.array([5, -6])},
        {"seeds": np.array([5.0, 6.0])},
        {"seeds": np.array([5])},
        {"lengths": np.array([2, 2])},
        {"lengths": np.array([2**62, 2**62])},
        {"lengths": np.array([4, -1])},
        {"actions": np.array([0, 1, 2])},
        {"actions": np.array([[0, 1, 1]])},
        {"observations": np.zeros((2, 4))},
        {"observations": np.zeros((2, 3), dtype=np.float32)},
        {"observations": None},
        {"others": np.zeros(2)},
    ],
    ids=str,
)
def test_other_episodes_are_refused(change):
    check_unfinished(GOOD, 2, 3)
    with pytest.raises(ValueError, match="unfinished episodes"):
        check_unfinished(GOOD | change, 2, 3)


@pytest.mark.parametrize(
    "draws", [None, 3, [1], [1, 2, 3], [0, -1], [0, 2**60], [0, True], [0, 1.0]]
)
def test_other_draws_are_refused(draws):
    check_draws([3, 40])
    with pytest.raises(ValueError, match="draws"):
        check_draws(draws)
