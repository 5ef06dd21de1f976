"""What a report of a fault should name."""

import platform
import re
from importlib.metadata import PackageNotFoundError, version

import pytest

import skampo


def rows(text):
    """First word and rest of each line that is not a title."""
    return dict(re.findall(r"^  (\S+) +(.*)$", text, re.MULTILINE))


@pytest.fixture
def shown(capsys):
    skampo.show_versions()
    return rows(capsys.readouterr().out)


def test_python_platform_and_skampo_are_named(shown):
    assert shown["python"].startswith(platform.python_version())
    assert shown["platform"] == platform.platform()
    assert shown["skampo"] == skampo.__version__


@pytest.mark.parametrize(
    "package", ["numpy", "scipy", "scikit-learn", "gymnasium", "lightgbm", "joblib"]
)
def test_packages_are_named(package, shown):
    assert shown[package] == version(package)


def test_thread_pools_are_named_without_their_folders(shown):
    pools = [text for text in shown.values() if "threads: " in text]
    assert pools
    assert not any("/" in name for name in shown)


def test_what_is_not_installed_is_said(monkeypatch, capsys):
    def nowhere(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", nowhere)
    skampo.show_versions()
    given = rows(capsys.readouterr().out)
    assert given["joblib"] == "not installed"
