"""Contextual bandits that explore while data arrive."""

from skampo.bandits._linear_bandit import LinearBandit

__all__ = ["LinearBandit"]
