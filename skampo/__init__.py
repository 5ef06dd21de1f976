"""Policy optimization with any scikit-learn regressor: AMPO as an estimator."""

from skampo._ampo import AMPOPolicy

__version__ = "0.1.0"

__all__ = ["AMPOPolicy", "__version__"]
