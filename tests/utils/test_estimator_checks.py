"""The contract of a policy finds those who break it."""

import re
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.testing import (
    check_policy,
    parametrize_with_policy_checks,
)


class Unnormalized(AMPOPolicy):
    def predict_proba(self, X, *, action_mask=None):
        return 2 * super().predict_proba(X, action_mask=action_mask)


class Contrary(AMPOPolicy):
    def predict(self, X, *, action_mask=None):
        proba = self.predict_proba(X, action_mask=action_mask)
        return self.classes_[proba.argmin(axis=1)]


class Unmasked(AMPOPolicy):
    def sample(self, X, *, random_state=None, action_mask=None):
        return super().sample(X, random_state=random_state)


class Unseeded(AMPOPolicy):
    def fit(self, X, y=None):
        seed = np.random.default_rng().integers(10**6)
        fitted = clone(self).set_params(random_state=int(seed))
        vars(self).update(vars(AMPOPolicy.fit(fitted, X)) | self.get_params(deep=False))
        return self


class Silent(AMPOPolicy):
    def fit(self, X, y=None):
        super().fit(X)


class Sloppy(AMPOPolicy):
    def fit(self, X, y=None):
        self.max_iter += 1
        return super().fit(X)


class Borrowing(AMPOPolicy):
    def fit(self, X, y=None):
        if hasattr(X, "reset"):
            X.reset(seed=0)
            X.step(X.action_space.sample())
        return super().fit(X)


class Numbering(AMPOPolicy):
    def act(self, observation, **keywords):
        action = super().act(observation, **keywords)
        return int(np.flatnonzero(self.classes_ == action)[0])


class Forgetful(AMPOPolicy):
    def fit(self, X, y=None):
        super().fit(X)
        self.history_ = self.history_[-1:]
        return self


class Impure(AMPOPolicy):
    def __init__(self, regressor=None, *, random_state=None, max_iter=2):
        super().__init__(regressor, random_state=random_state, max_iter=max_iter)


BROKEN = {
    Unnormalized: "check_probabilities",
    Contrary: "check_probabilities",
    Unmasked: "check_masks",
    Unseeded: "check_same_seed_gives_the_same_bits",
    Silent: "check_fit_returns_self_and_keeps_parameters",
    Sloppy: "check_fit_returns_self_and_keeps_parameters",
    Borrowing: "check_environments_stay_as_they_are",
    Numbering: "check_labels_of_actions",
    Forgetful: "check_history",
    Impure: "check_clone_is_unfitted",
}


def checks_of(policy):
    """The checks that apply to a policy."""
    cases = parametrize_with_policy_checks([policy]).mark.args[1]
    return [case.values[1] for case in cases]


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_policies_are_found(broken):
    check = next(c for c in checks_of(broken()) if c.__name__ == BROKEN[broken])
    check(AMPOPolicy(Ridge()))
    with pytest.raises((AssertionError, AttributeError)):
        check(broken(Ridge()))


def test_failures_that_are_expected():
    reasons = {"check_probabilities": "it counts double"}
    with pytest.raises(AssertionError, match=r"Unnormalized.* fails check_masks"):
        check_policy(Unnormalized(Ridge()), expected_failed_checks=reasons)
    with pytest.raises(AssertionError, match="passes check_probabilities, which"):
        check_policy(AMPOPolicy(Ridge()), expected_failed_checks=reasons)
    with pytest.raises(AssertionError, match=r"no checks called \['check_x'\]"):
        check_policy(AMPOPolicy(Ridge()), expected_failed_checks={"check_x": "?"})


def test_critics_of_models_get_the_checks_that_apply():
    everywhere = {check.__name__ for check in checks_of(AMPOPolicy(critic="exact"))}
    environments = {check.__name__ for check in checks_of(AMPOPolicy())}
    assert everywhere < environments
    assert "check_labels_of_actions" in environments - everywhere


def test_each_check_of_each_policy_is_a_test():
    policies = [AMPOPolicy(Ridge()), AMPOPolicy(critic="exact")]
    expected = lambda policy: {"check_score": "no"} if policy.regressor else {}
    mark = parametrize_with_policy_checks(policies, expected_failed_checks=expected)
    cases = mark.mark.args[1]
    assert len(cases) == sum(len(checks_of(policy)) for policy in policies)
    ids = [case.id for case in cases]
    assert len(set(ids)) == len(ids)
    assert "check_score-AMPOPolicy(regressor=Ridge())" in ids
    marked = {case.id for case in cases if case.marks}
    assert marked == {"check_score-AMPOPolicy(regressor=Ridge())"}


def test_expected_failures_need_a_check():
    with pytest.raises(AssertionError, match=r"no checks called \['check_scores'\]"):
        parametrize_with_policy_checks(
            [AMPOPolicy(Ridge())],
            expected_failed_checks=lambda policy: {"check_scores": "no"},
        )


def test_pytest_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytest", None)
    match = re.escape('needs pytest. Run pip install "pytest".')
    with pytest.raises(ImportError, match=match):
        parametrize_with_policy_checks([])
