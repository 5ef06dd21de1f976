"""Regressors and features made for policies; any other regressor works as well."""

from skampo.regressors._default import default_regressor
from skampo.regressors._linear import LeastSquaresForm, RidgeForm, linear_form
from skampo.regressors._nystroem import NystroemFeatures

__all__ = ["LeastSquaresForm", "NystroemFeatures", "RidgeForm", "default_regressor"]
__all__ += ["linear_form"]
