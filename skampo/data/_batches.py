"""Columns that are read batch by batch, of Parquet files or of many data frames."""

import os

import numpy as np

from skampo.features._blocks import blocks, give_back, room

# Rows of a batch: few megabytes of a hundred columns.
_BATCH = 2**16


def read_columns(source, state, others, check):
    """
    Read columns of numbers into one array, and others into one each.

    Missing numbers are NaN; what is no number in the one, and missing text in the
    others, is refused, and names of columns that `check` refuses.
    """
    names = [*dict.fromkeys([*state, *others])]
    batches, n_rows = _open(source, names, check)
    states, columns, start = None, dict.fromkeys(others), 0
    for batch in batches:
        # By position: names of pandas that are no text are text in Arrow.
        found = dict(zip(names, batch.columns, strict=False))
        rows = slice(start, start + batch.num_rows)
        numbers = np.column_stack([_numbers(name, found[name]) for name in state])
        states = _put("states", states, rows, numbers, n_rows)
        for name in others:
            values = _values(name, found[name])
            columns[name] = _put(name, columns[name], rows, values, n_rows)
        start = rows.stop
        give_back()
    if not start:
        raise ValueError("The source has no rows. Give a log at least one.")
    return states[:start], {name: column[:start] for name, column in columns.items()}


def _open(source, names, check):
    """Batches of some columns, and how many rows they have; 0 if that is unknown."""
    if hasattr(source, "partitions"):
        check(list(source.columns))
        return _of_frames(_computed(source[names]), names, check), 0
    if not (hasattr(source, "to_batches") or _is_files(source)):
        return _of_frames(source, names, check), 0
    dataset = _open_dataset(source)
    check(dataset.schema.names)
    return _of_dataset(dataset, names), dataset.count_rows()


def _is_files(source):
    files = source if isinstance(source, list | tuple) else [source]
    return files and all(isinstance(file, str | os.PathLike) for file in files)


def _open_dataset(source):
    """A dataset of pyarrow, of files or as it is."""
    if hasattr(source, "to_batches"):
        return source
    _pyarrow()
    from pyarrow import dataset

    return dataset.dataset(source, format="parquet", partitioning="hive")


def _pyarrow():
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(
            "Parquet files, and data frames batch by batch, are read by pyarrow: "
            'pip install "skampo[parquet]".'
        ) from error
    return pyarrow


def _of_dataset(dataset, names):
    # What is read ahead is held in memory, and by default that is most of a file.
    return dataset.to_batches(
        columns=names,
        batch_size=_BATCH,
        batch_readahead=1,
        fragment_readahead=1,
        use_threads=False,
    )


def _computed(frame):
    """The partitions of a frame of dask, each computed when it is asked for."""
    return (frame.partitions[i].compute() for i in range(frame.npartitions))


def _of_frames(frames, names, check):
    """The batches of data frames, each of which is asked for when it is needed."""
    pyarrow = _pyarrow()
    for frame in frames if hasattr(frames, "__iter__") else [frames]:
        if not (hasattr(frame, "__arrow_c_stream__") and hasattr(frame, "columns")):
            raise ValueError(
                "A log is read batch by batch from Parquet files, a dataset of "
                "pyarrow, a dask dataframe, or an iterable of data frames. Got "
                f"{type(frame).__name__!r} in place of a data frame. A single one goes "
                "to TransitionLog.from_frame."
            )
        frame = _selected(frame, names, check)
        # Polars' own conversion has categories that pyarrow can decode.
        own = hasattr(frame, "to_arrow")
        table = frame.to_arrow() if own else pyarrow.table(frame)
        # Of a frame without rows there are none.
        yield from table.to_batches(_BATCH)


def _selected(frame, names, check):
    """Some columns of a frame."""
    is_arrow = hasattr(frame, "column_names")
    check(list(frame.column_names if is_arrow else frame.columns))
    return frame.select(names) if is_arrow else frame[names]


def _put(name, column, rows, values, n_rows):
    """A column with the values of a batch, and of a type that holds all so far."""
    if column is None:
        column = room((max(n_rows, rows.stop), *values.shape[1:]), values.dtype)
    _check_kind(name, column.dtype, values.dtype)
    # Of longer text, for example, or with the first gap among integers.
    column = column.astype(np.result_type(column, values), copy=False)
    column = _grown(column, rows.stop)
    column[rows] = values
    return column


def _check_kind(name, *dtypes):
    """Refuse text beside numbers, which NumPy would make text as well."""
    kinds = {dtype.kind if dtype.kind in "UMm" else "numbers" for dtype in dtypes}
    if len(kinds) > 1:
        raise ValueError(
            f"Column {name!r} holds {dtypes[0]} in some batches and {dtypes[1]} in "
            "others. Give all of them one type."
        )


def _grown(column, n_rows):
    """A column of at least so many rows; of many more, so that it is seldom copied."""
    if n_rows <= len(column):
        return column
    larger = room((max(n_rows, 2 * len(column)), *column.shape[1:]), column.dtype)
    filled = larger[: len(column)]
    for rows in blocks(len(column)):
        filled[rows] = column[rows]
    return larger


def _numbers(name, column):
    """A column of a batch that is part of the states, as floats."""
    from pyarrow import types

    kind = column.type
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind)
    if not (is_number or types.is_boolean(kind) or types.is_decimal(kind)):
        raise ValueError(
            f"Column {name!r} holds {kind}, and states that are read batch by batch "
            "are numbers. Encode it, or read all rows as one data frame, whose columns "
            "may be of any kind, and use TransitionLog.from_frame."
        )
    return _values(name, column).astype(np.float64)


def _values(name, column):
    """A column of a batch as an array; text as text of NumPy, which sorts quickly."""
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    is_text = any(f(kind) for f in (types.is_string, types.is_large_string))
    if column.null_count and (is_text or types.is_null(kind)):
        raise ValueError(
            f"Column {name!r} has missing values. Leave their rows out, or give them a "
            "label of their own."
        )
    values = column.to_numpy(zero_copy_only=False)
    return values.astype(str) if is_text else values
