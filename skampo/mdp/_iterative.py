"""Linear systems of sparse policies, solved until their error is certified."""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse.linalg import LinearOperator, bicgstab
from sklearn.exceptions import ConvergenceWarning

# Errors relative to the solution: aimed at, and given away without a warning.
_GOAL = 1e-12
_PROMISE = 1e-10
_KRYLOV_STEPS = 200
# Near γ = 1 a factor of e takes 1 / (1 − γ) sweeps: without a budget, for ever.
_MOST_PRODUCTS = 1_000_000
_EPS = np.finfo(np.float64).eps
_TINY = np.finfo(np.float64).tiny


def solve_in_maximum(kernel, gamma, b, start=None):
    """Solve ``(I - gamma K) x = b``, the error measured by its largest entry."""
    return _solve(_System(kernel, gamma, b, lambda x: np.abs(x).max()), start)


def solve_in_absolute_sum(kernel, gamma, b):
    """Solve ``(I - gamma K^T) x = b``, the error measured by its absolute sum."""
    # Row by row, the transposed matrix multiplies in two thirds of the time.
    return _solve(_System(kernel.T.tocsr(), gamma, b, lambda x: np.abs(x).sum()))


@dataclass(eq=False)
class _System:
    """
    A system whose matrix is a contraction by gamma in the norm.

    That is why no error exceeds the norm of the residual divided by ``1 - gamma``.
    """

    kernel: object
    gamma: float
    b: np.ndarray
    norm: object
    n_products: int = field(default=0, init=False)

    def apply(self, x):
        """Multiply by the matrix of the system."""
        self.n_products += 1
        return x - self.gamma * (self.kernel @ x)

    def residual(self, x):
        """What is missing to the right side."""
        return self.b - self.apply(x)

    def scale(self, x):
        """Estimate the norm of the solution, at least half that of the right side."""
        # ‖b‖ = ‖(I − γK) x‖ ≤ 2 ‖x‖ for the solution: x = 0 has a scale as well.
        return max(self.norm(self.b) / 2, self.norm(x))

    def relative_error(self, x, residual):
        """Bound on the error of a solution, relative to its norm."""
        return self.norm(residual) / (1 - self.gamma) / max(self.scale(x), _TINY)

    def is_as_promised(self, x, residual):
        """Whether a solution can be given away without a warning."""
        return self.relative_error(x, residual) <= _PROMISE

    def goal(self, x):
        """Norm of a residual that is small enough to stop, or as small as it gets."""
        return max(_GOAL * (1 - self.gamma), 8 * _EPS) * self.scale(x)


def _solve(system, start=None):
    """Alternate Krylov steps, where they help, with sweeps, which always do."""
    x, residual = np.zeros_like(system.b), system.b
    if start is not None:
        x, residual = start, system.residual(start)
    # Comparisons are negated because Krylov steps may come back as NaN.
    while not system.norm(residual) <= system.goal(x):
        before = system.norm(residual)
        better = _krylov(system, x, residual)
        if not system.norm(better[1]) < before / 2:
            # Sweeps are too slow to be spent on what may be rounding.
            if before <= 8 * system.goal(x) and system.is_as_promised(x, residual):
                break
            better = _sweep(system, x, residual)
            # Exact sweeps would divide the residual by e: this is rounding.
            if not system.norm(better[1]) < 0.9 * before:
                break
        x, residual = better
    if not system.is_as_promised(x, residual):
        _warn_of_uncertainty(system, x, residual)
    return x


def _krylov(system, x, residual):
    """Correct a solution by BiCGSTAB; nothing is certain about the result."""
    n = len(x)
    matrix = LinearOperator((n, n), matvec=system.apply, dtype=np.float64)
    goal = system.goal(x)
    # It divides by numbers that can vanish, and what comes of it is not used.
    with np.errstate(all="ignore"):
        correction, _ = bicgstab(
            matrix, residual, rtol=0.0, atol=goal, maxiter=_KRYLOV_STEPS
        )
        return x + correction, system.residual(x + correction)


def _sweep(system, x, residual):
    """Iterate the contraction until the residual is divided by e."""
    # γ^(1 / (1 − γ)) ≤ 1 / e.
    n_sweeps = math.ceil(1 / (1 - system.gamma))
    for _ in range(min(n_sweeps, _MOST_PRODUCTS - system.n_products)):
        x = x + residual
        residual = system.residual(x)
    return x, residual


def _warn_of_uncertainty(system, x, residual):
    warnings.warn(
        "The exact evaluation of a sparse model is certain only to "
        f"{system.relative_error(x, residual):.1e} of the largest value: gamma="
        f"{system.gamma!r} is too close to 1 for it. Use a smaller gamma, or dense "
        "storage if the model is small.",
        ConvergenceWarning,
        # Where `TabularMDP.values` or `visitation` was called.
        stacklevel=6,
    )
