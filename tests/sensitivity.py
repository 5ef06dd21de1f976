"""
Whether each test can fail: every check of some modules is left out once.

Run it from the root of the repository, for example ``python -m tests.sensitivity
skampo/persistence/*.py skampo/utils/_arrays.py --tests tests/persistence``. It prints
what no test notices, and at the end the tests that nothing made fail. What is left out
is a ``raise``, a call of a function that checks, an early return of a refusal, or one
of several conditions; then all of a function at once, and last all of a module, for a
file that one check lets in may be refused by the next one. ``--changes N`` adds N of
the changes of `tests.mutation`, for tests of numbers. With each change all tests run
that call the function, in a fork of one process that has run them before. ``--once``
leaves out tests that have failed already, which is quick if the question is only
whether each of them can fail.
"""

import argparse
import ast
import importlib
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from tests.mutation import ROOT, changed, copy_tree, forked, mutants, mutate, without

# A test that takes longer than this is cut off, in compiled code by the parent.
SECONDS, PATIENCE = 10, 30
MEMORY = 8 * 2**30
OPTIONS = ["-q", "-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly"]
OPTIONS += ["-W", "ignore::pytest.PytestWarning"]
CHECKING = re.compile(r"_*(check|require|refuse|ensure|validate)")
PREDICATE = re.compile(r"_*(is_|fits|has_)")


def is_call_of_check(node):
    """Whether it is the call of a function that only checks."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    name = ast.unparse(node.value.func).split(".")[-1]
    return CHECKING.match(name) is not None


def is_refusal(node):
    """Whether it is an ``if`` that does nothing but return False or None."""
    if not isinstance(node, ast.If) or not isinstance(node.body[0], ast.Return):
        return False
    value = node.body[0].value
    return value is None or (
        isinstance(value, ast.Constant) and value.value in (False, None)
    )


def guards(function):
    """Pairs of what refuses and what takes its place."""
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) or is_call_of_check(node):
            yield node, ast.Pass()
        elif is_refusal(node):
            yield node, changed(node, test=ast.Constant(False))


def conditions(function):
    """Pairs of several conditions and one less."""
    for node in ast.walk(function):
        if isinstance(node, ast.BoolOp):
            for rest in without(node.values):
                yield (
                    node,
                    rest[0] if len(rest) == 1 else changed(node, values=rest),
                )
        elif isinstance(node, ast.Compare) and len(node.ops) == 2:
            first, second = node.comparators
            yield node, changed(node, ops=node.ops[:1], comparators=[first])
            yield node, ast.Compare(first, node.ops[1:], [second])
        elif isinstance(node, ast.BinOp) and isinstance(
            node.op, ast.BitAnd | ast.BitOr
        ):
            # The `or` of types compares nothing.
            if any(isinstance(part, ast.Compare) for part in ast.walk(node)):
                yield from ((node, side) for side in (node.left, node.right))


def functions(tree):
    """Functions of a module and methods of its classes."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from functions(node)
        elif isinstance(node, ast.FunctionDef):
            yield node


def changes_of(chosen, n_changes, seed):
    """Lists of pairs in some functions: what is changed at once."""
    whole = []
    for function in chosen:
        found = list(guards(function))
        whole += found
        yield from ([pair] for pair in found)
        if found or PREDICATE.match(function.name):
            yield from ([pair] for pair in conditions(function))
        if len(found) > 1:
            yield outermost(found)
    if n_changes:
        all_of_them = [p for f in chosen for p in mutants(f) if p[0] is not f]
        n = min(n_changes, len(all_of_them))
        yield from ([p] for p in random.Random(seed).sample(all_of_them, n))
    elif whole:
        yield outermost(whole)


def outermost(pairs):
    """The pairs that are in no other one, which it would replace."""
    inner = {id(n) for old, _ in pairs for n in ast.walk(old) if n is not old}
    return [pair for pair in pairs if id(pair[0]) not in inner]


def put_in_place(path, source):
    """Give the functions of an imported module the code of another source."""
    path.write_text(source, encoding="utf8")
    module = importlib.import_module(".".join(path.with_suffix("").parts))
    codes = dict(codes_of(compile(source, str(path), "exec")))
    for found in functions_of(module, module.__name__):
        code = codes.get(found.__qualname__)
        # A function that uses other variables of the one around it cannot be replaced.
        if code and code.co_freevars == found.__code__.co_freevars:
            found.__code__ = code


