"""What a search may be given: containers of environments of every kind."""

from collections import UserList
from functools import partial

import gymnasium
import numpy as np
import pandas as pd

from skampo.model_selection import make_tasks

ID = "CartPole-v1"
N = 6


class Sequence:
    """Elements that can be counted and taken, and no more."""

    def __init__(self, elements):
        self.elements = elements

    def __len__(self):
        return len(self.elements)

    def __getitem__(self, index):
        return self.elements[index]


class Column(Sequence):
    """Elements with a shape, which scikit-learn takes several of at once."""

    shape = (N,)

    def __getitem__(self, key):
        if not isinstance(key, tuple):
            return self.elements[key]
        return [self.elements[index] for index in key[0]]


def live(_):
    return gymnasium.make(ID)


def repeat(make):
    return [make(i) for i in range(N)]


SPECS = repeat(lambda i: gymnasium.spec(ID))
SAME = {
    "live": repeat(live),
    "ids": [ID] * N,
    "tuple of ids": (ID,) * N,
    "specs": SPECS,
    "specs of live": [env.spec for env in repeat(live)],
    "partials": repeat(lambda i: partial(gymnasium.make, ID)),
    "lambdas": repeat(lambda i: lambda: gymnasium.make(ID)),
    "array of live": np.array(repeat(live), dtype=object),
    "array of live without a dtype": np.array(repeat(live)),
    "U array": np.array([ID] * N),
    "object array of ids": np.array([ID] * N, dtype=object),
    "array of specs": np.array(SPECS, dtype=object),
    "sequence": Sequence([ID] * N),
    "column": Column([ID] * N),
    "user list": UserList([ID] * N),
    "series": pd.Series([ID] * N),
    "vectors": repeat(lambda i: gymnasium.make_vec(ID, 1)),
}
TASKS = make_tasks(ID, N)
SEEDED = {
    "tasks": TASKS,
    "array of tasks": np.array(TASKS, dtype=object),
    "sequence of tasks": Sequence(TASKS),
    "tasks of live": make_tasks(gymnasium.make(ID), N),
    "tasks of a function": make_tasks(partial(gymnasium.make, ID), N),
}
PAIRS = [(ID, i) for i in range(N)]
