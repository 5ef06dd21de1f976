"""Logs from episodes and tables, by hand, and what is refused."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from skampo.off_policy import transitions_from_episodes

OVER = {
    "observations": [[0.0], [1.0], [2.0]],
    "actions": [1, 0],
    "rewards": [0.0, 5.0],
    "terminations": [False, True],
    "truncations": [False, False],
}
CUT = OVER | {"terminations": [False, False], "truncations": [False, True]}
TABLE = pd.DataFrame(
    {
        "store": ["n", "n", "n", "s", "s"],
        "stock": [3, 2, 1, 9, 8],
        "season": ["dry", "wet", "wet", "dry", "dry"],
        "order": [0, 5, 5, 0, 5],
        "profit": [1.0, 2.0, 3.0, 4.0, 5.0],
        "closed": [0, 0, 1, 0, 0],
        "p": [0.5, 0.5, 1.0, 0.25, 0.25],
    }
)
NAMES = {"episode": "store", "actions": "order", "rewards": "profit"}
NAMES |= {"terminated": "closed", "propensities": "p"}


def check_two(log):
    assert_array_equal(log.states.ravel(), [0, 1, 0, 1])
    assert_array_equal(log.next_states.ravel(), [1, 2, 1, 2])
    assert_array_equal(log.actions, [1, 0, 1, 0])
    assert_array_equal(log.rewards, [0, 5, 0, 5])
    assert_array_equal(log.terminated, [False, True, False, False])
    assert_array_equal(log.truncated, [False, False, False, True])
    assert_array_equal(log.episodes, [0, 0, 1, 1])


def test_dictionaries():
    check_two(transitions_from_episodes([OVER, CUT]))


def test_objects_as_minari_gives_them():
    episodes = [SimpleNamespace(**OVER, id=7), SimpleNamespace(**CUT, id=8)]
    check_two(transitions_from_episodes(episodes))
    dataset = SimpleNamespace(iterate_episodes=lambda: iter(episodes))
    check_two(transitions_from_episodes(dataset))


def test_observations_without_the_last():
    over = OVER | {"observations": [[0.0], [1.0]]}
    assert len(transitions_from_episodes([over])) == 2
    cut = CUT | {"observations": [[0.0], [1.0]]}
    with pytest.raises(ValueError, match=r"Episode 1 has 2 actions and 2 .*expected 3"):
        transitions_from_episodes([over, cut])
    log = transitions_from_episodes([cut | {"next_observations": [[1.0], [4.0]]}])
    assert_array_equal(log.next_states.ravel(), [1, 4])


def test_numbered_states_are_one_column():
    log = transitions_from_episodes([OVER | {"observations": np.array([4, 5, 6])}])
    assert log.shape == (2, 1)


def test_an_image_is_a_row_of_its_pixels():
    images = np.arange(12.0).reshape(3, 2, 2)
    log = transitions_from_episodes([OVER | {"observations": images}])
    assert_array_equal(log.states, [[0, 1, 2, 3], [4, 5, 6, 7]])
    assert_array_equal(log.next_states, [[4, 5, 6, 7], [8, 9, 10, 11]])
    split = {"observations": images[:2], "next_observations": images[1:]}
    assert_array_equal(
        transitions_from_episodes([OVER | split]).next_states, log.next_states
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
        transitions_from_episodes([OVER, CUT | change], classes=[0, 1])


def test_no_episodes_are_refused():
    with pytest.raises(ValueError, match="Found 0 episodes with actions"):
        transitions_from_episodes([])


def test_episodes_that_only_together_have_the_right_lengths_are_refused():
    first = {"observations": [[0.0], [1.0], [2.0]], "actions": [0, 1]}
    second = {"observations": [[0.0], [1.0], [2.0], [3.0]], "actions": [0, 1, 0]}
    first["rewards"], second["rewards"] = [1.0, 2.0, 3.0], [4.0, 5.0]
    match = "Episode 0 has 2 actions and 3 values of rewards; expected one for each"
    with pytest.raises(ValueError, match=match):
        transitions_from_episodes([first, second])


def test_episodes_without_steps_are_passed_over():
    empty = {key: values[: key == "observations"] for key, values in OVER.items()}
    log = transitions_from_episodes([OVER, empty, CUT])
    assert log.classes.dtype.kind == "i"
    assert_array_equal(log.episodes, [0, 0, 2, 2])
    with pytest.raises(ValueError, match="Found 0 episodes with actions"):
        transitions_from_episodes([empty])


@pytest.mark.parametrize(
    "convert", [lambda table: table, pl.from_pandas], ids=["pandas", "polars"]
)
def test_a_table(convert):
    if convert is pl.from_pandas:
        table = pl.DataFrame({name: TABLE[name].tolist() for name in TABLE})
    else:
        table = TABLE
    log = transitions_from_episodes(table, **NAMES)
    assert list(log.states.columns) == ["stock", "season"]
    # What followed the last row of store s is not known.
    assert_array_equal(np.asarray(log.states["stock"]), [3, 2, 1, 9])
    assert_array_equal(np.asarray(log.next_states["stock"])[[0, 1, 3]], [2, 1, 8])
    assert_array_equal(log.terminated, [False, False, True, False])
    assert_array_equal(log.truncated, [False, False, False, True])
    assert_array_equal(log.propensities, [0.5, 0.5, 1.0, 0.25])
    assert_array_equal(log.classes, [0, 5])


def test_the_columns_of_the_state_can_be_chosen():
    log = transitions_from_episodes(TABLE, states=["stock"], **NAMES)
    assert list(log.states.columns) == ["stock"]


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("order", 1, 9, "'order' has 1 values outside the 2 known actions, .*row 1: 9"),
        ("p", 4, 0.0, r"'p' has 1 values outside \(0, 1\], first at row 4"),
        ("store", 1, "s", "'store' has 2 places .* first at row 2: n"),
        ("profit", 2, np.inf, "'profit' has 1 values that are not finite.*row 2"),
        ("closed", 0, 1, "'closed' has 1 values that end an episode"),
        ("closed", 0, 3, "'closed' has 1 values that are neither 0 nor 1"),
    ],
)
def test_bad_columns_of_a_table_are_named(column, row, value, message):
    table = TABLE.copy()
    table.loc[row, column] = value
    with pytest.raises(ValueError, match=message):
        transitions_from_episodes(table, classes=[0, 5], **NAMES)


def test_a_column_that_is_not_there():
    with pytest.raises(ValueError, match=r"no column 'reward'. Its columns are"):
        transitions_from_episodes(TABLE, episode="store", actions="order")


def test_a_table_needs_names_for_its_columns():
    with pytest.raises(ValueError, match="The column of episodes is not named"):
        transitions_from_episodes(TABLE, **NAMES | {"episode": None})


def test_a_table_of_which_nothing_is_left():
    table = TABLE.drop_duplicates("store")
    with pytest.raises(ValueError, match="every episode has a single row, and none"):
        transitions_from_episodes(table, classes=[0, 5], **NAMES)
