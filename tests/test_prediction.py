"""What a fitted policy answers, and what it refuses."""

import pickle
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, iterate
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.exceptions import RegressorError
from skampo.mirror_maps import MirrorMap
from skampo.step_sizes import Constant
from tests.faulty_envs import SpaceEnv
from tests.scripted import RewardingEnv

SMALL = {"max_iter": 2, "steps_per_iter": 48, "n_envs": 2, "random_state": 0}
STATES = np.random.default_rng(0).normal(scale=3.0, size=(50, 2))


def make_env():
    return RewardingEnv(n_actions=3)


@pytest.fixture(scope="module")
def policy():
    return AMPOPolicy(DecisionTreeRegressor(max_depth=4), **SMALL).fit(make_env)


@pytest.fixture(scope="module", params=MirrorMap.by_name)
def each_policy(request):
    return AMPOPolicy(Ridge(), mirror_map=request.param, **SMALL).fit(make_env)


@given(X=arrays(float, (4, 2), elements=st.floats(-1e9, 1e9)))
def test_rows_sum_to_one(policy, X):
    proba = policy.predict_proba(X)
    assert proba.shape == (4, 3)
    assert proba.min() >= 0
    assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_methods_agree(each_policy):
    proba = each_policy.predict_proba(STATES)
    assert proba.dtype == np.float64
    assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
    with np.errstate(divide="ignore"):
        assert_array_equal(each_policy.predict_log_proba(STATES), np.log(proba))
    assert_array_equal(each_policy.predict(STATES), proba.argmax(axis=1))
    scores = each_policy.decision_function(STATES)
    assert scores.shape == (50, 3)
    assert_allclose(each_policy.mirror_map_.project(scores), proba, atol=1e-12)
    assert each_policy.action_values(STATES).shape == (50, 3)


def test_zero_probabilities_have_infinite_logarithms():
    greedy = AMPOPolicy(Ridge(), step_size="greedy", **SMALL).fit(make_env)
    logarithms = greedy.predict_log_proba(STATES)
    assert set(np.unique(logarithms)) == {-np.inf, 0.0}


def test_two_actions_have_one_score():
    policy = AMPOPolicy(Ridge(), **SMALL).fit(lambda: RewardingEnv(n_actions=2))
    scores = policy.decision_function(STATES)
    assert scores.shape == (50,)
    odds = 1 / (1 + np.exp(-scores))
    assert_allclose(policy.predict_proba(STATES)[:, 1], odds, rtol=1e-10)


def test_masks(each_policy):
    mask = np.random.default_rng(1).random((50, 3)) < 0.5
    mask[~mask.any(axis=1), 1] = True
    proba = each_policy.predict_proba(STATES, action_mask=mask)
    assert (proba[~mask] == 0).all()
    assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
    rows = np.arange(50)
    for draw in (each_policy.predict, each_policy.sample):
        assert mask[rows, draw(STATES, action_mask=mask)].all()
    logarithms = each_policy.predict_log_proba(STATES, action_mask=mask.astype(int))
    assert np.isneginf(logarithms[~mask]).all()
    everything = each_policy.predict_proba(STATES, action_mask=np.ones(3))
    assert_array_equal(everything, each_policy.predict_proba(STATES))


def test_forbidden_actions_have_infinite_scores(each_policy):
    mask = np.random.default_rng(2).random((50, 3)) < 0.5
    mask[~mask.any(axis=1), 2] = True
    scores = each_policy.decision_function(STATES, action_mask=mask)
    assert_array_equal(np.isneginf(scores), ~mask)
    free = each_policy.decision_function(STATES)
    assert_array_equal(scores[mask], free[mask])
    proba = each_policy.predict_proba(STATES, action_mask=mask)
    assert_allclose(each_policy.mirror_map_.project(scores), proba, atol=1e-12)


def test_forbidden_actions_of_two():
    policy = AMPOPolicy(Ridge(), **SMALL).fit(lambda: RewardingEnv(n_actions=2))
    rows = STATES[:2]
    assert_array_equal(policy.decision_function(rows, action_mask=[0, 1]), np.inf)
    assert_array_equal(policy.decision_function(rows, action_mask=[1, 0]), -np.inf)
    both = policy.decision_function(rows, action_mask=[1, 1])
    assert_array_equal(both, policy.decision_function(rows))


