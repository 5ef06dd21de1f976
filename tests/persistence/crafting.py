"""Files as an attacker would write them: edited, and with a checksum that is right."""

import functools
import hashlib
import json

import numpy as np
import pytest

import skampo
from skampo.exceptions import SkampoFileError


def unpack(data):
    """The line of versions, the value and the arrays of a file."""
    _, versions, text, rest = data.split(b"\n", 3)
    description, arrays, start = json.loads(text), [], 0
    for dtype, shape, order in description["arrays"]:
        flat = np.frombuffer(rest, dtype, int(np.prod(shape)), start)
        arrays.append(flat.reshape(shape, order=order).copy(order))
        start += flat.nbytes
    return versions, description["value"], arrays


def pack(versions, value, arrays):
    """A file of these parts; an array may be a header and bytes of its own."""
    headers, parts = [], []
    for array in arrays:
        if isinstance(array, tuple):
            headers.append(array[0])
            parts.append(array[1])
        else:
            order = "C" if array.flags.c_contiguous else "F"
            headers.append([array.dtype.str, list(array.shape), order])
            parts.append(array.tobytes(order))
    return seal(versions, {"arrays": headers, "value": value}, b"".join(parts))


def seal(versions, description, rest=b"", number=2):
    """A file around any description."""
    if not isinstance(description, bytes):
        description = json.dumps(description).encode()
    return sealed(b"\n".join([versions, description, rest]), number)


def sealed(body, number=2):
    """A file of any bytes."""
    return f"skampo {number} {hashlib.sha256(body).hexdigest()}\n".encode() + body


def edit(data, change):
    """The file after `change(value, arrays)`, which edits both in place."""
    versions, value, arrays = unpack(data)
    change(value, arrays)
    return pack(versions, value, arrays)


def load_edited(path, data, *changes):
    """What comes of a file after changes, if there are any, which change something."""
    edited = functools.reduce(edit, changes, data)
    assert not changes or edited != edit(data, lambda value, arrays: None)
    path.write_bytes(edited)
    return skampo.load(path)


def assert_refused(path, data, change, words):
    """Require that the file is refused after a change, in these words."""
    with pytest.raises(SkampoFileError, match="was not loaded, because it is") as error:
        load_edited(path, data, change)
    # Another check may refuse it as well, and this one would be missed by nobody.
    assert words in str(error.value)


def nodes(value):
    """All nodes of a value that are dicts."""
    if isinstance(value, list):
        for part in value:
            yield from nodes(part)
    elif isinstance(value, dict):
        yield value
        for part in value.values():
            yield from nodes(part)


def find(value, name):
    """Parameters and fitted attributes of all objects of one class."""
    found = [node["object"] for node in nodes(value) if "object" in node]
    return [content[1:] for content in found if content[0] == name]
