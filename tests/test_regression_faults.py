"""What a regressor that fails, or answers nonsense, does to a fit."""

import warnings

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, TransformerMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import CriticSetting, FittedQ, LambdaReturn
from skampo.encodings import Encoding, Scores
from skampo.exceptions import RegressorError
from tests.faulty_envs import CountingEnv, TabularEnv

X = np.random.RandomState(0).randn(40, 3)
Y = np.digitize(X[:, 0], [-0.5, 0.5])
UNIFORM = np.full((40, 3), 1 / 3)


class Clock:
    """Counts calls over all clones of what holds it."""

    def __init__(self):
        self.n_calls = 0

    def __deepcopy__(self, memo):
        """Share the count."""
        return self


class Faulty(RegressorMixin, BaseEstimator):
    """A linear regression with a fault in one of its calls, counted from 1."""

    def __init__(self, clock, in_fit=None, in_predict=None, at_call=1):
        self.clock = clock
        self.in_fit = in_fit
        self.in_predict = in_predict
        self.at_call = at_call

    def fit(self, X, y):
        if self.in_fit is not None:
            self.clock.n_calls += 1
            if self.clock.n_calls >= self.at_call:
                return self.in_fit(self)
        self.model_ = LinearRegression().fit(X, y)
        return self

    def predict(self, X):
        answer = self.model_.predict(X)
        if self.in_predict is not None:
            self.clock.n_calls += 1
            if self.clock.n_calls >= self.at_call:
                return self.in_predict(answer)
        return answer

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class FaultyTransformer(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        raise KeyError("no such column")

    def transform(self, X):
        return X


class Answers(RegressorMixin, BaseEstimator):
    """Predicts whatever it was told to."""

    def __init__(self, answer=None):
        self.answer = answer

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.answer


def one_column(answer):
    """The scores of one action, by a model that answers this for three rows."""
    return Scores((Answers(answer),))(X[:3])[:, 0]


def two_columns(answer):
    """Those of two actions, by one model."""
    setting = CriticSetting(2, 0.9, Answers(answer), None, np.random.default_rng(0))
    encoding = Encoding.by_name["multi_output"]()
    learner = setting.learner(setting.regressor)
    # Fitted in units of the values.
    return encoding.fit_all(learner, X[:3], np.ones((3, 2)), None)(X[:3])


def fails(self):
    raise OSError("disk full")


def fail_at_iteration(n, policy=None, **fault):
    """A policy whose regressor fails in iteration `n` of a fit to labels."""
    regressor = Faulty(Clock(), at_call=n, **fault)
    # Only the softmax needs no more than one fit for values that stay the same.
    policy = (policy or AMPOPolicy()).set_params(mirror_map="euclidean", max_iter=5)
    return policy.set_params(regressor=regressor)


def test_what_failed_and_when():
    with pytest.raises(RegressorError) as caught:
        fail_at_iteration(3, in_fit=fails).fit(X, Y)
    message = str(caught.value)
    assert message.startswith("regressor Faulty(")
    assert "failed on 40 x 3 rows: OSError: disk full" in message
    assert "stopped in iteration 3 and keeps the policy of the 2 finished" in message
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    "fault", [{"in_fit": fails}, {"in_predict": lambda answer: answer * np.nan}]
)
def test_the_last_finished_policy_is_kept(fault):
    # An iteration predicts twice: to record it, and where the next one starts.
    at_call = 3 if "in_fit" in fault else 4
    policy = fail_at_iteration(at_call, AMPOPolicy(step_size="constant"), **fault)
    with pytest.raises(RegressorError, match="keeps the policy of the 2 finished"):
        policy.fit(X, Y)
    same = AMPOPolicy(Faulty(Clock()), step_size="constant", mirror_map="euclidean")
    same.set_params(max_iter=2).fit(X, Y)
    assert policy.n_iter_ == len(policy.history_) == 2
    policy._policy.f.model.in_predict = None
    assert_array_equal(policy.predict_proba(X), same.predict_proba(X))


