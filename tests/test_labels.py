"""Labels as a contextual bandit: hand-computed iterates, and what is refused."""

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError
from skampo.step_sizes import Constant

# Ridge halves the slope: sum(x y) / (sum(x^2) + alpha) = 2 / (2 + 2).
HALVING = Ridge(alpha=2.0)
X = np.array([[-1.0], [1.0]])
NETWORK = MLPRegressor(max_iter=100, learning_rate_init=0.01)
KEYS = [
    "iteration",
    "n_steps",
    "n_episodes",
    "n_faults",
    "return_mean",
    "return_std",
    "eta",
    "divergence",
    "entropy",
    "approximation_error",
    "critic_error",
    "validation_return",
    "validation_std",
    "n_validation_steps",
    "rollout_time",
    "critic_time",
    "fit_time",
    "validation_time",
]


def fit_two(y=("a", "b"), encoding="auto", max_iter=1, **parameters):
    parameters = {"step_size": Constant(2.0), "random_state": 0} | parameters
    policy = AMPOPolicy(HALVING, encoding=encoding, max_iter=max_iter, **parameters)
    return policy.fit(X, list(y))


@pytest.mark.parametrize("encoding", ["auto", "per_action", "multi_output"])
def test_the_first_iterate_by_hand(encoding):
    # Target: Q less its mean, that is -1/2 and 1/2; f is half of it, eta f twice that.
    policy = fit_two(encoding=encoding)
    states = np.array([[-1.0], [1.0], [3.0], [0.0]])
    assert_allclose(policy.decision_function(states), states[:, 0], atol=1e-14)
    assert_allclose(policy.predict_proba(states)[:, 1], expit(states[:, 0]))
    assert_array_equal(policy.predict(states), ["a", "b", "b", "a"])
    assert policy.step_size_ == 2.0
    p = expit(1.0)
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    record = policy.history_[0]
    assert_allclose(record["entropy"], entropy)
    assert_allclose(record["divergence"], np.log(2) - entropy)
    assert_allclose(record["approximation_error"], 0.25**2)


@pytest.mark.parametrize("encoding", ["per_action", "multi_output"])
def test_later_iterates_by_hand(encoding):
    # Rewards stay the same: every step adds the first one, and eta f = 2 s x.
    for max_iter, slope in enumerate([0.25, 0.5, 0.75, 1.0], start=1):
        policy = fit_two(encoding=encoding, max_iter=max_iter)
        assert_allclose(policy.decision_function([[1.0]]), [4 * slope])
        assert_allclose(policy.predict_proba([[0.5]])[0, 1], expit(2 * slope))


def test_the_first_euclidean_iterate_by_hand():
    # The scores are -x/2 and x/2; their projection is 1/2 - x/2 and 1/2 + x/2.
    policy = fit_two(mirror_map="euclidean")
    proba = policy.predict_proba([[-1.0], [0.0], [0.5], [1.0], [7.0]])
    assert_allclose(proba[:, 1], [0, 0.5, 0.75, 1, 1], atol=1e-14)


def test_an_exact_regressor_is_the_exact_mirror_step():
    rng = np.random.default_rng(0)
    states, y = np.eye(5), rng.integers(3, size=5)
    policy = AMPOPolicy(
        LinearRegression(fit_intercept=False),
        step_size=Constant(0.7),
        max_iter=4,
        random_state=0,
    ).fit(states, y)
    logits = 4 * 0.7 * (y[:, None] == policy.classes_)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert_allclose(policy.predict_proba(states), expected, rtol=1e-12)
    assert policy.history_[-1]["approximation_error"] < 1e-24


@pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning"
)
@pytest.mark.parametrize(
    ("regressor", "max_iter"),
    [
        (None, 10),
        (LGBMRegressor(n_estimators=20, verbose=-1, n_jobs=1), 3),
        (make_pipeline(StandardScaler(), NETWORK), 3),
        (DecisionTreeRegressor(min_samples_leaf=3), 3),
    ],
    ids=["default", "lightgbm", "mlp", "tree"],
)
def test_accuracy_on_iris(regressor, max_iter):
    states, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    split = train_test_split(states, names, random_state=0, stratify=y)
    policy = AMPOPolicy(regressor, max_iter=max_iter, random_state=0)
    policy.fit(split[0], split[2])
    assert policy.score(split[1], split[3]) > 0.9
    assert_array_equal(policy.classes_, ["setosa", "versicolor", "virginica"])


def test_labels_are_what_is_predicted():
    integers = fit_two([7, -3])
    assert_array_equal(integers.classes_, [-3, 7])
    assert_array_equal(integers.predict(X), [7, -3])
    words = fit_two(["right", "left"])
    assert_array_equal(words.predict(X), ["right", "left"])
    assert_array_equal(words.sample(np.repeat(50 * X, 5, axis=0))[:5], ["right"] * 5)
    assert words.score(X, ["right", "right"]) == 0.5
    assert words.score(X, ["right", "right"], sample_weight=[3, 1]) == 0.75
    flags = fit_two([True, False])
    assert_array_equal(flags.predict(X), [True, False])


def test_one_class():
    policy = fit_two(["only", "only"], max_iter=3)
    # The second step shows that nothing is left to change.
    assert policy.n_iter_ == 2
    assert_array_equal(policy.predict_proba([[0.0], [5.0]]), [[1.0], [1.0]])
    assert_array_equal(policy.predict([[0.0]]), ["only"])
    assert [record["divergence"] for record in policy.history_] == [0.0] * 2
    assert [record["entropy"] for record in policy.history_] == [0.0] * 2


