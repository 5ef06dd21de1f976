"""A policy, judged by a held-out log: deploy, do not deploy, or no answer."""

import textwrap
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from skampo.exceptions import InvalidParameterError
from skampo.off_policy._checks import check_options, takes_log
from skampo.off_policy._comparison import Logged, compare
from skampo.off_policy._deviations import deviating_columns
from skampo.off_policy._page import shown
from skampo.off_policy._result import OffPolicyEstimate
from skampo.off_policy._suspicions import unsupported_share
from skampo.off_policy._trajectories import action_proba, of_actions
from skampo.off_policy._verdict import decide, suspicions
from skampo.utils._axes import COLORS, axes_for
from skampo.utils._page import Page
from skampo.utils._threads import limit_threads


@dataclass(frozen=True)
class PolicyReport(Page):
    """
    Whether to deploy a policy, by a log that the policy was not fitted to.

    Made by `from_estimator`. Rows that a policy was fitted to say too much good of it:
    split the log by episodes first, fit to one part and report on the other.

    Parameters
    ----------
    verdict : str
        ``"deploy"``, ``"do not deploy"`` or ``"the log cannot answer"``.
    reasons : tuple of str
        Why, in sentences with numbers.
    difference : OffPolicyEstimate
        The value of the policy less that of the logged one, with an interval: both are
        estimated from the same episodes.
    logged : OffPolicyEstimate
        The value of the policy that was logged.
    estimates : dict of str to OffPolicyEstimate
        The value of the policy by all estimators that apply to the log; the first of
        them decides.
    effective_sample_size : float
        Of the estimator that decides: episodes if it weighs them, else rows.
    unsupported : float
        Probability that the policy gives to actions which none of the 50 nearest rows
        shows, on average over states; NaN for less than 200 rows.
    pareto_k : float
        Shape of the tail of the importance weights of the estimator that decides, by
        the estimator of Zhang and Stephens. Above 0.7 the log cannot answer. NaN
        without weights or tail.
    agreement : float
        Probability that the policy gives to what was done, on average over rows.
    deviations : dict of str to float
        By column, the share of the variance of the agreement that a tree of depth three
        explains by it: in which states the policy does something else. Columns below
        2 % are left out.
    warnings : tuple of str
        All that was found, whether it decides or not.
    n_rows, n_episodes : int
        Size of the log.
    gamma : float
        Discount factor.
    min_gain : float
        What the lower end of the interval of the difference has to exceed.

    See Also
    --------
    TransitionLog.from_frame : Makes a log of a data frame.
    doubly_robust : Decides where the importance weights bear it.
    fitted_q_evaluation : Decides otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from skampo.data import TransitionLog
    >>> from skampo.off_policy import PolicyReport
    >>> rng = np.random.default_rng(0)
    >>> seen, shown = rng.normal(size=(400, 1)), rng.choice(["a", "b"], size=400)
    >>> paid = (shown == "b") + rng.normal(size=400)
    >>> log = TransitionLog(seen, shown, paid, propensities=np.full(400, 0.5))
    >>> always_b = DummyClassifier(strategy="constant", constant="b").fit(seen, shown)
    >>> report = PolicyReport.from_estimator(always_b, log, random_state=0)
    >>> report.verdict
    'deploy'
    >>> bool(report.difference.low > 0)
    True
    """

    verdict: str
    reasons: tuple
    difference: OffPolicyEstimate
    logged: OffPolicyEstimate
    estimates: dict
    effective_sample_size: float
    unsupported: float
    pareto_k: float
    agreement: float
    deviations: dict
    warnings: tuple
    n_rows: int
    n_episodes: int
    gamma: float
    min_gain: float = 0.0

    @classmethod
    @takes_log
    @limit_threads()
    def from_estimator(
        cls,
        policy,
        log,
        *,
        gamma: float | None = None,
        baseline: str = "logged",
        min_gain: float = 0.0,
        confidence: float = 0.95,
        random_state: int | np.random.RandomState | None = None,
    ) -> Self:
        """
        Judge a policy by a log that was held out when the policy was fitted.

        The log cannot answer if the effective sample size is below 50, if Pareto-k is
        above 0.7, if one of the suspicions holds of which estimates warn, if estimators
        contradict each other, or if the interval of the difference is wider than the
        logged returns are apart. Otherwise the policy should be deployed if the lower
        end of that interval exceeds `min_gain`, and not if it does not.

        Parameters
        ----------
        policy : object
            Has `predict_proba` and `classes_`: a fitted policy or classifier. It is
            judged with its probabilities, from which actions are drawn.
        log : TransitionLog
            Episodes that the policy was not fitted to, with propensities if they are
            known. Without, a classifier estimates them.
        gamma : float, default=None
            Discount factor in [0, 1). None is ``policy.gamma``; it plays no part where
            every row is a step of a contextual bandit.
        baseline : {"logged"}, default="logged"
            What the policy is compared with: the policy that was logged.
        min_gain : float, default=0.0
            What the policy has to be worth more than the logged one, in the unit of
            the returns: what changing the policy costs.
        confidence : float, default=0.95
            Confidence of all intervals.
        random_state : int, RandomState instance or None, default=None
            Seeds regressors and draws the resamples.

        Returns
        -------
        PolicyReport
            The verdict and what it rests on.

        Raises
        ------
        ValueError
            If the log has no episodes.
        InvalidParameterError
            If `log` is no `TransitionLog`, or a parameter is outside of its range.
        """
        gamma = _discount(policy, log, gamma)
        check_options(
            "from_estimator",
            gamma=gamma,
            baseline=baseline,
            min_gain=min_gain,
            confidence=confidence,
        )
        seed = check_random_state(random_state).randint(2**31 - 1)
        proba = action_proba(policy, log.states, log.classes)
        agreement = of_actions(proba, log)
        logged = Logged.of(log, gamma, confidence, seed)
        compared = compare(policy, log, logged, gamma, confidence, seed)
        found = suspicions(log, proba)
        verdict, reasons = decide(compared, found, logged.spread, min_gain)
        return cls(
            verdict,
            reasons,
            compared[0].difference,
            logged.estimate,
            {one.name: one.estimate for one in compared},
            compared[0].estimate.effective_sample_size,
            unsupported_share(log, proba),
            compared[0].pareto_k,
            float(agreement.mean()),
            deviating_columns(log.states, agreement),
            _all_warnings(found, compared),
            len(log),
            logged.estimate.n_episodes,
            float(gamma),
            float(min_gain),
        )

    def __str__(self):
        """Say it in a few lines."""
        said = [f"Verdict: {self.verdict}.", *self.reasons]
        lines = [line for text in said for line in textwrap.wrap(text, 80)]
        lines += ["", "difference to the logged policy", f"  {_short(self.difference)}"]
        lines += ["value of the logged policy", f"  {_short(self.logged)}"]
        for name, estimate in self.estimates.items():
            lines += [f"value by {name}", f"  {_short(estimate)}"]
        lines += ["", *(f"{name}: {value}" for name, value in facts(self))]
        return "\n".join(lines)

    def plot(self, ax=None) -> Any:
        """
        Draw the estimates with their intervals against the logged policy.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        matplotlib Axes
            What was drawn on.
        """
        ax, _ = axes_for(ax, type(self).__name__)
        rows = {"logged policy": self.logged, **self.estimates}
        for height, (name, estimate) in enumerate(rows.items()):
            color = COLORS[0] if name in self.estimates else COLORS[1]
            ax.plot([estimate.low, estimate.high], [height] * 2, color=color, lw=3)
            ax.plot(estimate.estimate, height, marker="o", color=color)
        ax.axvline(self.logged.estimate, color=COLORS[1], linestyle=":")
        ax.set(yticks=range(len(rows)), xlabel="value", title=self.verdict)
        ax.set_yticklabels([name.replace(", ", "\n") for name in rows])
        ax.invert_yaxis()
        return ax

    def _shown(self):
        return shown(self, facts(self))


