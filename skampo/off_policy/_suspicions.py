"""What a log or a policy shows that honest ones do not: one sentence each, or none."""

from collections import Counter
from functools import partial
from itertools import pairwise

import numpy as np
from sklearn.neighbors import NearestNeighbors

from skampo.data._tables import is_table
from skampo.features._blocks import blocks
from skampo.off_policy._bootstrap import effective_size
from skampo.off_policy._result import FEWEST_EFFECTIVE
from skampo.off_policy._trajectories import LARGEST_EXPONENT
from skampo.utils._sklearn import take_rows

# Of honest logs with weights as heavy as an effective sample size of 50 allows, none
# in a thousand is so many errors away; and a smaller difference changes little.
_FAR, _MUCH = 4.5, 0.05
# Neighbors of a row, rows that ask for theirs, and rows and columns to look in.
_NEIGHBORS, _ASKED, _ROWS, _COLUMNS = 50, 300, 20_000, 1000
# Share of episodes that are copies, and of values that are like no other.
_COPIED, _DISTINCT = 0.05, 0.9
# Episodes that are looked at together.
_TOGETHER = 1000
# Fewer kinds of episodes may well all come in even numbers.
_FEWEST_KINDS = 10
# Next states may have been rounded to single precision.
_ROUNDED = 1e-5


def uneven_weights(log, shown, weights=None):
    """
    Complain of weights whose mean is not 1.

    Given its state, the ratio of a row has expectation 1 wherever every action of the
    policy can occur; so has the product of an episode, which looks at the states that
    the policy would visit.
    """
    if log.propensities is None:
        return ""
    found = _off_one(shown / log.propensities, "rows")
    if weights is not None and not found:
        last = weights[:, -1]
        # Below that, the mean of products is no test of anything.
        enough = effective_size(last) >= FEWEST_EFFECTIVE
        found = _off_one(last, "episodes") if enough else ""
    return found and (
        f"{found}; it is 1 where propensities are right and the log can do what the "
        "policy would: propensities are wrong, or in some states the log never takes "
        "an action of the policy. Check propensities=, or evaluate a policy that only "
        "does what was done there."
    )


def _off_one(weights, what):
    # Weights reach 1e304, and their squares would be infinite.
    scale = max(weights.max(), 1.0)
    excess = weights / scale - 1 / scale
    # Under the claim, the rows of an episode are uncorrelated.
    error = np.sqrt((excess**2).sum())
    mean = 1 + excess.mean() * scale
    if abs(mean - 1) <= _MUCH or abs(excess.sum()) <= _FAR * error:
        return ""
    return (
        f"The importance weights of {len(weights)} {what} have a mean of {mean:.3g}, "
        f"{abs(excess.sum()) / error:.1f} standard errors from 1"
    )


def cut_weights(weights):
    """Complain of weights that are too large to be a number."""
    n_cut = int((weights[:, -1] >= np.exp(LARGEST_EXPONENT)).sum())
    if not n_cut:
        return ""
    return (
        f"The importance weights of {n_cut} of {len(weights)} episodes are above "
        f"1e304 and were cut there: estimates and effective sample size mean nothing. "
        "Check propensities=; use fitted_q_evaluation for long episodes."
    )


def unsupported_states(log, proba):
    """Complain of a policy that does what nobody did in such states."""
    if log.propensities is not None:
        return ""
    share = unsupported_share(log, proba)
    # Negated, so that a share that cannot be told is no complaint.
    if not share > _MUCH:
        return ""
    return (
        f"The policy gives {share:.0%} of its probability to actions that none of the "
        f"{_NEIGHBORS} rows nearest to a state shows: their values there are a guess "
        "of the regressor. Evaluate a policy nearer to the logged one."
    )


def unsupported_share(log, proba):
    """Probability of actions that no near row shows; NaN where it cannot be told."""
    if len(log) < 4 * _NEIGHBORS:
        return np.nan
    known, asked = (_spread_out(len(log), n_rows) for n_rows in (_ROWS, _ASKED))
    # Of millions of rows all columns side by side take more memory than the log.
    rows = np.union1d(known, asked)
    X = _scaled(take_rows(log.states, rows))
    if X.shape[1] > _COLUMNS:
        return np.nan
    at = partial(np.searchsorted, rows)
    finder = NearestNeighbors(n_neighbors=_NEIGHBORS).fit(X[at(known)])
    near = known[finder.kneighbors(X[at(asked)], return_distance=False)]
    done = np.searchsorted(log.classes, log.actions)[near]
    never = np.ones((len(asked), len(log.classes)), dtype=bool)
    never[np.arange(len(asked))[:, None], done] = False
    # What occurs nowhere is another complaint.
    never &= np.isin(log.classes, log.actions)
    return float((proba[asked] * never).sum(axis=1).mean())


def _spread_out(n_rows, n_chosen):
    """Numbers of rows from the first to the last, at most so many."""
    return np.unique(np.linspace(0, n_rows - 1, n_chosen).astype(int))


