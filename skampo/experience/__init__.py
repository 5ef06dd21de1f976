"""Transitions from environments; with `mdp`, all that touches gymnasium."""

from skampo.experience._actions import ActionEncoder
from skampo.experience._advice import advise, refuse_observations
from skampo.experience._episodes import EpisodeResults, play_episodes
from skampo.experience._labeled import (
    LabeledExperience,
    RewardedExperience,
    RewardTable,
)
from skampo.experience._log import TransitionLog
from skampo.experience._log_checks import check_column, starts_of
from skampo.experience._logged import LoggedExperience, as_transitions
from skampo.experience._observations import ObservationEncoder
from skampo.experience._returns import (
    discounted_returns,
    lambda_returns,
    retrace_returns,
)
from skampo.experience._rollout import FEWEST_STEPS, EnvironmentExperience
from skampo.experience._seeding import SCORING, TRAINING, VALIDATION, VALIDATIONS
from skampo.experience._sources import is_environment
from skampo.experience._tables import (
    TableColumns,
    behind_numbers,
    behind_table,
    is_table,
    on_numbers,
)
from skampo.experience._tasks import EnvTask, portable_environments
from skampo.experience._transformed import transform_environments
from skampo.experience._transitions import Transitions

__all__ = [
    "FEWEST_STEPS",
    "SCORING",
    "TRAINING",
    "VALIDATION",
    "VALIDATIONS",
    "ActionEncoder",
    "EnvTask",
    "EnvironmentExperience",
    "EpisodeResults",
    "LabeledExperience",
    "LoggedExperience",
    "ObservationEncoder",
    "RewardTable",
    "RewardedExperience",
    "TableColumns",
    "TransitionLog",
    "Transitions",
    "advise",
    "as_transitions",
    "behind_numbers",
    "behind_table",
    "check_column",
    "discounted_returns",
    "is_environment",
    "is_table",
    "lambda_returns",
    "on_numbers",
    "play_episodes",
    "portable_environments",
    "refuse_observations",
    "retrace_returns",
    "starts_of",
    "transform_environments",
]
