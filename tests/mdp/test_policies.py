"""What counts as a policy of a model, and what is done with sums that are off."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skampo import AMPOPolicy
from skampo.mdp import make_random_mdp

MDP = make_random_mdp(20, 3, random_state=0)
SPARSE = make_random_mdp(20, 3, sparse=True, random_state=0)
PROBA = np.random.default_rng(0).dirichlet(np.ones(3), size=20)
METHODS = ["values", "action_values", "visitation", "expected_return"]

both_forms = pytest.mark.parametrize("mdp", [MDP, SPARSE], ids=["dense", "sparse"])


@both_forms
@pytest.mark.parametrize("off", [1e-12, -3e-8, 9e-7])
@pytest.mark.parametrize("name", METHODS)
def test_sums_that_are_a_little_off_are_divided_out(mdp, name, off):
    expected = getattr(mdp, name)(PROBA, 0.999)
    found = getattr(mdp, name)((1 + off) * PROBA, 0.999)
    assert_allclose(found, expected, rtol=1e-11)


@both_forms
def test_single_precision(mdp):
    proba = PROBA.astype(np.float32)
    exact = proba / proba.sum(axis=1, dtype=np.float64, keepdims=True)
    assert_allclose(mdp.values(proba, 0.9999), mdp.values(exact, 0.9999), rtol=1e-10)


def test_the_residual_of_rows_that_are_off():
    proba = (1 + 9e-7) * PROBA
    values = MDP.values(proba, 0.999)
    residual = MDP.policy_bellman(values, proba, 0.999) - values
    assert np.abs(residual).max() < 1e-12 * np.abs(values).max()


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("off", [2e-6, 9e-6, -1e-3, np.nan])
def test_sums_that_are_far_off_are_refused(name, off):
    with pytest.raises(ValueError, match=r"in state 0, .*divide each row by its sum"):
        getattr(MDP, name)((1 + off) * PROBA, 0.999)


def test_the_policy_passed_in_stays_as_it_is():
    proba = (1 + 1e-7) * PROBA
    before = proba.copy()
    SPARSE.values(proba, 0.9)
    assert_array_equal(proba, before)


@both_forms
@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_actions_are_a_deterministic_policy(mdp, dtype):
    actions = np.random.default_rng(1).integers(3, size=20).astype(dtype)
    proba = np.eye(3)[actions]
    for name in METHODS:
        assert_array_equal(
            getattr(mdp, name)(actions, 0.9), getattr(mdp, name)(proba, 0.9)
        )
    values = np.arange(20.0)
    assert_array_equal(
        mdp.policy_bellman(values, actions, 0.9), mdp.policy_bellman(values, proba, 0.9)
    )


def test_what_a_policy_predicts():
    policy = AMPOPolicy(gamma=0.9, max_iter=5).fit(MDP)
    found = MDP.expected_return(policy.predict(MDP.states), 0.9)
    assert found == pytest.approx(policy.score(MDP))


@pytest.mark.parametrize(
    ("actions", "match"),
    [
        (np.zeros(20), "array of 20 integers, the action of each state. Got float64"),
        (np.zeros(19, dtype=int), r"Got int64 of shape \(19,\)"),
        ([0] * 19 + [3], "from 0 to 2. Got 3 in state 19"),
        ([-1] * 20, "Got -1 in state 0"),
    ],
)
def test_what_are_no_actions(actions, match):
    with pytest.raises(ValueError, match=match):
        MDP.values(actions, 0.9)


def test_operators_refuse_what_is_no_policy():
    with pytest.raises(ValueError, match="one row per state"):
        MDP.policy_bellman(np.zeros(20), PROBA[:5], 0.9)
    with pytest.raises(ValueError, match="one probability distribution per state"):
        MDP.policy_bellman(np.zeros(20), 2 * PROBA, 0.9)


class TestUnknownStates:
    POLICY = AMPOPolicy(gamma=0.9, max_iter=2).fit(MDP)

    @pytest.mark.parametrize("state", [-1.0, 0.5, 20.0, 1e300])
    @pytest.mark.parametrize(
        "name",
        [
            "predict",
            "predict_proba",
            "predict_log_proba",
            "decision_function",
            "action_values",
            "sample",
        ],
    )
    def test_every_method_names_the_state(self, name, state):
        match = f"integers 0 to 19. Got {state:g}: pass the number"
        with pytest.raises(ValueError, match=match.replace("+", r"\+")):
            getattr(self.POLICY, name)([[0.0], [state]])

    def test_acting(self):
        with pytest.raises(ValueError, match="integers 0 to 19"):
            self.POLICY.act(20)
        assert self.POLICY.act(19) == self.POLICY.predict([[19.0]])[0]

    def test_environments_have_no_list_of_states(self):
        policy = AMPOPolicy(max_iter=1, random_state=0).fit("FrozenLake-v1")
        assert_allclose(policy.predict_proba([[99.0]]), 0.25)
