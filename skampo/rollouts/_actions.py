"""From columns of a policy to the labels that an environment understands."""

import math

import numpy as np
from gymnasium import spaces

from skampo.rollouts._checks import shorten
from skampo.rollouts._observations import without_generator
from skampo.rollouts._spaces import SpaceEncoder
from skampo.utils._validation import as_mask

# Each is a column of the policy, often with a regressor of its own: ten thousand took
# a Ridge minutes and two gigabytes. Products of several parts grow by accident.
MAX_ACTIONS, MAX_JOINT_ACTIONS = 10_000, 1000


class ActionEncoder(SpaceEncoder):
    """
    Number the actions of a finite action space, the joint ones of a `MultiDiscrete`.

    `labels`, of shape (n_actions,) or (n_actions, n_parts), are what ``env.step`` is
    given for each column of a policy. A space that is not finite, or has more than
    10,000 actions or 1000 joint ones, is refused under the name of its environment.
    """

    def __init__(self, space, environment="the environment"):
        if isinstance(space, spaces.Discrete):
            _refuse_many(int(space.n), MAX_ACTIONS, "actions", space, environment)
            self.labels = int(space.start) + np.arange(int(space.n), dtype=np.int64)
            self._env_actions = self.labels.tolist()
        elif isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1:
            self.labels = _enumerate(space, environment)
            # An array of a wider type is no member of the space.
            self._env_actions = list(self.labels.astype(space.dtype))
        else:
            raise ValueError(
                "AMPOPolicy needs a finite action space, but "
                f"{environment} has action_space={space}. For a Box, wrap it: "
                "gymnasium.wrappers.DiscretizeAction(env, bins=11). For others, number "
                "the actions: gymnasium.wrappers.TransformAction(env, func, "
                "gymnasium.spaces.Discrete(n))."
            )
        self.space = without_generator(space)
        self.n_actions = len(self.labels)

    def to_env(self, index):
        """The member of the action space that a column of a policy stands for."""
        action = self._env_actions[index]
        # A copy, in case the environment writes into the action that it was given.
        return action.copy() if self.labels.ndim > 1 else action

    def read_mask(self, info):
        """
        Which actions the ``info`` of a reset or step allows; None if it does not say.

        The key ``"action_mask"`` is read for a `Discrete` space and ignored otherwise.
        """
        # Of several parts gymnasium masks each by itself, not their combinations.
        if "action_mask" not in info or self.labels.ndim > 1:
            return None
        mask = info["action_mask"]
        if mask is None:
            return None
        given = np.asarray(mask)
        mask = as_mask(given) if given.shape == (self.n_actions,) else None
        if mask is None:
            raise ValueError(
                f"an action_mask of shape {given.shape} and dtype {given.dtype}, "
                f"{shorten(given, 80)}, while {self.n_actions} zeros and ones were "
                "expected"
            )
        return mask


def _enumerate(space, environment):
    """List the joint actions, the last part running fastest."""
    # numpy's product overflows: that of 64 twos is 0.
    n_joint = math.prod(space.nvec.tolist())
    _refuse_many(n_joint, MAX_JOINT_ACTIONS, "joint actions", space, environment)
    grid = np.indices(space.nvec.tolist()).reshape(len(space.nvec), n_joint)
    return grid.T.astype(np.int64) + np.asarray(space.start, dtype=np.int64)


def _refuse_many(n, largest, what, space, environment):
    """Raise for more actions than a policy can have columns."""
    if n > largest:
        raise ValueError(
            f"{environment} has action_space={space} with {n} {what}, more than the "
            f"{largest} that a policy can tell apart. Wrap it so that it offers fewer, "
            "for example with gymnasium.wrappers.TransformAction."
        )
