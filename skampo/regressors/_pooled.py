"""A ridge regression whose fits for several actions share what they have in common."""

from typing import ClassVar, NamedTuple, Self

from sklearn.linear_model import Ridge

from skampo.features._unchecked import unchecked_predict
from skampo.regressors._linear import RidgeForm, linear_form
from skampo.utils._sklearn import Documented
from skampo.utils._validation import Interval, check_parameters


class PooledForm(NamedTuple):
    """
    Ridge regressions, one per action, that are pulled to a function they share.

    `alpha` is the penalty of what is shared, and `sharing` says how many times as large
    the penalty of what an action adds to it is.
    """

    alpha: float
    sharing: float = 10.0

    def factorize(self, features):
        """As that of `RidgeForm`, for one action alone."""
        return RidgeForm(self.alpha, fit_intercept=False).factorize(features)


class PooledRidge(Documented, Ridge):
    r"""
    Ridge regression without intercept, pooled over the actions by a critic.

    Alone, and in line 1 of the algorithm, it is ``Ridge(alpha, fit_intercept=False)``.
    `skampo.critics.FittedQ` fits the values of all actions together: with features
    :math:`X_a` and targets :math:`y_a` of the rows of action a, the weights
    :math:`w + v_a` minimize

    .. math::

        \sum_a \|y_a - X_a (w + v_a)\|^2 + \alpha \|w\|^2
        + \alpha s \sum_a \|v_a\|^2,

    because values differ less between actions than between states, and an action that
    was hardly taken somewhere is worth about what the others are.

    Parameters
    ----------
    alpha : float, default=0.1
        The penalty, positive.
    sharing : float, default=10.0
        The factor s in [0.001, inf): the larger, the more alike the actions are.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        The weights.
    intercept_ : float
        Always 0.

    See Also
    --------
    default_regressor : Uses it for environments.

    Examples
    --------
    >>> from skampo.regressors import PooledRidge, linear_form
    >>> model = PooledRidge(alpha=1.0).fit([[1.0], [2.0]], [3.0, 3.0])
    >>> model.coef_.round(12)
    array([1.5])
    >>> linear_form(model)
    PooledForm(alpha=1.0, sharing=10.0)
    """

    _constraints: ClassVar = {
        "alpha": Interval(float, 1e-12),
        "sharing": Interval(float, 1e-3),
    }
    _parameter_constraints: ClassVar[dict] = {}

    def __init__(self, alpha: float = 0.1, *, sharing: float = 10.0):
        super().__init__(alpha=alpha, fit_intercept=False)
        self.sharing = sharing

    def fit(self, X, y, sample_weight=None) -> Self:
        """
        Fit the weights.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Features.
        y : array-like of shape (n,) or (n, n_targets)
            Targets.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.

        Returns
        -------
        PooledRidge
            The fitted regressor.
        """
        check_parameters(self, self._constraints)
        return super().fit(X, y, sample_weight)


@linear_form.register
def _(regressor: PooledRidge):
    # A subclass may fit otherwise.
    if type(regressor) is not PooledRidge:
        return None
    check_parameters(regressor, regressor._constraints)
    return PooledForm(float(regressor.alpha), float(regressor.sharing))


@unchecked_predict.register
def _(model: PooledRidge):
    if type(model) is not PooledRidge:
        return None
    weights = model.coef_.T
    return lambda X: X @ weights
