"""Fitted Q evaluation over all transitions so far."""

from typing import ClassVar

import numpy as np

from skampo.critics._pooled import PooledSweeps
from skampo.critics._replay import ReplayCritic
from skampo.critics._solver import Sweeps
from skampo.critics._sweeps import RefitSweeps, make_sweeps
from skampo.features._lending import as_numbers
from skampo.features._split import continuation
from skampo.regressors import linear_form
from skampo.regressors._pooled import PooledForm
from skampo.utils._validation import Interval, Nothing
from skampo.utils._warnings import warn_user

# So many states have features that may be more than there is memory.
_MANY = 2**20
_IN_MEMORY = (
    "Fitted Q evaluation holds the features of {n_rows:,} states in memory, and copies "
    "of them. LSTDQ, the default for logs, reads features from a file block by block, "
    "and so does fitted_q_evaluation(n_bootstraps=None). For a regressor that is not "
    "linear take a part of the episodes."
)


class FittedQ(ReplayCritic):
    r"""
    Fitted Q evaluation: repeated regression on one-step targets, over all data so far.

    One sweep regresses :math:`r + \gamma (1 - terminated)
    \sum_{a'} \pi(a' | s') Q(s', a')` on the pairs (s, a) of every stored transition;
    the first sweep of an iteration starts from the last critic. Every action is
    labeled at every stored state, whatever policy gathered it.

    Parameters
    ----------
    regressor : estimator or "policy", default=None
        Fits the values. None is the value model for the kind of data
        (`skampo.regressors.default_regressor`), whatever the policy's regressor is;
        ``"policy"`` a clone of the policy's regressor.
    n_sweeps : int, default=None
        Sweeps in one iteration. None is what the regressor can afford: 40 for a linear
        one (`skampo.regressors.linear_form`), which is factorized once for all sweeps,
        alone or behind the features of a Pipeline; 10 for regressors with
        `partial_fit` and without ``warm_start=True`` (a sweep is one pass over the
        data), 2 for others.
    trace_decay : float, default=None
        The lambda of Retrace: targets follow the stored steps as far as the policy
        would have, with truncated importance weights. 0 is one-step targets. None is
        0 for linear regressors, whose sweeps are cheap, 0.9 for `PooledRidge`, and
        0.97 for others.
    n_states : int, default=None
        States, drawn from the stored ones, whose actions are labeled for line 1. None
        is all of them if the policy's regressor is linear, else 4096.
    capacity : int, default=20000
        Transitions kept; the oldest are dropped.
    tol : float, default=1e-3
        Sweeps stop when the action values of all states change by less than this share
        of their root mean square.

    Attributes
    ----------
    q_ : callable
        The last action values: observations (n, n_features) to (n, n_actions).
    regressor_ : estimator
        The regressor that fits the values, not fitted itself.
    n_sweeps_ : int
        Sweeps of the last evaluation.
    trace_decay_ : float
        The lambda that was used.
    transformer_ : Pipeline
        The features, when the regressor is a Pipeline whose transformers need no
        target: fitted to all states, and again when the data have grown by a fifth.

    See Also
    --------
    LambdaReturn : Needs fresh data only, and no replay.
    skampo.regressors.PooledRidge : Values of all actions, fitted together.
    skampo.regressors.linear_form : Which regressors count as linear, and how to add
        one.

    Notes
    -----
    A regressor with `partial_fit` learns on from the last sweep and the last iteration,
    and so does one with ``warm_start=True``, by its own `fit`, as long as it and the
    number of features stay the same. Ensembles of trees are fitted anew all the same:
    their ``warm_start`` keeps every old tree, and with it the values of old policies.

    A `skampo.regressors.PooledRidge` fits the values of all actions together. Sweeps
    over the data of other policies need not converge: if the last one changes the
    values more than that five sweeps before, its penalties are multiplied by ten and
    the sweeps start again.

    References
    ----------
    .. [1] D. Ernst, P. Geurts and L. Wehenkel, "Tree-based batch mode reinforcement
       learning", JMLR 6, 2005.
    .. [2] H. Le, C. Voloshin and Y. Yue, "Batch policy learning under constraints",
       ICML 2019 (fitted Q evaluation).
    .. [3] R. Munos, T. Stepleton, A. Harutyunyan and M. Bellemare, "Safe and efficient
       off-policy reinforcement learning", NeurIPS 2016 (Retrace).

    Examples
    --------
    >>> from skampo.critics import FittedQ
    >>> FittedQ(n_sweeps=5)
    FittedQ(n_sweeps=5)
    """

    _constraints: ClassVar = {
        "n_sweeps": Interval(int, 1) | Nothing,
        "trace_decay": Interval(float, 0, 1) | Nothing,
        "n_states": Interval(int, 1) | Nothing,
        "capacity": Interval(int, 1),
        "tol": Interval(float, 0),
    }

    def __init__(
        self,
        regressor=None,
        *,
        n_sweeps: int | None = None,
        trace_decay: float | None = None,
        n_states: int | None = None,
        capacity: int = 20_000,
        tol: float = 1e-3,
    ):
        self.regressor = regressor
        self.n_sweeps = n_sweeps
        self.trace_decay = trace_decay
        self.n_states = n_states
        self.capacity = capacity
        self.tol = tol

    def _trace_decay(self, solver):
        given = self.trace_decay
        self.trace_decay_ = solver.trace_decay if given is None else given
        return self.trace_decay_

    def _solve(self, solver, targets, view):
        """Sweep until the values of all states settle."""
        if targets.nothing_follows:
            # The targets of all sweeps are the rewards.
            solver.fit(targets.rewards)
            self.n_sweeps_ = 1
            return
        while not self._sweep(solver, targets, view) and solver.can_strengthen:
            solver.strengthen()

    def _sweep(self, solver, targets, view):
        """Sweep until the values settle; False if they move away instead."""
        # Afresh in every attempt: values that moved away are no place to start from.
        q_values, changes = self._last_values(targets, view), []
        for _ in range(self.n_sweeps or solver.n_sweeps):
            solver.fit(targets(q_values))
            # In every sweep: no target may follow from a value that no return has.
            before, q_values = q_values, targets.clip(solver.values())
            before -= q_values
            changes.append(np.linalg.norm(before))
            if changes[-1] <= self.tol * np.linalg.norm(q_values):
                break
        self.n_sweeps_ = len(changes)
        # Judged when all sweeps are done: verdicts on the way slow MountainCar down.
        return not _is_growing(changes)

    def _last_values(self, targets, view):
        """Values of all states to start from, an array of its own."""
        if hasattr(self, "q_"):
            return targets.clip(view.evaluate(self.q_) / targets.unit)
        return np.zeros_like(targets.proba)

    def _can_merge(self, model, setting):
        # Only linear sweeps tell steps from states.
        return self._is_linear(model, setting)

    def _is_linear(self, model, setting):
        return linear_form(model) is not None and setting.encoding.splits_actions

    def _make_solver(self, transformer, model, view, steps, setting):
        self.regressor_ = setting.regressor
        if len(view) > _MANY:
            warn_user(_IN_MEMORY.format(n_rows=len(view)))
        features = view.features(transformer)
        if self._is_linear(model, setting):
            form, numbers = linear_form(model), as_numbers(features)
            # The factors depend on the data alone, which are always the same for a log.
            sweeps = setting.memory.once(
                steps.rows,
                ("sweeps", transformer),
                lambda: make_sweeps(form, numbers, steps, setting),
            )
            sweeps.start()
            return sweeps
        last = continuation(getattr(self, "q_", None), transformer)
        start = getattr(last, "scores", None)
        return RefitSweeps(model, features, steps.actions, setting, start)


Sweeps.by_form[PooledForm] = PooledSweeps


def _is_growing(changes):
    """Whether the last sweeps changed more than those before, as the first ones may."""
    return len(changes) > 8 and changes[-1] > changes[-6]
