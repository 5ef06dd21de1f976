"""Fitted regressors as steps."""

import numpy as np

from skampo.exceptions import ExportError
from skampo.export._builders import builds, gaussian_of, require, step_of
from skampo.export._forests import boosted_trees, histogram_trees, sklearn_trees
from skampo.export._steps import (
    Affine,
    Constant,
    Join,
    Map,
    Pick,
    Standardize,
    Stretch,
)

_NAMES = {"relu": "rectify", "tanh": "tangent", "logistic": "logistic"}


@builds(
    "sklearn.Ridge",
    "sklearn.RidgeCV",
    "sklearn.LinearRegression",
    "sklearn.Lasso",
    "sklearn.LassoCV",
    "sklearn.ElasticNet",
    "sklearn.BayesianRidge",
    "sklearn.HuberRegressor",
    "sklearn.SGDRegressor",
    "skampo.PooledRidge",
    "skampo.LeastSquares",
)
def _(part, source):
    return Affine.of(source, part.coef_, part.intercept_)


@builds("sklearn.SVR")
def _(part, source):
    kernel = gaussian_of(part, source, part.support_vectors_)
    return Affine.of(kernel, part.dual_coef_, part.intercept_)


@builds("sklearn.KernelRidge")
def _(part, source):
    kernel = gaussian_of(part, source, part.X_fit_)
    return Affine.of(kernel, part.dual_coef_.T)


@builds("sklearn.MLPRegressor")
def _(part, source):
    name = _NAMES.get(part.activation)
    last = len(part.coefs_) - 1
    for i, (weights, offset) in enumerate(
        zip(part.coefs_, part.intercepts_, strict=True)
    ):
        source = Affine(source, weights.T, offset)
        if i < last and name is not None:
            source = Map(source, name)
    return source


@builds("sklearn.KNeighborsRegressor", "sklearn.RadiusNeighborsRegressor")
def _(part, source):
    raise ExportError(
        "it predicts by a search among all the rows that it was fitted to, and a "
        "program would have to hold them"
    )


@builds("sklearn.DummyRegressor")
def _(part, source):
    return Constant(source, part.constant_[0])


@builds("sklearn.DecisionTreeRegressor", "sklearn.ExtraTreeRegressor")
def _(part, source):
    return _mean_of_trees([part], source)


@builds("sklearn.RandomForestRegressor", "sklearn.ExtraTreesRegressor")
def _(part, source):
    return _mean_of_trees(part.estimators_, source)


def _mean_of_trees(models, source):
    trees = [model.tree_ for model in models]
    total = sklearn_trees(source, trees, [tree.value[:, :, 0] for tree in trees])
    if len(trees) == 1:
        return total
    return Standardize(
        total, np.zeros(total.size), np.full(total.size, len(trees), float)
    )


@builds("sklearn.GradientBoostingRegressor")
def _(part, source):
    start = step_of(part.init_, source)
    trees = [model.tree_ for model in part.estimators_[:, 0]]
    values = [part.learning_rate * tree.value[:, :, 0] for tree in trees]
    total = sklearn_trees(source, trees, values)
    return Affine(Join((start, total)), np.ones((1, 2)), np.zeros(1))


@builds("sklearn.HistGradientBoostingRegressor")
def _(part, source):
    require(part._preprocessor is None, "it reads categories, which are no numbers")
    total = histogram_trees(source, [trees[0] for trees in part._predictors])
    start = np.ravel(part._baseline_prediction)
    raw = Stretch(total, np.ones(1), start)
    return Map(raw, "exponential") if part.loss in ("poisson", "gamma") else raw


@builds("lightgbm.LGBMRegressor")
def _(part, source):
    total, header = boosted_trees(source, part.booster_)
    if header["average_output"]:
        count = float(total.n_trees)
        total = Standardize(total, np.zeros(1), np.full(1, count))
    objective = header["objective"].split(" ")[0]
    if objective in ("poisson", "gamma", "tweedie"):
        return Map(total, "exponential")
    require("sqrt" not in header["objective"], "reg_sqrt=True is not known here")
    return total


@builds("sklearn.BaggingRegressor")
def _(part, source):
    pairs = zip(part.estimators_, part.estimators_features_, strict=True)
    columns = [step_of(m, Pick(source, np.asarray(f))) for m, f in pairs]
    return _mean(columns)


@builds("sklearn.VotingRegressor")
def _(part, source):
    columns = [step_of(model, source) for model in part.estimators_]
    return _mean(columns, part.weights)


def _mean(columns, weights=None):
    """The mean of models that give as many numbers each."""
    size, n = columns[0].size, len(columns)
    shares = np.full(n, 1 / n) if weights is None else np.asarray(weights, float)
    rows = np.kron(shares / shares.sum(), np.eye(size))
    return Affine(Join.of(columns), rows, np.zeros(size))
