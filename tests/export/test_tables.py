"""Policies of tables with categories as models of ONNX."""

from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skampo.exceptions import ExportError
from skampo.export import to_c, to_onnx, to_python
from tests.export.tables import customers, fitted

runs = pytest.mark.skipif(
    find_spec("onnx") is None or find_spec("onnxruntime") is None,
    reason="an extra: pip install skampo[onnx]; others let numpy compute it",
)
NUMBERS = make_column_transformer(
    (SimpleImputer(add_indicator=True), ["age"]),
    (OneHotEncoder(handle_unknown="ignore"), ["plan"]),
    ("passthrough", ["visits"]),
)
REGRESSORS = {
    "default": None,
    "some columns": make_pipeline(NUMBERS, Ridge()),
    "trees": make_pipeline(NUMBERS, DecisionTreeRegressor(max_leaf_nodes=9)),
}


@runs
@pytest.mark.parametrize("name", REGRESSORS)
def test_a_model_takes_the_columns_by_name(name):
    from onnxruntime import InferenceSession

    policy = fitted(customers(), REGRESSORS[name])
    export = to_onnx(policy)
    assert export.largest_difference < 1e-12
    session = InferenceSession(export.text, providers=["CPUExecutionProvider"])
    others = customers(seed=7)
    # Words that nobody has seen, one of them in a column that lists its categories.
    others["region"] = others["region"].replace("north", "west")
    others["plan"] = others["plan"].cat.remove_categories("a")
    asked = {one.name: one.type for one in session.get_inputs()}
    assert asked["plan"] == asked["region"] == "tensor(string)"
    given = {
        column: others[column].astype(object).fillna("").to_numpy()[:, None]
        if asked[column] == "tensor(string)"
        else others[column].to_numpy(dtype=float)[:, None]
        for column in others
    }
    proba, action = session.run(None, given)
    assert_allclose(proba, policy.predict_proba(others), atol=1e-12)
    assert_array_equal(policy.classes_[action], policy.predict(others))


def test_programs_take_numbers():
    policy = fitted(customers())
    for export in (to_c, to_python):
        with pytest.raises(ExportError, match=r"tables with categories.*to_onnx knows"):
            export(policy)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"action_mask": "plan"}, "name of another input, 'action_mask'"),
        ({"since": "time"}, r"categories have to be words, got .*2020"),
        ({"level": "integers"}, "categories have to be words, got 1"),
        ({"word": "empty"}, "an empty word and a missing one"),
    ],
)
def test_what_no_model_can_take(column, message):
    n = 60
    values = {
        "plan": np.resize(["a", "b"], n),
        "time": pd.date_range("2020-01-01", periods=2).repeat(n // 2),
        "integers": pd.Categorical(np.resize([1, 2], n)),
        "empty": np.resize(np.array(["", None, "a"], dtype=object), n),
    }
    ((name, kind),) = column.items()
    table = pd.DataFrame({"age": np.arange(n) * 1.0, name: values[kind]})
    with pytest.raises(ExportError, match=message):
        to_onnx(fitted(table))
