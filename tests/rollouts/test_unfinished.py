"""What a file says of episodes in progress is looked at before it is used."""

import numpy as np
import pytest

from skampo.rollouts import Rollouts
from skampo.rollouts._unfinished import check_draws, check_unfinished
from tests.faulty_envs import CountingEnv
from tests.rollouts.policies import UniformPolicy

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
