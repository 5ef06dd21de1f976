"""What a rollout leaves behind: rows of observation, action, reward, what followed."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np


# Comparing arrays gives no single answer, so only the same object is equal.
@dataclass(frozen=True, eq=False)
class Transitions:
    """
    Transitions of a Markov decision process, one per row.

    The rows come trajectory by trajectory: a run of consecutive steps of one
    environment, up to where the episode ended or the rollout paused.

    Parameters
    ----------
    observations : ndarray of shape (n, n_features)
        What the policy saw.
    actions : ndarray of shape (n,)
        Columns of the actions taken, 0 to n_actions - 1.
    rewards : ndarray of shape (n,)
        Rewards received.
    next_observations : ndarray of shape (n, n_features)
        What followed. Where an episode ended this is its true last observation,
        never the first one of the next episode.
    terminated : ndarray of bool of shape (n,)
        Whether the step led to a terminal state, whose value is 0.
    truncated : ndarray of bool of shape (n,)
        Whether a time limit cut the episode, so that its value goes on.
    ends : ndarray of bool of shape (n,)
        Whether the row is the last of its trajectory.
    behavior_proba : ndarray of shape (n,) or None, default=None
        Probability with which the action was drawn, exploration included.
    action_masks : ndarray of bool of shape (n, n_actions) or None, default=None
        Actions that were allowed; None if all were everywhere.
    next_action_masks : ndarray of bool of shape (n, n_actions) or None, default=None
        Actions that were allowed afterwards.
    sample_weight : ndarray of shape (n,) or None, default=None
        Weights of the rows; None weighs them equally.
    first_row : int or None, default=None
        Number of the first row, in the order in which rows came in; None if nobody
        counts. What a critic computed of a row is looked up by its number.

    Raises
    ------
    ValueError
        If the arrays differ in length.

    See Also
    --------
    Rollouts : Gathers transitions from environments.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.data import Transitions
    >>> no = np.zeros(3, dtype=bool)
    >>> transitions = Transitions(
    ...     observations=np.array([[0.0], [1.0], [2.0]]),
    ...     actions=np.array([0, 1, 0]),
    ...     rewards=np.ones(3),
    ...     next_observations=np.array([[1.0], [2.0], [3.0]]),
    ...     terminated=no,
    ...     truncated=no,
    ...     ends=np.array([False, True, True]),
    ... )
    >>> len(transitions)
    3
    >>> transitions.is_start
    array([ True, False,  True])
    """

    observations: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray
    ends: np.ndarray
    behavior_proba: np.ndarray | None = None
    action_masks: np.ndarray | None = None
    next_action_masks: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    first_row: int | None = None

    def __post_init__(self):
        """Refuse columns of different lengths."""
        lengths = {name: len(column) for name, column in self._columns().items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"All arrays of Transitions must have the same length. Got {lengths}."
            )

    def __len__(self):
        """Return the number of rows."""
        return len(self.rewards)

    @property
    def is_start(self) -> np.ndarray:
        """
        Whether each row is the first of its trajectory.

        Returns
        -------
        ndarray of bool of shape (n,)
            The rows whose predecessor belongs to another trajectory.
        """
        is_start = np.ones(len(self), dtype=bool)
        is_start[1:] = self.ends[:-1]
        return is_start

    @property
    def row_numbers(self) -> range | None:
        """
        The numbers of the rows, which say whether two batches have the same.

        Returns
        -------
        range or None
            As many as there are rows, from `first_row` on; None if it is None.
        """
        if self.first_row is None:
            return None
        return range(self.first_row, self.first_row + len(self))

    def tail(self, n: int) -> Self:
        """
        Return the last rows, which are the newest.

        Parameters
        ----------
        n : int
            Number of rows wanted; all are returned if there are fewer.

        Returns
        -------
        Transitions
            The last rows, as views.
        """
        if n >= len(self):
            return self
        return self.take(slice(len(self) - n, None))

    @classmethod
    def concatenate(cls, parts) -> Self:
        """
        Put transitions one after the other.

        Parameters
        ----------
        parts : list of Transitions
            At least one, all with the same observations and actions. Where only some
            of them have action masks, the others allow every action.

        Returns
        -------
        Transitions
            The rows of all parts, in order.

        Raises
        ------
        ValueError
            If there is nothing to concatenate, or only some parts have
            `behavior_proba`.
        """
        parts = list(parts)
        if not parts:
            raise ValueError(
                "Found 0 parts while a minimum of 1 is required by "
                "Transitions.concatenate."
            )
        if len(parts) == 1:
            return parts[0]
        _check_behavior(parts)
        parts = _with_masks(parts)
        return replace(
            parts[0],
            first_row=None,
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in parts[0]._columns()
            },
        )

    def _to_data(self):
        """What a file holds: rows are numbered anew by the next fit."""
        return {k: value for k, value in vars(self).items() if k != "first_row"}

    @classmethod
    def _from_data(cls, **columns):
        return cls(**columns)

    def _columns(self):
        """Return the arrays that are there, by name."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if np.ndim(value) > 0}

    def take(self, rows) -> Self:
        """
        Select rows.

        Parameters
        ----------
        rows : array-like or slice
            A mask, positions or a slice.

        Returns
        -------
        Transitions
            The rows, without numbers. Trajectories end where `ends` says so.
        """
        taken = {name: column[rows] for name, column in self._columns().items()}
        return replace(self, first_row=None, **taken)


def _check_behavior(parts):
    """Require probabilities of the actions from all parts or from none."""
    without = [i for i, part in enumerate(parts) if part.behavior_proba is None]
    if 0 < len(without) < len(parts):
        raise ValueError(
            f"Part {without[0]} has no behavior_proba, but others have. Give it to all "
            "parts of Transitions.concatenate, or to none."
        )


def _with_masks(parts):
    """Give masks to all parts if any part has them."""
    masked = next((part for part in parts if part.action_masks is not None), None)
    if masked is None:
        return parts
    n_actions = masked.action_masks.shape[1]
    return [
        part if part.action_masks is not None else _allow_all(part, n_actions)
        for part in parts
    ]


def _allow_all(part, n_actions):
    """Return the same transitions with masks that allow every action."""
    masks = np.ones((len(part), n_actions), dtype=bool)
    return replace(part, action_masks=masks, next_action_masks=masks)
