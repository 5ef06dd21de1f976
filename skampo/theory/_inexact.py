"""Guarantees that allow for errors of the critic and of the regression."""

import numpy as np

from skampo.theory._checks import (
    at_least,
    counts,
    error_floor,
    float_or_array,
    mismatch,
    positive,
)
from skampo.theory._exact import xiao_linear_bound
from skampo.utils._validation import check_discount


def ampo_improvement_bound(
    gamma: float,
    divergence: float,
    eta: float,
    concentrability: float = 0.0,
    approximation_error: float = 0.0,
) -> float:
    r"""
    Bound the improvement of one iteration from below (quasi-monotonicity).

    .. math::

        V^{t+1} - V^t \ge \frac{E_{s \sim d^{t+1}} [ D_h(\pi^{t+1}, \pi^t) +
        D_h(\pi^t, \pi^{t+1}) ]}{\eta_t (1 - \gamma)}
        - \frac{2 \sqrt{C_v \epsilon}}{1 - \gamma}

    Parameters
    ----------
    gamma : float
        Discount factor in [0, 1).
    divergence : float
        The expectation in the numerator, or 0.
    eta : float
        The step size of the iteration, in (0, inf).
    concentrability : float, default=0.0
        :math:`C_v`, the larger `concentrability` of :math:`(d^{t+1}, \pi^{t+1})` and
        :math:`(d^{t+1}, \pi^t)`.
    approximation_error : float, default=0.0
        The `approximation_error` of the iteration.

    Returns
    -------
    float
        The smallest possible improvement, negative if the error may outweigh it.

    Raises
    ------
    InvalidParameterError
        If a parameter is out of range.

    See Also
    --------
    ampo_sublinear_bound : What follows for many iterations.

    Notes
    -----
    Holds for any mirror map, any rewards, any initial distribution and any step size.
    The error is that of line 1 against the exact action values, so that it covers the
    critic and the regression.

    References
    ----------
    .. [1] C. Alfano, R. Yuan and P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023,
       Proposition 4.2.

    Examples
    --------
    >>> from skampo.theory import ampo_improvement_bound
    >>> ampo_improvement_bound(0.5, divergence=0.5, eta=2.0)
    0.5
    >>> ampo_improvement_bound(0.5, 0.5, 2.0, 4.0, 0.25)
    -3.5
    """
    check_discount(gamma)
    at_least(0, divergence=divergence)
    positive(eta=eta)
    # A single iteration pays for no mismatch: 2 √(C ε) / (1 − γ).
    floor = error_floor(gamma, 0, concentrability, approximation_error)
    return float(divergence / (eta * (1 - gamma)) - floor)


def ampo_sublinear_bound(
    n_iter,
    gamma: float,
    nu: float,
    divergence: float,
    eta0: float,
    concentrability: float = 0.0,
    approximation_error: float = 0.0,
) -> float | np.ndarray:
    r"""
    Bound the mean gap of all iterates for step sizes that do not decrease.

    .. math::

        V^* - \frac{1}{T} \sum_{t < T} V^t \le \frac{1}{T} \left(
        \frac{D_0}{(1 - \gamma) \eta_0} + \frac{\nu}{1 - \gamma} \right)
        + \frac{2 (1 + \nu) \sqrt{C_v \epsilon}}{1 - \gamma}

    It says nothing of the last iterate.

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations T; the mean is over the policies 0 to T - 1. The bound is infinite
        at 0.
    gamma : float
        Discount factor in [0, 1).
    nu : float
        Largest `mismatch_coefficient` of :math:`d^*` and :math:`d^1, \ldots, d^T`, at
        least 1; that of :math:`d^*` and :math:`\mu` with `gamma` is always valid.
    divergence : float
        :math:`D_0 = E_{s \sim d^*} D_h(\pi^*(\cdot | s), \pi^0(\cdot | s))`.
    eta0 : float
        The first step size, in (0, inf).
    concentrability : float, default=0.0
        :math:`C_v`, the largest `concentrability` of the four pairs named there.
    approximation_error : float, default=0.0
        :math:`\epsilon`, the largest `approximation_error` of the T iterations.

    Returns
    -------
    float or ndarray
        The bound, in the shape of `n_iter`.

    Raises
    ------
    InvalidParameterError
        If a parameter is out of range.

    See Also
    --------
    ampo_linear_bound : The last iterate, for growing step sizes.

    Notes
    -----
    Assumes rewards in [0, 1]; any mirror map and any regressor. The error is that of
    line 1 against the exact action values, so that it covers the critic and the
    regression. Only the largest product :math:`C_v \epsilon` of an iteration matters:
    it may be given as the error, with a concentrability of 1. For rewards in [a, b]
    multiply `eta0` and the bound by b - a, and divide the error by its square.

    References
    ----------
    .. [1] C. Alfano, R. Yuan and P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023,
       Theorem 4.3.

    Examples
    --------
    >>> from skampo.theory import ampo_sublinear_bound
    >>> ampo_sublinear_bound([1, 4], 0.5, nu=3.0, divergence=1.0, eta0=1.0)
    array([8., 2.])
    >>> ampo_sublinear_bound(4, 0.5, 3.0, 1.0, 1.0, 4.0, 0.25)
    18.0
    """
    check_discount(gamma)
    at_least(0, divergence=divergence)
    at_least(1, " It is a mismatch coefficient.", nu=nu)
    positive(eta0=eta0)
    floor = error_floor(gamma, nu, concentrability, approximation_error)
    with np.errstate(divide="ignore"):
        first = (divergence / eta0 + nu) / ((1 - gamma) * counts(n_iter))
    return float_or_array(first + floor)


