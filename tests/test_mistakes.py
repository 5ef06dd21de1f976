"""What newcomers write, one row for each mistake of a review, and what they are told.

Words of a message say what was given, what was expected and what to do; a row without
any of them runs, as its author meant it to.
"""

import warnings
from functools import cache
from pathlib import Path
from traceback import walk_tb

import gymnasium
import joblib
import numpy as np
import pandas as pd
import pytest
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation
from sklearn.exceptions import NotFittedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

import skampo
from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError, RolloutError, SkampoFileError
from skampo.model_selection import make_tasks
from skampo.off_policy import TransitionLog, doubly_robust
from tests.faulty_envs import CountingEnv, SpaceEnv

ID = "CartPole-v1"
X = np.random.default_rng(0).normal(size=(60, 2))
TABLE = pd.DataFrame(X, columns=["age", "size"])
ACTIONS = np.tile([0, 1], 30)
REWARDS = (ACTIONS == (X[:, 0] > 0)).astype(float)
IMAGES = spaces.Box(0, 255, (84, 84, 3), np.uint8)
PARTS = spaces.Dict(price=spaces.Box(0, 1, (1,)), rain=spaces.Discrete(2))
SEEN = {"price": np.array([0.2], np.float32), "rain": 1}


class OldObject:
    """An environment of the gym package of old."""

    observation_space = spaces.Box(-1, 1, (2,))
    action_space = spaces.Discrete(2)

    def reset(self):
        """Return the observation."""

    def step(self, action):
        """Return four values."""


class OldInterface(CountingEnv):
    def reset(self):
        return super().reset()[0]


class OnlyObservation(CountingEnv):
    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0]


class FourValues(CountingEnv):
    def step(self, action):
        return super().step(action)[:4]


class VecEnv:
    """As those of stable-baselines3."""

    reset = step_async = step_wait = lambda self, actions=None: None


def policy(**options):
    small = {"max_iter": 1, "steps_per_iter": 32, "n_envs": 2, "random_state": 0}
    return AMPOPolicy(**small | options)


def fit(environment=ID, **options):
    return policy(**options).fit(environment)


def fit_spaces(seen=None, done=None):
    return fit(lambda: SpaceEnv(seen, done))


def log(y=ACTIONS, rewards=REWARDS, X=X, **columns):
    return policy().fit(X, y, rewards=rewards, **columns)


@cache
def player():
    return fit()


@cache
def of_table():
    return log(X=TABLE)


@cache
def of_parts():
    return fit_spaces(PARTS)


def search(X, **options):
    grid = {"gamma": [0.9]}
    return GridSearchCV(policy(), grid, cv=2, **options).fit(X)


def scored(X, **options):
    return cross_val_score(policy(), X, cv=2, **options)


def load_pickle():
    joblib.dump(of_table(), "policy.pkl")
    skampo.load("policy.pkl")


NOT_A_NAME = (
    r"'regressor' parameter of AMPOPolicy must be a scikit-learn regressor with 'fit' "
    r"and 'predict', for example Ridge\(\). Got 'ridge'"
)
FOREIGN = "Got OldObject, which has reset and step but is no gymnasium.Env. Derive it"
BOX = r"action_space=Box\(.*For a Box, wrap it: gymnasium.wrappers.DiscretizeAction"
WIDE = r"images of shape \(84, 84, 3\).*expect some to a few hundred.*ResizeObservation"
VECTOR = "Got VecEnv, a vector .* Pass a function that makes one of its environments"
INTERFACE = r"The gymnasium interface is .*Adapt the environment"
OTHER = r"CartPole-v1 has observation_space=Box.*policy was fitted with .*same spaces"
ONE_OF = "'{}' parameter of AMPOPolicy must be a str among .*'{}'.*Got '{}'"
AT_LEAST = r"'{}' parameter of AMPOPolicy must be an int in the range \[1, .*Got 0"
BY_NAME = r"Got '{0}': pass the column itself, table\['{0}'\], or .*from_frame"
NO_LABELS = "requires y to be passed, but the target y is None: states need labels"
MISSING = "feature names should match those.*(?s:.*)now missing:\n- size"
HAND_OVER = "array of states of shape .* Got {}, which stands for environments: score"
LETTERS = r"single characters, \['.*instead of environment ids(?s:.*)make_tasks\("
GOT_FRAME = r"'log' parameter of doubly_robust must be a TransitionLog. Got DataFrame: "
NO_PROPENSITIES = "need the probability .*propensities=, or estimate them"
V, P = ValueError, InvalidParameterError