def test_a_mask_renormalizes_the_softmax(policy):
    proba = policy.predict_proba(STATES)
    masked = policy.predict_proba(STATES, action_mask=[True, False, True])
    expected = proba * [1, 0, 1]
    assert_allclose(masked, expected / expected.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.ones(2), "action_mask has shape (2,); expected (50, 3), one row per"),
        (np.ones((3, 50)), "action_mask has shape (3, 50); expected (50, 3)"),
        (np.ones((1, 50, 3)), "action_mask has shape (1, 50, 3); expected (50, 3)"),
        (np.zeros(3), "action_mask forbids every action in row 0; allow at least"),
        (np.arange(150).reshape(50, 3) < 9, "forbids every action in row 3;"),
    ],
)
def test_masks_that_are_refused(policy, mask, words):
    methods = (policy.predict_proba, policy.predict, policy.sample)
    for method in (*methods, policy.decision_function, policy.predict_log_proba):
        with pytest.raises(ValueError, match=re.escape(words)):
            method(STATES, action_mask=mask)


def test_samples_follow_the_probabilities(policy):
    row = STATES[[np.ptp(policy.predict_proba(STATES), axis=1).argmin()]]
    proba = policy.predict_proba(row)[0]
    n = 20_000
    drawn = policy.sample(np.repeat(row, n, axis=0), random_state=0)
    shares = np.bincount(drawn, minlength=3) / n
    assert_allclose(shares, proba, atol=4 * np.sqrt(0.25 / n))
    again = policy.sample(np.repeat(row, n, axis=0), random_state=0)
    assert_array_equal(drawn, again)
    generator = np.random.RandomState(0)
    pairs = zip(np.repeat(row, 99, axis=0), drawn, strict=False)
    for state, expected in pairs:
        action = policy.act(state, deterministic=False, rng=generator)
        assert action == expected


BOX = spaces.Box(-1.0, 1.0, (2, 2), np.float32)
SPACES = {
    "discrete": (spaces.Discrete(4), spaces.Discrete(2)),
    "discrete-from-3": (spaces.Discrete(4, start=3), spaces.Discrete(3, start=-1)),
    "box": (BOX, spaces.Discrete(3)),
    "dict": (spaces.Dict(place=BOX, color=spaces.Discrete(3)), spaces.Discrete(2)),
    "tuple": (
        spaces.Tuple([spaces.MultiBinary(2), spaces.Discrete(2)]),
        spaces.Discrete(3, start=10),
    ),
    "multi-discrete": (spaces.MultiDiscrete([2, 3]), spaces.MultiDiscrete([2, 3])),
}


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("critic", ["fitted_q", "monte_carlo"])
def test_act_is_predict_on_the_encoded_observation(name, critic):
    observation_space, action_space = SPACES[name]
    policy = AMPOPolicy(Ridge(), critic=critic, **SMALL)
    policy.fit(lambda: SpaceEnv(observation_space, action_space))
    observation_space.seed(0)
    observations = [observation_space.sample() for _ in range(20)]
    rows = policy.encode_observations(observations)
    assert rows.shape == (20, policy.n_features_in_)
    for observation, row in zip(observations, rows[:, None], strict=True):
        action = policy.act(observation)
        assert action_space.contains(action)
        assert_array_equal(action, policy.predict(row)[0])
        drawn = policy.act(observation, deterministic=False, rng=7)
        assert_array_equal(drawn, policy.sample(row, random_state=7)[0])
        assert action_space.contains(drawn)


