"""Guarantees for exact action values and an exact regression."""

from numbers import Integral

import numpy as np

from skampo.exceptions import InvalidParameterError
from skampo.theory._checks import at_least, counts, float_or_array, numbers, positive
from skampo.utils._validation import check_discount


def xiao_sublinear_bound(
    n_iter, gamma: float, divergence: float, eta: float
) -> float | np.ndarray:
    r"""
    Bound the gap of the last iterate for step sizes that do not decrease.

    .. math::

        V^* - V^k \le \frac{1}{k + 1} \left(
        \frac{D_0}{\eta (1 - \gamma)} + \frac{1}{(1 - \gamma)^2} \right)

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations k.
    gamma : float
        Discount factor in [0, 1).
    divergence : float
        :math:`D_0 = E_{s \sim d^*} D_h(\pi^*(\cdot | s), \pi^0(\cdot | s))`; for the
        entropy and a uniform first policy at most the logarithm of the number of
        actions.
    eta : float
        The constant step size in (0, inf), or the first of a nondecreasing sequence.

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
    xiao_linear_bound : For growing step sizes.

    Notes
    -----
    Assumes rewards in [0, 1], exact action values and an exact regression; any mirror
    map, any initial distribution. For rewards in [a, b] multiply `eta` and the bound by
    b - a.

    References
    ----------
    .. [1] L. Xiao, "On the convergence rates of policy gradient methods", JMLR
       23(282), 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.theory import xiao_sublinear_bound
    >>> xiao_sublinear_bound([1, 10, 50], 0.9, np.log(4), 1.0).round(3)
    array([56.931, 10.351,  2.233])
    """
    check_discount(gamma)
    at_least(0, divergence=divergence)
    positive(eta=eta)
    first = divergence / (eta * (1 - gamma)) + 1 / (1 - gamma) ** 2
    return float_or_array(first / (counts(n_iter) + 1))


def xiao_linear_bound(
    n_iter,
    gamma: float,
    theta: float,
    divergence: float,
    eta0: float,
    initial_gap: float | None = None,
) -> float | np.ndarray:
    r"""
    Bound the gap of the last iterate for step sizes that grow geometrically.

    .. math::

        V^* - V^k \le \left(1 - \frac{1}{\theta} \right)^k \left( V^* - V^0 +
        \frac{D_0}{(1 - \gamma) \eta_0 (\theta - 1)} \right)
        \quad \text{if} \quad \eta_{k+1} \ge \frac{\theta}{\theta - 1} \eta_k

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations k.
    gamma : float
        Discount factor in [0, 1).
    theta : float
        `mismatch_coefficient`, at least 1: that of :math:`d^*`, the first state and
        `gamma`, for which the factor :math:`1 / \gamma` between the step sizes is
        large enough, or the largest one of the policies 1 to k.
    divergence : float
        :math:`D_0 = E_{s \sim d^*} D_h(\pi^*(\cdot | s), \pi^0(\cdot | s))`.
    eta0 : float
        The first step size, in (0, inf).
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
    yuan_bound : With the default first step of the entropy.
    ampo_linear_bound : With errors.

    Notes
    -----
    Assumes rewards in [0, 1], exact action values and an exact regression; any mirror
    map. For rewards in [a, b] multiply `eta0` and the bound by b - a, and divide
    `initial_gap` by it.

    References
    ----------
    .. [1] L. Xiao, "On the convergence rates of policy gradient methods", JMLR
       23(282), 2022.

    Examples
    --------
    >>> from skampo.theory import xiao_linear_bound
    >>> xiao_linear_bound([0, 1, 2], 0.5, 2.0, divergence=1.0, eta0=2.0)
    array([3.  , 1.5 , 0.75])
    """
    check_discount(gamma)
    gap = 1 / (1 - gamma) if initial_gap is None else initial_gap
    at_least(0, divergence=divergence, initial_gap=gap)
    at_least(1, theta=theta)
    positive(eta0=eta0)
    k, rate = counts(n_iter), 1 - 1 / theta
    # One factor `rate` is drawn out of `theta - 1`, for `theta` may be 1.
    with np.errstate(divide="ignore"):
        start = divergence / (theta * (1 - gamma) * eta0) * np.power(rate, k - 1)
    # At k = 0 and theta = 1, no divergence at all would be 0 · ∞.
    return float_or_array(rate**k * gap + (start if divergence else 0.0))


