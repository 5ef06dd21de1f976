"""What a policy would be worth, from a log of another one."""

from skampo.off_policy._episodes import transitions_from_episodes

__all__ = ["transitions_from_episodes"]
