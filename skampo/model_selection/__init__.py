"""Environments as samples of scikit-learn's searches, and comparisons of policies."""

from skampo.model_selection._compare import compare
from skampo.model_selection._scorer import make_return_scorer
from skampo.model_selection._tasks import make_tasks

__all__ = ["compare", "make_return_scorer", "make_tasks"]
