"""Logs from episodes: those of Minari, or dictionaries."""

import numpy as np

from skampo.data._tables import is_table

# What episodes call their columns: ours first, then those of gymnasium and Minari.
_NAMES = {
    "states": ("states", "observations"),
    "next_states": ("next_states", "next_observations"),
    "terminated": ("terminated", "terminations"),
    "truncated": ("truncated", "truncations"),
    "actions": ("actions",),
    "rewards": ("rewards",),
    "propensities": ("propensities",),
}


def read_episodes(episodes):
    """The columns of a log of episodes, see `TransitionLog.from_episodes`."""
    if is_table(episodes):
        raise ValueError(
            "TransitionLog.from_episodes takes episodes, one by one. Got a data frame: "
            "TransitionLog.from_frame(df, state=[...], action=..., reward=..., "
            "episode=...) makes a log of it."
        )
    if hasattr(episodes, "iterate_episodes"):
        episodes = episodes.iterate_episodes()
    parts = [_read_episode(label, one) for label, one in enumerate(episodes)]
    # An episode without steps has no kind of action: its labels would become floats.
    parts = [part for part in parts if len(part["actions"])]
    if not parts:
        raise ValueError(
            "Found 0 episodes with actions while a minimum of 1 is required by "
            "TransitionLog.from_episodes."
        )
    return _join(parts)


def _read_episode(label, episode):
    """The columns of one episode, all of the length of its actions."""
    columns = {name: _find(episode, keys) for name, keys in _NAMES.items()}
    columns = {name: value for name, value in columns.items() if value is not None}
    missing = [name for name in ("states", "actions", "rewards") if name not in columns]
    if missing:
        raise ValueError(
            f"Episode {label} has no {missing[0]}. Expected the keys or attributes "
            f"{[_NAMES[name][-1] for name in ('states', 'actions', 'rewards')]}."
        )
    for name, column in columns.items():
        if column.ndim == 0:
            raise ValueError(
                f"Episode {label} has the single value {column} as {name}; expected "
                "one value for each action."
            )
    n_steps = len(columns["actions"])
    columns |= _follow(label, columns, n_steps)
    _check_lengths(label, columns, n_steps)
    columns["episodes"] = np.full(n_steps, label)
    return columns


def _check_lengths(label, columns, n_steps):
    """Refuse columns whose values would belong to other episodes."""
    for name, column in columns.items():
        if len(column) != n_steps:
            raise ValueError(
                f"Episode {label} has {n_steps} actions and {len(column)} values of "
                f"{name}; expected one for each action."
            )


def _find(episode, keys):
    """The first of these that a dictionary or an object has."""
    is_mapping = hasattr(episode, "keys")
    found = (
        episode.get(key) if is_mapping else getattr(episode, key, None) for key in keys
    )
    return next((np.asarray(value) for value in found if value is not None), None)


def _follow(label, columns, n_steps):
    """States and next states of shape (n_steps, n_features), from what is there."""
    states = columns["states"]
    if states.dtype == object:
        raise ValueError(
            f"The observations of episode {label} are no array of numbers. Flatten "
            "them first, for example with gymnasium.spaces.flatten."
        )
    # A number for each observation is one feature, an image a long row of them.
    states = states.reshape(len(states), -1)
    if "next_states" in columns:
        following = columns["next_states"].reshape(len(columns["next_states"]), -1)
        # The last of T + 1 observations is among the next ones as well.
        return {"states": states[:n_steps], "next_states": following}
    # A slice, for an episode may have no steps.
    has_terminated = "terminated" in columns and np.any(columns["terminated"][-1:])
    if len(states) == n_steps and has_terminated:
        # What follows the end plays no part.
        states = np.vstack([states, states[-1:]])
    if len(states) != n_steps + 1:
        raise ValueError(
            f"Episode {label} has {n_steps} actions and {len(states)} observations; "
            f"expected {n_steps + 1}, the last being what followed the last action."
        )
    return {"states": states[:-1], "next_states": states[1:]}


def _join(parts):
    """All episodes one after the other; columns that some lack are refused."""
    names = set().union(*parts)
    # Sorted, so that the message does not depend on the order of a set.
    for name in sorted(names):
        without = [label for label, part in enumerate(parts) if name not in part]
        if without:
            raise ValueError(
                f"Episode {without[0]} has no {name}, but others have. Give all "
                "episodes the same columns."
            )
    return {name: np.concatenate([part[name] for part in parts]) for name in names}
