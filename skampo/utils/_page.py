"""Pages for people: HTML that loads nothing, light and dark, wide and narrow."""

from html import escape
from os import PathLike
from pathlib import Path

import numpy as np

_STYLE = """
.skampo-report { --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --line: #d0d7de;
  --bar: #0072b2; --base: #a35200; --yes: #1a7f37; --no: #b42318; --open: #57606a;
  color-scheme: light dark; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto;
  padding: 1rem; box-sizing: border-box; overflow-wrap: anywhere; }
.skampo-report * { box-sizing: border-box; }
.skampo-report h1 { font-size: 1.1rem; margin: 0 0 .5rem; }
.skampo-report h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
.skampo-report p { margin: .25rem 0; }
.skampo-report .verdict { display: inline-block; font-size: 1.5rem; font-weight: 700;
  line-height: 1.2; color: #ffffff; background: var(--open); border-radius: .5rem;
  padding: .4rem .9rem; margin: 0 0 .5rem; }
.skampo-report .verdict.yes { background: var(--yes); }
.skampo-report .verdict.no { background: var(--no); }
.skampo-report .soft { color: var(--soft); font-size: .875rem; }
.skampo-report .name { display: flex; flex-wrap: wrap; justify-content: space-between;
  gap: 0 1rem; margin-top: .6rem; }
.skampo-report .track { position: relative; height: 1rem; margin: 0 .4rem;
  border-bottom: 1px solid var(--line); }
.skampo-report .track span { position: absolute; top: .4rem; height: .25rem;
  border-radius: .125rem; background: var(--bar); }
.skampo-report .track .dot { top: .15rem; width: .75rem; height: .75rem;
  margin-left: -.375rem; border-radius: 50%; }
.skampo-report .track .mark { top: 0; width: 2px; height: 1rem; border-radius: 0;
  background: var(--base); }
.skampo-report .base span { background: var(--base); }
.skampo-report table { border-collapse: collapse; width: 100%; }
.skampo-report td { border-bottom: 1px solid var(--line);
  padding: .25rem .5rem .25rem 0; text-align: left; vertical-align: top; }
.skampo-report td:last-child { text-align: right; padding-right: 0;
  white-space: nowrap; }
.skampo-report ul { margin: .25rem 0; padding-left: 1.2rem; }
@media (prefers-color-scheme: dark) {
  .skampo-report { --ink: #e6edf3; --soft: #9da7b3; --paper: #0d1117; --line: #30363d;
    --bar: #56b4e9; --base: #e69f00; --yes: #1f7a3a; --no: #b3372b; --open: #4d5661; }
}
"""


class Page:
    """What a notebook shows as an article, and can be written to a file."""

    def _shown(self) -> tuple[str, str]:
        """The title and the article."""
        raise NotImplementedError

    def to_html(self, path: str | PathLike[str]) -> None:
        """
        Write one page, which loads nothing from elsewhere.

        Parameters
        ----------
        path : str or path-like
            Where to write.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        Path(path).write_text(_document(*self._shown()), encoding="utf8")

    def _repr_html_(self):
        return self._shown()[1]


def _document(title, body):
    """A whole page around an article."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{say(title)}</title>\n"
        "<style>html { color-scheme: light dark; } body { margin: 0; background: "
        "#ffffff; }\n@media (prefers-color-scheme: dark) { body { background: #0d1117; "
        "} }</style>\n</head>\n<body>\n"
        f"{body}\n</body>\n</html>\n"
    )


def article(title, lines, style=""):
    """What a notebook shows, with its style and more of it."""
    head = [f"<style>{_STYLE}{style}</style>", '<article class="skampo-report">']
    return "\n".join([*head, f"<h1>{say(title)}</h1>", *lines, "</article>"])


def say(text):
    """Text that is shown and never read as HTML."""
    return escape(str(text), quote=True)


def section(title, lines):
    """A heading and what stands below it."""
    return [f"<section><h2>{say(title)}</h2>", *lines, "</section>"]


def scale_of(estimates, others):
    """The smallest and the largest number to draw."""
    numbers = [x for e in estimates for x in (e.low, e.estimate, e.high)]
    numbers = [x for x in [*numbers, *others] if np.isfinite(x)]
    low, high = min(numbers), max(numbers)
    return (low, high) if high > low else (low - 1, high + 1)


def bar(name, estimate, scale, marks, kind=""):
    """Name and numbers, and below them the interval."""
    numbers = f"{estimate.estimate:.4g}"
    if np.isfinite([estimate.low, estimate.high]).all():
        numbers += f" ({estimate.low:.4g} to {estimate.high:.4g})"
    inside = [
        f'<span class="mark" style="left: {_share(value, scale):.2f}%"></span>'
        for value in marks.values()
    ]
    if np.isfinite([estimate.low, estimate.high]).all():
        left, right = _share(estimate.low, scale), _share(estimate.high, scale)
        inside.append(
            f'<span style="left: {left:.2f}%; width: {right - left:.2f}%"></span>'
        )
    left = _share(estimate.estimate, scale)
    inside.append(f'<span class="dot" style="left: {left:.2f}%"></span>')
    said = say(f"{name}: {numbers}")
    return [
        f'<p class="name"><span>{say(name)}</span><span>{say(numbers)}</span></p>',
        f'<div class="track {kind}" role="img" aria-label="{said}">',
        *inside,
        "</div>",
    ]


def _share(value, scale):
    low, high = scale
    return 100 * (value - low) / (high - low)


def table(rows):
    """Names and values."""
    cells = [
        f"<tr><td>{say(name)}</td><td>{say(value)}</td></tr>" for name, value in rows
    ]
    return ["<table>", *cells, "</table>"]


def items(texts):
    """A list of texts."""
    if not texts:
        return ["<p>None.</p>"]
    return ["<ul>", *(f"<li>{say(text)}</li>" for text in texts), "</ul>"]
