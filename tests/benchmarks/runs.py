"""
Runs of a benchmark: each in a process of its own, each one row of a CSV file.

A benchmark module has `run(**job)`, which returns a dict of numbers. `do_all` calls it
for each job by ``python -m MODULE --job JSON``, with one thread for linear algebra, and
returns the rows of all jobs. With a CSV file, rows that are there already are not
measured again, so that runs at different times end in one table.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def add_arguments(parser):
    """The options that all benchmarks share."""
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--csv", type=Path, help="add the rows to this file")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    parser.add_argument("--report", action="store_true", help="only show the CSV")
    parser.add_argument("--job", type=json.loads, help=argparse.SUPPRESS)


def do_all(module, jobs, options):
    """Rows of the jobs, measured one after another or `options.jobs` at a time."""
    known = load(options.csv)
    keys = [name for name in jobs[0] if name != "cpu_limit"] if jobs else []
    done = {key_of(row, keys) for row in known}
    missing = [job for job in jobs if key_of(job, keys) not in done]
    if options.report:
        missing = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for row in pool.map(lambda job: in_a_process(module, job), missing):
            known.append(row)
            save(options.csv, row)
            print(json.dumps(row), file=sys.stderr, flush=True)
    return known


def key_of(row, keys):
    """What tells one job from another; numbers of a file are text."""
    return tuple(str(row[key]) for key in keys)


def in_a_process(module, job):
    """One row."""
    command = [sys.executable, "-m", module, "--job", json.dumps(job)]
    environment = os.environ | dict.fromkeys(THREADS, "1")
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    numbers = json.loads(done.stdout.splitlines()[-1])
    return {key: job[key] for key in job if key != "cpu_limit"} | numbers


def print_row(run, job):
    """What the process of one job does."""
    warnings.simplefilter("ignore")
    print(json.dumps(run(**job)))


def load(path):
    """Rows of a CSV file; none if there is no file."""
    if path is None or not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {name: as_number(text) for name, text in row.items()}
            for row in csv.DictReader(file)
        ]


def save(path, row):
    """Add a row to a CSV file."""
    if path is None:
        return
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def as_number(text):
    """A float where the text is one."""
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text


def peak_memory():
    """Largest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike ru_maxrss, this does not begin with the memory of the parent.
        lines = status.read_text().splitlines()
        return float(next(x for x in lines if x.startswith("VmHWM")).split()[1]) / 2**10
    # Linux counts in kB, macOS in bytes.
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def cell(values, decimals=0):
    """Median and range of what there is."""
    values = np.array(values, dtype=float)
    return _show_range(values[np.isfinite(values)], decimals)


def cost_cell(values, decimals=0):
    """Median and range, where what is missing counts as more than all there is."""
    values = np.array(values, dtype=float)
    return _show_range(np.where(np.isfinite(values), values, np.inf), decimals)


def _show_range(values, decimals):
    if not np.isfinite(values).any():
        return "-"
    numbers = np.median(values), values.min(), values.max()
    middle, low, high = (
        f"{number:,.{decimals}f}" if np.isfinite(number) else "never"
        for number in numbers
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def table(titles, lines):
    """A Markdown table."""
    rows = [titles, ["---"] * len(titles), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def show(text, path=None):
    """Print a table, and write it to a file."""
    print(text)
    if path is not None:
        path.write_text(text + "\n")
