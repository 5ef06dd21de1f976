"""A log from one data frame: which column is what, and what followed each row."""

import numpy as np

from skampo.data._checks import (
    as_labels,
    check_column,
    check_last,
    check_whole,
    refuse_rows,
    starts_of,
)
from skampo.data._tables import is_table
from skampo.features._blocks import taken
from skampo.utils._sklearn import append_columns, take_rows
from skampo.utils._validation import Interval, check_argument

# What a log calls the columns that `TransitionLog.from_frame` names.
_ROLES = {
    "action": "actions",
    "reward": "rewards",
    "episode": "episodes",
    "propensity": "propensities",
    "terminated": "terminated",
    "truncated": "truncated",
}


def read_frame(frame, state, time, classes, lags=0, **named):
    """
    Read the columns of a log from a data frame.

    Parameters
    ----------
    frame : data frame
        Of pandas or polars.
    state : list of str
        Names of the columns of the state.
    time : str or None
        The column that orders the rows of an episode.
    classes : array-like of shape (n_actions,) or None
        Labels of all actions.
    lags : int, default=0
        Number of earlier rows that join each state.
    **named : dict
        Names of the other columns, by the parameters of `TransitionLog.from_frame`;
        None where there is none.

    Returns
    -------
    dict
        Columns by the parameters of `TransitionLog`.

    Raises
    ------
    ValueError
        If names or values cannot be used.

    See Also
    --------
    TransitionLog : Made by this in `from_frame`.

    Examples
    --------
    >>> import pandas as pd
    >>> from skampo.data._frames import read_frame
    >>> table = pd.DataFrame({"age": [30, 40], "offer": [0, 1], "paid": [2.0, 1.0]})
    >>> read = read_frame(table, ["age"], None, None, action="offer", reward="paid")
    >>> sorted(read)
    ['actions', 'rewards', 'states']
    """
    if not is_table(frame):
        raise ValueError(
            f"from_frame takes a data frame of pandas or polars. Got "
            f"{type(frame).__name__}: give arrays as TransitionLog(states, actions, "
            "rewards), episodes to TransitionLog.from_episodes, and a dask dataframe "
            "or many frames to TransitionLog.from_batches."
        )
    check_argument("TransitionLog.from_frame", "lags", lags, Interval(int, 0))
    named = without_none(named)
    check_names(list(frame.columns), state, time, named, lags)
    # A tuple would be a single key of pandas.
    return arrange(frame[list(state)], frame, time, classes, named, lags)


def without_none(named):
    """The columns that were named."""
    return {role: name for role, name in named.items() if name is not None}


def arrange(states, frame, time, classes, named, lags=0):
    """
    Check, sort and shift the columns of a log.

    Parameters
    ----------
    states : data frame or ndarray of shape (n, n_features)
        The states.
    frame : mapping of str to array-like of shape (n,)
        The other columns, by their names.
    time, classes, named, lags
        As for `read_frame`.

    Returns
    -------
    dict
        Columns by the parameters of `TransitionLog`.

    Raises
    ------
    ValueError
        If values cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.data._frames import arrange
    >>> columns = {"offer": np.array([0, 1]), "paid": np.array([2.0, 1.0])}
    >>> states, named = np.array([[30.0], [40.0]]), {"reward": "paid"}
    >>> arrange(states, columns, None, None, named)["rewards"]
    array([2., 1.])
    """
    # Before rows are sorted, so that a bad row has the number that the frame gives it.
    columns = {
        _ROLES[role]: check_column(_ROLES[role], name, frame[name], classes)
        for role, name in named.items()
        if role != "episode"
    }
    if "episode" not in named:
        return columns | {"states": states}
    columns["episodes"] = as_labels(named["episode"], frame[named["episode"]])
    if time is not None:
        order = _in_time(columns["episodes"], time, frame[time])
        columns = {name: taken(column, order) for name, column in columns.items()}
        states = _states_at(states, order)
    _check_order(columns, named)
    return _shift(_with_lags(states, columns["episodes"], lags), columns)


