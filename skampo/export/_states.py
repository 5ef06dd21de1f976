"""States on which a program is compared with its policy."""

from functools import singledispatch

import numpy as np

from skampo.export._steps import OneHot, Standardize, Trees, in_order
from skampo.export._words import Table


def states_to_compare(policy, form, X, n):
    """About n states: given ones, stored ones and random ones."""
    rng, observation = np.random.default_rng(0), in_order(form)[0]
    stored = [_some(rows, n // 2, rng) for rows in _stored(policy)]
    known = stored if X is None else [policy._check_states(X), *stored]
    known = [observation.encode(np.asarray(rows)) for rows in known]
    # A table of values knows the states of its model and no others.
    if hasattr(policy._q, "check_states"):
        return np.concatenate([*known, np.arange(len(policy._q.q_values))[:, None]])
    n_random = n - sum(map(len, stored))
    return np.concatenate([*known, _random(form, n_random, rng)])


def _some(rows, n, rng):
    return rows if len(rows) <= n else rows[np.sort(rng.permutation(len(rows))[:n])]


def _stored(policy):
    """Rows that a fit with warm_start=True has kept."""
    state = getattr(policy, "_state", None)
    transitions = state.rollouts.get("transitions") if state is not None else None
    return [] if transitions is None else [transitions.observations]


def _random(form, n, rng):
    """Rows near to where steps that look at the observation expect it, and far off."""
    steps = in_order(form)
    observation = steps[0]
    # Standard deviations from a third to thirty.
    widths = 10 ** rng.uniform(-0.5, 1.5, size=(n, 1))
    rows = widths * rng.standard_normal((n, observation.size))
    rows = _near(observation, rows, rng)
    for step in steps[1:]:
        if step.sources[0] is observation:
            rows = _near(step, rows, rng)
    return rows


@singledispatch
def _near(step, rows, rng):
    """Rows as a step expects them, made of standard normal ones."""
    return rows


@_near.register
def _(step: Standardize, rows, rng):
    return rows * step.scale + step.center


@_near.register
def _(step: OneHot, rows, rng):
    rows = rows.copy()
    # One more, which nobody has seen.
    values = np.append(step.known, step.known.max() + 1)
    rows[:, step.column] = rng.choice(values, size=len(rows))
    return rows


@_near.register
def _(step: Table, rows, rng):
    """Listed words and others; numbers around what stands for missing ones, or none."""
    rows = rows.copy()
    for column, listed in step.words.items():
        lowest = step.others(column)
        rows[:, column] = rng.integers(lowest, len(listed), size=len(rows))
    for column, value in step.fillings.items():
        near = value + max(abs(value), 1.0) * rows[:, column]
        rows[:, column] = np.where(rng.random(len(rows)) < 0.1, np.nan, near)
    for column, kind in step.whole.items():
        # Small enough for every type of integers.
        numbers = np.abs(np.round(np.nan_to_num(rows[:, column]))) % 100
        rows[:, column] = numbers.astype(kind)
    return rows


@_near.register
def _(step: Trees, rows, rng):
    """Next to thresholds, half of them on one."""
    rows = rows.copy()
    for column in range(rows.shape[1]):
        known = step.threshold[step.column == column]
        if len(known):
            spread = np.ptp(known) + 1e-3 * np.abs(known).max()
            near = rng.choice(known, size=len(rows))
            noise = np.where(rng.random(len(rows)) < 0.5, 0.0, 0.1 * spread)
            rows[:, column] = near + noise * rows[:, column]
    return rows
