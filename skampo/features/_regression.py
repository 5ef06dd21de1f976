"""Fitting and asking any scikit-learn regressor, with its failures made clear.

Everything the package knows about a user's regressor is in this file: how it takes
weights, how it is seeded, and what its predictions may look like.
"""

import copy
import inspect
import re
import sys

import numpy as np
from joblib import hash as hash_of
from sklearn.base import clone, is_classifier, is_clusterer
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from skampo.exceptions import InvalidParameterError, RegressorError
from skampo.features._lending import lend, size_hint, warning_of_size
from skampo.features._steps import last_step
from skampo.utils._sklearn import takes_sample_weight
from skampo.utils._threads import LARGE, in_order, limit_threads
from skampo.utils._warnings import warn_user

# Where an object is in memory, in its text.
_ADDRESS = re.compile(" at 0x[0-9a-fA-F]+")
_LARGEST_SEED = 2**31 - 1
# Parameters of all regressors whose `warm_start` only adds members.
_ENSEMBLE_PARAMETERS = {"n_estimators", "max_leaf_nodes"}


def check_regressor(regressor, owner, name="regressor"):
    """Refuse what is not an instance of a regressor, by name."""
    if isinstance(regressor, type):
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be an estimator instance. Got the "
            f"class {regressor.__name__}: write {regressor.__name__}(), with "
            "parentheses."
        )
    # A stacking regressor without a final estimator shows `predict` once it is fitted.
    predicts = hasattr(regressor, "predict") or hasattr(type(regressor), "predict")
    if not (hasattr(regressor, "fit") and predicts):
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be a scikit-learn regressor with "
            f"'fit' and 'predict', for example Ridge(). Got {regressor!r} instead."
        )
    if is_classifier(regressor) or is_clusterer(regressor):
        kind = "classifier" if is_classifier(regressor) else "clusterer"
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be a regressor, because line 1 of "
            f"the algorithm fits real numbers. Got the {kind} {regressor!r} instead: "
            "use a regressor."
        )
    _warn_of_optimizer(regressor)
    return regressor


def _warn_of_optimizer(regressor):
    """Warn of a regressor that would optimize its kernel in every one of many fits."""
    # Whoever has one has imported its module.
    processes = sys.modules.get("sklearn.gaussian_process")
    parts = getattr(regressor, "get_params", dict)().values()
    if processes and any(
        isinstance(part, processes.GaussianProcessRegressor) and part.optimizer
        for part in (regressor, *parts)
    ):
        warn_user(
            "GaussianProcessRegressor optimizes its kernel in every fit, and there are "
            "many: an iteration may take minutes. Set its optimizer=None, and give it "
            "a kernel that suits the states."
        )


def check_transformer(transformer, owner):
    """Refuse what is not an instance of a transformer."""
    if isinstance(transformer, type) or not (
        hasattr(transformer, "fit") and hasattr(transformer, "transform")
    ):
        raise InvalidParameterError(
            f"The 'transformer' parameter of {owner} must be a transformer instance "
            f"with 'fit' and 'transform', for example Nystroem(). Got {transformer!r} "
            "instead."
        )


def takes_columns(regressor):
    """Whether the regressor fits a two-dimensional target, as far as it is known."""
    _, last = last_step(regressor)
    # It does not declare it. Whoever has a network has imported its module.
    networks = sys.modules.get("sklearn.neural_network")
    if networks and type(last) is networks.MLPRegressor:
        return True
    return bool(get_tags(regressor).target_tags.multi_output)


def seed_unseeded(regressor, rng):
    """Give every ``random_state=None`` inside `regressor` a seed drawn from `rng`."""
    unseeded = [name for name, value in _seeds(regressor).items() if value is None]
    seeds = rng.integers(_LARGEST_SEED, size=len(unseeded))
    regressor.set_params(**{n: int(s) for n, s in zip(unseeded, seeds, strict=True)})
    return regressor


def _seeds(regressor):
    """Every ``random_state`` inside `regressor`, sorted by name."""
    # Sorted, so that a seed does not depend on the order of the parameters.
    parameters = sorted(
        regressor.get_params(deep=True).items(), key=lambda item: item[0]
    )
    return {n: v for n, v in parameters if n.split("__")[-1] == "random_state"}


def learns_by_passes(regressor):
    """Whether a fitted model learns on by single passes over the data."""
    # Who sets `warm_start` asks for whole fits, also where passes are possible.
    return hasattr(regressor, "partial_fit") and not _starts_warm(regressor)


