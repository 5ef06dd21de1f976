"""Fitted Q evaluation on logs whose action values are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Lasso, Ridge, SGDRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import Critic, CriticSetting, FittedQ
from skampo.data import TransitionLog, Transitions
from skampo.encodings import Encoding
from skampo.exceptions import InvalidParameterError
from tests.faulty_envs import CountingEnv
from tests.iterates import softmax_of, uniform

GAMMA = 0.8
STATES = np.array([[0.0], [1.0]])
# Where state s and action a lead, and what they pay.
NEXT = np.array([[0, 1], [0, 1]])
REWARD = np.array([[1.0, -2.0], [0.5, 4.0]])
SCORES = np.array([[0.0, 1.0], [0.5, 0.0]])
POLICY = softmax_of(lambda X: SCORES[X[:, 0].astype(int)])
UNIFORM = uniform(2)

TABULAR = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(1e-12))
DENSE = make_pipeline(OneHotEncoder(sparse_output=False), Ridge(1e-12))
RIDGE = make_pipeline(OneHotEncoder(), Ridge(1e-12, fit_intercept=False))
EXACT = {
    "sparse ridge": TABULAR,
    "dense ridge": DENSE,
    "ridge without intercept": RIDGE,
    "tree": DecisionTreeRegressor(random_state=0),
    "neighbor": KNeighborsRegressor(1),
}
every_exact = pytest.mark.parametrize("name", EXACT)


def log(states, actions, *, terminated=None, truncated=None, ends=None, reward=REWARD):
    """Transitions of the two-state problem, drawn by a uniform policy."""
    states, actions = np.asarray(states), np.asarray(actions)
    no = np.zeros(len(states), dtype=bool)
    return Transitions(
        STATES[states],
        actions,
        reward[states, actions],
        STATES[NEXT[states, actions]],
        no if terminated is None else np.asarray(terminated, dtype=bool),
        no if truncated is None else np.asarray(truncated, dtype=bool),
        ~no if ends is None else np.asarray(ends, dtype=bool),
        np.full(len(states), 0.5),
    )


# One walk through all pairs: 0 -0-> 0 -1-> 1 -1-> 1 -0-> 0.
WALK = log([0, 0, 1, 1], [0, 1, 1, 0], ends=[0, 0, 0, 1])


def number_line(n_rows):
    """A log whose states are all different."""
    actions, times = np.arange(n_rows) % 2, np.arange(n_rows + 1.0)[:, None]
    rows = {"observations": times[:-1], "next_observations": times[1:]}
    return Transitions(**vars(log(0 * actions, actions)) | rows)


def setting(regressor=TABULAR, gamma=GAMMA, encoding="per_action", n_actions=2):
    encoding = Encoding.by_name[encoding]()
    rng = np.random.default_rng(0)
    return CriticSetting(n_actions, gamma, regressor, encoding, rng)


def exact_q(reward=REWARD, gamma=GAMMA, policy=POLICY):
    """Solve Q = r + gamma P pi Q."""
    proba = policy.proba(STATES)
    step = np.zeros((4, 4))
    for s, a in np.ndindex(2, 2):
        step[2 * s + a, 2 * NEXT[s, a] : 2 * NEXT[s, a] + 2] = proba[NEXT[s, a]]
    return np.linalg.solve(np.eye(4) - gamma * step, reward.ravel()).reshape(2, 2)


def evaluate(transitions, regressor=TABULAR, policy=POLICY, critic=None, **keywords):
    critic = FittedQ(n_sweeps=300, tol=0) if critic is None else critic
    return critic, critic.evaluate(policy, transitions, setting(regressor, **keywords))


class TestConvergence:
    @every_exact
    @pytest.mark.parametrize("trace_decay", [None, 0.0, 0.9])
    def test_to_the_values_of_the_policy(self, name, trace_decay):
        critic = FittedQ(n_sweeps=100, tol=1e-12, trace_decay=trace_decay)
        critic, sample = evaluate(WALK, EXACT[name], critic=critic)
        assert_allclose(critic.q_(STATES), exact_q(), rtol=1e-6)
        visited = sample.observations[:, 0].astype(int)
        assert_allclose(sample.q_values, exact_q()[visited], rtol=1e-6)

    @pytest.mark.parametrize("size", [1e-200, 1e-6, 1e12, 1e200])
    def test_for_rewards_of_any_size(self, size):
        transitions = log([0, 0, 1, 1], [0, 1, 1, 0], reward=size * REWARD)
        critic, _ = evaluate(transitions)
        assert_allclose(critic.q_(STATES) / size, exact_q(), rtol=1e-6)

    def test_whatever_policy_gathered_the_log(self):
        states, actions = [0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 0, 1, 1]
        critic, _ = evaluate(log(states, actions))
        assert_allclose(critic.q_(STATES), exact_q(), rtol=1e-6)

    @pytest.mark.parametrize("eta", [1.0, np.inf])
    def test_of_the_policy_that_is_asked_about(self, eta):
        policy = POLICY.improve(POLICY.f, eta)
        critic, _ = evaluate(WALK, policy=policy)
        assert_allclose(critic.q_(STATES), exact_q(policy=policy), rtol=1e-6)

    def test_one_step_problem(self):
        critic, _ = evaluate(WALK, gamma=0.0)
        assert_allclose(critic.q_(STATES), REWARD, rtol=1e-6)

    def test_zero_rewards(self):
        _, sample = evaluate(log([0, 1], [0, 1], reward=0 * REWARD))
        assert_array_equal(sample.q_values, np.zeros((2, 2)))
        assert sample.reward_range == 0


class TestEnds:
    @every_exact
    @pytest.mark.parametrize("flag", ["terminated", "truncated"])
    def test_truncated_bootstraps_and_terminated_does_not(self, name, flag):
        # Only action 1 in state 1, which leads back to state 1.
        keywords = {flag: [True, True]}
        single = uniform(1)
        critic = FittedQ(n_sweeps=300, tol=0)
        transitions = log([1, 1], [1, 1], **keywords)
        actions = np.zeros(2, dtype=int)
        transitions = Transitions(**vars(transitions) | {"actions": actions})
        evaluate(transitions, EXACT[name], single, critic, n_actions=1)
        expected = 4.0 if flag == "terminated" else 4.0 / (1 - GAMMA)
        assert_allclose(critic.q_(STATES[1:]), [[expected]], rtol=1e-6)

    def test_forbidden_actions_are_not_bootstrapped_from(self):
        mask = np.tile([True, False], (4, 1))
        walk = Transitions(
            **vars(WALK) | {"action_masks": mask, "next_action_masks": mask}
        )
        only_first = softmax_of(lambda X: [[900.0, 0]] + 0 * X)
        critic, _ = evaluate(walk)
        assert_allclose(critic.q_(STATES), exact_q(policy=only_first), rtol=1e-6)

    @pytest.mark.parametrize("regressor", [TABULAR, DecisionTreeRegressor()], ids=str)
    def test_the_same_state_may_allow_other_actions_later(self, regressor):
        mask = np.array([[1, 1], [1, 0], [0, 1], [1, 1], [0, 1]], dtype=bool)
        walk = Transitions(
            **vars(WALK) | {"action_masks": mask[:4], "next_action_masks": mask[1:]}
        )
        critic = FittedQ(n_sweeps=2, tol=0, trace_decay=0.0)
        evaluate(walk, regressor, critic=critic)
        # What follows (0, 0), (0, 1), (1, 1) and (1, 0), one sweep earlier.
        both = POLICY.proba(STATES[1:])[0] @ REWARD[1]
        expected = REWARD + GAMMA * np.array([[1.0, 4.0], [-2.0, both]])
        assert_allclose(critic.q_(STATES), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["tree", "dense ridge"])
def test_without_probabilities_of_the_behavior_there_are_no_traces(name):
    unknown = Transitions(**vars(WALK) | {"behavior_proba": None})
    values = [
        evaluate(transitions, EXACT[name], critic=FittedQ(n_sweeps=2, trace_decay=d))
        for transitions, d in ((unknown, 0.9), (WALK, 0.0), (WALK, 0.9))
    ]
    traced, plain, known = (critic.q_(STATES) for critic, _ in values)
    assert_allclose(traced, plain)
    assert np.abs(traced - known).max() > 0.1


class TestSweeps:
    def test_one_by_hand(self):
        critic, _ = evaluate(WALK, critic=FittedQ(n_sweeps=1, trace_decay=0.0))
        assert_allclose(critic.q_(STATES), REWARD, rtol=1e-6)
        assert critic.n_sweeps_ == 1

    def test_two_by_hand(self):
        critic, _ = evaluate(WALK, critic=FittedQ(n_sweeps=2, trace_decay=0.0))
        values = (POLICY.proba(STATES) * REWARD).sum(axis=1)
        assert_allclose(critic.q_(STATES), REWARD + GAMMA * values[NEXT], rtol=1e-6)

    def test_the_next_evaluation_starts_from_the_last(self):
        critic = FittedQ(n_sweeps=1, trace_decay=0.0, tol=0)
        for _ in range(2):
            evaluate(WALK, critic=critic)
        twice, _ = evaluate(WALK, critic=FittedQ(n_sweeps=2, trace_decay=0.0, tol=0))
        assert_allclose(critic.q_(STATES), twice.q_(STATES), rtol=1e-6)

    def test_they_stop_when_the_values_settle(self):
        critic, _ = evaluate(WALK, critic=FittedQ(n_sweeps=500, tol=1e-2))
        assert 2 < critic.n_sweeps_ < 50

    def test_values_stay_attainable(self):
        wild = make_pipeline(OneHotEncoder(), Ridge(1e-12))
        critic, _ = evaluate(WALK, wild, critic=FittedQ(n_sweeps=30))
        assert critic.q_(STATES).min() >= -2 / (1 - GAMMA)
        assert critic.q_(STATES).max() <= 4 / (1 - GAMMA)


class TestLearningOn:
    def test_from_sweep_to_sweep_and_from_one_evaluation_to_the_next(self):
        regressor = make_pipeline(OneHotEncoder(), SGDRegressor(random_state=0))
        critic, n_passes = FittedQ(n_sweeps=3, tol=0), []
        for _ in range(2):
            evaluate(WALK, regressor, critic=critic)
            n_passes.append(critic.q_.scores.scores.shared.t_)
        assert n_passes[1] == n_passes[0] + 3 * len(WALK)

    def test_by_its_own_fit_with_a_warm_start(self):
        lasso = Lasso(1e-4, warm_start=True, tol=1e-10)
        regressor = make_pipeline(OneHotEncoder(sparse_output=False), lasso)
        critic = FittedQ(n_sweeps=200, tol=0)
        evaluate(WALK, regressor, critic=critic)
        model = critic.q_.scores.scores.shared
        assert model.n_iter_ <= 2
        assert_allclose(critic.q_(STATES), exact_q(), rtol=1e-2)

    @pytest.mark.parametrize("warm_start", [False, True])
    def test_anew_when_new_states_bring_new_features(self, warm_start):
        sgd = SGDRegressor(warm_start=warm_start)
        one_hot = OneHotEncoder(handle_unknown="ignore")
        policy = AMPOPolicy(make_pipeline(one_hot, sgd), max_iter=4, steps_per_iter=32)
        policy.set_params(random_state=0).fit("FrozenLake-v1")
        assert policy.n_iter_ == 4

    @pytest.mark.filterwarnings("ignore:the regressor explains nothing:UserWarning")
    def test_another_regressor_takes_over(self):
        network = MLPRegressor(hidden_layer_sizes=[4], max_iter=20, tol=1e3)
        policy = AMPOPolicy(network, warm_start=True, max_iter=2, steps_per_iter=32)
        policy.set_params(random_state=0).fit(CountingEnv())
        policy.set_params(regressor=SGDRegressor(eta0=1e-6)).fit(CountingEnv())
        assert {type(model) for model in policy.regressor_} == {SGDRegressor}


class TestRandomFeatures:
    def drawn(self, sizes, transformer=None):
        """Which of the evaluations in a row drew features of their own."""
        regressor = make_pipeline(transformer or RBFSampler(), Ridge())
        critic, features = FittedQ(n_sweeps=1), []
        for n_rows in sizes:
            evaluate(number_line(n_rows), regressor, UNIFORM, critic)
            features.append(critic.transformer_)
        pairs = zip(features, [None, *features[:-1]], strict=True)
        return [i for i, (a, b) in enumerate(pairs) if a is not b]

    def test_drawn_anew_when_the_data_have_grown_by_a_fifth(self):
        assert self.drawn([10, 11, 12, 13, 14, 16]) == [0, 3, 5]

    def test_what_is_not_random_always_knows_all_data(self):
        assert self.drawn([10] * 4, StandardScaler()) == [0, 1, 2, 3]

    def test_a_union_with_the_columns_themselves_is_kept_as_well(self):
        union = FeatureUnion([("columns", "passthrough"), ("kernel", RBFSampler())])
        assert self.drawn([10] * 3, union) == [0]

    def test_actions_that_are_columns_leave_no_features_of_states(self):
        regressor = make_pipeline(StandardScaler(), Ridge())
        critic, _ = evaluate(WALK, regressor, encoding="joint")
        assert not hasattr(critic, "transformer_")

    def test_drawn_anew_once_in_a_while_when_nothing_grows(self):
        assert 2 <= len(self.drawn([10] * 20)) <= 4


class TestUnseen:
    @every_exact
    def test_an_action_never_taken_gets_the_mean_of_the_others(self, name):
        transitions = log([0, 0, 1, 1], [0, 1, 1, 0])
        policy = uniform(3)
        critic = FittedQ(n_sweeps=1, trace_decay=0.0)
        evaluate(transitions, EXACT[name], policy, critic, n_actions=3)
        values = critic.q_(STATES)
        assert_allclose(values[:, :2], REWARD, rtol=1e-6)
        assert_allclose(values[:, 2], REWARD.mean(axis=1), rtol=1e-6)


class TestSample:
    @pytest.mark.parametrize("regressor", [DecisionTreeRegressor(), TABULAR], ids=str)
    def test_what_it_carries(self, regressor):
        critic = FittedQ(regressor, n_sweeps=2)
        _, sample = evaluate(WALK, DecisionTreeRegressor(), critic=critic)
        assert_array_equal(sample.observations, WALK.observations)
        assert (sample.gamma, sample.reward_range) == (GAMMA, 6.0)
        assert sample.sample_weight is None

    def test_states_that_repeat_are_counted(self):
        _, sample = evaluate(log([0, 1, 1, 1], [0, 1, 1, 0]))
        assert_array_equal(sample.observations, STATES)
        assert_array_equal(sample.sample_weight, [1, 3])

    def test_states_that_hardly_repeat_stay_as_they_were(self):
        states = np.array([[3.0], [1.0], [2.0], [1.0], [0.5]])
        walk = log([0, 1, 0, 1], [0, 1, 1, 0], ends=[0, 0, 0, 1])
        walk = Transitions(
            **vars(walk) | {"observations": states[:4], "next_observations": states[1:]}
        )
        _, sample = evaluate(walk, Ridge(), UNIFORM)
        assert_array_equal(sample.observations, states[:4])
        assert sample.sample_weight is None

    def test_a_state_that_only_follows_has_no_row(self):
        _, sample = evaluate(log([0, 0, 0, 0], [0, 0, 1, 1]))
        assert_array_equal(sample.observations, STATES[:1])
        assert_array_equal(sample.sample_weight, [4])

    def test_only_so_many_states_are_labeled_in_the_order_of_the_log(self):
        walk = number_line(6)
        for regressor in (Ridge(), DecisionTreeRegressor()):
            critic = FittedQ(regressor, n_sweeps=2, n_states=4)
            _, sample = evaluate(walk, policy=UNIFORM, critic=critic)
            assert len(sample.q_values) == len(sample.observations) == 4
            assert (np.diff(sample.observations[:, 0]) > 0).all()
            assert sample.sample_weight is None

    @pytest.mark.parametrize(
        ("regressor", "n_labeled"),
        [(Ridge(), 4200), (DecisionTreeRegressor(max_depth=1), 4096)],
        ids=["linear", "other"],
    )
    def test_linear_regressors_afford_all_states(self, regressor, n_labeled):
        _, sample = evaluate(number_line(4200), regressor, UNIFORM, FittedQ(n_sweeps=1))
        assert len(sample.q_values) == n_labeled

    def test_a_regressor_of_its_own(self):
        critic = FittedQ(TABULAR, n_sweeps=300, tol=0)
        _, sample = evaluate(WALK, Ridge(1e6), critic=critic)
        assert_allclose(critic.q_(STATES), exact_q(), rtol=1e-6)
        assert sample.shared is None
        assert not hasattr(critic.regressor[-1], "coef_")

    @every_exact
    def test_twice_the_same(self, name):
        first, second = (evaluate(WALK, EXACT[name])[1] for _ in range(2))
        assert_array_equal(first.q_values, second.q_values)


class TestRidge:
    """The shortcut for a ridge is as robust as scikit-learn's."""

    def walk(self, observe):
        return Transitions(
            **vars(WALK)
            | {
                "observations": observe(WALK.observations),
                "next_observations": observe(WALK.next_observations),
            }
        )

    @pytest.mark.parametrize("offset", [0.0, 1e4, 1e8, 1e12])
    def test_far_from_the_origin(self, offset):
        walk = self.walk(lambda X: X + offset)
        critic = FittedQ(n_sweeps=1, trace_decay=0.0)
        evaluate(walk, Ridge(1e-3), UNIFORM, critic)
        expected = np.empty((2, 2))
        for a in range(2):
            rows = WALK.actions == a
            X, y = WALK.observations[rows], WALK.rewards[rows]
            expected[:, a] = Ridge(1e-3).fit(X, y).predict(STATES)
        assert_allclose(critic.q_(STATES + offset), expected, rtol=1e-3)

    def test_collinear_columns_and_a_tiny_penalty(self):
        walk = self.walk(lambda X: np.hstack([X, X, 3 * X]) * 1e3)
        critic = FittedQ(n_sweeps=1, trace_decay=0.0)
        evaluate(walk, Ridge(1e-12), UNIFORM, critic)
        observations = np.hstack([STATES, STATES, 3 * STATES]) * 1e3
        assert_allclose(critic.q_(observations), REWARD, rtol=1e-3)

    def test_the_own_fit_of_a_subclass_is_used(self):
        class Zero(Ridge):
            def fit(self, X, y, sample_weight=None):
                return super().fit(X, 0 * y, sample_weight)

        critic, _ = evaluate(WALK, Zero(1e-12), critic=FittedQ(n_sweeps=1))
        assert_allclose(critic.q_(STATES), np.zeros_like(REWARD), atol=1e-9)

    @pytest.mark.parametrize("nested", [False, True])
    def test_transformers_that_need_the_target(self, nested):
        select = SelectKBest(f_regression, k=1)
        steps = make_pipeline(select) if nested else select
        pipeline = make_pipeline(steps, Ridge(1e-12))
        critic, sample = evaluate(WALK, pipeline, critic=FittedQ(n_sweeps=1))
        assert sample.shared is None
        assert np.isfinite(critic.q_(STATES)).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_sweeps", 0),
        ("n_sweeps", -1),
        ("n_sweeps", 2.5),
        ("trace_decay", -0.1),
        ("trace_decay", 1.1),
        ("trace_decay", np.nan),
        ("capacity", 0),
        ("capacity", -5),
        ("tol", -1.0),
        ("tol", np.nan),
        ("regressor", Ridge),
        ("regressor", "ridge"),
    ],
)
def test_parameters_are_checked_in_fit(name, value):
    critic = FittedQ(**{name: value})
    assert clone(critic).get_params()[name] is value
    policy = AMPOPolicy(critic=critic, max_iter=1, steps_per_iter=16)
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter of FittedQ"):
        policy.fit(CountingEnv())


class Unfinished(Critic):
    """A critic of one's own that does not say how it evaluates a policy."""


def test_a_critic_of_ones_own_has_to_evaluate_policies():
    policy = AMPOPolicy(critic=Unfinished(), max_iter=1, steps_per_iter=16)
    with pytest.raises(NotImplementedError):
        policy.fit(CountingEnv())


@pytest.mark.slow
def test_features_of_very_many_rows_are_told_to_be_in_memory():
    n_rows = 2**20 + 2
    states = np.zeros((n_rows, 2))
    states[::3] = 1.0
    log = TransitionLog(states, np.arange(n_rows) % 2, states[:, 0], states)
    critic = FittedQ("policy", n_sweeps=1)
    policy = AMPOPolicy(Ridge(), critic=critic, gamma=0.5, max_iter=1)
    with pytest.warns(UserWarning, match="LSTDQ.* reads .* block by block"):
        policy.fit(log)
