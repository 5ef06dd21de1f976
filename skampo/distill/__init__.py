"""Policies as trees that can be read: imitation of a fitted policy."""

from skampo.distill._tree_policy import TreePolicy, distill

__all__ = ["TreePolicy", "distill"]
