"""Policies that tests roll out."""

import numpy as np


class UniformPolicy:
    """All actions alike; counts how often it is asked and for how many rows."""

    def __init__(self, n_actions=2):
        self.n_actions = n_actions
        self.sizes = []

    def proba(self, observations, action_mask=None):
        self.sizes.append(len(observations))
        shape = len(observations), self.n_actions
        allowed = np.ones(shape) if action_mask is None else action_mask.astype(float)
        return allowed / allowed.sum(axis=1, keepdims=True)


class TablePolicy:
    """Probabilities read off a table, by the first feature."""

    def __init__(self, table):
        self.table = np.asarray(table, dtype=float)

    def proba(self, observations, action_mask=None):
        return self.table[observations[:, 0].astype(int)]


class ConstantPolicy:
    """The same probabilities everywhere."""

    def __init__(self, proba):
        self.row = np.asarray(proba, dtype=float)

    def proba(self, observations, action_mask=None):
        return np.tile(self.row, (len(observations), 1))
