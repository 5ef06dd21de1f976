"""The error of a critic, from what changes when some of its data count twice."""

from dataclasses import replace

import numpy as np

from skampo.exceptions import RegressorError
from skampo.features._memory import FeatureMemory


class Reweighted:
    r"""
    Two critics, for each of which another half of the data counts twice.

    Estimates whose variance is in inverse proportion to the number of rows differ by a
    known multiple of the error of an estimate from all rows, on average [1]_. No pair
    of state and action is missing, as it would be if rows were left out. What is wrong
    whatever rows count twice is not seen.

    References
    ----------
    .. [1] B. Efron, "Bootstrap methods: another look at the jackknife", Annals of
       Statistics 7(1), 1979.
    """

    def __init__(self, first, second):
        self._critics = first, second
        self._memories = FeatureMemory(), FeatureMemory()
        self._split = None

    def error(self, policy, transitions, setting, sample, rng):
        """
        Draw an error of the action values of a sample, of the size that it should have.

        None if the data are a single trajectory, or a regressor fails. `rng` is a
        source of its own: the random choices of the critic stay as they are.
        """
        parts, unit = self._parts(transitions)
        if parts is None:
            return None
        # The same seeds: what the data change is asked for, not what chance changes.
        seed = int(rng.integers(2**32))
        own = [
            replace(setting, rng=np.random.default_rng(seed), memory=memory)
            for memory in self._memories
        ]
        try:
            for critic, part, its in zip(self._critics, parts, own, strict=True):
                critic.evaluate(policy, part, its)
        except RegressorError:
            return None
        first, second = (critic.q_(sample.observations) for critic in self._critics)
        return unit * (first - second)

    def _parts(self, transitions):
        """All rows and half of the trajectories again, twice; the unit of the error."""
        # A log is the same in every iteration, and so is what a critic knows of it.
        if self._split is None or self._split[0] is not transitions:
            self._split = (transitions, *_repeat_halves(transitions))
        return self._split[1:]


def _repeat_halves(transitions):
    is_odd = np.cumsum(transitions.is_start) % 2 == 1
    if is_odd.all():
        return None, np.nan
    rows = np.arange(len(transitions))
    halves = rows[is_odd], rows[~is_odd]
    parts = [transitions.take(np.concatenate([rows, half])) for half in halves]
    return parts, 1 / disagreement(is_odd.mean())


def disagreement(share):
    """
    How far two estimates are apart, in units of the error of one from all rows.

    A share in (0, 1) of the rows counts twice for the first, all others for the second:
    the root mean square of the difference of the two weighted means of independent
    numbers, over that of the error of their plain mean.
    """
    first, second = 1 / (1 + share), 1 / (2 - share)
    squares = share * (2 * first - second) ** 2
    return float(np.sqrt(squares + (1 - share) * (first - 2 * second) ** 2))