def never_ends(log):
    """Complain of a log in which nothing is said of any end."""
    if log.is_one_step or (log.terminated | log.truncated).any():
        return ""
    what = "episodes" if log.episodes is None else f"{log.n_episodes} episodes"
    return (
        f"No row of the log is terminated or truncated: its {what} "
        "are all taken to go on for ever, and values to come are added behind their "
        "last rows. Give terminated= where they ended, or truncated= where they were "
        "cut."
    )


def broken_next_states(log):
    """Complain of rows that do not go on where the row before led."""
    if log.is_one_step or log.episodes is None:
        return ""
    above = np.flatnonzero(~log.is_start[1:])
    differs = np.zeros(len(above), dtype=bool)
    pairs = zip(columns_of(log.next_states), columns_of(log.states), strict=True)
    for following, states in pairs:
        differs |= _differ(following, states, above)
    if not differs.any():
        return ""
    first = above[np.flatnonzero(differs)[0]]
    return (
        f"In {int(differs.sum())} of {len(above)} rows, first in row {first}, "
        "next_states is not the state of the next row of the episode: rows are "
        "missing or in another order, or next_states is shifted. "
        "TransitionLog.from_frame makes next states from the rows of an episode."
    )


def copied_episodes(log):
    """Complain of episodes that are copies of others, unless chance can repeat them."""
    starts = np.append(np.flatnonzero(log.is_start), len(log))
    columns = [log.rewards, *columns_of(log.states), log.actions]
    # Numbers are joined episode by episode: all at once take as much memory again.
    columns = [c if _is_number(c) else as_codes(c) for c in columns]
    pieces = [*_fingerprints(columns, starts)]
    kinds = Counter(pieces)
    n_copies = len(pieces) - len(kinds)
    if n_copies <= _COPIED * len(pieces):
        return ""
    every = np.gcd.reduce(list(kinds.values()))
    if not (every > 1 and len(kinds) >= _FEWEST_KINDS):
        firsts = set({piece: i for i, piece in reversed([*enumerate(pieces)])}.values())
        is_first = [i in firsts for i in range(len(pieces))]
        kept = np.column_stack(columns)[np.repeat(is_first, np.diff(starts)), :-1]
        if not _has_own_values(kept):
            return ""
    return (
        f"{n_copies} of {len(pieces)} episodes are copies of others, and intervals "
        "count each as new evidence. Drop the copies; rows of one customer that are "
        "equal belong under one label of episodes=."
    )


def _fingerprints(columns, starts):
    """A number for each episode, which is that of another only if that is a copy."""
    for first in range(0, len(starts) - 1, _TOGETHER):
        bounds = starts[first : first + _TOGETHER + 1]
        some = [column[bounds[0] : bounds[-1]] for column in columns]
        rows = np.column_stack(some)
        yield from (hash(rows[i:j].tobytes()) for i, j in pairwise(bounds - bounds[0]))


def _has_own_values(rows):
    """Whether in some column nearly every value is met once: no chance repeats them."""
    if len(rows) < 2 * _FEWEST_KINDS:
        return False
    return any(len(np.unique(c)) >= _DISTINCT * len(c) for c in rows.T)


def columns_of(states):
    """The columns of a table or an array, one by one."""
    if is_table(states):
        return [np.asarray(states[name]) for name in states.columns]
    return list(states.T)


def _is_number(column):
    return column.dtype.kind in "fiub"


def as_codes(column):
    """Numbers that are equal where the values are."""
    if _is_number(column):
        return column.astype(np.float64)
    return np.unique(column.astype(str), return_inverse=True)[1].astype(np.float64)


def _differ(following, states, above):
    """Whether what followed some rows is not the state in the row below."""
    if not (_is_number(following) and _is_number(states)):
        return following[above].astype(str) != states[above + 1].astype(str)
    sizes = (
        np.nanmax(np.abs(states[above[rows] + 1].astype(float)), initial=0.0)
        for rows in blocks(len(above))
    )
    largest = max(sizes, default=0.0)
    differs = np.zeros(len(above), dtype=bool)
    for rows in blocks(len(above)):
        one, other = (
            column[part].astype(float)
            for column, part in ((following, above[rows]), (states, above[rows] + 1))
        )
        # What is missing in both is equal.
        is_near = np.abs(one - other) <= _ROUNDED * largest
        differs[rows] = ~(is_near | (np.isnan(one) & np.isnan(other)))
    return differs


def _scaled(states):
    """Columns of comparable spread; categories as indicators."""
    columns = []
    for column in columns_of(states):
        values = as_codes(column)[:, None]
        if not _is_number(column):
            values = (values == np.unique(values)).astype(float)
        columns.append(values)
    X = np.nan_to_num(np.hstack(columns))
    spread = X.std(axis=0)
    return X / np.where(spread > 0, spread, 1.0)
