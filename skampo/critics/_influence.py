"""The value of a fixed point where episodes begin, and what is uncertain of it."""

from functools import partial

import numpy as np

from skampo.features._blocks import blocks, by_blocks, in_double, taken, tree_sum


def value_and_influence(point, targets, is_start):
    r"""
    The mean value where episodes begin, and what each episode adds to its error.

    Weights solve M w = b, and the value is x'w. To first order it is wrong by x' M^-1
    times the errors of the Bellman equation, r + γ V(s') - Q(s, a), at the features.
    `point` is a `FixedPoint` that has been solved for the targets.
    """
    features = point.features
    values = by_blocks(
        lambda rows: np.einsum(
            "sa,sa->s", targets.proba[rows], point.scores(in_double(features[rows]))
        ),
        features.shape[0],
    )
    starts = targets.at[np.flatnonzero(is_start)]
    here = taken(values, starts)
    gains = point.sensitivity(_toward(targets, features, starts) / len(starts))
    error = partial(_errors, point, targets, values, gains)
    episode = np.cumsum(is_start) - 1
    influence = tree_sum(
        np.bincount(episode[rows], error(rows), minlength=len(starts))
        for rows in blocks(len(episode))
    )
    return here.mean(), influence + (here - here.mean()) / len(starts)


def _toward(targets, features, starts):
    """Sums of features by the probabilities of the actions, where episodes begin."""
    parts = (starts[rows] for rows in blocks(len(starts)))
    return tree_sum(targets.proba[part].T @ in_double(features[part]) for part in parts)


def _errors(point, targets, values, gains, rows):
    """What is wrong in each row, by what it changes."""
    here = in_double(point.features[targets.at[rows]])
    done = np.arange(len(targets.at[rows])), targets.actions[rows]
    expected = (
        targets.rewards[rows] + targets.discounts[rows] * values[targets.after[rows]]
    )
    return (here @ gains)[done] * (expected - point.scores(here)[done])
