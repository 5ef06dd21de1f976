"""The files of the repository keep to the rules of the project."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 600
LONGEST_BODY = 60

# A character class in each pattern keeps it from matching its own source.
FORBIDDEN = {
    "an absolute path": (
        r"(?<![\w.])[/](work|tmp|root|home|opt|mnt|Users)(?=[/\s\"'`)]|$)"
    ),
    "a package registry's host": (
        r"pypi[.](org|io)|pythonhosted[.]org|npmjs[.](org|com)|anaconda[.]org"
        r"|deb[.]debian[.]org|download[.]pytorch[.]org"
    ),
    "a debt without the version in which it falls due": (
        r"# *(TOD[O]|FIXM[E]|XX[X])\b(?![(])"
    ),
}


def _git_files():
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def _walked_files():
    parts_of_hidden = re.compile(r"^\.(?!ci$|gitignore$)|^(__pycache__|build|dist)$")
    return [
        path
        for path in ROOT.rglob("*")
        if not any(map(parts_of_hidden.match, path.relative_to(ROOT).parts))
    ]


def repository_files():
    """Files that are tracked or about to be; an unpacked archive is walked."""
    has_git = (ROOT / ".git").exists() and shutil.which("git")
    files = _git_files() if has_git else _walked_files()
    return sorted(path for path in files if path.is_file())


def relative(path):
    return str(path.relative_to(ROOT))


def forbidden_lines(text, pattern):
    """Numbers and text of the lines that match."""
    lines = enumerate(text.splitlines(), start=1)
    return [f"{n}: {line}" for n, line in lines if re.search(pattern, line)]


def body_lines(function):
    """Lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return lines
    docstring = function.body[0]
    return lines - (docstring.end_lineno - docstring.lineno + 1)


def long_functions(source):
    """Names of the functions with too many lines."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    nodes = (n for n in ast.walk(ast.parse(source)) if isinstance(n, functions))
    return [node.name for node in nodes if body_lines(node) > LONGEST_BODY]


def has_title(source):
    """Whether a module's docstring starts with an underlined title."""
    lines = (ast.get_docstring(ast.parse(source)) or "").splitlines()
    if len(lines) < 2:
        return False
    title, underline = lines[:2]
    return len(underline) >= len(title) > 0 and set(underline) == {"="}


FILES = repository_files()
PYTHON = [path for path in FILES if path.suffix == ".py"]
EXAMPLES = [path for path in PYTHON if path.parts[len(ROOT.parts)] == "examples"]


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_text_names_no_place_outside_the_project(path):
    try:
        text = path.read_text(encoding="utf8")
    except UnicodeDecodeError:
        return  # a picture or another binary file
    found = {name: forbidden_lines(text, FORBIDDEN[name]) for name in FORBIDDEN}
    assert not any(found.values()), found


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_python_files_and_functions_are_short(path):
    source = path.read_text(encoding="utf8")
    assert source.count("\n") < LONGEST_FILE
    assert long_functions(source) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=relative)
def test_examples_start_with_a_title(path):
    assert has_title(path.read_text(encoding="utf8"))


@pytest.mark.parametrize(
    "line",
    [
        "see " + "/" + "tmp/notes.txt",
        "open('" + "/" + "home/ada/x')",
        "https://" + "pypi" + ".org/simple",
        "# " + "TODO: later",
    ],
)
def test_the_rules_see_what_they_forbid(line):
    assert any(forbidden_lines(line, pattern) for pattern in FORBIDDEN.values())


@pytest.mark.parametrize(
    "line",
    ["and/or", "docs/home/x", "https://example.org/home/", "# " + "TODO(0.3): drop"],
)
def test_the_rules_leave_the_rest_alone(line):
    assert not any(forbidden_lines(line, pattern) for pattern in FORBIDDEN.values())


def test_a_docstring_does_not_make_a_function_long():
    long = "def f():\n" + "    x = 1\n" * LONGEST_BODY
    prose = (
        'def f():\n    """A.\n'
        + "\n    b.\n" * LONGEST_BODY
        + '    """\n    return 1\n'
    )
    assert (long_functions(long), long_functions(prose)) == (["f"], [])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""\nA claim\n=======\n\nProse.\n"""', True),
        ('"""A claim\n======="""', True),
        ('"""A claim."""', False),
        ('"""A claim\n==="""', False),
        ("x = 1", False),
    ],
)
def test_titles_are_underlined(source, expected):
    assert has_title(source) is expected
