"""What is said where the package onnx is missing."""

import sys

import pytest
from sklearn.linear_model import Ridge

from skampo import AMPOPolicy
from skampo.export import to_onnx
from tests.iterates import Corridor


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnx.helper", None)
    policy = AMPOPolicy(Ridge(), max_iter=1, steps_per_iter=32, random_state=0)
    with pytest.raises(ImportError, match=r"skampo\[onnx\]"):
        to_onnx(policy.fit(Corridor))
