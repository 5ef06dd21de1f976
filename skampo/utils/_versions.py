"""What a report of a fault should name: versions, platform and thread pools."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_info

from skampo._version import __version__

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "gymnasium",
    "lightgbm",
    "joblib",
    "threadpoolctl",
    "pandas",
    "matplotlib",
)


def show_versions() -> None:
    """
    Print the versions of Python and packages, the platform and the thread pools.

    A report of a fault should come with this text. Thread pools are those of the
    libraries that this process has loaded.

    Examples
    --------
    >>> import skampo
    >>> skampo.show_versions()
    System
      python        3...
      platform      ...
    Packages
      skampo        ...
    Thread pools
      ...
    """
    _show("System", {"python": sys.version, "platform": platform.platform()})
    packages = {name: _version(name) for name in PACKAGES}
    _show("Packages", {"skampo": __version__} | packages)
    pools = {Path(pool["filepath"]).name: _pool(pool) for pool in threadpool_info()}
    _show("Thread pools", pools)


def _show(title, rows):
    print(title)
    for name, text in rows.items():
        print(f"  {name:13} {' '.join(text.split())}")


def _version(package):
    # Asking for the version does not import the package.
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _pool(pool):
    told = (pool["internal_api"], pool["version"], pool.get("architecture"))
    known = " ".join(str(part) for part in told if part)
    return f"{known}, threads: {pool['num_threads']}"
