"""Policy optimization with any scikit-learn regressor: AMPO as an estimator."""

from importlib import import_module
from importlib.util import find_spec

from skampo._ampo import AMPOPolicy
from skampo._version import __version__ as __version__
from skampo.persistence._files import load
from skampo.utils._versions import show_versions

__all__ = ["AMPOPolicy", "load", "show_versions"]


def __getattr__(name):
    """Import a subpackage when it is asked for, as in `skampo.callbacks`."""
    if not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
