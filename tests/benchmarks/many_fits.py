"""
Memory and open files of a process in which one fit follows another.

Run with ``python -m tests.benchmarks.many_fits [--fits 200] [--steps 1500]``, on Linux.
The fits are in turn of CartPole, of CartPole in a process of its own, of Taxi, and of a
log; each policy is saved and loaded. The table has the memory of the process in MiB,
and its open files, threads and children, after each tenth of the fits.
"""

import argparse
import gc
import os
import tempfile
import threading
import warnings
from pathlib import Path

import skampo
from skampo import AMPOPolicy
from skampo.rollouts import Guarded
from tests.benchmarks import runs
from tests.benchmarks.log_memory import make_log

LOG = make_log(1000, "shuffled")
KINDS = ("CartPole-v1", Guarded("CartPole-v1", timeout=60), "Taxi-v4", LOG)


def count():
    """Memory, open files, threads and children of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("utf8").split()[1])
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text("utf8")
    return [
        f"{pages * os.sysconf('SC_PAGE_SIZE') / 2**20:.0f}",
        str(len(os.listdir("/proc/self/fd"))),
        str(threading.active_count()),
        str(len(children.split())),
    ]


def work(i, n_steps, folder):
    """One fit; the number of its steps."""
    data, path = KINDS[i % len(KINDS)], Path(folder, "policy.skampo")
    options = {"max_iter": 3, "steps_per_iter": n_steps // 3}
    policy = AMPOPolicy(random_state=i, warm_start=True, **options).fit(data)
    policy.save(path)
    return skampo.load(path).n_steps_


def main():
    """Print a line for each tenth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    n_steps, part = 0, max(1, options.fits // 10)
    titles = ["fits", "steps", "memory", "files", "threads", "children"]
    print(runs.table(titles, []), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for i in range(options.fits):
            n_steps += work(i, options.steps, folder)
            if (i + 1) % part == 0:
                cells = [f"{i + 1}", f"{n_steps:,}", *count()]
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
