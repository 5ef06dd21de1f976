"""Environments played by a policy; with `mdp`, all that touches gymnasium."""

from skampo.rollouts._actions import ActionEncoder
from skampo.rollouts._advice import advise, refuse_observations
from skampo.rollouts._collect import FEWEST_STEPS, Rollouts
from skampo.rollouts._env_task import EnvTask, portable_environments
from skampo.rollouts._observations import ObservationEncoder
from skampo.rollouts._play import EpisodeResults, play_episodes
from skampo.rollouts._seeding import SCORING, TRAINING, VALIDATION, VALIDATIONS
from skampo.rollouts._sources import is_environment
from skampo.rollouts._transformed import transform_environments

__all__ = [
    "FEWEST_STEPS",
    "SCORING",
    "TRAINING",
    "VALIDATION",
    "VALIDATIONS",
    "ActionEncoder",
    "EnvTask",
    "EpisodeResults",
    "ObservationEncoder",
    "Rollouts",
    "advise",
    "is_environment",
    "play_episodes",
    "portable_environments",
    "refuse_observations",
    "transform_environments",
]
