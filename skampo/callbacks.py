"""
Callbacks that scikit-learn does not have: stop at a return, log, write checkpoints.

They follow the protocol of `sklearn.callback` and are set by ``policy.set_callbacks``,
next to `sklearn.callback.ProgressBar` and `sklearn.callback.ScoringMonitor`.
"""

import os
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np

from skampo.base import PolicyMixin
from skampo.persistence import save
from skampo.utils._sklearn import without_callbacks
from skampo.utils._validation import (
    Constraint,
    Interval,
    Member,
    Nothing,
    OneOf,
    check_argument,
)
from skampo.utils._warnings import warn_user

__all__ = ["Checkpoint", "LogHistory", "StopAtReturn"]

_FUNCTION = Constraint("a function of a policy and a path", callable)
_LOG = Constraint("a function of a dict and a step", callable)


def _is_template(path):
    try:
        return bool(path.format(iteration=0))
    except (AttributeError, LookupError, TypeError, ValueError):
        return False


_TEMPLATE = Constraint(
    "a path in which {iteration} is all that stands in braces, as in "
    "'policy-{iteration:03d}.skampo' (braces of a name are doubled: '{{' and '}}')",
    _is_template,
)


class PolicyCallback:
    """A callback of a policy that looks at what each iteration left."""

    def setup(self, estimator, context) -> None:
        """
        Refuse estimators that are no policies.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : CallbackContext
            The task of its `fit`.

        Raises
        ------
        TypeError
            If the callback was set on something else than a policy.
        """
        if not isinstance(estimator, PolicyMixin):
            name = type(self).__name__
            raise TypeError(
                f"{name} watches a policy. Got {type(estimator).__name__}: set it on "
                f"the policy inside, as in AMPOPolicy().set_callbacks({name}(...))."
            )

    def teardown(self, estimator, context) -> None:
        """
        Do nothing when `fit` is over.

        Parameters
        ----------
        estimator : estimator
            What was fitted.
        context : CallbackContext
            The task of its `fit`.
        """

    def on_fit_task_begin(self, estimator, context) -> None:
        """
        Do nothing when a task begins.

        Parameters
        ----------
        estimator : estimator
            What is fitted.
        context : CallbackContext
            The task, `fit` or one of its iterations.
        """


class StopAtReturn(PolicyCallback):
    """
    Stop `fit` after the first iteration whose return reaches a threshold.

    Parameters
    ----------
    threshold : float
        The return to reach.
    entry : {"validation_return", "return_mean"}, default=None
        The entry of ``history_`` to compare. ``return_mean`` is the return of the
        policy that the iteration evaluated, exploration included. None is
        ``validation_return`` if there are any, which takes ``early_stopping=True``,
        else ``return_mean``. An iteration without one, or where no episode ended,
        does not stop `fit`.

    Raises
    ------
    InvalidParameterError
        If a parameter is not accepted.

    See Also
    --------
    Checkpoint : Writes the policy to a file during `fit`.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.callbacks import StopAtReturn
    >>> policy = AMPOPolicy(max_iter=50, random_state=0)
    >>> policy = policy.set_callbacks(StopAtReturn(50)).fit("CartPole-v1")
    >>> policy.n_iter_ < 50, policy.history_[-1]["return_mean"] >= 50
    (True, True)
    """

    def __init__(self, threshold: float, *, entry: str | None = None):
        # Checked here: a callback has no `fit` in which an estimator would check them.
        number = Member("a real number", Real)
        check_argument("StopAtReturn", "threshold", threshold, number)
        entries = OneOf(["validation_return", "return_mean"]) | Nothing
        check_argument("StopAtReturn", "entry", entry, entries)
        self.threshold = threshold
        self.entry = entry

    def on_fit_task_end(self, estimator, context) -> bool:
        """
        Compare the last entry of the history.

        Parameters
        ----------
        estimator : AMPOPolicy
            The policy.
        context : CallbackContext
            The task that ended.

        Returns
        -------
        bool
            True to stop.
        """
        # With max_iter=0 the task that ends is the whole fit, without any iteration.
        if not estimator.history_:
            return False
        record = estimator.history_[-1]
        entry = self.entry
        if entry is None:
            # Not every iteration plays validation episodes, and exploration is lucky.
            validated = [r["validation_return"] for r in estimator.history_]
            is_validated = np.isfinite(validated).any()
            entry = "validation_return" if is_validated else "return_mean"
        # Where no episode has ended the return is NaN, which reaches nothing.
        return bool(record[entry] >= self.threshold)


class LogHistory(PolicyCallback):
    """
    Pass what each iteration recorded to a function, such as that of a tracker.

    Parameters
    ----------
    log : callable
        ``log(values, step)`` gets a dict of the finite numbers of the last entry of
        ``history_``, and its iteration. What it raises ends `fit`, as Ctrl-C does:
        after the iteration was kept.

    Raises
    ------
    InvalidParameterError
        If `log` cannot be called.

    See Also
    --------
    Checkpoint : Writes the policy to a file during `fit`.

    Notes
    -----
    ``mlflow.log_metrics`` and the method ``log`` of a run of Weights & Biases are such
    functions; the user guide shows both, and one for TensorBoard. Numbers that are not
    known, as the validation return without validation, are left out.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.callbacks import LogHistory
    >>> def show(values, step):
    ...     print(step, values["n_steps"])
    >>> policy = AMPOPolicy(max_iter=2, random_state=0).set_callbacks(LogHistory(show))
    >>> policy = policy.fit("CartPole-v1")
    1 512
    2 1024
    """

    def __init__(self, log):
        check_argument("LogHistory", "log", log, _LOG)
        self.log = log

    def on_fit_task_end(self, estimator, context) -> None:
        """
        Pass the last entry of the history on.

        Parameters
        ----------
        estimator : AMPOPolicy
            The policy.
        context : CallbackContext
            The task that ended.
        """
        # The task of the whole fit ends after its last iteration.
        if context.task_name == "iteration":
            record = estimator.history_[-1]
            values = {name: x for name, x in record.items() if np.isfinite(x)}
            self.log(values, values.pop("iteration"))


