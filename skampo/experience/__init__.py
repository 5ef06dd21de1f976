"""Transitions from environments; with `mdp`, all that touches gymnasium."""

from skampo.experience._actions import ActionEncoder
from skampo.experience._episodes import EpisodeResults, play_episodes
from skampo.experience._labeled import LabeledExperience, RewardTable
from skampo.experience._observations import ObservationEncoder
from skampo.experience._returns import (
    discounted_returns,
    lambda_returns,
    retrace_returns,
)
from skampo.experience._rollout import EnvironmentExperience
from skampo.experience._seeding import SCORING, TRAINING, VALIDATION
from skampo.experience._sources import is_environment
from skampo.experience._tasks import EnvTask, portable_environments
from skampo.experience._transformed import transform_environments
from skampo.experience._transitions import Transitions

__all__ = [
    "SCORING",
    "TRAINING",
    "VALIDATION",
    "ActionEncoder",
    "EnvTask",
    "EnvironmentExperience",
    "EpisodeResults",
    "LabeledExperience",
    "ObservationEncoder",
    "RewardTable",
    "Transitions",
    "discounted_returns",
    "is_environment",
    "lambda_returns",
    "play_episodes",
    "portable_environments",
    "retrace_returns",
    "transform_environments",
]
