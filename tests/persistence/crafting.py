"""Files as an attacker would write them: edited, and with a checksum that is right."""

import hashlib
import io
import json
import re
import zipfile


def unpack(data):
    """The head line of versions, the schema and the other members of a file."""
    _, versions, payload = data.split(b"\n", 2)
    archive = zipfile.ZipFile(io.BytesIO(payload))
    members = {name: archive.read(name) for name in archive.namelist()}
    return versions, json.loads(members.pop("schema.json")), members


def pack(versions, payload, number=1):
    """A file around any payload."""
    body = versions + b"\n" + payload
    digest = hashlib.sha256(body).hexdigest()
    return f"skampo {number} {digest}\n".encode() + body


def archive(entries):
    """An archive of (name, contents), names may repeat."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, contents in entries:
            file.writestr(name, contents)
    return buffer.getvalue()


def edit(data, change):
    """The file after `change(schema, members)`, which edits both in place."""
    versions, schema, members = unpack(data)
    change(schema, members)
    entries = [*members.items(), ("schema.json", json.dumps(schema))]
    return pack(versions, archive(entries))


def nodes(value):
    """All nodes of a schema."""
    if isinstance(value, list):
        for part in value:
            yield from nodes(part)
    elif isinstance(value, dict):
        if "__loader__" in value:
            yield value
        for part in value.values():
            yield from nodes(part)


def find(schema, name):
    """All descriptions of objects of one class."""
    return [node for node in nodes(schema) if node["__class__"] == name]


def resized(model_text):
    """A LightGBM model whose sizes of trees are right again."""
    trees = re.split(r"(?m)^(?=Tree=|end of trees)", model_text)[1:-1]
    sizes = " ".join(str(len(tree)) for tree in trees)
    return re.sub(r"tree_sizes=.*", f"tree_sizes={sizes}", model_text)
