"""Features of stored observations are computed for new rows only, others once."""

from operator import is_

import numpy as np

from skampo.features._split import FeatureView, transform

__all__ = ["FeatureMemory"]


class FeatureMemory:
    """The features of the last batch of observations; it lives as long as one `fit`."""

    def __init__(self):
        self._last = None
        self._data, self._made = (), {}
        self._asked = set()

    def is_first(self, key):
        """True the first time that `key` is asked for."""
        is_first = key not in self._asked
        self._asked.add(key)
        return is_first

    def forget(self):
        """Let features be computed again, of all rows."""
        self._last = None

    def once(self, data, key, make):
        """What `make` returns; made again only when one of the arrays is another."""
        same = len(data) == len(self._data) and all(map(is_, data, self._data))
        if not same:
            # The arrays are held, so that no other ones can take their identity.
            self._data, self._made = data, {}
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def view(self, observations):
        """A view of the next batch, most of which was in the last one."""
        before = None if self._last is None else KnownRows(self._last)
        self._last = FeatureView(observations, before)
        return self._last


class KnownRows:
    """Features that were computed for another batch, found again by their rows."""

    def __init__(self, view):
        # Not the view itself, which would keep all batches before it.
        self.observations = view.observations
        self.computed = list(view.computed)
        self._found = None

    def extend(self, transformer, observations):
        """Features of the observations, looked up where the same row had them."""
        known = next((v for t, v in self.computed if t is transformer), None)
        # Sparse rows cannot be written one by one, and rows of text have no bits.
        if not isinstance(known, np.ndarray) or observations.dtype == object:
            return transform(transformer, observations)
        if self._found is None:
            self._found = find_rows(self.observations, observations)
        new = self._found < 0
        # New rows have the index -1, and the last known row until they are computed.
        features = known[self._found]
        if new.any():
            features[new] = transform(transformer, observations[new])
        return features


def find_rows(known, rows):
    """Index of an equal row of `known` for each of `rows`, -1 where there is none."""
    keys, wanted = _keys(known), _keys(rows)
    order = np.argsort(keys, kind="stable")
    places = np.searchsorted(keys[order], wanted)
    found = order[np.minimum(places, len(order) - 1)]
    # Different rows may have the same key.
    return np.where((known[found] == rows).all(axis=1), found, -1)


def _keys(rows):
    """One integer per row, the same for rows of the same bits."""
    bits = np.ascontiguousarray(rows, dtype=np.float64).view(np.uint64)
    # Round numbers have only high bits, which a product would push out.
    bits = bits ^ (bits >> np.uint64(32))
    # Odd factors lose no bit modulo 2⁶⁴, where overflow does no harm.
    factors = np.random.default_rng(0).integers(2**63, size=bits.shape[1]) * 2 + 1
    return bits @ factors.astype(np.uint64)
