"""Seconds between the steps of an iteration."""

import time


class Stopwatch:
    """Laps with a name, in seconds of wall time."""

    def __init__(self):
        self.laps = {}
        self._started = self._lapped = time.perf_counter()

    def lap(self, name=None):
        """End a lap; without a name its time is not kept."""
        now = time.perf_counter()
        if name is not None:
            self.laps[name] = now - self._lapped
        self._lapped = now

    @property
    def seconds(self):
        """Time since the start."""
        return time.perf_counter() - self._started
