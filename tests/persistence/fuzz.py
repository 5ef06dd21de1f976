"""Random edits of files whose checksum is right: ``python -m tests.persistence.fuzz``.

A file that is not refused is used as a policy would be. Children that were forked for
some hundred files each watch what is done: nothing may be opened but the file,
imported, compiled, executed or connected to; nothing may crash, take ten seconds, or
take more than ten times the size of the file and half a gigabyte.
"""

import argparse
import copy
import json
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from tests.persistence.crafting import nodes, pack, unpack

NUMBERS = [-(10**9), -2, -1, 0, 1, 2, 3, 7, 100, 10**5, 10**7, 2**31 - 1, 2**62]
VALUES = [
    *NUMBERS,
    0.5,
    1e300,
    float("inf"),
    float("nan"),
    None,
    True,
    False,
    "",
    "rbf",
]
VALUES += ["os.system", "machines=1", "auto", "precomputed", [], {}, [[]]]
DTYPES = ["<f8", "<f4", "<i8", "<i4", "<u4", "|u1", "|b1", "<U1", "|V8", "|O", "<f8,O"]
SECONDS, MEMORY = 10, 2**29
# Where libraries look for the number of processors, whatever a file says.
PROCESSORS = "/sys/fs/cgroup/"
# How `inspect` finds the signature of a class without a constructor, for `repr`.
SIGNATURE = b"def foo(self, *args, **kwargs): pass"


class Watch:
    """An audit hook that notes what policies have no business with."""

    def __init__(self, path):
        self.path, self.seen, self.is_on = os.fsdecode(path), [], False
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if not self.is_on:
            return
        root = event.split(".")[0]
        if event == "open":
            folder = os.path.dirname(self.path)
            name = str(arguments[0])
            # Saving opens the folder, to write the name down.
            if name != folder and not name.startswith((self.path, PROCESSORS)):
                self.seen.append((event, str(arguments[:1])))
        elif event == "import":
            if arguments[0] not in sys.modules:
                self.seen.append((event, arguments[0]))
        elif event in ("exec", "compile") or root in ("subprocess", "socket", "os"):
            if not self._is_harmless(event, arguments):
                self.seen.append((event, str(arguments)[:200]))
        elif root in ("pickle", "shutil", "urllib", "webbrowser", "marshal"):
            self.seen.append((event, str(arguments)[:200]))

    def _is_harmless(self, event, arguments):
        """Saving writes a file beside the given one and renames it."""
        if event == "compile" and arguments[0] == SIGNATURE:
            return True
        names = ("os.rename", "os.chmod", "os.remove")
        return event in names and str(arguments[0]).startswith(self.path)


class Slow(Exception):
    """Ten seconds are over."""


def edit_number(rng, value, arrays):
    """Another value in place of one in the description."""
    places = [
        (part, key)
        for part in containers(value)
        for key, old in items(part)
        if not isinstance(old, list | dict)
    ]
    part, key = places[rng.integers(len(places))]
    part[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])


def containers(value):
    """All lists and dicts of a value."""
    if isinstance(value, list | dict):
        yield value
        for _, part in items(value):
            yield from containers(part)


def items(part):
    return list(part.items() if isinstance(part, dict) else enumerate(part))


def edit_array(rng, value, arrays):
    """Other numbers somewhere in an array."""
    array = arrays[rng.integers(len(arrays))]
    flat = array.reshape(-1, order="A")
    if not flat.size or array.dtype.kind not in "iufb":
        return
    for _ in range(int(rng.integers(1, 4))):
        number = NUMBERS[rng.integers(len(NUMBERS))]
        if rng.random() < 0.3:
            number = [np.nan, np.inf, 0.5, -1e300][rng.integers(4)]
        with np.errstate(all="ignore"):
            flat[rng.integers(len(flat))] = np.asarray(number).astype(array.dtype)
    array[...] = flat.reshape(array.shape, order="A")


