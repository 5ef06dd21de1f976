"""Writing and reading files: the checksum, then the sizes, then the values."""

import hashlib
import json
import os
import re
import stat
import warnings
from contextlib import contextmanager
from typing import Any

import numpy as np
import sklearn

from skampo._version import __version__
from skampo.exceptions import SkampoFileError
from skampo.persistence._kinds import put_together, take_apart
from skampo.utils._arrays import read_arrays
from skampo.utils._atomic import write_at_once
from skampo.utils._nodes import Reader, Writer
from skampo.utils._validation import Interval, check_argument

_FORMAT = 2
_HEAD = re.compile(rb"skampo ([0-9]{1,6}) ([0-9a-f]{64})\n")
_LARGEST = 2**30
_LONGEST_LINE = 1000
# Bytes that Python takes for each of these in the description of a file.
_COSTS = {b",": 40, b":": 100, b"[": 64, b"{": 128}
_ALLOWED_COST = 2**25


def save(policy, path: str | os.PathLike[str] | None = None) -> None:
    """
    Write a fitted policy, or a Pipeline that holds one, to a file of data alone.

    The file appears at once and complete: a crash or a full disk leaves what was at
    `path` before. Callbacks, environments and the states of random generators are left
    out; ``memory`` and ``n_jobs`` are as by default, but for ``n_jobs=1``. The same
    policy gives the same bytes.

    Parameters
    ----------
    policy : estimator
        A policy, or a Pipeline that holds one.
    path : str or path-like, default=None
        Where to write; an existing file is replaced, and keeps its mode. None writes
        nothing: it refuses what could not be written, also of a policy that is not
        fitted. What it learns can still be refused: spaces of an environment's own,
        categories in trees.

    Raises
    ------
    SkampoFileError
        If a part has no stored form: functions, estimators of your own, and others that
        skampo does not know; or if there is something else than a file at `path`.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Reads it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skampo import AMPOPolicy
    >>> from skampo import load
    >>> from skampo.persistence import save
    >>> policy = AMPOPolicy(max_iter=2, random_state=0).fit([[0.0], [1.0]], [0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(policy, Path(folder) / "policy.skampo")
    ...     load(Path(folder) / "policy.skampo").predict([[0.0], [1.0]])
    array([0, 1])

    Before anything is learned:

    >>> from skampo.mirror_maps import OmegaPotential
    >>> save(AMPOPolicy(mirror_map=OmegaPotential(abs, abs)))
    Traceback (most recent call last):
    ...
    skampo.exceptions.SkampoFileError: AMPOPolicy cannot be saved, because ...
    """
    described = _describe(policy)
    if path is None:
        return
    # A link stays one: replacing it would leave the file behind it as it was.
    path = os.path.realpath(os.fsdecode(path))
    write_at_once(path, described)


def load(path: str | os.PathLike[str], *, max_size: int = _LARGEST) -> Any:
    """
    Read a policy that `save` wrote; the file holds data, and no names are imported.

    The checksum finds damage; it does not say who wrote the file.

    Parameters
    ----------
    path : str or path-like
        The file.
    max_size : int, default=2**30
        Largest size in bytes.

    Returns
    -------
    estimator
        What was saved. Its predictions are the same to the last bit with the same
        versions of the packages; with others there is a warning.

    Raises
    ------
    SkampoFileError
        If the file is damaged or crafted, too large, no file of skampo, of another
        format, needs a package that is not installed, or does not fit into memory.
    InvalidParameterError
        If `max_size` is no number of bytes.
    FileNotFoundError
        If there is no such file.

    See Also
    --------
    save : Writes it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skampo
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "policy.skampo"
    ...     _ = path.write_bytes(b"something else")
    ...     skampo.load(path)
    Traceback (most recent call last):
    ...
    skampo.exceptions.SkampoFileError: ...policy.skampo is no file of skampo...
    """
    # Outside of the block below: a wrong argument is no fault of the file.
    check_argument("load", "max_size", max_size, Interval(int, 0))
    with _naming(path):
        versions, description, arrays = _open(_read(path, max_size))
        policy = _build(description, arrays)
    _warn_about_versions(path, versions)
    return policy


def _describe(policy):
    """All bytes of a file, after it was seen that they can be read."""
    name = type(policy).__name__
    writer = Writer(take_apart)
    try:
        root = writer.node(policy, name)
    except SkampoFileError as error:
        raise SkampoFileError(f"{name} {error}") from error.__cause__
    arrays = [
        array.ravel("F" if order == "F" else "C") for array, order in writer.arrays
    ]
    headers = [[a.dtype.str, list(a.shape), order] for a, order in writer.arrays]
    lines = [{**_versions(), "estimator": name}, {"arrays": headers, "value": root}]
    text = b"".join(
        json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines
    )
    body = text + b"".join(array.tobytes() for array in arrays)
    head = f"skampo {_FORMAT} {hashlib.sha256(body).hexdigest()}\n".encode()
    try:
        # What `load` refuses is found while the policy is still there.
        _build(*_open(head + body)[1:])
    except Exception as error:
        raise SkampoFileError(
            f"{name} cannot be saved, because load would refuse the file: {error}. Use "
            "joblib.dump for files that only you will read."
        ) from error
    return head + body


