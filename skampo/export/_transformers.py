"""Fitted transformers as steps."""

import numpy as np

from skampo.export._builders import builds, gaussian_of, require, step_of
from skampo.export._steps import (
    Affine,
    Gaussian,
    Impute,
    Join,
    Map,
    OneHot,
    Pick,
    Powers,
    Splines,
    Standardize,
    Stretch,
    Times,
)


@builds("sklearn.Pipeline")
def _(part, source):
    for _, step in part.steps:
        source = _branch(step, source)
    return source


@builds("sklearn.FeatureUnion")
def _(part, source):
    weights = part.transformer_weights or {}
    branches = [(name, s) for name, s in part.transformer_list if s != "drop"]
    steps = [(name, _branch(step, source)) for name, step in branches]
    scaled = [Times(s, float(weights[n])) if n in weights else s for n, s in steps]
    return Join.of(scaled)


@builds("sklearn.ColumnTransformer")
def _(part, source):
    parts = []
    for name, step, _ in part.transformers_:
        columns = np.asarray(part._transformer_to_input_indices[name], dtype=int)
        if step == "drop" or not len(columns):
            continue
        parts.append(_branch(step, Pick(source, columns)))
    return Join.of(parts)


def _branch(step, source):
    is_nothing = step is None or (isinstance(step, str) and step == "passthrough")
    return source if is_nothing else step_of(step, source)


@builds("sklearn.StandardScaler", "sklearn.RobustScaler")
def _(part, source):
    center = getattr(part, "mean_", getattr(part, "center_", None))
    keeps = getattr(part, "with_mean", getattr(part, "with_centering", True))
    zero, one = np.zeros(source.size), np.ones(source.size)
    scale = part.scale_
    return Standardize(
        source,
        zero if center is None or not keeps else center,
        one if scale is None else scale,
    )


@builds("sklearn.MaxAbsScaler")
def _(part, source):
    require(not getattr(part, "clip", False), "it cuts what is beyond: set clip=False")
    return Standardize(source, np.zeros(source.size), part.scale_)


@builds("sklearn.MinMaxScaler")
def _(part, source):
    require(not part.clip, "it cuts what is beyond its range: set clip=False")
    return Stretch(source, part.scale_, part.min_)


@builds("sklearn.FunctionTransformer")
def _(part, source):
    require(part.func is None, f"{part.func!r:.60} may do anything")
    return source


@builds("sklearn.OneHotEncoder")
def _(part, source):
    usual = part.drop is None and not getattr(part, "_infrequent_enabled", False)
    require(usual, "drop, min_frequency and max_categories are not known here")
    columns = enumerate(part.categories_)
    return Join.of([OneHot(source, i, _numbers(source, i, k)) for i, k in columns])


def _numbers(source, column, known):
    """The categories of a column; the places of words in the list of its table."""
    if known.dtype.kind in "iufb":
        return known.astype(float)
    table, column = source.origin(column)
    return table.places(column, known)


@builds("sklearn.SimpleImputer")
def _(part, source):
    values = np.asarray(part.statistics_)
    usual = part.missing_values is np.nan or part.missing_values != part.missing_values
    require(usual, "only NaN can be missing")
    require(
        values.dtype.kind == "f" and np.isfinite(values).all(),
        "it drops columns without values, or fills in words",
    )
    for i, value in enumerate(values):
        table, column = source.origin(i)
        table.fill(column, value)
    flagged = part.indicator_.features_ if part.add_indicator else []
    return Impute(source, values, np.asarray(flagged, dtype=int))


@builds("skampo.TableColumns")
def _(part, source):
    return source


@builds("sklearn.PolynomialFeatures")
def _(part, source):
    return Powers(source, part.powers_)


@builds("sklearn.SplineTransformer")
def _(part, source):
    require(
        part.extrapolation == "constant",
        f"extrapolation={part.extrapolation!r}: only 'constant' is known here",
    )
    parts = [
        Splines(source, i, int(spline.k), spline.t)
        for i, spline in enumerate(part.bsplines_)
    ]
    if not part.include_bias:
        # The last spline of each column is one less the others.
        parts = [Pick(step, np.arange(step.size - 1)) for step in parts]
    return Join.of(parts)


@builds("sklearn.PCA")
def _(part, source):
    require(not part.whiten, "whiten=True is not known here: use a StandardScaler")
    centered = Standardize(source, part.mean_, np.ones(source.size))
    return Affine.of(centered, part.components_)


@builds("sklearn.RBFSampler")
def _(part, source):
    waves = Map(
        Affine.of(source, part.random_weights_.T, part.random_offset_), "cosine"
    )
    return Times(waves, float(np.sqrt(2.0 / part.n_components)))


@builds("skampo.NystroemFeatures")
def _(part, source):
    kernel = Gaussian(source, part.landmarks_, float(part.gamma_))
    return Affine.of(kernel, part.normalization_.T)


@builds("skampo.MultiscaleNystroem")
def _(part, source):
    return Join.of([step_of(step, source) for step in part.parts_])


@builds("sklearn.Nystroem")
def _(part, source):
    kernel = gaussian_of(part, source, part.components_)
    return Affine.of(kernel, part.normalization_)
