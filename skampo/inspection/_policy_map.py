"""A policy over a plane of continuous states."""

from typing import Self

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skampo.utils._axes import COLORS, axes_for, check_matplotlib

# At chance, colors must still be told apart.
_FAINTEST = 0.25


class PolicyDisplay:
    """
    The greedy actions of a policy over two features, or the probability of one action.

    Usually made by `from_estimator`.

    Parameters
    ----------
    x : ndarray of shape (n_columns,)
        Values of the feature on the horizontal axis, equally spaced.
    y : ndarray of shape (n_rows,)
        Values of the feature on the vertical axis, equally spaced.
    proba : ndarray of shape (n_rows, n_columns, n_actions)
        Probabilities of the actions.
    classes : array-like of shape (n_actions,), default=None
        The actions' labels, in the order of `proba`; None is 0, 1, ...
    action_names : sequence of str, default=None
        What the legend calls the actions; None shows the labels.
    feature_names : sequence of str, default=None
        Labels of the two axes.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        The colored plane.
    legend_ : matplotlib Legend or None
        The colors of the greedy actions.
    colorbar_ : matplotlib Colorbar or None
        The scale of the probabilities.
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
    GridworldDisplay : The same for the cells of a grid.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from skampo import AMPOPolicy
    >>> from skampo.inspection import PolicyDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> policy = AMPOPolicy(max_iter=5, random_state=0).fit(X[:, 2:], y)
    >>> display = PolicyDisplay.from_estimator(
    ...     policy, X[:, 2:], feature_names=["length", "width"], grid_resolution=50
    ... )
    >>> display.proba.shape
    (50, 50, 3)
    >>> plt.close(display.figure_)
    """

    def __init__(
        self, x, y, proba, *, classes=None, action_names=None, feature_names=None
    ):
        self.x, self.y = _check_axis("x", x), _check_axis("y", y)
        self.proba = np.asarray(proba)
        if self.proba.ndim != 3 or self.proba.shape[:2] != (len(self.y), len(self.x)):
            raise ValueError(
                f"proba must have shape ({len(self.y)}, {len(self.x)}, n_actions), one "
                f"row for each y and one column for each x. Got {self.proba.shape} "
                "instead."
            )
        n_actions = self.proba.shape[2]
        self.classes = np.arange(n_actions) if classes is None else np.asarray(classes)
        self.action_names = _check_names(action_names, self.classes, n_actions)
        self.feature_names = feature_names

    def plot(
        self, ax=None, *, action=None, colors=None, cmap="cividis", **kwargs
    ) -> Self:
        """
        Draw the greedy actions, or the probability of one action.

        A greedy action has its own color, which is the paler the less probable the
        action is.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        action : object, default=None
            Label of the action whose probability is drawn; None draws the greedy
            actions.
        colors : sequence of matplotlib colors, default=None
            One for each action. None takes colors that color-blind readers tell apart.
        cmap : str or matplotlib Colormap, default="cividis"
            Colors of the probabilities.
        **kwargs : dict
            Keywords for the image.

        Returns
        -------
        PolicyDisplay
            This display, with the artists.

        Raises
        ------
        ValueError
            If there is no such action, or not one color for each.
        """
        check_matplotlib(type(self).__name__)
        # What can be wrong is found before there is a figure.
        if action is None:
            colors = _rgb(colors, len(self.action_names))
            self._draw_image(ax, _shade(self.proba, colors), kwargs)
            self._add_legend(colors)
        else:
            index = self._index(action)
            keywords = {"vmin": 0.0, "vmax": 1.0, "cmap": cmap, **kwargs}
            self._draw_image(ax, self.proba[:, :, index], keywords)
            self.colorbar_ = self.figure_.colorbar(
                self.image_,
                ax=self.ax_,
                label=f"probability of {self.action_names[index]}",
            )
        return self

    def _index(self, action):
        """Column of an action, by its label."""
        # Labels may have several components; single ones become rows of length one.
        rows = self.classes.reshape(len(self.classes), -1)
        label = np.ravel(action)
        found = [i for i, row in enumerate(rows) if np.array_equal(row, label)]
        if not found:
            raise ValueError(
                f"action must be one of {self.classes.tolist()}. Got {action!r} "
                "instead."
            )
        return found[0]

    def _draw_image(self, ax, image, keywords):
        self.ax_, self.figure_ = axes_for(ax, type(self).__name__)
        place = {
            "origin": "lower",
            "aspect": "auto",
            # A mixture of two colors may be that of a third action.
            "interpolation": "nearest",
            "extent": [*_edges(self.x), *_edges(self.y)],
        }
        self.image_ = self.ax_.imshow(image, **{**place, **keywords})
        self.legend_ = self.colorbar_ = None
        if self.feature_names is not None:
            self.ax_.set(xlabel=self.feature_names[0], ylabel=self.feature_names[1])

    def _add_legend(self, colors):
        from matplotlib.patches import Patch

        handles = [
            Patch(color=color, label=name)
            for color, name in zip(colors, self.action_names, strict=True)
        ]
        self.legend_ = self.ax_.legend(
            handles=handles, title="action", loc="upper left", bbox_to_anchor=(1.01, 1)
        )

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        features=(0, 1),
        fixed=None,
        action=None,
        action_names=None,
        feature_names=None,
        grid_resolution: int = 100,
        margin: float = 0.05,
        ax=None,
        **kwargs,
    ) -> Self:
        """
        Draw a fitted policy over the range of two features.

        Parameters
        ----------
        estimator : AMPOPolicy
            The fitted policy, of environments or labels.
        X : array-like or data frame of shape (n, n_features)
            States, for the range of the plane and the medians of other features. The
            bounds of an observation space will do.
        features : tuple of two int or str, default=(0, 1)
            The features of the two axes, by name or number. An integer that is the
            label of a column is its name.
        fixed : dict of int or str to float, default=None
            Values of other features, by name or number; the median for the rest.
        action : object, default=None
            Label of the action whose probability is drawn; None draws the greedy
            actions.
        action_names : sequence of str, default=None
            What the legend calls the actions.
        feature_names : sequence of str, default=None
            Names of all features; None takes those of a data frame.
        grid_resolution : int, default=100
            States along each axis.
        margin : float, default=0.05
            What is drawn beyond the range of `X`, as a share of it.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Keywords for `plot`.

        Returns
        -------
        PolicyDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If a feature is unknown, named twice, or constant in `X`, or one of an axis
            is fixed.
        """
        check_matplotlib(cls.__name__)
        check_is_fitted(estimator)
        states = check_array(X, dtype=np.float64)
        names = _feature_names(estimator, X, feature_names, states.shape[1])
        i, j = _check_features(features, names)
        x = _span(states[:, i], names[i], grid_resolution, margin)
        y = _span(states[:, j], names[j], grid_resolution, margin)
        point = np.median(states, axis=0)
        for feature, value in (fixed or {}).items():
            point[_other_position(feature, names, (i, j))] = value
        proba = estimator.predict_proba(_like(X, _plane(point, (i, j), x, y)))
        display = cls(
            x,
            y,
            proba.reshape(len(y), len(x), -1),
            classes=estimator.classes_,
            action_names=action_names,
            feature_names=[str(names[i]), str(names[j])],
        )
        return display.plot(ax, action=action, **kwargs)


