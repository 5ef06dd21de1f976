"""A transformer of environments and of arrays, alone and in front of a policy."""

import copy
import pickle
import re
from functools import partial

import gymnasium
import numpy as np
import pandas as pd
import pytest
import sklearn
from gymnasium.wrappers import TransformReward
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.callback import ProgressBar
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError
from skampo.model_selection import make_return_scorer, make_tasks
from skampo.preprocessing import EnvTransformer
from skampo.rollouts import Rollouts
from tests.faulty_envs import Counter, CountingEnv
from tests.scripted import RewardingEnv

ID = "CartPole-v1"
STATES = np.random.default_rng(0).normal(size=(20, 4))
SMALL = {"max_iter": 2, "steps_per_iter": 64, "n_envs": 2, "random_state": 0}
TASKS = make_tasks(ID, 4)


def make_transformer(transformer=None, **parameters):
    defaults = {"n_steps": 200, "random_state": 0}
    return EnvTransformer(transformer or StandardScaler(), **(defaults | parameters))


def make_pipe(transformer=None, **parameters):
    return make_pipeline(
        make_transformer(transformer), AMPOPolicy(Ridge(), **(SMALL | parameters))
    )


class Uniform:
    def proba(self, observations, action_mask=None):
        return np.full((len(observations), 2), 0.5)


def gathered(X):
    with Rollouts(X, n_envs=3, steps_per_iter=120, seed=0) as experience:
        return experience.gather(Uniform())


@parametrize_with_checks([EnvTransformer(StandardScaler()), EnvTransformer(PCA())])
def test_contract_of_scikit_learn(estimator, check):
    check(estimator)


ENVIRONMENTS = {
    "id": ID,
    "spec": gymnasium.spec(ID),
    "live": gymnasium.make(ID),
    "function": partial(gymnasium.make, ID),
    "list": [ID, ID],
    "tasks": TASKS,
    "vector": gymnasium.make_vec(ID, 2),
}


@pytest.mark.parametrize("X", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_every_kind_of_environment(X):
    transformer = make_transformer().fit(X)
    assert transformer.n_features_in_ == transformer.n_features_out_ == 4
    transformed = transformer.transform(X)
    Rollouts(transformed).close()
    expected, found = gathered(X), gathered(transformed)
    assert_array_equal(found.observations, transformer.transform(expected.observations))
    assert_array_equal(
        found.next_observations, transformer.transform(expected.next_observations)
    )
    assert_array_equal(found.actions, expected.actions)
    assert_array_equal(found.rewards, expected.rewards)


def test_the_states_are_those_of_uniform_actions():
    transformer = make_transformer(n_steps=4000).fit(RewardingEnv).transformer_
    # Five steps per episode: times 0 to 4, the last action is 0 or 1, or none at first.
    assert_allclose(transformer.mean_, [2.0, 0.4], atol=0.02)
    assert_allclose(transformer.var_, [2.0, 0.24], atol=0.02)


def test_the_random_state_determines_the_states():
    means = [
        make_transformer(random_state=seed).fit(ID).transformer_.mean_
        for seed in (0, 0, 1)
    ]
    assert_array_equal(means[0], means[1])
    assert not np.array_equal(means[0], means[2])


def test_a_wrapped_environment_works_anywhere():
    env = gymnasium.make(ID)
    wrapped = make_transformer(PolynomialFeatures(2)).fit(env).transform(env)
    assert wrapped.env is env
    assert wrapped.observation_space.shape == (15,)
    observation, _ = wrapped.reset(seed=0)
    state = env.unwrapped.state
    expected = PolynomialFeatures(2).fit_transform(np.float64([np.float32(state)]))
    assert_array_equal(observation, expected[0])
    observation, reward, terminated, truncated, info = wrapped.step(1)
    assert observation.shape == (15,)
    assert wrapped.observation_space.contains(observation)
    assert (reward, terminated, truncated, info) == (1.0, False, False, {})


@pytest.mark.parametrize(
    "copy_of", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))]
)
def test_copies_of_a_wrapped_environment(copy_of):
    wrapped = make_transformer().fit(ID).transform(gymnasium.make(ID))
    copied = copy_of(wrapped)
    assert copied.env is not wrapped.env
    assert_array_equal(copied.reset(seed=3)[0], wrapped.reset(seed=3)[0])


