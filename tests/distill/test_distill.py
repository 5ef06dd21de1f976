"""Trees that do what a policy does."""

from itertools import chain, cycle

import matplotlib.pyplot as plt
import numpy as np
import pytest
from gymnasium import spaces
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeClassifier, export_text, plot_tree

import skampo
from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.distill import TreePolicy, distill
from skampo.exceptions import InvalidParameterError, SkampoFileError
from skampo.export import to_c, to_python
from skampo.mdp import make_random_mdp
from skampo.testing import parametrize_with_policy_checks
from tests.export.compiled import COMPILER, Compiled
from tests.faulty_envs import CountingEnv
from tests.iterates import Corridor

SMALL = {"max_iter": 2, "steps_per_iter": 32, "n_envs": 2, "random_state": 0}
FEW = {"max_iter": 3, "episodes_per_iter": 4, "evaluation_episodes": 5}


@parametrize_with_policy_checks(
    [TreePolicy(AMPOPolicy(Ridge(), **SMALL), episodes_per_iter=4)],
    expected_failed_checks=lambda policy: {
        "check_warm_start_goes_on": "a tree is grown anew and goes on with nothing"
    },
)
def test_contract_of_a_policy(policy, check):
    check(policy)


class TwoOfThreeEnv(CountingEnv):
    """Forbids one action after the other."""

    def __init__(self):
        super().__init__(length=6, n_actions=3)

    def allowed(self, t):
        return np.arange(3) != t % 3

    def reset(self, *, seed=None, options=None):
        observation, _ = super().reset(seed=seed)
        return observation, {"action_mask": self.allowed(0).astype(np.int8)}

    def step(self, action):
        observation, _, *flags, _ = super().step(action)
        mask = self.allowed(self.t).astype(np.int8)
        return observation, float(self.t * action), *flags, {"action_mask": mask}


def what_is_lost(policy, states, masks):
    """Scores of the best allowed action less those of the worst, added up."""
    scores = policy.decision_function(states)
    best = np.where(masks, scores, -np.inf).max(axis=1)
    return (best - np.where(masks, scores, np.inf).min(axis=1)).sum()


def test_states_count_by_what_the_worst_action_loses():
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = (X[:, 0] > X[:, 1]) + (X[:, 1] > 1).astype(int)
    policy = AMPOPolicy(Ridge(), max_iter=3, random_state=0).fit(X, y)
    student = distill(policy, X, random_state=0)
    expected = what_is_lost(policy, X, np.ones((40, 3), dtype=bool))
    assert student.tree_.tree_.weighted_n_node_samples[0] == pytest.approx(expected)


def test_forbidden_actions_are_neither_best_nor_worst():
    policy = AMPOPolicy(Ridge(), max_iter=3, steps_per_iter=60, random_state=0)
    env = TwoOfThreeEnv()
    policy.fit(TwoOfThreeEnv)
    states, masks, done = [np.zeros(2)], [env.allowed(0)], []
    for t in range(1, 6):
        done.append(int(policy.predict(states[-1:], action_mask=masks[-1])[0]))
        states.append(np.array([t, done[-1]], dtype=float))
        masks.append(env.allowed(t))
    student = distill(
        policy, TwoOfThreeEnv, max_iter=1, episodes_per_iter=1, random_state=0
    )
    expected = what_is_lost(policy, np.array(states), np.array(masks))
    assert student.tree_.tree_.weighted_n_node_samples[0] == pytest.approx(expected)
    assert student.predict(states[:-1]).tolist() == done


class PaidEnv(CountingEnv):
    """Episodes of one step, which pay what is handed out."""

    def __init__(self, paid):
        super().__init__(length=1)
        self.paid = paid

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, next(self.paid, float(action)), *rest


@pytest.mark.parametrize("n", [4, 1])
def test_an_interval_by_hand(n, learned):
    # Four episodes of one round, and those of the evaluation.
    paid = chain([0.0, 0.0, 0.0, 0.0] * 2, cycle([0.0, 4.0]))
    student = distill(
        learned,
        lambda: PaidEnv(paid),
        max_iter=1,
        episodes_per_iter=4,
        evaluation_episodes=n,
        random_state=0,
    )
    estimate = student.return_
    if n == 1:
        assert np.isnan(estimate.low)
        return
    # Student's t of three degrees of freedom reaches 3.182 standard errors.
    error = np.sqrt(16 / 3 / 4)
    assert_allclose(
        [estimate.low, estimate.high],
        [2 - 3.18245 * error, 2 + 3.18245 * error],
        rtol=1e-5,
    )