def agarwal_bound(
    n_iter, gamma: float, n_actions: int, eta: float
) -> float | np.ndarray:
    r"""
    Bound the gap of the natural policy gradient on a table of softmax scores.

    .. math::

        V^* - V^T \le \frac{\log A}{\eta T} + \frac{1}{(1 - \gamma)^2 T}

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations T; the bound is infinite at 0.
    gamma : float
        Discount factor in [0, 1).
    n_actions : int
        Number of actions A.
    eta : float
        Step size of the natural policy gradient, in (0, inf). It is
        :math:`1 - \gamma` times the step size of mirror descent, that is of
        `AMPOPolicy`: :math:`\pi^{t+1} \propto \pi^t \exp(\eta A^t / (1 - \gamma))`.

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
    xiao_sublinear_bound : A little tighter, and for every mirror map.

    Notes
    -----
    Assumes rewards in [0, 1], exact action values, an exact regression, the entropy, a
    constant step size and a uniform first policy; any initial distribution. For rewards
    in [a, b] multiply `eta` and the bound by b - a. From
    :math:`\eta = (1 - \gamma)^2 \log A` on the bound is at most
    :math:`2 / ((1 - \gamma)^2 T)`.

    References
    ----------
    .. [1] A. Agarwal, S. Kakade, J. Lee and G. Mahajan, "On the theory of policy
       gradient methods: optimality, approximation, and distribution shift", JMLR
       22(98), 2021.

    Examples
    --------
    The step size 1 of mirror descent is 0.1 for the natural policy gradient:

    >>> from skampo.theory import agarwal_bound
    >>> agarwal_bound([10, 100], gamma=0.9, n_actions=4, eta=0.1).round(4)
    array([11.3863,  1.1386])
    """
    check_discount(gamma)
    at_least(1, n_actions=n_actions)
    positive(eta=eta)
    first = np.log(n_actions) / eta + 1 / (1 - gamma) ** 2
    with np.errstate(divide="ignore"):
        return float_or_array(first / counts(n_iter))


def johnson_bound(
    n_iter, gamma: float, initial_gap: float, slacks
) -> float | np.ndarray:
    r"""
    Bound the gap of the last iterate in every state, for adaptive step sizes.

    .. math::

        \| V^* - V^k \|_\infty \le \gamma^k \left( \| V^* - V^0 \|_\infty +
        \sum_{i=1}^k \gamma^{-i} c_{i-1} \right)
        \quad \text{if} \quad
        \eta_k \ge \frac{1}{c_k} \max_s \min_a D_h(e_a, \pi^k(\cdot | s))

    The minimum is over the actions that are greedy for :math:`Q^k(s, \cdot)`.

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations k.
    gamma : float
        Discount factor in [0, 1).
    initial_gap : float
        :math:`\| V^* - V^0 \|_\infty`.
    slacks : array-like of shape (n,)
        The slacks :math:`c_0, c_1, \ldots`, one for each iteration, in units of the
        return. Those of `skampo.step_sizes.Adaptive` are
        :math:`c_k = c_0 \gamma^{2 (k + 1)} (r_{\max} - r_{\min})`.

    Returns
    -------
    float or ndarray
        The bound, in the shape of `n_iter`.

    Raises
    ------
    InvalidParameterError
        If a parameter is out of range, or there are fewer slacks than iterations.

    See Also
    --------
    protopapas_bound : For values that look several steps ahead.
    xiao_linear_bound : A mean over the states, for geometric step sizes.

    Notes
    -----
    Assumes exact action values and an exact regression; any mirror map and any rewards,
    because `initial_gap` and `slacks` carry their unit. The factor :math:`\gamma` of
    each iteration is the best possible [1]_. With slacks of 0 it is the bound of policy
    iteration, ``step_size="greedy"``: an infinite step leaves no slack.

    References
    ----------
    .. [1] E. Johnson, C. Pike-Burke and P. Rebeschini, "Optimal convergence rate for
       exact policy mirror descent in discounted Markov decision processes", NeurIPS
       2023.

    Examples
    --------
    >>> from skampo.theory import johnson_bound
    >>> johnson_bound([0, 1, 2], 0.5, initial_gap=8.0, slacks=[1.0, 0.25])
    array([8.  , 5.  , 2.75])
    """
    check_discount(gamma)
    return _contraction(n_iter, gamma, initial_gap, _slacks(slacks))


def protopapas_bound(
    n_iter, gamma: float, lookahead, initial_gap: float, slacks
) -> float | np.ndarray:
    r"""
    Bound the gap of the last iterate in every state, for values that look ahead.

    .. math::

        \| V^* - V^k \|_\infty \le \gamma^{h k} \left( \| V^* - V^0 \|_\infty +
        \frac{1}{1 - \gamma} \sum_{i=1}^k \gamma^{-h i} c_{i-1} \right)
        \quad \text{if} \quad
        \eta_k \ge \frac{1}{c_k} \max_s \min_a D_h(e_a, \pi^k(\cdot | s))

    The minimum is over the actions that are greedy for the values that look h steps
    ahead.

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations k.
    gamma : float
        Discount factor in [0, 1).
    lookahead : int
        Steps h, at least 1: the `lookahead` of `skampo.critics.Exact`.
    initial_gap : float
        :math:`\| V^* - V^0 \|_\infty`.
    slacks : array-like of shape (n,)
        The slacks :math:`c_0, c_1, \ldots`, one for each iteration, in units of the
        return. Those of `skampo.step_sizes.Adaptive` are
        :math:`c_k = c_0 \gamma^{2 h (k + 1)} (r_{\max} - r_{\min})`, and those of
        ``step_size="greedy"`` are 0.

    Returns
    -------
    float or ndarray
        The bound, in the shape of `n_iter`.

    Raises
    ------
    InvalidParameterError
        If a parameter is out of range, or there are fewer slacks than iterations.

    See Also
    --------
    johnson_bound : Without lookahead, where slacks cost less.

    Notes
    -----
    Assumes exact action values and an exact regression; any mirror map and any rewards.
    With :math:`W = T^{h-1} V^k`, where T is the optimality operator, a step has
    :math:`T_{\pi^{k+1}} W \ge T^h V^k - c_k \ge W - c_k`, because
    :math:`T V^k \ge V^k`. Then :math:`V^{k+1} \ge T^h V^k - c_k / (1 - \gamma)`.

    References
    ----------
    .. [1] K. Protopapas and A. Barakat, "Policy mirror descent with lookahead", NeurIPS
       2024.
    .. [2] A. Winnicki, J. Lubars, M. Livesay and R. Srikant, "The role of lookahead and
       approximate policy evaluation in reinforcement learning with linear value
       function approximation", Operations Research 73(1), 2025.

    Examples
    --------
    >>> from skampo.theory import protopapas_bound
    >>> protopapas_bound([0, 1, 2], 0.5, 2, initial_gap=8.0, slacks=[1.0, 0.25])
    array([8. , 4. , 1.5])
    """
    check_discount(gamma)
    if not isinstance(lookahead, Integral) or lookahead < 1:
        raise InvalidParameterError(
            f"lookahead must be an int of at least 1. Got {lookahead!r} instead."
        )
    slacks = _slacks(slacks) / (1 - gamma)
    return _contraction(n_iter, gamma**lookahead, initial_gap, slacks)


