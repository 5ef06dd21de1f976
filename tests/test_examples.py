"""The examples run without a warning and end in a picture."""

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


def test_the_exceptions_exist():
    assert all((EXAMPLES / f"{name}.py").exists() for name in ELSEWHERE | SLOW)