def test_a_first_iteration_that_fails_leaves_the_uniform_policy():
    policy = fail_at_iteration(1, in_fit=fails)
    with pytest.raises(RegressorError, match="stopped in iteration 1"):
        policy.fit(X, Y)
    assert_allclose(policy.predict_proba(X), UNIFORM)
    assert policy.n_iter_ == 0


@pytest.mark.parametrize(
    "critic", [FittedQ(SVR(C=-1)), LambdaReturn(regressor=SVR(C=-1))]
)
def test_the_critic_fails(critic):
    policy = AMPOPolicy(Ridge(), critic=critic, max_iter=2, steps_per_iter=16)
    with pytest.raises(RegressorError, match=r"SVR\(C=-1\) failed .* in iteration 1"):
        policy.fit(CountingEnv())
    assert policy.n_iter_ == 0


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_of_several_regressors_fails(n_jobs):
    policy = AMPOPolicy(SVR(C=-1), encoding="per_action", n_jobs=n_jobs)
    with pytest.raises(RegressorError, match=r"SVR\(C=-1\) failed on 40 x 3 rows"):
        policy.fit(X, Y)


def test_predict_that_raises():
    policy = fail_at_iteration(1, in_predict=lambda answer: fails(None))
    with pytest.raises(RegressorError, match=r"disk full.* in iteration 1"):
        policy.fit(X, Y)


@pytest.mark.parametrize("data", [(X, Y), (CountingEnv(),)], ids=["labels", "env"])
def test_a_transformer_fails(data):
    policy = AMPOPolicy(make_pipeline(FaultyTransformer(), Ridge()), steps_per_iter=16)
    with pytest.raises(RegressorError, match=r"no such column.* in iteration 1"):
        policy.fit(*data)


class TestPredictions:
    @pytest.mark.parametrize(
        "answer",
        [
            [1, 2, 3],
            (1.0, 2.0, 3.0),
            [[1], [2], [3]],
            np.array([1, 2, 3], dtype=np.float32),
            np.array([1, 2, 3], dtype=">f8"),
            np.array([1, 2, 3], dtype=object),
            np.asfortranarray([[1.0], [2.0], [3.0]]),
            np.ma.array([1.0, 2.0, 3.0]),
        ],
        ids=["list", "tuple", "column", "f4", ">f8", "object", "fortran", "masked"],
    )
    def test_one_column(self, answer):
        column = one_column(answer)
        assert column.dtype == np.float64
        assert_array_equal(column, [1, 2, 3])

    def test_columns(self):
        answer = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(3, 2))
        columns = two_columns(answer)
        assert columns.dtype == np.float64
        assert_array_equal(columns, answer)

    @pytest.mark.parametrize("shape", [(2,), (4,), (6,), (2, 3), (), (1, 6), (3, 3)])
    def test_wrong_shapes(self, shape):
        with pytest.raises(RegressorError) as caught:
            two_columns(np.zeros(shape))
        assert f"shape {shape} for 3 rows; expected shape (3, 2)" in str(caught.value)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, bad):
        with pytest.raises(RegressorError, match="NaN or infinity for 1 of 3 rows"):
            two_columns([[0, 1], [bad, bad], [0, 0]])

    @pytest.mark.parametrize(
        "answer",
        [["a", "b", "c"], [1, [2, 3], 4], np.array([1j, 2, 3]), {1, 2, 3}],
        ids=["str", "ragged", "complex", "set"],
    )
    def test_not_numbers(self, answer):
        with pytest.raises(RegressorError, match="not numbers"):
            one_column(answer)

    def test_masked_values_are_no_numbers(self):
        answer = np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])
        with pytest.raises(RegressorError):
            one_column(answer)

    @pytest.mark.parametrize("kind", [np.float32, np.asfortranarray, list, np.ma.array])
    def test_in_a_fit(self, kind):
        plain = AMPOPolicy(Faulty(Clock()), max_iter=2).fit(X, Y)
        policy = AMPOPolicy(Faulty(Clock(), in_predict=kind), max_iter=2).fit(X, Y)
        proba = policy.predict_proba(X)
        assert proba.dtype == np.float64
        assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
        assert_allclose(proba, plain.predict_proba(X), rtol=1e-4, atol=1e-6)

    def test_after_the_fit(self):
        policy = AMPOPolicy(Faulty(Clock(), in_predict=np.copy), max_iter=1).fit(X, Y)
        policy.regressor_.in_predict = lambda answer: answer[:-1]
        with pytest.raises(RegressorError, match=r"\(39, 3\) for 40 rows"):
            policy.predict_proba(X)


