"""The card of a policy, as a page."""

import base64

import numpy as np

from skampo.inspection._charts import N_LINES, STYLE, columns, lines, shares
from skampo.utils._page import article, say, section, table


def shown(card, facts):
    """Title and article."""
    title = f"Policy card: {card.environment}"
    parts = [
        f'<p class="soft"><code>{say(card.policy)}</code></p>',
        *section("What it earns", [*table(facts), *_returns(card)]),
        *section("How it learned", _learning(card.history)),
        *section("What it does", shares(card.action_shares)),
        *section("What it looks at", _importances(card)),
        *section("A tree that imitates it", _tree(card)),
        *section("An episode", _film(card.film)),
    ]
    return title, article(title, parts, STYLE)


def _returns(card):
    if np.ptp(card.returns) == 0:
        return [f"<p>All {len(card.returns)} episodes have this return.</p>"]
    title = f"Returns of {len(card.returns)} episodes"
    return columns(title, card.returns, x_label="return")


def _learning(history):
    series = {
        name: [record[entry] for record in history]
        for name, entry in [
            ("while exploring", "return_mean"),
            ("validation", "validation_return"),
        ]
        # A tree has a history of another kind.
        if history and "n_steps" in history[0]
    }
    series = {name: y for name, y in series.items() if np.isfinite(y).any()}
    if not series:
        return ["<p>There is no record of returns.</p>"]
    steps = [record["n_steps"] for record in history]
    return lines("Mean return of an episode", steps, series, x_label="steps")


def _importances(card):
    said = (
        "How often the action changes if a feature is taken from another state. "
        "Features that tell the same share what they matter."
    )
    shown = list(card.importances.items())[:10]
    rest = len(card.importances) - len(shown)
    more = f" Another {rest} matter less." if rest else ""
    return [
        f"<p>{say(said + more)}</p>",
        *shares(dict(shown)),
        "<p>Mean probability of the actions where all states have this value:</p>",
        '<div class="charts">',
        *(line for name in card.partial_dependence for line in _dependence(card, name)),
        "</div>",
    ]


def _dependence(card, name):
    values, proba = card.partial_dependence[name]
    # The actions that are taken most often.
    actions = list(card.action_shares)
    often = sorted(actions, key=card.action_shares.get, reverse=True)[:N_LINES]
    series = {a: proba[:, i] for i, a in enumerate(actions) if a in often}
    return lines(name, values, series, x_label=name, bounds=(0, 1))


def _tree(card):
    return [f"<p>{say(card._on_student)}</p>", f"<pre>{say(card.tree)}</pre>"]


def _film(film):
    if not film:
        return ["<p>The environment draws no pictures.</p>"]
    data = base64.b64encode(film).decode("ascii")
    said = "The first of the episodes, as the environment draws it"
    return [f'<img alt="{said}" src="data:image/gif;base64,{data}">']
