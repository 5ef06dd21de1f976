"""How pairs (state, action) become the rows of a regression, and back."""

from skampo.encodings._base import PASSES, Encoding, Learner, keep_unit, rms
from skampo.encodings._compatible import Compatible, centered_rows
from skampo.encodings._joint import Joint
from skampo.encodings._per_action import Auto, MultiOutput, PerAction
from skampo.encodings._scores import (
    ColumnScores,
    JointScores,
    Scores,
    joint_rows,
    zero_scores,
)

ENCODINGS = {
    "auto": Auto,
    "per_action": PerAction,
    "multi_output": MultiOutput,
    "joint": Joint,
    "compatible": Compatible,
}

__all__ = ["ENCODINGS", "PASSES", "ColumnScores", "Encoding", "JointScores"]
__all__ += [
    "Learner",
    "PerAction",
    "Scores",
    "centered_rows",
    "joint_rows",
    "keep_unit",
]
__all__ += ["rms", "zero_scores"]
