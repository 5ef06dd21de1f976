"""Exported policies do what the policies do."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete
from lightgbm import LGBMRegressor
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from skampo import AMPOPolicy
from skampo.data import TransitionLog
from skampo.exceptions import ExportError
from skampo.export import to_c, to_python
from skampo.mdp import make_random_mdp
from skampo.mirror_maps import OmegaPotential, Tsallis
from skampo.rollouts import Rollouts
from tests.export.compiled import COMPILER, Compiled
from tests.export.states import states_of
from tests.iterates import Corridor
from tests.rollouts.policies import UniformPolicy

compiles = pytest.mark.skipif(
    COMPILER is None,
    reason="no C compiler: other tests let numpy compute it",
)
FEW = {"max_iter": 3, "steps_per_iter": 64, "random_state": 0}
REGRESSORS = {
    "ridge": Ridge(),
    "least squares": LinearRegression(),
    "splines": make_pipeline(SplineTransformer(), Ridge()),
    "fewer splines": make_pipeline(
        RobustScaler(), SplineTransformer(degree=2, include_bias=False), Ridge()
    ),
    "polynomials": make_pipeline(MinMaxScaler(), PolynomialFeatures(2), Ridge()),
    "union": make_pipeline(
        FeatureUnion([("x", "passthrough"), ("waves", RBFSampler(n_components=20))]),
        Ridge(),
    ),
    "columns": make_pipeline(
        ColumnTransformer([("first", StandardScaler(), [0])], remainder="passthrough"),
        Ridge(),
    ),
    "tree": DecisionTreeRegressor(max_leaf_nodes=20),
    "forest": RandomForestRegressor(5, max_depth=4),
    "extra trees": ExtraTreesRegressor(5, max_depth=4),
    "gradient boosting": GradientBoostingRegressor(n_estimators=5),
    "histograms": HistGradientBoostingRegressor(max_iter=5),
    "LightGBM": LGBMRegressor(n_estimators=5, min_child_samples=5, verbose=-1),
    "LightGBM forest": LGBMRegressor(
        boosting_type="rf",
        subsample=0.5,
        subsample_freq=1,
        n_estimators=5,
        min_child_samples=5,
        verbose=-1,
    ),
    "network": make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(8, 4), max_iter=100)
    ),
    "tanh": MLPRegressor(hidden_layer_sizes=(8,), activation="tanh", max_iter=100),
    "bagging": BaggingRegressor(Ridge(), 3, max_features=1),
    "voting": VotingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor())]),
}


def _module(export):
    module = {}
    exec(export.text, module)
    return module


def _compare(policy, tmp_path):
    """Both languages against the policy, with masks and without."""
    states, n_actions = states_of(policy, 300), len(policy.classes_)
    python, c = to_python(policy), to_c(policy)
    assert max(python.largest_difference, c.largest_difference) <= 1e-12
    module = _module(python)
    for mask in (None, np.arange(n_actions) > 0):
        expected = policy.predict_proba(states, action_mask=mask)
        proba = [module["probabilities"](state, mask) for state in states]
        assert_allclose(proba, expected, rtol=0, atol=1e-12)
        # Rounding decides where two actions are equally probable.
        ordered = np.sort(expected, axis=1)
        clear = ordered[:, -1] - ordered[:, :-1].max(axis=1, initial=0.0) > 1e-12
        best = [module["act"](state, mask) for state in states[clear]]
        assert_array_equal(best, policy.predict(states[clear], action_mask=mask))
        if COMPILER is not None:
            library = Compiled(c.text, tmp_path)
            proba = library.probabilities(states, n_actions, mask)
            assert_allclose(proba, expected, rtol=0, atol=1e-12)
            best = expected[clear].argmax(axis=1)
            assert_array_equal(library.act(states[clear], mask), best)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [(name, "auto") for name in REGRESSORS]
    + [(name, "per_action") for name in ("splines", "forest", "network", "LightGBM")]
    + [(name, "joint") for name in ("tree", "polynomials", "LightGBM", "tanh")],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:encoding='joint':UserWarning")
@pytest.mark.filterwarnings("ignore:the regressor explains nothing:UserWarning")
def test_regressors(name, encoding, tmp_path):
    policy = AMPOPolicy(REGRESSORS[name], encoding=encoding, **FEW).fit(Corridor)
    _compare(policy, tmp_path)


@pytest.mark.parametrize(
    "mirror_map",
    [
        "negative_entropy",
        "euclidean",
        "hyperbolic_entropy",
        "hyperbolic_tangent",
        Tsallis(0.5),
        Tsallis(1.0),
        Tsallis(1.5),
        Tsallis(2.0),
        Tsallis(3.0),
    ],
)
def test_mirror_maps(mirror_map, tmp_path):
    policy = AMPOPolicy(Ridge(), mirror_map=mirror_map, **FEW)
    _compare(policy.fit(lambda: Corridor(n_actions=3)), tmp_path)


def test_a_greedy_policy(tmp_path):
    policy = AMPOPolicy(Ridge(), step_size="greedy", **FEW).fit(Corridor)
    assert np.isinf(policy._policy.eta)
    _compare(policy, tmp_path)


def test_one_action(tmp_path):
    policy = AMPOPolicy(Ridge(), mirror_map="tsallis", **FEW)
    policy.fit(lambda: Corridor(n_actions=1))
    assert _module(to_python(policy))["probabilities"]([0.0, 0.0]) == [1.0]
    assert to_c(policy).largest_difference == 0


@pytest.mark.parametrize("shows", ["discrete", "dict"])
def test_default_on_other_observations(shows, tmp_path):
    policy = AMPOPolicy(**FEW).fit(lambda: Corridor(shows=shows))
    _compare(policy, tmp_path)


def test_a_model_and_the_exact_critic():
    model = make_random_mdp(n_states=5, n_actions=3, random_state=0)
    policy = AMPOPolicy(random_state=0, max_iter=3).fit(model)
    module = _module(to_python(policy))
    assert [module["act"](s) for s in range(5)] == policy.predict(model.states).tolist()


def test_an_action_without_a_model_has_the_mean_of_the_others(tmp_path):
    X, actions = np.arange(12.0)[:, None], np.arange(12) % 3
    log = TransitionLog(X, actions, X[:, 0] * actions, classes=[0, 1, 2, 3])
    policy = AMPOPolicy(Ridge(), random_state=0).fit(log)
    _compare(policy, tmp_path)


@pytest.fixture(scope="module")
def log_policy():
    """Kernel features of two widths, and words as actions."""
    X = np.random.default_rng(0).uniform(-1.7, 1.7, size=(600, 2))
    y = np.where(np.sin(3 * X[:, 0]) > X[:, 1], 'go "on"\n', "stop ä")
    frame = pd.DataFrame(X, columns=["a", "b"])
    return AMPOPolicy(random_state=0, max_iter=3).fit(frame, y)


def test_words_and_names_of_columns(log_policy):
    module = _module(to_python(log_policy))
    assert set(module["ACTIONS"]) == {'go "on"\n', "stop ä"}
    states = pd.DataFrame([[0.5, -1.0], [-1.0, 1.0]], columns=["a", "b"])
    chosen = [module["act"](row) for row in states.to_numpy()]
    assert chosen == log_policy.predict(states).tolist()
    assert to_c(log_policy, X=states).n_states > to_c(log_policy).n_states


@compiles
def test_words_in_c(log_policy, tmp_path):
    library = Compiled(to_c(log_policy).text, tmp_path).library
    import ctypes

    words = (ctypes.c_char_p * 2).in_dll(library, "actions")
    assert [word.decode() for word in words] == log_policy.classes_.tolist()


def test_joint_actions(tmp_path):
    class TwoWheels(Corridor):
        def __init__(self):
            super().__init__()
            self.action_space = MultiDiscrete([2, 3])

        def step(self, action):
            self.action_space = Discrete(2)
            try:
                return super().step(int(action[0]))
            finally:
                self.action_space = MultiDiscrete([2, 3])

    policy = AMPOPolicy(Ridge(), **FEW).fit(TwoWheels)
    module = _module(to_python(policy))
    state = [1.0, -1.0]
    assert module["act"](state) == policy.act(np.array(state)).tolist()
    text = to_c(policy).text
    assert "const int actions[N_ACTIONS][2]" in text
    if COMPILER is not None:
        Compiled(text, tmp_path)


def test_what_python_refuses():
    policy = AMPOPolicy(Ridge(), **FEW).fit(Corridor)
    module = _module(to_python(policy))
    for observation in ([1.0], [1.0, np.nan], [1.0, np.inf], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match="2 finite numbers"):
            module["act"](observation)
    for mask in ([0, 0], [1], [1, 1, 1]):
        with pytest.raises(ValueError, match="2 actions"):
            module["act"]([0.0, 0.0], mask)


def test_files_hold_the_text(tmp_path):
    policy = AMPOPolicy(Ridge(), **FEW).fit(Corridor)
    export = to_python(policy, tmp_path / "policy.py")
    assert (tmp_path / "policy.py").read_text("utf8") == export.text
    assert to_c(policy).save(tmp_path / "policy.c") == tmp_path / "policy.c"
    assert "largest difference" in repr(export)


@pytest.mark.parametrize("export", [to_python, to_c])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_another_program_is_refused(export):
    network = MLPRegressor(hidden_layer_sizes=(8,), max_iter=50)
    policy = AMPOPolicy(network, **FEW).fit(Corridor)
    export(policy)
    # The policy does not do what its weights say.
    policy.regressor_.predict = lambda X: np.zeros((len(X), 2))
    with pytest.raises(ExportError, match="differ by"):
        export(policy)


@pytest.mark.parametrize(
    ("regressor", "words"),
    [
        (
            KNeighborsRegressor(),
            "KNeighborsRegressor: it predicts by a search among all the rows",
        ),
        (
            make_pipeline(SplineTransformer(extrapolation="linear"), Ridge()),
            "SplineTransformer: extrapolation='linear'",
        ),
        (LGBMRegressor(linear_tree=True, verbose=-1), "linear_tree=False"),
    ],
)
def test_what_cannot_be_exported_is_named(regressor, words):
    policy = AMPOPolicy(regressor, **FEW).fit(Corridor)
    for export in (to_python, to_c):
        with pytest.raises(ExportError, match="its method save") as raised:
            export(policy)
        assert words in str(raised.value)


def test_maps_and_classes_of_ones_own_are_named():
    class Steeper(Ridge):
        """May predict anything."""

    own = AMPOPolicy(Steeper(), **FEW).fit(Corridor)
    with pytest.raises(ExportError, match="Steeper"):
        to_c(own)
    own = AMPOPolicy(Ridge(), mirror_map=OmegaPotential(np.exp, np.log), **FEW)
    with pytest.raises(ExportError, match="OmegaPotential"):
        to_c(own.fit(Corridor))


PLAYER = """
import sys
import gymnasium
import policy
env, returns = gymnasium.make("CartPole-v1"), []
for seed in range(20):
    observation, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        observation, reward, *ends, _ = env.step(policy.act(observation))
        total, over = total + reward, any(ends)
    returns.append(total)
