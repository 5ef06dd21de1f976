"""Policies as critics and step sizes are given them, and where they are learned."""

from skampo._policy import MirrorPolicy
from skampo.encodings import Scores
from skampo.mirror_maps import NegativeEntropy
from skampo.testing._corridor import Corridor

__all__ = ["Corridor", "MirrorPolicy", "softmax_of", "uniform"]


def softmax_of(f, **parameters):
    """The softmax of scores: a function of observations, of shape (n, n_actions)."""
    return MirrorPolicy(NegativeEntropy(), f, **parameters)


def uniform(n_actions=2):
    """The policy that every fit begins with."""
    return softmax_of(Scores((None,) * n_actions))
