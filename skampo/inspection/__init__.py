"""Pictures and pages of fitted policies, computed first and drawn on demand."""

from skampo.inspection._card import PolicyCard
from skampo.inspection._comparison import ComparisonDisplay
from skampo.inspection._convergence import ConvergenceDisplay
from skampo.inspection._errors import ErrorDisplay
from skampo.inspection._gridworld import GridworldDisplay
from skampo.inspection._learning_curve import LearningCurveDisplay
from skampo.inspection._policy_map import PolicyDisplay
from skampo.inspection._simplex import SimplexDisplay
from skampo.inspection._video import record_video

__all__ = [
    "ComparisonDisplay",
    "ConvergenceDisplay",
    "ErrorDisplay",
    "GridworldDisplay",
    "LearningCurveDisplay",
    "PolicyCard",
    "PolicyDisplay",
    "SimplexDisplay",
    "record_video",
]
