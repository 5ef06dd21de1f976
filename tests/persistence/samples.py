"""Honest policies of every kind that a file can hold."""

import warnings

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    HuberRegressor,
    Lasso,
    LassoCV,
    LinearRegression,
    Ridge,
    RidgeCV,
    SGDRegressor,
)
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

from skampo import AMPOPolicy
from skampo.bandits import LinearBandit
from skampo.critics import FittedQ, RewardModel
from skampo.mdp import make_random_mdp
from skampo.mirror_maps import (
    Euclidean,
    HyperbolicEntropy,
    HyperbolicTangent,
    NegativeEntropy,
    Tsallis,
)
from skampo.regressors import PooledRidge
from skampo.step_sizes import (
    Adaptive,
    Constant,
    Geometric,
    Normalized,
    StepSize,
    TrustRegion,
)
from tests.scripted import RewardingEnv

SMALL = {"max_iter": 2, "steps_per_iter": 48, "n_envs": 2, "random_state": 0}
FEW = {"n_estimators": 3, "min_child_samples": 2, "verbose": -1}


def with_ridge(*parts):
    return make_pipeline(*parts, Ridge())


REGRESSORS = {
    "default": None,
    "Ridge": Ridge(),
    "LightGBM": LGBMRegressor(**FEW),
    "linear LightGBM": LGBMRegressor(linear_tree=True, **FEW),
    "forest of LightGBM": LGBMRegressor(
        boosting_type="rf", subsample=0.5, subsample_freq=1, **FEW
    ),
    "quantiles of LightGBM": LGBMRegressor(objective="quantile", **FEW),
    "histograms": HistGradientBoostingRegressor(max_iter=2, min_samples_leaf=2),
    "histograms that stop": HistGradientBoostingRegressor(
        max_iter=3, min_samples_leaf=2, early_stopping=True
    ),
    "boosting": GradientBoostingRegressor(n_estimators=3),
    "boosting from zero": GradientBoostingRegressor(
        n_estimators=3, init="zero", n_iter_no_change=1
    ),
    "extra trees": ExtraTreesRegressor(3),
    "forest": RandomForestRegressor(3),
    "forest with a score": RandomForestRegressor(30, max_depth=1, oob_score=True),
    "tree": DecisionTreeRegressor(),
    "extra tree": ExtraTreeRegressor(),
    "neighbors": make_pipeline(StandardScaler(), KNeighborsRegressor(3)),
    "ball tree": KNeighborsRegressor(3, algorithm="ball_tree", weights="distance"),
    "all within a radius": RadiusNeighborsRegressor(50.0),
    "network": make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=2)
    ),
    "network by SGD": MLPRegressor(hidden_layer_sizes=(4,), solver="sgd", max_iter=2),
    "network by L-BFGS": MLPRegressor(
        hidden_layer_sizes=(4,), solver="lbfgs", max_iter=2
    ),
    "support vectors": make_pipeline(StandardScaler(), SVR()),
    "kernel ridge": make_pipeline(StandardScaler(), KernelRidge(kernel="rbf")),
    "Gaussian process": GaussianProcessRegressor(optimizer=None),
    "kernels": GaussianProcessRegressor(RBF() + WhiteKernel(), optimizer=None),
    "Nystroem": with_ridge(StandardScaler(), Nystroem(gamma=0.5, n_components=20)),
    "splines": with_ridge(SplineTransformer()),
    "SGD": SGDRegressor(),
    "averaged SGD": SGDRegressor(average=True),
    "Lasso": Lasso(warm_start=True),
    "LassoCV": LassoCV(cv=2),
    "ElasticNet": ElasticNet(),
    "Huber": HuberRegressor(),
    "Bayes": BayesianRidge(),
    "least squares": LinearRegression(),
    "bagging": BaggingRegressor(n_estimators=2, max_features=1),
    "AdaBoost": AdaBoostRegressor(n_estimators=2),
    "votes": VotingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor())]),
    "stacking": StackingRegressor([("a", Ridge()), ("b", DecisionTreeRegressor())]),
    "scaled target": TransformedTargetRegressor(Ridge(), transformer=StandardScaler()),
    "target": TransformedTargetRegressor(Ridge()),
    "union": make_pipeline(
        make_union(StandardScaler(), "passthrough", PCA(1)), RidgeCV()
    ),
    "columns": with_ridge(
        ColumnTransformer(
            [
                ("a", StandardScaler(), [0]),
                ("b", KBinsDiscretizer(2, quantile_method="linear"), [1]),
            ],
            remainder="passthrough",
        )
    ),
    "polynomials": with_ridge(PolynomialFeatures(2)),
    "quantiles": with_ridge(QuantileTransformer(n_quantiles=5)),
    "powers": with_ridge(PowerTransformer()),
    "scalers": with_ridge(
        SimpleImputer(),
        MinMaxScaler(),
        MaxAbsScaler(),
        RobustScaler(),
        FunctionTransformer(),
    ),
    "random features": with_ridge(RBFSampler(n_components=20)),
}


def make_env():
    """Rewards for an action that depends on the state."""
    return RewardingEnv(n_actions=3)


def fitted(name, **keywords):
    """A policy with this regressor, fitted to an environment."""
    policy = AMPOPolicy(REGRESSORS[name], **SMALL | keywords)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return policy.fit(make_env)


