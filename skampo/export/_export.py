"""Write a fitted policy as a program, and compare the two."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skampo._version import __version__
from skampo.exceptions import ExportError
from skampo.export._c import c_text
from skampo.export._onnx import onnx_model, require_onnx
from skampo.export._python import python_text
from skampo.export._scores import form_of
from skampo.export._states import states_to_compare
from skampo.export._steps import Observation, in_order, values_of
from skampo.export._words import Table

# Kernel features that are nearly dependent lose half of the digits of a policy.
_TOLERANCE = 1e-6
# A program of Python takes a millisecond for a state of kernel features.
_FEW, _MANY = 300, 4000


@dataclass(frozen=True, eq=False)
class Export:
    """
    A policy as the text of a program, and how far the two differ.

    Parameters
    ----------
    text : str or bytes
        The program; bytes of a model of ONNX.
    largest_difference : float
        Largest difference of a probability, among `n_states` states, with masks and
        without.
    n_states : int
        States on which the program was compared with the policy.

    See Also
    --------
    to_c, to_python : Make one.

    Examples
    --------
    >>> from skampo.export._export import Export
    >>> Export("x = 1", 0.0, 100)
    Export(5 characters, 100 states, largest difference 0)
    """

    text: str | bytes
    largest_difference: float
    n_states: int

    def save(self, path: str | PathLike[str]):
        """
        Write the text into a file.

        Parameters
        ----------
        path : str or path-like
            Where to write; an existing file is replaced.

        Returns
        -------
        Path
            The same.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        path, text = Path(path), self.text
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf8"))
        return path

    def __repr__(self):
        return (
            f"Export({len(self.text):,} characters, {self.n_states:,} states, "
            f"largest difference {self.largest_difference:.3g})"
        )


def to_python(policy, path: str | PathLike[str] | None = None, *, X=None) -> Export:
    """
    Write a policy as a Python module that needs nothing but the standard library.

    Parameters
    ----------
    policy : estimator
        A fitted policy of this package.
    path : str or path-like, default=None
        Where to write the module; None writes nothing.
    X : array-like of shape (n, n_features), default=None
        States to compare the module on, besides stored and random ones.

    Returns
    -------
    Export
        Its `text` defines ``probabilities(observation, action_mask=None)`` and
        ``act(observation, action_mask=None)``.

    Raises
    ------
    ExportError
        If a part of the policy has no form that can be written; it is named.
    OSError
        If the file cannot be written.

    See Also
    --------
    to_c : The same in C.

    Notes
    -----
    The observation is what the policy was fitted on: a number for a `Discrete` space,
    the numbers of a `Box` in any nesting, and for other spaces what
    ``policy.encode_observations([observation])[0]`` gives.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.export import to_python
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["off", "off", "on", "on"]
    >>> policy = AMPOPolicy(random_state=0).fit(X, y)
    >>> export = to_python(policy)
    >>> export.largest_difference < 1e-12
    True
    >>> module = {}
    >>> exec(export.text, module)
    >>> module["act"](2.8)
    'on'
    """
    _refuse_tables(policy)
    return _export(policy, path, X, python_text, _run_python, _FEW)


def to_c(policy, path: str | PathLike[str] | None = None, *, X=None) -> Export:
    """
    Write a policy as one file of C99 that needs nothing but the mathematics library.

    Parameters
    ----------
    policy : estimator
        A fitted policy of this package.
    path : str or path-like, default=None
        Where to write the file; None writes nothing.
    X : array-like of shape (n, n_features), default=None
        States to compare on, besides stored and random ones.

    Returns
    -------
    Export
        Its `text` defines ``void probabilities(const double *x, const unsigned char
        *mask, double *out)`` and ``int act(const double *x, const unsigned char
        *mask)``, the place of the most probable action in the array `actions`.

    Raises
    ------
    ExportError
        If a part of the policy has no form that can be written; it is named.
    OSError
        If the file cannot be written.

    See Also
    --------
    to_python : The same in Python.

    Notes
    -----
    The program computes with doubles, allocates no memory and checks nothing: `x` has
    to hold finite numbers, those of ``policy.encode_observations([observation])[0]``.
    Compared with the policy are the same steps, computed by numpy.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.export import to_c
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["off", "off", "on", "on"]
    >>> export = to_c(AMPOPolicy(random_state=0).fit(X, y))
    >>> "int act(const double *x, const unsigned char *mask)" in export.text
    True
    """
    _refuse_tables(policy)
    return _export(policy, path, X, c_text, _run_numpy, _MANY)


