"""Every parameter is refused by `fit`, in scikit-learn's words, and never before."""

import inspect
import re

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.critics import FittedQ, LambdaReturn, MonteCarlo
from skampo.exceptions import InvalidParameterError
from skampo.mirror_maps import NegativeEntropy
from skampo.step_sizes import Constant
from tests.faulty_envs import Counter, CountingEnv
from tests.naming import show
from tests.scripted import DATA_CRITICS

X = [[0.0], [1.0], [2.0], [3.0]]
Y = [0, 0, 1, 1]
RANGE = re.compile(r"(an int|a float) in the range \[(\S+), ([^\])]+)([\])])")

NEVER_VALID = ["no such thing", np.nan, 1j, b"raw", (), [1], {}, {1.0}, object(), int]
SMALL = {"max_iter": 1, "steps_per_iter": 4, "n_envs": 1, "random_state": 0}


def invalid_values(description):
    """What a parameter with this description must refuse."""
    values = list(NEVER_VALID)
    if "None" not in description:
        values.append(None)
    if "bool" not in description:
        values += [True, np.False_]
    values += [np.array([1, 2]), "1"] if "str" not in description else [1, ""]
    intervals = RANGE.findall(description)
    for kind, low, high, _ in intervals:
        values += [2.5, "2"] if kind == "an int" else []
        values += [float(low) - 0.5, float("-inf"), float("inf")]
        values += [] if high == "inf" else [float(high) + 0.5]
    if len(intervals) == 1:
        values += [int(float(low)) - 1 for _, low, _, _ in intervals]
    return values


INVALID = [
    pytest.param(name, constraint.description, value, id=show(f"{name}-{value!r}")[:60])
    for name, constraint in AMPOPolicy._constraints.items()
    for value in invalid_values(constraint.description)
]


def test_every_parameter_has_a_constraint():
    parameters = set(inspect.signature(AMPOPolicy).parameters)
    assert set(AMPOPolicy._constraints) == parameters - {"regressor"}
    assert len(INVALID) > 150


@pytest.mark.parametrize(("name", "description", "value"), INVALID)
def test_invalid_values(name, description, value):
    policy = AMPOPolicy(**{name: value})
    assert policy.get_params(deep=False)[name] is value
    with pytest.raises(InvalidParameterError) as caught:
        policy.fit(X, Y)
    assert str(caught.value) == (
        f"The {name!r} parameter of AMPOPolicy must be {description}. Got {value!r} "
        "instead."
    )
    assert not hasattr(policy, "classes_")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("gamma", 2, "a float in the range [0.0, 1.0]. Got 2 instead."),
        ("max_iter", -1, "an int in the range [0, inf). Got -1 instead."),
        ("encoding", "columns", "a str among ['auto', 'compatible', 'compa"),
        ("step_size", Constant, "or an instance of StepSize. Got <class "),
        ("n_jobs", 0, "an int in the range [1, inf) or an int in the range [-"),
    ],
)
def test_words_of_the_messages(name, value, words):
    with pytest.raises(InvalidParameterError) as caught:
        AMPOPolicy(**{name: value}).fit(X, Y)
    message = str(caught.value)
    assert message.startswith(f"The '{name}' parameter of AMPOPolicy must be a")
    assert words in message


@pytest.mark.parametrize(
    "parameters",
    [
        {"gamma": 0},
        {"gamma": np.float32(0.5)},
        {"gamma": 1, "critic": "monte_carlo"},
        {"max_iter": 0},
        {"max_iter": np.int64(1)},
        {"steps_per_iter": 1},
        {"n_envs": np.uint8(2)},
        {"exploration": 0},
        {"exploration": 1.0},
        {"max_episode_steps": 1},
        {"early_stopping": np.True_, "validation_episodes": 1},
        {"n_iter_no_change": None},
        {"warm_start": True},
        {"n_jobs": -1},
        {"n_jobs": 2},
        {"random_state": 2**32 - 1},
        {"random_state": np.int64(3)},
        {"random_state": np.random.RandomState(0)},
        {"random_state": None},
        {"verbose": False},
        {"mirror_map": NegativeEntropy()},
        {"step_size": Constant(2.0)},
        {"critic": FittedQ(n_sweeps=1)},
    ],
    ids=show,
)
def test_values_at_the_edges_are_accepted(parameters):
    policy = AMPOPolicy(Ridge(), **(SMALL | parameters)).fit(CountingEnv)
    assert policy.n_iter_ == policy.max_iter