ENVIRONMENTS = {
    "a wrong id": (
        lambda: fit("CartPol-v1"),
        V,
        "'CartPol-v1' cannot .*mean: `CartPole`.*Check",
    ),
    "an id without version": (
        lambda: fit("CartPole"),
        UserWarning,
        "latest versioned environment `CartPole-v1`",
    ),
    "an object of the old gym": (lambda: fit(OldObject()), V, FOREIGN),
    "the old reset and step": (
        lambda: fit(OldInterface()),
        RolloutError,
        r"'seed' .*" + INTERFACE,
    ),
    "a reset of the observation alone": (
        lambda: fit(OnlyObservation()),
        RolloutError,
        r"reset returned .*" + INTERFACE,
    ),
    "a step of four values": (
        lambda: fit(FourValues()),
        RolloutError,
        r"step returned .*" + INTERFACE,
    ),
    "a box of actions": (lambda: fit_spaces(done=spaces.Box(-1, 1)), V, BOX),
    "images": (lambda: fit_spaces(IMAGES), V, WIDE),
    "a space without a size": (
        lambda: fit_spaces(spaces.Sequence(PARTS)),
        V,
        "Got .*=Sequence.*Wrap the env",
    ),
    "a vector environment": (lambda: fit(gymnasium.make_vec(ID, num_envs=2)), None, ""),
    "a vector of stable-baselines3": (lambda: fit(VecEnv()), V, VECTOR),
    "another environment in score": (lambda: fit(CountingEnv()).score(ID), V, OTHER),
}
PARAMETERS = {
    "gamma of 1": (
        lambda: fit(gamma=1),
        P,
        r"gamma=1 needs .* Use critic='monte_carlo', or gamma < 1",
    ),
    "gamma of 1.5": (
        lambda: fit(gamma=1.5),
        P,
        r"'gamma' .*must be .*\[0.0, 1.0\]. Got 1.5",
    ),
    "a class": (
        lambda: fit(regressor=Ridge),
        P,
        r"Got the class Ridge: write Ridge\(\), with pare",
    ),
    "a classifier": (
        lambda: fit(regressor=LogisticRegression()),
        P,
        "must be a regressor.* classifier",
    ),
    "a string for a regressor": (lambda: fit(regressor="ridge"), P, NOT_A_NAME),
    # A step of each environment, as the docstring says.
    "one step": (lambda: fit(steps_per_iter=1), None, ""),
    "no steps": (lambda: fit(steps_per_iter=0), P, AT_LEAST.format("steps_per_iter")),
    "no environments": (lambda: fit(n_envs=0), P, AT_LEAST.format("n_envs")),
    "a step size": (
        lambda: fit(step_size="trust-region"),
        P,
        ONE_OF.format("step_size", "trust_region", "trust-region"),
    ),
    "a mirror map": (
        lambda: fit(mirror_map="kl"),
        P,
        ONE_OF.format("mirror_map", "negative_entropy", "kl"),
    ),
    "a critic": (
        lambda: fit(critic="gae"),
        P,
        ONE_OF.format("critic", "lambda_return", "gae"),
    ),
    "an unknown parameter": (
        lambda: fit(steps=5),
        TypeError,
        "unexpected keyword argument 'steps'",
    ),
    "a generator": (
        lambda: fit(random_state=np.random.default_rng(0)),
        P,
        "'random_state' .*must be an int .*or a RandomState or None. Got Generator",
    ),
    # The policy before the first iteration, whose probabilities are equal.
    "no iterations": (lambda: fit(max_iter=0), None, ""),
    "early stopping on a log": (
        lambda: policy(early_stopping=True).fit(X, ACTIONS, rewards=REWARDS),
        P,
        "early_stopping=True needs an env.*logs have none. Set early_stopping=False",
    ),
}
LOGS = {
    "a column is missing": (lambda: of_table().predict(TABLE[["age"]]), V, MISSING),
    "columns in another order": (
        lambda: of_table().predict(TABLE[["size", "age"]]),
        V,
        "must be in the same order",
    ),
    "rewards too short": (
        lambda: log(rewards=REWARDS[1:]),
        V,
        "must have the same length. Got .* 59}",
    ),
    "rewards too wide": (
        lambda: log(rewards=np.zeros((60, 3))),
        V,
        "rewards has 3 columns, but 2 different actions occur. Give no actions, or",
    ),
    "rewards by position": (
        lambda: policy().fit(X, ACTIONS, REWARDS),
        TypeError,
        "from 2 to 3 positional",
    ),
    "names of columns": (lambda: log("age", "size", X=TABLE), V, BY_NAME.format("age")),
    "one action": (
        lambda: log(np.zeros(60)),
        V,
        "'actions' has the single value 0.*Log at least two",
    ),
    "labels of a regression": (
        lambda: policy().fit(X, X[:, 0]),
        V,
        "expects discrete classes on a regression",
    ),
    "states alone": (lambda: policy().fit(X), V, NO_LABELS),
    "next states without ends": (
        lambda: log(next_states=X),
        UserWarning,
        "No row of the log is terminated or truncated.* Give terminated= where they",
    ),
    "ends of text": (
        lambda: log(next_states=X, terminated=["yes"] * 60),
        V,
        "'terminated' has 60 values that are neither 0 nor 1, first at row 0: yes",
    ),
    "propensities of 0": (
        lambda: log(propensities=np.arange(60) / 59),
        V,
        r"'propensities' has 1 values outside \(0, 1\], first at row 0: 0.0",
    ),
}
PREDICTIONS = {
    "predict before fit": (
        lambda: policy().predict(X),
        NotFittedError,
        "not fitted yet. Call 'fit'",
    ),
    "score before fit": (
        lambda: policy().score(ID),
        NotFittedError,
        "not fitted yet. Call 'fit'",
    ),
    "other features": (
        lambda: player().predict(X),
        V,
        "X has 2 features, but .* is expecting 4",
    ),
    "one dimension": (
        lambda: player().predict(np.zeros(4)),
        V,
        r"Expected 2D .* got 1D .*(?s:.*)reshape",
    ),
    "act with two": (
        lambda: player().act(np.zeros((2, 4))),
        V,
        r"\(2, 4\) while shape \(4,\) was",
    ),
    "missing values": (
        lambda: player().predict([[np.nan] * 4]),
        V,
        "X contains NaN(?s:.*)imputer",
    ),
    "an environment in predict": (
        lambda: player().predict(ID),
        V,
        HAND_OVER.format("str"),
    ),
    "observations in predict": (
        lambda: of_parts().predict([SEEN]),
        V,
        "Got observations as .* Encode first: ",
    ),
    "states in score": (
        lambda: player().score(np.zeros((3, 4))),
        V,
        "needs environments. Got an array",
    ),
}
SEARCHES = {
    "a lambda and two jobs": (
        lambda: search(make_tasks(lambda: gymnasium.make(ID), 4), n_jobs=2),
        None,
        "",
    ),
    "a live environment": (
        lambda: search(gymnasium.make(ID)),
        TypeError,
        "at least 1 dimension.* got scalar",
    ),
    "an id in a search": (lambda: search(ID), V, LETTERS),
    "a list of ids": (lambda: search([ID] * 4), None, ""),
    "no tasks": (
        lambda: scored(ID),
        V,
        "'X' parameter of cross_val_score must be an array-like",
    ),
    "accuracy": (
        lambda: scored(make_tasks(ID, 4), scoring="accuracy"),
        UserWarning,
        "Scoring failed(?s:.*)missing 1 required positional argument: 'y_true'",
    ),
}
FILES = {
    "a pickle": (
        load_pickle,
        SkampoFileError,
        "is a pickle and no file of skampo.* use joblib.load",
    ),
    "no file": (lambda: skampo.load("none"), FileNotFoundError, "No such file.*none"),
    "save before fit": (
        lambda: policy().save("new"),
        NotFittedError,
        "not fitted yet. Call",
    ),
}
ESTIMATES = {
    "a frame for a log": (lambda: doubly_robust(of_table(), TABLE), P, GOT_FRAME),
    "no propensities": (
        lambda: doubly_robust(of_table(), TransitionLog(TABLE, ACTIONS, REWARDS)),
        V,
        NO_PROPENSITIES,
    ),
    # As if nobody had imported them: an attribute that is there is never asked for.
    "callbacks unimported": (
        lambda: skampo.__getattr__("callbacks").StopAtReturn,
        None,
        "",
    ),
    "off_policy unimported": (lambda: skampo.__getattr__("off_policy").magic, None, ""),
}
MISTAKES = ENVIRONMENTS | PARAMETERS | LOGS | PREDICTIONS | SEARCHES | FILES | ESTIMATES
TASKS = r"task: skampo.model_selection.make_tasks\("
ROWS = r"Got list of dict. Rows of named values are a table: pandas.DataFrame\(X\)"
GAUSSIAN = "optimizes its kernel in every fit.* Set its optimizer=None"
# What was found after the review.
MORE = {
    "rows of names": (lambda: player().predict([SEEN]), V, ROWS),
    "rows of names in fit": (lambda: log(X=TABLE.to_dict("records")), V, ROWS),
    "pairs with seeds": (lambda: fit([(ID, 0)]), V, "Got list of tuple. An .*" + TASKS),
    "a name of rewards": (lambda: log(rewards="paid"), V, BY_NAME.format("paid")),
    "a Gaussian process": (
        lambda: fit(regressor=GaussianProcessRegressor(alpha=1.0)),
        UserWarning,
        GAUSSIAN,
    ),
    "one in a Pipeline": (
        lambda: fit(regressor=make_pipeline(GaussianProcessRegressor(alpha=1.0))),
        UserWarning,
        GAUSSIAN,
    ),
    "one that optimizes nothing": (
        lambda: fit(regressor=GaussianProcessRegressor(alpha=1.0, optimizer=None)),
        None,
        "",
    ),
    "images that are meant": (
        lambda: fit(FlattenObservation(SpaceEnv(IMAGES))),
        UserWarning,
        "have 21168 features, as images have",
    ),
    "a small image": (lambda: fit_spaces(spaces.Box(0, 9, (7, 7, 3), "u1")), None, ""),
    "a log that never ends": (
        lambda: log(next_states=X, terminated=np.zeros(60)),
        None,
        "",
    ),
}
# skampo is not asked before these are said. Messages of scikit-learn are in the guide.
THEIRS = {
    "an id without version": "gymnasium says which version it took, and goes on",
    "an unknown parameter": "Python names it; clones need constructors with all names",
    "rewards by position": "Python counts; scikit-learn passes X and y to `fit`",
    "a live environment": "scikit-learn counts samples before it fits anything",
    "no tasks": "scikit-learn checks its own parameters before it fits anything",
    "accuracy": "scikit-learn calls its own scorer, without the labels it needs",
}
GUIDE = Path(__file__).parents[1] / "docs" / "user_guide" / "model_selection.md"
# It starts two processes.
MARKS = {"a lambda and two jobs": pytest.mark.slow}


def asks_skampo(error):
    """Whether an error came out of a function of skampo, or a search quotes one."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    names = [frame.f_globals["__name__"] for frame in frames]
    return any(name.startswith("skampo.") for name in names) or "skampo" in str(error)


@pytest.mark.parametrize(
    ("name", "mistake", "kind", "words"),
    [
        pytest.param(name, *row, id=name, marks=MARKS.get(name, ()))
        for name, row in (MISTAKES | MORE).items()
    ],
)
def test_a_mistake_is_answered(name, mistake, kind, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if kind is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert mistake() is not None
    elif issubclass(kind, Warning):
        with pytest.warns(kind, match=words):
            mistake()
    else:
        with pytest.raises(kind, match=words) as caught:
            mistake()
        assert asks_skampo(caught.value) == (name not in THEIRS)


def test_all_of_them_are_here():
    assert len(MISTAKES) == 61
    assert THEIRS.keys() < MISTAKES.keys()


@pytest.mark.parametrize(
    "words",
    [
        "Input should have at least 1 dimension",
        "'X' parameter of cross_val_score must be an array-like",
        "missing 1 required positional argument: 'y_true'",
    ],
)
def test_the_guide_says_what_is_meant(words):
    assert words in GUIDE.read_text("utf8")
