"""Fitted values of problems that go on: settled, or said not to be."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skampo.data import TransitionLog
from skampo.off_policy import doubly_robust, fit_action_values, fitted_q_evaluation

GAMMA = 0.995
N = 400
UNIFORM = DummyClassifier(strategy="uniform").fit([[0], [0]], [0, 1])
REWARDS = 1 + 0.1 * np.random.default_rng(0).normal(size=N)
# Two steps of each episode are seen, and it goes on for ever.
CUT = TransitionLog(
    np.zeros((N, 1)),
    [0, 1] * (N // 2),
    REWARDS,
    np.zeros((N, 1)),
    truncated=np.arange(N) % 2 == 1,
    episodes=np.repeat(np.arange(N // 2), 2),
    propensities=[0.5] * N,
)
WORTH = REWARDS.mean() / (1 - GAMMA)


def test_episodes_that_are_cut_are_worth_what_goes_on():
    result = fitted_q_evaluation(
        UNIFORM, CUT, regressor=LinearRegression(), n_bootstraps=50, random_state=0
    )
    assert result.estimate == pytest.approx(WORTH, rel=1e-3)
    assert result.warning == ""
    error = 1.96 * REWARDS.std() / np.sqrt(N) / (1 - GAMMA)
    assert (result.high - result.low) / 2 == pytest.approx(error, rel=0.3)


def test_the_default_regressor_is_right_where_nothing_ends():
    states = np.random.default_rng(0).normal(size=(2001, 2))
    actions = np.arange(2000) % 2
    pays = 1 + 0.1 * states[:-1, 0]
    log = TransitionLog(
        states[:-1],
        actions,
        pays,
        states[1:],
        truncated=np.arange(2000) % 20 == 19,
        episodes=np.arange(2000) // 20,
    )
    result = fitted_q_evaluation(UNIFORM, log, n_bootstraps=0, random_state=0)
    assert result.estimate == pytest.approx(pays.mean() / (1 - GAMMA), rel=0.01)


def ring(n_states=10, n_steps=4000):
    """Action 1 leads on, action 0 stays; one state pays."""
    rng = np.random.default_rng(0)
    states, after = np.zeros(n_steps, dtype=int), np.zeros(n_steps, dtype=int)
    actions = rng.integers(2, size=n_steps)
    for i in range(n_steps):
        jumps = rng.random() < 0.1
        after[i] = (
            rng.integers(n_states) if jumps else (states[i] + actions[i]) % n_states
        )
        states[i + 1 : i + 2] = after[i]
    return TransitionLog(
        states[:, None],
        actions,
        (states == 3) + 0.3 * actions,
        after[:, None],
        truncated=np.arange(n_steps) % 20 == 19,
        episodes=np.repeat(np.arange(n_steps // 20), 20),
        propensities=[0.5] * n_steps,
    )


RING = ring()
# One state in ten pays 1, and going on 0.3.
GOING_ON = DummyClassifier(strategy="constant", constant=1).fit([[0], [0]], [0, 1])
BEYOND = 0.4 / (1 - GAMMA)
MODELS = [
    make_pipeline(OneHotEncoder(), Ridge(1e-6)),
    DecisionTreeRegressor(random_state=0),
]


@pytest.mark.parametrize("model", MODELS, ids=["linear", "tree"])
def test_a_policy_is_worth_more_than_the_log(model):
    values = fit_action_values(GOING_ON, RING, regressor=model, random_state=0)
    states = np.arange(10)[:, None]
    assert values(states)[:, 1].mean() == pytest.approx(BEYOND, rel=0.03)


def test_what_is_missing_is_said():
    tree = DecisionTreeRegressor(random_state=0)
    with pytest.warns(UserWarning, match=r"not settled: .* change them by about 5\d%"):
        fit_action_values(GOING_ON, RING, regressor=tree, n_sweeps=3)
    with pytest.warns(UserWarning, match="not settled"):
        result = fitted_q_evaluation(
            GOING_ON, RING, regressor=tree, n_sweeps=3, n_bootstraps=0
        )
    assert "a larger n_sweeps" in result.warning


def test_values_of_doubly_robust_settle():
    result = doubly_robust(
        UNIFORM, CUT, regressor=LinearRegression(), n_bootstraps=0, random_state=0
    )
    assert result.estimate == pytest.approx(WORTH, rel=1e-3)


@pytest.mark.parametrize("n_steps", [5, 200])
@pytest.mark.parametrize("gamma", [0.9, 0.995, 0.999])
def test_episodes_that_end_are_worth_what_they_pay(n_steps, gamma):
    step = np.tile(np.arange(n_steps), 20)
    log = TransitionLog(
        step[:, None],
        np.arange(len(step)) // n_steps % 2,
        np.ones(len(step)),
        step[:, None] + 1,
        terminated=step == n_steps - 1,
        episodes=np.repeat(np.arange(20), n_steps),
    )
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge(1e-8))
    values = fit_action_values(UNIFORM, log, gamma=gamma, regressor=model)
    worth = (1 - gamma**n_steps) / (1 - gamma)
    assert values([[0]])[0] == pytest.approx([worth, worth], rel=2e-3)
