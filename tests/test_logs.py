"""Learning from logs: exact problems, tables, what is refused, what goes on."""

import pickle
from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import skampo
from skampo import AMPOPolicy
from skampo.critics import LSTDQ, Critic, FittedQ, Pessimistic, QSample
from skampo.data import TransitionLog
from skampo.exceptions import InvalidParameterError
from skampo.mdp import make_random_mdp
from skampo.regressors import NystroemFeatures
from skampo.step_sizes import Constant

# Models go on for ever, and so do the logs of them.
pytestmark = pytest.mark.filterwarnings("ignore:No row of the log is terminated")
ONE_HOT = make_pipeline(OneHotEncoder(), Ridge(1e-6, fit_intercept=False))
GAMMA = 0.8


def draw_log(mdp, n, seed=0):
    """Transitions from uniform states and actions of a model."""
    rng = np.random.default_rng(seed)
    s = rng.integers(mdp.n_states, size=n)
    a = rng.integers(mdp.n_actions, size=n)
    edges = mdp.transition[s, a].cumsum(axis=1)
    after = (rng.random((n, 1)) > edges).sum(axis=1)
    columns = {"rewards": mdp.reward[s, a], "next_states": after[:, None]}
    return s[:, None], a, columns


MDP = make_random_mdp(4, 3, random_state=0)
STATES, ACTIONS, REST = draw_log(MDP, 20_000)


def fit(critic="fitted_q", regressor=ONE_HOT, **parameters):
    parameters = {"gamma": GAMMA, "max_iter": 20, "random_state": 0} | parameters
    policy = AMPOPolicy(regressor, critic=critic, step_size="greedy", **parameters)
    return policy.fit(STATES, ACTIONS, **REST)


@pytest.mark.parametrize("critic", ["fitted_q", "lstdq"])
def test_a_log_of_everything_gives_the_optimal_policy(critic):
    policy = fit(critic)
    optimal = MDP.solve(GAMMA)
    assert_array_equal(policy.predict(MDP.states), optimal.proba.argmax(axis=1))
    q_values = MDP.action_values(policy.predict_proba(MDP.states), GAMMA)
    assert_allclose(policy.action_values(MDP.states), q_values, atol=0.05)
    assert (policy.n_steps_, policy.n_features_in_) == (20_000, 1)


def test_a_log_object_and_its_columns_are_the_same():
    log = TransitionLog(STATES, ACTIONS, **REST)
    policy = AMPOPolicy(ONE_HOT, max_iter=2, random_state=0)
    by_object = clone_fit(policy, log)
    by_columns = clone_fit(policy, STATES, ACTIONS, **REST)
    assert_array_equal(
        by_object.predict_proba(MDP.states), by_columns.predict_proba(MDP.states)
    )


def clone_fit(policy, *arrays, **columns):
    return pickle.loads(pickle.dumps(policy)).fit(*arrays, **columns)


# One state says which of three actions pays.
CONTEXTS = np.repeat(np.eye(3), 400, axis=0)
PAYS = CONTEXTS.argmax(axis=1)
DONE = np.random.default_rng(1).integers(3, size=len(PAYS))
PAID = (DONE == PAYS).astype(float)
ALL_PAID = CONTEXTS
BANDITS = {
    "labels": (PAYS, {}),
    "full information": (None, {"rewards": ALL_PAID}),
    "bandit feedback": (DONE, {"rewards": PAID}),
    "gamma = 0": (DONE, {"rewards": PAID, "next_states": CONTEXTS[::-1]}),
}


@pytest.mark.parametrize("kind", BANDITS)
def test_one_step_problems_agree_where_everything_was_tried(kind):
    actions, columns = BANDITS[kind]
    gamma = 0.0 if kind == "gamma = 0" else 0.99
    policy = AMPOPolicy(LinearRegression(), gamma=gamma, random_state=0, max_iter=10)
    policy.set_params(critic="fitted_q").fit(CONTEXTS, actions, **columns)
    labels = AMPOPolicy(LinearRegression(), random_state=0, max_iter=10)
    labels.fit(CONTEXTS, PAYS)
    assert_array_equal(policy.predict(CONTEXTS), PAYS)
    # Rewards are known without noise, so that the iterates agree as well.
    assert_allclose(
        policy.predict_proba(np.eye(3)), labels.predict_proba(np.eye(3)), atol=1e-9
    )


