"""A form as one file of C99 that needs nothing but the mathematics library."""

import re
from functools import cache, singledispatch
from pathlib import Path

import numpy as np

from skampo.export._steps import Join
from skampo.export._tables import Program, number, wrapped

_TEMPLATE = """\
/* {title}

   probabilities(x, mask, out) writes a probability for each action, and act(x, mask)
   gives the place of the most probable one among `actions`, the first of equals.
   x holds N_FEATURES numbers, mask is 0 where an action is forbidden, or NULL. */

#include <math.h>

#define N_FEATURES {n_features}
#define N_ACTIONS {n_actions}

{actions}

{tables}

{helpers}

void probabilities(const double *x, const unsigned char *mask, double *out)
{{
{variables}
{calls}
}}

int act(const double *x, const unsigned char *mask)
{{
    double p[N_ACTIONS];
    int best = 0;
    probabilities(x, mask, p);
    for (int i = 1; i < N_ACTIONS; i++)
        if (p[i] > p[best]) best = i;
    return best;
}}
"""
_FUNCTION = re.compile(r"^static [a-z]+ ([a-z_]+)\(.*?^}\n", re.MULTILINE | re.DOTALL)


def c_text(form, actions, title):
    """The source of a file."""
    program = Program(form)
    used = {step.helper for step in program.steps}
    inner = [step for step in program.steps if step is not form]
    return _TEMPLATE.format(
        title=title.replace("*/", ""),
        n_features=program.n_features,
        n_actions=form.size,
        actions=_actions(actions),
        tables="\n\n".join(_table(name, array) for name, array in program.tables),
        helpers="\n".join(_with_callees(used)),
        variables="\n".join(
            f"    double {program.name(step)}[{step.size}];" for step in inner
        ),
        calls="\n".join(_call(step, program) for step in program.steps),
    )


@singledispatch
def _call(step, program):
    source, size = step.sources[0], step.size
    inputs = f"{program.name(source)}, {source.size}"
    if step is program.form:
        words = [inputs, "out", "mask", *program.arguments(step)]
    else:
        words = [inputs, program.name(step), str(size), *program.arguments(step)]
    return f"    {step.helper}({', '.join(words)});"


@_call.register
def _(step: Join, program):
    calls, start = [], 0
    for part in step.sources:
        size = part.size
        target = f"{program.name(step)} + {start}, {size}"
        calls.append(f"    join({program.name(part)}, {size}, {target});")
        start += size
    return "\n".join(calls)


@cache
def _functions():
    text = Path(__file__).with_name("_helpers.c").read_text("utf8")
    return {match[1]: match[0] for match in _FUNCTION.finditer(text)}


def _with_callees(names):
    """Functions of these names and those that they use, in the order of the file."""
    functions, wanted, waiting = _functions(), set(), set(names)
    while waiting:
        name = waiting.pop()
        wanted.add(name)
        words = set(re.findall(r"[a-z_]+", functions[name]))
        waiting |= (words & functions.keys()) - wanted
    return [text for name, text in functions.items() if name in wanted]


def _table(name, array):
    kind = "int" if array.dtype.kind in "iub" else "double"
    words = map(number, np.ravel(array).tolist())
    return f"static const {kind} {name}[{array.size}] = {{\n{wrapped(words)}\n}};"


def _actions(actions):
    """What the environment is given for each place: numbers or words."""
    first = np.asarray(actions)
    if first.dtype.kind in "iu":
        width = f"[{first.shape[1]}]" if first.ndim > 1 else ""
        words = repr(actions).translate(str.maketrans("[]", "{}"))[1:-1].split(", ")
        return f"const int actions[N_ACTIONS]{width} = {{\n{wrapped(words)}\n}};"
    words = wrapped(_quoted(str(action)) for action in actions)
    return f"const char *const actions[N_ACTIONS] = {{\n{words}\n}};"


def _quoted(text):
    """A literal of C: everything but plain letters as bytes of UTF-8."""
    plain = re.compile(rb"[A-Za-z0-9 _.,:;+-]")
    escaped = (
        chr(byte) if plain.match(bytes([byte])) else f"\\{byte:03o}"
        for byte in text.encode("utf8")
    )
    return f'"{"".join(escaped)}"'
