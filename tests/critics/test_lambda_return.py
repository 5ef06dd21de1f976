"""Lambda-returns, the value and the advantages fitted to them, by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import CriticSetting, LambdaReturn
from skampo.data import Transitions
from skampo.encodings import Encoding
from skampo.exceptions import InvalidParameterError
from tests.faulty_envs import CountingEnv

STATES = np.arange(3.0)[:, None]
TREE = DecisionTreeRegressor(random_state=0)


def chain(*, terminated, observations=STATES, actions=(0, 1, 0)):
    """States 0, 1, 2 and rewards 1, 2, 4; the last step goes back to state 0."""
    last = np.array([False, False, True])
    return Transitions(
        observations,
        np.array(actions),
        np.array([1.0, 2.0, 4.0]),
        np.roll(observations, -1, axis=0),
        last & terminated,
        last & (not terminated),
        last,
    )


def evaluate(critic, transitions, gamma=0.5, regressor=TREE, encoding="per_action"):
    rng = np.random.default_rng(0)
    setting = CriticSetting(2, gamma, regressor, Encoding.by_name[encoding](), rng)
    return critic.evaluate(None, transitions, setting)


class TestByHand:
    # The first value fit sees no bootstrapping beyond what lambda passes on.
    VALUES = {0.0: [1.0, 2.0, 4.0], 1.0: [3.0, 4.0, 4.0]}
    RETURNS = {0.0: [2.0, 4.0, 4.0], 1.0: [3.0, 4.0, 4.0]}

    @pytest.mark.parametrize("trace_decay", [0.0, 1.0])
    def test_one_episode(self, trace_decay):
        critic = LambdaReturn(trace_decay, n_value_fits=1)
        sample = evaluate(critic, chain(terminated=True))
        values = np.array(self.VALUES[trace_decay])
        returns = np.array(self.RETURNS[trace_decay])
        assert_allclose(critic.value_(STATES)[:, 0], values)
        taken = sample.q_values[[0, 1, 2], [0, 1, 0]]
        assert_allclose(taken, returns)
        # Action 1 was taken in state 1 only: its advantage there is the one everywhere.
        assert_allclose(sample.q_values[:, 1], values + returns[1] - values[1])

    def test_in_between(self):
        critic = LambdaReturn(0.5, n_value_fits=1)
        evaluate(critic, chain(terminated=True))
        # Backwards: 4; 2 + 0.5 (0 + 0.5 * 4); 1 + 0.5 * 0.5 * 3.
        assert_allclose(critic.value_(STATES)[:, 0], [1.75, 3.0, 4.0])

    @pytest.mark.parametrize("trace_decay", [0.0, 0.7, 1.0])
    def test_the_last_step_bootstraps_unless_it_terminated(self, trace_decay):
        for terminated in True, False:
            critic = LambdaReturn(trace_decay, n_value_fits=1)
            evaluate(critic, chain(terminated=True))
            first = critic.value_(STATES)[0, 0]
            evaluate(critic, chain(terminated=terminated))
            expected = 4.0 if terminated else 4.0 + 0.5 * first
            assert_allclose(critic.value_(STATES)[2, 0], expected)

    def test_fits_in_turn(self):
        once = LambdaReturn(0.0, n_value_fits=1)
        for _ in range(3):
            evaluate(once, chain(terminated=True))
        thrice = LambdaReturn(0.0, n_value_fits=3)
        evaluate(thrice, chain(terminated=True))
        assert_allclose(thrice.value_(STATES), once.value_(STATES))
        assert_allclose(thrice.value_(STATES)[:, 0], [3.0, 4.0, 4.0])

    @pytest.mark.parametrize("size", [1e-200, 1e200])
    def test_rewards_of_any_size(self, size):
        transitions = chain(terminated=True)
        scaled = Transitions(
            **vars(transitions) | {"rewards": size * transitions.rewards}
        )
        plain, large = (
            evaluate(LambdaReturn(), data) for data in (transitions, scaled)
        )
        assert_allclose(large.q_values / size, plain.q_values, rtol=1e-9)


class TestRegressors:
    def test_one_for_the_advantages_and_one_for_the_values(self):
        critic = LambdaReturn(
            1.0, regressor=TREE, value_regressor=DummyRegressor(), n_value_fits=1
        )
        sample = evaluate(critic, chain(terminated=True), regressor=Ridge(1e6))
        mean = 11 / 3
        assert_allclose(critic.value_(STATES), np.full((3, 1), mean))
        assert_allclose(sample.q_values[[0, 1, 2], [0, 1, 0]], [3, 4, 4])

    @pytest.mark.parametrize("encoding", sorted(Encoding.by_name))
    def test_every_encoding(self, encoding):
        sample = evaluate(LambdaReturn(1.0), chain(terminated=True), encoding=encoding)
        assert_allclose(sample.q_values[[0, 1, 2], [0, 1, 0]], [3, 4, 4])

    def test_an_action_never_taken(self):
        transitions = chain(terminated=True, actions=(0, 0, 0))
        sample = evaluate(LambdaReturn(1.0), transitions)
        assert_allclose(sample.q_values[:, 1], sample.q_values[:, 0])


class TestLearningOn:
    NETWORK = MLPRegressor(hidden_layer_sizes=(3,), batch_size=1, max_iter=5)

    def evaluate_twice(self, n_passes=4, regressor=NETWORK):
        critic = LambdaReturn(n_value_fits=1, n_passes=n_passes)
        for _ in range(2):
            first = getattr(critic, "value_", None)
            evaluate(critic, chain(terminated=True), regressor=regressor)
        return critic, first

    @pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
    def test_networks_go_on_where_the_last_iteration_left_them(self):
        critic, first = self.evaluate_twice()
        # `t_` counts rows: three of them, in five passes and then in four.
        assert (first.model.t_, critic.value_.model.t_) == (15, 15 + 12)
        assert critic.value_.scale == first.scale
        # Action 0 was taken twice and action 1 once.
        assert [model.t_ for model in critic.q_.advantage.models] == [18, 9]

    def test_others_are_fitted_anew(self):
        critic, first = self.evaluate_twice(regressor=Ridge())
        again = LambdaReturn(n_value_fits=1)
        again.value_ = first
        evaluate(again, chain(terminated=True), regressor=Ridge())
        assert_array_equal(again.value_(STATES), critic.value_(STATES))


def test_the_sample():
    transitions = chain(terminated=True)
    sample = evaluate(LambdaReturn(), transitions)
    assert_array_equal(sample.observations, STATES)
    assert (sample.gamma, sample.reward_range) == (0.5, 3.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trace_decay", -0.1),
        ("trace_decay", 1.1),
        ("trace_decay", np.nan),
        ("trace_decay", "0.5"),
        ("trace_decay", None),
        ("n_value_fits", 0),
        ("n_value_fits", 1.5),
        ("n_passes", 0),
        ("regressor", Ridge),
        ("value_regressor", Ridge),
        ("value_regressor", "ridge"),
    ],
)
def test_parameters_are_checked_in_fit(name, value):
    critic = LambdaReturn(**{name: value})
    policy = AMPOPolicy(critic=critic, max_iter=1, steps_per_iter=16)
    with pytest.raises(
        InvalidParameterError, match=f"'{name}' parameter of LambdaReturn"
    ):
        policy.fit(CountingEnv())