def codes_of(code):
    """Compiled functions by name."""
    for part in code.co_consts:
        if hasattr(part, "co_qualname"):
            yield part.co_qualname, part
            yield from codes_of(part)


def functions_of(owner, module):
    """What was defined in a module, without what decorators put around it."""
    for value in vars(owner).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()
        value = getattr(value, "fget", getattr(value, "__func__", value))
        value = getattr(value, "__wrapped__", value)
        if getattr(value, "__module__", None) != module:
            continue
        if isinstance(value, type):
            yield from functions_of(value, module)
        elif hasattr(value, "__code__"):
            yield value


class Notes:
    """A plugin of pytest that writes down what comes of each test."""

    def __init__(self, path, skipped=(), chosen=None):
        self.path, self.skipped, self.chosen = path, set(skipped), chosen

    def write(self, *words):
        # At once: the next test may end the interpreter.
        with open(self.path, "a", encoding="utf8") as file:
            file.write("\t".join(words) + "\n")

    def pytest_collection_modifyitems(self, items):
        known = (lambda name: True) if self.chosen is None else self.chosen.__contains__
        items[:] = [
            item
            for item in items
            if item.nodeid not in self.skipped and known(item.nodeid)
        ]

    def pytest_runtest_logstart(self, nodeid):
        self.write("start", nodeid)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.write("failed", report.nodeid)

    def pytest_runtest_logfinish(self, nodeid):
        self.write("end", nodeid)


def read(path):
    """The tests that failed, those that ended and the one that did not."""
    lines = [s.split("\t") for s in path.read_text(encoding="utf8").splitlines()]
    by = {word: [name for w, name in lines if w == word] for word in ("start", "end")}
    running = by["start"][len(by["end"]) :]
    return {name for word, name in lines if word == "failed"}, by["end"], running


def run_tests(tests, notes):
    """Run pytest with a plugin."""
    import pytest

    return int(pytest.main([*OPTIONS, *tests], plugins=[notes]))


def failing(tests, chosen, change, folder):
    """The tests that fail after a change; those that end the interpreter as well."""
    failed, done, path = set(), [], Path(folder) / "notes"
    while len(done) < len(chosen):
        path.write_text("", encoding="utf8")
        notes = Notes(path, done, chosen)
        child = forked(partial(with_change, change, tests, notes))
        wait(child, path)
        found, ended, running = read(path)
        failed |= found | set(running)
        # Nothing ended if not even an import succeeds.
        if not ended and not running:
            return failed or set(chosen)
        done += [*ended, *running]
    return failed


