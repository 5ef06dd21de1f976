"""What counts as a policy of a model."""

import numpy as np

from skampo.utils._rows import row_max, row_sum

# What float32 leaves; more is a mistake, and would be multiplied by 1 / (1 - gamma).
_ROUNDING = 1e-6


def as_policy(proba, shape):
    """Probabilities whose rows sum to 1, from a policy of a model of this shape."""
    proba = np.asarray(proba)
    if proba.ndim == 1:
        return _deterministic(proba, shape)
    proba = np.ascontiguousarray(proba, dtype=np.float64)
    if proba.shape != shape:
        raise ValueError(
            f"A policy must have shape {shape}, one row per state and one column per "
            f"action. Got {proba.shape} instead."
        )
    sums = row_sum(proba)
    # A NaN fails both comparisons.
    valid = (row_max(-proba) <= 0) & (np.abs(sums - 1) <= _ROUNDING)
    for state in np.flatnonzero(~valid)[:1]:
        raise ValueError(
            "A policy must have one probability distribution per state, whose sum is "
            f"1 up to {_ROUNDING:g}. Got {proba[state]} in state {state}, whose sum is "
            f"{float(sums[state])!r}. If only sums are off, divide each row by its sum."
        )
    return proba / sums[:, None]


def _deterministic(actions, shape):
    """One-hot probabilities of the action of each state."""
    n_states, n_actions = shape
    if actions.shape != (n_states,) or actions.dtype.kind not in "iu":
        raise ValueError(
            f"A deterministic policy must be an array of {n_states} integers, the "
            f"action of each state. Got {actions.dtype} of shape {actions.shape}; "
            f"probabilities have the shape {shape}."
        )
    wrong = (actions < 0) | (actions >= n_actions)
    for state in np.flatnonzero(wrong)[:1]:
        raise ValueError(
            f"Actions of a policy must be integers from 0 to {n_actions - 1}. Got "
            f"{actions[state]} in state {state}."
        )
    return np.eye(n_actions)[actions]
