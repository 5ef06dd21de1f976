"""Which of the policies so far make up the one that a fit returns."""

import numpy as np

# Policies in a mean: more were no better, and forests are large. Fewer wander.
_MOST, _FEWEST = 8, 4


def recent_iterates(iterates, share):
    """
    Choose the iterates that may be averaged if this iteration is the last.

    What is chosen among all iterates so far is also chosen when those that were left
    out before are gone: a fit that goes on later averages the same as one longer fit.

    Parameters
    ----------
    iterates : sequence of Iterate
        In the order of their iterations, up to the last one.
    share : float
        Share of all iterations, from 0 to 1.

    Returns
    -------
    tuple of Iterate
        What `averaged_iterates` takes, whatever the returns: at most 17.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from skampo._average import recent_iterates
    >>> iterates = [SimpleNamespace(iteration=t) for t in range(1, 50)]
    >>> [kept.iteration for kept in recent_iterates(iterates, 1 / 3)]
    [34, 36, 38, 40, 42, 43, 44, 45, 46, 47, 48, 49]
    """
    counts = _candidates(iterates, share)
    chosen = {x.iteration for count in counts for x in _spread(iterates, count)}
    return tuple(iterate for iterate in iterates if iterate.iteration in chosen)


def averaged_iterates(iterates, share, returns):
    """
    Choose the iterates of the last share of the iterations, or the newest of these.

    If the episodes of the newer half had larger returns than those of the older half,
    the newer half is taken alone, and of this once more: the older policies are worse.
    Where no policy is better than others, the mean of more of them wanders less.

    Parameters
    ----------
    iterates : sequence of Iterate
        In the order of their iterations, up to the last one.
    share : float
        Share of all iterations, from 0 to 1.
    returns : sequence of float
        Mean returns of the episodes of all iterations, NaN where none ended.

    Returns
    -------
    list of Iterate
        The last one and at most eight before it, evenly spaced.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from skampo._average import averaged_iterates
    >>> iterates = [SimpleNamespace(iteration=t) for t in range(1, 50)]
    >>> found = averaged_iterates(iterates, 1 / 3, [0.0] * 41 + [1.0] * 8)
    >>> [kept.iteration for kept in found]
    [42, 43, 44, 45, 46, 47, 48, 49]
    """
    n_recent, *halves = _candidates(iterates, share)
    for half in halves:
        # NaN is no larger.
        if not _mean(returns[-half:]) > _mean(returns[-2 * half : -half]):
            break
        n_recent = half
    return _spread(iterates, n_recent)


def _candidates(iterates, share):
    """How many of the last iterations: the share, its half and its quarter."""
    # Rounding must not shorten a third of three.
    n_recent = int(share * iterates[-1].iteration + 1e-9)
    parts = n_recent // 2, n_recent // 4
    return [n_recent, *(part for part in parts if part >= _FEWEST)]


def _spread(iterates, n_recent):
    """Those of the last iterations, evenly spaced, and the last one."""
    last, spacing = iterates[-1].iteration, 1
    while n_recent > _MOST * spacing:
        spacing *= 2
    return [
        iterate
        for iterate in iterates
        if iterate.iteration == last
        or (iterate.iteration > last - n_recent and iterate.iteration % spacing == 0)
    ]


def _mean(returns):
    returns = np.asarray(returns, dtype=float)
    known = returns[np.isfinite(returns)]
    return known.mean() if len(known) else np.nan
