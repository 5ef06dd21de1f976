"""How pairs (state, action) become the rows of a regression, and back."""

from skampo.encodings._base import Encoding
from skampo.encodings._compatible import Compatible
from skampo.encodings._compatible_joint import CompatibleJoint
from skampo.encodings._dual_averaging import DualAveraging
from skampo.encodings._joint import Joint
from skampo.encodings._per_action import Auto, MultiOutput, PerAction
from skampo.encodings._scores import Scores

Encoding.by_name |= {
    "auto": Auto,
    "per_action": PerAction,
    "multi_output": MultiOutput,
    "joint": Joint,
    "compatible": Compatible,
    "compatible_joint": CompatibleJoint,
    "dual_averaging": DualAveraging,
}

__all__ = ["DualAveraging", "Encoding", "PerAction", "Scores"]
