"""The Python of the README runs, and does what it says."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).parents[1] / "README.md"


def test_python_blocks_run():
    names = {}
    for block in re.findall(
        r"```python\n(.*?)```", README.read_text("utf8"), re.DOTALL
    ):
        exec(block, names)
    assert names["policy"].score("CartPole-v1") > 400
    left, right = names["policy"].predict_proba(names["leaning"])
    assert left[0] > 0.5 > right[0]


def test_both_commands_stand_in_bash_blocks():
    blocks = re.findall(r"```bash\n(.*?)```", README.read_text("utf8"), re.DOTALL)
    commands = np.concatenate([block.splitlines() for block in blocks])
    assert 'pip install ".[viz]" && python examples/plot_quickstart.py' in commands
    assert 'pip install ".[test]" && pytest' in commands
