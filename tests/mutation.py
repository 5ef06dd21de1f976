"""
Whether tests notice a mistake: one small change at a time, in a copy of the tree.

Run it from the root of the repository, for example ``python -m tests.mutation
skampo/mirror_maps/_closed_form.py --tests tests/mirror_maps --sample 60 --seed 0``.
A change that no test notices is printed with its line. It either changes nothing that
can be seen, or a test is missing. Tests run in forks of one process that has imported
what skampo needs, so that a change costs hardly more than the tests themselves.
"""

import argparse
import ast
import copy
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ["skampo", "tests", "pyproject.toml"]
HEAVY = ["numpy", "scipy.special", "scipy.optimize", "sklearn.linear_model"]
HEAVY += ["sklearn.pipeline", "sklearn.tree", "sklearn.ensemble", "gymnasium"]
HEAVY += ["pytest", "hypothesis", "hypothesis.extra.numpy", "sklearn.preprocessing"]
HEAVY += ["sklearn.utils.estimator_checks", "sklearn.model_selection", "pandas"]
# A mutant may run for this many times as long as the tests take without one.
PATIENCE, LEAST_SECONDS = 5, 20
# Workers would import everything anew, for each mutant.
OPTIONS = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
OPTIONS += ["-W", "ignore::pytest.PytestWarning"]

COMPARISONS = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
PAIRS = [("min", "max"), ("minimum", "maximum"), ("any", "all"), ("zeros", "ones")]
PAIRS += [("argmin", "argmax"), ("floor", "ceil"), ("sum", "mean"), ("log1p", "log")]
PAIRS += [("zeros_like", "ones_like"), ("row_max", "row_sum"), ("expm1", "exp")]
# Mutants that nothing can notice.
ONLY_CHECKS, SYMMETRIC = {"strict"}, {"min", "max", "minimum", "maximum"}
NEIGHBORS = dict(PAIRS) | {second: first for first, second in PAIRS}


def changed(node, **fields):
    """A copy of a node with other fields."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def without(items):
    """The sequences that lack one of the items."""
    return [[*items[:i], *items[i + 1 :]] for i in range(len(items))]


def of_constant(node):
    """Numbers beside, half and twice the number; the other truth value."""
    if isinstance(node.value, bool):
        return [changed(node, value=not node.value)]
    if isinstance(node.value, int):
        return [changed(node, value=node.value + i) for i in (-1, 1)]
    if isinstance(node.value, float):
        value = node.value
        others = {value / 2, value * 2, 1.0 if value == 0 else value} - {value}
        return [changed(node, value=other) for other in sorted(others)]
    return []


def of_compare(node):
    """The boundary moved, and the comparison turned around."""
    if len(node.ops) > 1:
        return []
    return [changed(node, ops=[kind()]) for kind in COMPARISONS[type(node.ops[0])]]


def of_operator(node):
    """The opposite operation."""
    other = OPERATORS.get(type(node.op))
    return [] if other is None else [changed(node, op=other())]


def of_call(node):
    """An argument dropped, or the first two exchanged."""
    found = [
        changed(node, keywords=rest)
        for left_out, rest in zip(node.keywords, without(node.keywords), strict=True)
        if left_out.arg not in ONLY_CHECKS
    ]
    if len(node.args) > 1:
        found.append(changed(node, args=node.args[:-1]))
        if ast.unparse(node.func).split(".")[-1] not in SYMMETRIC:
            first, second, *rest = node.args
            found.append(changed(node, args=[second, first, *rest]))
    return found


def of_bool(node):
    """The other connective, or one condition less."""
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    shorter = [
        v[0] if len(v) == 1 else changed(node, values=v) for v in without(node.values)
    ]
    return [changed(node, op=other), *shorter]


def of_name(node):
    """min for max, and so on."""
    field = "id" if isinstance(node, ast.Name) else "attr"
    other = NEIGHBORS.get(getattr(node, field))
    return [] if other is None else [changed(node, **{field: other})]


def of_slice(node):
    """A slice without one of its bounds."""
    bounds = [name for name in ("lower", "upper", "step") if getattr(node, name)]
    return [changed(node, **{name: None}) for name in bounds]


MUTATIONS = {
    ast.Constant: of_constant,
    ast.Compare: of_compare,
    ast.BinOp: of_operator,
    ast.AugAssign: lambda node: [*of_operator(node), ast.Pass()],
    ast.UnaryOp: lambda node: [node.operand],
    ast.BoolOp: of_bool,
    ast.Call: of_call,
    ast.Name: of_name,
    ast.Attribute: of_name,
    ast.Slice: of_slice,
    ast.IfExp: lambda node: [node.body, node.orelse],
    ast.If: lambda node: [changed(node, test=ast.Constant(v)) for v in (True, False)],
    ast.Expr: lambda node: [ast.Pass()],
    ast.Raise: lambda node: [ast.Pass()],
    ast.Break: lambda node: [ast.Pass()],
    ast.Continue: lambda node: [ast.Pass()],
    ast.Assign: lambda node: [] if plain(node) else [ast.Pass()],
}


def plain(node):
    """Whether names alone are assigned: without them nothing would run at all."""
    return any(isinstance(target, ast.Name | ast.Tuple) for target in node.targets)


def returns(function):
    """Other local variables in place of the one that is returned."""
    local = sorted(
        {
            node.id if isinstance(node, ast.Name) else node.arg
            for node in ast.walk(function)
            if isinstance(node, ast.arg)
            or (
                isinstance(getattr(node, "ctx", 0), ast.Store)
                and isinstance(node, ast.Name)
            )
        }
    )
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Name):
            for name in local:
                if name not in (node.value.id, "self", "cls"):
                    yield node, changed(node, value=ast.Name(name, ast.Load()))


def mutants(node):
    """Pairs of a node and what takes its place; neither text nor types change."""
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    if docstring or isinstance(node, ast.JoinedStr | ast.arguments | ast.Import):
        return
    for other in MUTATIONS.get(type(node), lambda node: [])(node):
        yield node, other
    if isinstance(node, ast.FunctionDef):
        yield from returns(node)
    skipped = ("annotation", "returns", "decorator_list", "bases", "exc")
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if getattr(child, "arg", None) in ONLY_CHECKS:
                continue
            if isinstance(child, ast.AST) and name not in skipped:
                yield from mutants(child)


class Replace(ast.NodeTransformer):
    """Puts other nodes in the place of some."""

    def __init__(self, pairs):
        self.new = {id(old): new for old, new in pairs}

    def visit(self, node):
        return self.new[id(node)] if id(node) in self.new else super().visit(node)


def mutate(tree, *pairs):
    """The source of the tree with the second node of each pair for the first one."""
    # NodeTransformer writes into lists: the next mutant starts from the first tree.
    memo = {id(old): old for old, _ in pairs}
    return ast.unparse(
        ast.fix_missing_locations(Replace(pairs).visit(copy.deepcopy(tree, memo)))
    )


def copy_tree(target):
    """Copy what the tests need, and let Python find nothing but the copy."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, target / name, ignore=ignore)
        else:
            shutil.copy(source, target / name)
    os.chdir(target)
    sys.path[0] = str(target)
    sys.modules.pop("tests", None)
    for name in HEAVY:
        importlib.import_module(name)


