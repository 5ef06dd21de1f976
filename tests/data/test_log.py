"""Logs: what is checked, what the messages say, and how rows are selected."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from skampo.data import TransitionLog

GOOD = {
    "states": [[0.0], [1.0], [2.0], [5.0]],
    "actions": ["a", "b", "a", "b"],
    "rewards": [1, 2, 3, 4],
    "next_states": [[1.0], [2.0], [3.0], [6.0]],
    "terminated": [False, False, True, False],
    "truncated": [0, 0, 0, 1],
    "episodes": [3, 3, 3, 9],
    "propensities": [0.5, 1, 0.2, 0.9],
}


def change(name, row, value):
    column = list(GOOD[name])
    column[row] = value
    return GOOD | {name: column}


def test_a_log_is_what_it_was_given():
    log = TransitionLog(**GOOD)
    assert (len(log), log.shape, log.n_episodes) == (4, (4, 1), 2)
    assert_array_equal(log.classes, ["a", "b"])
    assert_array_equal(log.terminated, [False, False, True, False])
    assert_array_equal(log.is_start, [True, False, False, True])


@pytest.mark.parametrize("rows", [[3], np.array([3]), np.arange(4) == 3, slice(3, 4)])
def test_rows_are_selected_with_all_actions(rows):
    part = TransitionLog(**GOOD)[rows]
    assert_array_equal(part.states, [[5.0]])
    assert_array_equal(part.classes, ["a", "b"])
    assert_array_equal(part.propensities, [0.9])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            GOOD | {"classes": ["a", "c"]},
            r"'actions' has 2 values outside the 2 known actions, first at row 1: b\.",
        ),
        (GOOD | {"actions": ["a"] * 4}, "'actions' has the single value a in all 4"),
        (change("actions", 2, None), "'actions' has 1 missing values, first at row 2"),
        (change("propensities", 2, 0), r"'propensities' has 1 .*\(0, 1\], .* row 2: 0"),
        (change("propensities", 1, 1.5), r"outside \(0, 1\], first at row 1: 1\.5"),
        (change("propensities", 3, np.nan), r"first at row 3: nan"),
        (change("rewards", 1, np.inf), "'rewards' has 1 .*not finite, .*row 1: inf"),
        (change("rewards", 1, "x"), "'rewards' must hold numbers"),
        (change("states", 2, [np.nan]), r"'states\[:, 0\]' has 1 .* row 2: nan"),
        (change("next_states", 1, [-np.inf]), r"'next_states\[:, 0\]' has 1 .* row 1"),
        (change("episodes", 2, 9), "'terminated'|'episodes'"),
        (change("episodes", 1, 9), "'episodes' has 2 places.* row 2: 3"),
        (change("episodes", 1, 9), "split a log by episodes, not by rows"),
        (change("episodes", 1, None), "'episodes' has 1 missing values.* row 1: None"),
        (change("episodes", 2, np.nan), "'episodes' has 1 missing values.* row 2: nan"),
        (change("actions", 0, ["a", "b"]), "'actions' must have one value per row"),
        (change("terminated", 0, True), "'terminated' has 1 .*before its last.*row 0"),
        (change("truncated", 1, 1), "'truncated' has 1 .*before its last row"),
        (change("truncated", 1, 2), "'truncated' has 1 .*neither 0 nor 1.*row 1: 2"),
        (GOOD | {"rewards": [1, 2]}, "same length.*'rewards': 2"),
        (GOOD | {"next_states": [[1.0, 2.0]] * 4}, "Give both the same columns"),
        (GOOD | {"next_states": None}, "terminated and truncated say what follows"),
        (GOOD | {"rewards": [[1, 2]] * 4}, r"one value per row.*\(4, 2\)"),
    ],
)
def test_what_cannot_be_used_is_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        TransitionLog(**columns)


def test_what_follows_a_terminated_row_does_not_matter():
    log = TransitionLog(**change("next_states", 2, [np.nan]))
    transitions = log.transitions()
    assert_array_equal(transitions.next_observations[:, 0], [1, 2, 2, 6])


def test_rows_that_go_on_are_one_trajectory():
    transitions = TransitionLog(**GOOD).transitions()
    assert_array_equal(transitions.ends, [False, False, True, True])
    shuffled = TransitionLog(**GOOD)[[1, 0, 2, 3]]
    assert shuffled.transitions().ends.all()


def test_a_row_that_terminated_and_was_cut_has_terminated():
    log = TransitionLog(**change("truncated", 2, 1))
    transitions = log.transitions()
    assert_array_equal(transitions.terminated, [0, 0, 1, 0])
    assert_array_equal(transitions.truncated, [0, 0, 0, 1])


def test_without_next_states_every_row_is_over():
    log = TransitionLog(GOOD["states"], GOOD["actions"], GOOD["rewards"])
    transitions = log.transitions()
    assert transitions.terminated.all()
    assert transitions.ends.all()
    assert log.n_episodes == 4


def test_episodes_are_asked_for_where_they_are_needed():
    log = TransitionLog(**(GOOD | {"episodes": None}))
    with pytest.raises(ValueError, match="Give the log episodes="):
        log.is_start  # noqa: B018


def test_tables_stay_tables():
    states = pd.DataFrame({"n": [1.0, np.nan, 3.0, 4.0], "c": list("xyxy")})
    columns = GOOD | {"states": states, "next_states": states}
    log = TransitionLog(**columns)
    assert log[[1, 2]].states.equals(states.iloc[[1, 2]])
    transitions = log.transitions()
    assert transitions.observations.frame.equals(states)
    # What follows an end counts nowhere, and rows are selected together.
    assert transitions.take([2, 0]).observations.frame["c"].tolist() == ["x", "x"]


def test_a_column_of_a_table_is_named():
    good = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0], "c": list("xyxy")})
    bad = good.assign(n=[1.0, np.inf, 3.0, 4.0])
    for name in ("states", "next_states"):
        message = rf"{name}\['n'\]\" has 1 .*not finite, first at row 1"
        with pytest.raises(ValueError, match=message):
            TransitionLog(**(GOOD | {"states": good, "next_states": good, name: bad}))
    # Nothing follows row 2.
    TransitionLog(**(GOOD | {"states": good, "next_states": bad.iloc[[0, 3, 1, 2]]}))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("names", [["y", "x"], ["x", "z"]])
def test_tables_have_the_same_columns(frame, names):
    states = frame({"x": [1.0, 2.0, 3.0, 4.0], "y": [5.0, 6.0, 7.0, 8.0]})
    following = frame({name: [0.0] * 4 for name in names})
    message = rf"columns \['{names[0]}', '{names[1]}'\], but states has \['x', 'y'\]"
    with pytest.raises(ValueError, match=message):
        TransitionLog(**(GOOD | {"states": states, "next_states": following}))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_table_has_rows(frame):
    log = TransitionLog(frame({"x": [1.0, 2.0]}), ["a", "b"], [1, 2])
    with pytest.raises(ValueError, match="states has no rows"):
        log[np.zeros(2, dtype=bool)]


def test_missing_values_of_pandas_stay_missing():
    states = pd.DataFrame(
        {"n": pd.array([1, None, 3, 4], "Int64"), "c": pd.array(list("xyxy"), "string")}
    )
    log = TransitionLog(**(GOOD | {"states": states, "next_states": states}))
    transitions = log.transitions()
    assert transitions.observations.frame.equals(states)


@pytest.mark.parametrize("dtype", ["string", object])
def test_missing_actions_of_pandas(dtype):
    actions = pd.Series(["a", pd.NA, "b", "a"], dtype=dtype)
    message = "'actions' has 1 missing values, first at row 1"
    with pytest.raises(ValueError, match=message):
        TransitionLog(**(GOOD | {"actions": actions}))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_text_where_states_have_numbers_is_named(library):
    make = pytest.importorskip(library).DataFrame
    states = make({"stock": [1, 2], "day": [0.5, 1.0]})
    following = make({"stock": ["3", "4"], "day": [1.0, 2.0]})
    with pytest.raises(ValueError, match=r"has text in the columns \['stock'\], which"):
        TransitionLog(states, [0, 1], [1.0, 2.0], following)