def test_the_spec_rebuilds_a_wrapped_environment():
    wrapped = make_transformer().fit(ID).transform(gymnasium.make(ID))
    rebuilt = gymnasium.make(wrapped.spec)
    assert_array_equal(rebuilt.reset(seed=3)[0], wrapped.reset(seed=3)[0])


class Calls(TransformerMixin, BaseEstimator):
    """Counts rows and calls."""

    def fit(self, X, y=None):
        self.n_rows_ = []
        return self

    def transform(self, X):
        self.n_rows_.append(len(X))
        return X + 1.0


def test_all_environments_are_transformed_at_once():
    transformer = make_transformer(Calls()).fit(ID)
    transformed = transformer.transform([ID, gymnasium.make(ID)])
    transformer.transformer_.n_rows_.clear()
    gathered(transformed)
    assert len(transformer.transformer_.n_rows_) < 60
    assert transformer.transformer_.n_rows_.count(3) >= 40


def test_two_transformations_follow_each_other():
    first = make_transformer(FunctionTransformer(lambda X: X + 1.0)).fit(ID)
    second = make_transformer(FunctionTransformer(lambda X: 2.0 * X)).fit(ID)
    both = second.transform(first.transform(ID))
    expected = 2.0 * (gathered(ID).observations + 1.0)
    assert_array_equal(gathered(both).observations, expected)


def test_environments_that_are_transformed_differently():
    doubled = make_transformer(FunctionTransformer(lambda X: 2.0 * X)).fit(ID)
    found = gathered([make_transformer().fit(ID).transform(ID), doubled.transform(ID)])
    parts = np.split(found.observations, 3)
    expected = np.split(gathered([ID, ID]).observations, 3)
    assert_array_equal(parts[1], 2.0 * expected[1])


def test_a_transformer_that_works_in_place_does_not_reach_the_environment():
    scaler = MinMaxScaler(copy=False, clip=True)
    env = CountingEnv()
    env.shown = np.zeros(2)
    env.reset = lambda **keywords: (env.shown, {})
    make_transformer(scaler).fit(np.eye(2)).transform(env).reset(seed=0)
    assert_array_equal(env.shown, 0.0)


def test_discrete_observations():
    transformer = make_transformer(OneHotEncoder(handle_unknown="ignore"))
    transformer.fit("FrozenLake-v1")
    assert transformer.n_features_in_ == 1
    env = transformer.transform(gymnasium.make("FrozenLake-v1"))
    observation, _ = env.reset(seed=0)
    assert_array_equal(observation, np.eye(transformer.n_features_out_)[0])
    policy = AMPOPolicy(Ridge(), **SMALL).fit(transformer.transform("FrozenLake-v1"))
    assert policy.n_features_in_ == transformer.n_features_out_


def test_masks_limits_and_wrappers_are_kept():
    taxi = make_transformer(OneHotEncoder(handle_unknown="ignore")).fit("Taxi-v4")
    _, info = taxi.transform(gymnasium.make("Taxi-v4")).reset(seed=0)
    assert info["action_mask"].shape == (6,)
    env = TransformReward(gymnasium.make(ID, max_episode_steps=7), lambda r: 2 * r)
    transformed = make_transformer().fit(env).transform(env)
    policy = AMPOPolicy(Ridge(), **(SMALL | {"max_iter": 0})).fit(transformed)
    assert policy.score(transformed, n_episodes=2) == 14.0


