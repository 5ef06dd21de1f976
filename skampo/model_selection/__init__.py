"""Environments as the samples of scikit-learn's searches and curves."""

from skampo.model_selection._scorer import make_return_scorer
from skampo.model_selection._tasks import make_tasks

__all__ = ["make_return_scorer", "make_tasks"]
