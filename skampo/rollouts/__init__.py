"""Environments played by a policy; with `mdp`, all that touches gymnasium."""

from skampo.rollouts._collect import Rollouts
from skampo.rollouts._guarded import Guarded
from skampo.rollouts._play import play_episodes

__all__ = ["Guarded", "Rollouts", "play_episodes"]
