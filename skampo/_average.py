"""Which of the policies so far make up the one that a fit returns."""

# Policies in a mean: more were no better, and forests are large.
_MOST = 8


def recent_iterates(iterates, share):
    """
    Choose the iterates of the last share of the iterations, evenly spaced.

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
        The last one, and at most eight before it.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from skampo._average import recent_iterates
    >>> iterates = [SimpleNamespace(iteration=t) for t in range(1, 50)]
    >>> [kept.iteration for kept in recent_iterates(iterates, 1 / 3)]
    [34, 36, 38, 40, 42, 44, 46, 48, 49]
    """
    last = iterates[-1].iteration
    # Rounding must not shorten a third of three.
    n_recent = int(share * last + 1e-9)
    spacing = 1
    while n_recent > _MOST * spacing:
        spacing *= 2
    return tuple(
        iterate
        for iterate in iterates
        if iterate.iteration == last
        or (iterate.iteration > last - n_recent and iterate.iteration % spacing == 0)
    )
