"""Logs from episodes, by hand, and what is refused."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from skampo.data import TransitionLog

OVER = {
    "observations": [[0.0], [1.0], [2.0]],
    "actions": [1, 0],
    "rewards": [0.0, 5.0],
    "terminations": [False, True],
    "truncations": [False, False],
}
CUT = OVER | {"terminations": [False, False], "truncations": [False, True]}


def check_two(log):
    assert_array_equal(log.states.ravel(), [0, 1, 0, 1])
    assert_array_equal(log.next_states.ravel(), [1, 2, 1, 2])
    assert_array_equal(log.actions, [1, 0, 1, 0])
    assert_array_equal(log.rewards, [0, 5, 0, 5])
    assert_array_equal(log.terminated, [False, True, False, False])
    assert_array_equal(log.truncated, [False, False, False, True])
    assert_array_equal(log.episodes, [0, 0, 1, 1])


def test_dictionaries():
    check_two(TransitionLog.from_episodes([OVER, CUT]))


def test_objects_as_minari_gives_them():
    episodes = [SimpleNamespace(**OVER, id=7), SimpleNamespace(**CUT, id=8)]
    check_two(TransitionLog.from_episodes(episodes))
    dataset = SimpleNamespace(iterate_episodes=lambda: iter(episodes))
    check_two(TransitionLog.from_episodes(dataset))


def test_observations_without_the_last():
    over = OVER | {"observations": [[0.0], [1.0]]}
    assert len(TransitionLog.from_episodes([over])) == 2
    cut = CUT | {"observations": [[0.0], [1.0]]}
    with pytest.raises(ValueError, match=r"Episode 1 has 2 actions and 2 .*expected 3"):
        TransitionLog.from_episodes([over, cut])
    log = TransitionLog.from_episodes([cut | {"next_observations": [[1.0], [4.0]]}])
    assert_array_equal(log.next_states.ravel(), [1, 4])


def test_numbered_states_are_one_column():
    log = TransitionLog.from_episodes([OVER | {"observations": np.array([4, 5, 6])}])
    assert log.shape == (2, 1)


def test_an_image_is_a_row_of_its_pixels():
    images = np.arange(12.0).reshape(3, 2, 2)
    log = TransitionLog.from_episodes([OVER | {"observations": images}])
    assert_array_equal(log.states, [[0, 1, 2, 3], [4, 5, 6, 7]])
    assert_array_equal(log.next_states, [[4, 5, 6, 7], [8, 9, 10, 11]])
    split = {"observations": images[:2], "next_observations": images[1:]}
    assert_array_equal(
        TransitionLog.from_episodes([OVER | split]).next_states, log.next_states
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"actions": None}, "Episode 1 has no actions"),
        ({"terminations": None}, "Episode 1 has no terminated, but others have"),
        ({"rewards": [0.0, np.nan]}, "'rewards' has 1 .* first at row 3: nan"),
        ({"actions": [0, 7]}, "'actions' has 1 .*2 known actions, first at row 3: 7"),
        ({"observations": [{"a": 1}] * 3}, "episode 1 are no array of numbers"),
        ({"rewards": [1.0, 2.0, 3.0]}, "Episode 1 has 2 actions and 3 values of rewa"),
        ({"truncations": [True]}, "Episode 1 has 2 actions and 1 values of truncated"),
        ({"next_observations": [[1.0]]}, "and 1 values of next_states; expected one"),
        ({"terminations": True}, "Episode 1 has the single value True as terminated"),
        ({"terminations": [True, False]}, "'terminated' has 1 .*first at row 2"),
    ],
)
def test_bad_episodes_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        TransitionLog.from_episodes([OVER, CUT | change], classes=[0, 1])


def test_no_episodes_are_refused():
    with pytest.raises(ValueError, match="Found 0 episodes with actions"):
        TransitionLog.from_episodes([])


def test_episodes_that_only_together_have_the_right_lengths_are_refused():
    first = {"observations": [[0.0], [1.0], [2.0]], "actions": [0, 1]}
    second = {"observations": [[0.0], [1.0], [2.0], [3.0]], "actions": [0, 1, 0]}
    first["rewards"], second["rewards"] = [1.0, 2.0, 3.0], [4.0, 5.0]
    match = "Episode 0 has 2 actions and 3 values of rewards; expected one for each"
    with pytest.raises(ValueError, match=match):
        TransitionLog.from_episodes([first, second])


def test_episodes_without_steps_are_passed_over():
    empty = {key: values[: key == "observations"] for key, values in OVER.items()}
    log = TransitionLog.from_episodes([OVER, empty, CUT])
    assert log.classes.dtype.kind == "i"
    assert_array_equal(log.episodes, [0, 0, 2, 2])
    with pytest.raises(ValueError, match="Found 0 episodes with actions"):
        TransitionLog.from_episodes([empty])


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_data_frame_is_told_where_to_go(frame):
    with pytest.raises(ValueError, match="Got a data frame: TransitionLog"):
        TransitionLog.from_episodes(frame({"action": [1], "reward": [1.0]}))
