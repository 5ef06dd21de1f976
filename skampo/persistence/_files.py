"""Writing and reading files: first the checksum, then the types, then the objects."""

import hashlib
import json
import os
import re
import sys
import uuid
import warnings
from contextlib import contextmanager, suppress
from importlib.metadata import version

from sklearn.exceptions import InconsistentVersionWarning

from skampo._version import __version__
from skampo.exceptions import SkampoFileError
from skampo.persistence._native import OWNED, check_native_parts
from skampo.persistence._schema import Schema, share_repeated
from skampo.persistence._trusted import (
    is_trusted,
    may_trust,
    names_for_skops,
    type_names,
)
from skampo.utils._sklearn import without_callbacks
from skampo.utils._validation import Interval, check_argument

__all__ = ["load", "save"]

_FORMAT = 1
_HEAD = re.compile(rb"skampo ([0-9]{1,6}) ([0-9a-f]{64})\n")
_LARGEST = 2**30


def save(estimator, path):
    """
    Write a fitted policy, or an estimator around one, to a safe file.

    The file appears at once and complete: a crash or a full disk leaves what was at
    `path` before. Callbacks are left out.

    Parameters
    ----------
    estimator : estimator
        A policy, or a Pipeline or search that holds one.
    path : str or path-like
        Where to write; an existing file is replaced.

    Raises
    ------
    SkampoFileError
        If a part cannot be stored, as lambdas and live environments cannot, or would
        be refused by `load` whatever is trusted.
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
    >>> from skampo.persistence import load, save
    >>> policy = AMPOPolicy(max_iter=2, random_state=0).fit([[0.0], [1.0]], [0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(policy, Path(folder) / "policy.skampo")
    ...     load(Path(folder) / "policy.skampo").predict([[0.0], [1.0]])
    array([0, 1])
    """
    payload = _dump(estimator)
    head = json.dumps({**_versions(), "estimator": type(estimator).__name__}).encode()
    body = head + b"\n" + payload
    digest = hashlib.sha256(body).hexdigest()
    # A link stays one: replacing it would leave the file behind it as it was.
    path = os.path.realpath(os.fsdecode(path))
    _write(path, b"skampo %d %s\n" % (_FORMAT, digest.encode()) + body)


def load(path, *, trusted=(), max_size=_LARGEST):
    """
    Read a policy that `save` wrote; no code from the file is ever run.

    A damaged or crafted file is refused before anything in it is built. The checksum
    finds damage; it does not say who wrote the file.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : sequence of type, function or str, default=()
        Types and functions of your own that the policy holds, or their dotted names.
        Their modules are imported. They are not looked into any further.
    max_size : int, default=2**30
        Largest size in bytes, packed or unpacked.

    Returns
    -------
    estimator
        What was saved. Its predictions are the same to the last bit with the same
        versions of the packages; with others there is a warning.

    Raises
    ------
    SkampoFileError
        If the file is damaged, too large, no file of skampo, of a newer format, asks
        for a type that is not trusted or a package that is not installed, or does not
        fit into memory.
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
    trusted = type_names(trusted)
    check_argument("load", "max_size", max_size, Interval(int, 0))
    with _naming(path):
        versions, payload = _open(_read(path, max_size), max_size)
        schema = Schema(payload, max_size)
        names = _audit(schema, trusted)
        check_native_parts(schema, trusted)
        estimator = _build(schema.payload, names_for_skops(names, trusted))
    _warn_about_versions(path, versions)
    return estimator


def _dump(estimator):
    # Imported late, so that `import skampo` stays quick.
    import skops.io

    try:
        payload = share_repeated(skops.io.dumps(without_callbacks(estimator)))
        # What `load` refuses is found while the estimator is still there.
        _check_loadable(estimator, Schema(payload, sys.maxsize))
    except SkampoFileError:
        raise
    except Exception as error:
        raise SkampoFileError(
            f"{type(estimator).__name__} cannot be saved: {error}. Lambdas, functions "
            "inside functions and open environments have no stored form: define "
            "functions at the top of a module, or use joblib.dump for files that only "
            "you will read."
        ) from error
    return payload


def _check_loadable(estimator, schema):
    """Refuse to write what `load` would not read whatever is trusted."""
    refused = _untrusted(schema, ())
    hopeless = sorted({name for loader, name in refused if not may_trust(loader)})
    reason = f"{hopeless} in a role in which nothing is trusted" if hopeless else ""
    try:
        # Types of users are theirs to trust, with the native parts inside.
        check_native_parts(schema, OWNED.union(name for _, name in refused))
    except ValueError as error:
        reason = str(error)
    if reason:
        raise SkampoFileError(
            f"{type(estimator).__name__} cannot be saved, because load would refuse "
            f"the file: {reason}. Use joblib.dump for files that only you will read."
        )


def _versions():
    installed = {name: version(name) for name in ("scikit-learn", "numpy", "skops")}
    return {"skampo": __version__, **installed}


def _write(path, data):
    """All or nothing: a new file beside the old one takes its place when complete."""
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            # Without it the new name may reach the disk before the contents do.
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        # After Ctrl-C as well; the file may never have been made.
        with suppress(OSError):
            os.unlink(temporary)
        raise


@contextmanager
def _naming(path):
    """Whatever is wrong with the contents of a file is said with its path."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        # These name the path already, and say nothing of the contents.
        raise
    except SkampoFileError as error:
        message = f"{os.fsdecode(path)} {error}"
        raise SkampoFileError(message, untrusted=error.untrusted) from None
    except ModuleNotFoundError as error:
        raise SkampoFileError(
            f"{os.fsdecode(path)} was not loaded, because it needs the module "
            f"{error.name!r}, which is not there. Install its package in the version "
            "that wrote the file."
        ) from error
    except MemoryError as error:
        raise SkampoFileError(
            f"{os.fsdecode(path)} was not loaded, because it does not fit into memory. "
            "Free some and load it again."
        ) from error
    except Exception as error:
        raise SkampoFileError(
            f"{os.fsdecode(path)} was not loaded, because it is damaged or crafted: "
            f"{type(error).__name__}: {error}."
        ) from error