@pytest.mark.parametrize(
    ("regressor", "words"),
    [
        (Ridge, "must be an estimator instance. Got the class Ridge: write Ridge(),"),
        ("ridge", "must be a scikit-learn regressor with 'fit' and 'predict', for "),
        (3, "must be a scikit-learn regressor with 'fit' and 'predict', for example"),
        (StandardScaler(), "Got StandardScaler() instead."),
        (LogisticRegression(), "Got the classifier LogisticRegression() instead: use"),
        (LGBMClassifier(), "Got the classifier LGBMClassifier() instead: use"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "Got the classifier"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_regressor(regressor, words):
    policy = AMPOPolicy(regressor)
    assert policy.regressor is regressor
    with pytest.raises(InvalidParameterError) as caught:
        policy.fit(X, Y)
    assert str(caught.value).startswith(
        "The 'regressor' parameter of AMPOPolicy must be"
    )
    assert words in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("critic", ["auto", *DATA_CRITICS, MonteCarlo("geometric")])
def test_gamma_one_needs_whole_episodes(critic):
    counter = Counter()
    policy = AMPOPolicy(Ridge(), critic=critic, gamma=1, **SMALL)
    if critic == "monte_carlo":
        assert policy.fit(CountingEnv).n_iter_ == 1
        return
    with pytest.raises(InvalidParameterError) as caught:
        policy.fit(lambda: CountingEnv(counter=counter))
    assert str(caught.value).startswith("gamma=1 needs a critic that sums whole ")
    assert "critic='monte_carlo'" in str(caught.value)
    assert counter.opened == counter.closed


def test_gamma_of_labels_does_not_matter():
    first, second = (
        AMPOPolicy(Ridge(), gamma=gamma, max_iter=2).fit(X, Y).predict_proba(X)
        for gamma in (1, 0.1)
    )
    assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("critic", "name"),
    [
        (MonteCarlo("forever"), "horizon"),
        (LambdaReturn(trace_decay=1.5), "trace_decay"),
        (LambdaReturn(value_regressor=Ridge), "value_regressor"),
    ],
    ids=show,
)
def test_parameters_of_critics(critic, name):
    match = f"The '{name}' parameter of {type(critic).__name__} must be"
    with pytest.raises(InvalidParameterError, match=match):
        AMPOPolicy(Ridge(), critic=critic, **SMALL).fit(CountingEnv)


@pytest.mark.parametrize("eta", [0, -1.0, np.nan, np.inf, "1", None])
def test_parameters_of_step_sizes(eta):
    policy = AMPOPolicy(Ridge(), step_size=Constant(eta), max_iter=1)
    match = "The 'eta' parameter of Constant must be a float in the range"
    with pytest.raises(ValueError, match=match):
        policy.fit(X, Y)


def test_a_mirror_map_that_cannot_be_cloned_is_refused():
    class Bare:
        def project(self, scores):
            return scores

        dual = divergence = project

    match = "The 'mirror_map' parameter of AMPOPolicy must be"
    with pytest.raises(InvalidParameterError, match=match):
        AMPOPolicy(mirror_map=Bare()).fit(X, Y)


def test_parameters_of_objects_are_reached():
    policy = AMPOPolicy(
        make_pipeline(StandardScaler(), Ridge()),
        critic=FittedQ(DecisionTreeRegressor()),
        step_size=Constant(),
    )
    policy.set_params(
        regressor__ridge__alpha=3.0,
        critic__regressor__max_depth=2,
        critic__n_sweeps=4,
        step_size__eta=0.5,
    )
    copied = clone(policy)
    assert copied.regressor[-1].alpha == 3.0
    assert copied.critic.regressor.max_depth == 2
    assert copied.critic.n_sweeps == 4
    assert copied.step_size.eta == 0.5


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(
    ("parameters", "X_next", "y_next"),
    [
        ({"gamma": 2}, X, Y),
        ({"critic": "fitted_q", "gamma": 1}, "CartPole-v1", None),
        ({}, "NoSuchEnvironment-v0", None),
        ({"step_size": "constant"}, [[np.nan]], [0]),
    ],
)
def test_a_refused_fit_loses_nothing(parameters, X_next, y_next, early_stopping):
    policy = AMPOPolicy(Ridge(), early_stopping=early_stopping, **SMALL)
    policy.set_params(validation_episodes=1).fit(CountingEnv)
    states = np.ones((1, 2))
    before = policy.predict_proba(states)
    policy.set_params(**parameters)
    with pytest.raises(ValueError, match=r"must be|needs|cannot be made|NaN"):
        policy.fit(X_next, y_next)
    assert_array_equal(policy.predict_proba(states), before)


@pytest.mark.parametrize(
    ("labels", "sample_weight"), [([0.5, 0.1, 0.2, 0.3], None), (Y, [-1, 0, 0, 0])]
)
def test_a_fit_with_refused_labels_loses_nothing(labels, sample_weight):
    policy = AMPOPolicy(Ridge(), **SMALL).fit(CountingEnv)
    before = policy.predict_proba(np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"Unknown label type|[Nn]egative"):
        policy.fit(X, labels, sample_weight=sample_weight)
    assert_array_equal(policy.predict_proba(np.ones((1, 2))), before)


@pytest.mark.parametrize(
    ("name", "part"),
    [("regressor__alpha", "regressor=None"), ("critic__n_sweeps", "critic='auto'")],
)
def test_parts_without_parameters(name, part):
    with pytest.raises(InvalidParameterError, match=f"Got {part} instead") as caught:
        AMPOPolicy().set_params(**{name: 1})
    assert f"{name} needs an object with the parameter" in str(caught.value)


def test_a_part_and_its_parameters_are_set_together():
    policy = AMPOPolicy().set_params(regressor=Ridge(), regressor__alpha=3.0)
    assert policy.regressor.alpha == 3.0
