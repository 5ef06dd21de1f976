"""The page that leads from papers to code names nothing that does not exist."""

import ast
import re
from pathlib import Path

import pytest
from sklearn.tree import DecisionTreeRegressor

from skampo import (
    AMPOPolicy,
    critics,
    encodings,
    mirror_maps,
    off_policy,
    step_sizes,
    theory,
)
from skampo.mdp import make_random_mdp

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "user_guide" / "papers.md"
ROWS = re.findall(
    r"^\| (.+) \| `(.+)` \| (?:`(\w+)` )?\| `(.+)::(\w+)` \|$",
    PAGE.read_text("utf8"),
    re.M,
)
NAMES = {"AMPOPolicy": AMPOPolicy, "DecisionTreeRegressor": DecisionTreeRegressor}
for module in (critics, encodings, mirror_maps, off_policy, step_sizes):
    NAMES |= {name: getattr(module, name) for name in module.__all__}

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])


def test_no_row_is_left_out():
    lines = [line for line in PAGE.read_text("utf8").splitlines() if line[:1] == "|"]
    # Two lines are the head.
    assert len(ROWS) == len(lines) - 2
    papers = {paper for paper, *_ in ROWS if not paper.startswith("The same")}
    assert len(papers) >= 15


@every_row
def test_the_code_runs(row):
    found = eval(row[1], NAMES | {"mdp": make_random_mdp(random_state=0)})
    # The constructor checks nothing; names of parts are looked up in fit.
    if isinstance(found, AMPOPolicy):
        found.set_params(max_iter=0).fit([[0.0], [1.0]], [0, 1])


@every_row
def test_the_bound_exists(row):
    assert not row[2] or row[2] in theory.__all__


def test_every_bound_has_a_paper():
    bounds = {name for name in theory.__all__ if name.endswith("_bound")}
    assert bounds == {row[2] for row in ROWS if row[2]}


@every_row
def test_the_test_exists(row):
    tree = ast.parse((TESTS / row[3]).read_text("utf8"))
    functions = [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    assert row[4] in functions