def _read(path, max_size):
    if os.path.isdir(path):
        raise SkampoFileError("is a directory. Give the path of a file.")
    with open(path, "rb") as file:
        # Room for what is there, and one byte more that shows a file that grows; a
        # pipe has no size.
        size = os.fstat(file.fileno()).st_size if file.seekable() else max_size
        data = file.read(min(size, max_size) + 1)
    if len(data) > max_size:
        raise SkampoFileError(
            f"was not loaded, because it has more than max_size={max_size:,} bytes. If "
            "you know where it comes from, call load with a larger max_size."
        )
    return data


def _open(data, max_size):
    """The versions that wrote the file and its payload, after the checksum."""
    head = _HEAD.match(data)
    if head is None:
        raise SkampoFileError(_describe(data))
    if int(head[1]) != _FORMAT:
        raise SkampoFileError(
            f"has format {int(head[1])}, and this version of skampo reads format "
            f"{_FORMAT}. Update skampo, or save the policy again."
        )
    body = data[head.end() :]
    # Before anything is parsed: damage could look like any other error.
    if hashlib.sha256(body).hexdigest().encode() != head[2]:
        raise SkampoFileError(
            "is damaged: its contents do not match its checksum, so that it is "
            "incomplete or was changed. Take another copy, or save the policy again."
        )
    line, _, payload = body.partition(b"\n")
    versions = json.loads(line)
    if not isinstance(versions, dict):
        raise ValueError("a line of versions that names no packages")
    return versions, payload


def _describe(data):
    if not data:
        return "is empty. Save the policy again."
    # Pickles of protocol 2 and later begin with this byte.
    if data[:1] == b"\x80":
        return (
            "is a pickle and no file of skampo. Reading a pickle runs code from it: "
            "use joblib.load, if you know where it comes from."
        )
    return "is no file of skampo: it does not start with 'skampo'."


def _audit(schema, trusted):
    """The names of all types in the file, or an error with those not trusted."""
    if refused := _untrusted(schema, trusted):
        raise _distrust({name for _, name in refused})
    return {name for _, name in _roles(schema)}


def _roles(schema):
    """What is built, and as what: pairs of loader and name."""
    return {
        (node["__loader__"], f"{node['__module__']}.{node['__class__']}")
        for node in schema.nodes
    }


def _untrusted(schema, trusted):
    return {role for role in _roles(schema) if not is_trusted(*role, trusted)}


def _distrust(refused):
    """The error for types that are not trusted."""
    return SkampoFileError(
        f"asks for types that skampo does not trust: {sorted(refused)}. It was not "
        "loaded. If you know them, name them: "
        f"load(path, trusted={sorted(refused)}).",
        untrusted=sorted(refused),
    )


def _build(payload, names):
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        with warnings.catch_warnings():
            # Every single estimator would say what `load` says once.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return skops.io.loads(payload, trusted=names)
    except UntrustedTypesFoundException as error:
        # Names of NumPy, SciPy and scikit-learn are left to the list of skops.
        refused = set(skops.io.get_untrusted_types(data=payload)) - set(names)
        raise _distrust(refused) from error


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
