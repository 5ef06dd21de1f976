"""Changes of a file's value and arrays, as somebody with bad intentions makes them."""

import copy
import json

import numpy as np

from tests.persistence.crafting import find, nodes


def grouped(refused):
    """By name, which model, what is changed in its file, and words of the error."""
    return {
        name: (model, change, words)
        for (model, words), changes in refused.items()
        for name, change in changes.items()
    }


def parameter(owner, name, new):
    """Another value of a parameter, or a new one."""

    def change(value, arrays):
        for parameters, _ in find(value, owner):
            parameters[name] = new

    return change


def attribute(owner, name, new):
    """Another value of a fitted attribute; a function changes its array."""

    def change(value, arrays):
        # A regressor as a parameter is not fitted, and of no use to anyone.
        found = [state for _, state in find(value, owner) if state]
        assert any(name in state or not callable(new) for state in found), owner
        for state in found:
            if not callable(new):
                state[name] = new
            for node in nodes(state.get(name)) if callable(new) else ():
                arrays[node["array"]] = new(arrays[node["array"]])

    return change


def without(owner, name):
    """One fitted attribute less."""

    def change(value, arrays):
        for _, state in find(value, owner):
            state.pop(name, None)

    return change


def both(*changes):
    """Several changes at once."""

    def change(value, arrays):
        for each in changes:
            each(value, arrays)

    return change


def all_of(*changes):
    """Several changes, and an array that pays for empty ones."""
    return both(*changes, lambda value, arrays: arrays.append(np.zeros(100)))


def entries(row, column, number):
    """A function that sets one number of an array."""

    def change(array):
        array = array.copy()
        array[row, column] = number
        return array

    return change


def renamed(old, new):
    """Another name of a class."""

    def change(value, arrays):
        text = json.dumps(value).replace(json.dumps(old), json.dumps(new))
        value["object"] = json.loads(text)["object"]

    return change


def episode_counts(number):
    """Another number of episodes that were started, of the first environment."""

    def change(value, arrays):
        for _, state in find(value, "State"):
            counts = dict(map(tuple, state["rollouts"]["dict"]))["episode_counts"]
            first(number)(arrays[counts["array"]])

    return change


def in_booster(name, change):
    """Another line of a LightGBM model."""

    def changed(value, arrays):
        for _, state in find(value, "Booster"):
            trees = dict(map(tuple, state["trees"]["dict"]))
            place = trees[name]["array"]
            arrays[place] = change(arrays[place].copy())

    return changed


def first(number):
    """A function that sets the first number of an array."""

    def change(array):
        array.reshape(-1)[0] = number
        return array

    return change


def header(name, new):
    """Another entry in the head of a LightGBM model."""

    def change(value, arrays):
        for _, state in find(value, "Booster"):
            items = state["header"]["dict"]
            items[:] = [[k, new if k == name else v] for k, v in items]

    return change


def nested(n):
    """Pipelines inside each other."""

    def change(value, arrays):
        (parameters, _) = find(value, "AMPOPolicy")[0]
        inner = copy.deepcopy(parameters["regressor"])
        for _ in range(n):
            outer = copy.deepcopy(parameters["regressor"])
            outer["object"][1]["steps"] = [{"tuple": ["a", inner]}]
            inner = outer
        parameters["regressor"] = inner

    return change


def doubled(n):
    """A union of a union of itself, which is 2ⁿ parts in n nodes."""

    def change(value, arrays):
        parameters, _ = find(value, "AMPOPolicy")[0]
        parts = [{"object": ["StandardScaler", {}, {}]}]
        for i in range(n):
            pair = [{"tuple": [f"{k}", {"again": i}]} for k in "ab"]
            union = ["FeatureUnion", {"transformer_list": pair}, {}]
            parts.append({"object": union})
        parameters["regressor"] = parts

    return change


def callback(value, arrays):
    value["object"][2]["_skl_callbacks"] = [
        {"object": ["Checkpoint", {"path": "any"}, {}]}
    ]


def task(name):
    """An object that somebody could call."""
    spec = {"object": ["EnvSpec", {}, {"entry_point": "os:system"}]}
    return {"object": [name, {"env": spec}, {"seed": 0}]}
