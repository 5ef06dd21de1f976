"""The Python of the README runs, does what it says, and prints what stands there."""

import ast
import builtins
import io
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

README = (Path(__file__).parents[1] / "README.md").read_text("utf8")
# A block of Python, and the text behind it, before any other block.
BLOCK = re.compile(r"```python\n(.*?)```(?:\s+```text\n(.*?)```)?", re.DOTALL)
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w.])")


def printed(code, names, monkeypatch):
    """What an interactive session prints for the code."""
    # The display of values writes the last one to `_`.
    monkeypatch.setattr(builtins, "_", None, raising=False)
    output = io.StringIO()
    with redirect_stdout(output):
        for statement in ast.parse(code).body:
            single = ast.Interactive([statement])
            exec(compile(single, "README.md", "single"), names)
    return output.getvalue()


def assert_same_output(given, expected):
    """The same words, and the same numbers up to what another processor changes."""
    words, others = (NUMBER.sub("#", text).split() for text in (given, expected))
    assert words == others, given
    numbers, others = (
        [float(x) for x in NUMBER.findall(text)] for text in (given, expected)
    )
    assert_allclose(numbers, others, rtol=0.02, atol=0.02)


def test_python_blocks_print_what_stands_behind_them(monkeypatch):
    names, compared = {}, 0
    for code, expected in BLOCK.findall(README):
        given = printed(code, names, monkeypatch)
        if expected:
            assert_same_output(given, expected)
            compared += 1
    assert compared == len(re.findall("^```text", README, re.MULTILINE)) == 4
    assert names["policy"].score("CartPole-v1") > 400
    left, right = names["policy"].predict_proba(names["leaning"])
    assert left[0] > 0.5 > right[0]


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        ("array([1., 0.])\n500.0\n", "array([1., 0.])\n450.0\n", False),
        ("array([1., 0.])\n500.0\n", "array([1., 0.])\n495.0\n", True),
        ("array([0, 1])", "array([0, 0])", False),
        ("0.97", "0.9666", True),
        ("score 0.97", "0.97", False),
    ],
)
def test_the_comparison(given, expected, same):
    if same:
        assert_same_output(given, expected)
        return
    with pytest.raises(AssertionError):
        assert_same_output(given, expected)


def test_the_start_page_shows_the_first_lines_of_the_readme():
    start = (Path(__file__).parents[1] / "docs" / "index.md").read_text("utf8")
    assert BLOCK.findall(start) == BLOCK.findall(README)[:1]


def test_the_commands_stand_in_bash_blocks():
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)
    commands = np.concatenate([block.splitlines() for block in blocks])
    assert 'pip install ".[viz]" && python examples/plot_quickstart.py' in commands
    assert 'pip install ".[test]" && pytest' in commands
    assert 'pip install ".[docs]" && sphinx-build -W docs docs/_build' in commands