def to_onnx(policy, path: str | PathLike[str] | None = None, *, X=None) -> Export:
    """
    Write a policy as a model of ONNX, in double precision.

    Parameters
    ----------
    policy : estimator
        A fitted policy of this package.
    path : str or path-like, default=None
        Where to write the model; None writes nothing.
    X : array-like of shape (n, n_features), default=None
        States to compare on, besides stored and random ones.

    Returns
    -------
    Export
        Its `text` are the bytes of a model with the inputs "observation", doubles of
        shape (n, n_features), and "action_mask", bools of shape (n, n_actions) or
        (1, n_actions), which may be left out; and the outputs "probabilities" and
        "action", the place of the most probable one in `classes_`. For tables the
        inputs are the columns by name, words or doubles of shape (n, 1), where an empty
        word is a missing one.

    Raises
    ------
    ImportError
        If the package onnx is not installed.
    ExportError
        If a part of the policy has no form that can be written; it is named.
    OSError
        If the file cannot be written.

    See Also
    --------
    to_c, to_python : Programs without dependencies.

    Notes
    -----
    Operators of opset 18 and, for trees, of ai.onnx.ml 5. Compared with the policy is
    what the reference implementation of the package onnx computes.

    Examples
    --------
    >>> from importlib.util import find_spec
    >>> from skampo import AMPOPolicy
    >>> from skampo.export import to_onnx
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["off", "off", "on", "on"]
    >>> policy = AMPOPolicy(random_state=0).fit(X, y)
    >>> find_spec("onnx") is None or to_onnx(policy).largest_difference < 1e-12
    True
    """
    return _export(policy, path, X, _onnx_bytes, _run_onnx, _FEW)


def _onnx_bytes(form, actions, title):
    model = onnx_model(form)
    model.doc_string = f"{title} The actions are {actions!r}."
    return model.SerializeToString()


def _run_onnx(text, form):
    run = require_onnx("onnx.reference").ReferenceEvaluator(
        require_onnx().load_model_from_string(text)
    )
    observation = in_order(form)[0]

    def probabilities(states, mask):
        allowed = np.ones(form.size, dtype=bool) if mask is None else mask
        given = {"action_mask": allowed[None], **observation.inputs(states)}
        return run.run(["probabilities"], given)[0]

    return probabilities


def _export(policy, path, X, write, make_runner, n_states):
    form = _form(policy)
    name = type(policy).__name__
    title = f"A policy, written by skampo {__version__} from a fitted {name}."
    text = write(form, _actions(policy), title)
    run = make_runner(text, form)
    states = states_to_compare(policy, form, X, n_states)
    rows = _rows(policy, form, states)
    difference = max(
        np.abs(run(states, mask) - policy._policy.proba(rows, mask)).max()
        for mask in _masks(policy)
    )
    if not difference <= _TOLERANCE:
        raise ExportError(
            f"The program and {type(policy).__name__} differ by {difference:.3g} in a "
            f"probability, more than {_TOLERANCE:.3g}, among {len(states)} states. "
            "Please report it with the regressor; its method save and joblib.dump keep "
            "the policy as it is."
        )
    export = Export(text, float(difference), len(states))
    if path is not None:
        export.save(path)
    return export


def _form(policy):
    check_is_fitted(policy, "_policy")
    try:
        columns = policy._columns
        plain = columns is None
        known = Observation(policy.n_features_in_) if plain else Table.of(columns)
        return form_of(policy._policy, known)
    except ExportError as error:
        raise _refused(policy, error) from error


def _refuse_tables(policy):
    check_is_fitted(policy, "_policy")
    if policy._columns is not None:
        raise _refused(
            policy,
            "its states are tables with categories or missing values, which to_onnx "
            "knows; programs take numbers",
        )


def _refused(policy, reason):
    return ExportError(
        f"{type(policy).__name__} cannot be exported: {reason}. To use it where "
        "this package is installed, keep it with its method save or joblib.dump; "
        "skampo.distill makes a tree of any policy of numbers, which can be exported."
    )


def _rows(policy, form, states):
    """States as the policy takes them."""
    rows = in_order(form)[0].decode(states)
    return rows if policy._columns is None else policy._columns.rows(rows)


def _actions(policy):
    actions = policy.classes_.tolist()
    if not all(isinstance(action, str | int | float | list) for action in actions):
        raise ExportError(
            "A program holds actions that are numbers or words. Got classes_="
            f"{actions!r:.200}."
        )
    return actions


def _masks(policy):
    """None, and for each action but the last all others with it forbidden."""
    n_actions = len(policy.classes_)
    without = [np.arange(n_actions) != action for action in range(min(n_actions, 3))]
    return [None, *without] if n_actions > 1 else [None]


def _run_python(text, form):
    module: dict = {}
    exec(compile(text, "exported_policy.py", "exec"), module)
    probabilities = module["probabilities"]
    return lambda states, mask: np.array(
        [probabilities(state, mask) for state in states.tolist()]
    )


def _run_numpy(text, form):
    return lambda states, mask: values_of(form, states, mask=mask)