def test_encoded_observations_by_hand():
    space = spaces.Dict(place=spaces.Box(0, 9, (2,)), color=spaces.Discrete(3))
    policy = AMPOPolicy(Ridge(), **SMALL)
    policy.fit(lambda: SpaceEnv(space, spaces.Discrete(2)))
    observations = [{"place": [3.0, 4.0], "color": 1}, {"color": 0, "place": [5, 6]}]
    rows = policy.encode_observations(observations)
    assert_array_equal(rows, [[3, 4, 0, 1, 0], [5, 6, 1, 0, 0]])
    batch = {"color": np.array([1, 0]), "place": np.array([[3.0, 4.0], [5.0, 6.0]])}
    pieces = list(iterate(batch_space(space, 2), batch))
    assert_array_equal(policy.encode_observations(pieces), rows)
    with pytest.raises(ValueError, match="observations do not fit what AMPOPolicy"):
        policy.encode_observations([{"place": [3.0, 4.0]}])
    with pytest.raises(ValueError, match="observations do not fit what AMPOPolicy"):
        policy.encode_observations(3)


def test_states_of_labels_and_models_are_encoded_already():
    X = np.array([[0.0], [1.0]])
    policy = AMPOPolicy(Ridge(), max_iter=1, random_state=0).fit(X, [0, 1])
    assert_array_equal(policy.encode_observations([[2], [3]]), [[2.0], [3.0]])
    with pytest.raises(ValueError, match="X has 2 features, but AMPOPolicy"):
        policy.encode_observations([[2, 3]])


def test_labels_of_the_environment():
    observation_space, action_space = SPACES["discrete-from-3"]
    policy = AMPOPolicy(**SMALL).fit(lambda: SpaceEnv(observation_space, action_space))
    assert_array_equal(policy.classes_, [-1, 0, 1])
    assert policy.n_features_in_ == 1
    assert set(policy.predict([[3], [4], [5], [6]])) <= {-1, 0, 1}
    observation_space, action_space = SPACES["multi-discrete"]
    policy = AMPOPolicy(**SMALL).fit(lambda: SpaceEnv(observation_space, action_space))
    joint = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert_array_equal(policy.classes_, joint)
    states = np.zeros((4, policy.n_features_in_))
    assert policy.predict_proba(states).shape == (4, 6)
    assert policy.predict(states).shape == policy.sample(states).shape == (4, 2)


def test_act_obeys_a_mask(policy):
    for action in range(3):
        mask = np.arange(3) == action
        assert policy.act([0.0, 1.0], action_mask=mask) == action
        assert policy.act([0, 1], deterministic=False, action_mask=mask) == action
    with pytest.raises(ValueError, match="forbids every action"):
        policy.act([0.0, 1.0], action_mask=[0, 0, 0])
    with pytest.raises(ValueError, match=r"action_mask has shape \(2,\)"):
        policy.act([0.0, 1.0], action_mask=[1, 1])


def test_act_after_labels():
    X, y = [[0.0], [1.0]], ["left", "right"]
    policy = AMPOPolicy(Ridge(), max_iter=2, random_state=0).fit(X, y)
    assert policy.act([0.0]) == "left"
    assert policy.act(np.array([1.0])) == "right"
    assert policy.act(1.0) == "right"


