"""The Python of the user guide and of the guide for new parts runs, page by page."""

import re
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

DOCS = Path(__file__).parents[1] / "docs"
FOLDERS = ("user_guide", "developer", "tutorials")
PAGES = sorted([page for name in FOLDERS for page in DOCS.glob(f"{name}/*.md")])
PAGES.append(DOCS / "installation.md")
EXTRAS = {"dask", "pyarrow", "ray"}


def blocks(page):
    """Python code of a page, in its order."""
    return re.findall(r"```python\n(.*?)```", page.read_text("utf8"), re.DOTALL)


def missing_extras(block):
    """Packages of extras that a block imports and that are not installed."""
    used = re.findall(r"^(?:import|from) (\w+)", block, re.MULTILINE)
    return {name for name in EXTRAS & {*used} if find_spec(name) is None}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_python_blocks_run(page):
    names, left_out = {}, set()
    for block in blocks(page):
        missing = missing_extras(block)
        left_out |= missing
        if not missing:
            exec(block, names)
    plt.close("all")
    if left_out:
        pytest.skip(f"all but blocks that need the extras {sorted(left_out)}")


def test_a_page_with_code_is_found():
    assert any(blocks(page) for page in PAGES)
