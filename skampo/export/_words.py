"""Tables with categories: words as their places in a list for each column."""

from dataclasses import dataclass, field

import numpy as np

from skampo.exceptions import ExportError
from skampo.export._steps import Observation

# Inputs and outputs that a model has besides the columns.
_TAKEN = ("action_mask", "action", "probabilities")


@dataclass(frozen=True, eq=False)
class Table(Observation):
    """
    Columns with names; its numbers are the places of words, and numbers.

    Encoders enter the words that they know, and imputers what they put where a number
    is missing, while the form is built. Columns of a type that lists its categories are
    closed: other words are missing there. Those of integers and bools are whole.
    """

    names: list
    words: dict
    closed: set
    whole: dict
    fillings: dict = field(default_factory=dict)

    @classmethod
    def of(cls, columns):
        """The table of a policy, which knows its columns."""
        names = [str(name) for name in columns.names]
        if taken := sorted({*names} & {*_TAKEN}):
            raise ExportError(f"a column has the name of another input, {taken[0]!r}")
        types = dict(enumerate(columns.dtypes))
        # The missing word first, and in closed columns their categories.
        lists = {i: t[t[0] == "Enum"] for i, t in types.items() if isinstance(t, list)}
        closed = {i for i, listed in lists.items() if isinstance(listed, list)}
        words = {
            i: ["", *map(_word, lists[i] if i in closed else [])]
            for i, name in enumerate(columns.names)
            if name in columns.categorical
        }
        numbers = types.keys() - words.keys()
        whole = {
            i: bool if "bool" in _name(types[i]) else int
            for i in numbers
            if "float" not in _name(types[i])
        }
        return cls(len(names), names, words, closed, whole)

    def others(self, column):
        """The place of a word that is not listed: that of the missing one, or none."""
        return 0 if column in self.closed else -1

    def places(self, column, known):
        """Where the words of a column are in its list."""
        listed = self.words[column]
        named = [_word(value) for value in known]
        if len({*named}) < len(named):
            raise ExportError("an empty word and a missing one would be the same")
        listed += [word for word in named if word not in listed]
        return np.array([float(listed.index(word)) for word in named])

    def fill(self, column, value):
        """Remember what stands for a number that is missing."""
        self.fillings[column] = value

    def encode(self, rows):
        """Numbers of rows of a table; places of words."""
        numbers = np.empty(rows.shape)
        for column, values in enumerate(rows.T):
            listed = self.words.get(column)
            if listed is None:
                numbers[:, column] = [np.nan if _is_missing(v) else v for v in values]
                continue
            places = {word: place for place, word in enumerate(listed)}
            others = self.others(column)
            numbers[:, column] = [places.get(_word(v), others) for v in values]
        return numbers

    def decode(self, numbers):
        """Rows of a table; a word that nobody knows for -1."""
        rows = numbers.astype(object)
        for column, listed in self.words.items():
            words = np.array([None, *listed[1:], "a word that nobody knows"], object)
            rows[:, column] = words[numbers[:, column].astype(int)]
        for column, kind in self.whole.items():
            known = ~np.isnan(numbers[:, column])
            rows[known, column] = numbers[known, column].astype(kind)
        return rows

    def inputs(self, numbers):
        """The columns by name, as a model is given them."""
        rows = self.decode(numbers)
        for column in self.words:
            missing = np.equal(rows[:, column], None)
            rows[missing, column] = ""
        kinds = [str if i in self.words else float for i in range(len(self.names))]
        named = zip(self.names, rows.T, kinds, strict=True)
        return {name: values.astype(kind)[:, None] for name, values, kind in named}


def _name(dtype):
    return str(dtype[0] if isinstance(dtype, list) else dtype).lower()


def _is_missing(value):
    # NA of pandas is neither true nor false, and NaN is not equal to itself.
    return value is None or type(value).__name__ == "NAType" or value != value


def _word(value):
    """Text; empty where it is missing."""
    if isinstance(value, str):
        return str(value)
    if _is_missing(value):
        return ""
    raise ExportError(f"categories have to be words, got {value!r:.60}")