def _slacks(slacks):
    slacks = numbers("slacks", slacks)
    if slacks.ndim != 1 or not (slacks >= 0).all():
        raise InvalidParameterError(
            f"slacks must be a list of numbers that are not negative. Got {slacks!r} "
            "instead."
        )
    return slacks


def _contraction(n_iter, rate, initial_gap, slacks):
    """Bounds of the iterations k, each the rate times the last one plus a slack."""
    at_least(0, initial_gap=initial_gap)
    k = counts(n_iter)
    if k.size and k.max() > len(slacks):
        raise InvalidParameterError(
            f"slacks must hold one number for each iteration. Got {len(slacks)} for "
            f"{k.max():.0f} iterations."
        )
    bounds = [float(initial_gap)]
    # The sum of the bound without γ⁻ⁱ, which overflows and has no value at γ = 0.
    for slack in slacks:
        bounds.append(rate * bounds[-1] + slack)
    return float_or_array(np.array(bounds)[k.astype(int)])


def cen_bound(
    n_iter,
    gamma: float,
    tau: float,
    eta: float,
    initial_gap: float,
    log_distance: float,
) -> float | np.ndarray:
    r"""
    Bound the gap of values with entropy, for one constant step size.

    .. math::

        \| Q_\tau^* - Q_\tau^k \|_\infty \le \gamma \left(1 - (1 - \gamma) \eta \tau
        \right)^{k - 1} \left( \| Q_\tau^* - Q_\tau^0 \|_\infty +
        2 \tau (1 - \eta \tau) \| \log \pi_\tau^* - \log \pi^0 \|_\infty \right)

    Parameters
    ----------
    n_iter : int or array-like of int
        Iterations k; at 0 the bound is `initial_gap`.
    gamma : float
        Discount factor in [0, 1).
    tau : float
        Weight of the entropy in (0, inf), the `tau` of `skampo.critics.Exact`.
    eta : float
        The constant step size in (0, 1 / tau].
    initial_gap : float
        :math:`\| Q_\tau^* - Q_\tau^0 \|_\infty`.
    log_distance : float
        :math:`\| \log \pi_\tau^* - \log \pi^0 \|_\infty`.

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
    xiao_linear_bound : Without entropy, where steps have to grow.

    Notes
    -----
    Assumes the softmax, exact action values and an exact regression; any rewards,
    because `initial_gap` carries their unit. The step of the paper is
    :math:`(1 - \gamma) \eta`.

    References
    ----------
    .. [1] S. Cen, C. Cheng, Y. Chen, Y. Wei and Y. Chi, "Fast global convergence of
       natural policy gradient methods with entropy regularization", Operations Research
       70(4), 2022, Theorem 1.

    Examples
    --------
    >>> from skampo.theory import cen_bound
    >>> cen_bound([0, 1, 2], 0.5, 0.1, eta=10.0, initial_gap=8.0, log_distance=1.0)
    array([8., 4., 2.])
    """
    check_discount(gamma)
    positive(tau=tau, eta=eta)
    at_least(0, initial_gap=initial_gap, log_distance=log_distance)
    # As products of floats, 1 / tau times tau may exceed 1.
    if not eta * tau <= 1 + 1e-12:
        raise InvalidParameterError(
            f"eta must be at most 1 / tau = {1 / tau:g}. Got {eta!r} instead."
        )
    share = min(eta * tau, 1.0)
    first = initial_gap + 2 * tau * (1 - share) * log_distance
    k = counts(n_iter)
    rate = (1 - (1 - gamma) * share) ** np.maximum(k - 1, 0)
    return float_or_array(np.where(k == 0, initial_gap, gamma * first * rate))
