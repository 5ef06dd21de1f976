"""Which policies earn more, drawn with intervals."""

from itertools import combinations
from typing import Self

from skampo.model_selection import compare
from skampo.utils._axes import COLORS, check_matplotlib


class ComparisonDisplay:
    """
    Interquartile means and probabilities of improvement, with their intervals.

    Usually made by `from_policies`.

    Parameters
    ----------
    comparison : PolicyComparison
        What `skampo.model_selection.compare` returns.

    Attributes
    ----------
    means_ : list of matplotlib Line2D
        The interval of each name, and its interquartile mean.
    improvements_ : list of matplotlib Line2D
        The same of each pair of names, in the right picture; empty for a single name.
    axes_ : list of matplotlib Axes
        The axes that were drawn on.
    figure_ : matplotlib Figure
        The figure of the axes.

    See Also
    --------
    skampo.model_selection.compare : Says what the numbers mean.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from skampo.inspection import ComparisonDisplay
    >>> from skampo.model_selection import compare
    >>> returns = {"a": np.array([[1.0, 2, 3, 9]]), "b": np.array([[0.0, 2, 2, 2]])}
    >>> comparison = compare(returns=returns, random_state=0)
    >>> display = ComparisonDisplay(comparison).plot()
    >>> [ax.get_xlabel() for ax in display.axes_]
    ['interquartile mean of the return', 'probability of improvement']
    >>> plt.close(display.figure_)
    """

    def __init__(self, comparison):
        self.comparison = comparison

    def plot(self, axes=None) -> Self:
        """
        Draw means on the left, and pairs on the right.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, default=None
            Where to draw: one for the means, and one more for the pairs if there are
            several names. None makes a figure.

        Returns
        -------
        ComparisonDisplay
            This display, with the artists.
        """
        found = self.comparison
        pairs = list(combinations(found.returns, 2))
        self.axes_, self.figure_ = _axes(axes, 2 if pairs else 1)
        self.means_ = _intervals(
            self.axes_[0], found.interquartile_mean, found.returns, COLORS[0]
        )
        self.axes_[0].set(xlabel="interquartile mean of the return")
        self.improvements_: list = []
        if pairs:
            self._draw_pairs(self.axes_[1], pairs)
        return self

    def _draw_pairs(self, ax, pairs):
        probabilities = self.comparison.probability_of_improvement
        self.improvements_ = _intervals(ax, probabilities, pairs, COLORS[5])
        # Left of the line the second earns more, right of it the first.
        ax.axvline(0.5, color="0.5", linestyle=":")
        ax.set_yticks(range(len(pairs)), [f"{a}\nover {b}" for a, b in pairs])
        ax.set(xlabel="probability of improvement", xlim=(-0.03, 1.03))

    @classmethod
    def from_policies(cls, policies, env, *, axes=None, **options) -> Self:
        """
        Play policies in the same episodes, and draw what they earned.

        Parameters
        ----------
        policies : dict of str to policy or list of policy
            Fitted policies by name, one or several of each.
        env : environment or list of environments
            Where to play.
        axes : sequence of matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **options : dict
            Keywords of `skampo.model_selection.compare`.

        Returns
        -------
        ComparisonDisplay
            The display, drawn.
        """
        check_matplotlib(cls.__name__)
        return cls(compare(policies, env, **options)).plot(axes)


def _axes(axes, n):
    """So many axes, new ones if None were given, and their figure."""
    check_matplotlib(ComparisonDisplay.__name__)
    if axes is None:
        import matplotlib.pyplot as plt

        _, axes = plt.subplots(
            1, n, figsize=(4.5 * n, 3.2), layout="constrained", squeeze=False
        )
        axes = axes[0]
    return list(axes), axes[0].figure


def _intervals(ax, estimates, names, color):
    """A line with a dot for each name, from top to bottom."""
    lines = []
    for height, name in enumerate(names):
        value, low, high = estimates[name]
        (line,) = ax.plot([low, value, high], [height] * 3, color=color, lw=2)
        line.set(marker="o", markevery=[1])
        lines.append(line)
    ax.set_yticks(range(len(lines)), list(map(str, names)))
    ax.set_ylim(len(lines) - 0.5, -0.5)
    return lines