def test_a_reward_table_names_its_actions():
    rewards = pd.DataFrame(ALL_PAID, columns=["stay", "go", "wait"])
    policy = AMPOPolicy(LinearRegression()).fit(CONTEXTS, rewards=rewards)
    assert_array_equal(policy.classes_, ["stay", "go", "wait"])
    assert_array_equal(policy.predict(np.eye(3)), ["stay", "go", "wait"])
    with pytest.raises(ValueError, match="rewards of all actions"):
        policy.action_values(np.eye(3))


def test_weights_of_reward_tables_count():
    X = [[1.0], [1.0]]
    rewards, weights = [[1, 0], [0, 1]], [1, 3]
    policy = AMPOPolicy(LinearRegression(fit_intercept=False))
    assert policy.fit(X, rewards=rewards, sample_weight=weights).predict(X[:1]) == [1]
    assert policy.fit(X, rewards=rewards, sample_weight=[3, 1]).predict(X[:1]) == [0]


# The better action depends on a category and on a number.
rng = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "season": pd.Categorical(rng.choice(["dry", "wet"], size=600)),
        "stock": rng.integers(10, size=600),
    }
)
BEST = np.where((TABLE["season"] == "wet") ^ (TABLE["stock"] > 4), "buy", "wait")
CHOSEN = rng.choice(["buy", "wait"], size=600)
COLUMNS = make_column_transformer(
    (OneHotEncoder(), ["season"]), (StandardScaler(), ["stock"])
)
REGRESSORS = {
    "columns": make_pipeline(COLUMNS, DecisionTreeRegressor(min_samples_leaf=5)),
    "alone": HistGradientBoostingRegressor(
        max_iter=5, learning_rate=0.5, categorical_features="from_dtype"
    ),
    "ridge": make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["season"]), (OneHotEncoder(), ["stock"])
        ),
        # Categories do not interact in a linear model.
        PolynomialFeatures(2),
        Ridge(0.1),
    ),
}


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.parametrize("steps", ["one", "many"])
def test_tables_with_categories(name, steps):
    policy = AMPOPolicy(REGRESSORS[name], gamma=0.5, max_iter=4, random_state=0)
    following = {} if steps == "one" else {"next_states": TABLE[::-1]}
    policy.fit(TABLE, CHOSEN, rewards=(BEST == CHOSEN), **following)
    assert np.mean(policy.predict(TABLE) == BEST) > 0.95
    assert_array_equal(policy.feature_names_in_, ["season", "stock"])
    assert policy.act({"season": "wet", "stock": 1}) == "buy"
    again = pickle.loads(pickle.dumps(policy))
    assert_array_equal(again.predict_proba(TABLE), policy.predict_proba(TABLE))
    with pytest.raises(ValueError, match="feature names"):
        policy.predict(TABLE.rename(columns={"stock": "stack"}))


def test_the_regressor_of_a_critic_is_given_tables_too():
    policy = AMPOPolicy(REGRESSORS["alone"], critic=FittedQ(REGRESSORS["columns"]))
    policy.set_params(max_iter=2, random_state=0)
    policy.fit(TABLE, CHOSEN, rewards=(BEST == CHOSEN))
    assert policy.predict_proba(TABLE[:3]).shape == (3, 2)
    policy.set_params(critic=LSTDQ(COLUMNS))
    assert policy.fit(TABLE, CHOSEN, rewards=(BEST == CHOSEN)).n_iter_ == 2


@pytest.mark.parametrize("steps", ["one", "many"])
def test_the_default_knows_what_to_do_with_categories(steps):
    following = {} if steps == "one" else {"next_states": TABLE[::-1]}
    policy = AMPOPolicy(gamma=0.5, max_iter=4, random_state=0)
    policy.fit(TABLE, CHOSEN, rewards=(BEST == CHOSEN), **following)
    assert np.mean(policy.predict(TABLE) == BEST) > 0.9


@pytest.mark.parametrize("critic", ["pessimistic", "fitted_q"])
def test_policies_of_tables_are_saved(critic, tmp_path):
    policy = AMPOPolicy(gamma=0.5, max_iter=2, random_state=0, critic=critic)
    policy.fit(TABLE, CHOSEN, rewards=(BEST == CHOSEN), next_states=TABLE[::-1])
    policy.save(tmp_path / "policy.skampo")
    again = skampo.load(tmp_path / "policy.skampo")
    assert_array_equal(again.predict_proba(TABLE), policy.predict_proba(TABLE))
    assert_array_equal(again.action_values(TABLE), policy.action_values(TABLE))


