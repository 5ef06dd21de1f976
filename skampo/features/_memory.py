"""What was computed for the rows of one `fit`, found again by their numbers."""

import numpy as np

from skampo.features._split import FeatureView, transform


class FeatureMemory:
    """What was made for a fit, for its rows, and the features of its last batch."""

    def __init__(self):
        self._kept = {}
        self._rows, self._made = None, {}
        self._last, self._numbers = None, None

    def keep(self, key, make):
        """What `make` returns, made once in a fit."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def forget(self):
        """Let features be computed again, of all rows."""
        self._last = self._numbers = None

    def once(self, rows, key, make):
        """What `make` returns, made again only when the numbers of the rows differ."""
        # Rows that nobody counts may be any.
        if rows is None:
            return make()
        if rows != self._rows:
            self._rows, self._made = rows, {}
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def view(self, observations, numbers):
        """A view of the next batch, most of which may have been in the last one."""
        known = None
        if numbers is not None and self._numbers is not None:
            # Not the view itself, which would keep all batches before it.
            places = places_of(numbers, self._numbers)
            known = KnownRows(list(self._last.computed), places)
        self._last, self._numbers = FeatureView(observations, known), numbers
        return self._last


class KnownRows:
    """Features of another batch, and where the rows of this one are in it."""

    def __init__(self, computed, places):
        self.computed = computed
        self.places = places

    def extend(self, transformer, observations):
        """Features of the observations, of which only the new rows are computed."""
        known = next((v for t, v in self.computed if t is transformer), None)
        # Sparse rows cannot be written one by one.
        if not isinstance(known, np.ndarray):
            return transform(transformer, observations)
        new = self.places < 0
        # New rows have the place -1: the last row stands there until they are computed.
        features = known[self.places]
        if new.any():
            features[new] = transform(transformer, observations[new])
        return features


def places_of(numbers, known):
    """Place of each number among the known ones, -1 where there is none; all ascend."""
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[places] == numbers, places, -1)
