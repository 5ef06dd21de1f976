"""What an environment may return, checked where it enters."""

import numpy as np

SIGNATURES = {
    "reset": "reset(seed=...) -> (observation, info)",
    "step": "step(action) -> (observation, reward, terminated, truncated, info)",
}


def shorten(value, width=200):
    """Show a value in a message."""
    text = repr(value)
    return text if len(text) <= width else text[: width - 3] + "..."


def as_reward(reward):
    """Convert a reward to a float; None if it is not a real number."""
    # float() would also take text and decimals, which are more likely mistakes.
    if isinstance(reward, int | float | np.bool_ | np.integer | np.floating):
        return _as_float(reward)
    if (
        isinstance(reward, np.ndarray)
        and reward.ndim == 0
        and reward.dtype.kind in "fiub"
    ):
        return float(reward)
    return None


def _as_float(reward):
    """Convert, sending integers beyond the floats to infinity of their sign."""
    try:
        return float(reward)
    except OverflowError:
        return float("inf") if reward > 0 else float("-inf")


def as_flag(flag):
    """Convert a flag to a bool; None if it is neither a bool nor 0 or 1."""
    # bool() would take anything, also an info dictionary in the wrong place.
    is_array = isinstance(flag, np.ndarray) and flag.ndim == 0
    if is_array or isinstance(flag, np.bool_ | int | np.integer):
        value = flag.item() if is_array else flag
        return bool(value) if value in (0, 1) else None
    return None


def split_reset(result):
    """Return the observation and info of a reset, or None if it is malformed."""
    # The type first: an observation alone, of the old interface, may have no length.
    if type(result) is not tuple or len(result) != 2 or not is_info(result[1]):
        return None
    return result


def is_info(info):
    """Tell whether an object will do as an info dictionary."""
    return type(info) is dict or hasattr(info, "keys")
