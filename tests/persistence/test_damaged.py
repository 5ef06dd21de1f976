"""Damaged files are refused or unharmed; writing one is all or nothing."""

import os
import re
import stat
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge

import skampo
from skampo import AMPOPolicy
from skampo.exceptions import InvalidParameterError, SkampoFileError
from tests.persistence.crafting import pack, seal, unpack

STATES = np.random.default_rng(0).normal(size=(20, 2))
GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def policy():
    return AMPOPolicy(Ridge(), max_iter=2).fit(STATES, STATES[:, 0] > 0)


@pytest.fixture
def path(policy, tmp_path):
    policy.save(tmp_path / "policy.skampo")
    return tmp_path / "policy.skampo"


def mutants(data, n):
    """Files cut at random places, and files with one bit flipped."""
    rng = np.random.default_rng(0)
    for length in rng.choice(len(data), size=n // 2, replace=len(data) < n // 2):
        yield data[:length]
    for bit in rng.choice(8 * len(data), size=n // 2, replace=False):
        mutant = bytearray(data)
        mutant[bit // 8] ^= 1 << (bit % 8)
        yield bytes(mutant)


def test_two_thousand_damaged_files_are_refused(path):
    data, n_refused = path.read_bytes(), 0
    for mutant in mutants(data, 2000):
        path.write_bytes(mutant)
        with pytest.raises(SkampoFileError, match=re.escape(str(path))):
            skampo.load(path)
        n_refused += 1
    assert n_refused == 2000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty. Save the policy again."),
        (b"PK\x03\x04", "is no file of skampo: it does not start with 'skampo'."),
        (b"\x80\x04.", "is a pickle and no file of skampo. Reading a pickle runs code"),
        (b"skampo 1 abc\n", "is no file of skampo"),
        (
            b"skampo 1 " + b"0" * 64 + b"\nPK",
            "has format 1, and this version of skampo reads format 2 alone. Fit the",
        ),
    ],
)
def test_other_files(path, data, words):
    path.write_bytes(data)
    with pytest.raises(SkampoFileError, match=re.escape(f"{path} {words}")):
        skampo.load(path)


def test_what_is_wrong_is_said(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(SkampoFileError, match=r"is damaged: .* Take another copy"):
        skampo.load(path)
    path.write_bytes(seal(b"{}", b"{}", number=3))
    match = r"has format 3, and this version of skampo reads format 2 alone\. Update"
    with pytest.raises(SkampoFileError, match=match):
        skampo.load(path)
    path.write_bytes(data)
    match = f"has more than max_size={len(data) - 1:,} bytes. If you know"
    with pytest.raises(SkampoFileError, match=match):
        skampo.load(path, max_size=len(data) - 1)
    skampo.load(path, max_size=len(data))


@pytest.mark.parametrize("max_size", [1e9, -1, "1 GB"])
def test_a_wrong_size_is_no_fault_of_the_file(path, max_size):
    match = r"'max_size' parameter of load must be an int in the range \[0, inf\)"
    with pytest.raises(InvalidParameterError, match=match):
        skampo.load(path, max_size=max_size)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError(name="lightgbm"), "needs the module 'lightgbm', which is"),
        (MemoryError(), "does not fit into memory"),
    ],
)
def test_what_is_no_fault_of_the_file_is_said(path, error, words, monkeypatch):
    def fail(*args, **keywords):
        raise error

    monkeypatch.setattr(Ridge, "__init__", fail)
    with pytest.raises(SkampoFileError, match=words) as raised:
        skampo.load(path)
    assert "crafted" not in str(raised.value)


def test_a_small_file_takes_little_memory(path):
    skampo.load(path)
    tracemalloc.start()
    skampo.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_path_of_bytes(policy, path, tmp_path):
    policy.save(os.fsencode(tmp_path / "bytes"))
    loaded = skampo.load(os.fsencode(tmp_path / "bytes"))
    assert_array_equal(loaded.predict(STATES), policy.predict(STATES))


def test_directories_and_missing_files(tmp_path):
    with pytest.raises(SkampoFileError, match=r"is no regular file\. Give the path"):
        skampo.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        skampo.load(tmp_path / "nowhere")


def test_a_file_of_other_versions_loads_with_a_warning(policy, path):
    versions, *parts = unpack(path.read_bytes())
    older = versions.replace(f'"{skampo.__version__}"'.encode(), b'"0.0.1"')
    path.write_bytes(pack(older, *parts))
    match = rf"policy.skampo was written by skampo 0.0.1 \(now {skampo.__version__}\)"
    with pytest.warns(UserWarning, match=match):
        loaded = skampo.load(path)
    assert_array_equal(loaded.predict_proba(STATES), policy.predict_proba(STATES))


@pytest.mark.filterwarnings("ignore:.* was written by:UserWarning")
def test_files_of_earlier_releases():
    expected = np.load(GOLDEN / "proba.npy")
    files = sorted(GOLDEN.glob("*.skampo"))
    assert files
    for path in files:
        proba = skampo.load(path).predict_proba(np.load(GOLDEN / "states.npy"))
        np.testing.assert_allclose(proba, expected, rtol=1e-12)


@pytest.mark.parametrize("failing", ["replace", "fsync"])
def test_a_failed_save_leaves_what_was_there(policy, path, failing, monkeypatch):
    before = path.read_bytes()

    def fail(*args):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="No space left"):
        AMPOPolicy(Ridge(), max_iter=1).fit(STATES, STATES[:, 1] > 0).save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_file_keeps_its_mode(policy, path, mode):
    path.chmod(mode)
    policy.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_the_folder_is_written_down_as_well(policy, tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def note(number):
        synced.append(stat.S_ISDIR(os.fstat(number).st_mode))
        fsync(number)

    monkeypatch.setattr(os, "fsync", note)
    policy.save(tmp_path / "policy.skampo")
    assert synced == [False, True]


def test_what_is_no_file_is_not_replaced(policy, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/null"):
        with pytest.raises(SkampoFileError, match="is no regular file"):
            policy.save(path)
        with pytest.raises(SkampoFileError, match="is no regular file"):
            skampo.load(path)


def test_the_same_policy_gives_the_same_bytes(policy, path, tmp_path):
    policy.save(tmp_path / "again.skampo")
    assert (tmp_path / "again.skampo").read_bytes() == path.read_bytes()
    skampo.load(path).save(tmp_path / "again.skampo")
    assert (tmp_path / "again.skampo").read_bytes() == path.read_bytes()


def test_a_link_is_followed(policy, path, tmp_path):
    link = tmp_path / "latest.skampo"
    link.symlink_to(path)
    policy.save(link)
    assert link.is_symlink()
    assert_array_equal(skampo.load(link).predict(STATES), policy.predict(STATES))


def test_the_folder_has_to_exist(policy, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        policy.save(tmp_path / "nowhere" / "policy.skampo")
