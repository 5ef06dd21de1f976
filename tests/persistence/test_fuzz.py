"""A short run of random edits; ``python -m tests.persistence.fuzz`` is the long one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_random_edits_do_nothing_but_fail():
    threads = dict.fromkeys(("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")
    done = subprocess.run(
        [sys.executable, "-m", "tests.persistence.fuzz", "--n", "400"],
        cwd=ROOT,
        env={**os.environ, **threads},
        capture_output=True,
        text=True,
        check=True,
    )
    counts = json.loads(
        done.stdout[done.stdout.rindex("{") : done.stdout.rindex("}") + 1]
    )
    assert not counts.keys() & {"slow", "strange", "large", "events", "crashed"}, done
    assert counts["refused"] + counts["used"] + counts["raised"] == 400
    assert min(counts[outcome] for outcome in ("refused", "used", "raised")) > 10
