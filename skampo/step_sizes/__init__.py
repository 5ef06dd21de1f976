"""Step sizes: how far one iteration moves the policy."""

from skampo.step_sizes._adaptive import Adaptive, TrustRegion
from skampo.step_sizes._base import StepSize
from skampo.step_sizes._schedules import Constant, Geometric, Greedy, Normalized

__all__ = [
    "Adaptive",
    "Constant",
    "Geometric",
    "Normalized",
    "StepSize",
    "TrustRegion",
]

StepSize.by_name |= {
    "constant": Constant,
    "normalized": Normalized,
    "geometric": Geometric,
    "trust_region": TrustRegion,
    "adaptive": Adaptive,
    "greedy": Greedy,
}
