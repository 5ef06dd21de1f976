"""How policies with three actions move over the probability simplex."""

from typing import Self

import numpy as np

from skampo.utils._axes import COLORS, axes_for, check_matplotlib

_CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
_LABELS = (
    {"ha": "right", "va": "top"},
    {"ha": "left", "va": "top"},
    {"ha": "center", "va": "bottom"},
)
_MARKERS = "osD^vP*"


class SimplexDisplay:
    """
    Paths of three-action policies over the probability simplex.

    Each corner takes one action for sure; a side never takes the opposite action.

    Parameters
    ----------
    paths : dict of str to array-like of shape (n_steps, 3)
        Probabilities of the actions, one row per step.
    actions : sequence of str, default=("action 0", "action 1", "action 2")
        Labels of the corners.

    Attributes
    ----------
    lines_ : dict of str to matplotlib Line2D
        The paths.
    border_ : matplotlib Polygon
        The simplex.
    corners_ : list of matplotlib Text
        The labels of the corners.
    ax_ : matplotlib Axes
        The axes that were drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        If a path has not three columns, or a row of it is no distribution, or there
        are not three labels.

    See Also
    --------
    skampo.mirror_maps : What gives the paths their shapes.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skampo.inspection import SimplexDisplay
    >>> from skampo.mirror_maps import Euclidean, NegativeEntropy
    >>> maps = {"entropy": NegativeEntropy(), "Euclidean": Euclidean()}
    >>> display = SimplexDisplay.from_mirror_maps(maps, [1.0, 0.8, 0.0], eta=0.5)
    >>> display.paths["Euclidean"][[0, 1, 20]].round(3)
    array([[0.333, 0.333, 0.333],
           [0.533, 0.433, 0.033],
           [1.   , 0.   , 0.   ]])
    >>> plt.close(display.figure_)
    """

    def __init__(self, paths, *, actions=("action 0", "action 1", "action 2")):
        self.paths = {name: _check_path(name, path) for name, path in paths.items()}
        if len(actions) != 3:
            raise ValueError(
                f"actions must be three labels, one for each corner. Got {actions!r}."
            )
        self.actions = actions

    def plot(self, ax=None, **kwargs) -> Self:
        """
        Draw the simplex and the paths.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for the lines of the paths.

        Returns
        -------
        SimplexDisplay
            This display, with the artists.
        """
        self.ax_, self.figure_ = axes_for(ax, type(self).__name__)
        self._draw_simplex()
        self.lines_ = {}
        for index, (name, path) in enumerate(self.paths.items()):
            style = {
                "color": COLORS[index % len(COLORS)],
                "marker": _MARKERS[index % len(_MARKERS)],
                "markersize": 4,
                "label": name,
            }
            (self.lines_[name],) = self.ax_.plot(
                *(path @ _CORNERS).T, **{**style, **kwargs}
            )
        if self.paths:
            self.ax_.legend(loc="upper right")
        return self

    def _draw_simplex(self):
        (self.border_,) = self.ax_.fill(
            *_CORNERS.T, facecolor="none", edgecolor="0.4", label="_simplex"
        )
        self.corners_ = [
            self.ax_.annotate(
                label,
                corner,
                xytext=3 * np.sign(corner - [0.5, 0.4]),
                textcoords="offset points",
                **where,
            )
            for label, corner, where in zip(
                self.actions, _CORNERS, _LABELS, strict=True
            )
        ]
        self.ax_.set(aspect="equal", xlim=(-0.25, 1.25), ylim=(-0.12, 1.0))
        self.ax_.set_axis_off()

    @classmethod
    def from_mirror_maps(
        cls,
        mirror_maps,
        q_values,
        *,
        eta: float = 1.0,
        n_steps: int = 20,
        start=None,
        actions=("action 0", "action 1", "action 2"),
        ax=None,
        **kwargs,
    ) -> Self:
        r"""
        Draw the exact mirror steps of several maps in one state.

        Parameters
        ----------
        mirror_maps : dict of str to MirrorMap
            The mirror maps.
        q_values : array-like of shape (3,)
            Values of the actions; the same in every step.
        eta : float, default=1.0
            Step size.
        n_steps : int, default=20
            Number of steps.
        start : array-like of shape (3,), default=None
            The first policy, of positive probabilities; None is uniform.
        actions : sequence of str, default=("action 0", "action 1", "action 2")
            Labels of the corners.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for the lines of the paths.

        Returns
        -------
        SimplexDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If `q_values` has not three entries, or `start` is no distribution of
            positive probabilities.

        Notes
        -----
        .. math:: \pi_{t+1} = P^h(\nabla h^*(\nabla h(\pi_t) + \eta Q))
        """
        check_matplotlib(cls.__name__)
        q_values = _check_values(q_values)
        start = _check_start(start)
        paths = {
            name: _mirror_steps(mirror_map, start, eta * q_values, n_steps)
            for name, mirror_map in mirror_maps.items()
        }
        return cls(paths, actions=actions).plot(ax, **kwargs)


def _mirror_steps(mirror_map, start, step, n_steps):
    """Policies of mirror descent on a constant reward, shape (n_steps + 1, 3)."""
    scores = mirror_map.gradient(start)
    path = [mirror_map.project(scores)]
    for _ in range(n_steps):
        # From scores: the gradient of a probability that underflows would stay -inf.
        scores = mirror_map.dual(scores) + step
        path.append(mirror_map.project(scores))
    return np.concatenate(path)


def _check_values(q_values):
    q_values = np.asarray(q_values, dtype=np.float64)
    if q_values.shape != (3,):
        raise ValueError(
            f"q_values must have shape (3,), one for each action of the simplex. Got "
            f"{q_values.shape} instead."
        )
    return q_values


def _check_start(start):
    """The first policy as one row."""
    if start is None:
        return np.full((1, 3), 1 / 3)
    path = _check_path("start", [start])
    # Where ∇h is infinite at 0, such an action would never come back.
    if not (path > 0).all():
        raise ValueError(
            f"start must hold positive probabilities. Got {start!r} instead."
        )
    return path


def _check_path(name, path):
    path = np.array(path, dtype=np.float64)
    if path.ndim != 2 or path.shape[1] != 3:
        raise ValueError(
            f"The path of {name!r} must have shape (n_steps, 3), one column for each "
            f"action. Got {path.shape} instead."
        )
    if not (path >= 0).all() or not np.allclose(path.sum(axis=1), 1):
        raise ValueError(
            f"The rows of the path of {name!r} must be probabilities that sum to 1."
        )
    return path