def edit_shape(rng, value, arrays):
    """Another length, shape, type or order of an array."""
    place = int(rng.integers(len(arrays)))
    array = arrays[place]
    choice = rng.integers(7)
    if choice == 0 and array.ndim:
        arrays[place] = array[: len(array) // 2]
    elif choice == 1:
        arrays[place] = np.concatenate([array.ravel()] * 2)
    elif choice == 2:
        arrays[place] = array.reshape(*array.shape, 1)
    elif choice == 3 and array.ndim:
        arrays[place] = array[:0]
    elif choice == 4:
        arrays[place] = array.T.copy()
    elif choice == 5:
        new = DTYPES[rng.integers(6)]
        with np.errstate(all="ignore"):
            arrays[place] = array.astype(new) if array.dtype.kind in "iufb" else array
    else:
        shape = [NUMBERS[rng.integers(len(NUMBERS))], *array.shape[1:]]
        dtype = DTYPES[rng.integers(len(DTYPES))]
        arrays[place] = ([dtype, shape, "CFX"[rng.integers(3)]], array.tobytes())


def swap(rng, value, arrays):
    """One node in place of another."""
    found = list(nodes(value))
    first, second = (found[i] for i in rng.integers(len(found), size=2))
    new = copy.deepcopy(second)
    first.clear()
    first.update(new)


def wrap(rng, value, arrays):
    """One node around another of its kind, some times."""
    found = [node for node in nodes(value) if "object" in node]
    node = found[rng.integers(len(found))]
    outer = copy.deepcopy(found[rng.integers(len(found))])
    places = [(g, k) for g in outer["object"][1:] for k in g if isinstance(g[k], dict)]
    if places:
        group, key = places[rng.integers(len(places))]
        group[key] = copy.deepcopy(node)
        node.clear()
        node.update(outer)


def lose(rng, value, arrays):
    """One part less, or one twice."""
    found = [part for part in containers(value) if part]
    part = found[rng.integers(len(found))]
    key, old = items(part)[rng.integers(len(part))]
    if rng.random() < 0.3 and isinstance(part, list):
        part.append(copy.deepcopy(old))
    else:
        del part[key]


def rename(rng, value, arrays):
    """Another name of a class, a node or an attribute."""
    found = [node for node in nodes(value) if "object" in node]
    names = sorted({node["object"][0] for node in found})
    names += [
        "RandomState",
        "EnvTask",
        "Checkpoint",
        "os.system",
        "Path",
        "SVR",
        "Ridge",
    ]
    node = found[rng.integers(len(found))]
    if rng.random() < 0.5:
        node["object"][0] = names[rng.integers(len(names))]
    else:
        group = node["object"][int(rng.integers(1, 3))]
        keys = ["_skl_callbacks", "__class__", "__sklearn_clone__", "memory", "fit"]
        group[keys[rng.integers(len(keys))]] = copy.deepcopy(found[0])


def repeat(rng, value, arrays):
    """A reference to what was there before, or will be."""
    found = list(nodes(value))
    node = found[rng.integers(len(found))]
    kind = ["again", "array"][rng.integers(2)]
    node.clear()
    node[kind] = int(rng.integers(-1, 40))


EDITS = [edit_number, edit_number, edit_number, edit_array, edit_array, edit_shape]
EDITS += [swap, wrap, lose, rename, repeat]


def mutant(rng, original):
    """A file after one to three edits."""
    versions, value, arrays = unpack(original)
    holder = [value]
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        EDITS[rng.integers(len(EDITS))](rng, holder, [] if not arrays else arrays)
        if any(isinstance(array, tuple) for array in arrays):
            break
    return pack(versions, holder[0], arrays)


def use(path, refit):
    """What a file comes to, and in which step it failed if it did."""
    import skampo
    from skampo.exceptions import SkampoFileError

    try:
        policy = skampo.load(path)
    except SkampoFileError:
        return "refused", None
    outcome, worst = "used", None
    for name, step in steps(policy, path, refit):
        try:
            step()
        except Slow:
            raise
        except Exception as error:
            outcome, worst = "raised", (name, type(error).__name__, said(error))
    return outcome, worst


def said(error):
    """Where an error comes from, and its words without numbers and names."""
    # Nothing that reads the lines of the source: the watch would see it.
    frame = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    words = re.sub(r"'[^']*'|[-+]?\d[\d.,e+]*|\s+", " ", str(error))
    place = frame.f_code.co_filename.rpartition("site-packages/")[2]
    return f"{place}: {words:.60} ... {words[60:][-90:]}"


def steps(policy, path, refit):
    """What is done with policies, by name."""
    from sklearn.base import clone

    width = getattr(policy, "n_features_in_", 2)
    X = np.zeros((8, width if 0 < width < 1000 else 2))
    yield "predict_proba", lambda: policy.predict_proba(X)
    yield "action_values", lambda: policy.action_values(X)
    yield "clone", lambda: clone(policy)
    yield "get_params", lambda: policy.get_params()
    yield "repr", lambda: repr(policy)
    yield "save", lambda: policy.save(f"{path}.again")
    yield "refit", lambda: refit(policy)


def child(rng, originals, n, path, fits):
    """Use some mutants; the results are lines of JSON."""
    report, watch = open(f"{path}.report", "w"), Watch(path)
    signal.signal(signal.SIGALRM, too_slow)
    names = sorted(originals)
    for number in range(n):
        name = names[rng.integers(len(names))]
        try:
            data = mutant(rng, originals[name])
        except Exception:
            continue
        path.write_bytes(data)
        report.write(json.dumps(["start", name]) + "\n")
        report.flush()
        watch.seen.clear()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        signal.alarm(SECONDS)
        watch.is_on = True
        try:
            outcome, step = use(path, fits[name])
        except Slow:
            outcome, step = "slow", traceback.format_exc()[-1500:]
        except BaseException as error:
            outcome, step = "strange", repr(error)
        watch.is_on = False
        signal.alarm(0)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        if 1024 * grown > 10 * len(data) + MEMORY:
            outcome, step = "large", f"{grown:,} kB for {len(data):,} bytes"
        if watch.seen:
            outcome, step = "events", watch.seen[:5]
        if outcome in ("slow", "strange", "large", "events"):
            Path(f"{path}.{number}.{outcome}.bad").write_bytes(data)
        report.write(json.dumps([outcome, step]) + "\n")
        report.flush()
    os._exit(0)


def too_slow(number, frame):
    raise Slow


def run(originals, fits, n, seed, folder, per_child=200):
    """Counts of outcomes, what must not be among them, and words of errors."""
    counts, words, bad, done = Counter(), Counter(), [], 0
    while done < n:
        path, batch = Path(folder) / f"mutant{done}", min(per_child, n - done)
        process = os.fork()
        if not process:
            limit(12 * 2**30)
            child(np.random.default_rng([seed, done]), originals, batch, path, fits)
        _, status = os.waitpid(process, 0)
        lines = [json.loads(line) for line in open(f"{path}.report")]
        results = [line for line in lines if line[0] != "start"]
        for outcome, step in results:
            counts[outcome] += 1
            if outcome == "raised":
                counts[f"raised in {step[0]}: {step[1]}"] += 1
                words[": ".join(step)] += 1
            if outcome in ("slow", "strange", "large", "events"):
                bad.append((outcome, step))
        done += len(results)
        if status:
            counts["crashed"] += 1
            bad.append(("crashed", status, lines[-1]))
            Path(f"{path}.crashed.bad").write_bytes(path.read_bytes())
            done += 1
        elif not results:
            break
    return counts, bad, words


def limit(size):
    """No more address space than this."""
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def main():
    """Fit all kinds of policies, and print what came of their mutants."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", help="a folder for files that did what they must not")
    parser.add_argument("--words", type=int, default=0, help="print so many errors")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    from tests.persistence.samples import prepare

    with tempfile.TemporaryDirectory() as folder:
        originals, fits = prepare(Path(folder))
        found = run(originals, fits, arguments.n, arguments.seed, folder)
        for path in Path(folder).glob("*.bad") if arguments.keep else ():
            shutil.copy(path, arguments.keep)
    print(json.dumps(found[0], indent=1, sort_keys=True))
    for line, n in Counter(str(line)[:2500] for line in found[1]).most_common(12):
        print(n, line)
    for line, n in found[2].most_common(arguments.words):
        print(n, line)


if __name__ == "__main__":
    main()