def default_of(*rows, **columns):
    policy = AMPOPolicy(max_iter=2, random_state=0).fit(*rows, **columns)
    first = policy.regressor_
    return policy, first[0] if isinstance(first, list) else first


def test_the_default_goes_on_linearly_only_for_several_steps_of_numbers():
    X = np.random.default_rng(0).normal(size=(80, 2))
    y = np.arange(80) % 2
    policy, several = default_of(X, y, rewards=X[:, 0], next_states=X[::-1])
    assert [name for name, _ in several.steps][1] == "featureunion"
    for columns in [{"rewards": X[:, 0]}, {}]:
        _, one = default_of(X, y, **columns)
        assert [name for name, _ in one.steps][1] == "nystroemfeatures"
    # Where the kernel has no data, the columns still tell states apart.
    far = policy.decision_function([[50.0, 0.0], [90.0, 0.0]])
    assert abs(far[0] - far[1]).max() > 1e-3


def test_policies_of_several_steps_of_numbers_are_saved(tmp_path):
    X = np.random.default_rng(0).normal(size=(80, 2))
    policy, _ = default_of(X, np.arange(80) % 2, rewards=X[:, 0], next_states=X[::-1])
    policy.save(tmp_path / "policy.skampo")
    again = skampo.load(tmp_path / "policy.skampo")
    assert_array_equal(again.predict_proba(X), policy.predict_proba(X))
    assert_array_equal(again.action_values(X), policy.action_values(X))


def test_polars_tables_do_as_pandas_tables():
    columns = make_column_transformer(
        (OneHotEncoder(), ["season"]), (StandardScaler(), ["stock"])
    )
    policy = AMPOPolicy(make_pipeline(columns, Ridge()), max_iter=2, random_state=0)
    plain = TABLE.astype({"season": str})
    table = pl.DataFrame({name: plain[name].tolist() for name in plain})
    rewards = (BEST == CHOSEN).astype(float)
    by_pandas = clone_fit(policy, plain, CHOSEN, rewards=rewards)
    by_polars = clone_fit(policy, table, CHOSEN, rewards=rewards)
    assert_allclose(by_polars.predict_proba(table), by_pandas.predict_proba(plain))


def test_a_table_and_the_joint_encoding_are_refused():
    policy = AMPOPolicy(REGRESSORS["alone"], encoding="joint")
    with pytest.raises(InvalidParameterError, match="use another encoding"):
        policy.fit(TABLE, CHOSEN, rewards=(BEST == CHOSEN))


@pytest.mark.parametrize("critic", ["lambda_return", "monte_carlo", "exact"])
def test_critics_that_need_fresh_data_are_refused(critic):
    with pytest.raises(InvalidParameterError, match=r"needs fresh.*'fitted_q'"):
        fit(critic)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"early_stopping": True}, "logs have none"),
        ({"gamma": 1.0}, "gamma=1 needs"),
    ],
)
def test_parameters_without_meaning_are_refused(parameters, message):
    with pytest.raises(InvalidParameterError, match=message):
        fit(**parameters)