def facts(report):
    """Names and values of what is a single number."""
    tail = "none" if np.isnan(report.pareto_k) else f"{report.pareto_k:.2f}"
    unknown = np.isnan(report.unsupported)
    return [
        ("effective sample size", f"{report.effective_sample_size:.0f}"),
        ("rows and episodes", f"{report.n_rows}, {report.n_episodes}"),
        ("tail of the weights (Pareto-k)", tail),
        (
            "probability of actions that near rows never show",
            "unknown" if unknown else f"{report.unsupported:.1%}",
        ),
        ("agreement with what was done", f"{report.agreement:.1%}"),
        ("discount", f"{report.gamma:.4g}"),
        ("gain that is needed", f"{report.min_gain:.4g}"),
    ]


def _short(estimate):
    return (
        f"{estimate.estimate:.4g} ({estimate.confidence:.0%} interval "
        f"{estimate.low:.4g} to {estimate.high:.4g})"
    )


def _all_warnings(found, compared):
    """Each once: of the log first, then of the estimators."""
    objections = [f"{c.name}: {one}" for c in compared for one in c.objections]
    return tuple(dict.fromkeys([*found, *objections]))


def _discount(policy, log, gamma):
    if log.is_one_step:
        return 0.0
    gamma = getattr(policy, "gamma", None) if gamma is None else gamma
    if gamma is None:
        raise InvalidParameterError(
            f"The 'gamma' parameter of from_estimator is None, and {policy!r:.80} has "
            "no discount of its own: give one in [0, 1)."
        )
    return gamma
