"""Crafted files are refused before anything in them is built or run."""

import io
import json
import os
import pickle
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

import skampo
from skampo import AMPOPolicy
from skampo.exceptions import SkampoFileError
from tests.faulty_envs import SpaceEnv
from tests.persistence.crafting import archive, edit, find, nodes, pack, unpack
from tests.persistence.edits import EDITS, npy

ROOT = Path(__file__).parents[2]
STATES = np.random.default_rng(0).normal(size=(60, 2))
LABELS = STATES[:, 0] * STATES[:, 1] > 0

REGRESSORS = {
    "ridge": Ridge(),
    "tree": DecisionTreeRegressor(max_depth=3, random_state=0),
    "forest": RandomForestRegressor(2, random_state=0),
    "boosting": GradientBoostingRegressor(n_estimators=2, random_state=0),
    "histograms": HistGradientBoostingRegressor(max_iter=1, min_samples_leaf=5),
    "lightgbm": LGBMRegressor(
        n_estimators=2, min_child_samples=5, n_jobs=1, verbose=-1, random_state=0
    ),
    "neighbors": KNeighborsRegressor(3, algorithm="kd_tree", leaf_size=5),
    "svr": SVR(),
    "sparse": make_pipeline(OneHotEncoder(), KNeighborsRegressor(2)),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Honest files, one for each kind of regressor."""
    folder, data = tmp_path_factory.mktemp("originals"), {}
    for name, regressor in REGRESSORS.items():
        X = STATES.round() if name == "sparse" else STATES
        AMPOPolicy(regressor, max_iter=1, random_state=0).fit(X, LABELS).save(
            folder / name
        )
        data[name] = (folder / name).read_bytes()
    return data


def bomb():
    """An archive that says it unpacks to 3 GB."""
    size, claimed = 2_345_678, 3_000_000_000
    packed = archive([("schema.json", "{}"), ("1.npy", bytes(size))])
    old, new = (n.to_bytes(4, "little") for n in (size, claimed))
    assert packed.count(old) == 2
    return packed.replace(old, new)


def understated(payload):
    """An archive whose description goes on behind the size that it states."""
    source = zipfile.ZipFile(io.BytesIO(payload))
    contents = {name: source.read(name) for name in source.namelist()}
    schema = contents.pop("schema.json")
    longer = schema + b" " * 50_000_000
    packed = archive([*contents.items(), ("schema.json", longer)])
    # Where a checksum and a size stand, in the local header and in the directory.
    for compute in (len, zlib.crc32):
        old, new = (compute(x).to_bytes(4, "little") for x in (longer, schema))
        assert packed.count(old) == 2
        packed = packed.replace(old, new)
    return packed


class Touch:
    def __reduce__(self):
        return os.system, ("touch ran-code",)


def crafted_files(originals):
    """Files by name, each with words of its refusal."""
    files = {
        name: (edit(originals[original], change), words)
        for name, (original, change, words) in EDITS.items()
    }
    ridge = originals["ridge"]
    versions, schema, _ = unpack(ridge)
    payload = ridge.split(b"\n", 2)[2]
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = archive([("schema.json", json.dumps(schema))] * 2)
    digest = ridge.split(b"\n", 2)[0].split(b" ")[-1]
    return files | {
        "a pickle": (pickle.dumps(Touch()), "is a pickle"),
        "a pickle inside": (pack(versions, pickle.dumps(Touch())), "BadZipFile"),
        "a bomb": (pack(versions, bomb()), "and max_size leaves 1,073,741,824"),
        "a bomb that says nothing": (pack(versions, understated(payload)), "Bad CRC"),
        "two members": (pack(versions, twice), "have the same name"),
        "another checksum": (ridge.replace(digest, digest[::-1], 1), "checksum"),
        "another format": (pack(versions, payload, number=9), "has format 9"),
        "no versions": (pack(b"[", payload), "JSONDecodeError"),
        "a list of versions": (pack(b"[]", payload), "names no packages"),
        "no schema": (pack(versions, archive([])), "schema.json"),
        "a huge space": (originals["space"], "a space of more than 10,000,000"),
    }


LOADING = """
import json, sys, warnings
import lightgbm, scipy.sparse, skops.io, skampo
from pathlib import Path

def watched(event):
    return event == "pickle.find_class" or event.startswith(
        ("os.", "subprocess.", "socket.", "shutil.", "ctypes.")
    )

for path in sorted(Path("honest").iterdir()):
    skampo.load(path)
events, results = [], {}
sys.addaudithook(lambda event, args: events.append(event) if watched(event) else None)
for path in sorted(Path("crafted").glob("*")):
    del events[:]
    try:
        skampo.load(path)
        message = "loaded"
    except skampo.exceptions.SkampoFileError as error:
        message = str(error)
    except BaseException as error:
        message = "not refused: " + repr(error)
    results[path.name] = message, list(events)
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def outcomes(originals, tmp_path_factory):
    """For each crafted file the message and the audit events of loading it."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "honest").mkdir()
    (folder / "crafted").mkdir()
    for name, data in originals.items():
        (folder / "honest" / name).write_bytes(data)
    crafted = crafted_files(originals | {"space": huge_space(folder)})
    names = list(crafted)
    for number, (data, _) in enumerate(crafted.values()):
        (folder / "crafted" / str(number)).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not (folder / "ran-code").exists()
    results = json.loads(done.stdout.splitlines()[-1])
    return {
        name: (*results[str(number)], crafted[name][1])
        for number, name in enumerate(names)
    }


def huge_space(folder):
    """A policy whose observations would be rows of a billion numbers."""
    from gymnasium import spaces

    space = spaces.Dict(a=spaces.Discrete(3))
    policy = AMPOPolicy(Ridge(), max_iter=1, steps_per_iter=16, n_envs=1)
    policy.fit(lambda: SpaceEnv(space, spaces.Discrete(2)))
    policy.save(folder / "space")

    def enlarge(schema, members):
        for part in find(schema, "Discrete"):
            file = part["content"]["content"]["n"]["file"]
            members[file] = npy(np.int64(10**9))

    return edit((folder / "space").read_bytes(), enlarge)


NAMES = [*EDITS, "a pickle", "a pickle inside", "a bomb", "two members"]
NAMES += ["another checksum", "another format", "no versions", "no schema"]
NAMES += ["a huge space", "a bomb that says nothing", "a list of versions"]


@pytest.mark.parametrize("name", NAMES)
def test_crafted_files_are_refused_and_run_nothing(outcomes, name):
    message, events, words = outcomes[name]
    assert not message.startswith(("loaded", "not refused")), message
    assert words in message
    assert events == []


def test_every_crafted_file_is_looked_at(outcomes):
    assert sorted(outcomes) == sorted(NAMES)


def test_the_types_that_are_refused_are_named(outcomes):
    message, _, _ = outcomes["a function"]
    assert "asks for types that skampo does not trust: ['os.system']" in message


def test_crafting_alone_refuses_nothing(originals, tmp_path):
    for name, data in originals.items():
        path = tmp_path / name
        path.write_bytes(edit(data, lambda schema, members: None))
        skampo.load(path)
        _, schema, _ = unpack(data)
        assert list(nodes(schema))


def test_nothing_is_unpacked_beyond_its_stated_size(originals, tmp_path):
    versions, payload = originals["ridge"].split(b"\n", 2)[1:]
    (tmp_path / "bomb").write_bytes(pack(versions, understated(payload)))
    tracemalloc.start()
    with pytest.raises(SkampoFileError, match="Bad CRC"):
        skampo.load(tmp_path / "bomb")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_sparse_array_is_not_unpacked_beyond_its_stated_size(originals, tmp_path):
    def enlarge(schema, members):
        for name in [name for name in members if name.endswith(".npz")]:
            members[name] = archive([("data.npy", bytes(2**24))])

    (tmp_path / "bomb").write_bytes(edit(originals["sparse"], enlarge))
    with pytest.raises(SkampoFileError, match="and max_size leaves"):
        skampo.load(tmp_path / "bomb", max_size=2**22)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_random_edits_end_no_interpreter(originals, tmp_path):
    for name, data in originals.items():
        (tmp_path / name).write_bytes(data)
    script = Path(__file__).with_name("fuzzing.py")
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(script), str(tmp_path), "300"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert sum(outcomes.values()) == 300
    assert min(outcomes[kind] for kind in ("refused", "predicted")) > 30
