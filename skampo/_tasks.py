"""The iterations of one `fit`, each a task that callbacks see."""

from skampo.utils._callbacks import begin_fit

__all__ = ["iterations"]


def iterations(estimator, run, X, y, given):
    """Yield the number of each iteration until the run or a callback says stop."""
    numbers = run.iterations(estimator.max_iter)
    task = _describe(estimator, X, y, given)
    fit = begin_fit(estimator, max_subtasks=len(numbers))
    fit.call_on_fit_task_begin(**task)
    # Nothing is missing for a policy that predicts: it is a copy of the estimator.
    task |= {"reconstruction_attributes": {}}
    for t in numbers:
        iteration = fit.subcontext(task_name="iteration")
        iteration.call_on_fit_task_begin(**task)
        # An iteration that raises never comes back here, and its end is not announced.
        yield t
        # In this order: the hooks are called whoever ends the fit.
        if iteration.call_on_fit_task_end(**task) or run.stop:
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
