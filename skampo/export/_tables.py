"""What both languages print alike: tables by name, each once, and variables."""

import numpy as np

from skampo.export._steps import in_order

_WIDTH = 80


class Program:
    """
    A form with names for its steps and arrays.

    Equal arrays share a name: a forest that sees every action has one table.
    """

    def __init__(self, form):
        self.form, self.n_features = form, in_order(form)[0].size
        self.steps = in_order(form)[1:]
        self.names = {id(step): f"v{i}" for i, step in enumerate(in_order(form))}
        self.names[id(in_order(form)[0])] = "x"
        self._tables = {}
        for step in self.steps:
            for value in step.arguments:
                if isinstance(value, np.ndarray):
                    self.table(value)

    def table(self, array):
        """The name of an array, which is new if no equal one is known."""
        key = array.dtype.kind, array.shape, array.tobytes()
        return self._tables.setdefault(key, (f"TABLE_{len(self._tables)}", array))[0]

    @property
    def tables(self):
        """Names and arrays."""
        return list(self._tables.values())

    def name(self, step):
        """The variable that holds what a step gives."""
        return self.names[id(step)]

    def arguments(self, step):
        """Names of tables and numbers, as a call has them."""
        return [
            self.table(value) if isinstance(value, np.ndarray) else number(value)
            for value in step.arguments
        ]


def number(value):
    """All digits of a number, as both languages read them."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def wrapped(words, indent="    "):
    """Words on lines of a width, each with a comma behind it."""
    lines, line = [], indent
    for word in words:
        if len(line) + len(word) > _WIDTH:
            lines.append(line.rstrip())
            line = indent
        line += f"{word}, "
    return "\n".join([*lines, line.rstrip()])