@pytest.mark.parametrize(
    ("observation", "words"),
    [
        ([0.0, np.nan], "must have 2 finite features, as those that AMPOPolicy was"),
        ([np.inf, 0.0], "must have 2 finite features, as those that AMPOPolicy was"),
        ([0.0], "an array of shape (1,) while shape (2,) was expected"),
        ([[0.0, 0.0]], "an array of shape (1, 2) while shape (2,) was expected"),
        (["a", "b"], "an array of dtype <U1 while a real number type was expected"),
        (None, "an array of shape () while shape (2,) was expected"),
    ],
)
def test_observations_that_act_refuses(policy, observation, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        policy.act(observation)


def test_act_says_what_was_wrong_with_what(policy):
    with pytest.raises(ValueError, match=r"The observation .* AMPOPolicy"):
        policy.act([0.0])


@pytest.mark.parametrize(
    "method",
    [
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "sample",
        "action_values",
        "act",
        "score",
    ],
)
def test_before_fit(method):
    match = "This AMPOPolicy instance is not fitted yet. Call 'fit' with"
    with pytest.raises(NotFittedError, match=match):
        getattr(AMPOPolicy(), method)([[0.0, 1.0]])


UNUSABLE = {
    "one-dimensional": (np.zeros(2), "Expected 2D array, got 1D array instead"),
    "three-dimensional": (np.zeros((1, 1, 2)), "Found array with dim 3"),
    "too wide": (np.zeros((2, 3)), "X has 3 features, but AMPOPolicy is expecting 2"),
    "nan": ([[0.0, np.nan]], "Input X contains NaN"),
    "infinite": ([[0.0, np.inf]], "Input X contains infinity"),
    "no rows": (np.zeros((0, 2)), "Found array with 0 sample(s) (shape=(0, 2))"),
    "sparse": (scipy.sparse.eye_array(2).tocsr(), "Sparse data was passed for X"),
    "complex": (np.zeros((1, 2)) + 1j, "Complex data not supported"),
    "words": ([["a", "b"]], "could not convert string to float"),
    "object": (np.array([[{}, 1]], dtype=object), "must be a string or a real number"),
}


@pytest.mark.parametrize("name", UNUSABLE)
@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "decision_function", "sample"]
)
def test_states_that_are_refused(policy, method, name):
    X, words = UNUSABLE[name]
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        getattr(policy, method)(X)
    if method == "predict":
        with pytest.raises((ValueError, TypeError), match=re.escape(words)):
            policy.action_values(X)


def test_objects_that_are_numbers_are_accepted(policy):
    expected = policy.predict_proba(STATES)
    assert_array_equal(policy.predict_proba(STATES.astype(object)), expected)
    assert_array_equal(policy.predict_proba(STATES.tolist()), expected)


THREADED = {
    "default": (None, 200),
    "tree": (DecisionTreeRegressor(max_depth=4), 200),
    "network": (
        MLPRegressor(loss="squared_error", hidden_layer_sizes=(4,), max_iter=2),
        40,
    ),
    "LightGBM": (
        LGBMRegressor(n_estimators=2, min_child_samples=2, n_jobs=1, verbose=-1),
        40,
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:the regressor explains nothing:UserWarning")
@pytest.mark.parametrize("name", THREADED)
def test_eight_threads_predict_as_one(name):
    regressor, n_calls = THREADED[name]
    policy = AMPOPolicy(regressor, **SMALL).fit(make_env)
    before = pickle.dumps(policy)
    batches = [STATES[i % 40 : i % 40 + 10] for i in range(n_calls)]

    def answer(thread):
        return [
            (
                policy.predict_proba(rows),
                policy.act(rows[0]),
                policy.act(rows[1], deterministic=False, rng=i),
            )
            for i, rows in enumerate(batches)
        ]

    expected = answer(0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(answer, range(8)))
    finally:
        sys.setswitchinterval(interval)
    for answered in answers:
        for (proba, *actions), (right, *others) in zip(answered, expected, strict=True):
            assert_array_equal(proba, right, strict=True)
            assert actions == others
    # Predicting writes nothing down.
    assert pickle.dumps(policy) == before


def test_scores_may_be_huge():
    policy = AMPOPolicy(Ridge(), step_size=Constant(1e308), **SMALL).fit(make_env)
    proba = policy.predict_proba(1e6 * STATES)
    assert_allclose(proba.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert np.isfinite(policy.decision_function(1e6 * STATES)).all()


@pytest.mark.parametrize("encoding", ["per_action", "multi_output"])
def test_what_is_no_number_is_refused_by_every_method(encoding):
    policy = AMPOPolicy(Ridge(), encoding=encoding, **SMALL).fit(make_env)
    fitted = policy.regressor_
    for model in fitted if isinstance(fitted, list) else [fitted]:
        model.coef_ = np.full_like(model.coef_, np.nan)
    for ask in (policy.predict_proba, policy.decision_function, policy.predict):
        with pytest.raises(RegressorError, match="predicted NaN or infinity"):
            ask(STATES)
    with pytest.raises(RegressorError, match="predicted NaN or infinity"):
        policy.act(STATES[0])


def test_act_does_what_predict_says(each_policy):
    encoded = each_policy.predict(STATES)
    assert [each_policy.act(state) for state in STATES] == encoded.tolist()
