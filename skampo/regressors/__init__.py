"""Regressors and features made for policies; any other regressor works as well."""

from skampo.regressors._default import default_regressor
from skampo.regressors._nystroem import NystroemFeatures

__all__ = ["NystroemFeatures", "default_regressor"]
