"""Regressors and features made for policies; any other regressor works as well."""

from skampo.regressors._default import default_regressor
from skampo.regressors._least_squares import LeastSquares
from skampo.regressors._linear import linear_form
from skampo.regressors._nystroem import NystroemFeatures
from skampo.regressors._pooled import PooledRidge

__all__ = ["LeastSquares", "NystroemFeatures", "PooledRidge"]
__all__ += ["default_regressor", "linear_form"]
