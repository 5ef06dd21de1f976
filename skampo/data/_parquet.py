"""Columns of Parquet files, read batch by batch into arrays of their final size."""

import numpy as np

from skampo.features._blocks import give_back, room

# Rows of a batch: few megabytes of a hundred columns.
_BATCH = 2**16


def read_columns(dataset, state, others):
    """
    Read columns of numbers into one array, and others into one each.

    Missing numbers are NaN; what is no number in the one, and missing text in the
    others, is refused.
    """
    _check_types(dataset.schema, state)
    n_rows, names = dataset.count_rows(), [*dict.fromkeys([*state, *others])]
    states, columns, start = room((n_rows, len(state))), dict.fromkeys(others), 0
    for batch in _batches(dataset, names):
        rows = slice(start, start + batch.num_rows)
        for i, name in enumerate(state):
            states[rows, i] = _values(name, batch.column(name))
        for name in others:
            values = _values(name, batch.column(name))
            columns[name] = _put(columns[name], rows, values, n_rows)
        start = rows.stop
        give_back()
    return states, columns


def _put(column, rows, values, n_rows):
    """A column with the values of a batch, of a type that holds all so far."""
    if column is None:
        column = room((n_rows,), values.dtype)
    # Of longer text, for example, or with the first gap among integers.
    column = column.astype(np.result_type(column, values), copy=False)
    column[rows] = values
    return column


def open_dataset(source):
    """A dataset of pyarrow, of files or as it is."""
    if hasattr(source, "to_batches"):
        return source
    try:
        from pyarrow import dataset
    except ImportError as error:
        raise ImportError(
            'Parquet files are read by pyarrow: pip install "skampo[parquet]".'
        ) from error
    return dataset.dataset(source, format="parquet", partitioning="hive")


def _batches(dataset, names):
    # What is read ahead is held in memory, and by default that is most of a file.
    return dataset.to_batches(
        columns=names,
        batch_size=_BATCH,
        batch_readahead=1,
        fragment_readahead=1,
        use_threads=False,
    )


def _check_types(schema, state):
    """Require numbers as states."""
    from pyarrow import types

    for name in state:
        kind = schema.field(name).type
        is_number = types.is_integer(kind) or types.is_floating(kind)
        if not (is_number or types.is_boolean(kind) or types.is_decimal(kind)):
            raise ValueError(
                f"Column {name!r} holds {kind}, and states from Parquet files are "
                "numbers. Encode it, or read the files as a data frame, whose columns "
                "may be of any kind, and use TransitionLog.from_frame."
            )


def _values(name, column):
    """A column of a batch as an array; text as text of NumPy, which sorts quickly."""
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    is_text = types.is_string(column.type) or types.is_large_string(column.type)
    if not is_text:
        return column.to_numpy(zero_copy_only=False)
    if column.null_count:
        raise ValueError(
            f"Column {name!r} has missing values. Leave their rows out, or give them a "
            "label of their own."
        )
    return column.to_numpy(zero_copy_only=False).astype(str)
