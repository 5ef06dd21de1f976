"""Transition probabilities, dense or sparse, behind one interface."""

import numpy as np
from scipy.sparse import csr_array, issparse, vstack

from skampo.mdp._iterative import solve_in_absolute_sum, solve_in_maximum
from skampo.utils._validation import check_distribution

# Policy iteration takes 1 ms dense and 10 ms sparse for 64 states, 80 and 15 for 501.
_LARGEST_DENSE = 1_000_000


def store(transition, shape):
    """Copy and check transition probabilities, in the form they are given in."""
    if _is_list_of_sparse(transition):
        transition = _interleave(transition, shape)
    form = SparseTransition if issparse(transition) else DenseTransition
    return form(transition, shape)


def _is_list_of_sparse(transition):
    """Whether it is a list, or an array of objects, with something sparse in it."""
    is_list = isinstance(transition, list | tuple)
    is_array = isinstance(transition, np.ndarray) and transition.dtype.kind == "O"
    return (is_list or is_array) and any(map(issparse, transition))


def _interleave(matrices, shape):
    """One sparse array, row state * n_actions + action, from one for each action."""
    shapes = [np.shape(matrix) for matrix in matrices]
    if len(shape) != 2 or shapes != [(shape[0], shape[0])] * shape[1]:
        raise ValueError(
            "A list of sparse arrays must have one of shape (n_states, n_states) for "
            "each action, and reward the shape (n_states, n_actions). Got "
            f"{len(shapes)} of shapes {sorted(set(shapes))}, and {shape} instead."
        )
    n_states, n_actions = shape
    rows = vstack([csr_array(matrix) for matrix in matrices], format="csr")
    order = np.arange(n_states)[:, None] + n_states * np.arange(n_actions)
    return rows[order.ravel()]


def compact(rows, n_actions):
    """Make a sparse array dense if that takes no more than 8 MB."""
    n_states = rows.shape[1]
    if n_states * rows.shape[0] > _LARGEST_DENSE:
        return rows
    return rows.toarray().reshape(n_states, n_actions, n_states)


class DenseTransition:
    """One array of shape (n_states, n_actions, n_states); LAPACK solves."""

    def __init__(self, transition, shape):
        self.array = np.array(transition, dtype=np.float64, order="C")
        if len(shape) != 2 or 0 in shape or self.array.shape != (*shape, shape[0]):
            raise ValueError(
                "transition must have shape (n_states, n_actions, n_states) and reward "
                f"(n_states, n_actions). Got {self.array.shape} and {shape} instead."
            )
        self.shape = shape
        self._rows = self.array.reshape(-1, shape[0])
        # A NaN fails both comparisons, an infinity the second one.
        with np.errstate(invalid="ignore"):
            valid = np.abs(self._rows.sum(axis=1) - 1) <= 1e-9
        valid &= self._rows.min(axis=1) >= 0
        _refuse_first(valid, shape[1], lambda row: self._rows[row])
        self.n_successors = int(np.count_nonzero(self._rows, axis=1).max())

    def rows(self):
        """Sparse array of shape (n_states * n_actions, n_states)."""
        return csr_array(self._rows)

    def expect(self, values):
        """Mean of values after each state and action."""
        return (self._rows @ values).reshape(self.shape)

    def kernel(self, proba):
        """Transition matrix of a policy."""
        return np.einsum("sa,sat->st", proba, self.array)

    def kernel_of(self, actions):
        """Transition matrix of a policy of one action for each state."""
        return self.array[np.arange(len(actions)), actions]

    def solve(self, kernel, gamma, rewards, start=None):
        """Discounted sums of rewards; a start is of no use to LAPACK."""
        return np.linalg.solve(np.eye(len(kernel)) - gamma * kernel, rewards)

    def solve_transposed(self, kernel, gamma, start):
        """Discounted sums of the distributions that follow one."""
        return np.linalg.solve(np.eye(len(kernel)) - gamma * kernel.T, start)


class SparseTransition:
    """Rows ``state * n_actions + action`` of successors; solved by iteration."""

    def __init__(self, transition, shape):
        n_rows = int(np.prod(shape))
        expected = (n_rows, *shape[:1])
        if len(shape) != 2 or n_rows == 0 or transition.shape != expected:
            raise ValueError(
                "A sparse transition must have shape (n_states * n_actions, n_states), "
                "row state * n_actions + action, and reward (n_states, n_actions). "
                f"Got {transition.shape} and {shape} instead."
            )
        self.array = csr_array(transition, dtype=np.float64, copy=True)
        # Stored entries are counted as successors: one for each place, and no zeros.
        self.array.sum_duplicates()
        self.array.eliminate_zeros()
        self.shape = shape
        self._check_rows()
        self.n_successors = int(np.diff(self.array.indptr).max())

    def rows(self):
        """Sparse array of shape (n_states * n_actions, n_states)."""
        return self.array

    def expect(self, values):
        """Mean of values after each state and action."""
        return (self.array @ values).reshape(self.shape)

    def kernel(self, proba):
        """Transition matrix of a policy."""
        n_states, n_actions = self.shape
        pairs = np.arange(proba.size)
        # A copy, because `eliminate_zeros` would write into the caller's policy.
        weights = csr_array(
            (proba.ravel(), pairs, np.arange(0, proba.size + 1, n_actions)),
            shape=(n_states, proba.size),
            copy=True,
        )
        # The zeros of a deterministic policy would take most of the product's time.
        weights.eliminate_zeros()
        return weights @ self.array

    def kernel_of(self, actions):
        """Transition matrix of a policy of one action for each state."""
        return self.array[np.arange(len(actions)) * self.shape[1] + actions]

    def solve(self, kernel, gamma, rewards, start=None):
        """Discounted sums of rewards under a transition matrix, from a first guess."""
        return solve_in_maximum(kernel, gamma, rewards, start)

    def solve_transposed(self, kernel, gamma, start):
        """Discounted sums of the distributions that follow one."""
        return solve_in_absolute_sum(kernel, gamma, start)

    def _check_rows(self):
        data, ends = self.array.data, self.array.indptr
        with np.errstate(invalid="ignore"):
            valid = np.abs(self.array.sum(axis=1) - 1) <= 1e-9
        row_of_entry = np.repeat(np.arange(len(valid)), np.diff(ends))
        # Negated, so that NaN counts as negative.
        valid[row_of_entry[~(data >= 0)]] = False
        _refuse_first(valid, self.shape[1], lambda r: data[ends[r] : ends[r + 1]])


def _refuse_first(valid, n_actions, row):
    """Name the state and the action of the first row that is no distribution."""
    for first in np.flatnonzero(~valid)[:1]:
        state, action = divmod(int(first), n_actions)
        check_distribution(row(first), f"transition[{state}, {action}]")
