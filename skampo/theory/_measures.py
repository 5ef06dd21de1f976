"""The coefficients that the guarantees depend on, measured on a model."""

import numpy as np

from skampo.theory._checks import distributions, finite, numbers
from skampo.utils._validation import check_discount, check_distribution


def mismatch_coefficient(target, reference, gamma: float = 0.0) -> float:
    r"""
    Measure how much less one distribution covers another.

    .. math:: \frac{1}{1 - \gamma} \max_s \frac{d(s)}{d'(s)}

    With the visitation of the optimal policy as the target and that of the policy
    after iteration t as the reference, its maximum over the iterations is the
    coefficient :math:`\nu` of `ampo_linear_bound`.

    With the distribution :math:`\mu` of the first state as the reference and the
    discount it is :math:`\theta`, which bounds the coefficient of every policy,
    because :math:`d^\pi \ge (1 - \gamma) \mu`.

    Parameters
    ----------
    target : array-like of shape (n_states,)
        The distribution d in the numerator.
    reference : array-like of shape (n_states,)
        The distribution d' in the denominator: a visitation, or where episodes begin.
    gamma : float, default=0.0
        Discount factor in [0, 1) where the reference is that of the first state; 0
        where it is a visitation.

    Returns
    -------
    float
        The coefficient, at least :math:`1 / (1 - \gamma)`; infinite if the reference
        misses a state of the target. States that both miss do not count.

    Raises
    ------
    ValueError
        If an argument is no distribution, the shapes differ, or `gamma` is invalid.

    See Also
    --------
    concentrability : The same of states and actions, on the average.

    References
    ----------
    .. [1] C. Alfano, R. Yuan and P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023,
       assumption A3.
    .. [2] L. Xiao, "On the convergence rates of policy gradient methods", JMLR
       23(282), 2022.

    Examples
    --------
    >>> from skampo.mdp import make_random_mdp
    >>> from skampo.theory import mismatch_coefficient
    >>> mismatch_coefficient([0.5, 0.5, 0.0], [0.25, 0.75, 0.0])
    2.0
    >>> mdp = make_random_mdp(random_state=0)
    >>> visitation = mdp.visitation(mdp.solve(0.9).proba, 0.9)
    >>> theta = mismatch_coefficient(visitation, mdp.initial_distribution, gamma=0.9)
    >>> round(theta, 6)
    22.712055
    """
    check_discount(gamma)
    target, reference = distributions(target=target, reference=reference)
    # Sums of floats that should be one may leave the ratio short of it.
    return max(1.0, float(_ratio(target, reference).max())) / (1 - gamma)


def concentrability(state_action, sampling) -> float:
    r"""
    Measure how well the sampling distribution covers another one.

    .. math::

        E_{(s, a) \sim v} \left( \frac{d(s) \pi(a | s)}{v(s, a)} \right)^2

    The guarantees take the largest value over four pairs and all iterations t:
    :math:`(d^*, \pi^*)`, :math:`(d^*, \pi^t)`, :math:`(d^{t+1}, \pi^{t+1})` and
    :math:`(d^{t+1}, \pi^t)`.

    Parameters
    ----------
    state_action : array-like of shape (n_states, n_actions)
        The distribution :math:`d(s) \pi(a | s)`.
    sampling : array-like of shape (n_states, n_actions)
        The distribution v of the states and actions in line 1.

    Returns
    -------
    float
        The coefficient, at least 1; infinite if `sampling` misses a pair.

    Raises
    ------
    ValueError
        If an argument is no distribution or the shapes differ.

    See Also
    --------
    approximation_error : The error under the same sampling distribution.

    References
    ----------
    .. [1] C. Alfano, R. Yuan and P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023,
       assumption A2.

    Examples
    --------
    >>> from skampo.theory import concentrability
    >>> concentrability([[1.0, 0.0]], [[0.5, 0.5]])
    2.0
    """
    state_action, sampling = distributions(state_action=state_action, sampling=sampling)
    # Σ v (dπ / v)² = Σ dπ · (dπ / v), in which pairs that neither has count 0.
    return max(1.0, float((state_action * _ratio(state_action, sampling)).sum()))


def approximation_error(f, target, sampling) -> float:
    r"""
    Measure the error of line 1, but for a constant per state.

    .. math::

        \min_c E_{(s, a) \sim v} \left( f(s, a) - y(s, a) - c(s) \right)^2

    Parameters
    ----------
    f : array-like of shape (n_states, n_actions)
        Fitted scores.
    target : array-like of shape (n_states, n_actions)
        What line 1 fits, :math:`y = Q_t + \eta_t^{-1} \nabla h(\pi_t)`, each state up
        to a constant.
    sampling : array-like of shape (n_states, n_actions)
        The distribution v of the states and actions in line 1.

    Returns
    -------
    float
        The error, in units of the squared return.

    Raises
    ------
    ValueError
        If `sampling` is no distribution, a number is not finite or the shapes differ.

    See Also
    --------
    concentrability : How the error under v counts for other distributions.

    Notes
    -----
    A constant per state changes no policy, so the guarantees hold with every c. The
    smallest error is that with the mean of the residuals of each state, weighted by
    :math:`v(\cdot | s)`. With uniform weights of the actions it is the
    ``approximation_error`` of `AMPOPolicy.history_`.

    References
    ----------
    .. [1] C. Alfano, R. Yuan and P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023,
       assumption A1.

    Examples
    --------
    The residuals are 3 and 5, of which 4 is free:

    >>> from skampo.theory import approximation_error
    >>> approximation_error([[3.0, 5.0]], [[0.0, 0.0]], [[0.5, 0.5]])
    1.0
    """
    sampling = numbers("sampling", sampling)
    check_distribution(sampling, "sampling")
    residual = finite("f", f) - finite("target", target)
    if residual.shape != sampling.shape or sampling.ndim != 2:
        raise ValueError(
            "f, target and sampling must have one shape (n_states, n_actions). Got "
            f"{residual.shape} and {sampling.shape} instead."
        )
    # `np.average` refuses weights that sum to 0.
    visited = sampling.sum(axis=1) > 0
    weights, residual = sampling[visited], residual[visited]
    constant = np.average(residual, axis=1, weights=weights)
    return float((weights * (residual - constant[:, None]) ** 2).sum())


def _ratio(numerator, denominator):
    """Elementwise ratio, 0 for 0 / 0."""
    with np.errstate(divide="ignore", over="ignore"):
        return np.divide(
            numerator, denominator, where=numerator > 0, out=np.zeros_like(numerator)
        )
