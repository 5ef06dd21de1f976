"""Fitted policies as programs that need no package: one file of Python, C or ONNX."""

from skampo.export._export import to_c, to_onnx, to_python

__all__ = ["to_c", "to_onnx", "to_python"]
