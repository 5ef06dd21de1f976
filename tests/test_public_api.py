"""The public names exist, are documented, and cost little to import."""

import importlib
import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import skampo
from tests.public_names import (
    public_modules,
    public_names,
    public_objects,
    public_pages,
)

ROOT = Path(__file__).parents[1]
#: Each of them is a promise.
MOST_NAMES = 100
HEAVY = {"lightgbm", "matplotlib", "minari", "pandas"}
# scikit-learn imports pandas where it is installed: only what skampo adds counts.
IMPORTED_BY_SKAMPO = """
import sys
import gymnasium
import sklearn.linear_model
before = set(sys.modules)
import skampo
print(*(set(sys.modules) - before))
"""
PACKAGES = [
    name
    for name in public_modules()
    if hasattr(importlib.import_module(name), "__path__")
]


def test_there_are_few_public_names():
    names = sorted(public_pages())
    assert len(names) <= MOST_NAMES, names


@pytest.mark.parametrize("module_name", public_modules())
def test_every_name_of_all_exists(module_name):
    module = importlib.import_module(module_name)
    missing = [name for name in public_names(module_name) if not hasattr(module, name)]
    assert missing == []


@pytest.mark.parametrize("module_name", public_modules())
def test_every_name_of_all_is_listed_once_and_public(module_name):
    names = public_names(module_name)
    assert len(names) == len(set(names))
    assert [name for name in names if name.startswith("_") and name[:2] != "__"] == []


@pytest.mark.parametrize("module_name", public_modules())
def test_every_public_module_is_documented(module_name):
    assert importlib.import_module(module_name).__doc__


@pytest.mark.parametrize("module_name", PACKAGES)
def test_every_public_package_with_names_lists_them(module_name):
    module = importlib.import_module(module_name)
    defined_below = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
    ]
    assert hasattr(module, "__all__") or not defined_below


@pytest.mark.parametrize("name", sorted(public_objects()))
def test_every_public_object_is_documented(name):
    assert inspect.getdoc(public_objects()[name])


def test_the_version_is_the_one_that_is_packaged():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))
    assert skampo.__version__ == config["project"]["version"]


def test_the_type_marker_is_there():
    assert (ROOT / "skampo" / "py.typed").exists()


def test_importing_skampo_imports_nothing_heavy_and_warns_of_nothing():
    command = [sys.executable, "-W", "error", "-c", IMPORTED_BY_SKAMPO]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    assert imported & HEAVY == set()
    assert "skampo" in imported


def test_subpackages_are_imported_when_they_are_asked_for():
    code = """
import sys, skampo
assert "skampo.distill" not in sys.modules
assert skampo.distill.distill
assert not hasattr(skampo, "nothing")
assert not hasattr(skampo, "_nothing")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def public_callables():
    """Functions and methods of ours, by the names that lead to them."""
    for name, thing in public_objects().items():
        members = inspect.getmembers(thing) if inspect.isclass(thing) else []
        for member, value in [("", thing), *members]:
            function = inspect.unwrap(getattr(value, "__func__", value))
            is_ours = str(getattr(function, "__module__", "")).startswith("skampo")
            if inspect.isfunction(function) and is_ours and not member.startswith("_"):
                yield f"{name}.{member}", function


def test_every_public_function_says_its_type_to_type_checkers():
    empty = inspect.Signature.empty
    assert [
        name
        for name, function in public_callables()
        if inspect.signature(function).return_annotation is empty
    ] == []
