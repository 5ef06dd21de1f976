"""The Python of the user guide and of the guide for new parts runs, page by page."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

DOCS = Path(__file__).parents[1] / "docs"
FOLDERS = ("user_guide", "developer", "tutorials")
PAGES = sorted([page for name in FOLDERS for page in DOCS.glob(f"{name}/*.md")])
PAGES.append(DOCS / "installation.md")


def blocks(page):
    """Python code of a page, in its order."""
    return re.findall(r"```python\n(.*?)```", page.read_text("utf8"), re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_python_blocks_run(page):
    names = {}
    for block in blocks(page):
        exec(block, names)
    plt.close("all")


def test_a_page_with_code_is_found():
    assert any(blocks(page) for page in PAGES)