def _check_axis(name, axis):
    axis = np.asarray(axis, dtype=np.float64)
    steps = np.diff(axis)
    if len(axis) < 2 or steps[0] <= 0 or not np.allclose(steps, steps[0], 1e-3, 0.0):
        raise ValueError(
            f"{name} must be at least two equally spaced values that increase. Got "
            f"{axis} instead."
        )
    return axis


def _check_names(action_names, classes, n_actions):
    if action_names is None:
        action_names = [str(label) for label in classes.tolist()]
    if len(classes) != n_actions or len(action_names) != n_actions:
        raise ValueError(
            f"proba has {n_actions} actions; expected as many classes and action_names."
            f" Got {len(classes)} and {len(action_names)} instead."
        )
    return list(action_names)


def _feature_names(estimator, X, feature_names, n_features):
    """Names of all features: as given, or of the data frame, or numbered."""
    numbered = [f"feature {index}" for index in range(n_features)]
    fitted = getattr(estimator, "feature_names_in_", numbered)
    names = getattr(X, "columns", fitted) if feature_names is None else feature_names
    if len(names) != n_features:
        raise ValueError(
            f"X has {n_features} features; expected as many feature_names. Got "
            f"{len(names)} instead."
        )
    return list(names)


def _position(feature, names):
    """Number of a feature, by name or number."""
    if feature in names:
        return names.index(feature)
    if feature not in range(len(names)):
        raise ValueError(
            f"There is no feature {feature!r}; expected a name out of {names} or a "
            f"number in [0, {len(names)})."
        )
    return int(feature)


def _other_position(feature, names, axes):
    """Number of a feature that is on no axis."""
    position = _position(feature, names)
    if position in axes:
        raise ValueError(
            f"fixed must hold features other than the two of the axes. Got {feature!r}:"
            " leave it out, or choose other features."
        )
    return position


def _check_features(features, names):
    positions = [_position(feature, names) for feature in features]
    if len(positions) != 2 or positions[0] == positions[1]:
        raise ValueError(
            f"features must be two different features. Got {features!r} instead."
        )
    return positions


def _span(column, name, grid_resolution, margin):
    low, high = column.min(), column.max()
    if low == high:
        raise ValueError(
            f"{name} is {low} in all of X, which spans no plane. Pass states between "
            "which it differs."
        )
    rim = margin * (high - low)
    return np.linspace(low - rim, high + rim, grid_resolution)


def _plane(point, features, x, y):
    """States like `point` but for the two features, row by row of the plane."""
    states = np.tile(point, (len(y) * len(x), 1))
    states[:, features[0]] = np.tile(x, len(y))
    states[:, features[1]] = np.repeat(y, len(x))
    return states


def _like(X, states):
    """The states as a data frame, if `X` is one."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return states
    # scikit-learn warns of arrays where names were fitted.
    return type(X)(dict(zip(columns, states.T, strict=True)))


def _edges(centers):
    """Ends of the outer cells around equally spaced centers."""
    half = (centers[-1] - centers[0]) / (len(centers) - 1) / 2
    return centers[0] - half, centers[-1] + half


def _rgb(colors, n_actions):
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba_array

    if colors is None and n_actions <= len(COLORS):
        colors = COLORS[:n_actions]
    elif colors is None:
        colors = colormaps["turbo"](np.linspace(0.05, 0.95, n_actions))
    if len(colors) != n_actions:
        raise ValueError(
            f"colors must be {n_actions}, one for each action. Got {len(colors)} "
            "instead."
        )
    return to_rgba_array(colors)[:, :3]


def _shade(proba, colors):
    """Color of the greedy action, the paler the nearer it is to chance."""
    chance = 1 / proba.shape[2]
    # For a single action 1 − chance is 0.
    certainty = (proba.max(axis=2) - chance) / max(1 - chance, chance)
    strength = _FAINTEST + (1 - _FAINTEST) * certainty[:, :, None]
    return 1 - strength * (1 - colors[proba.argmax(axis=2)])
