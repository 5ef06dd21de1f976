"""The two parts of the error of an iteration."""

from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skampo.utils._axes import COLORS, axes_for, check_matplotlib


class ErrorDisplay:
    """
    The error of line 1 and that of the critic, iteration by iteration.

    Usually made by `from_estimator`.

    Parameters
    ----------
    approximation : array-like of shape (n_iter,)
        Mean squared errors of line 1, against the critic's values.
    critic : array-like of shape (n_iter,), default=None
        Mean squared errors of these values; NaN where nobody knows them, and None if
        that is everywhere.

    Attributes
    ----------
    approximation_ : matplotlib Line2D
        The errors of line 1.
    critic_ : matplotlib Line2D or None
        Those of the critic.
    sum_ : matplotlib Line2D or None
        Both together, what guarantees ask for.
    ax_ : matplotlib Axes
        The axes that were drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    See Also
    --------
    ConvergenceDisplay : What the errors do to the gap.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skampo import AMPOPolicy
    >>> from skampo.inspection import ErrorDisplay
    >>> from skampo.mdp import make_random_mdp
    >>> env = make_random_mdp(random_state=0).to_env(max_episode_steps=100)
    >>> policy = AMPOPolicy(max_iter=3, critic_error=True, random_state=0).fit(env)
    >>> display = ErrorDisplay.from_estimator(policy)
    >>> bool((display.critic > display.approximation).all())
    True
    >>> plt.close(display.figure_)
    """

    def __init__(self, approximation, critic=None):
        self.approximation = np.asarray(approximation, dtype=np.float64)
        self.critic = None if critic is None else np.asarray(critic, dtype=np.float64)
        shapes = {np.shape(e) for e in (approximation, critic) if e is not None}
        if len(shapes) > 1 or self.approximation.ndim != 1:
            raise ValueError(
                "approximation and critic must have one shape (n_iter,). Got "
                f"{sorted(shapes)} instead."
            )

    def plot(self, ax=None, **kwargs) -> Self:
        """
        Draw the errors on a logarithmic axis, which leaves out those that are 0.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for all lines.

        Returns
        -------
        ErrorDisplay
            This display, with the artists.
        """
        self.ax_, self.figure_ = axes_for(ax, type(self).__name__)
        from matplotlib.ticker import MaxNLocator

        both = None if self.critic is None else self.approximation + self.critic
        self.approximation_ = self._draw(
            self.approximation, "line 1", COLORS[0], kwargs
        )
        self.critic_ = self._draw(self.critic, "critic", COLORS[1], kwargs)
        self.sum_ = self._draw(both, "sum", "black", {"linestyle": "--", **kwargs})
        self.ax_.set(xlabel="iteration", ylabel="mean squared error", yscale="log")
        self.ax_.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        self.ax_.legend()
        return self

    def _draw(self, errors, label, color, keywords):
        if errors is None:
            return None
        iterations = np.arange(1, len(errors) + 1)
        shown = np.where(errors > 0, errors, np.nan)
        style = {"label": label, "color": color, **keywords}
        return self.ax_.plot(iterations, shown, **style)[0]

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, **kwargs) -> Self:
        """
        Draw the errors that a policy has in its history.

        Parameters
        ----------
        estimator : AMPOPolicy
            Fitted; with ``critic_error=True`` for the errors of the critic.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for all lines.

        Returns
        -------
        ErrorDisplay
            The display, drawn.
        """
        check_matplotlib(cls.__name__)
        check_is_fitted(estimator)
        approximation, critic = (
            [record[name] for record in estimator.history_]
            for name in ("approximation_error", "critic_error")
        )
        is_known = not np.isnan(critic).all()
        return cls(approximation, critic if is_known else None).plot(ax, **kwargs)
