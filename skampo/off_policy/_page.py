"""The report of a policy and a log, as a page."""

from skampo.utils._page import (
    article,
    bar,
    items,
    say,
    scale_of,
    section,
    table,
)

# Of each verdict, the class that colors it; the words are always there as well.
_CLASSES = {"deploy": "yes", "do not deploy": "no"}
_TITLE = "Policy report"


def shown(report, facts):
    """Title and article."""
    kind = _CLASSES.get(report.verdict, "open")
    return _TITLE, article(
        _TITLE,
        [
            f'<p class="verdict {kind}">{say(report.verdict)}</p>',
            *(f"<p>{say(reason)}</p>" for reason in report.reasons),
            *section("Difference to the logged policy", _difference(report)),
            *section("Values", _values(report)),
            *section("How much the log knows", table(facts)),
            *section("Where the policy deviates", _deviations(report)),
            *section("Warnings", items(report.warnings)),
            '<p class="soft">Holds for a log that the policy was not fitted to. '
            f"Intervals of {report.difference.confidence:.0%} confidence.</p>",
        ],
    )


def _difference(report):
    # Two names of one value are one mark.
    marks = {"the gain that is needed": report.min_gain, "no difference": 0.0}
    if report.min_gain == 0:
        del marks["the gain that is needed"]
    scale = scale_of([report.difference], marks.values())
    places = " and ".join(f"{name} ({at:.4g})" for name, at in marks.items())
    return [
        *bar("policy less logged", report.difference, scale, marks),
        f'<p class="soft">Marked: {say(places)}.</p>',
    ]


def _values(report):
    marks = {"the logged policy": report.logged.estimate}
    scale = scale_of([report.logged, *report.estimates.values()], [])
    lines = bar("logged policy", report.logged, scale, {}, "base")
    for name, estimate in report.estimates.items():
        lines += bar(name, estimate, scale, marks)
    return [*lines, '<p class="soft">Marked: the value of the logged policy.</p>']


def _deviations(report):
    said = (
        f"The policy gives a probability of {report.agreement:.0%} to what was done. "
        "How much of the differences between states these columns explain:"
    )
    if not report.deviations:
        return [f"<p>{say(said)} none of them any.</p>"]
    rows = [(name, f"{share:.0%}") for name, share in report.deviations.items()]
    return [f"<p>{say(said)}</p>", *table(rows)]
