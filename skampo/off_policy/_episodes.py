"""Logs from episodes: those of Minari, or dictionaries."""

import numpy as np

from skampo.data import TransitionLog
from skampo.data._tables import is_table

__all__ = ["transitions_from_episodes"]

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


def transitions_from_episodes(episodes, *, classes=None):
    """
    Make a log of episodes.

    Parameters
    ----------
    episodes : iterable of episodes, or dataset
        Episodes with the attributes or keys ``observations`` (or ``states``),
        ``actions``, ``rewards``, ``terminations`` (or ``terminated``),
        ``truncations`` (or ``truncated``) and, where known, ``propensities``: objects
        as Minari gives them, or dictionaries. An episode of T actions has T + 1
        observations, or T and ``next_observations``, or T if it terminated. A Minari
        dataset stands for all its episodes.
    classes : array-like of shape (n_actions,), default=None
        Labels of all actions; None is those that occur.

    Returns
    -------
    TransitionLog
        Its columns are arrays.

    Raises
    ------
    ValueError
        If actions are unknown, propensities outside (0, 1], or values not finite: with
        the column, the first bad row and their number. If columns of an episode have
        other lengths, or a data frame is given.

    See Also
    --------
    TransitionLog.from_frame : From the columns of a data frame.

    Examples
    --------
    >>> from skampo.off_policy import transitions_from_episodes
    >>> episode = {
    ...     "observations": [[0.0], [1.0], [2.0]],
    ...     "actions": [1, 0],
    ...     "rewards": [0.0, 5.0],
    ...     "terminations": [False, True],
    ... }
    >>> log = transitions_from_episodes([episode, episode])
    >>> log.episodes
    array([0, 0, 1, 1])
    >>> log.next_states.ravel()
    array([1., 2., 1., 2.])
    """
    if is_table(episodes):
        raise ValueError(
            "transitions_from_episodes takes episodes, one by one. Got a data frame: "
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
            "transitions_from_episodes."
        )
    return TransitionLog(**_join(parts), classes=classes)


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
    """All episodes behind each other; columns that some lack are refused."""
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