def _starts_warm(regressor):
    """Whether another `fit` goes on from the last one."""
    _, last = last_step(regressor)
    if not getattr(last, "warm_start", False):
        return False
    # Ensembles of trees keep all old members, which were fitted to old targets.
    return _ENSEMBLE_PARAMETERS.isdisjoint(last.get_params())


def fit_regressor(regressor, X, y, sample_weight=None, *, rng, start=None, n_passes=1):
    """
    Fit a fresh clone of `regressor`, or let a copy of `start` learn on.

    It learns on if it is a model of the same regressor: with ``warm_start=True`` by
    another `fit`, otherwise by `n_passes` of `partial_fit`. A regressor that takes no
    weights sees rows drawn in proportion to them.
    """
    weights, rows = _split_weights(regressor, sample_weight, rng)
    X, y = X[rows], y[rows]
    # Some regressors of several columns refuse a vector.
    if not get_tags(regressor).target_tags.single_output and y.ndim == 1:
        y = y[:, None]
    try:
        with limit_threads(X.size), warning_of_size(regressor, X):
            if not _can_learn_on(start, regressor, X):
                model = fresh(regressor, X.size, rng)
                return _learn(model.fit, model, X, y, weights)
            # A copy: the iterate of `start` may be kept, and must not change.
            return _learn_on(copy.deepcopy(start), X, y, weights, n_passes)
    except Exception as error:
        raise RegressorError(
            f"regressor {regressor!r} failed on {X.shape[0]:,} x {X.shape[1]} rows: "
            f"{type(error).__name__}: {error}{size_hint(X)}"
        ) from error


def fresh(regressor, size, rng):
    """A clone with seeds, and with the threads that data of this size are worth."""
    model = seed_unseeded(clone(regressor), rng)
    if size < LARGE:
        # LightGBM counts the cores by itself. None is 1, as in all of scikit-learn.
        unset = [n for n, value in _threads_of_lightgbm(model).items() if value is None]
        model.set_params(**dict.fromkeys(unset, 1))
    return model


def _threads_of_lightgbm(regressor):
    """Every ``n_jobs`` of a LightGBM model inside `regressor`, by its name."""
    parameters = regressor.get_params(deep=True)
    owners = {"": regressor} | {f"{name}__": part for name, part in parameters.items()}
    return {
        f"{prefix}n_jobs": parameters[f"{prefix}n_jobs"]
        for prefix, owner in owners.items()
        # Asked by name, so that lightgbm is imported only by those who use it.
        if any(c.__module__ == "lightgbm.sklearn" for c in type(owner).__mro__)
    }


def _can_learn_on(start, regressor, X):
    """Whether `start` is a model of this regressor that knows these columns."""
    if start is None or not (_starts_warm(start) or learns_by_passes(start)):
        return False
    # One-hot features get more columns when new states are met.
    knows_columns = getattr(start, "n_features_in_", X.shape[1]) == X.shape[1]
    return knows_columns and is_same(start, regressor)


def is_same(model, regressor):
    """Whether two estimators differ in nothing but seeds and numbers of threads."""
    return type(model) is type(regressor) and _settings(model) == _settings(regressor)


def _settings(regressor):
    """All parameters but seeds and threads, as text."""
    # A fitted model was given some where the regressor of the user has none.
    given = _seeds(regressor) | _threads_of_lightgbm(regressor)
    others = dict.fromkeys(given) | _passed_through(regressor)
    return parameters_as_text(clone(regressor).set_params(**others))


def _passed_through(regressor):
    """Steps that change nothing, by the word that stands for them before a fit."""
    # In a FeatureUnion it is replaced by such a transformer.
    return {
        name: "passthrough"
        for name, part in regressor.get_params(deep=True).items()
        if type(part) is FunctionTransformer and part.func is part.inverse_func is None
    }


def parameters_as_text(part):
    """Texts that differ where the parameters do; none of what has no parameters."""
    parameters = getattr(part, "get_params", dict)()
    # Values may be arrays or estimators, which cannot simply be compared.
    with np.printoptions(floatmode="unique"):
        return {name: _as_text(value) for name, value in parameters.items()}


def _as_text(value):
    """Text of a value; of a long one, whose middle is left out, with its hash."""
    if hasattr(value, "get_params") and not isinstance(value, type):
        # Not its `repr`, whose time doubles with every Pipeline inside another.
        return f"{type(value).__qualname__}({_inner_text(value)})"
    if isinstance(value, list | tuple) and any(map(_has_estimators, value)):
        return f"[{', '.join(map(_as_text, value))}]"
    text = repr(value)
    short = _ADDRESS.sub("", text)
    if short == text and "..." not in text:
        return text
    try:
        # A clone, because what another fit learned is no parameter.
        return f"{short} ({hash_of(clone(value, safe=False))})"
    except Exception:
        # Functions without a name, for example, cannot be pickled.
        return text


