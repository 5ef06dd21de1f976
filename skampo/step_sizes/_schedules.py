"""Step sizes that depend on the iteration only, and the infinite one."""

import numpy as np

from skampo.step_sizes._base import StepSize, bounded, standardize
from skampo.utils._validation import check_positive

_OPTIONAL = "None or a float in the range (0.0, inf)"
# In units of the action values: beyond it the scores lose the digits that decide.
LARGEST_UNIT_STEP = 1e12


def in_units(step, sample):
    """Step size that is `step` over the scale of the action values."""
    _, scale = standardize(sample.q_values, sample.sample_weight)
    with np.errstate(over="ignore"):
        return np.float64(step) / scale


class Constant(StepSize):
    r"""
    The same step size in every iteration.

    Parameters
    ----------
    eta : float, default=1.0
        The step size in (0, inf), in units of 1 / reward.

    Notes
    -----
    With exact action values and rewards in [0, 1] the gap to the optimum after k
    iterations is at most [1]_

    .. math::

        \frac{1}{k + 1} \left( \frac{D_0}{\eta (1 - \gamma)}
        + \frac{1}{(1 - \gamma)^2} \right)

    for every step size, where :math:`D_0` is the mean divergence of the optimal from
    the first policy. A constant step averages the errors of noisy critics.

    References
    ----------
    .. [1] L. Xiao, "On the convergence rates of policy gradient methods", Journal of
       Machine Learning Research 23, 2022.

    Examples
    --------
    >>> from skampo.step_sizes import Constant
    >>> Constant(eta=0.5)(t=0, policy=None, sample=None)
    0.5
    """

    def __init__(self, eta: float = 1.0):
        self.eta = eta

    def __call__(self, t, policy, sample):
        """Return `eta`."""
        expected = "a float in the range (0.0, inf)"
        if self.eta == np.inf:
            expected += "; use step_size='greedy' for an infinite step size"
        return check_positive(self, "eta", expected)


class Normalized(StepSize):
    r"""
    A constant step in units of the spread of the action values.

    Parameters
    ----------
    eta : float, default=0.3
        The step in (0, inf), without unit.

    Notes
    -----
    The step size is :math:`\eta / \mathrm{rms}(Q_t)`, where the root mean square is
    that of the action values less their mean in each state, over the states of the
    sample. It is the constant step size on normalized advantages that deep
    reinforcement learning uses: nothing depends on the size of the rewards.

    References
    ----------
    .. [1] C. Alfano, R. Yuan, P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023
       (experiments).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from skampo.step_sizes import Normalized
    >>> sample = SimpleNamespace(q_values=[[0.0, 10.0]], sample_weight=None)
    >>> Normalized(eta=1.0)(0, None, sample)
    0.2
    """

    def __init__(self, eta: float = 0.3):
        self.eta = eta

    def __call__(self, t, policy, sample):
        """Divide `eta` by the scale of the action values."""
        return bounded(in_units(check_positive(self, "eta"), sample))


class Geometric(StepSize):
    r"""
    Step sizes that grow geometrically, for linear convergence.

    Parameters
    ----------
    eta0 : float, default=None
        The first step size in (0, inf), in units of 1 / reward. None is
        :math:`\log(A) (1 - \gamma) / \gamma` for A actions on a model, and
        :math:`\log(A) / \mathrm{rms}(Q_t)` where action values are estimated.
    ratio : float, default=None
        Factor from one step size to the next, in (0, inf); None is
        :math:`1 / \gamma`.

    Notes
    -----
    .. math:: \eta_t = \eta_0 \cdot \mathrm{ratio}^t

    With exact action values, rewards in [0, 1], the entropy and the defaults, the gap
    after k iterations is at most :math:`2 (1 - 1/\theta)^k / (1 - \gamma)`, where
    :math:`\theta` is the distribution mismatch coefficient [1]_.

    Without a model the size of the rewards is unknown, and that first step is idle: for
    two actions and :math:`\gamma = 0.995` it is 0.0035, and doubles in 138 iterations.
    The default is then in units of the root mean square of the action values of the
    iteration less their mean in each state, and steps grow by `ratio` where that stays
    the same. Give `eta0` for the step of the theorem.

    The step is capped at :math:`10^{12}` over the same root mean square.

    At :math:`\gamma = 0`, in a bandit, both defaults are infinite: the step is the cap,
    which is as good as greedy, and the bound is 0 from the first iteration on. Labels
    are bandits, too; where rewards are noisy, give both parameters. At
    :math:`\gamma = 1` there is no bound, and steps do not grow.
    With one action, which no step moves, the entropy counts as 1.

    References
    ----------
    .. [1] L. Xiao, "On the convergence rates of policy gradient methods", Journal of
       Machine Learning Research 23, 2022.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from skampo.step_sizes import Geometric
    >>> sample = SimpleNamespace(
    ...     q_values=[[0.0, 1.0]], sample_weight=None, gamma=0.5, reward_range=1.0
    ... )
    >>> [Geometric(eta0=0.1)(t, None, sample) for t in range(4)]
    [0.1, 0.2, 0.4, 0.8]
    """

    def __init__(self, eta0: float | None = None, ratio: float | None = None):
        self.eta0 = eta0
        self.ratio = ratio

    def __call__(self, t, policy, sample):
        """Choose the step size of iteration `t`."""
        gamma, limit = float(sample.gamma), in_units(LARGEST_UNIT_STEP, sample)
        eta0 = self._first(sample, gamma)
        with np.errstate(over="ignore", under="ignore"):
            # Powers of Python's floats raise an OverflowError; numpy's become infinite.
            growth = np.float64(self._ratio(gamma)) ** t
            # An infinite first step may shrink by a ratio below 1.
            return bounded((limit if eta0 == np.inf else eta0) * growth, limit)

    def _first(self, sample, gamma):
        if self.eta0 is not None:
            return check_positive(self, "eta0", _OPTIONAL)
        n_actions = np.shape(sample.q_values)[1]
        # The largest divergence from the uniform policy; log 1 = 0 would be no step.
        entropy = np.log(n_actions) if n_actions > 1 else 1.0
        if gamma == 0.0:
            return np.inf
        # The theorem wants rewards in [0, 1], and only who has a model knows them all.
        if sample.expected_return is None:
            return in_units(entropy, sample)
        return entropy if gamma == 1.0 else entropy * (1.0 - gamma) / gamma

    def _ratio(self, gamma):
        if self.ratio is not None:
            return check_positive(self, "ratio", _OPTIONAL)
        return 1.0 / gamma if gamma > 0.0 else np.inf


class Greedy(StepSize):
    """
    The infinite step size: every iteration is policy iteration.

    The next policy is greedy with respect to the action values; exact ties share the
    probability equally.

    Notes
    -----
    Policy iteration needs few iterations with exact action values, and is the least
    robust choice with noisy ones: it averages nothing.

    References
    ----------
    .. [1] B. Scherrer, "Approximate policy iteration schemes: a comparison", ICML 2014.

    Examples
    --------
    >>> from skampo.step_sizes import StepSize
    >>> StepSize.by_name["greedy"]()(t=0, policy=None, sample=None)
    inf
    """

    def __call__(self, t, policy, sample):
        """Return infinity."""
        return float("inf")
