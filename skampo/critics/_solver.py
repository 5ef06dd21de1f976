"""What the critics that store transitions ask of a solver."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np


class Sweeps(ABC):
    """
    Regressions of the same rows on one target after the other.

    A solver is made once for the features of all stored states, and does then what
    does not depend on the targets.

    See Also
    --------
    skampo.regressors.linear_form : The form of a regressor.
    FittedQ : Sweeps until values settle.

    Notes
    -----
    `by_form` holds the solver of each class of forms that `linear_form` returns; for
    others it is one regression per action. It is called with the form, the features of
    all stored states, steps and the `CriticSetting`: ``steps.actions`` are the actions
    taken, of shape (n_steps,), and ``steps.at`` the rows of the features in which they
    were. ``Sweeps.by_form[Form] = MySweeps`` adds one of your own.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.critics import Sweeps
    >>> class Means(Sweeps):
    ...     def __init__(self, actions, n_actions):
    ...         self.taken = np.eye(n_actions)[actions]
    ...
    ...     def fit(self, y):
    ...         self.mean = self.taken.T @ y / self.taken.sum(axis=0)
    ...
    ...     def values(self):
    ...         return np.tile(self.mean, (len(self.taken), 1))
    ...
    ...     @property
    ...     def scores(self):
    ...         return lambda features: np.tile(self.mean, (len(features), 1))
    >>> means = Means(np.array([0, 1, 1]), 2)
    >>> means.fit(np.array([1.0, 2.0, 4.0]))
    >>> means.values()[0]
    array([1., 3.])
    """

    #: Makes the solver of a linear regressor, by the class of its form.
    by_form: ClassVar[dict[type, Callable[..., "Sweeps"]]] = {}
    #: Sweeps that are done where the critic was given no number.
    n_sweeps = 2
    #: Decay of the traces where the critic was given none.
    trace_decay = 0.0

    # Most solvers have nothing to take back.
    def start(self) -> None:  # noqa: B027
        """Take back what `strengthen` did for another policy."""

    @abstractmethod
    def fit(self, y) -> None:
        """
        Fit the targets of the actions taken.

        Parameters
        ----------
        y : ndarray of shape (n_steps,)
            One target for each stored step.
        """

    @abstractmethod
    def values(self) -> np.ndarray:
        """
        Evaluate all actions in all stored states.

        Returns
        -------
        ndarray of shape (n_states, n_actions)
            The fitted values.
        """

    @property
    @abstractmethod
    def scores(self) -> Callable:
        """
        The fitted function, which the next `fit` leaves as it is.

        Returns
        -------
        callable
            From features (n, n_features) to values (n, n_actions).
        """

    @property
    def can_strengthen(self) -> bool:
        """
        Whether there is a stronger penalty to go on with when sweeps diverge.

        Returns
        -------
        bool
            False unless a subclass has one.
        """
        return False

    def strengthen(self) -> None:
        """
        Raise the penalty.

        Raises
        ------
        NotImplementedError
            Unless a subclass can.
        """
        raise NotImplementedError(f"{type(self).__name__} has no stronger penalty")
