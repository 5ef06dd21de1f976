"""Rows of data: transitions, logs, tables and returns, without any environment."""

from skampo.data._checks import check_column, starts_of
from skampo.data._log import TransitionLog
from skampo.data._returns import (
    discounted_returns,
    lambda_returns,
    retrace_returns,
)
from skampo.data._rewards import RewardTable
from skampo.data._rows_of_log import as_transitions
from skampo.data._tables import (
    TableColumns,
    behind_numbers,
    behind_table,
    is_table,
    on_numbers,
)
from skampo.data._transitions import Transitions

__all__ = [
    "RewardTable",
    "TableColumns",
    "TransitionLog",
    "Transitions",
    "as_transitions",
    "behind_numbers",
    "behind_table",
    "check_column",
    "discounted_returns",
    "is_table",
    "lambda_returns",
    "on_numbers",
    "retrace_returns",
    "starts_of",
]