@pytest.mark.parametrize("step_size", ["trust_region", "adaptive", "geometric"])
@pytest.mark.parametrize("encoding", ["per_action", "multi_output"])
def test_sample_weight_is_repetition(encoding, step_size):
    rng = np.random.default_rng(1)
    states = rng.normal(size=(30, 2))
    y = rng.integers(3, size=30)
    counts = rng.integers(4, size=30)
    policy = AMPOPolicy(
        Ridge(), encoding=encoding, step_size=step_size, max_iter=3, random_state=0
    )
    weighted = policy.fit(states, y, sample_weight=counts).predict_proba(states)
    policy.fit(np.repeat(states, counts, axis=0), np.repeat(y, counts))
    assert_allclose(weighted, policy.predict_proba(states), rtol=1e-9)


def test_rows_without_weight_name_actions_only():
    states, y = [[0.0], [1.0], [9.0]], ["a", "b", "c"]
    policy = AMPOPolicy(Ridge(), max_iter=2, random_state=0)
    policy.fit(states, y, sample_weight=[1, 1, 0])
    assert_array_equal(policy.classes_, ["a", "b", "c"])
    assert_array_equal(policy.predict(states[:2]), ["a", "b"])


@pytest.mark.parametrize("sample_weight", [[0, 0], [-1, 1], [1], [np.nan, 1]])
def test_weights_that_are_refused(sample_weight):
    with pytest.raises(ValueError, match=r"weight|[Nn]egative|inconsistent|NaN"):
        fit_two().fit(X, ["a", "b"], sample_weight=sample_weight)


def test_early_stopping_is_refused():
    with pytest.raises(InvalidParameterError) as caught:
        fit_two(early_stopping=True)
    assert "early_stopping=True needs an environment" in str(caught.value)
    assert "Set early_stopping=False." in str(caught.value)


def test_action_values_are_refused():
    with pytest.raises(ValueError, match="action_values needs a critic, and this"):
        fit_two().action_values(X)


def test_action_values_are_refused_before_the_first_iteration():
    with pytest.raises(ValueError, match="action_values needs a critic"):
        fit_two(max_iter=0).action_values(X)


@pytest.mark.parametrize("y", [[0.5, 1.25], [[0, 1], [1, 0]]])
def test_targets_that_are_no_labels(y):
    with pytest.raises(ValueError, match=r"Unknown label type|y should be a 1d array"):
        fit_two().fit(X, y)


def test_states_without_labels():
    with pytest.raises(ValueError, match="requires y to be passed"):
        AMPOPolicy(Ridge()).fit(X)


def test_iterations_and_history():
    policy = fit_two(max_iter=5)
    assert policy.n_iter_ == 5
    assert policy.n_steps_ == policy.n_validation_steps_ == 0
    assert policy.best_iteration_ == 5
    assert policy.interrupted_ is False
    assert [list(record) for record in policy.history_] == [KEYS] * 5
    assert [record["iteration"] for record in policy.history_] == [1, 2, 3, 4, 5]
    for record in policy.history_:
        assert {type(value) for value in record.values()} == {int, float}
        assert record["n_steps"] == record["n_episodes"] == 0
        assert np.isnan(record["return_mean"])
        assert np.isnan(record["validation_return"])
        assert record["eta"] == 2.0


def test_zero_iterations_are_uniform():
    policy = fit_two(["a", "b"], max_iter=0)
    assert_array_equal(policy.predict_proba([[3.0]]), [[0.5, 0.5]])
    assert_array_equal(policy.predict(X), ["a", "a"])
    assert policy.history_ == []
    assert policy.n_iter_ == policy.best_iteration_ == 0


@pytest.mark.parametrize("regressor", [HALVING, DecisionTreeRegressor(max_depth=1)])
def test_warm_start_goes_on(regressor):
    rng = np.random.default_rng(2)
    states, y = rng.normal(size=(20, 2)), rng.integers(3, size=20)
    policy = AMPOPolicy(regressor, max_iter=2, warm_start=True, random_state=0)
    policy.fit(states, y).fit(states, y).fit(states, y)
    whole = AMPOPolicy(regressor, max_iter=6, random_state=0).fit(states, y)
    assert policy.n_iter_ == 6
    assert_array_equal(policy.predict_proba(states), whole.predict_proba(states))


def test_feature_names_are_kept_and_checked():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"height": X[:, 0]})
    policy = AMPOPolicy(HALVING, max_iter=1).fit(frame, ["a", "b"])
    assert_array_equal(policy.feature_names_in_, ["height"])
    assert_array_equal(policy.predict(frame), ["a", "b"])
    with pytest.raises(ValueError, match="feature names should match"):
        policy.predict(frame.rename(columns={"height": "width"}))
    policy.fit(X, ["a", "b"])
    assert not hasattr(policy, "feature_names_in_")


@pytest.mark.parametrize(
    "convert",
    [
        lambda array: array.astype(np.float32),
        lambda array: array.astype(np.int8),
        lambda array: array.astype(">f8"),
        lambda array: np.asfortranarray(array),
        lambda array: np.repeat(array, 2, axis=0)[::2],
        lambda array: array.tolist(),
    ],
    ids=["float32", "int8", "big-endian", "fortran", "strided", "list"],
)
def test_the_layout_of_the_states_does_not_matter(convert):
    rng = np.random.default_rng(3)
    states = rng.integers(-9, 9, size=(20, 3)).astype(float)
    y = rng.integers(2, size=20)
    policy = AMPOPolicy(Ridge(), max_iter=2, random_state=0)
    expected = policy.fit(states, y).predict_proba(states)
    policy.fit(convert(states), y)
    assert_array_equal(policy.predict_proba(convert(states)), expected)
