"""Logs from episodes: those of Minari, dictionaries, or one table."""

import numpy as np

from skampo.data import TransitionLog
from skampo.data._checks import check_column, starts_of
from skampo.data._tables import is_table
from skampo.utils._sklearn import take_rows

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


def transitions_from_episodes(
    episodes,
    *,
    classes=None,
    states=None,
    episode="episode",
    actions="action",
    rewards="reward",
    terminated=None,
    truncated=None,
    propensities=None,
):
    """
    Make a log of episodes, or of one table with a column of episodes.

    Parameters
    ----------
    episodes : iterable of episodes, dataset, or data frame
        Episodes with the attributes or keys ``observations`` (or ``states``),
        ``actions``, ``rewards``, ``terminations`` (or ``terminated``),
        ``truncations`` (or ``truncated``) and, where known, ``propensities``: objects
        as Minari gives them, or dictionaries. An episode of T actions has T + 1
        observations, or T and ``next_observations``, or T if it terminated. A Minari
        dataset stands for all its episodes. In a table, the rows of an episode follow
        each other in order of time.
    classes : array-like of shape (n_actions,), default=None
        Labels of all actions; None is those that occur.
    states : list of str, default=None
        Columns of a table that are the state; None is all that no other parameter
        names.
    episode, actions, rewards : str
        Columns of a table: label of the episode, action, reward.
    terminated, truncated, propensities : str, default=None
        Columns of a table: whether the row ended the episode by itself; whether the
        episode was cut there; the probability of the action.

    Returns
    -------
    TransitionLog
        Its columns are arrays. In a table, what followed the last row of an episode
        that did not terminate is not known: this row is left out, and the one before
        it is where the episode was cut.

    Raises
    ------
    ValueError
        If actions are unknown, propensities outside (0, 1], rows of an episode torn
        apart, or values not finite: with the column, the first bad row and their
        number.

    See Also
    --------
    skampo.data.TransitionLog : From columns that are there already.

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
        names = {
            "episodes": episode,
            "actions": actions,
            "rewards": rewards,
            "terminated": terminated,
            "truncated": truncated,
            "propensities": propensities,
        }
        return _from_table(episodes, states, names, classes)
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


def _from_table(table, states, names, classes):
    """A log from the columns of a table that `names` gives."""
    for name in ("episodes", "actions", "rewards"):
        if names[name] is None:
            raise ValueError(
                f"The column of {name} is not named. A table needs one: give its name "
                f"among {list(table.columns)}."
            )
    names = {name: column for name, column in names.items() if column is not None}
    for column in [*names.values(), *(states or [])]:
        if column not in table.columns:
            raise ValueError(
                f"The table has no column {column!r}. Its columns are "
                f"{list(table.columns)}."
            )
    if states is None:
        states = [name for name in table.columns if name not in names.values()]
    labels = np.asarray(table[names["episodes"]])
    # Checked here and not by the log, which does not know the names of the table.
    columns = {
        name: check_column(name, column, table[column], classes, labels)
        for name, column in names.items()
    }
    # A tuple would be a single key of pandas.
    return TransitionLog(**_shift(table[list(states)], columns), classes=classes)


def _shift(states, columns):
    """Next states from the row below, where the episode goes on."""
    n_rows = len(columns["episodes"])
    over = columns.pop("terminated", np.zeros(n_rows, dtype=bool))
    cut = columns.pop("truncated", np.zeros(n_rows, dtype=bool))
    is_last = np.ones(n_rows, dtype=bool)
    is_last[:-1] = starts_of(columns["episodes"])[1:]
    dropped = is_last & ~over
    # Above a dropped row is its own episode, unless that row was all of it.
    cut[:-1] |= dropped[1:] & ~is_last[:-1]
    kept = np.flatnonzero(~dropped)
    if not len(kept):
        raise ValueError(
            "No row of the table says what followed it: every episode has a single "
            "row, and none terminated. Name the column of terminated=, or give "
            "episodes of more rows."
        )
    columns = {name: column[kept] for name, column in columns.items()}
    return columns | {
        "states": take_rows(states, kept),
        # Below a row that terminated is another episode, whose state plays no part.
        "next_states": take_rows(states, np.minimum(kept + 1, n_rows - 1)),
        "terminated": over[kept],
        "truncated": cut[kept],
    }
