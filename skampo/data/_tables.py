"""Tables with named columns of any kind, as rows of an array and back.

A table of states stays a table: it travels as `FrameRows`, whose rows are selected as
those of an array, and estimators are lent the table itself. `TableColumns`, the first
step of a regressor's Pipeline, gives other tables and arrays its names and types.
"""

import importlib

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from skampo.data._checks import without_na
from skampo.features._lending import FrameRows
from skampo.features._steps import put_in_front
from skampo.utils._sklearn import Documented

# Names of types in pandas and polars, without their sizes.
_TIMES = ("datetime", "timedelta")
_NUMBERS = {"int", "uint", "float", "bool", "boolean", "decimal"}
# All others, of both, that files of policies may ask for.
_OTHERS = {"object", "str", "string", "category", "String", "Categorical", "Boolean"}
_OTHERS |= {"Date", "Time", "Null", "Object"}
_OTHERS |= {f"{kind}64[{unit}]" for kind in _TIMES for unit in ("s", "ms", "us", "ns")}
# Types of polars that have parameters, in the order in which they are made of them.
_PARAMETERS = {
    "Datetime": ("time_unit", "time_zone"),
    "Decimal": ("precision", "scale"),
    "Duration": ("time_unit",),
    "Enum": ("categories",),
}


def is_table(X):
    """Whether the columns have names, as those of pandas and polars do."""
    return hasattr(X, "columns") and hasattr(X, "to_numpy")


class TableColumns(Documented, TransformerMixin, BaseEstimator):
    """
    The names and types of a table's columns; a transformer that gives them to rows.

    Parameters
    ----------
    library : str
        ``"pandas"`` or ``"polars"``: what the tables are made by.
    names : list of str
        Names of the columns.
    dtypes : list
        Their types as strings; for a categorical column of pandas a list of its
        categories and whether they are ordered, for a type of polars that has
        parameters a list of its name and those.
    """

    def __init__(self, library, names, dtypes):
        self.library = library
        self.names = names
        self.dtypes = dtypes

    @classmethod
    def of(cls, table):
        """The columns of a table of pandas or polars; others are refused."""
        library = _library(table)
        # As text and lists: files of policies hold no types of pandas or polars.
        dtypes = [_describe(table[name].dtype) for name in table.columns]
        return cls(library, list(table.columns), dtypes)

    @property
    def categorical(self):
        """Names of the columns that hold no numbers, in the order of the table."""
        made = zip(self.names, self.dtypes, strict=True)
        return [name for name, dtype in made if not _is_number(dtype)]

    def missing(self, *tables):
        """Names of the columns of numbers of which one is missing in a table."""
        numbers = [name for name in self.names if name not in self.categorical]
        return [name for name in numbers if any(_has_nan(t[name]) for t in tables)]

    def fit(self, X, y=None):
        """Do nothing: the columns are known."""
        return self

    def __sklearn_is_fitted__(self):
        # It has nothing to learn, hence no attributes that would tell.
        return True

    def _check_loaded(self):
        """Refuse types for which pandas and polars would look for modules and files."""
        for dtype in self.dtypes:
            if not _is_common(dtype):
                raise ValueError(f"a column of the type {dtype!r:.80}")
        if len(self.names) != len(self.dtypes) or self.library not in _MAKERS:
            raise ValueError("a table of other columns than types")

    def transform(self, X):
        """Make a table of rows, also of a table whose columns have other types."""
        if not is_table(X):
            columns = X.T
        elif self.dtypes == TableColumns.of(X).dtypes:
            return X
        else:
            columns = [without_na(np.asarray(X[c], dtype=object)) for c in X.columns]
        return _MAKERS[self.library](self.names, self.dtypes, columns)

    def rows(self, X):
        """Such a table, of rows that are numbered from 0 and selected as an array's."""
        frame = self.transform(X)
        # An index of the caller's could have one label twice.
        has_index = hasattr(frame, "reset_index")
        return FrameRows(frame.reset_index(drop=True) if has_index else frame)

    def row(self, observation):
        """A table of one observation: values by name, or in the table's order."""
        if hasattr(observation, "keys"):
            missing = [name for name in self.names if name not in observation]
            if missing:
                raise ValueError(f"no value for the columns {missing}")
            observation = [observation[name] for name in self.names]
        return self.transform(np.array([list(observation)], dtype=object))


def selects_by_name(regressor):
    """Whether a `ColumnTransformer` in it asks for columns by text or a function."""
    parts = getattr(regressor, "get_params", dict)().values()
    steps = [part for part in (regressor, *parts) if hasattr(part, "transformers")]
    return any(_are_names(c) for step in steps for _, _, c in step.transformers)