@pytest.fixture(scope="module")
def learned():
    return AMPOPolicy(Ridge(), max_iter=5, steps_per_iter=64, random_state=0).fit(
        Corridor
    )


def test_what_is_reported(learned):
    student = distill(learned, Corridor, random_state=0, **FEW)
    assert isinstance(student.tree_, DecisionTreeClassifier)
    assert student.n_leaves_ == student.tree_.get_n_leaves() <= 16
    assert student.n_iter_ == len(student.history_) == 3
    assert student.return_.n_episodes == 5
    assert student.return_.low <= student.return_.mean <= student.return_.high
    best = max(student.history_, key=lambda r: (r["return_mean"], r["iteration"]))
    assert student.agreement_ == best["agreement"]
    n_states = [record["n_states"] for record in student.history_]
    assert n_states == sorted(set(n_states))


def test_the_fitted_policy_is_imitated_and_not_fitted_again(learned):
    before = learned.predict_proba([[1.0, 0.0]])
    student = distill(learned, Corridor, random_state=0, **FEW)
    assert_array_equal(learned.predict_proba([[1.0, 0.0]]), before)
    again = distill(learned, Corridor, random_state=0, **FEW)
    assert export_text(student.tree_) == export_text(again.tree_)
    assert student.return_ == again.return_
    assert student.history_ == again.history_
    assert_array_equal(
        student.action_values([[1.0, 0.0]]), learned.action_values([[1.0, 0.0]])
    )


def test_states_where_little_is_lost_matter_little():
    # Where ten of the states are, the policy hardly minds; one split has to do.
    X = np.repeat([[0.0], [1.0], [2.0]], [10, 1, 1], axis=0)
    rewards = np.repeat([[1.0, 1.1], [9.0, 0.0], [0.0, 9.0]], [10, 1, 1], axis=0)
    policy = AMPOPolicy(random_state=0).fit(X, rewards=rewards)
    assert policy.predict([[0.0], [1.0], [2.0]]).tolist() == [1, 0, 1]
    student = distill(policy, X, max_leaf_nodes=2, random_state=0)
    assert student.predict([[0.0], [1.0], [2.0]]).tolist() == [0, 0, 1]
    assert student.agreement_ == pytest.approx(2 / 12)


def test_words_as_actions_in_text_and_picture():
    X, y = np.arange(8.0)[:, None], np.array(["off"] * 4 + ["on"] * 4)
    policy = AMPOPolicy(random_state=0).fit(X, y)
    student = distill(policy, TransitionLog(X, y, np.ones(8)), random_state=0)
    assert "class: on" in export_text(student.tree_, feature_names=["heat"])
    figure, axes = plt.subplots()
    assert len(plot_tree(student.tree_, ax=axes)) >= 3
    plt.close(figure)
    assert student.n_leaves_ == 2
    assert student.return_ is None
    assert student.agreement_ == 1
    assert student.score(X, y) == 1


def test_an_action_that_is_never_best_is_still_there():
    X, y = np.arange(8.0)[:, None], np.array([0] * 4 + [2] * 4)
    rewards = np.eye(3)[y]
    student = distill(AMPOPolicy(random_state=0).fit(X, rewards=rewards), X)
    assert_array_equal(student.predict_proba([[0.0], [7.0]]), [[1, 0, 0], [0, 0, 1]])
    assert student.predict([[0.0]], action_mask=[False, True, False]).tolist() == [1]


def test_a_model():
    model = make_random_mdp(n_states=6, n_actions=3, random_state=0)
    policy = AMPOPolicy(random_state=0, max_iter=5).fit(model)
    student = distill(policy, model, random_state=0)
    assert_array_equal(student.predict(model.states), policy.predict(model.states))
    assert student.score(model) == pytest.approx(policy.score(model))


