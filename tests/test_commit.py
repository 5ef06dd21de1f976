"""What a fit has learned is taken over at once: never the half of it."""

import threading
from contextlib import suppress

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.critics import FittedQ
from tests.scripted import RewardingEnv

SMALL = {"steps_per_iter": 40, "n_envs": 2, "random_state": 0}
STATES = np.random.default_rng(0).normal(size=(20, 2))
LABELS = np.array([[0.0], [1.0], [2.0]])
METHODS = ["predict_proba", "decision_function", "predict", "sample"]


class Interrupting(AMPOPolicy):
    """Ctrl-C at one of the assignments to its attributes."""

    at = None

    def __setattr__(self, name, value):
        # Those of scikit-learn's callbacks are not ours.
        if self.at is not None and "callback" not in name:
            type(self).at -= 1
            if self.at == 0:
                raise KeyboardInterrupt
        super().__setattr__(name, value)


def is_consistent(policy):
    """Whether all that is known of the policy is of one iteration."""
    n_iter = policy.n_iter_
    assert len(policy.history_) == policy.best_iteration_ == n_iter
    expected = AMPOPolicy(Ridge(), max_iter=n_iter, **SMALL).fit(RewardingEnv)
    assert_array_equal(policy.predict_proba(STATES), expected.predict_proba(STATES))
    assert_array_equal(policy.action_values(STATES), expected.action_values(STATES))
    if n_iter:
        assert_array_equal(policy.critic_.q_(STATES), expected.action_values(STATES))
    return True


@pytest.mark.parametrize("at", range(1, 6))
def test_ctrl_c_while_an_iteration_is_taken_over(at, monkeypatch):
    policy = Interrupting(Ridge(), warm_start=True, max_iter=4, **SMALL)
    policy.set_params(max_iter=0).fit(RewardingEnv).set_params(max_iter=4)
    monkeypatch.setattr(Interrupting, "at", at)
    # If nothing was assigned that often, the fit simply ends.
    with suppress(KeyboardInterrupt):
        policy.fit(RewardingEnv)
    monkeypatch.setattr(Interrupting, "at", None)
    assert is_consistent(policy)
    # What another fit continues from is of the same iteration.
    n_iter = policy.n_iter_
    policy.set_params(max_iter=1).fit(RewardingEnv)
    iterations = [record["iteration"] for record in policy.history_]
    assert iterations == list(range(1, n_iter + 2))


class Breaking(FittedQ):
    """Fails after an evaluation of its own, when all of it has changed."""

    left = 2

    def evaluate(self, policy, transitions, setting):
        sample = super().evaluate(policy, transitions, setting)
        type(self).left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return sample


@pytest.mark.parametrize("warm", [False, True])
def test_the_critic_is_that_of_the_policy(warm, monkeypatch):
    policy = AMPOPolicy(Ridge(), critic=Breaking(), max_iter=2, **SMALL)
    policy.set_params(warm_start=warm)
    if warm:
        policy.set_params(max_iter=1).fit(RewardingEnv).set_params(max_iter=2)
    monkeypatch.setattr(Breaking, "left", 2 - warm)
    with pytest.raises(KeyboardInterrupt):
        policy.fit(RewardingEnv)
    assert policy.n_iter_ == 1
    assert is_consistent(policy)


def test_a_history_that_was_taken_does_not_grow():
    policy = AMPOPolicy(Ridge(), warm_start=True, max_iter=1, **SMALL)
    history = policy.fit(RewardingEnv).history_
    policy.fit(RewardingEnv)
    assert (len(history), len(policy.history_)) == (1, 2)


def test_names_of_columns_go_with_the_data_that_had_them():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [0.0, 1.0]})
    policy = AMPOPolicy(Ridge(), max_iter=1).fit(frame, rewards=np.eye(2))
    assert policy.feature_names_in_.tolist() == ["a"]
    policy.fit([[0.0], [1.0]], [0, 1])
    assert not hasattr(policy, "feature_names_in_")


def watch(policy, method, is_over, found):
    """Predict until a fit is over; write down what does not fit together."""
    while not is_over.is_set():
        try:
            result = getattr(policy, method)(LABELS)
        except Exception as error:
            found.append(error)
            return
        if method in ("predict", "sample"):
            # Labels of three actions are letters, those of two are numbers.
            if len({str(label).isdigit() for label in result}) > 1:
                found.append(result)
        elif result.shape not in {(3, 2), (3, 3), (3,)}:
            found.append(result.shape)


def test_who_predicts_during_a_fit_sees_one_fit_or_the_other():
    fits = [(LABELS, [0, 1, 0]), (LABELS, ["a", "b", "c"])]
    policy = AMPOPolicy(Ridge(), max_iter=1, random_state=0).fit(*fits[0])
    is_over, found = threading.Event(), []
    threads = [
        threading.Thread(target=watch, args=(policy, method, is_over, found))
        for method in METHODS
    ]
    for thread in threads:
        thread.start()
    for i in range(12):
        policy.fit(*fits[i % 2])
    is_over.set()
    for thread in threads:
        thread.join()
    assert found == []


class Hesitant(AMPOPolicy):
    """Another fit ends while a method is at work."""

    def _check_states(self, X):
        states = super()._check_states(X)
        if self.refit is not None:
            policy, data = self.refit
            policy.refit = None
            policy.fit(*data)
        return states

    refit = None


@pytest.mark.parametrize("method", METHODS)
def test_a_fit_that_ends_within_a_prediction_does_not_show(method):
    two, three = (LABELS, [0, 1, 0]), (LABELS, ["a", "b", "c"])
    keywords = {"random_state": 0} if method == "sample" else {}
    expected = AMPOPolicy(Ridge(), max_iter=1, random_state=0).fit(*three)
    policy = Hesitant(Ridge(), max_iter=1, random_state=0).fit(*three)
    policy.refit = policy, two
    result = getattr(policy, method)(LABELS, **keywords)
    assert_array_equal(result, getattr(expected, method)(LABELS, **keywords))
    assert policy.classes_.tolist() == [0, 1]