def forked(function):
    """The id of a child that ends with the result of a function."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        # Whatever it raises: what is around the parent is not the child's to clean up.
        try:
            os._exit(function())
        finally:
            os._exit(1)
    return child


def run_tests(tests, write_bytecode):
    """The exit code of pytest."""
    import pytest

    sys.dont_write_bytecode = not write_bytecode
    return int(pytest.main([*OPTIONS, *tests]))


def outcome(tests, limit=None, write_bytecode=False):
    """Exit code of the tests in a fork, None if the time is over."""
    child = forked(lambda: run_tests(tests, write_bytecode))
    end = time.monotonic() + limit if limit else float("inf")
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def survivors(path, chosen, tree, tests, limit):
    """The mutants that no test notices."""
    source = path.read_text(encoding="utf8")
    for old, new in chosen:
        path.write_text(mutate(tree, (old, new)), encoding="utf8")
        # 0 is success; everything else, an import that fails too, is noticed.
        if outcome(tests, limit) == 0:
            yield old, new
        path.write_text(source, encoding="utf8")


def report(old, new, lines):
    """Print the line of a survivor and what changed in it."""
    print(f"{old.lineno:5d}  {lines[old.lineno - 1].strip()}")
    for sign, node in (("-", old), ("+", new)):
        print(f"       {sign} {ast.unparse(node).splitlines()[0]}", flush=True)


def try_mutants(path, tests, sample, seed, only=None):
    """Run the tests with each of the sampled mutants of one module."""
    source = path.read_text(encoding="utf8")
    tree = ast.parse(source)
    found = [pair for pair in mutants(tree) if only in (None, pair[0].lineno)]
    chosen = random.Random(seed).sample(found, min(sample, len(found)))
    # Examples in docstrings are tests too.
    tests, start = [*tests, str(path)], time.monotonic()
    if outcome(tests, write_bytecode=True) != 0:
        raise SystemExit(f"{path}: the tests fail without any mutant.")
    limit = max(LEAST_SECONDS, PATIENCE * (time.monotonic() - start))
    # Compiled by the first run: a mutant of the same second would not be compiled.
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()
    n_survivors = 0
    for old, new in survivors(path, chosen, tree, tests, limit):
        report(old, new, source.splitlines())
        n_survivors += 1
    n, seconds = len(chosen), time.monotonic() - start
    print(
        f"{path}: {n - n_survivors} of {n} mutants killed "
        f"({len(found)} possible, {seconds:.0f} s)",
        flush=True,
    )


def arguments():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("modules", nargs="+", type=Path)
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--sample", type=int, default=40, help="mutants of each module")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--line", type=int, help="mutants of this line only")
    return parser.parse_args()


def main():
    """Mutate each module in a copy of the tree."""
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        copy_tree(Path(name))
        for path in given.modules:
            try_mutants(path, given.tests, given.sample, given.seed, given.line)
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
