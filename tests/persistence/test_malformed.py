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
    "bools that are neither": (
        an_array("|b1", [2], b"\x01\x02"),
        "a bool that is neither true nor false",
    ),
    "letters that are none": (
        an_array("<U1", [1], b"\xff\xff\xff\xff"),
        "a letter that is none",
    ),
    "objects": (an_array("|O", [1], b"\0" * 8), "'|O' is no type of numbers"),
    "records": (an_array("<f8,O", [1], b"\0" * 16), "'<f8,O' is no type of numbers"),
    "bytes of no kind": (
        an_array("|V8", [1], b"\0" * 8),
        "'|V8' is no type of numbers",
    ),
    "types of no size": (an_array("<U0", [10**9], b""), "'<U0' is no type of numbers"),
    "another order of bytes": (
        an_array(">f8", [1], b"\0" * 8),
        "'>f8' is no type of numbers",
    ),
    "a shape below nothing": (
        an_array("<f8", [-1, -1], b"\0" * 8),
        "an array of no shape",
    ),
    "a shape that is left open": (
        an_array("<f8", [-1], b"\0" * 8),
        "an array of no shape",
    ),
    "another name of a type": (
        an_array("f8", [1], b"\0" * 8),
        "'f8' is no type of numbers",
    ),
    "a type that is parsed": (
        an_array("2f8", [1], b"\0" * 8),
        "'2f8' is no type of numbers",
    ),
    "a type of no width": (holding({"dtype": "<U0"}), "'<U0' is no type of numbers"),
    "a type that is a number": (
        an_array(8, [1], b"\0" * 8),
        "8 is no type of numbers",
    ),
    "a type of another order": (
        an_array("|f8", [1], b"\0" * 8),
        "'|f8' is no type of numbers",
    ),
    "a text that is too wide": (
        an_array("<U20000", [1], b"\0" * 80_000),
        "'<U20000' is no type of numbers",
    ),
    "a shape that overflows": (
        an_array("<f8", [2**32, 2**32], b"\0" * 8),
        "an array that is larger than the rest of the file",
    ),
    "a shape of text": (an_array("<f8", ["a", 10**9], b""), "an array of no shape"),
    "a length that nothing pays for": (
        an_array("<f8", [0, 10**9], b""),
        "an array that is larger than the rest of the file",
    ),
    "more than there is": (
        an_array("<f8", [2], b"\0" * 8),
        "an array that is larger than the rest of the file",
    ),
    "less than there is": (
        an_array("<f8", [1], b"\0" * 16),
        "bytes behind the last array",
    ),
    "an order of neither": (
        an_array("<f8", [1], b"\0" * 8, order="A"),
        "an array of no shape",
    ),
    "no description": (seal(b"{}", b"null"), "a line that names nothing"),
    "a list of versions": (
        seal(b"[]", {"arrays": [], "value": RIDGE}),
        "a line that names nothing",
    ),
    "a long line of versions": (
        seal(b'{"a":"%s"}' % (b"a" * 10**6), b"{}"),
        "a line without an end",
    ),
    "levels without end": (
        seal(b"{}", b'{"value":' + b"[" * LEVELS + b"]" * LEVELS + b"}"),
        "a line that is none of skampo",
    ),
    "levels": (
        holding(json.loads("[" * 99 + "]" * 99)),
        "parts inside each other on more than 60 levels",
    ),
    "levels of tuples": (
        holding(functools.reduce(within, range(99), 1)),
        "parts inside each other on more than 60 levels",
    ),
    "many parts in few nodes": (
        holding({"tuple": doubled(20)}),
        "more than 100,000 objects",
    ),
    "an object among texts": (
        holding({"objects": [RIDGE]}),
        "an array of what is neither text nor numbers",
    ),
    "an object of no name": (
        holding({"object": [[], {}, {}]}),
        "an object of [], which files do not hold",
    ),
    "no estimator": (
        seal(b"{}", {"arrays": [], "value": [RIDGE]}),
        "a list in place of an estimator",
    ),
    "an integer without end": (
        seal(b"{}", b'{"arrays":[],"value":' + b"9" * 9999 + b"}"),
        "a line that is none of skampo",
    ),
    "a large integer": (holding(2**64), "an integer of more than 64 bits"),
    "an integer below all": (holding(-(2**63) - 1), "an integer of more than 64 bits"),
    "a slice between texts": (
        holding({"slice": ["a", None, None]}),
        "a slice between what are no integers",
    ),
    "a number of lists": (
        holding({"number": ["<f8", [1.0]]}),
        "a number that is none",
    ),
    "a kind of node that is a number": (
        holding({"type": 1}),
        "1 as a type, which files do not hold",
    ),
    "the last array": (
        seal(b"{}", ONE_ARRAY | {"value": {"array": -1}}, b"\0" * 8),
        "a number of what is not there",
    ),
    "the array of true": (
        seal(b"{}", ONE_ARRAY | {"value": {"array": False}}, b"\0" * 8),
        "a number of what is not there",
    ),
    "other parts of a description": (
        seal(b"{}", {"arrays": [], "value": RIDGE, "more": 1}),
        "a description of other parts than arrays and a value",
    ),
    "no value": (
        seal(b"{}", {"arrays": []}),
        "a description of other parts than arrays and a value",
    ),
    "a line alone": (sealed(b"{}\n{}"), "a line without an end"),
    "letters of another script": (
        seal(b"{}", '{"arrays":[],"value":"é"}'.encode()),
        "a line that is none of skampo: 'ascii' codec",
    ),
    "an array that is not there": (
        holding({"array": 0}),
        "a number of what is not there",
    ),
    "what comes later": (holding({"again": 0}), "a number of what is not there"),
    "two kinds at once": (
        holding({"tuple": [], "slice": []}),
        "a node that is not of one kind",
    ),
    "a key that is a list": (
        holding({"dict": [[[], 1]]}),
        "a key that is neither text nor a number",
    ),
    "millions of lists": (
        seal(b"{}", b'{"arrays":[],"value":[' + b"[]," * 10**6 + b"[]]}"),
        "a description that takes far more memory than the file",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused_within_a_little_memory(name, tmp_path):
    data, words = MALFORMED[name]
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
