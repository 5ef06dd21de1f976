"""
The only place that touches scikit-learn's callbacks, whose interface is experimental.

Where scikit-learn has none, or names them otherwise, a small loop of our own calls the
same four methods; tasks of a search or Pipeline around the estimator are not seen then.
"""

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

# What callbacks leave on an estimator.
OF_CALLBACKS = {
    "_callback_fit_ctx",
    "_parent_callback_ctx",
    "_skl_callbacks",
    "_skl_callbacks_to_teardown",
}
Method = TypeVar("Method", bound=Callable)
_HOOKS = ["setup", "teardown", "on_fit_task_begin", "on_fit_task_end"]


@dataclass(frozen=True, eq=False)
class Task:
    """A `fit` or one of its iterations, as callbacks are shown it."""

    estimator_name: str
    callbacks: list
    task_name: str = "fit"
    task_id: int = 0
    max_subtasks: int = 0
    parent: Any = None
    numbers: Any = field(default_factory=count)

    def call_on_fit_task_begin(self, *, estimator, **about):
        """Tell the callbacks that the task begins."""
        self._call("on_fit_task_begin", estimator, about)
        return self

    def call_on_fit_task_end(self, *, estimator, **about):
        """Tell the callbacks that the task has ended; whether one of them says stop."""
        return self._call("on_fit_task_end", estimator, about)

    def _call(self, name, estimator, about):
        facts = {"fitted_estimator": lambda: copy.copy(estimator)} | about
        hooks = [getattr(callback, name) for callback in self.callbacks]
        # A list: all are told, also after one that says stop.
        said = [hook(estimator, self, **_asked_for(hook, facts)) for hook in hooks]
        return any(said)

    def subcontext(self, task_name):
        """A part of this task, of which callbacks are told on its own."""
        owner, number = self.estimator_name, next(self.numbers)
        return Task(owner, self.callbacks, task_name, number, parent=self)


def _asked_for(hook, facts):
    """What a hook asks for by its keywords; what is a function is called for it."""
    parameters = inspect.signature(hook).parameters.values()
    names = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
    given = {name: facts.get(name) for name in names}
    return {name: v() if callable(v) else v for name, v in given.items()}


class OwnSupport:
    """What `sklearn.callback.CallbackSupportMixin` gives an estimator."""

    def set_callbacks(self, *callbacks):
        """
        Set the callbacks of `fit`.

        Parameters
        ----------
        *callbacks : callback
            Objects with the four methods of a callback; none removes all.

        Returns
        -------
        estimator
            The estimator itself.

        Raises
        ------
        TypeError
            If one is no callback.
        """
        for callback in callbacks:
            missing = [name for name in _HOOKS if not hasattr(callback, name)]
            if missing or isinstance(callback, type):
                raise TypeError(
                    f"A callback is an object with the methods {_HOOKS}. Got "
                    f"{callback!r}, which "
                    + (f"lacks {missing}." if missing else "is a class: call it.")
                )
        vars(self).pop("_skl_callbacks", None)
        if callbacks:
            self._skl_callbacks = list(callbacks)
        return self

    def __sklearn_clone__(self):
        """Clones have the same callbacks."""
        cloned = super().__sklearn_clone__()
        if hasattr(self, "_skl_callbacks"):
            cloned._skl_callbacks = self._skl_callbacks
        return cloned


def own_begin_fit(estimator, max_subtasks=0):
    """Set the callbacks up, and return the task of the whole fit."""
    callbacks = getattr(estimator, "_skl_callbacks", [])
    task = Task(type(estimator).__name__, callbacks, max_subtasks=max_subtasks)
    estimator._callback_fit_ctx, estimator._skl_callbacks_to_teardown = task, []
    for callback in callbacks:
        # Whose setup fails is torn down as well.
        estimator._skl_callbacks_to_teardown.append(callback)
        callback.setup(estimator, task)
    return task


def own_with_callbacks(method):
    """Tear the callbacks down at the end of a method, however it ends."""

    @functools.wraps(method)
    def managed(estimator, *args, **kwargs):
        try:
            return method(estimator, *args, **kwargs)
        finally:
            task = vars(estimator).pop("_callback_fit_ctx", None)
            callbacks = vars(estimator).pop("_skl_callbacks_to_teardown", [])
            _tear_down(callbacks, estimator, task)

    return managed


def _tear_down(callbacks, estimator, task):
    errors = []
    for callback in callbacks:
        try:
            callback.teardown(estimator, task)
        except Exception as error:
            errors.append(error)
    # All had their turn; of several errors the first is the reason.
    if errors:
        raise errors[0]


try:
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks as managed

    _begin = CallbackSupport._init_callback_context
except (ImportError, AttributeError):
    CallbackSupport, managed = OwnSupport, own_with_callbacks
    begin_fit = own_begin_fit
else:

    def begin_fit(estimator, max_subtasks=0):
        """Set the callbacks up, and return the task of the whole fit."""
        return _begin(estimator, max_subtasks=max_subtasks)


def with_callbacks(method: Method) -> Method:
    """Tear the callbacks down at the end; type checkers lose the method otherwise."""
    return managed(method)


def announced(estimator, iterations, X, y, given):
    """Yield the iterations of a fit, each a task that callbacks see and may end."""
    task = _describe(estimator, X, y, given)
    fit = begin_fit(estimator, max_subtasks=estimator.max_iter)
    fit.call_on_fit_task_begin(**task)
    # Nothing is missing for a policy that predicts: it is a copy of the estimator.
    task |= {"reconstruction_attributes": {}}
    for t in iterations:
        iteration = fit.subcontext(task_name="iteration")
        iteration.call_on_fit_task_begin(**task)
        # An iteration that raises never comes back here, and its end is not announced.
        yield t
        if iteration.call_on_fit_task_end(**task):
            break
    fit.call_on_fit_task_end(**task)


def _describe(estimator, X, y, given):
    metadata = {name: value for name, value in given.items() if value is not None}
    # A ScoringMonitor scores only where y is not None.
    y = () if y is None else y
    # Callables are called by the hooks, and X may be one that makes an environment.
    return {
        "estimator": estimator,
        "X": lambda: X,
        "y": y,
        "metadata": metadata or None,
    }