def test_what_is_made_is_closed():
    counter = Counter()
    make = lambda: CountingEnv(counter=counter)
    make_pipe().fit(make).score(make, n_episodes=2)
    assert counter.opened == counter.closed > 0


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda X: X * np.inf, "turned finite observations into NaN or infinity"),
        (lambda X: X[:, : 1 + (len(X) > 99)], "array of shape (2, 1); (2, 2) was"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_transformer_that_fails(function, words):
    transformer = make_transformer(FunctionTransformer(function)).fit(CountingEnv)
    with pytest.raises(ValueError, match=re.escape(words)):
        AMPOPolicy(**SMALL).fit(transformer.transform(CountingEnv))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"transformer": StandardScaler}, "'transformer' parameter of EnvTransformer"),
        ({"transformer": Ridge()}, "must be a transformer. Got Ridge() instead"),
        ({"n_steps": 0}, "'n_steps' parameter of EnvTransformer must be an int in"),
        ({"n_envs": 1.5}, "Got 1.5 instead"),
        ({"max_episode_steps": -1}, "Got -1 instead"),
    ],
)
def test_parameters_that_are_refused(parameters, words):
    with pytest.raises(InvalidParameterError, match=re.escape(words)):
        make_transformer().set_params(**parameters).fit(ID)


def test_before_fit():
    with pytest.raises(NotFittedError):
        make_transformer().transform(ID)


def test_a_pipeline_from_environment_to_actions():
    pipe = make_pipe().fit(ID)
    scaled = pipe[0].transform(STATES)
    assert_array_equal(pipe.predict_proba(STATES), pipe[-1].predict_proba(scaled))
    assert_array_equal(pipe.predict(STATES), pipe[-1].predict(scaled))
    assert_array_equal(pipe.classes_, [0, 1])
    assert pipe.n_features_in_ == 4
    expected = pipe[-1].score(pipe[:-1].transform(ID))
    for X in (ID, [ID], gymnasium.make(ID), TASKS):
        assert type(pipe.score(X)) is float
    assert pipe.score(ID) == pipe.score(gymnasium.make(ID)) == expected
    assert make_return_scorer()(pipe, ID) == expected


def test_a_pipeline_learns_what_the_wrapped_environment_teaches():
    pipe = make_pipe().fit(ID)
    policy = AMPOPolicy(Ridge(), **SMALL).fit(pipe[0].transform(ID))
    assert_array_equal(
        pipe.predict_proba(STATES), policy.predict_proba(pipe[0].transform(STATES))
    )


def test_a_pipeline_without_env_transformer_is_refused():
    with pytest.raises((TypeError, ValueError), match="float"):
        make_pipeline(StandardScaler(), AMPOPolicy()).fit(gymnasium.make(ID))
    with pytest.raises(ValueError, match="could not convert string to float"):
        make_pipeline(StandardScaler(), AMPOPolicy()).fit(ID)


def test_pipelines_of_arrays():
    y = (STATES[:, 0] > 0).astype(int)
    for first in (StandardScaler(), make_transformer()):
        pipe = make_pipeline(first, AMPOPolicy(Ridge(), **SMALL)).fit(STATES, y)
        assert pipe.score(STATES, y) > 0.9


def test_columns_of_a_frame():
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": ["x", "y", "x"]})
    columns = ColumnTransformer([("n", StandardScaler(), ["a"]), ("c", "drop", ["b"])])
    transformer = make_transformer(columns).fit(frame)
    assert list(transformer.feature_names_in_) == ["a", "b"]
    assert transformer.n_features_out_ == 1
    assert list(transformer.get_feature_names_out()) == ["n__a"]
    assert not hasattr(transformer, "inverse_transform")


def test_names_and_the_way_back():
    transformer = make_transformer(PCA(2)).fit(ID)
    assert list(transformer.get_feature_names_out()) == ["pca0", "pca1"]
    back = transformer.inverse_transform(transformer.transform(STATES))
    assert back.shape == STATES.shape


def test_transformers_side_by_side_belong_inside():
    union = make_union(StandardScaler(), PolynomialFeatures(2))
    assert make_pipe(union).fit(ID)[-1].n_features_in_ == 4 + 15


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_through_a_pipeline(n_jobs):
    grid = {
        "envtransformer__transformer": [StandardScaler(), PolynomialFeatures(2)],
        "ampopolicy__regressor__alpha": [0.1, 10.0],
    }
    search = GridSearchCV(
        make_pipe(), grid, cv=2, n_jobs=n_jobs, error_score="raise"
    ).fit(TASKS)
    alone = make_pipe(**SMALL).set_params(**search.cv_results_["params"][3])
    assert_allclose(
        search.cv_results_["split0_test_score"][3],
        alone.fit(TASKS[2:]).score(TASKS[:2]),
        rtol=0,
    )


