"""Writes the sources of the API reference: a page for every public name."""

import importlib
import inspect

from tests.public_names import public_members, public_modules, public_pages

INDEX = "index"


def write(folder):
    """Make the folder hold these pages, and touch only what has changed."""
    folder.mkdir(exist_ok=True)
    texts = {f"{name}.rst": text for name, text in sources().items()}
    for path in folder.glob("*.rst"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text("utf8") != text:
            path.write_text(text, "utf8")


def sources():
    """Text of each page by its name."""
    pages = public_pages()
    texts = {page: _page(page, *where) for page, where in pages.items()}
    return {INDEX: _index(pages), **texts}


def resolve(app, env, node, contnode):
    """
    Link a short name, as docstrings write it, to the one page that it can mean.

    Sphinx calls it for what it could not find: a name of another package of ours.
    """
    head, *rest = node.get("reftarget", "").split(".")
    pages = [page for page, (_, name) in public_pages().items() if name == head]
    if not pages:
        return None
    full = ".".join([pages[0], *rest])
    python, where = env.get_domain("py"), node["refdoc"]
    return python.resolve_xref(env, where, app.builder, "obj", full, node, contnode)


def _titled(title, line, *paragraphs):
    return "\n\n".join([f"{title}\n{line * len(title)}", *paragraphs, ""])


def _index(pages):
    return _titled(
        "API reference",
        "=",
        "Every public name, grouped by the package it is imported from. Classes and "
        "functions that users of ``AMPOPolicy`` need stand next to those for whoever "
        "adds a part of their own; :doc:`/developer/adding_parts` shows how.",
        *(
            _package(module, [page for page in pages if pages[page][0] == module])
            for module in public_modules()
            if any(where[0] == module for where in pages.values())
        ),
    )


def _package(module, pages):
    summary = _summary(importlib.import_module(module))
    toctree = _directive("toctree", ":hidden:", f":caption: {module}", "", *pages)
    marked = _directive(f"module:: {module}")
    return _titled(module, "-", marked, summary, _table(pages), toctree).rstrip()


def _table(pages):
    rows = [row for page in pages for row in _row(page)]
    return _directive("list-table", ":widths: 30 70", ":class: api-table", "", *rows)


def _row(page):
    module, _, name = page.rpartition(".")
    thing = getattr(importlib.import_module(module), name)
    return [f"* - :doc:`{name} <{page}>`", f"  - {_summary(thing)}"]


def _summary(thing):
    return inspect.getdoc(thing).split("\n\n")[0].replace("\n", " ")


def _page(page, module, name):
    thing = getattr(importlib.import_module(module), name)
    kind = "autoclass" if inspect.isclass(thing) else "autofunction"
    # Links lead to the package that defines what another one offers as well.
    is_home = thing.__module__.startswith(module)
    options = [] if is_home else [":no-index:"]
    return _titled(
        name,
        "=",
        _directive(f"currentmodule:: {module}"),
        _directive(f"{kind}:: {name}", *options, *_members(thing)),
        *_named(vars(thing).get("by_name", {}) if inspect.isclass(thing) else {}),
        _directive(f"minigallery:: {page}", ":add-heading: Examples that use it"),
    )


def _members(thing):
    if not inspect.isclass(thing):
        return []
    names = sorted({member.rpartition(".")[2] for member in public_members(thing)})
    return [f":members: {', '.join(names)}"] if names else []


def _named(classes):
    """The classes that a string can name, of a base class that has some."""
    if not classes:
        return []
    rows = [
        line
        for key, value in classes.items()
        for line in (f'* - ``"{key}"``', f"  - `{value.__name__}`: {_summary(value)}")
    ]
    return [
        "The classes that a string can name in a parameter.",
        _directive("list-table", "", *rows),
    ]


def _directive(head, *lines):
    head = head if "::" in head else f"{head}::"
    return "\n".join([f".. {head}", *(f"   {line}".rstrip() for line in lines)])
