"""How Sphinx builds the site: ``sphinx-build -W docs docs/_build``."""

import os
import sys
from pathlib import Path

DOCS = Path(__file__).parent
# The pages are those of this checkout; `tests` knows what is public in it.
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import api_pages

import skampo

# Episodes are drawn and no window opens.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
SWITCHER = "_static/switcher.json"
api_pages.write(DOCS / "reference")

project = "skampo"
author = "the skampo developers"
copyright = f"2026, {author}"
version = release = skampo.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "mathml",
    "site_check",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = []
default_role = "py:obj"  # a link where the name in backticks is known
autodoc_typehints = "none"  # the docstrings name types
numpydoc_show_class_members = False
copybutton_prompt_text = ">>> |\\.\\.\\. "
copybutton_prompt_is_regexp = True

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "gen_modules/backreferences",
    "doc_module": ("skampo",),
    "within_subsection_order": "ExampleTitleSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,  # a page that loads scripts from elsewhere
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"skampo {release}"
html_static_path = ["_static"]
html_css_files = ["skampo.css"]
# The list of versions is part of the site; the theme looks for it at the server's root.
html_js_files = [
    (
        None,
        {
            "body": "DOCUMENTATION_OPTIONS.theme_switcher_json_url = new URL("
            f"document.documentElement.dataset.content_root + '{SWITCHER}', "
            "location.href).href",
            "priority": 900,
        },
    )
]
html_show_sourcelink = False
html_math_renderer = "mathml"
html_theme_options = {
    "logo": {"text": "skampo"},
    "navbar_align": "left",
    "navbar_end": ["version-switcher", "theme-switcher"],
    "switcher": {"json_url": SWITCHER, "version_match": release},
    "header_links_before_dropdown": 6,
    "show_prev_next": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
# The theme asks the browser for what it is not told here.
html_context = {"default_mode": "auto"}
# Pages of their own, which have no section to show beside them.
html_sidebars = {
    name: [] for name in ("index", "installation", "benchmarks", "changelog")
}


def setup(app):
    app.connect("missing-reference", api_pages.resolve)
