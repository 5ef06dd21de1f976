"""Transitions so far, within a bounded memory."""

from dataclasses import replace

import numpy as np

from skampo.data._transitions import Transitions


class TransitionStore:
    """
    Keeps the newest transitions; without a capacity it keeps none.

    Rows are written behind each other into arrays that are replaced, by larger ones,
    only when they are full. What was returned earlier is never written to, and a row
    is moved a bounded number of times on average. Rows are numbered as they come in.
    """

    def __init__(self, capacity, transitions=None):
        self.capacity = capacity
        self.buffer = None
        self.first = self.stop = 0
        self.n_seen = 0
        if capacity and transitions is not None:
            self.append(transitions)

    def append(self, transitions):
        """Add transitions; return all that are kept."""
        if not self.capacity:
            return transitions
        self.n_seen += len(transitions)
        transitions = transitions.tail(self.capacity)
        n = len(transitions)
        # Masks may be there from some row on; that is rare enough to start over.
        has_masks = transitions.action_masks is not None
        if (
            self.buffer is None
            or self.stop + n > len(self.buffer)
            or has_masks != (self.buffer.action_masks is not None)
        ):
            self._grow(transitions)
        else:
            for name, column in transitions._columns().items():
                getattr(self.buffer, name)[self.stop : self.stop + n] = column
            self.stop += n
        self.first = max(self.first, self.stop - self.capacity)
        return self.kept()

    @property
    def n_kept(self):
        """Number of rows that are kept."""
        return self.stop - self.first

    def kept(self):
        """Return the rows that are kept, as views that cannot be written to."""
        if self.buffer is None:
            return None
        rows = self.buffer.take(slice(self.first, self.stop))
        # They share memory with what was returned before and will be later.
        for column in rows._columns().values():
            column.flags.writeable = False
        return replace(rows, first_row=self.n_seen - self.n_kept)

    def _grow(self, transitions):
        """Move what is kept, and the new rows, into arrays with as much free space."""
        parts = [transitions] if self.buffer is None else [self.kept(), transitions]
        rows = Transitions.concatenate(parts).tail(self.capacity)
        self.first, self.stop = 0, len(rows)
        columns = {}
        for name, column in rows._columns().items():
            columns[name] = np.zeros((2 * len(rows), *column.shape[1:]), column.dtype)
            columns[name][: len(rows)] = column
        self.buffer = Transitions(**columns)
