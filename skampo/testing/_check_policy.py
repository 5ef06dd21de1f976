"""The contract of a policy, as tests for policies of your own."""

from typing import Any

from sklearn.base import clone

from skampo.testing._checks import checks_of


def check_policy(policy, *, expected_failed_checks=None) -> None:
    """
    Check that a policy keeps the contract of this package.

    It has to come with what scikit-learn checks as well:
    ``sklearn.utils.estimator_checks.check_estimator``.

    Parameters
    ----------
    policy : estimator
        An unfitted policy. `max_iter`, `steps_per_iter`, `n_envs` and `random_state`
        are set to small values.
    expected_failed_checks : dict of str to str, default=None
        Names of checks that fail, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails that should not, or one passes that should fail.

    See Also
    --------
    parametrize_with_policy_checks : One test for each check.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skampo import AMPOPolicy
    >>> from skampo.testing import check_policy
    >>> check_policy(AMPOPolicy(Ridge()))
    """
    expected = dict(expected_failed_checks or {})
    # Fits are kept by object, and this one may get other parameters later.
    policy = clone(policy)
    for check in checks_of(policy):
        reason = expected.pop(check.__name__, None)
        try:
            check(policy)
        except Exception as error:
            if reason is None:
                raise AssertionError(
                    f"{policy!r} fails {check.__name__}: {error}"
                ) from error
        else:
            if reason is not None:
                raise AssertionError(
                    f"{policy!r} passes {check.__name__}, which should fail because "
                    f"{reason}. Take it off expected_failed_checks."
                )
    _refuse_unknown(expected)


def _refuse_unknown(names):
    if names:
        raise AssertionError(f"there are no checks called {sorted(names)}")


def parametrize_with_policy_checks(policies, *, expected_failed_checks=None) -> Any:
    """
    Make a pytest test of every check of every policy.

    Parameters
    ----------
    policies : list of estimator
        Unfitted policies.
    expected_failed_checks : callable, default=None
        For a policy, a dict with names of checks that fail and the reasons. These
        tests are marked as expected to fail, strictly.

    Returns
    -------
    pytest.mark.parametrize
        A decorator of a test of `policy` and `check`.

    Raises
    ------
    ImportError
        If pytest is not installed.
    AssertionError
        If there is no check of a name that is expected to fail.

    See Also
    --------
    check_policy : All checks in one call.
    sklearn.utils.estimator_checks.parametrize_with_checks : The contract of an
        estimator.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.testing import parametrize_with_policy_checks
    >>> @parametrize_with_policy_checks([AMPOPolicy()])
    ... def test_contract_of_a_policy(policy, check):
    ...     check(policy)
    """
    try:
        import pytest
    except ImportError as error:
        raise ImportError(
            'parametrize_with_policy_checks needs pytest. Run pip install "pytest".'
        ) from error
    cases = []
    for policy in map(clone, policies):
        expected: dict = (expected_failed_checks or (lambda policy: {}))(policy)
        checks = list(checks_of(policy))
        _refuse_unknown(set(expected) - {check.__name__ for check in checks})
        for check in checks:
            reason = expected.get(check.__name__)
            marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
            # A long repr has line breaks, which an id must not have.
            name = f"{check.__name__}-{' '.join(repr(policy).split())}"
            cases.append(pytest.param(policy, check, id=name, marks=marks))
    return pytest.mark.parametrize(("policy", "check"), cases)
