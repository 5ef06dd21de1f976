"""When the classifier of a log is fitted, and which rows its estimates belong to."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skampo import AMPOPolicy
from skampo.critics import CriticSetting, FittedQ, Pessimistic
from skampo.data import TransitionLog
from skampo.encodings import Encoding
from skampo.exceptions import RegressorError
from tests.faulty_envs import CountingEnv
from tests.iterates import uniform
from tests.scripted import Fuse

UNIFORM = uniform(2)
TABULAR = make_pipeline(
    OneHotEncoder(handle_unknown="ignore"), Ridge(1e-9, fit_intercept=False)
)


class FusedTree(DecisionTreeClassifier):
    """Fails at the n-th fit of all its clones together."""

    def __init__(self, fuse=None):
        super().__init__()
        self.fuse = fuse

    def fit(self, X, y):
        self.fuse.tick()
        return super().fit(X, y)


def make_setting():
    rng = np.random.default_rng(0)
    return CriticSetting(2, 0.9, TABULAR, Encoding.by_name["auto"](), rng)


def make_log(actions, states=(0.0, 1.0, 2.0, 3.0)):
    states = np.array(states)[:, None]
    return TransitionLog(states, actions, [0.0, 1.0, 0.0, 2.0], states)


def test_the_classifier_of_a_log_is_fitted_once():
    fuse = Fuse(at=99)
    policy = AMPOPolicy(TABULAR, critic=Pessimistic(classifier=FusedTree(fuse)))
    policy.set_params(max_iter=4, random_state=0, step_size="constant")
    assert policy.fit(make_log([0, 1, 0, 1])).n_iter_ > 1
    assert fuse.n == 1


def test_a_full_store_is_classified_again():
    fuse = Fuse(at=99)
    critic = Pessimistic(FittedQ(capacity=40), classifier=FusedTree(fuse))
    policy = AMPOPolicy(TABULAR, critic=critic, max_iter=3, steps_per_iter=40)
    policy.set_params(random_state=0).fit(CountingEnv)
    assert fuse.n == 3


def test_another_log_of_the_same_length_is_classified_again():
    critic = Pessimistic(classifier=DecisionTreeClassifier())
    policy = AMPOPolicy(TABULAR, critic=critic, max_iter=1, warm_start=True)
    for actions in [0, 1, 0, 1], [1, 1, 0, 0]:
        log = make_log(actions)
        policy.set_params(random_state=0).fit(log)
        assert policy.critic_.classifier_.predict(log.states).tolist() == actions


def test_merged_states_have_an_order_of_their_own():
    log = make_log([0, 1, 0, 1], states=[3.0, 1.0, 0.0, 2.0])
    critic = Pessimistic(classifier=DecisionTreeClassifier())
    transitions = log.transitions()
    sample = critic.evaluate(UNIFORM, transitions, make_setting())
    assert sample.observations.ravel().tolist() == [0, 1, 2, 3]
    # The policy is uniform: what is left of the penalty is that of the logged one.
    penalty = (sample.q_values - critic.q_(sample.observations)) * sample.largest_step
    behavior = np.where([[0], [1], [1], [0]] == np.arange(2), 1.0, 0.01)
    assert_allclose(np.diff(penalty), 2 * np.diff(np.log(behavior)), atol=1e-9)


def test_a_classifier_that_fails_is_named_and_asked_again():
    critic = Pessimistic(classifier=FusedTree(Fuse(2, OSError("disk full"))))
    first, second = (
        make_log(actions).transitions() for actions in ([0, 1, 0, 1], [1, 1, 0, 0])
    )
    setting = make_setting()
    critic.evaluate(UNIFORM, first, setting)
    with pytest.raises(RegressorError, match=r"classifier FusedTree.*4 x 1.*disk full"):
        critic.evaluate(UNIFORM, second, setting)
    critic.evaluate(UNIFORM, second, setting)
    assert critic.classifier_.predict(second.observations).tolist() == [1, 1, 0, 0]
