"""A log: what was seen, done and paid, by whatever policy acted."""

from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.utils import check_array

from skampo.data._batches import read_columns
from skampo.data._checks import (
    as_actions,
    as_flags,
    as_labels,
    as_numbers,
    as_propensities,
    check_last,
    check_whole,
    refuse_infinite,
    refuse_rows,
    starts_of,
    without_na,
)
from skampo.data._episodes import read_episodes
from skampo.data._frames import (
    arrange,
    by_episode,
    check_names,
    read_frame,
    without_none,
)
from skampo.data._rows_of_log import as_transitions
from skampo.data._tables import TableColumns, is_table
from skampo.data._transitions import Transitions
from skampo.features._blocks import blocks
from skampo.utils._sklearn import take_rows


@dataclass(frozen=True, eq=False)
class TransitionLog:
    """
    Logged transitions, one per row, checked once; rows are selected like an array's.

    Parameters
    ----------
    states : array-like or data frame of shape (n, n_features)
        What was seen. The columns of a data frame may be of any kind, and values may
        be missing; the regressor is then given data frames.
    actions : array-like of shape (n,)
        Labels of what was done.
    rewards : array-like of shape (n,)
        What it paid.
    next_states : array-like or data frame of shape (n, n_features), default=None
        What was seen next, in the same columns as `states`; where nothing follows the
        values do not matter. None says that nothing follows anywhere: each row is a
        step of a contextual bandit.
    terminated : array-like of bool of shape (n,), default=None
        Where the episode ended by itself, so that nothing follows. None is nowhere.
    truncated : array-like of bool of shape (n,), default=None
        Where the episode was cut although it would have gone on. None is nowhere; a
        row that is both has terminated.
    episodes : array-like of shape (n,), default=None
        Labels of the episodes, whose rows follow each other in order of time. Needed
        by estimates from trajectories. None makes every row of a contextual bandit an
        episode.
    propensities : array-like of shape (n,), default=None
        Probabilities in (0, 1] with which the actions were chosen.
    classes : array-like of shape (n_actions,), default=None
        Labels of all actions; None is those that occur.

    Raises
    ------
    ValueError
        If values are not finite, actions unknown, propensities outside (0, 1], or rows
        of an episode torn apart: with the column, the first bad row and their number.
        If a label of an action or episode is missing, a table has no rows, or the
        columns of `next_states` are not those of `states`, in the same order.

    See Also
    --------
    TransitionLog.from_frame : Makes a log of the columns of one data frame.
    TransitionLog.from_episodes : Makes a log of episodes.

    Examples
    --------
    >>> from skampo.data import TransitionLog
    >>> log = TransitionLog(
    ...     states=[[0.0], [1.0], [0.0]],
    ...     actions=["left", "right", "left"],
    ...     rewards=[0, 1, 0],
    ...     next_states=[[1.0], [1.0], [0.0]],
    ...     episodes=[7, 7, 8],
    ... )
    >>> len(log), log.n_episodes
    (3, 2)
    >>> log[log.episodes == 7].rewards
    array([0., 1.])
    """

    states: Any
    actions: Any
    rewards: Any
    next_states: Any = None
    terminated: Any = None
    truncated: Any = None
    episodes: Any = None
    propensities: Any = None
    classes: Any = None

    def __post_init__(self):
        """Convert and check every column."""
        for name, value in _checked(self).items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_episodes(cls, episodes, *, classes=None) -> Self:
        """
        Make a log of episodes.

        Parameters
        ----------
        episodes : iterable of episodes, or dataset
            Episodes with the attributes or keys ``observations`` (or ``states``),
            ``actions``, ``rewards``, ``terminations`` (or ``terminated``),
            ``truncations`` (or ``truncated``) and, where known, ``propensities``:
            objects as Minari gives them, or dictionaries. An episode of T actions has
            T + 1 observations, or T and ``next_observations``, or T if it terminated.
            A Minari dataset stands for all its episodes.
        classes : array-like of shape (n_actions,), default=None
            Labels of all actions; None is those that occur.

        Returns
        -------
        TransitionLog
            Its columns are arrays.

        Raises
        ------
        ValueError
            If actions are unknown, propensities outside (0, 1], or values not finite:
            with the column, the first bad row and their number. If columns of an
            episode have other lengths, or a data frame is given.

        See Also
        --------
        TransitionLog.from_frame : From the columns of a data frame.

        Examples
        --------
        >>> from skampo.data import TransitionLog
        >>> episode = {
        ...     "observations": [[0.0], [1.0], [2.0]],
        ...     "actions": [1, 0],
        ...     "rewards": [0.0, 5.0],
        ...     "terminations": [False, True],
        ... }
        >>> log = TransitionLog.from_episodes([episode, episode])
        >>> log.episodes
        array([0, 0, 1, 1])
        >>> log.next_states.ravel()
        array([1., 2., 1., 2.])
        """
        return cls(**read_episodes(episodes), classes=classes)

    @classmethod
    def from_frame(
        cls,
        df,
        *,
        state,
        action,
        reward,
        episode=None,
        time=None,
        propensity=None,
        terminated=None,
        truncated=None,
        classes=None,
        lags: int = 0,
    ) -> Self:
        """
        Make a log of one data frame, whose columns are named.

        Parameters
        ----------
        df : data frame
            Of pandas or polars: a row for each decision.
        state : list of str
            Columns that were seen when the action was chosen, of any type. They keep
            their names and types, and policies that are fitted to the log know them.
        action, reward : str
            Columns of what was done, and of what it paid.
        episode : str, default=None
            Column of labels: rows of one label follow each other in time. None makes
            every row a step of a contextual bandit.
        time : str, default=None
            Column of numbers or times by which the rows of an episode are sorted. None
            takes them in their order; they then have to follow each other.
        propensity : str, default=None
            Column of the probability with which the action was chosen.
        terminated, truncated : str, default=None
            Columns that say whether the episode ended by itself in this row, and
            whether it was cut there.
        classes : array-like of shape (n_actions,), default=None
            Labels of all actions; None is those that occur.
        lags : int, default=0
            Number of earlier rows of the episode whose states join the state, for what
            a single row does not show, as a trend. The columns of the row before are
            called ``name_lag1``; before the first row of an episode that row repeats.

        Returns
        -------
        TransitionLog
            What followed the last row of an episode that did not terminate is not
            known: this row is left out, and the one before it is where the episode was
            cut.

        Raises
        ------
        ValueError
            If a column is not there, there twice, or named twice; if rows of an
            episode are torn apart and there is no time; if there are lags and no
            episodes; if a value cannot be used: with the column, the first bad row and
            their number.

        See Also
        --------
        skampo.off_policy.PolicyReport : Judges a policy by a log.

        Examples
        --------
        >>> import pandas as pd
        >>> from skampo.data import TransitionLog
        >>> visits = pd.DataFrame(
        ...     {
        ...         "patient": [1, 2, 1, 2],
        ...         "day": [0, 0, 7, 9],
        ...         "pressure": [150.0, 145.0, 140.0, 150.0],
        ...         "dose": ["low", "high", "high", "low"],
        ...         "benefit": [1.0, -1.0, 2.0, 0.0],
        ...         "cured": [0, 0, 1, 1],
        ...     }
        ... )
        >>> log = TransitionLog.from_frame(
        ...     visits,
        ...     state=["pressure"],
        ...     action="dose",
        ...     reward="benefit",
        ...     episode="patient",
        ...     time="day",
        ...     terminated="cured",
        ... )
        >>> log.rewards
        array([ 1.,  2., -1.,  0.])
        >>> list(log.states.columns)
        ['pressure']
        """
        columns = read_frame(
            df,
            state,
            time,
            classes,
            action=action,
            reward=reward,
            episode=episode,
            propensity=propensity,
            terminated=terminated,
            truncated=truncated,
            lags=lags,
        )
        return cls(**columns, classes=classes)

    @classmethod
    def from_batches(
        cls,
        source,
        *,
        state,
        action: str,
        reward: str,
        episode: str | None = None,
        time: str | None = None,
        propensity: str | None = None,
        terminated: str | None = None,
        truncated: str | None = None,
        classes=None,
    ) -> Self:
        """
        Make a log of Parquet files, or of many data frames, whose columns are named.

        They are read batch by batch, so that little more memory is needed than for
        the numbers of the log.

        Parameters
        ----------
        source : str, Path, list of these, dataset, or iterable of data frames
            Parquet files: one; a folder, in the order of their names; several; or a
            ``pyarrow.dataset.Dataset``, for rows that are filtered or are elsewhere.
            A frame of dask, whose partitions are computed one after the other. Or data
            frames of pandas, polars or pyarrow, of which one is held at a time: a list
            or a generator, which is read once. An episode may go on in the next batch.
        state : list of str
            Columns of numbers that were seen when the action was chosen. None may be
            missing.
        action, reward : str
            Columns of what was done, and of what it paid.
        episode, time, propensity, terminated, truncated : str, default=None
            Other columns, as for `from_frame`.
        classes : array-like of shape (n_actions,), default=None
            Labels of all actions; None is those that occur.

        Returns
        -------
        TransitionLog
            As `from_frame` would make it, but that the states are an array of the
            columns in the order of `state`, and have no names, and that episodes are
            in the order of their labels: batches that hold whole episodes may come in
            any order. Without episodes rows are in the order of the data.

        Raises
        ------
        ImportError
            If pyarrow is not installed.
        ValueError
            As for `from_frame`, and if there are no rows, a column of the state holds
            no numbers, or a column holds text in some batches and numbers in others.

        See Also
        --------
        TransitionLog.from_frame : Takes columns of any kind.

        Examples
        --------
        >>> from skampo.data import TransitionLog
        >>> log = TransitionLog.from_batches(
        ...     "visits/",
        ...     state=["pressure", "age"],
        ...     action="dose",
        ...     reward="benefit",
        ...     episode="patient",
        ...     time="day",
        ... )  # doctest: +SKIP
        """
        named = without_none(
            {
                "action": action,
                "reward": reward,
                "episode": episode,
                "propensity": propensity,
                "terminated": terminated,
                "truncated": truncated,
            }
        )
        others = [*named.values(), *([] if time is None else [time])]
        check = partial(check_names, state=state, time=time, named=named)
        states, columns = read_columns(source, list(state), others, check)
        columns = by_episode(arrange(states, columns, time, classes, named))
        return cls(**columns, classes=classes)

    def __len__(self):
        """Return the number of rows."""
        return len(self.actions)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns of the states, as of an array."""
        return self.states.shape

    def __getitem__(self, rows):
        """Select rows; a search splits a log as it splits an array."""
        # An array may be asked for the rows of all its columns, [rows, ...].
        return self.select(rows[0] if isinstance(rows, tuple) else rows)

    def select(self, rows, episodes=None) -> Self:
        """
        Select rows, perhaps under other labels of episodes.

        Parameters
        ----------
        rows : array-like or slice
            A mask, a slice or positions.
        episodes : array-like of shape (n_selected,), default=None
            Labels for the selected rows; None keeps theirs.

        Returns
        -------
        TransitionLog
            With all actions, also those that do not occur in these rows.
        """
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        classes = columns.pop("classes")
        if episodes is not None:
            columns.pop("episodes")
        selected = {
            name: column if column is None else take_rows(column, rows)
            for name, column in columns.items()
        }
        if episodes is not None:
            # An episode that a bootstrap draws twice needs two labels to stay whole.
            selected["episodes"] = episodes
        return type(self)(**selected, classes=classes)

    def transitions(self, sample_weight=None) -> Transitions:
        """
        Return the rows as critics see them.

        Rows that follow each other, the next state of one being the state of the next,
        are one trajectory, whose states are then evaluated once.

        Parameters
        ----------
        sample_weight : ndarray of shape (n,), default=None
            Weights of the rows; rows of weight zero are left out.

        Returns
        -------
        Transitions
            Rows of arrays, or of data frames; a terminated row is followed by itself,
            with value 0.

        Examples
        --------
        >>> from skampo.data import TransitionLog
        >>> log = TransitionLog([[0.0], [1.0]], ["a", "b"], [1, 2], [[1.0], [3.0]])
        >>> transitions = log.transitions()
        >>> transitions.actions, transitions.ends
        (array([0, 1]), array([False,  True]))
        """
        return as_transitions(self, sample_weight)

    @property
    def is_one_step(self) -> bool:
        """Whether nothing follows any row."""
        return self.next_states is None

    @property
    def columns(self) -> TableColumns | None:
        """The `TableColumns` of the states; None for an array."""
        return TableColumns.of(self.states) if is_table(self.states) else None

    @property
    def is_start(self) -> np.ndarray:
        """
        Whether each row is the first of its episode.

        Returns
        -------
        ndarray of bool of shape (n,)
            All rows, where nothing follows and no episodes are known.

        Raises
        ------
        ValueError
            If it cannot be known.
        """
        if self.episodes is not None:
            return starts_of(self.episodes)
        if not self.is_one_step:
            raise ValueError(
                "This needs to know which rows belong together. Give the log "
                "episodes=, a label for each row."
            )
        return np.ones(len(self), dtype=bool)

    @property
    def n_episodes(self) -> int:
        """Number of episodes."""
        return int(self.is_start.sum())


def _checked(log):
    """All columns, converted."""
    actions, classes = as_actions("actions", log.actions, log.classes)
    columns = {
        "states": as_states("states", log.states),
        "actions": actions,
        "rewards": as_numbers("rewards", log.rewards),
        "classes": classes,
        **_optional(log),
        **_what_follows(log, len(actions)),
    }
    _check_lengths(columns)
    _check_episodes(columns)
    return columns


def _optional(log):
    columns = {}
    if log.propensities is not None:
        columns["propensities"] = as_propensities("propensities", log.propensities)
    if log.episodes is not None:
        columns["episodes"] = as_labels("episodes", log.episodes)
    return columns


def _what_follows(log, n_rows):
    """Next states and flags; without next states nothing follows."""
    flags = ("terminated", "truncated")
    if log.next_states is None:
        given = [name for name in flags if getattr(log, name) is not None]
        if given:
            raise ValueError(
                f"{' and '.join(given)} say what follows, and there are no next_states "
                "to follow. Give next_states as well, or neither."
            )
        return {}
    columns = {
        name: np.zeros(n_rows, dtype=bool)
        if getattr(log, name) is None
        else as_flags(name, getattr(log, name))
        for name in flags
    }
    # Checked here as well: below, the flag of a row decides if its next state counts.
    _check_lengths(columns | {"actions": log.actions, "next_states": log.next_states})
    following = as_states("next_states", log.next_states, columns["terminated"])
    width = np.shape(log.states)[1:]
    if following.shape[1:] != width:
        raise ValueError(
            f"next_states has shape {following.shape}, but states has {width[0]} "
            "columns. Give both the same columns."
        )
    _check_names(log.states, following)
    return columns | {"next_states": following}


def _check_names(states, following):
    """Require the same columns in the same order: values are paired by position."""
    if not is_table(states) or not is_table(following):
        return
    expected, given = list(states.columns), list(following.columns)
    if given != expected:
        raise ValueError(
            f"next_states has the columns {given}, but states has {expected}. Give "
            "both the same columns in the same order."
        )
    numbers = set(expected) - set(TableColumns.of(states).categorical)
    text = [c for c in numbers if any(isinstance(v, str) for v in following[c])]
    if text:
        raise ValueError(
            f"next_states has text in the columns {sorted(text)}, which are numbers in "
            "states. Give both the same types."
        )


def as_states(name, values, unused=False):
    """A table as it is, anything else as floats: finite ones, but in unused rows."""
    if is_table(values):
        return _as_table(name, values, unused)
    # One memory layout: products of another one differ in the last bit.
    # Values that are not finite are told by column and row below, where they count.
    states = check_array(
        values, dtype=np.float64, order="C", ensure_all_finite=False, input_name=name
    )
    if not all(np.isfinite(states[rows]).all() for rows in blocks(len(states))):
        for i, column in enumerate(states.T):
            bad = ~np.isfinite(column) & ~np.asarray(unused)
            refuse_rows(f"{name}[:, {i}]", bad, column, "values that are not finite")
    return states


def _as_table(name, table, unused):
    """A table of some rows; missing values are for the regressor's Pipeline."""
    if not len(table):
        raise ValueError(f"{name} has no rows. Give a log at least one.")
    # Column by column: as one array, columns of several types are no numbers.
    for column in table.columns:
        refuse_infinite(f"{name}[{column!r}]", np.asarray(table[column]), unused)
    return table


def _check_lengths(columns):
    lengths = {
        name: len(column) for name, column in columns.items() if name != "classes"
    }
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"All columns of a log must have the same length. Got {lengths}."
        )


def _check_episodes(columns):
    episodes = columns.get("episodes")
    if episodes is None:
        return
    check_whole("episodes", episodes)
    for name in ("terminated", "truncated"):
        if name in columns:
            check_last(name, columns[name], episodes)


def has_numbers(log):
    """Whether the states are numbers, none of which is missing."""
    if log.columns is None:
        return True
    if log.columns.categorical:
        return False
    return bool(np.isfinite(without_na(log.states.to_numpy()).astype(float)).all())
