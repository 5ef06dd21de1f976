"""Rewards and initial distributions of a model, read and refused by name."""

import numpy as np
from scipy.sparse import issparse

from skampo.utils._validation import check_distribution


def read_reward(reward):
    """Rewards as floats; those that depend on the successor are refused."""
    means = (
        "reward must have shape (n_states, n_actions), expected rewards. Of one for "
        "each successor take the mean, (transition * reward).sum(axis=2), or "
        "transition.multiply(reward).sum(axis=1).reshape(n_states, n_actions) if they "
        "are sparse. Got "
    )
    if issparse(reward):
        raise ValueError(f"{means}a sparse array of shape {reward.shape} instead.")
    try:
        reward = np.array(reward, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{means}what is no array of numbers: {error}.") from error
    if reward.ndim == 3:
        raise ValueError(f"{means}{reward.shape} instead.")
    return reward


def check_reward(reward):
    """Refuse the first reward that is not finite."""
    for state, action in np.argwhere(~np.isfinite(reward))[:1]:
        raise ValueError(
            f"reward[{state}, {action}] must be finite. Got {reward[state, action]} "
            "instead."
        )


def check_initial(distribution, n_states):
    """Distribution of the first state, uniform for None."""
    if distribution is None:
        return np.full(n_states, 1 / n_states)
    distribution = np.array(distribution, dtype=np.float64)
    if distribution.shape != (n_states,):
        raise ValueError(
            f"initial_distribution must have shape {(n_states,)}. Got "
            f"{distribution.shape} instead."
        )
    check_distribution(distribution, "initial_distribution")
    return distribution