def test_a_step_may_be_left_out():
    grid = {"envtransformer": ["passthrough", make_transformer()]}
    search = GridSearchCV(make_pipe(), grid, cv=2, error_score="raise").fit(TASKS)
    expected = AMPOPolicy(Ridge(), **SMALL).fit(TASKS[2:]).score(TASKS[:2])
    assert search.cv_results_["split0_test_score"][0] == expected


def test_a_fitted_transformer_or_policy_can_be_frozen():
    scaler = StandardScaler().fit(STATES)
    pipe = make_pipe(FrozenEstimator(scaler)).fit(ID)
    assert_array_equal(pipe[0].transform(STATES), scaler.transform(STATES))
    frozen = make_pipeline(FrozenEstimator(pipe[0]), FrozenEstimator(pipe[-1]))
    frozen.fit(ID, None)
    assert frozen.score(ID) == pipe.score(ID)


@pytest.mark.parametrize(
    "X", [ID, gymnasium.spec(ID), TASKS, gymnasium.make(ID)], ids=str
)
def test_memory(X, tmp_path):
    cached = clone(make_pipe()).set_params(memory=str(tmp_path))
    expected = make_pipe().fit(X).predict_proba(STATES)
    for _ in range(2):
        assert_array_equal(cached.fit(X).predict_proba(STATES), expected)


class CountedScaler(StandardScaler):
    """Counts the fits of all clones."""

    n_fits = 0

    def fit(self, X, y=None, sample_weight=None):
        CountedScaler.n_fits += 1
        return super().fit(X, y, sample_weight)


def test_memory_is_used(tmp_path):
    cached = make_pipe(CountedScaler()).set_params(memory=str(tmp_path))
    fits = []
    for _ in range(2):
        assert cached.fit(TASKS)[0].n_features_in_ == 4
        fits.append(CountedScaler.n_fits)
    assert fits[0] == fits[1] > 0


def test_output_containers():
    transformer = make_transformer().set_output(transform="pandas").fit(ID)
    frame = transformer.transform(STATES)
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(clone(transformer).fit(ID).transform(STATES), pd.DataFrame)
    transformer.set_output(transform="default")
    assert isinstance(transformer.transform(STATES), np.ndarray)
    late = make_transformer().fit(ID).set_output(transform="pandas")
    assert_array_equal(late.transform(STATES), frame)
    with pytest.raises(ValueError, match=r"Calls\(\) has no set_output"):
        make_transformer(FrozenCalls()).set_output(transform="pandas")


class FrozenCalls(Calls, auto_wrap_output_keys=None):
    def __repr__(self):
        return "Calls()"


def test_output_containers_leave_environments_alone():
    with sklearn.config_context(transform_output="pandas"):
        transformer = make_transformer().fit(ID)
        env = transformer.transform(gymnasium.make(ID))
        assert isinstance(env, gymnasium.Env)
        assert isinstance(transformer.transform(STATES), pd.DataFrame)
        assert isinstance(env.reset(seed=0)[0], np.ndarray)
        pipe = make_pipe(PCA(2)).fit(ID)
    assert_array_equal(
        pipe.predict_proba(STATES), make_pipe(PCA(2)).fit(ID).predict_proba(STATES)
    )


def test_a_policy_behind_frames_says_that_it_knows_no_names():
    pipe = make_pipe().set_output(transform="pandas").fit(ID)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        pipe.predict(STATES)


def test_callbacks_go_through(recwarn, capsys):
    make_pipe().set_callbacks(ProgressBar()).fit(ID)
    assert len(recwarn) == 0
    assert re.search(r"EnvTransformer - fit #0 .*100%", capsys.readouterr().out)


def test_a_seed_stays_with_its_task():
    task = make_tasks(gymnasium.spec(ID), 6)[5]
    transformed = make_transformer().fit(ID).transform(task)
    assert transformed.as_factory().task_seed == 5
