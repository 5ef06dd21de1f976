"""Modules import only what their layer allows, and tests what is public."""

import ast
import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "skampo").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
#: Code can be moved if few tests know where it is: white-box tests stand together.
MOST_WITH_PRIVATE_NAMES = 10
PRIVATE = re.compile(r"skampo(\.\w+)*\._[a-z]\w*(\.\w+)*")
#: Where the estimator itself is known: what scikit-learn calls with it, or by its name.
#: An estimate of `off_policy` is made by an estimator of another kind.
KNOWS_THE_ESTIMATOR = re.compile(
    "(callbacks|base|(inspection|model_selection|preprocessing)/.*|off_policy/_scorer|"
    "utils/_(callbacks|sklearn))[.]py"
)
IMPORTED_WHERE_USED = {
    "dask",
    "distributed",
    "lightgbm",
    "matplotlib",
    "minari",
    "onnx",
    "pandas",
    "PIL",
    "pyarrow",
    "ray",
    "rich",
}


def _is_for_type_checkers(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _run_at_import(nodes):
    """Walk the statements that run when a module is imported."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if _is_for_type_checkers(node):
            yield from _run_at_import(node.orelse)
            continue
        yield node
        yield from _run_at_import(ast.iter_child_nodes(node))


def imported_at_import_time(source):
    """Top-level packages that importing this source would import."""
    packages = set()
    for node in _run_at_import(ast.parse(source).body):
        if isinstance(node, ast.Import):
            packages |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            packages.add((node.module or "").partition(".")[0])
    return packages


def test_contracts_are_kept(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    exit_code = lint_imports(no_cache=True, no_logo=True)
    assert exit_code == 0, capsys.readouterr().out


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_optional_packages_are_imported_where_they_are_used(path):
    imported = imported_at_import_time(path.read_text(encoding="utf8"))
    assert imported & IMPORTED_WHERE_USED == set()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import lightgbm.sklearn", {"lightgbm"}),
        ("from matplotlib import pyplot", {"matplotlib"}),
        ("def plot():\n    import matplotlib", set()),
        ("class A:\n    import pandas", {"pandas"}),
        ("try:\n    import rich\nexcept ImportError:\n    rich = None", {"rich"}),
        ("if TYPE_CHECKING:\n    import pandas", set()),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import pandas", {"pandas"}),
    ],
)
def test_the_rule_for_optional_packages_sees_what_runs(source, expected):
    assert imported_at_import_time(source) == expected


def private_names(source):
    """What is imported of the package, or named in a string, and not public."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return {name for name in found if PRIVATE.fullmatch(name)}


def test_few_tests_know_private_names():
    knowing = [str(p) for p in TESTS if private_names(p.read_text(encoding="utf8"))]
    assert len(knowing) <= MOST_WITH_PRIVATE_NAMES, knowing


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from skampo._run import Run", {"skampo._run.Run"}),
        (
            "from skampo.mdp import (\n    TabularMDP,\n    _moves,\n)",
            {"skampo.mdp._moves"},
        ),
        ("import skampo.data._log as log", {"skampo.data._log"}),
        ("set('skampo.data._log.Log', 3)", {"skampo.data._log.Log"}),
        ("from skampo import __version__", set()),
        ("from skampo.data import TransitionLog", set()),
        ("from sklearn.utils._tags import get_tags", set()),
    ],
)
def test_the_rule_for_private_names_sees_them(source, expected):
    assert private_names(source) == expected


def test_the_estimator_is_handed_to_no_lower_room():
    handed = []
    for path in FILES:
        source = path.read_text(encoding="utf8")
        room = path.relative_to(ROOT / "skampo").as_posix()
        # Prose has the word, too; most files are not parsed for it.
        is_there = re.search(r"\bestimator[,:)=]", source)
        if is_there and not KNOWS_THE_ESTIMATOR.fullmatch(room):
            nodes = ast.walk(ast.parse(source))
            names = (getattr(node, "arg", None) for node in nodes)
            handed += [room for name in names if name == "estimator"]
    assert handed == []


def test_the_page_of_the_rooms_names_files_that_exist():
    page = (ROOT / "docs/developer/architecture.md").read_text(encoding="utf8")
    named = re.findall(r"`([\w/]+[.]py)`", page.partition("## Where is")[2])
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "skampo" / name).exists()] == []
