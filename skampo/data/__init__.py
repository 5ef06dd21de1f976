"""Rows of data: transitions, logs, tables and returns, without any environment."""

from skampo.data._log import TransitionLog
from skampo.data._returns import discounted_returns, lambda_returns, retrace_returns
from skampo.data._rows_of_log import as_transitions
from skampo.data._transitions import Transitions

__all__ = [
    "TransitionLog",
    "Transitions",
    "as_transitions",
    "discounted_returns",
    "lambda_returns",
    "retrace_returns",
]
