"""Logs read batch by batch: the same as from one data frame, in bounded memory."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.off_policy import fitted_q_evaluation

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
    check(TransitionLog.from_batches(path, **names), frame, **names)
    check(TransitionLog.from_batches(str(path), **names), frame, **names)


def test_folders_files_and_datasets(tmp_path):
    frame = table(30)
    # Batches, row groups and files end where episodes go on.
    for i in range(3):
        part = frame[10 * i : 10 * i + 10]
        part.to_parquet(tmp_path / f"part-{i}.parquet", row_group_size=4)
    check(TransitionLog.from_batches(tmp_path, **EPISODES), frame, **EPISODES)
    files = sorted(str(path) for path in tmp_path.iterdir())
    check(TransitionLog.from_batches(files[:2], **EPISODES), frame[:20], **EPISODES)
    from pyarrow import dataset

    cheap = dataset.dataset(tmp_path).filter(dataset.field("price") < 0.0)
    rows = frame[frame["price"] < 0]
    check(TransitionLog.from_batches(cheap, **EPISODES), rows, **EPISODES)


def test_columns_whose_type_grows_from_file_to_file(tmp_path):
    first = table(10).assign(order=["a", "b"] * 5, stock=1)
    second = table(10, seed=1).assign(order="a longer one", stock=0.5)
    parts = [first, second.assign(store="x")]
    schema = pyarrow.Schema.from_pandas(second)
    for i, part in enumerate(parts):
        part.to_parquet(tmp_path / f"{i}.parquet", schema=schema)
    log = TransitionLog.from_batches(tmp_path, **NAMES)
    check(log, pd.concat(parts), **NAMES)


def test_columns_in_the_names_of_folders(tmp_path):
    for store, part in table(20).groupby("store"):
        folder = tmp_path / f"store={store}"
        folder.mkdir()
        part.drop(columns="store").to_parquet(folder / "part.parquet")
    check(TransitionLog.from_batches(tmp_path, **EPISODES), table(20), **EPISODES)


def test_categories(tmp_path):
    frame = table().astype({"order": "category"})
    frame.to_parquet(tmp_path / "log.parquet")
    log = TransitionLog.from_batches(tmp_path / "log.parquet", **NAMES)
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
        TransitionLog.from_batches(tmp_path / "log.parquet", **NAMES | names)


def parts_of(frame, n_parts=3):
    """A frame in parts, in which episodes go on from one to the next."""
    return [frame.iloc[rows] for rows in np.array_split(range(len(frame)), n_parts)]


@pytest.mark.parametrize("names", [NAMES, EPISODES])
@pytest.mark.parametrize(
    "make",
    [
        lambda frame: parts_of(frame),
        lambda frame: (part for part in parts_of(frame)),
        lambda frame: [pl.from_pandas(part) for part in parts_of(frame)],
        lambda frame: map(pyarrow.table, parts_of(frame)),
        lambda frame: pyarrow.table(frame).to_batches(4),
        lambda frame: [frame[:0].astype(object), frame],
    ],
    ids=["list", "generator", "polars", "tables", "batches", "an empty one"],
)
def test_many_frames_are_one(make, names):
    check(TransitionLog.from_batches(make(table(20)), **names), table(20), **names)


def test_types_of_frames():
    kinds = {"order": pl.Categorical, "store": pl.Enum(["north", "south", "w"])}
    frames = [pl.from_pandas(part).cast(kinds) for part in parts_of(table(20))]
    check(TransitionLog.from_batches(frames, **EPISODES), table(20), **EPISODES)
    # Longer labels, more precise numbers and a wider type after the first frame.
    parts = [
        table(10).assign(order=["a", "b"] * 5, stock=1),
        table(10, seed=1).assign(order="a longer one", stock=0.5, profit=1),
    ]
    check(TransitionLog.from_batches(parts, **NAMES), pd.concat(parts), **NAMES)
    numbered = table(20)[["stock", "price", "order", "profit"]]
    numbered.columns = range(4)
    log = TransitionLog.from_batches([numbered], state=[1, 0], action=2, reward=3)
    assert_array_equal(log.states, numbered[[1, 0]])


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ([], "The source has no rows"),
        (table(), "Got 'str' in place of a data frame. A single one goes to"),
        (7, "Got 'int' in place of a data frame"),
        ([table(), np.eye(2)], "Got 'ndarray' in place"),
        (pl.from_pandas(table()).lazy(), "Got 'LazyFrame' in place"),
        ([table()["stock"]], "Got 'Series' in place"),
        ([table(), table().drop(columns="price")], "has no column 'price'"),
        ([table(), table().assign(stock="7")], "'stock' holds .*string, and states"),
        ([table(), table().assign(stock=None)], "'stock' has missing values"),
        ([table(), table().assign(price=np.nan)], r"\[:, 1\].*first at row 9: nan"),
        ([table(), table().assign(order=None)], "'order' has missing values"),
        ([table(), table().assign(order=1)], "'order' holds <U4 in some batches and"),
        ([table(), table().assign(profit=np.inf)], "'profit' has 9 .*at row 9: inf"),
    ],
)
def test_which_frames_are_refused(source, match):
    with pytest.raises(ValueError, match=match):
        TransitionLog.from_batches(source, **NAMES)


def dask_frame(frame, computed, n_parts=3):
    """A frame of dask that writes down which of its partitions are computed."""
    dask = pytest.importorskip("dask.dataframe", reason="an extra: dask[dataframe]")
    parts = parts_of(frame, n_parts)

    def make(i):
        computed.append(i)
        return parts[i]

    return dask.from_map(make, range(n_parts), meta=frame[:0])


@pytest.mark.parametrize("names", [NAMES, EPISODES])
def test_frames_of_dask(names):
    computed = []
    log = TransitionLog.from_batches(dask_frame(table(20), computed), **names)
    check(log, table(20), **names)
    # In order, and each of them once.
    assert computed == [0, 1, 2]


def test_names_are_checked_before_dask_computes():
    computed = []
    frame = dask_frame(table(20), computed)
    with pytest.raises(ValueError, match="has no column 'stck'"):
        TransitionLog.from_batches(frame, **(NAMES | {"state": ["stck"]}))
    assert computed == []
    with pytest.raises(ValueError, match="dask dataframe or many frames to"):
        TransitionLog.from_frame(frame, **NAMES)


def patients(n_episodes=12):
    """Episodes of five visits each, some of which end by themselves."""
    rng = np.random.default_rng(0)
    n_rows = 5 * n_episodes
    columns = {
        "store": np.arange(n_rows) // 5,
        "day": np.arange(n_rows) % 5,
        "stock": rng.normal(size=n_rows),
        "price": rng.normal(size=n_rows),
        "order": rng.integers(2, size=n_rows),
        "profit": rng.normal(size=n_rows),
    }
    ends = (columns["day"] == 4) & (columns["store"] % 2 == 0)
    return pd.DataFrame(columns | {"closed": ends})


def scores(log):
    """What a policy learns from a log."""
    policy = AMPOPolicy(max_iter=3, random_state=0).fit(log)
    return policy.decision_function(np.arange(-8, 8).reshape(8, 2) / 4)


WHOLE = {name: EPISODES[name] for name in EPISODES if name != "time"}


def test_whole_episodes_come_in_any_order(tmp_path):
    frame, parts, order = patients(), parts_of(patients(), 4), [2, 0, 3, 1]
    expected = TransitionLog.from_batches([frame], **WHOLE)
    log = TransitionLog.from_batches([parts[i] for i in order], **WHOLE)
    check(log, frame, **WHOLE)
    assert_array_equal(scores(log), scores(expected))
    for i, part in enumerate(parts):
        part.to_parquet(tmp_path / f"{i}.parquet")
    files = [tmp_path / f"{i}.parquet" for i in order]
    check(TransitionLog.from_batches(files, **WHOLE), frame, **WHOLE)


def test_rows_with_times_come_in_any_order():
    rows = np.random.default_rng(0).permutation(60)
    names = WHOLE | {"time": "day"}
    shuffled = TransitionLog.from_batches(parts_of(patients().iloc[rows]), **names)
    check(shuffled, patients(), **names)


def test_parts_of_episodes_in_another_order_are_refused():
    # Of seven parts, none of which ends where an episode does.
    parts = parts_of(patients(), 7)
    with pytest.raises(ValueError, match="where an earlier episode goes on"):
        TransitionLog.from_batches(parts[::-1], **WHOLE)


def test_without_episodes_rows_are_in_the_order_of_the_data():
    parts = parts_of(table(20))[::-1]
    check(TransitionLog.from_batches(parts, **NAMES), pd.concat(parts), **NAMES)


def in_parquet(frame, path):
    frame.to_parquet(path / "log.parquet")
    return path


@pytest.mark.parametrize("make", [in_parquet, lambda frame, _: dask_frame(frame, [])])
def test_policies_and_estimates_are_those_from_memory(make, tmp_path):
    frame = patients(60)
    kept = TransitionLog.from_frame(frame, **WHOLE)
    expected = TransitionLog(
        kept.states.to_numpy(),
        kept.actions,
        kept.rewards,
        kept.next_states.to_numpy(),
        kept.terminated,
        kept.truncated,
        kept.episodes,
    )
    logs = TransitionLog.from_batches(make(frame, tmp_path), **WHOLE), expected
    policies = [AMPOPolicy(max_iter=1, random_state=0).fit(log) for log in logs]
    probabilities = [policy.predict_proba(expected.states) for policy in policies]
    assert_array_equal(*probabilities)
    found, estimate = [
        fitted_q_evaluation(policies[0], log, n_bootstraps=None, random_state=0)
        for log in logs
    ]
    assert found.estimate == estimate.estimate
    assert (found.low, found.high) == (estimate.low, estimate.high)


def test_memory_of_many_frames_is_a_few_times_that_of_the_numbers():
    state = [f"x{i}" for i in range(8)]

    def frames(n_frames=10, n_rows=9000):
        for i in range(n_frames):
            columns = dict.fromkeys(state, np.full(n_rows, float(i)))
            columns |= {"action": np.arange(n_rows) % 2, "reward": np.ones(n_rows)}
            yield pd.DataFrame(columns | {f"note{j}": i for j in range(8)})

    before = pyarrow.total_allocated_bytes()
    tracemalloc.start()
    log = TransitionLog.from_batches(
        frames(), state=state, action="action", reward="reward"
    )
    # There is room for twice the rows, and half of them are copied to it.
    numbers = log.states.nbytes + 2 * log.rewards.nbytes
    assert tracemalloc.get_traced_memory()[1] < 3 * numbers
    tracemalloc.stop()
    assert pyarrow.total_allocated_bytes() - before < 0.2 * numbers
    assert_array_equal(log.states[:, 0], np.repeat(np.arange(10.0), 9000))


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
    log = TransitionLog.from_batches(
        path, state=state, action="action", reward="reward"
    )
    numbers = log.states.nbytes + 2 * log.rewards.nbytes
    # Labels and checks hold a column or two more.
    assert tracemalloc.get_traced_memory()[1] < 1.5 * numbers
    tracemalloc.stop()
    assert pyarrow.total_allocated_bytes() - before < 0.2 * numbers