@pytest.mark.parametrize(
    ("arrays", "columns", "message"),
    [
        ((CONTEXTS, DONE), {"next_states": CONTEXTS}, "a log needs rewards"),
        ((CONTEXTS,), {"rewards": PAID}, "needs the action of each reward"),
        (
            (STATES, ACTIONS),
            {**REST, "sample_weight": np.ones(len(STATES))},
            r"Pessimistic\(\) takes no sample_weight",
        ),
        (
            (CONTEXTS, DONE),
            {"rewards": ALL_PAID, "next_states": CONTEXTS},
            r"contextual bandits. Got \['next_states'\]",
        ),
        ((CONTEXTS, PAID), {"rewards": ALL_PAID}, "3 columns, but 2 different actions"),
        ((CONTEXTS[:5],), {"rewards": ALL_PAID}, "1200 rows, but there are 5 states"),
        (("CartPole-v1",), {"rewards": PAID}, r"takes no y.*\['rewards'\]"),
        ((MDP, ACTIONS), {}, "takes no y"),
        ((TransitionLog(STATES, ACTIONS, **REST), ACTIONS), {}, "takes no y"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused(arrays, columns, message):
    with pytest.raises(ValueError, match=message):
        AMPOPolicy(max_iter=1).fit(*arrays, **columns)


def test_a_policy_of_a_log_plays_where_the_actions_are_the_same():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4))
    policy = AMPOPolicy(Ridge(), max_iter=1)
    policy.fit(X, rng.integers(2, size=50), rewards=X[:, 0])
    assert policy.score("CartPole-v1", n_episodes=2) > 0
    policy.fit(X, rng.integers(1, 3, size=50), rewards=X[:, 0])
    with pytest.raises(ValueError, match=r"\[0, 1\], but the policy .*\[1, 2\]"):
        policy.score("CartPole-v1", n_episodes=2)


def test_a_second_fit_goes_on():
    once = fit(max_iter=4, warm_start=True)
    twice = fit(max_iter=2, warm_start=True).fit(STATES, ACTIONS, **REST)
    assert_allclose(
        once.decision_function(MDP.states), twice.decision_function(MDP.states)
    )
    with pytest.raises(InvalidParameterError, match="kind of data was log"):
        twice.fit(STATES, ACTIONS)


def test_a_search_splits_all_columns():
    columns = REST | {"episodes": np.arange(len(STATES))}
    search = GridSearchCV(
        AMPOPolicy(ONE_HOT, max_iter=1),
        {"gamma": [0.1, 0.9]},
        scoring=lambda policy, X, y: policy.n_steps_,
        cv=2,
        error_score="raise",
    )
    search.fit(STATES, ACTIONS, **columns)
    assert search.best_score_ == len(STATES) / 2


class WorthOfTheActions(Critic):
    """A user's own critic: every action is worth its number, everywhere."""

    def evaluate(self, policy, transitions, setting):
        self.q_ = lambda X: np.tile([0.0, 1.0, 2.0], (len(X), 1))
        X = transitions.observations
        return QSample(X, self.q_(X), setting.gamma)


class WorthInLogs(WorthOfTheActions):
    accepts_log = True


def test_unknown_critics_see_a_log_when_they_declare_to_accept_it():
    assert set(fit(WorthInLogs()).predict(MDP.states)) == {2}
    with pytest.raises(
        InvalidParameterError, match=r"WorthOfTheActions\(\) needs fresh"
    ):
        fit(WorthOfTheActions())


# Of fewer than 300 rows it is not asked whether a surer policy pays.
def steps_of_numbers(n=299):
    rng = np.random.default_rng(0)
    states = rng.normal(size=(n + 1, 2))
    return TransitionLog(
        states[:-1], rng.integers(2, size=n), states[:-1, 0], states[1:]
    )


def test_a_fit_ends_where_the_longest_step_leads_nowhere():
    policy = AMPOPolicy(max_iter=30, gamma=0.9, random_state=0)
    policy.fit(steps_of_numbers())
    divergence = [record["divergence"] for record in policy.history_]
    assert policy.n_iter_ < 30
    assert divergence[-1] <= 1e-4 < min(divergence[:-1])


def test_short_steps_do_not_end_a_fit():
    policy = AMPOPolicy(
        max_iter=3, gamma=0.9, step_size=Constant(1e-3), random_state=0
    ).fit(steps_of_numbers())
    assert policy.history_[-1]["divergence"] < 1e-4
    assert policy.n_iter_ == 3


class CountingFeatures(NystroemFeatures):
    """Features that count how often any of them were drawn."""

    drawn: ClassVar = []

    def fit(self, X, y=None):
        """Draw them."""
        self.drawn.append(len(X))
        return super().fit(X, y)


OF_POLICY = FittedQ(regressor="policy"), LSTDQ("policy"), Pessimistic(LSTDQ("policy"))


@pytest.mark.parametrize("critic", OF_POLICY, ids=repr)
def test_the_features_of_a_log_are_drawn_once(critic):
    CountingFeatures.drawn.clear()
    policy = AMPOPolicy(
        make_pipeline(CountingFeatures(), Ridge()),
        critic=critic,
        gamma=0.9,
        max_iter=12,
        step_size=Constant(1e-3),
        random_state=0,
    )
    policy.fit(steps_of_numbers())
    assert policy.n_iter_ == 12
    assert len(CountingFeatures.drawn) == 1


@pytest.mark.parametrize("regressor", [None, Ridge()], ids=["default", "other"])
@pytest.mark.parametrize("critic", ["auto", "pessimistic", Pessimistic()])
def test_pessimism_finds_the_fixed_point_of_a_log(regressor, critic):
    policy = AMPOPolicy(regressor, critic=critic, gamma=0.9, max_iter=1)
    assert repr(policy.fit(steps_of_numbers()).critic_.critic_) == "LSTDQ()"
