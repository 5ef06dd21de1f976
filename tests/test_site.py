"""What the site is made of fits together, seen without building it."""

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes

import skampo
from tests.public_names import public_objects, public_pages

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# Sphinx makes these while it builds.
MADE = {DOCS / "reference" / "index.rst", DOCS / "auto_examples" / "index.rst"}
IN_ROOT = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
WRITTEN = {DOCS / "_build", DOCS / "auto_examples", DOCS / "gen_modules"}
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if not WRITTEN & set(path.parents)]


def relative(path):
    return str(path.relative_to(ROOT))


def skampo_url(name):
    """An address of the project."""
    parts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))
    return parts["project"]["urls"][name]


def load(name):
    """A module that Sphinx finds beside its configuration."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


api_pages, mathml, site_check = map(load, ("api_pages", "mathml", "site_check"))
SOURCES = api_pages.sources()


def prose(page):
    """Text of a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf8"), flags=re.M | re.S)


def anchors(page):
    """What links to the headings of a page are called."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in kept}


def broken_links(page):
    """Links to no page of ours, or to no heading of it."""
    found = re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", prose(page))
    targets = [
        ((page.parent / path).resolve() if path else page, anchor)
        for path, anchor in found
    ]
    return [
        f"{target.name}#{anchor}"
        for target, anchor in targets
        if target not in MADE
        and not (target.exists() and (not anchor or anchor in anchors(target)))
    ]


def in_a_toctree():
    """Pages that an index lists, without the start page."""
    blocks = (
        (page.parent / entry)
        for page in PAGES
        for block in re.findall(r"```{toctree}\n(.*?)```", page.read_text("utf8"), re.S)
        for entry in re.findall(r"^[^:\s].*$", block, re.MULTILINE)
    )
    return [entry.resolve() for entry in blocks]


@pytest.mark.parametrize("page", [*PAGES, *IN_ROOT], ids=relative)
def test_links_between_pages_lead_somewhere(page):
    assert broken_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_pages_of_the_site_link_to_nothing_outside_of_it(page):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", prose(page))
    assert all((page.parent / link).resolve().is_relative_to(DOCS) for link in links)


def test_the_readme_links_to_pages_of_the_site_alone():
    # It is shown where there are no files beside it.
    text = prose(ROOT / "README.md")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    site = skampo_url("Documentation")
    found = [re.fullmatch(rf"{site}(.*)\.html(?:#(.*))?", link) for link in links]
    assert len(found) > 9
    for match in found:
        page = DOCS / f"{match[1]}.md"
        assert page.exists()
        assert not match[2] or match[2] in anchors(page)


def test_a_broken_link_is_seen(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One title\n[a](#one-title) [b](#two) [c](page.md) [d](no.md)")
    assert broken_links(page) == ["page.md#two", "no.md#"]


def test_every_page_is_in_one_table_of_contents():
    listed = in_a_toctree()
    assert len(listed) == len(set(listed))
    missing = {page.with_suffix("") for page in PAGES} - set(listed)
    assert missing == {DOCS / "index"}


def test_every_public_object_has_a_page():
    shown = [
        getattr(importlib.import_module(module), name)
        for module, name in public_pages().values()
    ]
    assert [
        name for name, thing in public_objects().items() if thing not in shown
    ] == []


@pytest.mark.parametrize("page", sorted(public_pages()))
def test_the_index_lists_each_page_once(page):
    assert len(re.findall(rf"^   {re.escape(page)}$", SOURCES["index"], re.M)) == 1
    assert f"<{page}>`" in SOURCES["index"]


def test_a_class_shows_its_methods_and_none_of_others():
    text = SOURCES["skampo.AMPOPolicy"]
    members = re.search(r":members: (.*)", text).group(1).split(", ")
    assert {"fit", "predict_proba", "act", "save"} <= set(members)
    assert not {"get_params", "set_fit_request"} & set(members)
    assert ".. autoclass:: AMPOPolicy" in text


def test_tables_of_strings_are_written_out():
    text = SOURCES["skampo.critics.Critic"]
    assert '``"fitted_q"``' in text
    assert "`FittedQ`" in text


def test_writing_removes_pages_of_names_that_are_gone(tmp_path):
    (tmp_path / "skampo.Gone.rst").write_text("old")
    api_pages.write(tmp_path)
    written = {path.stem: path.read_text("utf8") for path in tmp_path.iterdir()}
    assert written == SOURCES


def test_pages_that_have_not_changed_are_left_alone(tmp_path):
    api_pages.write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    api_pages.write(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


class Lookup:
    """An application, environment and domain of Sphinx that note what is asked."""

    builder = None

    def get_domain(self, name):
        return self

    def resolve_xref(self, env, page, builder, kind, target, node, text):
        return target


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("PooledRidge", "skampo.regressors.PooledRidge"),
        ("AMPOPolicy.score", "skampo.AMPOPolicy.score"),
        ("sample_weight", None),
    ],
)
def test_short_names_in_docstrings_find_their_page(short, full):
    node, sphinx = {"reftarget": short, "refdoc": "page"}, Lookup()
    assert api_pages.resolve(sphinx, sphinx, node, None) == full


class Writer:
    """A writer of pages that keeps what it is told to write, and warnings."""

    def __init__(self):
        self.body, self.warnings = [], []
        self.document = SimpleNamespace(reporter=self)

    def warning(self, text, base_node):
        self.warnings.append(text)

    def starttag(self, node, tag, suffix, **attributes):
        return f"<{tag}>"

    def encode(self, text):
        return text


def written(node):
    writer = Writer()
    with pytest.raises(nodes.SkipNode):
        mathml.visit(writer, node)
    return "".join(writer.body), writer.warnings


def test_formulas_are_part_of_the_page():
    line, warned = written(nodes.math(text=r"\nabla h(\pi_t)"))
    assert warned == []
    block, _ = written(nodes.math_block(text=r"\frac{1}{1 - \gamma}"))
    assert line.startswith("<span><math")
    assert "<mi>π</mi>" in line
    assert re.match(r'<div><math [^>]*display="block"', block)


@pytest.mark.parametrize("text", [r"\nonsense{a}", "a & b"])
def test_what_is_no_formula_is_warned_of(text):
    shown, warned = written(nodes.math(text=text))
    assert shown == f"<span>{text}</span>"
    assert text in warned[0]


PAGE = """<h1 id="top">A <a href="{}">link</a></h1><img src="{}">"""


def faults_of(folder, link="#top", image="picture.png"):
    (folder / "picture.png").touch()
    (folder / "other.html").write_text('<p id="here"></p>')
    (folder / "page.html").write_text(PAGE.format(link, image))
    return site_check.faults(folder)


@pytest.mark.parametrize(
    "link",
    ["#top", "other.html", "other.html#here", "https://x.org/a#b", "mailto:a@b.c"],
)
def test_a_link_that_leads_somewhere_is_no_fault(link, tmp_path):
    assert faults_of(tmp_path, link) == []


@pytest.mark.parametrize("link", ["#no", "no.html", "other.html#no", "no.png"])
def test_a_link_in_a_built_page_that_leads_nowhere_is_found(link, tmp_path):
    assert faults_of(tmp_path, link) == [
        f"page.html links to {link}, which is not there"
    ]


@pytest.mark.parametrize("place", ["https://x.org/a.png", "//x.org/a.png"])
def test_what_a_page_loads_from_elsewhere_is_found(place, tmp_path):
    assert faults_of(tmp_path, image=place) == [f"page.html loads {place}"]


def test_a_site_with_faults_is_not_built(tmp_path):
    faults_of(tmp_path, "no.html")
    app = SimpleNamespace(builder=SimpleNamespace(name="html"), outdir=tmp_path)
    with pytest.raises(site_check.ExtensionError, match=r"page.html links to no.html"):
        site_check.check(app, None)


def test_the_list_of_versions_holds_this_one():
    versions = json.loads((DOCS / "_static" / "switcher.json").read_text("utf8"))
    assert skampo.__version__ in [version["version"] for version in versions]
    assert [version.get("preferred", False) for version in versions].count(True) == 1