def with_change(change, tests, notes):
    """What a child does."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    change()
    return run_tests([*tests, "--timeout", str(SECONDS)], notes)


def wait(child, path):
    """Wait for a child, and end it when one of its tests does not."""
    while True:
        done, _ = os.waitpid(child, os.WNOHANG)
        if done:
            return
        if time.time() - path.stat().st_mtime > PATIENCE:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
        time.sleep(0.01)


class Callers(Notes):
    """Writes down as well how long each test took, and what it called."""

    def __init__(self, path, modules):
        super().__init__(path)
        self.files = {str(module.resolve()) for module in modules}
        self.seconds, self.calls = Counter(), {}

    def pytest_runtest_logreport(self, report):
        super().pytest_runtest_logreport(report)
        self.seconds[report.nodeid] += report.duration if report.when == "call" else 0

    def pytest_runtest_logstart(self, nodeid):
        super().pytest_runtest_logstart(nodeid)
        called = self.calls[nodeid] = set()

        def note(frame, event, argument):
            code = frame.f_code
            if event == "call" and code.co_filename in self.files:
                called.add((code.co_filename, code.co_firstlineno))

        sys.setprofile(note)

    def pytest_runtest_logfinish(self, nodeid):
        sys.setprofile(None)
        super().pytest_runtest_logfinish(nodeid)

    def of(self, path, pairs, functions):
        """The tests that call a function in which something is changed."""
        inner = {id(node): f for f in functions for node in ast.walk(f)}
        lines = {
            min(n.lineno for n in (f, *f.decorator_list))
            for f in (inner[id(old)] for old, _ in pairs)
        }
        places = {(str(path.resolve()), line) for line in lines}
        return [name for name, called in self.calls.items() if called & places]


def baseline(given, tests, folder):
    """What the tests call that are quick enough; none may fail."""
    notes = Callers(Path(folder) / "baseline", given.modules)
    if run_tests(tests, notes) != 0:
        raise SystemExit("The tests fail without any change.")
    slow = [name for name, s in notes.seconds.items() if s > given.longest]
    for name in slow:
        del notes.calls[name]
    print(f"{len(notes.seconds)} tests, {len(slow)} of them left out, as too slow:")
    print("".join(f"  {name}\n" for name in slow), end="", flush=True)
    return notes


def describe(path, pairs):
    """Where something was changed, and into what."""
    (old, new), more = pairs[0], f" and {len(pairs) - 1} more" * (len(pairs) > 1)
    first, second = (ast.unparse(node).splitlines()[0] for node in (old, new))
    return f"{path}:{old.lineno}{more}\n    - {first:.100}\n    + {second:.100}"


def all_changes(given, notes):
    """What is changed, of all modules; the changes that run few tests come first."""
    found = []
    for path in given.modules:
        tree = ast.parse(path.read_text(encoding="utf8"))
        inside = [f for f in functions(tree) if re.search(given.functions, f.name)]
        for pairs in changes_of(inside, given.changes, given.seed):
            found.append((path, tree, pairs, notes.of(path, pairs, inside)))
    # Tests that fail there need not run for what all of them call.
    if given.once:
        found.sort(key=lambda change: sum(notes.seconds[name] for name in change[3]))
    return found


def try_changes(given, tests, notes, folder):
    """How many changes made each test fail, of all modules."""
    noticed, unnoticed, n = Counter(), 0, 0
    for path, tree, pairs, chosen in all_changes(given, notes):
        if given.once:
            chosen = [name for name in chosen if not noticed[name]]
            if not chosen:
                continue
        source = path.read_text(encoding="utf8")
        put = partial(put_in_place, path, mutate(tree, *pairs))
        found = failing(tests, chosen, put, folder)
        path.write_text(source, encoding="utf8")
        noticed.update(found)
        n += 1
        unnoticed += not found
        # With `once`, tests that would notice it may have been left out.
        if not found and not given.once:
            print(f"unnoticed: {describe(path, pairs)}", flush=True)
        elif found and given.verbose:
            names = "".join(f"\n      {name}" for name in sorted(found))
            print(f"noticed: {describe(path, pairs)}{names}", flush=True)
    return noticed, unnoticed, n


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("modules", nargs="+", type=Path)
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--changes", type=int, default=0, help="other changes as well")
    parser.add_argument("--functions", default="", help="a pattern of their names")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=0.5, help="seconds of a test")
    parser.add_argument("--once", action="store_true", help="leave out who has failed")
    parser.add_argument("--verbose", action="store_true", help="who notices what")
    return parser.parse_args()


def main():
    """Leave out each check of each module, in a copy of the tree."""
    given, start = arguments(), time.monotonic()
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory(prefix="sensitivity-") as name:
        tree, folder = Path(name) / "tree", Path(name) / "notes"
        tree.mkdir()
        folder.mkdir()
        copy_tree(tree)
        # One name for all runs: what tests keep in memory may know it.
        tests = [*given.tests, "--basetemp", str(Path(name) / "pytest")]
        notes = baseline(given, tests, folder)
        noticed, unnoticed, n = try_changes(given, tests, notes, folder)
        os.chdir(ROOT)
    chosen = list(notes.calls)
    silent = [name for name in chosen if not noticed[name]]
    print("".join(f"never failed: {name}\n" for name in silent), end="")
    print(
        f"{n - unnoticed} of {n} changes noticed, {len(chosen) - len(silent)} of "
        f"{len(chosen)} tests seen to fail ({time.monotonic() - start:.0f} s)"
    )


if __name__ == "__main__":
    main()
