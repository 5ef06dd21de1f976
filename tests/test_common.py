"""scikit-learn's contract and that of a policy, with nothing expected to fail."""

import pytest
from lightgbm import LGBMRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skampo import AMPOPolicy
from skampo.critics import Critic, Pessimistic
from skampo.mirror_maps import MirrorMap
from skampo.testing import check_policy, parametrize_with_policy_checks
from tests.crossing import crossed

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
CRITICS = dict.fromkeys(name for name in Critic.by_name if name != "reward_model")
# The default chooses its penalty by cross-validation, at each of 20 fits of a check.
CRITICS |= {"pessimistic": Pessimistic(classifier=LogisticRegression())}
CRITICS = [critic or name for name, critic in CRITICS.items()]


@parametrize_with_policy_checks([AMPOPolicy(), AMPOPolicy(critic="exact")])
def test_contract_of_a_policy(policy, check):
    check(policy)


@pytest.mark.parametrize(
    ("mirror_map", "critic", "encoding"),
    crossed(list(MirrorMap.by_name), CRITICS, ENCODINGS, share=3),
    ids=str,
)
def test_contract_of_all_combinations(mirror_map, critic, encoding):
    policy = AMPOPolicy(QUADRATIC, mirror_map=mirror_map)
    check_policy(policy.set_params(critic=critic, encoding=encoding))


# With the only mirror map that they are for.
@pytest.mark.parametrize("critic", CRITICS, ids=str)
def test_contract_of_compatible_features(critic):
    check_policy(AMPOPolicy(QUADRATIC, critic=critic, encoding="compatible"))
