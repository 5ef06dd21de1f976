"""Mirror maps: how scores become probabilities, and distances between policies."""

from skampo.mirror_maps._base import MirrorMap
from skampo.mirror_maps._closed_form import Euclidean, NegativeEntropy
from skampo.mirror_maps._families import (
    HyperbolicEntropy,
    HyperbolicTangent,
    Tsallis,
)
from skampo.mirror_maps._potential import OmegaPotential

__all__ = [
    "Euclidean",
    "HyperbolicEntropy",
    "HyperbolicTangent",
    "MirrorMap",
    "NegativeEntropy",
    "OmegaPotential",
    "Tsallis",
]

MirrorMap.by_name |= {
    "negative_entropy": NegativeEntropy,
    "euclidean": Euclidean,
    "tsallis": Tsallis,
    "hyperbolic_entropy": HyperbolicEntropy,
    "hyperbolic_tangent": HyperbolicTangent,
}
