"""Statistics of returns, for the `scoring` parameter of scikit-learn's tools."""

import pickle
import re

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError
from skampo.model_selection import make_return_scorer, make_tasks
from tests.scripted import RewardingEnv

TASKS = make_tasks("CartPole-v1", 4)
SMALL = {"max_iter": 3, "steps_per_iter": 256, "n_envs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def policy():
    return AMPOPolicy(Ridge(), **SMALL).fit(TASKS)


def test_the_default_is_score(policy):
    assert make_return_scorer()(policy, TASKS) == policy.score(TASKS)
    assert make_return_scorer()(policy, "CartPole-v1") == policy.score("CartPole-v1")


@pytest.mark.parametrize(
    ("statistic", "function"),
    [
        ("mean", np.mean),
        ("median", np.median),
        ("min", np.min),
        ("max", np.max),
        (np.ptp, np.ptp),
    ],
)
def test_statistics(policy, statistic, function):
    returns = policy.play(TASKS, 8).returns
    scorer = make_return_scorer(n_episodes=8, statistic=statistic)
    assert scorer(policy, TASKS) == function(returns)
    assert type(scorer(policy, TASKS)) is float
    assert pickle.loads(pickle.dumps(scorer)) == scorer


def test_the_seed_chooses_the_episodes(policy):
    played = []
    for seed in (0, 1, 2, 1):
        remember = lambda returns: played.append(tuple(returns)) or 0.0
        make_return_scorer(seed=seed, statistic=remember)(policy, TASKS)
    assert len(set(played)) == 3
    assert played[1] == played[3]


def test_drawn_actions_follow_the_policy():
    uniform = AMPOPolicy(Ridge(), **(SMALL | {"max_iter": 0})).fit(RewardingEnv)
    greedy = make_return_scorer(n_episodes=200)
    drawn = make_return_scorer(n_episodes=200, deterministic=False)
    # The first of equal actions is right in three of five steps, a fair coin in half.
    assert greedy(uniform, RewardingEnv) == 3.0
    error = np.sqrt(5 * 0.25 / 200)
    assert abs(drawn(uniform, RewardingEnv) - 2.5) < 4 * error
    assert drawn(uniform, RewardingEnv) == drawn(uniform, RewardingEnv)


WRAPPERS = {
    "frozen": FrozenEstimator,
    "Pipeline": make_pipeline,
    "frozen Pipeline": lambda policy: FrozenEstimator(make_pipeline(policy)),
    "Pipeline in a Pipeline": lambda policy: make_pipeline(make_pipeline(policy)),
    "frozen in a Pipeline": lambda policy: make_pipeline(FrozenEstimator(policy)),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_estimators_around_a_policy(policy, wrap):
    assert make_return_scorer()(wrap(policy), TASKS) == policy.score(TASKS)


def test_the_steps_before_the_policy_transform_the_environments(policy):
    doubled = FunctionTransformer(lambda tasks: tasks * 2, check_inverse=False)
    pipeline = make_pipeline(doubled, policy)
    scorer = make_return_scorer(n_episodes=8)
    assert scorer(pipeline, TASKS) == scorer(policy, TASKS * 2)
    outer = make_pipeline(doubled, pipeline)
    assert scorer(FrozenEstimator(outer), TASKS) == scorer(policy, TASKS * 4)


def test_a_search_is_scored_by_its_best(policy):
    search = GridSearchCV(policy, {"gamma": [0.9]}, cv=2).fit(TASKS)
    assert make_return_scorer()(search, TASKS) == search.score(TASKS)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"n_episodes": 0}, "'n_episodes' parameter of make_return_scorer must be an"),
        ({"statistic": "average"}, "a str among ['max', 'mean', 'median', 'min'] or a"),
        ({"seed": -1}, "Got -1 instead"),
        ({"deterministic": 1}, "Got 1 instead"),
    ],
)
def test_parameters_that_are_refused(keywords, words):
    with pytest.raises(InvalidParameterError, match=re.escape(words)):
        make_return_scorer(**keywords)


def test_what_cannot_be_scored(policy):
    scorer = make_return_scorer()
    with pytest.raises(ValueError, match="needs environments or tasks of make_tasks"):
        scorer(policy, np.zeros((3, 4)))
    with pytest.raises(TypeError, match="Got StandardScaler instead"):
        scorer(StandardScaler(), TASKS)
    with pytest.raises(TypeError, match="have a method play"):
        make_return_scorer(deterministic=False)(DummyClassifier(), TASKS)
    with pytest.raises(NotFittedError):
        scorer(AMPOPolicy(), TASKS)


class Leaning:
    """Pushes the cart to the side where the pole leans."""

    def predict(self, X):
        return (X[:, 2] + X[:, 3] > 0).astype(int)


def test_whatever_predicts_actions_is_played():
    scorer = make_return_scorer(n_episodes=4)
    X = np.random.default_rng(0).normal(0, 0.1, size=(500, 4))
    tree = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0))
    tree.fit(X, Leaning().predict(X))
    constant = DummyClassifier(strategy="constant", constant=1).fit(X[:2], [0, 1])
    assert scorer(Leaning(), "CartPole-v1") > 150
    assert scorer(tree, "CartPole-v1") > 100
    assert scorer(constant, "CartPole-v1") < 15


def test_predictions_that_are_no_actions_are_named():
    strange = DummyClassifier().fit(np.zeros((2, 4)), ["left", "left"])
    with pytest.raises(ValueError, match=r"DummyClassifier predicts .*left.* none of"):
        make_return_scorer(n_episodes=1)(strange, "CartPole-v1")
