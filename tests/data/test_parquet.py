"""Logs from Parquet files: the same as from data frames, within bounded memory."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from tests.benchmarks.log_memory import make_log

pyarrow = pytest.importorskip("pyarrow", reason="an extra: skampo[parquet]")
parquet = pytest.importorskip("pyarrow.parquet")

NAMES = {"state": ["stock", "price"], "action": "order", "reward": "profit"}
EPISODES = NAMES | {"episode": "store", "time": "day", "terminated": "closed"}
COLUMNS = ["actions", "rewards", "terminated", "truncated", "episodes", "classes"]


def table(n_rows=9, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "store": np.sort(rng.choice(["north", "south", "w"], size=n_rows)),
            "day": pd.Timestamp("2026-01-01")
            + pd.to_timedelta(rng.permutation(n_rows), unit="D"),
            "stock": rng.integers(9, size=n_rows),
            "price": rng.normal(size=n_rows).astype(np.float32),
            "order": rng.choice(["few", "many"], size=n_rows),
            "profit": rng.normal(size=n_rows),
            "closed": False,
            "note": "not read",
        }
    )


def check(log, frame, **names):
    expected = TransitionLog.from_frame(frame, **names)
    assert_array_equal(log.states, expected.states.to_numpy())
    if expected.next_states is not None:
        assert_array_equal(log.next_states, expected.next_states.to_numpy())
    for name in COLUMNS:
        if getattr(expected, name) is not None:
            assert_array_equal(getattr(log, name), getattr(expected, name))


@pytest.mark.parametrize("names", [NAMES, EPISODES])
def test_the_same_as_from_a_frame(names, tmp_path):
    frame, path = table(), tmp_path / "log.parquet"
    frame.to_parquet(path)
    check(TransitionLog.from_parquet(path, **names), frame, **names)
    check(TransitionLog.from_parquet(str(path), **names), frame, **names)


def test_folders_files_and_datasets(tmp_path):
    frame = table(30)
    # Batches, row groups and files end where episodes go on.
    for i in range(3):
        part = frame[10 * i : 10 * i + 10]
        part.to_parquet(tmp_path / f"part-{i}.parquet", row_group_size=4)
    check(TransitionLog.from_parquet(tmp_path, **EPISODES), frame, **EPISODES)
    files = sorted(str(path) for path in tmp_path.iterdir())
    check(TransitionLog.from_parquet(files[:2], **EPISODES), frame[:20], **EPISODES)
    from pyarrow import dataset

    cheap = dataset.dataset(tmp_path).filter(dataset.field("price") < 0.0)
    rows = frame[frame["price"] < 0]
    check(TransitionLog.from_parquet(cheap, **EPISODES), rows, **EPISODES)


def test_columns_whose_type_grows_from_file_to_file(tmp_path):
    first = table(10).assign(order=["a", "b"] * 5, stock=1)
    second = table(10, seed=1).assign(order="a longer one", stock=0.5)
    parts = [first, second.assign(store="x")]
    schema = pyarrow.Schema.from_pandas(second)
    for i, part in enumerate(parts):
        part.to_parquet(tmp_path / f"{i}.parquet", schema=schema)
    log = TransitionLog.from_parquet(tmp_path, **NAMES)
    check(log, pd.concat(parts), **NAMES)


def test_columns_in_the_names_of_folders(tmp_path):
    for store, part in table(20).groupby("store"):
        folder = tmp_path / f"store={store}"
        folder.mkdir()
        part.drop(columns="store").to_parquet(folder / "part.parquet")
    check(TransitionLog.from_parquet(tmp_path, **EPISODES), table(20), **EPISODES)


def test_categories(tmp_path):
    frame = table().astype({"order": "category"})
    frame.to_parquet(tmp_path / "log.parquet")
    log = TransitionLog.from_parquet(tmp_path / "log.parquet", **NAMES)
    assert log.classes.tolist() == ["few", "many"]
    # Objects of Python take ten times as long to sort.
    assert log.actions.dtype.kind == "U"


@pytest.mark.parametrize(
    ("changes", "names", "match"),
    [
        ({}, {"state": ["stock", "note"]}, "'note' holds (large_)?string, and states"),
        ({}, {"state": ["stck"]}, "has no column 'stck'"),
        ({}, {"action": "stock"}, "'stock' is named twice, as state and as action"),
        ({"price": np.nan}, {}, r"states\[:, 1\].*not finite, first at row 0"),
        ({"order": None}, {}, "'order' has missing values"),
        ({"profit": np.inf}, {}, "'profit' has 9 values that are not finite"),
    ],
)
def test_what_is_refused(changes, names, match, tmp_path):
    frame = table().astype({"order": "string"}).assign(**changes)
    if "order" in changes:
        frame["order"] = pd.array([pd.NA, *["few"] * 8], dtype="string")
    frame.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match=match):
        TransitionLog.from_parquet(tmp_path / "log.parquet", **NAMES | names)


def test_memory_is_that_of_the_numbers(tmp_path):
    n_rows, n_columns = 200_000, 8
    path = tmp_path / "log.parquet"
    state = [f"x{i}" for i in range(n_columns)]
    columns = dict.fromkeys(state, np.arange(n_rows, dtype=np.float64))
    columns |= {"action": np.arange(n_rows) % 2, "reward": np.ones(n_rows)}
    columns |= {f"note{i}": np.arange(n_rows) for i in range(8)}
    parquet.write_table(pyarrow.table(columns), path, row_group_size=20_000)
    before = pyarrow.total_allocated_bytes()
    tracemalloc.start()
    log = TransitionLog.from_parquet(
        path, state=state, action="action", reward="reward"
    )
    numbers = log.states.nbytes + 2 * log.rewards.nbytes
    # Labels and checks hold a column or two more.
    assert tracemalloc.get_traced_memory()[1] < 1.5 * numbers
    tracemalloc.stop()
    assert pyarrow.total_allocated_bytes() - before < 0.2 * numbers


def test_policies_are_the_same(tmp_path):
    log, path = make_log(300, "logged"), tmp_path / "log.parquet"
    episodes = np.arange(300) // 60
    columns = {f"x{i}": column for i, column in enumerate(log.states.T)}
    rows = {"action": log.actions, "reward": log.rewards, "episode": episodes}
    parquet.write_table(pyarrow.table(columns | rows), path)
    named = {"action": "action", "reward": "reward", "episode": "episode"}
    found = TransitionLog.from_parquet(path, state=[*columns], **named)
    frame = pd.DataFrame(columns | rows)
    expected = TransitionLog.from_frame(frame, state=[*columns], **named)
    policy = AMPOPolicy(max_iter=1, random_state=0)
    expected = TransitionLog(
        expected.states.to_numpy(),
        expected.actions,
        expected.rewards,
        expected.next_states.to_numpy(),
        truncated=expected.truncated,
        episodes=expected.episodes,
    )
    states = log.states[:100]
    assert_array_equal(
        policy.fit(found).predict_proba(states),
        policy.fit(expected).predict_proba(states),
    )
