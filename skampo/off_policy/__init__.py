"""Off-policy evaluation: the value of a policy from a log of another one."""

# Logs are what all of these take: it is documented in its own package.
from skampo.data import TransitionLog as TransitionLog
from skampo.off_policy._direct import direct_method, fitted_q_evaluation
from skampo.off_policy._doubly_robust import doubly_robust
from skampo.off_policy._importance import importance_sampling
from skampo.off_policy._magic import magic
from skampo.off_policy._propensities import estimate_propensities
from skampo.off_policy._report import PolicyReport
from skampo.off_policy._scorer import make_off_policy_scorer
from skampo.off_policy._values import fit_action_values

__all__ = [
    "PolicyReport",
    "direct_method",
    "doubly_robust",
    "estimate_propensities",
    "fit_action_values",
    "fitted_q_evaluation",
    "importance_sampling",
    "magic",
    "make_off_policy_scorer",
]
