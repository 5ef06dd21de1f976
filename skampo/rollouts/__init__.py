"""Environments played by a policy; with `mdp`, all that touches gymnasium."""

from skampo.rollouts._collect import Rollouts
from skampo.rollouts._env_task import EnvTask
from skampo.rollouts._guarded import Guarded
from skampo.rollouts._play import play_episodes

__all__ = ["EnvTask", "Guarded", "Rollouts", "play_episodes"]
