"""What a file asks for, looked at before anything is built from it.

skops describes an object as a tree of nodes in JSON, with arrays in files of their own.
`Schema` reads that description without importing or building anything.
"""

import io
import json
import re
import zipfile

import numpy as np

__all__ = ["Schema", "share_repeated"]

_MEMBER = re.compile(r"schema\.json|[0-9]{1,30}\.np[yz]|[0-9a-f-]{36}\.bin")
# Parts of a sparse array, in an archive within the archive.
_PART = re.compile(r"[a-z_]{1,30}\.npy")
_DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_STORED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Schema:
    """
    The nodes of a file and its arrays; malformed ones raise a ValueError.

    Parameters
    ----------
    payload : bytes
        What skops wrote.
    max_size : int
        Largest number of bytes that the unpacked file may have.

    Attributes
    ----------
    payload : bytes
        The same file, unpacked: what follows reads these bytes, whose sizes are known.
    """

    def __init__(self, payload, max_size):
        self.payload = _unpack(payload, _MEMBER, max_size)
        self.archive = zipfile.ZipFile(io.BytesIO(self.payload))
        self.root = json.loads(self.archive.read("schema.json"))
        self.nodes = list(self._walk())
        for name in self.archive.namelist():
            if name.endswith(".npy"):
                self._check_header(name)

    def _walk(self):
        """Every node of the file."""
        known, waiting = {}, [self.root]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                waiting.extend(value.values())
                if "__loader__" in value:
                    _check_node(value)
                    self._check_identity(value, known)
                    yield value
            elif isinstance(value, list):
                waiting.extend(value)

    def _check_identity(self, node, known):
        """Skops builds an object once for each identity, from whichever comes first."""
        identity = node.get("__id__")
        if identity is not None and known.setdefault(identity, node) != node:
            raise ValueError("one identity stands for different objects")

    def _check_header(self, name):
        """An array is exactly as long as its header says, and holds no objects."""
        with self.archive.open(name) as member:
            shape, dtype = _read_header(member)
            rest = self.archive.getinfo(name).file_size - member.tell()
        # In Python integers, since the product of a crafted shape may overflow others.
        n_bytes = dtype.itemsize
        for length in shape:
            n_bytes *= length
        # The product of two negative lengths could match.
        if dtype.hasobject or n_bytes != rest or min(shape, default=0) < 0:
            raise ValueError(f"the array {name} does not have the size that it states")

    def value(self, node):
        """Numbers, text and arrays of a node; nodes of other objects as they are."""
        loader = node["__loader__"]
        if loader == "JsonNode":
            return json.loads(node["content"])
        if loader in ("ListNode", "TupleNode"):
            return [self.value(part) for part in node["content"]]
        if loader == "NdArrayNode":
            return self._array(node)
        return node

    def _array(self, node):
        if node["type"] == "json":
            return [self.value(part) for part in node["content"]]
        data = io.BytesIO(self.archive.read(node["file"]))
        array = np.load(data, allow_pickle=False)
        return array if node["__class__"] == "ndarray" else array[()]

    def attributes(self, node):
        """The nodes of an object's attributes by name."""
        content = node.get("content")
        if content is None or content["__loader__"] == "JsonNode":
            return {}
        if content["__loader__"] != "DictNode":
            raise ValueError(f"a {node['__class__']} without a dict of attributes")
        # skops turns keys into these types: only text is built under the name in sight.
        if any(t["__class__"] != "str" for t in content["key_types"]["content"]):
            raise ValueError(f"attributes of a {node['__class__']} without a name")
        return content["content"]


def share_repeated(payload):
    """
    Describe each object the same way wherever it occurs, and drop what is not needed.

    Parameters
    ----------
    payload : bytes
        What skops wrote: states that are made anew each time have new identities.

    Returns
    -------
    bytes
        The same objects.
    """
    source = zipfile.ZipFile(io.BytesIO(payload))
    known, files = {}, set()

    def share(value):
        if isinstance(value, list):
            return [share(part) for part in value]
        if not isinstance(value, dict):
            return value
        if "__loader__" in value and value.get("__id__") in known:
            return known[value["__id__"]]
        shared = {key: share(part) for key, part in value.items()}
        if "__loader__" in value:
            known[value.get("__id__")] = shared
            # The files of repeated descriptions are not among these, and left out.
            files.add(value.get("file"))
        return shared

    schema = share(json.loads(source.read("schema.json")))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression=zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if name in files:
                target.writestr(name, source.read(name))
        target.writestr("schema.json", json.dumps(schema))
    return buffer.getvalue()


def _unpack(payload, names, max_size):
    """An archive of the same members, not packed and of the sizes that they state."""
    source, buffer = zipfile.ZipFile(io.BytesIO(payload)), io.BytesIO()
    _check_members(source.infolist(), names, max_size)
    with zipfile.ZipFile(buffer, "w") as target:
        for member in source.infolist():
            contents = _read_member(source, member)
            if member.filename.endswith(".npz"):
                contents = _unpack(contents, _PART, max_size)
            max_size -= len(contents)
            target.writestr(member.filename, contents)
    return buffer.getvalue()


def _read_member(source, member):
    """What a member holds; one that is longer than it states is refused."""
    stated = member.file_size
    # What is behind the stated size would be dropped without a word, and other ways
    # of reading unpack all of it. One byte more shows it, and reads no further.
    member.file_size += 1
    with source.open(member) as file:
        contents = file.read(stated + 1)
    if len(contents) != stated:
        raise ValueError(f"{member.filename} does not have the size that it states")
    return contents


def _check_members(members, expected, max_size):
    names = [member.filename for member in members]
    strange = [name for name in names if not expected.fullmatch(name)]
    if strange:
        raise ValueError(f"a member of the archive is called {strange[0]!r}")
    if len(set(names)) < len(names):
        raise ValueError("two members of the archive have the same name")
    if any(member.compress_type not in _STORED for member in members):
        raise ValueError("a member of the archive is compressed in an unknown way")
    size = sum(member.file_size for member in members)
    if size > max_size:
        raise ValueError(
            f"unpacked it has {size:,} bytes, and max_size leaves {max_size:,} for it"
        )


def _read_header(member):
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
    else:
        # Version 3 differs from 2 in the encoding of field names alone.
        shape, _, dtype = np.lib.format.read_array_header_2_0(member)
    return shape, dtype


def _check_node(node):
    """The parts of a node that decide what is built have the expected form."""
    for part in ("__module__", "__class__"):
        if not _DOTTED_NAME.fullmatch(node[part]):
            raise ValueError(f"{node[part]!r} is not the name of a type")
    if node["__loader__"] == "JsonNode":
        # skops trusts this text, whatever it holds, and `attributes` stops at it.
        if isinstance(json.loads(node["content"]), dict | list):
            raise ValueError("a number or text that is neither")
    if node["__loader__"] == "DictNode":
        kinds = node["key_types"]
        is_list = kinds["__loader__"] == "ListNode" and kinds["__class__"] == "list"
        # skops pairs keys with types and silently drops those that are left over.
        if not is_list or len(kinds["content"]) != len(node["content"]):
            raise ValueError("a dict that has not one type for each key")
