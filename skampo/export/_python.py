"""A form as one file of Python that needs nothing but the standard library."""

import inspect
import types

import numpy as np

from skampo.export import _helpers
from skampo.export._tables import Program, number, wrapped

_TEMPLATE = '''\
"""{title}

probabilities(observation, action_mask=None) gives a list in the order of ACTIONS, and
act(observation, action_mask=None) the most probable action, the first of equals.
"""

import math

ACTIONS = {actions}
N_FEATURES = {n_features}


def probabilities(observation, action_mask=None):
    """Probabilities of the actions; where the mask is false there is none."""
    x = numbers(observation)
    if len(x) != N_FEATURES or not all(map(math.isfinite, x)):
        raise ValueError(f"{{observation!r}} is not {{N_FEATURES}} finite numbers")
    allowed = [True] * len(ACTIONS)
    if action_mask is not None:
        allowed = [bool(flag) for flag in action_mask]
    if len(allowed) != len(ACTIONS) or not any(allowed):
        raise ValueError(f"of {{len(ACTIONS)}} actions {{action_mask!r}} allows none")
{calls}


def act(observation, action_mask=None):
    """The most probable action, the first of equals."""
    p = probabilities(observation, action_mask)
    return ACTIONS[p.index(max(p))]


{helpers}

{tables}
'''


def python_text(form, actions, title):
    """The source of a module."""
    program = Program(form)
    used = ["numbers", *dict.fromkeys(step.helper for step in program.steps)]
    return (
        _TEMPLATE.format(
            title=title,
            actions=repr(actions),
            n_features=program.n_features,
            calls="\n".join(_call(program, step) for step in program.steps),
            helpers="\n\n".join(inspect.getsource(f) for f in _with_callees(used)),
            tables="\n\n".join(_table(name, array) for name, array in program.tables),
        ).rstrip()
        + "\n"
    )


def _call(program, step):
    inputs = [program.name(source) for source in step.sources]
    if step is program.form:
        inputs.append("allowed")
    call = f"{step.helper}({', '.join(inputs + program.arguments(step))})"
    is_last = step is program.form
    return f"    return {call}" if is_last else f"    {program.name(step)} = {call}"


def _with_callees(names):
    """Functions of these names and those that they use, each once."""
    found = {}

    def visit(name):
        function = getattr(_helpers, name)
        if name not in found:
            found[name] = function
            for other in sorted(_names_in(function.__code__)):
                if isinstance(getattr(_helpers, other, None), types.FunctionType):
                    visit(other)

    for name in names:
        visit(name)
    return list(found.values())


def _names_in(code):
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*map(_names_in, inner))


def _table(name, array):
    if array.ndim == 1:
        return f"{name} = (\n{_row(array)}\n)"
    rows = "\n".join(f"    (\n{_row(row, 8)}\n    )," for row in array)
    return f"{name} = (\n{rows}\n)"


def _row(array, indent=4):
    return wrapped(map(number, np.asarray(array).tolist()), " " * indent)
