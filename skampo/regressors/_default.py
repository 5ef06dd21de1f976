"""The regressor that is used when none is given."""

from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skampo.regressors._least_squares import LeastSquares
from skampo.regressors._multiscale import MultiscaleNystroem
from skampo.regressors._nystroem import NystroemFeatures
from skampo.regressors._pooled import PooledRidge


def default_regressor(
    *,
    discrete: bool = False,
    linear: bool = False,
    pooled: bool = False,
    exact: bool = False,
) -> Pipeline:
    r"""
    Build the default regressor: ridge on kernel features, or one-hot states.

    Parameters
    ----------
    discrete : bool, default=False
        Whether observations are one integer column. They are then one-hot encoded, so
        that the policy is tabular. The penalty pulls values of states that were met
        only a few times to zero.
    linear : bool, default=False
        Whether the columns themselves are features too, and the kernel features are of
        two widths. Functions then go on linearly where no data were seen, and have
        sharper borders where there are many: logs of several steps are fitted so,
        because a policy that is copied must know what to do next to the states of the
        log, and do as it did in them.
    pooled : bool, default=False
        Whether the ridge is a `PooledRidge`, for states of environments: critics then
        fit the values of all actions together.
    exact : bool, default=False
        Whether the observations are the states of a model, whose values are exact. They
        are one-hot encoded, too, and fitted without a penalty: line 1 then has no
        error, and the iterates are those of policy mirror descent.

    Returns
    -------
    Pipeline
        Standardization, `NystroemFeatures` and a ridge without intercept: where no
        data were seen, the prediction shrinks to zero. One-hot features and the same
        ridge for discrete observations, and `LeastSquares` for the states of a model.

    See Also
    --------
    LeastSquares : What solves line 1 exactly.
    NystroemFeatures : The kernel features.

    Notes
    -----
    The features of two widths, in the step ``"kernel"`` of the union, are those of the
    wide kernel, and as many of one that is four times (`ratio`) narrower if its
    landmarks cover the data. This is so for two columns and hardly ever for four.

    Everything depends on the data in this way. Columns are standardized. The kernel is
    :math:`\exp(-2 \|x - z\|^2 / d)` with d the number of columns that are not
    constant, so that points that are one standard deviation apart in every column have
    the value :math:`e^{-2}`. Of n distinct rows :math:`\max(50, 4 \sqrt n)` are
    landmarks, at most 300; with `linear`, the n under the root counts rows that repeat
    each time. The penalty of 0.1 counts as a tenth of a row, because
    kernel features have a norm of at most 1: without `linear` no value exceeds
    :math:`\|y\| / (2 \sqrt{0.1})`, whatever the data are. Columns beyond
    :math:`10^{150}` overflow when they are standardized.

    Examples
    --------
    >>> from skampo.regressors import default_regressor
    >>> [name for name, step in default_regressor().steps]
    ['standardscaler', 'nystroemfeatures', 'ridge']
    >>> [name for name, step in default_regressor(discrete=True).steps]
    ['onehotencoder', 'ridge']
    >>> [name for name, step in default_regressor(exact=True).steps]
    ['onehotencoder', 'leastsquares']
    """
    if exact:
        parts = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LeastSquares())
        return parts.set_output(transform="default")
    # With a penalty of 1 CartPole is not solved, with 0.01 Acrobot takes longer.
    ridge = Ridge(alpha=0.1, fit_intercept=False)
    if discrete:
        # States that were never met have no feature, and so a uniform policy.
        parts = make_pipeline(OneHotEncoder(handle_unknown="ignore"), ridge)
    else:
        ridge = PooledRidge(alpha=ridge.alpha) if pooled else ridge
        features = kernel_and_columns() if linear else NystroemFeatures()
        parts = make_pipeline(StandardScaler(), features, ridge)
    # Nobody sees its features: they need no names, and sparse ones have none.
    return parts.set_output(transform="default")


def given_or(regressor, suggest):
    """The regressor that was asked for, or what is suggested for the data."""
    return suggest() if regressor is None else regressor


def kernel_and_columns():
    """Kernel features, of two widths if there is room, and the columns themselves."""
    parts = [("columns", "passthrough"), ("kernel", MultiscaleNystroem())]
    # Predictions call it directly: no workers of a cluster, to stack two arrays.
    return FeatureUnion(parts, n_jobs=1)
