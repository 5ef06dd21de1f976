"""The convergence guarantees of policy mirror descent, as functions of numbers."""

from skampo.theory._exact import (
    agarwal_bound,
    cen_bound,
    johnson_bound,
    protopapas_bound,
    xiao_linear_bound,
    xiao_sublinear_bound,
)
from skampo.theory._inexact import (
    ampo_improvement_bound,
    ampo_linear_bound,
    ampo_sublinear_bound,
    politex_bound,
    yuan_bound,
)
from skampo.theory._measures import (
    approximation_error,
    concentrability,
    mismatch_coefficient,
)

__all__ = [
    "agarwal_bound",
    "ampo_improvement_bound",
    "ampo_linear_bound",
    "ampo_sublinear_bound",
    "approximation_error",
    "cen_bound",
    "concentrability",
    "johnson_bound",
    "mismatch_coefficient",
    "politex_bound",
    "protopapas_bound",
    "xiao_linear_bound",
    "xiao_sublinear_bound",
    "yuan_bound",
]
