"""Sizes, types and nodes that no file has, behind a checksum that is right."""

import functools
import json
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import Ridge

import skampo
from skampo.exceptions import SkampoFileError
from skampo.persistence import save
from tests.persistence.crafting import seal, sealed

RIDGE = {"object": ["Ridge", {}, {}]}


def an_array(dtype, shape, data, order="C"):
    return seal(b"{}", {"arrays": [[dtype, shape, order]], "value": RIDGE}, data)


def holding(node):
    """An estimator with a parameter of any kind."""
    ridge = {"object": ["Ridge", {"alpha": node}, {}]}
    return seal(b"{}", {"arrays": [], "value": ridge})


def within(node, _):
    """A tuple of one node."""
    return {"tuple": [node]}


def doubled(n):
    """A union of a union of itself, which is 2ⁿ parts in n nodes."""
    parts = [{"object": ["StandardScaler", {}, {}]}]
    for i in range(n):
        pair = [{"tuple": [name, {"again": i}]} for name in "ab"]
        parts.append({"object": ["FeatureUnion", {"transformer_list": pair}, {}]})
    return parts


LEVELS = 100_000
ONE_ARRAY = {"arrays": [["<f8", [1], "C"]]}
MALFORMED = {
    "a bool that is neither true nor false": {
        "bools that are neither": an_array("|b1", [2], b"\x01\x02")
    },
    "a letter that is none": {
        "letters that are none": an_array("<U1", [1], b"\xff\xff\xff\xff")
    },
    "'|O' is no type of numbers": {"objects": an_array("|O", [1], b"\0" * 8)},
    "'<f8,O' is no type of numbers": {"records": an_array("<f8,O", [1], b"\0" * 16)},
    "'|V8' is no type of numbers": {
        "bytes of no kind": an_array("|V8", [1], b"\0" * 8)
    },
    "'<U0' is no type of numbers": {
        "types of no size": an_array("<U0", [10**9], b""),
        "a type of no width": holding({"dtype": "<U0"}),
    },
    "'>f8' is no type of numbers": {
        "another order of bytes": an_array(">f8", [1], b"\0" * 8)
    },
    "an array of no shape": {
        "a shape below nothing": an_array("<f8", [-1, -1], b"\0" * 8),
        "a shape that is left open": an_array("<f8", [-1], b"\0" * 8),
        "a shape of text": an_array("<f8", ["a", 10**9], b""),
        "an order of neither": an_array("<f8", [1], b"\0" * 8, order="A"),
    },
    "'f8' is no type of numbers": {
        "another name of a type": an_array("f8", [1], b"\0" * 8)
    },
    "'2f8' is no type of numbers": {
        "a type that is parsed": an_array("2f8", [1], b"\0" * 8)
    },
    "8 is no type of numbers": {"a type that is a number": an_array(8, [1], b"\0" * 8)},
    "'|f8' is no type of numbers": {
        "a type of another order": an_array("|f8", [1], b"\0" * 8)
    },
    "'<U20000' is no type of numbers": {
        "a text that is too wide": an_array("<U20000", [1], b"\0" * 80_000)
    },
    "an array that is larger than the rest of the file": {
        "a shape that overflows": an_array("<f8", [2**32, 2**32], b"\0" * 8),
        "a length that nothing pays for": an_array("<f8", [0, 10**9], b""),
        "more than there is": an_array("<f8", [2], b"\0" * 8),
    },
    "bytes behind the last array": {
        "less than there is": an_array("<f8", [1], b"\0" * 16)
    },
    "a line that names nothing": {
        "no description": seal(b"{}", b"null"),
        "a list of versions": seal(b"[]", {"arrays": [], "value": RIDGE}),
    },
    "a line without an end": {
        "a long line of versions": seal(b'{"a":"%s"}' % (b"a" * 10**6), b"{}"),
        "a line alone": sealed(b"{}\n{}"),
    },
    "a line that is none of skampo": {
        "levels without end": seal(
            b"{}", b'{"value":' + b"[" * LEVELS + b"]" * LEVELS + b"}"
        ),
        "an integer without end": seal(
            b"{}", b'{"arrays":[],"value":' + b"9" * 9999 + b"}"
        ),
    },
    "parts inside each other on more than 60 levels": {
        "levels": holding(json.loads("[" * 99 + "]" * 99)),
        "levels of tuples": holding(functools.reduce(within, range(99), 1)),
    },
    "more than 100,000 objects": {
        "many parts in few nodes": holding({"tuple": doubled(20)})
    },
    "an array of what is neither text nor numbers": {
        "an object among texts": holding({"objects": [RIDGE]})
    },
    "an object of [], which files do not hold": {
        "an object of no name": holding({"object": [[], {}, {}]})
    },
    "a list in place of an estimator": {
        "no estimator": seal(b"{}", {"arrays": [], "value": [RIDGE]})
    },
    "an integer of more than 64 bits": {
        "a large integer": holding(2**64),
        "an integer below all": holding(-(2**63) - 1),
    },
    "a slice between what are no integers": {
        "a slice between texts": holding({"slice": ["a", None, None]})
    },
    "a number that is none": {"a number of lists": holding({"number": ["<f8", [1.0]]})},
    "1 as a type, which files do not hold": {
        "a kind of node that is a number": holding({"type": 1})
    },
    "a number of what is not there": {
        "the last array": seal(b"{}", ONE_ARRAY | {"value": {"array": -1}}, b"\0" * 8),
        "the array of true": seal(
            b"{}", ONE_ARRAY | {"value": {"array": False}}, b"\0" * 8
        ),
        "an array that is not there": holding({"array": 0}),
        "what comes later": holding({"again": 0}),
    },
    "a description of other parts than arrays and a value": {
        "other parts of a description": seal(
            b"{}", {"arrays": [], "value": RIDGE, "more": 1}
        ),
        "no value": seal(b"{}", {"arrays": []}),
    },
    "a line that is none of skampo: 'ascii' codec": {
        "letters of another script": seal(b"{}", '{"arrays":[],"value":"é"}'.encode())
    },
    "a node that is not of one kind": {
        "two kinds at once": holding({"tuple": [], "slice": []})
    },
    "a key that is neither text nor a number": {
        "a key that is a list": holding({"dict": [[[], 1]]})
    },
    "a description that takes far more memory than the file": {
        "millions of lists": seal(
            b"{}", b'{"arrays":[],"value":[' + b"[]," * 10**6 + b"[]]}"
        )
    },
}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(data, words, id=name)
        for words, files in MALFORMED.items()
        for name, data in files.items()
    ],
)
def test_malformed_files_are_refused_within_a_little_memory(data, words, tmp_path):
    (tmp_path / "crafted").write_bytes(data)
    tracemalloc.start()
    with pytest.raises(SkampoFileError, match="was not loaded, because it is") as error:
        skampo.load(tmp_path / "crafted")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * len(data) + 2**24
    assert words in str(error.value)


def test_a_repeated_part_is_one_object(tmp_path):
    pair = {"tuple": [RIDGE, {"again": 0}]}
    (tmp_path / "pair").write_bytes(holding(pair))
    with pytest.warns(UserWarning, match="was written by"):
        loaded = skampo.load(tmp_path / "pair")
    assert loaded.alpha[0] is loaded.alpha[1]


@pytest.mark.parametrize("number", [-(10**6), np.array(0.5), np.float32(0.1), True])
def test_numbers_are_what_they_were(number, tmp_path):
    save(Ridge(alpha=number), tmp_path / "ridge")
    loaded = skampo.load(tmp_path / "ridge").alpha
    assert type(loaded) is type(number)
    assert_array_equal(loaded, number, strict=True)
