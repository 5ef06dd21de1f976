"""The contract of a policy, as tests for policies of your own."""

from skampo.testing._check_policy import check_policy, parametrize_with_policy_checks

__all__ = ["check_policy", "parametrize_with_policy_checks"]
