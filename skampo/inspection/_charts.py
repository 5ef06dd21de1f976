"""Small pictures of numbers as HTML, which take the colors of the page around them."""

import numpy as np

from skampo.utils._axes import COLORS
from skampo.utils._page import say

# The color of bars is lighter on dark pages, where it would be that of the fifth line.
_COLORS = ("var(--bar)", *COLORS[1:4], "#8a8f98", COLORS[5])
# Dashes tell lines apart where colors do not.
_DASHES = ("none", "7 3", "2 3", "9 3 2 3", "12 4", "4 2")
_STROKES = "\n".join(
    f".skampo-report .line{i} {{ stroke: {color}; stroke-dasharray: {dash}; }}"
    for i, (color, dash) in enumerate(zip(_COLORS, _DASHES, strict=True))
)
#: So many lines look different.
N_LINES = len(_DASHES)

STYLE = f"""
.skampo-report .charts {{ display: grid; gap: .5rem 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); }}
.skampo-report figure {{ margin: .5rem 0; min-width: 0; }}
.skampo-report figcaption {{ font-size: .875rem; }}
.skampo-report .plot {{ display: grid; grid-template-columns: auto 1fr;
  gap: .25rem .5rem; font-size: .75rem; color: var(--soft); }}
.skampo-report .ends {{ display: flex; justify-content: space-between; gap: .5rem; }}
.skampo-report .ends.up {{ flex-direction: column; text-align: right; }}
.skampo-report .plot svg, .skampo-report .columns {{ width: 100%; height: 8rem;
  border-left: 1px solid var(--line); border-bottom: 1px solid var(--line); }}
.skampo-report .plot svg {{ overflow: visible; }}
.skampo-report .plot polyline {{ fill: none; stroke-width: 2;
  vector-effect: non-scaling-stroke; stroke-linejoin: round; }}
.skampo-report .columns {{ display: flex; align-items: flex-end; gap: 1px; }}
.skampo-report .columns span {{ flex: 1; background: var(--bar); }}
.skampo-report .legend {{ display: flex; flex-wrap: wrap; gap: 0 1rem;
  font-size: .75rem; }}
.skampo-report .legend svg {{ width: 1.75rem; height: .5rem; margin-right: .35rem; }}
.skampo-report .legend line {{ stroke-width: 2; }}
.skampo-report .share {{ margin: 0; height: .6rem; }}
.skampo-report .share span {{ top: 0; height: .4rem; }}
.skampo-report pre {{ overflow-x: auto; font-size: .8125rem; line-height: 1.35;
  border: 1px solid var(--line); border-radius: .25rem; padding: .5rem;
  overflow-wrap: normal; margin: .5rem 0; }}
.skampo-report img {{ max-width: 100%; height: auto; display: block;
  border: 1px solid var(--line); border-radius: .25rem; }}
{_STROKES}
"""


def lines(title, x, series, *, x_label, bounds=None):
    """Lines over numbers; what is NaN is passed over."""
    values = np.array([*series.values()], dtype=np.float64)
    low, high = bounds or _bounds(values)
    left, right = _bounds(np.asarray(x, dtype=np.float64))
    across = 100 * (np.asarray(x) - left) / (right - left)
    curves = [
        _polyline(i, across, 100 * (high - y) / (high - low))
        for i, y in enumerate(values)
    ]
    picture = [
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{say(title)}">',
        *curves,
        "</svg>",
    ]
    legend = _legend(series) if len(series) > 1 else []
    return _figure(title, picture, (low, high), (left, right), x_label, legend)


def columns(title, values, *, x_label, n_bins=20):
    """How many of the values lie where."""
    counts, edges = np.histogram(values, bins=n_bins)
    heights = 100 * counts / counts.max()
    picture = [
        f'<div class="columns" role="img" aria-label="{say(title)}">',
        *(f'<span style="height: {height:.1f}%"></span>' for height in heights),
        "</div>",
    ]
    ends = edges[0], edges[-1]
    return _figure(title, picture, (0, counts.max()), ends, x_label, [])


def shares(parts):
    """A bar for each share of 1, below its name."""
    rows = []
    for name, share in parts.items():
        rows += [
            f'<p class="name"><span>{say(name)}</span><span>{share:.1%}</span></p>',
            '<div class="track share" aria-hidden="true">'
            f'<span style="left: 0; width: {100 * share:.2f}%"></span></div>',
        ]
    return rows


def _figure(title, picture, up, across, x_label, legend):
    return [
        f"<figure><figcaption>{say(title)}</figcaption>",
        '<div class="plot">',
        f'<div class="ends up"><span>{up[1]:.4g}</span><span>{up[0]:.4g}</span></div>',
        *picture,
        "<span></span>",
        f'<div class="ends"><span>{across[0]:.4g}</span><span>{say(x_label)}</span>'
        f"<span>{across[1]:.4g}</span></div>",
        "</div>",
        *legend,
        "</figure>",
    ]


def _polyline(i, x, y):
    known = np.isfinite(y)
    pairs = zip(x[known], y[known], strict=True)
    points = " ".join(f"{a:.2f},{b:.2f}" for a, b in pairs)
    return f'<polyline class="line{i}" points="{points}"/>'


def _legend(names):
    entries = [
        f'<span><svg viewBox="0 0 28 8" aria-hidden="true"><line class="line{i}" '
        f'x1="0" x2="28" y1="4" y2="4"/></svg>{say(name)}</span>'
        for i, name in enumerate(names)
    ]
    return ['<div class="legend">', *entries, "</div>"]


def _bounds(values):
    """The smallest and the largest number, a little apart."""
    low, high = np.nanmin(values), np.nanmax(values)
    return (low, high) if high > low else (low - 1, high + 1)