def _versions():
    installed = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}
    return {"skampo": __version__, **installed}


@contextmanager
def _naming(path):
    """Whatever is wrong with the contents of a file is said with its path."""
    name = os.fsdecode(path)
    try:
        yield
    except (FileNotFoundError, PermissionError):
        # These name the path already, and say nothing of the contents.
        raise
    except SkampoFileError as error:
        raise SkampoFileError(f"{name} {error}") from None
    except ModuleNotFoundError as error:
        raise SkampoFileError(
            f"{name} was not loaded, because it needs the module {error.name!r}, which "
            "is not there. Install its package in the version that wrote the file."
        ) from error
    except MemoryError as error:
        raise SkampoFileError(
            f"{name} was not loaded, because it does not fit into memory. Free some "
            "and load it again."
        ) from error
    except Exception as error:
        raise SkampoFileError(
            f"{name} was not loaded, because it is damaged or crafted: "
            f"{type(error).__name__}: {error}."
        ) from error


def _read(path, max_size):
    # Before it is opened: a pipe would wait for somebody to write.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise SkampoFileError("is no regular file. Give the path of a file.")
    with open(path, "rb") as file:
        # One byte more shows a file that grows.
        size = min(os.fstat(file.fileno()).st_size, max_size)
        data = file.read(size + 1)
    if len(data) > max_size:
        raise SkampoFileError(
            f"was not loaded, because it has more than max_size={max_size:,} bytes. If "
            "you know where it comes from, call load with a larger max_size."
        )
    return data


def _open(data):
    """The versions that wrote a file, its description and its arrays."""
    head = _HEAD.match(data)
    if head is None:
        raise SkampoFileError(_say_what_it_is(data))
    if int(head[1]) != _FORMAT:
        advice = "Update skampo" if int(head[1]) > _FORMAT else "Fit the policy again"
        raise SkampoFileError(
            f"has format {int(head[1])}, and this version of skampo reads format "
            f"{_FORMAT} alone. {advice}."
        )
    body = memoryview(data)[head.end() :]
    # Before anything is parsed: damage could look like any other error.
    if hashlib.sha256(body).hexdigest().encode() != head[2]:
        raise SkampoFileError(
            "is damaged: its contents do not match its checksum, so that it is "
            "incomplete or was changed. Take another copy, or save the policy again."
        )
    end = data.find(b"\n", head.end(), head.end() + _LONGEST_LINE)
    stop = data.find(b"\n", end + 1)
    if min(end, stop) < 0:
        raise ValueError("a line without an end")
    versions, text = _parse(data[head.end() : end]), data[end + 1 : stop]
    cost = 2 * len(text) + sum(n * text.count(byte) for byte, n in _COSTS.items())
    if cost > max(_ALLOWED_COST, 8 * len(data)):
        raise ValueError("a description that takes far more memory than the file")
    return versions, _parse(text), memoryview(data)[stop + 1 :]


def _parse(line):
    try:
        parsed = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a line that is none of skampo: {error}") from error
    if type(parsed) is not dict:
        raise ValueError("a line that names nothing")
    return parsed


def _build(description, data):
    if description.keys() != {"arrays", "value"}:
        raise ValueError("a description of other parts than arrays and a value")
    arrays = read_arrays(description["arrays"], data)
    policy = Reader(arrays, put_together).value(description["value"])
    if not hasattr(policy, "get_params"):
        raise ValueError(f"a {type(policy).__name__} in place of an estimator")
    return policy


def _say_what_it_is(data):
    if not data:
        return "is empty. Save the policy again."
    # Pickles of protocol 2 and later begin with this byte.
    if data[:1] == b"\x80":
        return (
            "is a pickle and no file of skampo. Reading a pickle runs code from it: "
            "use joblib.load, if you know where it comes from."
        )
    return "is no file of skampo: it does not start with 'skampo'."


def _warn_about_versions(path, versions):
    """Say which packages have another version than the one that wrote the file."""
    now = _versions()
    differ = [
        f"{name} {versions.get(name)} (now {now[name]})"
        for name in ("skampo", "scikit-learn")
        if str(versions.get(name)).split(".")[:2] != now[name].split(".")[:2]
    ]
    if differ:
        warnings.warn(
            f"{os.fsdecode(path)} was written by {' and '.join(differ)}. Its "
            "predictions may differ: compare some, or save the policy again.",
            UserWarning,
            stacklevel=3,
        )
