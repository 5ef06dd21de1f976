"""The interface of a step size, and the scale of action values they share."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from skampo.utils._rows import row_max, row_mean
from skampo.utils._sklearn import Documented

_LIMITS = np.finfo(float)


def bounded(eta, limit=np.inf):
    """Return `eta` as a positive finite float that is at most `limit`."""
    return float(np.clip(eta, _LIMITS.tiny, min(limit, _LIMITS.max)))


def weighted_mean(values, sample_weight):
    """Mean of `values` over the states, with their weights if there are any."""
    if sample_weight is None:
        return float(np.mean(values))
    weights = np.asarray(sample_weight, dtype=np.float64)
    # Divided by the largest, weights of any size have a finite sum.
    return float(np.average(values, weights=weights / weights.max()))


def standardize(q_values, sample_weight=None):
    """
    Split action values, of any finite size, into advantages and their scale.

    The scale is the root mean square of the centered action values, weighted by states,
    or 1.0 if every row is constant; the advantages are centered and divided by it.
    """
    q_values = np.asarray(q_values, dtype=np.float64)
    magnitude = np.abs(q_values).max()
    if magnitude == 0.0:
        return np.zeros_like(q_values), 1.0
    # In this unit no square overflows.
    advantages = q_values / magnitude
    # The maximum goes first: then a constant row is exactly 0.
    advantages -= row_max(advantages)[:, None]
    advantages -= row_mean(advantages)[:, None]
    spread = np.abs(advantages).max()
    if spread == 0.0:
        return advantages, 1.0
    # Differences may be tiny beside the values: without this, their squares vanish.
    advantages /= spread
    square = weighted_mean(row_mean(np.square(advantages)), sample_weight)
    # States that differ may be those without weight.
    if square == 0.0:
        return np.zeros_like(q_values), 1.0
    size = float(np.sqrt(square))
    scale = float(magnitude * (spread * size))
    # The product may underflow, and steps are divided by it.
    return advantages / size, max(scale, _LIMITS.smallest_subnormal)


class StepSize(Documented, BaseEstimator, ABC):
    """
    Base class of all step sizes.

    A step size is called once per iteration, after the critic and before the
    regression of the scores. A subclass writes ``__call__``; parameters are checked
    there, not in ``__init__``.

    See Also
    --------
    TrustRegion : Chooses the step from the action values; the usual choice.

    Notes
    -----
    The unit of a step size is 1 / reward, because it multiplies action values. All
    step sizes but ``"greedy"`` return finite numbers.

    Examples
    --------
    >>> from skampo.step_sizes import StepSize
    >>> class Linear(StepSize):
    ...     def __init__(self, slope=1.0):
    ...         self.slope = slope
    ...
    ...     def __call__(self, t, policy, sample):
    ...         return self.slope * (t + 1)
    >>> Linear(slope=0.5)(3, policy=None, sample=None)
    2.0
    """

    #: The step sizes that a string can name.
    by_name: ClassVar[dict[str, type["StepSize"]]] = {}

    @abstractmethod
    def __call__(self, t: int, policy, sample):
        """
        Choose the step size of iteration `t`.

        Parameters
        ----------
        t : int
            The iteration, counted from 0.
        policy : PolicyBatch
            The policy on the observations of `sample`: its attributes ``mirror_map``,
            ``proba`` and ``dual``, the latter two of shape (n, n_actions), and its
            method ``step(q_values, eta)``, which returns the probabilities after an
            exact mirror step.
        sample : QSample
            Action values ``q_values`` of shape (n, n_actions), ``sample_weight`` of
            shape (n,) or None, ``gamma``, ``reward_range`` (largest less smallest
            reward), and ``expected_return``, None where no model gives it.

        Returns
        -------
        float
            The step size, greater than 0.

        Raises
        ------
        ValueError
            If a parameter is out of range.
        """
