"""A policy of a gridworld, cell by cell."""

from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skampo.utils._axes import axes_for, check_matplotlib

# The vertical axis points down, as rows are numbered.
_VECTORS = {
    "left": (-1.0, 0.0),
    "down": (0.0, 1.0),
    "right": (1.0, 0.0),
    "up": (0.0, -1.0),
    "stay": (0.0, 0.0),
}
_WALL, _GOAL, _HOLE, _START = "#GHS"
_FACES = {_WALL: "0.55", _GOAL: "white", _HOLE: "black"}
_LONGEST_ARROW = 0.45


class GridworldDisplay:
    """
    Arrows for the policy and colors for the values of a gridworld.

    Each arrow is as long as the probability of its direction. Walls, goals and holes
    have neither arrows nor values: nothing is decided there.

    Parameters
    ----------
    proba : array-like of shape (n_states, n_actions)
        Probabilities of the actions. States are numbered row by row over all cells;
        one more that is no cell, where episodes end, may come last.
    values : array-like of shape (n_states,)
        Values of the states.
    layout : sequence of str or tuple of int
        One string per row, with the cells ``S`` (start), ``G`` (goal), ``H`` (hole) and
        ``#`` (wall); every other character is a free cell. A single string is a single
        row. Or the shape (n_rows, n_columns), when all cells are free.
    directions : sequence of str, default=("left", "down", "right", "up")
        Where each action leads, ``"stay"`` included; the default is the order of
        FrozenLake.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        The values.
    quiver_ : matplotlib Quiver
        The arrows.
    marks_ : list of matplotlib Text
        The letters of starts, goals and holes.
    colorbar_ : matplotlib Colorbar or None
        The scale of the values.
    ax_ : matplotlib Axes
        The axes that were drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    Raises
    ------
    ValueError
        If the numbers of states, cells, actions and directions do not fit, or a
        direction is unknown.

    See Also
    --------
    PolicyDisplay : The same for continuous states.

    Examples
    --------
    Two cells; the goal is on the right.

    >>> import matplotlib.pyplot as plt
    >>> from skampo.inspection import GridworldDisplay
    >>> proba = [[0.0, 0.0, 0.75, 0.25], [0.25, 0.25, 0.25, 0.25]]
    >>> display = GridworldDisplay(proba, [0.9, 0.0], ["SG"]).plot()
    >>> display.arrows
    array([[ 0.  ,  0.  ,  0.75,  0.  ],
           [ 0.  ,  0.  ,  0.  , -0.25]])
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, proba, values, layout, *, directions=("left", "down", "right", "up")
    ):
        self.cells = _cells(layout)
        self.proba = np.asarray(proba, dtype=np.float64)
        self.values = np.asarray(values, dtype=np.float64)
        self.directions = _check_directions(directions, self.proba)
        n_states = _check_states(self.proba, self.values, self.cells.size)
        closed = np.isin(self.cells, list(_FACES))
        grid = self.values[:n_states].reshape(self.cells.shape)
        self.value_grid = np.where(closed, np.nan, grid)
        self.arrows = _arrows(self.proba[:n_states], self.directions, closed)

    def plot(self, ax=None, *, cmap="viridis", colorbar: bool = True, **kwargs) -> Self:
        """
        Draw the cells, their values and the arrows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        cmap : str or matplotlib Colormap, default="viridis"
            Colors of the values.
        colorbar : bool, default=True
            Whether to draw the scale of the values.
        **kwargs : dict
            Keywords for the image of the values, `vmin` and `vmax` for example.

        Returns
        -------
        GridworldDisplay
            This display, with the artists.
        """
        self.ax_, self.figure_ = axes_for(ax, type(self).__name__)
        self.image_ = self.ax_.imshow(self.value_grid, cmap=cmap, **kwargs)
        self._draw_cells()
        self._draw_arrows()
        self.colorbar_ = None
        if colorbar:
            self.colorbar_ = self.figure_.colorbar(
                self.image_, ax=self.ax_, label="value"
            )
        return self

    def _draw_cells(self):
        from matplotlib.patches import Rectangle

        rows, columns = self.cells.shape
        for (row, column), cell in np.ndenumerate(self.cells):
            face = _FACES.get(cell, "none")
            corner = (column - 0.5, row - 0.5)
            self.ax_.add_patch(
                Rectangle(corner, 1, 1, facecolor=face, edgecolor="0.3", linewidth=0.5)
            )
        self.ax_.set(
            xticks=[], yticks=[], xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5)
        )
        self.marks_ = [
            self._mark(row, column, cell)
            for (row, column), cell in np.ndenumerate(self.cells)
            if cell in (_GOAL, _HOLE, _START)
        ]

    def _mark(self, row, column, cell):
        """A letter in the middle of a cell, or in the corner where arrows start."""
        color = "white" if cell == _HOLE else "black"
        if cell == _START:
            return self.ax_.text(
                column - 0.45,
                row - 0.45,
                cell,
                ha="left",
                va="top",
                weight="bold",
                color=color,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
            )
        return self.ax_.text(
            column, row, cell, ha="center", va="center", weight="bold", color=color
        )

    def _draw_arrows(self):
        x, y, dx, dy = self.arrows.T
        self.quiver_ = self.ax_.quiver(
            x,
            y,
            _LONGEST_ARROW * dx,
            _LONGEST_ARROW * dy,
            # In the units of the cells: otherwise "down" would point up.
            angles="xy",
            scale_units="xy",
            scale=1,
            units="x",
            width=0.06,
            # Short arrows would be drawn as hexagons.
            minlength=0,
            minshaft=1.5,
            facecolor="white",
            edgecolor="black",
            linewidth=0.6,
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        mdp,
        layout,
        *,
        directions=("left", "down", "right", "up"),
        ax=None,
        **kwargs,
    ) -> Self:
        """
        Draw a fitted policy with its exact values.

        Parameters
        ----------
        estimator : AMPOPolicy
            Fitted on `mdp`, or on the environment that it describes, with a discount
            below 1.
        mdp : TabularMDP
            The model.
        layout : sequence of str or tuple of int
            The cells, one string per row, or their shape (n_rows, n_columns).
        directions : sequence of str, default=("left", "down", "right", "up")
            Where each action leads.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for `plot`.

        Returns
        -------
        GridworldDisplay
            The display, drawn.
        """
        check_matplotlib(cls.__name__)
        check_is_fitted(estimator)
        proba = estimator.predict_proba(mdp.states)
        values = mdp.values(proba, estimator.gamma)
        return cls(proba, values, layout, directions=directions).plot(ax, **kwargs)


def _cells(layout):
    """The characters of the cells, shape (n_rows, n_columns)."""
    rows = [layout] if isinstance(layout, str) else list(layout)
    if all(isinstance(row, int | np.integer) for row in rows):
        return np.full(_check_shape(rows), ".")
    widths = {len(row) for row in rows}
    if len(widths) != 1:
        raise ValueError(
            "The rows of layout must be equally long. Got rows of "
            f"{sorted(widths)} cells instead."
        )
    # FrozenLake has its layout in bytes.
    return np.array([list(row) for row in rows]).astype(str)


def _check_shape(shape):
    if len(shape) != 2 or min(shape) < 1:
        raise ValueError(
            "layout must have one string per row, or be the shape (n_rows, n_columns). "
            f"Got {tuple(shape)} instead."
        )
    return tuple(shape)


def _check_directions(directions, proba):
    unknown = [name for name in directions if name not in _VECTORS]
    if unknown or proba.ndim != 2 or len(directions) != proba.shape[1]:
        raise ValueError(
            f"directions must name one of {sorted(_VECTORS)} for each action. Got "
            f"{list(directions)} for probabilities of shape {proba.shape} instead."
        )
    return tuple(directions)


def _check_states(proba, values, n_cells):
    """The number of cells; the states may be one more."""
    n_states = len(proba)
    if n_states not in (n_cells, n_cells + 1) or values.shape != (n_states,):
        raise ValueError(
            f"layout has {n_cells} cells; expected as many states, row by row, or one "
            f"more where episodes end. Got {n_states} rows of probabilities and "
            f"values of shape {values.shape} instead."
        )
    return n_cells


def _arrows(proba, directions, closed):
    """Rows (x, y, dx, dy), one for each open cell and direction of some probability."""
    vectors = np.array([_VECTORS[name] for name in directions])
    states, actions = np.nonzero((proba > 0) & ~closed.ravel()[:, None])
    y, x = np.divmod(states, closed.shape[1])
    lengths = proba[states, actions][:, None] * vectors[actions]
    return np.column_stack([x, y, lengths])
