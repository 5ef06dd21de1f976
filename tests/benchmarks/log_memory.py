"""
What a fit of a log in memory costs: CPU seconds and the largest memory, by rows.

Run with ``python -m tests.benchmarks.log_memory [--rows N ...] [--orders ORDER ...]
[--csv PATH]``. Each row is a process of its own (see runs.py). The log is random: 8
columns, 4 actions of even chances, episodes of 100 steps in which actions push single
columns. Its rows are as they were logged, or shuffled, so that hardly a row goes on
where the last one ended and twice as many states have features; or they come from
Parquet files of 100,000 rows, as they are, as a frame of dask or as a generator of
frames of pandas; the fitted policy is then evaluated on them as well, by
`fitted_q_evaluation` without refits. Large arrays are in files. Their pages count as
memory of the process while they are read, although the system takes them back when
somebody else needs it: memory is given with and without them.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import numpy as np

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.off_policy import fitted_q_evaluation
from tests.benchmarks import runs

ROWS = (50_000, 200_000, 1_000_000)
ORDERS = ("logged", "shuffled", "parquet")
READ = ("parquet", "dask", "frames")
N_COLUMNS, N_ACTIONS, N_STEPS = 8, 4, 100
# Rows of Parquet files that are written at a time.
PART = 100_000


def make_log(n_rows, order, seed=0):
    """The random log."""
    rng = np.random.default_rng(seed)
    n_episodes = n_rows // N_STEPS
    actions = rng.integers(N_ACTIONS, size=(N_STEPS, n_episodes))
    states = np.empty((N_STEPS + 1, n_episodes, N_COLUMNS))
    states[0] = rng.normal(size=states.shape[1:])
    pushes = 0.3 * np.eye(N_ACTIONS, N_COLUMNS)
    for t in range(N_STEPS):
        noise = 0.3 * rng.normal(size=states.shape[1:])
        states[t + 1] = 0.95 * states[t] + pushes[actions[t]] + noise
    rewards = -np.abs(states[1:, :, :N_ACTIONS]).mean(axis=2)
    columns = [states[:-1], actions, rewards, states[1:]]
    # Episode by episode.
    columns = [np.concatenate(np.moveaxis(c, 1, 0)) for c in columns]
    if order == "shuffled":
        rows = rng.permutation(len(columns[0]))
        columns = [column[rows] for column in columns]
    return TransitionLog(*columns)


def source_of(folder, order):
    """The Parquet files of a folder, as what a log is read from."""
    if order == "dask":
        from dask import dataframe

        return dataframe.read_parquet(folder)
    if order == "frames":
        import pandas as pd

        return map(pd.read_parquet, sorted(Path(folder).iterdir()))
    return folder


def read_log(n_rows, order, seed=0):
    """The same from Parquet files."""
    import pyarrow
    from pyarrow import parquet

    names = {"action": "action", "reward": "reward", "episode": "episode"}
    state = [f"x{i}" for i in range(N_COLUMNS)]
    with TemporaryDirectory() as folder:
        for i in range(0, n_rows, PART):
            log = make_log(min(PART, n_rows - i), "logged", (seed, i))
            columns = dict(zip(state, log.states.T.astype(np.float32), strict=True))
            columns |= {"action": log.actions, "reward": log.rewards}
            columns["episode"] = (np.arange(len(log)) + i) // N_STEPS
            path = Path(folder, f"{i:09}.parquet")
            parquet.write_table(pyarrow.table(columns), path)
        source = source_of(folder, order)
        return TransitionLog.from_batches(source, state=state, **names)


class MemoryWatch:
    """The largest memory while it is entered, in MB, without and with pages of files.

    And the CPU seconds that it took.
    """

    def __enter__(self):
        self.largest, self.with_files, self._stop = 0.0, 0.0, Event()
        self._start = time.process_time()
        self._thread = Thread(target=self._look)
        self._thread.start()
        return self

    def _look(self):
        while not self._stop.wait(0.02):
            lines = Path("/proc/self/status").read_text().splitlines()
            rows = (line.split() for line in lines)
            found = {row[0]: float(row[1]) / 2**10 for row in rows if "Rss" in row[0]}
            total = found["RssAnon:"] + found["RssFile:"] + found["RssShmem:"]
            self.largest = max(self.largest, found["RssAnon:"])
            self.with_files = max(self.with_files, total)

    def __exit__(self, *exception):
        self._stop.set()
        self._thread.join()
        self.seconds = time.process_time() - self._start


def run(rows, order, seed=0):
    """One row."""
    with MemoryWatch() as making:
        make = read_log if order in READ else make_log
        log = make(rows, order, seed)
    with MemoryWatch() as fitting:
        policy = AMPOPolicy(random_state=seed).fit(log)
    with MemoryWatch() as evaluating:
        # The others have no episodes.
        if log.episodes is not None:
            fitted_q_evaluation(policy, log, n_bootstraps=None, random_state=seed)
    watches = making, fitting, evaluating
    return {
        "cpu_seconds": fitting.seconds,
        "memory": fitting.largest,
        "with_files": max(watch.with_files for watch in watches),
        "cpu_seconds_before": making.seconds,
        "memory_before": making.largest,
        "cpu_seconds_after": evaluating.seconds,
        "memory_after": evaluating.largest,
        "iterations": policy.n_iter_,
        "features": policy.critic_.critic_.transformer_[:]
        .transform(log.states[:1])
        .shape[1],
    }


def main():
    """Measure all sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    runs.add_arguments(parser)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--orders", choices=[*ORDERS, *READ], nargs="+", default=ORDERS)
    options = parser.parse_args()
    if options.job:
        runs.print_row(run, options.job)
        return
    orders = options.orders
    jobs = [{"rows": n, "order": order} for n in options.rows for order in orders]
    rows = runs.do_all("tests.benchmarks.log_memory", jobs, options)
    titles = ["rows", "order", "CPU s", "largest memory, MB", "CPU s before fit"]
    titles += ["before fit, MB", "CPU s of interval", "interval, MB"]
    titles += ["largest with pages of files, MB", "iterations"]
    lines = [
        [
            f"{row['rows']:,}",
            row["order"],
            f"{row['cpu_seconds']:.1f}",
            f"{row['memory']:,.0f}",
            f"{row['cpu_seconds_before']:.1f}",
            f"{row['memory_before']:,.0f}",
            f"{row['cpu_seconds_after']:.1f}",
            f"{row['memory_after']:,.0f}",
            f"{row['with_files']:,.0f}",
            f"{row['iterations']}",
        ]
        for row in rows
    ]
    runs.show(runs.table(titles, lines), options.markdown)


if __name__ == "__main__":
    main()
