"""What `fit` resolves by itself gives the same bits when it is asked for."""

import gymnasium
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.mdp import make_random_mdp
from skampo.model_selection import make_tasks

RNG = np.random.default_rng(0)
STATES = RNG.normal(size=(200, 3))
ACTIONS = RNG.integers(3, size=200)
REWARDS = STATES[:, 0] * (ACTIONS == 1) + STATES[:, 1] * (ACTIONS == 2)
FOLLOWS = {
    "next_states": np.vstack([STATES[1:], STATES[:1]]),
    "terminated": np.arange(200) % 20 == 19,
}
TABLE = pd.DataFrame(STATES[:, :2], columns=["a", "b"]).assign(
    kind=RNG.choice(["u", "v"], size=200)
)
TABLE_FOLLOWS = FOLLOWS | {
    "next_states": TABLE.iloc[np.r_[1:200, 0]].reset_index(drop=True)
}
ON_TABLES = make_column_transformer(
    (OneHotEncoder(), ["kind"]), remainder="passthrough"
)


class DictEnv(gymnasium.Env):
    """Observations of two parts, and an action that is not always allowed."""

    observation_space = gymnasium.spaces.Dict(
        {
            "place": gymnasium.spaces.Discrete(3),
            "fuel": gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float64),
        }
    )
    action_space = gymnasium.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return self._see()

    def _see(self):
        place = int(self.np_random.integers(3))
        info = {"action_mask": np.array([1, 1, place > 0], dtype=np.int8)}
        return {"place": place, "fuel": self.np_random.uniform(-1, 1, 2)}, info

    def step(self, action):
        self.t += 1
        observation, info = self._see()
        return observation, float(action), False, self.t == 10, info


class SevenEnv(DictEnv):
    """Seven columns, and no masks."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (7,), np.float64)

    def _see(self):
        return self.np_random.uniform(-1, 1, 7), {}


DATA = {
    "numbers": (("CartPole-v1",), {}, STATES[:, [0, 1, 2, 0]]),
    "discrete": (("FrozenLake-v1",), {}, np.arange(16)[:, None]),
    "dict with masks": ((DictEnv,), {}, STATES[:, [0, 1, 2, 0, 1]]),
    "many columns": ((SevenEnv,), {}, RNG.normal(size=(9, 7))),
    "model": ((make_random_mdp(random_state=0),), {}, np.arange(5)[:, None]),
    "log": ((STATES, ACTIONS), {"rewards": REWARDS, **FOLLOWS}, STATES),
    "log of one step": ((STATES, ACTIONS), {"rewards": REWARDS}, STATES),
    "table": ((TABLE, ACTIONS), {"rewards": REWARDS, **TABLE_FOLLOWS}, TABLE),
    "table of one step": ((TABLE, ACTIONS), {"rewards": REWARDS}, TABLE),
    "labels": ((STATES, ACTIONS), {}, STATES),
    "all rewards": ((STATES,), {"rewards": STATES}, STATES),
}


@pytest.mark.parametrize("regressor", [None, DecisionTreeRegressor(max_depth=3)])
@pytest.mark.parametrize("data", DATA)
def test_explicit_is_implicit(data, regressor):
    arguments, columns, states = DATA[data]
    if isinstance(states, pd.DataFrame) and regressor is not None:
        # Trees take no categories.
        regressor = make_pipeline(ON_TABLES, regressor)
    small = {"max_iter": 3, "random_state": 0}
    auto = AMPOPolicy(regressor, **small).fit(*arguments, **columns)
    again = AMPOPolicy(**auto.resolved_params_, **small).fit(*arguments, **columns)
    assert_array_equal(again.decision_function(states), auto.decision_function(states))
    assert repr(again.resolved_params_) == repr(auto.resolved_params_)


@pytest.mark.parametrize("env", ["CartPole-v1", "FrozenLake-v1"])
def test_the_critic_does_not_depend_on_the_policy_s_regressor(env):
    small = {"max_iter": 1, "random_state": 0}
    critics = [
        AMPOPolicy(regressor, **small).fit(env).critic_
        for regressor in (None, Ridge(), DecisionTreeRegressor())
    ]
    assert len({repr(critic.regressor_) for critic in critics}) == 1
    assert len({critic.trace_decay_ for critic in critics}) == 1


def test_a_search_tunes_what_is_used_by_default():
    auto = AMPOPolicy(max_iter=2, random_state=0).fit("CartPole-v1")
    policy = AMPOPolicy(max_iter=2, random_state=0, **auto.resolved_params_)
    grid = {"regressor__pooledridge__alpha": [0.1, 1.0]}
    search = GridSearchCV(policy, grid, cv=2, refit=False)
    search.fit(make_tasks("CartPole-v1", 2))
    default = GridSearchCV(AMPOPolicy(max_iter=2, random_state=0), {}, cv=2)
    default.fit(make_tasks("CartPole-v1", 2))
    first = search.cv_results_["mean_test_score"][0]
    assert first == default.cv_results_["mean_test_score"][0]