def ampo_linear_bound(
    n_iter,
    gamma: float,
    nu: float,
    divergence: float,
    eta0: float,
    concentrability: float = 0.0,
    approximation_error: float = 0.0,
    initial_gap: float | None = None,
) -> float | np.ndarray:
    r"""
    Bound the gap of the last iterate for step sizes that grow geometrically.

    .. math::

        V^* - V^T \le \left( 1 - \frac{1}{\nu} \right)^T \frac{1}{1 - \gamma} \left( 1 +
        \frac{D_0}{\eta_0 (\nu - 1)} \right)
        + \frac{2 (1 + \nu) \sqrt{C_v \epsilon}}{1 - \gamma}
        \quad \text{if} \quad \eta_{t+1} \ge \frac{\nu}{\nu - 1} \eta_t

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations T.
    gamma : float
        Discount factor in [0, 1).
    nu : float
        Largest `mismatch_coefficient` of :math:`d^*` and :math:`d^1, \ldots, d^T`, or
        any larger number: step sizes that grow by a factor r need at least
        r / (r - 1). That of :math:`d^*`, :math:`\mu` and `gamma` is always valid, with
        r = 1 / gamma.
    divergence : float
        :math:`D_0 = E_{s \sim d^*} D_h(\pi^*(\cdot | s), \pi^0(\cdot | s))`.
    eta0 : float
        The first step size, in (0, inf).
    concentrability : float, default=0.0
        :math:`C_v`, the largest `concentrability` of the four pairs named there.
    approximation_error : float, default=0.0
        :math:`\epsilon`, the largest `approximation_error` of the T iterations.
    initial_gap : float, default=None
        :math:`V^* - V^0`; None is its largest value, :math:`1 / (1 - \gamma)`.

    Returns
    -------
    float or ndarray
        The bound, in the shape of `n_iter`.

    Raises
    ------
    InvalidParameterError
        If a parameter is out of range.

    See Also
    --------
    ampo_sublinear_bound : The mean of the iterates, for constant step sizes.
    xiao_linear_bound : The same without errors.

    Notes
    -----
    The assumptions and the scaling are those of `ampo_sublinear_bound`.

    References
    ----------
    .. [1] C. Alfano, R. Yuan and P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023,
       Theorem 4.3.

    Examples
    --------
    >>> from skampo.theory import ampo_linear_bound
    >>> ampo_linear_bound([0, 1], 0.5, nu=2.0, divergence=1.0, eta0=2.0)
    array([3. , 1.5])
    >>> ampo_linear_bound(1, 0.5, 2.0, 1.0, 2.0, 4.0, 0.25)
    13.5
    """
    # Before the other bound, which would refuse it under the name of theta.
    at_least(1, " It is a mismatch coefficient.", nu=nu)
    first = xiao_linear_bound(n_iter, gamma, nu, divergence, eta0, initial_gap)
    return first + error_floor(gamma, nu, concentrability, approximation_error)