def others():
    """Policies with other parts than a regressor, and what they were fitted to."""
    mdp = make_random_mdp(random_state=0)
    X = np.random.default_rng(0).normal(size=(30, 2)).round(1)
    small = {"max_iter": 2, "random_state": 0}
    tree = DecisionTreeRegressor(max_depth=3)
    encoders = make_union(OrdinalEncoder(), OneHotEncoder(handle_unknown="ignore"))
    yield "model", AMPOPolicy(**small), (mdp,)
    yield "labels", AMPOPolicy(Ridge(), **small), (X, np.where(X[:, 0] > 0, "b", "a"))
    yield "encoders", AMPOPolicy(make_pipeline(encoders, Ridge()), **small), (mdp,)
    encodings = ("multi_output", "compatible", "compatible_joint", "dual_averaging")
    for encoding in encodings:
        policy = AMPOPolicy(Ridge(), encoding=encoding, **SMALL)
        yield encoding, policy, (make_env,)
    yield "joint", AMPOPolicy(tree, encoding="joint", **SMALL), (make_env,)
    for critic in ("lstdq", "lambda_return", "monte_carlo"):
        yield critic, AMPOPolicy(critic=critic, **SMALL), (make_env,)
    for name, regressor in (("line 1", Ridge()), ("tree of line 1", tree)):
        policy = AMPOPolicy(regressor, critic=FittedQ("policy"), **SMALL)
        yield f"critic like {name}", policy, (make_env,)
    policy = AMPOPolicy(critic=FittedQ(PooledRidge()), min_odds=0.01, **SMALL)
    yield "pooled", policy, ("CartPole-v1",)
    yield "discrete", AMPOPolicy(**SMALL), ("FrozenLake-v1",)
    policy = AMPOPolicy(warm_start=True, **small)
    yield "one step", policy, (X, np.arange(30) % 3, {"rewards": X[:, 1]})
    steps = [Adaptive(), Constant(0.5), Geometric()]
    steps += [StepSize.by_name["greedy"](), Normalized()]
    steps += [TrustRegion(0.1, direction="old_from_new")]
    maps = [Euclidean(), HyperbolicEntropy(), HyperbolicTangent(), Tsallis(0.5)]
    maps += 2 * [NegativeEntropy()]
    for step_size, mirror_map in zip(steps, maps, strict=True):
        policy = AMPOPolicy(mirror_map=mirror_map, step_size=step_size, **SMALL)
        yield f"{step_size}, {mirror_map}", policy, (make_env,)
    log = {
        "rewards": X[:, 1],
        "next_states": X[::-1],
        "terminated": np.arange(30) % 7 == 6,
    }
    policy = AMPOPolicy(**small, warm_start=True)
    yield "log", policy, (X, np.arange(30) % 3, log)
    table = pd.DataFrame(X, columns=["a", "b"])
    table.loc[::4, "b"] = np.nan
    log = {"rewards": X[:, 1], "next_states": table[::-1], "terminated": X[:, 0] > 1}
    yield "missing values", AMPOPolicy(**small), (table, np.arange(30) % 3, log)
    yield from weighted(X)
    policy = AMPOPolicy(early_stopping=True, warm_start=True, **SMALL)
    yield "best iterate", policy, (make_env,)
    features = make_pipeline(StandardScaler(), Nystroem(n_components=5), Ridge())
    for name, bandit in (
        ("bandit", LinearBandit()),
        ("bandit of features", LinearBandit(features, exploration="upper_bound")),
    ):
        yield name, bandit, (X, np.arange(30) % 3, X[:, 1])


def weighted(X):
    """Policies of rows with weights and propensities, which go on learning."""
    warm = {"max_iter": 2, "random_state": 0, "warm_start": True}
    actions = np.arange(30) % 3
    log = {"rewards": X[:, 1], "sample_weight": 1.0 + actions}
    log["propensities"] = np.full(30, 0.5)
    policy = AMPOPolicy(DecisionTreeRegressor(max_depth=2), **warm)
    yield "weights", policy, (X, actions, log)
    critic = RewardModel(Ridge(), method="doubly_robust")
    yield "reward model", AMPOPolicy(critic=critic, **warm), (X, actions, log)


def fit(policy, data):
    """Fit a policy to a model, environments, labels or a log."""
    *data, last = data
    keywords = last if isinstance(last, dict) else {}
    return policy.fit(*data, **keywords) if keywords else policy.fit(*data, last)


def prepare(folder):
    """Files by name, and functions that fit what is in them again."""
    files, fits = {}, {}
    warm = {"warm_start": True, "max_iter": 1}
    for name in REGRESSORS:
        fitted(name, **warm).save(folder / "honest")
        files[name] = (folder / "honest").read_bytes()
        fits[name] = lambda policy: again(policy, (make_env,))
    for name, policy, data in others():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit(policy, data).save(folder / "honest")
        files[name] = (folder / "honest").read_bytes()
        fits[name] = lambda policy, data=data: again(policy, data)
    # What is imported when it is needed first is imported now.
    for name, data in files.items():
        import skampo

        (folder / "honest").write_bytes(data)
        fits[name](skampo.load(folder / "honest"))
    return files, fits


def again(policy, data):
    """A small refit, with the parameters of the file for all but its own length."""
    small = {"max_iter": 1, "steps_per_iter": 48, "n_envs": 2, "max_episode_steps": 20}
    small["validation_episodes"] = 1
    own = small.keys() & policy.get_params(deep=False)
    return fit(policy.set_params(**{name: small[name] for name in own}), data)
