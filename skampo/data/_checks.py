"""What a column of a log may hold; refusals name the column, first bad row, count."""

import numpy as np


def refuse_rows(name, bad, values, problem):
    """Raise if any row is bad: the column, how many, the first of them, its value."""
    rows = np.flatnonzero(bad)
    if len(rows):
        value = np.asarray(values, dtype=object)[rows[0]]
        raise ValueError(
            f"Column {name!r} has {len(rows)} {problem}, first at row {rows[0]}: "
            f"{value}."
        )


def as_column(name, values, dtype=None):
    """One value per row; anything with another shape is refused."""
    if isinstance(values, str):
        raise ValueError(
            f"Column {name!r} must have one value per row. Got {values!r}: pass the "
            f"column itself, table[{values!r}], or name the columns of a data frame in "
            "TransitionLog.from_frame(table, state=[...], action=..., reward=...)."
        )
    try:
        column = np.asarray(values, dtype=dtype)
    except (TypeError, ValueError) as error:
        what = "have one value per row" if dtype is None else "hold numbers"
        raise ValueError(f"Column {name!r} must {what}: {error}.") from error
    if column.ndim != 1:
        raise ValueError(
            f"Column {name!r} must have one value per row. Got an array of shape "
            f"{column.shape}."
        )
    return without_na(column)


def without_na(values):
    """An array in which NaN stands for pandas' NA, which cannot be compared."""
    if values.dtype != object:
        return values
    # By name: pandas need not be installed.
    is_na = np.frompyfunc(lambda value: type(value).__name__ == "NAType", 1, 1)
    return np.where(is_na(values).astype(bool), np.nan, values)


def as_numbers(name, values):
    """Finite floats, one per row."""
    column = as_column(name, values, np.float64)
    refuse_rows(name, ~np.isfinite(column), column, "values that are not finite")
    return column


def refuse_infinite(name, column, unused=False):
    """Refuse infinity in a column of floats, but in unused rows."""
    if column.dtype.kind == "f":
        bad = np.isinf(column) & ~np.asarray(unused)
        refuse_rows(name, bad, column, "values that are not finite")


def as_flags(name, values):
    """Booleans, or numbers that are 0 and 1."""
    column = as_column(name, values)
    refuse_rows(
        name, ~np.isin(column, [0, 1]), column, "values that are neither 0 nor 1"
    )
    return column.astype(bool)


def as_propensities(name, values):
    """Probabilities of what was done: positive, at most 1."""
    column = as_column(name, values, np.float64)
    # Negated, so that NaN is outside as well.
    outside = ~((column > 0) & (column <= 1))
    refuse_rows(name, outside, column, "values outside (0, 1]")
    return column


def as_labels(name, values):
    """Labels, one per row, none of them missing."""
    column = as_column(name, values)
    refuse_rows(name, _is_missing(column), column, "missing values")
    return column


def as_actions(name, values, classes=None):
    """Labels of actions, and all labels; unknown ones are refused."""
    column = as_labels(name, values)
    if classes is None:
        classes = np.unique(column)
        if len(classes) == 1:
            raise ValueError(
                f"Column {name!r} has the single value {classes[0]} in all "
                f"{len(column)} rows: nothing can be said of other actions. Log at "
                "least two, or name all actions by `classes`."
            )
        return column, classes
    # Sorted: the column of a label is found by bisection.
    classes = np.unique(classes)
    refuse_rows(
        name,
        ~np.isin(column, classes),
        column,
        f"values outside the {len(classes)} known actions",
    )
    return column, classes


def check_whole(name, episodes):
    """Refuse episodes whose rows do not follow each other."""
    starts = starts_of(episodes)
    labels = episodes[starts]
    # A label that starts a second time was torn apart.
    _, first = np.unique(labels, return_index=True)
    again = np.ones(len(labels), dtype=bool)
    again[first] = False
    torn = np.zeros(len(episodes), dtype=bool)
    torn[np.flatnonzero(starts)[again]] = True
    refuse_rows(
        name,
        torn,
        episodes,
        "places where an earlier episode goes on (sort the rows by episode and time; "
        "split a log by episodes, not by rows)",
    )


def check_last(name, flags, episodes):
    """Refuse a flag that says the end where the episode goes on."""
    goes_on = np.zeros(len(flags), dtype=bool)
    goes_on[:-1] = ~starts_of(episodes)[1:]
    refuse_rows(
        name, flags & goes_on, flags, "values that end an episode before its last row"
    )


def starts_of(episodes):
    """Whether each row is the first of its episode: its label differs from the last."""
    starts = np.ones(len(episodes), dtype=bool)
    starts[1:] = episodes[1:] != episodes[:-1]
    return starts


def _is_missing(column):
    """None and NaN, in columns of any kind."""
    # Only NaN and NaT differ from themselves.
    missing = np.asarray(column != column, dtype=bool)
    if column.dtype == object:
        missing |= np.array([value is None for value in column], dtype=bool)
    return missing


def _whole_episodes(name, values):
    column = as_labels(name, values)
    check_whole(name, column)
    return column


_CHECKS = {
    "episodes": _whole_episodes,
    "rewards": as_numbers,
    "terminated": as_flags,
    "truncated": as_flags,
    "propensities": as_propensities,
}


def check_column(kind, name, values, classes=None):
    """One column, of a kind of `TransitionLog`, checked under its name in a table."""
    known = {"actions": lambda *column: as_actions(*column, classes)[0], **_CHECKS}
    return known[kind](name, values)
