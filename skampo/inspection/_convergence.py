"""The gap to the optimum, iteration by iteration."""

from numbers import Real
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skampo.utils._axes import axes_for, check_matplotlib

# Returns are solutions of linear systems: smaller differences are rounding. Both count
# in the unit of the display.
_NO_GAP = 1e-12
_NEGATIVE_GAP = 1e-8


class ConvergenceDisplay:
    """
    The gap between the optimal return and that of each iterate.

    Usually made by `from_estimator` or `from_policies`.

    Parameters
    ----------
    gaps : array-like of shape (n_iter + 1,)
        Optimal less achieved return of the iterates, the first policy included. Less
        than 1e-12 units is rounding and counts as 0.
    bounds : array-like of shape (n_iter + 1,) or callable, default=None
        Upper bounds that theory puts on the gaps, or a function of the array of
        iterations ``[0, ..., n_iter]`` that returns them.
    name : str, default=None
        Label of the curve.
    unit : float, default=1.0
        Size of the values that the gaps are differences of, in (0, inf).

    Attributes
    ----------
    line_ : matplotlib Line2D
        The gaps.
    end_ : matplotlib Line2D
        Triangles at the bottom, where the gap becomes 0; empty if it never does.
    bound_ : matplotlib Line2D or None
        The bounds.
    ax_ : matplotlib Axes
        The axes that were drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        If the shapes do not fit, a gap is negative, NaN or infinite, or `unit` is not
        a positive finite number.

    See Also
    --------
    ErrorDisplay : Where the errors come from.
    GridworldDisplay : What the policy does, state by state.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skampo import AMPOPolicy
    >>> from skampo.inspection import ConvergenceDisplay
    >>> from skampo.mdp import make_random_mdp
    >>> mdp = make_random_mdp(random_state=0)
    >>> policy = AMPOPolicy(step_size="geometric", gamma=0.9, max_iter=20).fit(mdp)
    >>> display = ConvergenceDisplay.from_estimator(policy, mdp, name="geometric")
    >>> display.gaps[[0, 20]].round(2)
    array([2.92, 0.28])
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, gaps, *, bounds=None, name: str | None = None, unit: float = 1.0
    ):
        self.unit = _check_unit(unit)
        self.gaps = _check_gaps(gaps, unit)
        if callable(bounds):
            bounds = bounds(np.arange(len(self.gaps)))
        self.bounds = None if bounds is None else _check_bounds(bounds, self.gaps)
        self.name = name

    def plot(
        self, ax=None, *, name: str | None = None, bound_kw=None, **kwargs
    ) -> Self:
        """
        Draw the gaps on a logarithmic axis, and the bounds dashed.

        A logarithmic axis has no 0: where the gap becomes 0 the curve comes down to
        1e-12 units and ends there with a triangle.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; several displays can share it. None makes a figure.
        name : str, default=None
            Label of the curve; None is the `name` of the display.
        bound_kw : dict, default=None
            Keywords for the line of the bounds.
        **kwargs : dict
            Keywords for the line of the gaps.

        Returns
        -------
        ConvergenceDisplay
            This display, with the artists.
        """
        self.ax_, self.figure_ = axes_for(ax, type(self).__name__)
        name = self.name if name is None else name
        (self.line_,) = self.ax_.plot(
            _above_floor(self.gaps, self._floor), **{"label": name, **kwargs}
        )
        self._mark_the_end()
        self.bound_ = None
        if self.bounds is not None:
            self._draw_bounds(self.line_.get_label() if name else None, bound_kw or {})
        self._label_axes()
        return self

    @property
    def _floor(self):
        return _NO_GAP * self.unit

    def _label_axes(self):
        from matplotlib.ticker import MaxNLocator

        label = "gap to the optimum, $V^* - V^k$"
        self.ax_.set(xlabel="iteration", ylabel=label, yscale="log")
        self.ax_.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        # matplotlib warns of a legend that has no entries.
        if self.ax_.get_legend_handles_labels()[1]:
            self.ax_.legend()

    def _mark_the_end(self):
        ends = np.flatnonzero(_starts_of_zeros(self.gaps))
        (self.end_,) = self.ax_.plot(
            ends,
            np.full(len(ends), self._floor),
            color=self.line_.get_color(),
            linestyle="none",
            marker="v",
        )

    def _draw_bounds(self, name, keywords):
        style = {
            "color": self.line_.get_color(),
            "label": "bound" if name is None else f"bound of {name}",
            "linestyle": "--",
        }
        (self.bound_,) = self.ax_.plot(self.bounds, **{**style, **keywords})

    @classmethod
    def from_estimator(
        cls, estimator, mdp, *, bounds=None, name: str | None = None, ax=None, **kwargs
    ) -> Self:
        """
        Draw the gaps of all iterates of a policy that was fitted on a model.

        Parameters
        ----------
        estimator : AMPOPolicy
            Fitted on `mdp`, with a discount below 1.
        mdp : TabularMDP
            The model.
        bounds : array-like of shape (n_iter + 1,) or callable, default=None
            Upper bounds of the gaps, or a function of the array of iterations.
        name : str, default=None
            Label of the curve.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for the line of the gaps.

        Returns
        -------
        ConvergenceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If the policy was not fitted on a model.

        Notes
        -----
        With ``early_stopping`` the iterate that is kept may not be the last one; the
        curve then ends with the last policy that was evaluated.
        """
        check_matplotlib(cls.__name__)
        returns = _returns_of_iterates(estimator, mdp)
        gaps, unit = _gaps(returns, mdp, estimator.gamma)
        return cls(gaps, bounds=bounds, name=name, unit=unit).plot(ax, **kwargs)

    @classmethod
    def from_policies(
        cls,
        policies,
        mdp,
        *,
        gamma: float,
        bounds=None,
        name: str | None = None,
        ax=None,
        **kwargs,
    ) -> Self:
        """
        Draw the gaps of any sequence of policies on a model.

        Parameters
        ----------
        policies : iterable of array-like of shape (n_states, n_actions)
            Probabilities of the actions, one array per iteration.
        mdp : TabularMDP
            The model.
        gamma : float
            Discount factor in [0, 1).
        bounds : array-like of shape (n_policies,) or callable, default=None
            Upper bounds of the gaps, or a function of the array of iterations.
        name : str, default=None
            Label of the curve.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for the line of the gaps.

        Returns
        -------
        ConvergenceDisplay
            The display, drawn.
        """
        check_matplotlib(cls.__name__)
        returns = np.array([mdp.expected_return(proba, gamma) for proba in policies])
        gaps, unit = _gaps(returns, mdp, gamma)
        return cls(gaps, bounds=bounds, name=name, unit=unit).plot(ax, **kwargs)


def _returns_of_iterates(estimator, mdp):
    """Exact returns of the policies that were evaluated, and of the one after them."""
    check_is_fitted(estimator)
    if not getattr(estimator.critic_, "needs_model", False):
        raise ValueError(
            "ConvergenceDisplay.from_estimator needs a policy that was fitted on a "
            "TabularMDP, whose history holds exact returns. Use from_policies for "
            "policies that were learned in another way."
        )
    returns = [record["return_mean"] for record in estimator.history_]
    # Records are made before an update, so that the policy after the last has none; it
    # is known only if it was kept.
    if estimator.best_iteration_ == len(returns):
        proba = estimator.predict_proba(mdp.states)
        returns.append(mdp.expected_return(proba, estimator.gamma))
    return np.array(returns)


def _gaps(returns, mdp, gamma):
    """What the returns lack, and the size of the numbers that they are made of."""
    values = mdp.solve(gamma).values
    size = max(np.abs(values).max(), np.abs(mdp.reward).max())
    # A model that pays nothing has no size.
    return mdp.initial_distribution @ values - returns, float(size) or 1.0


def _check_unit(unit):
    if not isinstance(unit, Real) or not 0 < unit < np.inf:
        raise ValueError(
            f"unit must be a float in the range (0.0, inf). Got {unit!r} instead."
        )
    return unit


def _check_gaps(gaps, unit):
    gaps = np.array(gaps, dtype=np.float64)
    if gaps.ndim != 1 or gaps.size == 0:
        raise ValueError(
            "gaps must have shape (n_iter + 1,), one for each iterate. Got "
            f"{gaps.shape} instead."
        )
    if not np.isfinite(gaps).all() or (gaps < -_NEGATIVE_GAP * unit).any():
        raise ValueError(
            "gaps must be finite and not negative: no policy is better than the "
            f"optimum. Got {gaps.min()} to {gaps.max()} instead, for values of size "
            f"{unit}."
        )
    gaps[gaps < _NO_GAP * unit] = 0.0
    return gaps


def _check_bounds(bounds, gaps):
    bounds = np.asarray(bounds, dtype=np.float64)
    if bounds.shape != gaps.shape:
        raise ValueError(
            f"bounds must have shape {gaps.shape}, one for each gap, iteration 0 "
            f"included. Got {bounds.shape} instead."
        )
    return bounds


def _starts_of_zeros(gaps):
    """Where the gap becomes 0."""
    zero = gaps == 0
    return zero & ~np.concatenate([[False], zero[:-1]])


def _above_floor(gaps, floor):
    """What a logarithmic axis can show: the first 0 at the floor, no others."""
    shown = np.where(gaps == 0, np.nan, gaps)
    shown[_starts_of_zeros(gaps)] = floor
    return shown