def _inner_text(part):
    given = {
        name: _as_text(value)
        for name, value in sorted(part.get_params(deep=False).items())
    }
    # A class without a constructor has a signature that has to be compiled.
    made = inspect.signature(type(part)).parameters if given else {}
    # As scikit-learn shows them: the others follow from the class.
    return ", ".join(
        f"{name}={text}"
        for name, text in given.items()
        if name not in made or text != _as_text(made[name].default)
    )


def _has_estimators(item):
    parts = item if isinstance(item, tuple) else (item,)
    return any(hasattr(part, "get_params") for part in parts)


def _learn_on(model, X, y, weights, n_passes):
    is_warm = _starts_warm(model)
    learn = model.fit if is_warm else model.partial_fit
    # Lent anew for every pass, because one may have been overwritten.
    for _ in range(1 if is_warm else n_passes):
        _learn(learn, model, X, y, weights)
    return model


def _learn(learn, model, X, y, weights):
    """Call a method of the model that learns, with arrays it may write into."""
    lent = {name: lend(model, column) for name, column in weights.items()}
    return learn(lend(model, X), lend(model, y), **lent)


def _split_weights(regressor, sample_weight, rng):
    """The keyword arguments and the rows that make `regressor` see the weights."""
    if sample_weight is None:
        return {}, slice(None)
    # Some regressors divide by weights, and scikit-learn refuses all-zero ones.
    kept = np.flatnonzero(sample_weight > 0)
    keywords = _weight_keywords(regressor)
    if keywords:
        return dict.fromkeys(keywords, sample_weight[kept]), kept
    share = sample_weight[kept] / sample_weight[kept].sum()
    return {}, rng.choice(kept, size=len(kept), p=share)


def takes_weights(regressor):
    """Whether `fit_regressor` hands weights on instead of drawing rows."""
    return bool(_weight_keywords(regressor))


def _weight_keywords(regressor):
    """Names under which `fit` passes weights on, empty when the model gets none."""
    if takes_sample_weight(regressor):
        # A wrapper names the parameter also when what it wraps takes no weights.
        wrapped = getattr(regressor, "estimator", None)
        passes_on = not hasattr(wrapped, "fit") or takes_sample_weight(wrapped)
        return ["sample_weight"] if passes_on else []
    if hasattr(regressor, "steps"):
        steps = [(name, step) for name, step in regressor.steps if hasattr(step, "fit")]
        # Weights for transformers alone would not reach the model: rows are drawn then.
        if not steps or not _weight_keywords(steps[-1][1]):
            return []
        return [
            f"{name}__{keyword}"
            for name, step in steps
            for keyword in _weight_keywords(step)
        ]
    inner = getattr(regressor, "regressor", None)
    return _weight_keywords(inner) if hasattr(inner, "fit") else []


def predict_column(model, X):
    """Predictions of a fitted model as finite floats of shape (n,)."""
    return predict_columns(model, X, 1)[:, 0]


def predict_columns(model, X, n_columns):
    """Predictions of a fitted model as finite floats of shape (n, n_columns)."""
    n_rows, values = X.shape[0], _predict_floats(model, X)
    # By its size alone a transposed array would pass.
    if values.size != n_rows * n_columns or values.shape[:1] != (n_rows,):
        raise RegressorError(
            f"regressor {model!r} predicted an array of shape {values.shape} for "
            f"{n_rows} rows; expected shape {(n_rows, n_columns)}."
        )
    if not np.isfinite(values).all():
        raise RegressorError(
            f"regressor {model!r} predicted NaN or infinity for "
            f"{int((~np.isfinite(values)).any(axis=-1).sum())} of {n_rows} rows. Scale "
            "its inputs (StandardScaler in a Pipeline) or regularize it more."
        )
    return values.reshape(n_rows, n_columns)


def _predict_floats(model, X):
    """What the model predicts, as floats; NaN where a masked array hides a value."""
    try:
        with limit_threads(X.size), in_order():
            raw = model.predict(lend(model, X))
    except Exception as error:
        raise RegressorError(
            f"regressor {model!r} failed to predict {X.shape[0]:,} x {X.shape[1]} "
            f"rows: {type(error).__name__}: {error}"
        ) from error
    try:
        if np.iscomplexobj(raw):
            raise TypeError("complex numbers")
        return np.ma.filled(np.ma.asarray(raw).astype(np.float64), np.nan)
    except (TypeError, ValueError) as error:
        raise RegressorError(
            f"regressor {model!r} predicted {type(raw).__name__} values that are not "
            "numbers; its 'predict' must return floats."
        ) from error
