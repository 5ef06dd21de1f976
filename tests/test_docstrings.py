"""Every public docstring passes numpydoc's checks; there is no ignore list."""

import inspect
import tomllib
from pathlib import Path

import pytest
from numpydoc.validate import ERROR_MSGS, validate

from tests.public_names import public_members, public_objects

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))
EXCUSED = set(CONFIG["tool"]["numpydoc_validation"]["checks"]) - {"all"}
CHECKS = set(ERROR_MSGS) - EXCUSED

OBJECTS = public_objects()
MEMBERS = set().union(
    *(public_members(thing) for thing in OBJECTS.values() if inspect.isclass(thing))
)


def complaints(name, checks):
    errors = validate(name)["errors"]
    return [f"{code}: {message}" for code, message in errors if code in checks]


def test_the_excused_checks_are_only_the_agreed_ones():
    assert EXCUSED == {"ES01", "SA01"}


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_class_or_function(name):
    assert complaints(name, CHECKS) == []


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_method_or_property(name):
    assert complaints(name, CHECKS - {"EX01"}) == []
