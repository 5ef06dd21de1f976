"""Looks through a built site: links lead somewhere, nothing loads from elsewhere."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.errors import ExtensionError

# What a browser asks for when it shows a page; `a` waits for the reader.
_LOADING = {"audio", "embed", "iframe", "img", "link", "object", "script", "source"}
_WAITING = {"canonical", "next", "prev"}  # `link`s that load nothing


class Page(HTMLParser):
    """The anchors of a page, the places it links to and those it loads from."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), set(), set()
        self.feed(path.read_text("utf8"))

    def handle_starttag(self, tag, attrs):
        """Note what a tag says about places."""
        found = dict(attrs)
        self.anchors |= {found.get("id"), found.get("name")}
        place = found.get("href") or found.get("src") or found.get("data")
        if place and found.get("rel") not in _WAITING:
            (self.loaded if tag in _LOADING else self.links).add(place)


def faults(folder):
    """Sentences about the pages in a folder, none where all is well."""
    found = (
        path for path in Path(folder).rglob("*.html") if "_static" not in path.parts
    )
    pages = {path.resolve(): Page(path) for path in found}
    return [
        f"{path.relative_to(Path(folder).resolve())} {fault}"
        for path, page in sorted(pages.items())
        for fault in [*_foreign(page), *_broken(path, page, pages)]
    ]


def _foreign(page):
    places = sorted(place for place in page.loaded if urlsplit(place).netloc)
    return [f"loads {place}" for place in places]


def _broken(path, page, pages):
    ours = [urlsplit(place) for place in sorted(page.links | page.loaded)]
    return [
        f"links to {place.geturl()}, which is not there"
        for place in ours
        if not place.scheme and not place.netloc and not _is_there(path, place, pages)
    ]


def _is_there(path, place, pages):
    target = (path.parent / unquote(place.path)).resolve() if place.path else path
    if target not in pages:
        return target.is_file()
    return not place.fragment or unquote(place.fragment) in pages[target].anchors


def check(app, exception):
    """Let the build fail where a page has a fault."""
    found = [] if exception or app.builder.name != "html" else faults(app.outdir)
    if found:
        raise ExtensionError("\n".join(["The site has faults:", *found]))


def setup(app):
    """Look when everything is built."""
    app.connect("build-finished", check, priority=900)
