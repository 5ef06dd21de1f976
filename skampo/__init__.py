"""Policy optimization with any scikit-learn regressor: AMPO as an estimator."""

from skampo._ampo import AMPOPolicy
from skampo._version import __version__
from skampo.persistence._files import load
from skampo.utils._versions import show_versions

__all__ = ["AMPOPolicy", "__version__", "load", "show_versions"]
