"""Fitted policies as programs that need no package: one file of Python or of C."""

from skampo.export._export import Export, to_c, to_python

__all__ = ["Export", "to_c", "to_python"]
