"""scikit-learn's contract and that of a policy, with nothing expected to fail."""

import pytest
from lightgbm import LGBMRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skampo import AMPOPolicy
from skampo.critics import Critic
from skampo.mirror_maps import MirrorMap
from skampo.testing import (
    check_policy,
    parametrize_with_policy_checks,
)

PIPELINE = make_pipeline(StandardScaler(), Ridge())
LIGHTGBM = LGBMRegressor(n_estimators=10, min_child_samples=1, verbose=-1, n_jobs=1)


def expected_failures(estimator):
    if isinstance(estimator.regressor, LGBMRegressor):
        return {
            "check_sample_weight_equivalence_on_dense_data": (
                "LightGBM bins features and counts min_child_samples by rows, so "
                "repeating a row is not the same as doubling its weight"
            )
        }
    return {}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@parametrize_with_checks(
    [
        AMPOPolicy(random_state=0),
        AMPOPolicy(PIPELINE, max_iter=5, random_state=0),
        AMPOPolicy(LIGHTGBM, max_iter=2, random_state=0),
    ],
    expected_failed_checks=expected_failures,
    xfail_strict=True,
)
def test_contract_of_scikit_learn(estimator, check):
    check(estimator)


# "auto" is one of the others.
ENCODINGS = ("per_action", "multi_output", "joint")
QUADRATIC = make_pipeline(PolynomialFeatures(2), Ridge())


# The other one is for contextual bandits, and refuses the problems of these checks.
NAMES = [name for name in Critic.by_name if name != "reward_model"]


def combination(i, mirror_map, j, critic, k, encoding):
    """Slow but for a third in which every two parts still meet."""
    marks = [pytest.mark.slow] if (i + j + k) % len(ENCODINGS) else []
    policy = AMPOPolicy(
        QUADRATIC, mirror_map=mirror_map, critic=critic, encoding=encoding
    )
    return pytest.param(policy, marks=marks)


COMBINATIONS = [
    combination(i, mirror_map, j, critic, k, encoding)
    for i, mirror_map in enumerate(MirrorMap.by_name)
    for j, critic in enumerate(NAMES)
    for k, encoding in enumerate(ENCODINGS)
]
# The only mirror map with compatible features.
COMBINATIONS += [
    AMPOPolicy(QUADRATIC, critic=critic, encoding="compatible") for critic in NAMES
]


@parametrize_with_policy_checks([AMPOPolicy(), AMPOPolicy(critic="exact")])
def test_contract_of_a_policy(policy, check):
    check(policy)


@pytest.mark.parametrize("policy", COMBINATIONS, ids=repr)
def test_contract_of_all_combinations(policy):
    check_policy(policy)