def yuan_bound(
    n_iter,
    gamma: float,
    theta: float,
    concentrability: float = 0.0,
    error: float = 0.0,
    centered: bool = False,
) -> float | np.ndarray:
    r"""
    Bound the gap of the natural policy gradient of a log-linear policy.

    .. math::

        V^* - V^k \le \left( 1 - \frac{1}{\theta} \right)^k \frac{2}{1 - \gamma} +
        \frac{m (1 + \theta) \sqrt{C_v \epsilon}}{1 - \gamma}

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations k.
    gamma : float
        Discount factor in [0, 1).
    theta : float
        The `mismatch_coefficient` of :math:`d^*`, :math:`\mu` and `gamma`, at least
        :math:`1 / (1 - \gamma)`.
    concentrability : float, default=0.0
        :math:`C_v`, the largest `concentrability` of the pairs named there.
    error : float, default=0.0
        :math:`\epsilon`, the largest mean squared error of the fitted action values, or
        of the fitted advantages if `centered`.
    centered : bool, default=False
        Whether the features are centered under the current policy and fitted to
        advantages (natural policy gradient, m = 1), which leaves the pairs with
        :math:`\pi^t` out, or not (its variant with action values, m = 2).

    Returns
    -------
    float or ndarray
        The bound, in the shape of `n_iter`.

    Raises
    ------
    InvalidParameterError
        If a parameter is out of range.

    See Also
    --------
    ampo_linear_bound : Any mirror map, any regressor, any first step.

    Notes
    -----
    Assumes rewards in [0, 1], the entropy, a uniform first policy, and step sizes with
    :math:`\eta_0 \ge \log(A) (1 - \gamma) / \gamma` and
    :math:`\eta_{k+1} \ge \eta_k / \gamma`, the defaults of
    `skampo.step_sizes.Geometric`. For rewards in [a, b] divide these step sizes by
    b - a and the error by its square, and multiply the bound by b - a. Without error it
    holds for every exact regression, not only a log-linear one.

    References
    ----------
    .. [1] R. Yuan, S. Du, R. Gower, A. Lazaric and L. Xiao, "Linear convergence of
       natural policy gradient methods with log-linear policies", ICLR 2023.

    Examples
    --------
    >>> from skampo.theory import yuan_bound
    >>> yuan_bound([0, 1, 2], gamma=0.5, theta=2.0)
    array([4., 2., 1.])
    >>> yuan_bound(2, 0.5, 2.0, 4.0, 0.25)
    13.0
    >>> yuan_bound(2, 0.5, 2.0, 4.0, 0.25, centered=True)
    7.0
    """
    check_discount(gamma)
    mismatch(gamma, theta)
    # Before `error_floor`, which would refuse it under another name.
    at_least(0, error=error)
    floor = error_floor(gamma, theta, concentrability, error)
    first = (1 - 1 / theta) ** counts(n_iter) * 2 / (1 - gamma)
    # The floor is that of m = 2.
    return float_or_array(first + (0.5 if centered else 1.0) * floor)


def politex_bound(
    n_iter, gamma: float, n_actions: int, error: float = 0.0
) -> float | np.ndarray:
    r"""
    Bound the mean gap of all iterates in every state, for one constant step size.

    .. math::

        V^* - \frac{1}{K} \sum_{k < K} V^k \le \frac{1}{(1 - \gamma)^2}
        \sqrt{\frac{2 \log A}{K}} + \frac{2 \epsilon}{1 - \gamma}
        \quad \text{if} \quad \eta = (1 - \gamma) \sqrt{\frac{2 \log A}{K}}

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations K, for which the step size was chosen. The bound is infinite at 0.
    gamma : float
        Discount factor in [0, 1).
    n_actions : int
        Number of actions A.
    error : float, default=0.0
        :math:`\epsilon = \max_k \| \hat Q^k - Q^k \|_\infty`.

    Returns
    -------
    float or ndarray
        The bound, in the shape of `n_iter`.

    Raises
    ------
    InvalidParameterError
        If a parameter is out of range.

    See Also
    --------
    ampo_sublinear_bound : Errors in the mean square.

    Notes
    -----
    Assumes rewards in [0, 1], the entropy, a uniform first policy, and estimates
    :math:`\hat Q` between 0 and :math:`1 / (1 - \gamma)`, whose sums are not
    approximated any further. For rewards in [a, b] divide this step size and the error
    by b - a, and multiply the bound by it. Greedy policies can be as bad as
    :math:`\epsilon / (2 (1 - \gamma)^2)` for ever.

    References
    ----------
    .. [1] Y. Abbasi-Yadkori et al., "POLITEX: regret bounds for policy iteration using
       expert prediction", ICML 2019.

    Examples
    --------
    >>> from skampo.theory import politex_bound
    >>> politex_bound([100, 10_000], gamma=0.9, n_actions=2).round(3)
    array([11.774,  1.177])
    """
    check_discount(gamma)
    at_least(1, n_actions=n_actions)
    at_least(0, error=error)
    k = counts(n_iter)
    # For a single action the quotient at 0 is NaN.
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.where(k > 0, np.sqrt(2 * np.log(n_actions) / k), np.inf)
    return float_or_array(root / (1 - gamma) ** 2 + 2 * error / (1 - gamma))
