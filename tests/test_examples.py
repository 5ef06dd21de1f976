"""The examples run without a warning and end in a picture."""

import ast
import re
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
# Run by the commands of the README.
ELSEWHERE = {"plot_quickstart"}
NAMES = sorted({path.stem for path in EXAMPLES.glob("plot_*.py")} - ELSEWHERE)
# They take five seconds to half a minute each; the site's gallery runs them as well.
SLOW = {"plot_compare_policies", "plot_grid_search", "plot_offline_cartpole"}
SLOW |= {"plot_read_the_policy"}
CASES = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in NAMES
]


def is_drawn(ax):
    """Whether axes hold more than an empty frame."""
    return bool(ax.lines or ax.images or ax.collections or ax.patches)


@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", CASES)
def test_example(name, monkeypatch, tmp_path):
    shown = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: shown.extend(plt.get_fignums()))
    plt.close("all")
    try:
        runpy.run_path(str(EXAMPLES / f"{name}.py"))
        assert shown, "an example ends with plt.show()"
        axes = [ax for number in shown for ax in plt.figure(number).axes]
        assert all(is_drawn(ax) for ax in axes)
        for number in shown:
            plt.figure(number).canvas.draw()
    finally:
        plt.close("all")
    assert list(tmp_path.iterdir()) == [], "an example leaves no file behind"


def names(cell, context):
    """Names that a cell reads (`ast.Load`) or sets (`ast.Store`)."""
    found = (node for node in ast.walk(cell) if isinstance(node, ast.Name))
    return {node.id for node in found if isinstance(node.ctx, context)}


@pytest.mark.parametrize("name", [*NAMES, *sorted(ELSEWHERE)])
def test_a_figure_is_finished_in_the_cell_that_begins_it(name):
    # The gallery takes the figures of a cell and closes them before the next.
    begun, source = set(), (EXAMPLES / f"{name}.py").read_text("utf8")
    for cell in map(ast.parse, re.split(r"^# %%\n", source, flags=re.MULTILINE)):
        assert not begun & (names(cell, ast.Load) - names(cell, ast.Store))
        lines = [node for node in cell.body if "plt.subplot" in ast.unparse(node)]
        begun |= {found for line in lines for found in names(line, ast.Store)}


def test_the_exceptions_exist():
    assert all((EXAMPLES / f"{name}.py").exists() for name in ELSEWHERE | SLOW)