def _with_lags(states, episodes, lags):
    """The columns of a frame, and beside them those of earlier rows of the episode."""
    rows = np.arange(len(episodes))
    first = np.maximum.accumulate(np.where(starts_of(episodes), rows, 0))
    wide = states
    for lag in range(1, lags + 1):
        earlier = take_rows(states, np.maximum(rows - lag, first))
        names = {name: f"{name}_lag{lag}" for name in states.columns}
        twice = [name for name in names.values() if name in states.columns]
        if twice:
            raise ValueError(
                f"lags={lags} makes a column {twice[0]!r}, and the state has one of "
                "that name. Rename it, or leave lags out."
            )
        wide = append_columns(wide, earlier, names)
    return wide


def check_names(there, state, time, named, lags=0):
    """Refuse names of columns that are not there, there twice, or of two things."""
    if isinstance(state, str) or not len(state):
        raise ValueError(
            f"state= is a list of at least one name of a column. Got {state!r}."
        )
    asked = [*state, *named.values(), *([] if time is None else [time])]
    absent = [name for name in asked if name not in there]
    if absent:
        raise ValueError(f"The frame has no column {absent[0]!r}. It has {there}.")
    twice = [name for name in asked if there.count(name) > 1]
    if twice:
        raise ValueError(
            f"The frame has {there.count(twice[0])} columns {twice[0]!r}, and which of "
            "them is meant cannot be told. Give them different names."
        )
    _check_roles(state, named)
    _check_episode(time, named, lags)


def _check_roles(state, named):
    """Each column is one thing; only time and episode may be seen as well."""
    used = {}
    seen = [("state", name) for name in state]
    for role, name in [*seen, *named.items()]:
        if name in used and not (role == "episode" and used[name] == "state"):
            raise ValueError(
                f"Column {name!r} is named twice, as {used[name]} and as {role}. What "
                "was done and paid is not known when an action is chosen, so that it "
                "is no state: name each column once."
            )
        used[name] = role


def _check_episode(time, named, lags):
    needs = [role for role in ("terminated", "truncated") if role in named]
    needs += [] if time is None else ["time"]
    needs += ["lags"] if lags else []
    if needs and "episode" not in named:
        raise ValueError(
            f"{' and '.join(needs)} say how the rows of an episode follow each other, "
            "and no column of episodes is named: without episode= every row is a "
            "step of a contextual bandit. Name it, or leave them out."
        )


def _in_time(episodes, name, values):
    """Order of the rows: episodes as they first occur, and in each of them by time."""
    when = as_labels(name, values)
    if any(isinstance(value, str) for value in when):
        raise ValueError(
            f"Column {name!r} is text, which is not sorted as time is. Make it a "
            f"number or a time first, as pandas.to_datetime(df[{name!r}]) does."
        )
    _, rank = np.unique(when, return_inverse=True)
    _, first, label = np.unique(episodes, return_index=True, return_inverse=True)
    order = np.lexsort([rank, first[label]])
    same = np.zeros(len(order), dtype=bool)
    same[order[1:]] = (label[order[1:]] == label[order[:-1]]) & (
        rank[order[1:]] == rank[order[:-1]]
    )
    problem = (
        "times that another row of the episode has as well, so that their order is not "
        "known (give a finer time, or sort the rows and leave time= out)"
    )
    refuse_rows(name, same, when, problem)
    return order


def _check_order(columns, named):
    """Rows of an episode follow each other, and only the last one ends it."""
    try:
        check_whole(named["episode"], columns["episodes"])
    except ValueError as error:
        raise ValueError(f"{error} Or name the column of time=.") from error
    for role in ("terminated", "truncated"):
        if role in named:
            check_last(named[role], columns[role], columns["episodes"])


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
            "No row of the frame says what followed it: every episode has a single "
            "row, and none terminated. Name the column of terminated=, give episodes "
            "of more rows, or leave episode= out if nothing follows any row."
        )
    columns = {name: taken(column, kept) for name, column in columns.items()}
    return columns | {
        "states": _states_at(states, kept),
        # Nothing follows a row that terminated: its own state holds the place.
        "next_states": _states_at(states, kept + ~over[kept]),
        "terminated": over[kept],
        "truncated": cut[kept],
    }


def by_episode(columns):
    """Rows by the labels of their episodes, whatever order they came in."""
    labels = columns.get("episodes")
    if labels is None or (labels[1:] >= labels[:-1]).all():
        return columns
    order = np.argsort(labels, kind="stable")
    return {name: taken(column, order) for name, column in columns.items()}


def _states_at(states, rows):
    """Rows of a data frame, or of an array, which may be a large one."""
    return take_rows(states, rows) if is_table(states) else taken(states, rows)
