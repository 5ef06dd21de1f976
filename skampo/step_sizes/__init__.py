"""Step sizes: how far one iteration moves the policy."""

from skampo.step_sizes._adaptive import Adaptive, TrustRegion
from skampo.step_sizes._base import StepSize
from skampo.step_sizes._schedules import Constant, Geometric, Greedy, Normalized

__all__ = [
    "STEP_SIZES",
    "Adaptive",
    "Constant",
    "Geometric",
    "Greedy",
    "Normalized",
    "StepSize",
    "TrustRegion",
]

#: The step sizes that a string can name.
STEP_SIZES: dict[str, type[StepSize]] = {
    "constant": Constant,
    "normalized": Normalized,
    "geometric": Geometric,
    "trust_region": TrustRegion,
    "adaptive": Adaptive,
    "greedy": Greedy,
}