packages = {name.partition(".")[0] for name in sys.modules}
assert not packages & {"skampo", "sklearn", "scipy", "lightgbm"}, packages
print(returns)
"""


@pytest.mark.slow
def test_an_exported_policy_plays_without_this_package(tmp_path):
    learned = AMPOPolicy(random_state=0, max_iter=12).fit("CartPole-v1")
    to_python(learned, tmp_path / "policy.py")
    run = subprocess.run(
        [sys.executable, "-c", PLAYER], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    returns = np.array(eval(run.stdout))
    assert len(returns) == 20
    assert returns.mean() == pytest.approx(learned.score("CartPole-v1"), abs=100)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("env", ["CartPole-v1", "FrozenLake-v1"])
def test_the_same_greedy_actions_in_100_000_states(env, tmp_path):
    policy = AMPOPolicy(random_state=0, max_iter=12).fit(env)
    with Rollouts(env, steps_per_iter=2000) as rollouts:
        seen = rollouts.gather(UniformPolicy(len(policy.classes_))).observations
    states = states_of(policy, 100_000, seen.mean(axis=0), seen.std(axis=0))
    ordered = np.sort(policy.predict_proba(states), axis=1)
    # Ten standard deviations away, scores are about the last bit of a probability: two
    # that differ by it alone are no order.
    states = states[ordered[:, -1] - ordered[:, -2] != 2.0**-54]
    assert len(states) > 99_000
    few = states[:: len(states) // 5000]
    module = _module(to_python(policy))
    assert_array_equal([module["act"](state) for state in few], policy.predict(few))
    if COMPILER is not None:
        library = Compiled(to_c(policy).text, tmp_path)
        assert_array_equal(library.act(states), policy.predict(states))
