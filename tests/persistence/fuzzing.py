"""Random edits of files whose checksum is right; run by a test in a process of its own.

What is not refused has to predict, or to raise, without ending the interpreter.
"""

import io
import json
import os
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import skampo
from skampo.exceptions import SkampoFileError
from tests.persistence.crafting import edit, nodes

VALUES = [-1, 0, 1, 2, 3, 7, 10**9, -(10**9), 2**31 - 1, 1e300, None, True, "", "rbf"]
NUMBERS = [-(10**9), -1, 0, 1, 2, 100, 2**31 - 1]


def edit_text(rng, schema, members):
    """Another value in place of a number or text."""
    texts = [node for node in nodes(schema) if node["__loader__"] == "JsonNode"]
    node = texts[rng.integers(len(texts))]
    old = json.loads(node["content"])
    if isinstance(old, str) and len(old) > 20:
        place = rng.integers(len(old))
        new = old[:place] + str(rng.choice(list("0123456789-. e\n"))) + old[place + 1 :]
    else:
        new = VALUES[rng.integers(len(VALUES))]
    for other in nodes(schema):
        if other.get("__id__") == node.get("__id__"):
            other["content"] = json.dumps(new)


def edit_array(rng, schema, members):
    """Another number somewhere in an array, or another length."""
    names = [name for name in members if name.endswith(".npy")]
    name = names[rng.integers(len(names))]
    array = np.load(io.BytesIO(members[name])).copy()
    if array.dtype.names:
        flat = array[array.dtype.names[rng.integers(len(array.dtype.names))]]
    else:
        flat = array.reshape(-1)
    if rng.random() < 0.2 or flat.dtype.kind not in "iuf" or not flat.size:
        array = array[: len(array) // 2] if array.ndim else array
    else:
        with np.errstate(all="ignore"):
            flat[rng.integers(len(flat))] = np.array(
                NUMBERS[rng.integers(len(NUMBERS))]
            ).astype(flat.dtype)
    buffer = io.BytesIO()
    np.save(buffer, array)
    members[name] = buffer.getvalue()


def swap(rng, schema, members):
    """Two files of arrays exchanged, or one object in place of another."""
    found = [node for node in nodes(schema) if node["__loader__"] != "TypeNode"]
    first, second = (found[i] for i in rng.integers(len(found), size=2))
    copy = json.loads(json.dumps(second))
    first.clear()
    first.update(copy)


def lose(rng, schema, members):
    """One attribute less."""
    dicts = [node for node in nodes(schema) if node["__loader__"] == "DictNode"]
    content = dicts[rng.integers(len(dicts))]
    keys = list(content["content"])
    if keys:
        place = rng.integers(len(keys))
        del content["content"][keys[place]]
        del content["key_types"]["content"][place]


EDITS = [edit_text, edit_array, edit_array, swap, lose]


def outcome(path, X):
    """What loading a file and asking the policy comes to."""
    try:
        policy = skampo.load(path)
    except SkampoFileError:
        return "refused"
    try:
        policy.predict_proba(X)
        policy.act(X[0])
        for model in np.ravel(policy.regressor_):
            model.predict(X)
    except Exception:
        return "raised"
    return "predicted"


def main(folder, n):
    """Print how many files of each outcome there were."""
    rng, outcomes = np.random.default_rng(0), Counter()
    X = rng.normal(size=(50, 2)).round(1)
    path = Path(folder) / "edited"
    originals = [p.read_bytes() for p in sorted(Path(folder).iterdir())]
    for _ in range(n):
        data = originals[rng.integers(len(originals))]
        change = EDITS[rng.integers(len(EDITS))]
        path.write_bytes(edit(data, lambda *parts, f=change: f(rng, *parts)))
        outcomes[outcome(path, X)] += 1
    print(json.dumps(outcomes))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["OMP_NUM_THREADS"] = "1"
    main(sys.argv[1], int(sys.argv[2]))
