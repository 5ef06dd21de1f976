"""Rows of data: transitions, logs, tables and returns, without any environment."""

from skampo.data._log import TransitionLog
from skampo.data._transitions import Transitions

__all__ = [
    "TransitionLog",
    "Transitions",
]