class Checkpoint(PolicyCallback):
    """
    Write the policy to a file during `fit`.

    What is written is the policy of the iteration, with ``early_stopping=True`` the
    best one so far; of the last iteration, what `fit` returns, which may be the mean of
    several (`average`). The last finished iteration is written too, also when Ctrl-C
    or an error ends `fit`. A full disk or a folder that has gone costs a file and not
    the fit: there is one warning.

    Parameters
    ----------
    path : str or path-like
        Where to write; ``{iteration}`` in it is replaced by the number of finished
        iterations, as in ``"policy-{iteration:03d}.skampo"``. Without it, each
        checkpoint replaces the one before.
    every : int, default=1
        Iterations from one checkpoint to the next.
    save : callable, default=None
        ``save(policy, path)`` writes the file. None is ``policy.save(path)``, which
        leaves a complete file or none; `skampo.load` reads it.

    Raises
    ------
    InvalidParameterError
        If a parameter is not accepted.

    See Also
    --------
    StopAtReturn : Stops at a return.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skampo import AMPOPolicy, load
    >>> from skampo.callbacks import Checkpoint
    >>> with TemporaryDirectory() as folder:
    ...     callback = Checkpoint(f"{folder}/policy-{{iteration}}.skampo")
    ...     policy = AMPOPolicy(max_iter=2, random_state=0).set_callbacks(callback)
    ...     policy = policy.fit("CartPole-v1")
    ...     load(f"{folder}/policy-1.skampo").n_iter_
    1
    """

    def __init__(self, path: str | os.PathLike[str], *, every: int = 1, save=None):
        place = Member("a str or path-like", str | os.PathLike)
        check_argument("Checkpoint", "path", path, place)
        check_argument("Checkpoint", "every", every, Interval(int, 1))
        check_argument("Checkpoint", "save", save, _FUNCTION | Nothing)
        path = os.fsdecode(path)
        check_argument("Checkpoint", "path", path, _TEMPLATE)
        self.path = path
        self.every = every
        self.save = save
        # By estimator: clones in a search share the callback, and may fit at once.
        self._progress: dict[int, Progress] = {}

    def setup(self, estimator, context) -> None:
        """
        Require a policy that can be saved, and the folder, before anything is learned.

        Parameters
        ----------
        estimator : AMPOPolicy
            The policy.
        context : CallbackContext
            The task of its `fit`.

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        SkampoFileError
            If a parameter of the policy cannot be stored.
        """
        super().setup(estimator, context)
        folder = Path(self.path.format(iteration=0)).parent
        if not folder.is_dir():
            raise FileNotFoundError(
                f"Checkpoint writes into {str(folder)!r}, which is no folder. Make it "
                "first."
            )
        if self.save is None:
            save(without_callbacks(estimator))
        self._progress[id(estimator)] = Progress(estimator.history_)

    def on_fit_task_end(self, estimator, context) -> None:
        """
        Write the policy, if it is time.

        Parameters
        ----------
        estimator : AMPOPolicy
            The policy.
        context : CallbackContext
            The task that ended.
        """
        if estimator.n_iter_ % self.every == 0:
            self._write(estimator, self._progress[id(estimator)])

    def teardown(self, estimator, context) -> None:
        """
        Write the last finished iteration, if that is not done yet.

        Parameters
        ----------
        estimator : AMPOPolicy
            The policy.
        context : CallbackContext
            The task of its `fit`, which may have failed.
        """
        # Nothing is there where `setup` has failed.
        if progress := self._progress.pop(id(estimator), None):
            self._write(estimator, progress)

    def _write(self, estimator, progress):
        # Each finished iteration has a list of its own.
        history = estimator.history_
        if history is progress.history:
            return
        path = self.path.format(iteration=estimator.n_iter_)
        save = type(estimator).save if self.save is None else self.save
        try:
            # Callbacks are no part of a policy, and may hold what no file can.
            save(without_callbacks(estimator), path)
        except OSError as error:
            progress.warn(path, error)
        except Exception:
            # It would fail once more at the end.
            progress.history = history
            raise
        progress.history = history


@dataclass
class Progress:
    """What a checkpoint has written of one fit, and whether it failed to."""

    history: list
    has_warned: bool = False

    def warn(self, path, error):
        """Say the first time that a file was not written."""
        if not self.has_warned:
            warn_user(
                f"Checkpoint could not write {path!r}: {error}. The fit goes on, and "
                "the next checkpoints are tried without another warning. Make room, or "
                "make the folder again."
            )
        self.has_warned = True
