"""What pictures share: matplotlib, which may be missing, and where to draw."""

#: Okabe and Ito's colors, told apart by every kind of color vision.
COLORS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
)


def check_matplotlib(display):
    """Refuse to draw without matplotlib, before anything is computed."""
    try:
        import matplotlib.pyplot  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{display} draws with matplotlib, which is not installed. "
            'pip install "skampo[viz]"'
        ) from error


def axes_for(ax, display):
    """The axes to draw on, new ones if None was given, and their figure."""
    check_matplotlib(display)
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(layout="constrained")
    return ax, ax.figure
