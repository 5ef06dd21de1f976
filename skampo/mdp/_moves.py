"""Transition probabilities from moves that sometimes slip."""

from numbers import Real

import numpy as np
from scipy.sparse import csr_array

from skampo.exceptions import InvalidParameterError
from skampo.mdp._storage import compact


def mix_moves(moves):
    """Combine pairs of a probability and next states of shape (n_states, n_actions)."""
    n_states, n_actions = moves[0][1].shape
    n_rows = n_states * n_actions
    rows = np.tile(np.arange(n_rows), len(moves))
    successors = np.concatenate([after.ravel() for _, after in moves])
    probabilities = np.repeat([probability for probability, _ in moves], n_rows)
    # Moves of one row that lead to the same state are summed by the array.
    entries = probabilities, (rows, successors)
    return compact(csr_array(entries, shape=(n_rows, n_states)), n_actions)


def check_slip(slip):
    """Refuse what is no probability."""
    if not isinstance(slip, Real) or not 0 <= slip <= 1:
        raise InvalidParameterError(
            f"slip must be a float in the range [0.0, 1.0]. Got {slip!r} instead."
        )