def _are_names(columns):
    """Whether columns are text, a function, or a slice or list of text."""
    if isinstance(columns, slice):
        columns = [columns.start, columns.stop]
    single = isinstance(columns, str) or callable(columns)
    return single or any(isinstance(column, str) for column in np.ravel(columns))


def numeric_pipeline(columns, regressor, *, is_complete=False):
    """
    Return a Pipeline that turns tables into numbers for a regressor or classifier.

    Categories become one-hot. The other columns get the median and an indicator where
    values are missing; where `is_complete` says that none is, they stay as they are.
    """
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    # Kernels and straight lines take no NaN, and that a value is missing may matter.
    numbers = SimpleImputer(
        strategy="median", add_indicator=True, keep_empty_features=True
    )
    # Decimals are objects, of which the imputer makes numbers.
    if is_complete and not any(d[0] == "Decimal" for d in columns.dtypes):
        # A millisecond less for each action.
        numbers = "passthrough"
    encoder = ColumnTransformer(
        [("categories", categories, columns.categorical)], remainder=numbers
    )
    model = put_in_front("numbers", encoder, regressor)
    plain = _with_nan(columns)
    same = plain.dtypes == columns.dtypes
    return model if same else put_in_front("table", plain, model)


def _with_nan(columns):
    """The same columns, with NaN where those of pandas would have its NA."""
    if columns.library != "pandas":
        return columns
    # NA makes an array one of objects, which no column of numbers may be.
    dtypes = [_nan_type(dtype) for dtype in columns.dtypes]
    return TableColumns(columns.library, columns.names, dtypes)


def _nan_type(dtype):
    """The type of pandas that holds the same values, and NaN."""
    if dtype == "string":
        return "object"
    is_nullable = _is_number(dtype) and (dtype == "boolean" or dtype[0].isupper())
    return "float64" if is_nullable else dtype


def _library(table):
    """What made a table, also one of a class derived from it."""
    roots = [cls.__module__.partition(".")[0] for cls in type(table).__mro__]
    library = next((root for root in roots if root in _MAKERS), None)
    if library is None:
        raise TypeError(
            f"A table must be a data frame of {' or '.join(_MAKERS)}. Got "
            f"{type(table).__module__}.{type(table).__name__}: convert it."
        )
    return library


def _is_number(dtype):
    name = dtype if isinstance(dtype, str) else dtype[0]
    # The list of a categorical column of pandas begins with its categories.
    return isinstance(name, str) and name.lower().rstrip("0123456789") in _NUMBERS


def _has_nan(column):
    """Whether a column of numbers has a missing one."""
    values = without_na(np.asarray(column))
    return bool(np.isnan(values.astype(float)).any())


def _is_common(dtype):
    """Whether a type is one of those that are in files of policies."""
    if isinstance(dtype, str):
        return _is_number(dtype) or dtype in _OTHERS
    name, *parameters = dtype
    # The first of a categorical column of pandas are its categories.
    if isinstance(name, list):
        return True
    # Time zones are files.
    zones = [p for p in parameters if isinstance(p, str) and name == "Datetime"]
    return name in _PARAMETERS and {*zones} <= {"ms", "us", "ns", "UTC"}


def _describe(dtype):
    categories = getattr(dtype, "categories", None)
    if hasattr(categories, "tolist") and hasattr(dtype, "ordered"):
        return [categories.tolist(), bool(dtype.ordered)]
    name = type(dtype).__name__
    if name not in _PARAMETERS:
        return str(dtype)
    values = [getattr(dtype, parameter) for parameter in _PARAMETERS[name]]
    # The categories are a series.
    return [name, *(v.to_list() if hasattr(v, "to_list") else v for v in values)]


def _make_pandas(names, dtypes, columns):
    import pandas as pd

    kinds = [
        dtype if isinstance(dtype, str) else pd.CategoricalDtype(*dtype)
        for dtype in dtypes
    ]
    made = zip(names, columns, kinds, strict=True)
    # Copied, so that the table does not share memory with the array.
    return pd.DataFrame({n: pd.Series(list(c), dtype=kind) for n, c, kind in made})


def _make_polars(names, dtypes, columns):
    polars = importlib.import_module("polars")
    kinds = [_polars_type(polars, dtype) for dtype in dtypes]
    schema = dict(zip(names, kinds, strict=True))
    data = [column.tolist() for column in columns]
    # Integers come as floats out of an array of both.
    return polars.DataFrame(data, schema=schema, strict=False)


def _polars_type(polars, dtype):
    """The type of a name, or of a list of a name and parameters."""
    name, *values = [dtype] if isinstance(dtype, str) else dtype
    kind = getattr(polars, name)
    # Nothing else is called, whatever the file of a policy says.
    return kind(*values) if name in _PARAMETERS else kind


_MAKERS = {"pandas": _make_pandas, "polars": _make_polars}