def test_actions_of_several_parts_are_numbered():
    class TwoWheels(Corridor):
        def __init__(self):
            super().__init__()
            self.action_space = spaces.MultiDiscrete([2, 2])

        def step(self, action):
            self.action_space = spaces.Discrete(2)
            try:
                return super().step(int(action[0]))
            finally:
                self.action_space = spaces.MultiDiscrete([2, 2])

    policy = AMPOPolicy(Ridge(), **SMALL).fit(TwoWheels)
    student = distill(policy, TwoWheels, random_state=0, **FEW)
    assert set(student.tree_.classes_) <= set(range(4))
    assert student.act(np.array([1.0, 0.0])).shape == (2,)


def test_masks_of_environments_are_kept():
    class RightOnly(Corridor):
        def reset(self, **keywords):
            observation, info = super().reset(**keywords)
            return observation, info | {"action_mask": np.array([0, 1])}

        def step(self, action):
            *outcome, info = super().step(action)
            return *outcome, info | {"action_mask": np.array([0, 1])}

    policy = AMPOPolicy(Ridge(), **SMALL).fit(RightOnly)
    student = distill(policy, RightOnly, random_state=0, **FEW)
    assert student.tree_.classes_.tolist() == [1]


def test_a_student_is_exported(learned, tmp_path):
    student = distill(learned, Corridor, random_state=0, **FEW)
    module, states = {}, np.random.default_rng(0).normal(size=(200, 2))
    exec(to_python(student).text, module)
    expected = student.predict(states)
    assert_array_equal([module["act"](state) for state in states], expected)
    export = to_c(student)
    assert export.largest_difference == 0
    if COMPILER is not None:
        assert_array_equal(Compiled(export.text, tmp_path).act(states), expected)


def test_a_student_is_saved(learned, tmp_path):
    student = distill(learned, Corridor, random_state=0, **FEW)
    student.save(tmp_path / "student.skampo")
    loaded = skampo.load(tmp_path / "student.skampo")
    states = np.random.default_rng(0).normal(size=(50, 2))
    assert_array_equal(loaded.predict_proba(states), student.predict_proba(states))
    assert export_text(loaded.tree_) == export_text(student.tree_)
    assert loaded.return_ == student.return_


@pytest.mark.parametrize(
    "change",
    [
        lambda student: setattr(student.tree_, "n_classes_", 3),
        lambda student: setattr(student.tree_, "classes_", np.arange(3)),
        lambda student: setattr(student.tree_, "n_features_in_", 3),
        lambda student: student._policy.f.columns.fill(2),
        lambda student: student._policy.f.columns.fill(-1),
        lambda student: setattr(student, "classes_", np.arange(3)),
        lambda student: setattr(student, "n_features_in_", 3),
    ],
)
def test_files_whose_parts_do_not_fit_are_refused(change, learned, tmp_path):
    student = distill(learned, Corridor, random_state=0, **FEW)
    change(student)
    # Saving reads the file once, and refuses what loading does.
    with pytest.raises(SkampoFileError, match=r"decision tree|shares of|other obs"):
        student.save(tmp_path / "student.skampo")


def test_states_of_another_width_are_refused(learned):
    student = distill(learned, Corridor, random_state=0, **FEW)
    with pytest.raises(ValueError, match="2 features"):
        student._policy.unchecked().proba(np.zeros((3, 1)))


def test_what_is_refused(learned):
    with pytest.raises(InvalidParameterError, match="max_leaf_nodes"):
        distill(learned, Corridor, max_leaf_nodes=1)
    with pytest.raises(InvalidParameterError, match="policy"):
        TreePolicy(Ridge()).fit(Corridor)
    with pytest.raises(ValueError, match="2 features"):
        distill(learned, np.zeros((3, 5)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("env", "goal"),
    [("CartPole-v1", 490), ("MountainCar-v0", -115), ("Acrobot-v1", -100)],
)
def test_sixteen_leaves_do_nearly_as_well(env, goal):
    policy = AMPOPolicy(max_iter=20, early_stopping=True, random_state=0).fit(env)
    assert distill(policy, env, random_state=0).return_.mean >= goal
