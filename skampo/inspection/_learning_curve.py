"""Returns against environment steps, as `fit` saw them."""

from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skampo.utils._axes import axes_for, check_matplotlib

_COLUMNS = ("returns", "validation_returns", "validation_stds")


class LearningCurveDisplay:
    """
    What the policy was worth after so many environment steps.

    Usually made by `from_estimator`.

    Parameters
    ----------
    n_steps : array-like of shape (n_iter,)
        Environment steps so far, validation not counted.
    returns : array-like of shape (n_iter,)
        Mean return of the episodes that ended while data were gathered, exploration
        included. NaN where none ended.
    validation_returns : array-like of shape (n_iter,), default=None
        Mean return of the greedy policy on the validation episodes. None is NaN.
    validation_stds : array-like of shape (n_iter,), default=None
        Standard deviation over the validation episodes. None is NaN.
    best_iteration : int, default=None
        The iteration whose policy was kept, counted from 1.
    name : str, default=None
        Label of the curves.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The returns while data were gathered.
    unfinished_ : matplotlib Line2D or None
        Ticks below the iterations in which no episode ended, so that they have no
        return; None if there are none.
    validation_line_ : matplotlib Line2D or None
        The validation returns; None if there are none.
    band_ : matplotlib PolyCollection or None
        One standard deviation around them.
    best_ : matplotlib Line2D or None
        The iterate that was kept.
    ax_ : matplotlib Axes
        The axes that were drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        If the lengths differ, or `best_iteration` is no iteration.

    See Also
    --------
    ConvergenceDisplay : The gap to the optimum, which a model knows.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skampo import AMPOPolicy
    >>> from skampo.inspection import LearningCurveDisplay
    >>> policy = AMPOPolicy(max_iter=3, early_stopping=True, random_state=0)
    >>> policy = policy.fit("CartPole-v1")
    >>> display = LearningCurveDisplay.from_estimator(policy)
    >>> display.n_steps
    array([ 512, 1024, 1536])
    >>> plt.close(display.figure_)
    """

    returns: np.ndarray
    validation_returns: np.ndarray
    validation_stds: np.ndarray

    def __init__(
        self,
        n_steps,
        returns,
        *,
        validation_returns=None,
        validation_stds=None,
        best_iteration: int | None = None,
        name: str | None = None,
    ):
        self.n_steps = np.asarray(n_steps)
        given = returns, validation_returns, validation_stds
        for column, values in zip(_COLUMNS, given, strict=True):
            setattr(self, column, _check_column(column, values, self.n_steps))
        _check_best(best_iteration, len(self.n_steps))
        self.best_iteration = best_iteration
        self.name = name

    def plot(self, ax=None, *, name: str | None = None, band_kw=None, **kwargs) -> Self:
        """
        Draw the returns, the validation returns with their band, and the best iterate.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; several displays can share it. None makes a figure.
        name : str, default=None
            Label of the curves; None is the `name` of the display.
        band_kw : dict, default=None
            Keywords for the band.
        **kwargs : dict
            Keywords for the lines.

        Returns
        -------
        LearningCurveDisplay
            This display, with the artists.
        """
        self.ax_, self.figure_ = axes_for(ax, type(self).__name__)
        name = self.name if name is None else name
        prefix = "" if name is None else f"{name}, "
        # Dots as well: a point between two that are missing belongs to no line.
        style = {"label": f"{prefix}while exploring", "linestyle": ":", "marker": "."}
        style |= kwargs
        (self.line_,) = self.ax_.plot(self.n_steps, self.returns, **style)
        self.unfinished_ = self._mark_unfinished(f"{prefix}no episode ended")
        self.validation_line_ = self.band_ = self.best_ = None
        if np.isfinite(self.validation_returns).any():
            self._draw_validation(f"{prefix}validation", kwargs, band_kw or {})
        self.ax_.set(xlabel="environment steps", ylabel="return")
        self.ax_.legend()
        return self

    def _mark_unfinished(self, label):
        missing = self.n_steps[np.isnan(self.returns)]
        if not len(missing):
            return None
        style = {"color": self.line_.get_color(), "linestyle": "", "marker": "|"}
        # The height is a share of the axes, whatever the returns are.
        x_of_data = self.ax_.get_xaxis_transform()
        (ticks,) = self.ax_.plot(
            missing,
            np.full(len(missing), 0.02),
            transform=x_of_data,
            label=label,
            **style,
        )
        return ticks

    def _draw_validation(self, label, keywords, band_kw):
        color = self.line_.get_color()
        style = {"color": color, "label": label, "marker": "."} | keywords
        # Iterations without validation are passed over: most may have none.
        known = np.isfinite(self.validation_returns)
        steps, means = self.n_steps[known], self.validation_returns[known]
        stds = self.validation_stds[known]
        (self.validation_line_,) = self.ax_.plot(steps, means, **style)
        color = self.validation_line_.get_color()
        self.band_ = self.ax_.fill_between(
            steps,
            means - stds,
            means + stds,
            **{"color": color, "alpha": 0.2, "linewidth": 0, **band_kw},
        )
        if self.best_iteration:
            best = self.best_iteration - 1
            (self.best_,) = self.ax_.plot(
                self.n_steps[best],
                self.validation_returns[best],
                color=color,
                marker="o",
            )

    @classmethod
    def from_estimator(
        cls, estimator, *, name: str | None = None, ax=None, **kwargs
    ) -> Self:
        """
        Draw the history of a fitted policy.

        Parameters
        ----------
        estimator : AMPOPolicy
            Fitted on environments; with ``early_stopping=True`` there are validation
            returns.
        name : str, default=None
            Label of the curves.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for the lines.

        Returns
        -------
        LearningCurveDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the policy was not fitted on environments.

        Notes
        -----
        The band is that of single episodes, not of their mean, which is narrower by
        the square root of ``validation_episodes``.
        """
        check_matplotlib(cls.__name__)
        check_is_fitted(estimator)
        if not estimator.n_steps_:
            raise ValueError(
                f"{cls.__name__}.from_estimator needs a policy that took environment "
                "steps. Got one that took none: use ConvergenceDisplay for policies "
                "that were fitted on a TabularMDP."
            )
        history = estimator.history_
        display = cls(
            [record["n_steps"] for record in history],
            [record["return_mean"] for record in history],
            validation_returns=[record["validation_return"] for record in history],
            validation_stds=[record["validation_std"] for record in history],
            best_iteration=estimator.best_iteration_,
            name=name,
        )
        return display.plot(ax, **kwargs)


def _check_column(name, values, n_steps):
    if values is None:
        return np.full(len(n_steps), np.nan)
    values = np.asarray(values, dtype=np.float64)
    if values.shape != n_steps.shape or n_steps.ndim != 1:
        raise ValueError(
            f"{name} must have the shape of n_steps, one entry for each iteration. Got "
            f"{values.shape} and {n_steps.shape} instead."
        )
    return values


def _check_best(best_iteration, n_iter):
    if best_iteration is not None and not 1 <= best_iteration <= n_iter:
        raise ValueError(
            f"best_iteration must be an iteration from 1 to {n_iter}. Got "
            f"{best_iteration!r} instead."
        )