def messages(policy, *data, **weights):
    """The warnings of a fit."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        policy.fit(*data, **weights)
    return [str(warning.message) for warning in caught]


class TestWarnings:
    def test_a_constant_prediction(self):
        regressor = DummyRegressor(strategy="constant", constant=[7.0, 7.0, 7.0])
        policy = AMPOPolicy(regressor, max_iter=3)
        (message,) = messages(policy, X, Y)
        assert message.startswith("the regressor predicts a constant")
        assert_array_equal(policy.predict_proba(X), UNIFORM)

    def test_noise(self):
        rng = np.random.default_rng(0)
        noise = lambda answer: rng.normal(size=answer.shape)
        policy = AMPOPolicy(Faulty(Clock(), in_predict=noise), max_iter=3)
        (message,) = messages(policy, X, Y)
        assert message.startswith("the regressor explains nothing of its own training")

    def test_a_good_fit_is_silent(self):
        assert messages(AMPOPolicy(Ridge(), max_iter=3), X, Y) == []

    def test_targets_that_are_all_the_same_are_nobodys_fault(self):
        policy = AMPOPolicy(DummyRegressor(), max_iter=3, steps_per_iter=32)
        assert messages(policy, CountingEnv(n_actions=1)) == []

    @pytest.mark.parametrize("regressor", [DummyRegressor(), Ridge(alpha=1e6)])
    def test_weights_count_in_what_is_explained(self, regressor):
        weight = np.where(Y == 1, 10.0, 0.1)
        policy = AMPOPolicy(regressor, max_iter=1)
        assert messages(policy, X, Y, sample_weight=weight) == []

    def test_again_in_another_fit(self):
        policy = AMPOPolicy(DummyRegressor(strategy="constant", constant=[1.0] * 3))
        policy.set_params(max_iter=1)
        assert len(messages(policy, X, Y)) == len(messages(policy, X, Y)) == 1


class TestFewRows:
    def test_rows_of_weight_zero_are_never_sent(self):
        weight = (np.arange(40) < 25).astype(float)
        policy = AMPOPolicy(fail := Faulty(Clock(), in_fit=fails))
        with pytest.raises(RegressorError, match="failed on 25 x 3 rows"):
            policy.fit(X, Y, sample_weight=weight)
        assert not hasattr(fail, "model_")

    def test_weights_that_are_all_zero(self):
        with pytest.raises(ValueError, match=r"[Ss]ample weights.*zero"):
            AMPOPolicy(Ridge()).fit(X, Y, sample_weight=np.zeros(40))

    @pytest.mark.parametrize("encoding", ["auto", "per_action", "joint"])
    @pytest.mark.parametrize("critic", ["fitted_q", "lambda_return", "monte_carlo"])
    def test_one_step_at_a_time(self, encoding, critic):
        policy = AMPOPolicy(critic=critic, encoding=encoding, n_envs=1, random_state=0)
        policy.set_params(steps_per_iter=1, max_iter=3, max_episode_steps=1)
        if encoding == "joint":
            policy.set_params(regressor=SVR())
        proba = policy.fit(CountingEnv()).predict_proba(np.zeros((2, 2)))
        assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("critic", ["fitted_q", "lambda_return", "monte_carlo"])
    def test_a_state_and_an_action_that_were_never_seen(self, critic):
        # Nothing leads to state 2, but the environment may start there.
        env = TabularEnv(np.tile(np.eye(3)[:1], (3, 3, 1)), np.eye(3))
        regressor = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(0.1))
        policy = AMPOPolicy(regressor, critic=critic, n_envs=1, random_state=0)
        policy.set_params(steps_per_iter=2, max_iter=2, max_episode_steps=2)
        proba = policy.fit(env).predict_proba([[0], [1], [2]])
        assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)


class Clockwork(gymnasium.Env):
    """Episodes of five steps, whatever is done; rewards of one."""

    # Means of three equal numbers are rounded.
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self, shows="time", last=1.0):
        self.shows, self.last = shows, last
        size = {"time": 2, "discrete": None}[shows]
        self.observation_space = (
            gymnasium.spaces.Discrete(6)
            if size is None
            else gymnasium.spaces.Box(-9, 9, (size,))
        )

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._observe(), {}

    def step(self, action):
        self.t += 1
        reward = 1.0 if self.t < 5 or action else self.last
        return self._observe(), reward, self.t == 5, False, {}

    def _observe(self):
        if self.shows == "discrete":
            return self.t
        return np.array([self.t, self.np_random.normal()], dtype=np.float32)


class TestNothingToLearn:
    @pytest.mark.parametrize("shows", ["time", "discrete"])
    @pytest.mark.parametrize("regressor", [None, Ridge(), DecisionTreeRegressor()])
    @pytest.mark.parametrize("critic", ["fitted_q", "monte_carlo"])
    def test_rewards_and_lengths_that_never_differ(self, shows, regressor, critic):
        policy = AMPOPolicy(regressor, critic=critic, max_iter=3, random_state=0)
        policy.set_params(steps_per_iter=320)
        with pytest.warns(UserWarning, match="all of .* the return 5 by") as seen:
            policy.fit(lambda: Clockwork(shows))
        assert len(seen) == 1
        states = np.arange(6.0)[:, None]
        states = states if shows == "discrete" else np.hstack([states, states])
        assert_array_equal(policy.predict_proba(states), 1 / 3)

    def test_a_difference_in_one_step_is_learned(self):
        policy = AMPOPolicy(max_iter=6, random_state=0, steps_per_iter=64)
        policy.fit(lambda: Clockwork("discrete", last=0.5))
        assert policy.predict_proba([[4.0]])[0, 0] < 0.1

    @pytest.mark.parametrize("critic", ["fitted_q", "lambda_return", "monte_carlo"])
    def test_a_constant_critic(self, critic):
        policy = AMPOPolicy(DummyRegressor(), encoding="joint", critic=critic)
        policy.set_params(max_iter=2, steps_per_iter=256, random_state=0)
        with pytest.warns(UserWarning, match="predicts a constant") as seen:
            policy.fit("CartPole-v1")
        assert len(seen) == 1


@pytest.mark.parametrize(
    "regressor", [None, make_pipeline(StandardScaler(), LinearRegression()), SVR()]
)
def test_numbers_whose_squares_overflow_are_named(regressor):
    states = 1e300 * X
    with pytest.raises(RegressorError, match=r"is 2\.\de\+300.*divide the observ"):
        AMPOPolicy(regressor, max_iter=1).fit(states, Y)


def make_huge(size):
    """An environment whose observations are of any size."""
    space = gymnasium.spaces.Box(-np.inf, np.inf, (4,), np.float64)
    env = gymnasium.make("CartPole-v1")
    return gymnasium.wrappers.TransformObservation(
        env, lambda x: size * np.clip(x.astype(float), -5, 5), space
    )


@pytest.mark.parametrize("critic", ["fitted_q", "lambda_return", "lstdq"])
@pytest.mark.parametrize("regressor", [None, DecisionTreeRegressor(), Ridge()])
def test_huge_observations_end_in_an_error_alone(regressor, critic):
    policy = AMPOPolicy(regressor, critic=critic, max_iter=1, steps_per_iter=48)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(RegressorError, match=r"e\+29[89].*divide the observations"):
            policy.set_params(random_state=0).fit(lambda: make_huge(1e299))
    assert not seen


@pytest.mark.parametrize("size", [1e100, 1e160])
def test_large_observations_that_can_be_fitted_are_named(size):
    policy = AMPOPolicy(max_iter=1, steps_per_iter=48, random_state=0)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        policy.fit(lambda: make_huge(size))
    assert {warning.category for warning in seen} == {UserWarning}
    assert "was fitted to numbers above 1e+38" in str(seen[0].message)
