"""Environments played by a policy; with `mdp`, all that touches gymnasium."""

from skampo.rollouts._collect import Rollouts
from skampo.rollouts._env_task import EnvTask
from skampo.rollouts._factories import is_environment
from skampo.rollouts._guarded import Guarded
from skampo.rollouts._play import EpisodeResults, play_episodes

__all__ = ["EnvTask", "EpisodeResults", "Guarded", "Rollouts", "is_environment"]
__all__ += ["play_episodes"]
