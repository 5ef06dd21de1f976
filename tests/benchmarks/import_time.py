"""
How long `import skampo` takes beside the packages that it needs anyway.

Run it from the root of the repository: ``python tests/benchmarks/import_time.py``. Each
number is the least of several fresh interpreters, in seconds of CPU time.
"""

import subprocess
import sys

REPEATS = 7
CODE = (
    "import time; start = time.process_time(); {}; print(time.process_time() - start)"
)
NEEDED = "import sklearn.linear_model, gymnasium"
STATEMENTS = {
    "scikit-learn and gymnasium": NEEDED,
    "skampo": "import skampo",
    "skampo, after both": f"{NEEDED}; start = time.process_time(); import skampo",
}


def seconds(statement):
    """The quickest of several runs of a statement."""
    command = [sys.executable, "-c", CODE.format(statement)]
    runs = (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for _ in range(REPEATS)
    )
    return min(map(float, runs))


if __name__ == "__main__":
    for name, statement in STATEMENTS.items():
        print(f"{name:30s} {seconds(statement):.3f}")
