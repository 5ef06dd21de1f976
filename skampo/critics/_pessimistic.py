"""A critic for logs: nothing is expected of what the log does not show."""

import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from skampo.critics._base import Critic, QSample, reward_range
from skampo.critics._classifiers import as_chosen, default_classifier, estimate
from skampo.critics._lstdq import LSTDQ
from skampo.critics._sharpening import sharpening_gain
from skampo.critics._worth import (
    advantage_unit,
    better_half,
    chooses_otherwise,
    has_nothing_to_lose,
    in_better_half,
    measure_from,
    origin_of,
    tells_nothing,
)
from skampo.exceptions import InvalidParameterError, RegressorError
from skampo.features._blocks import taken
from skampo.features._lending import lend
from skampo.features._regression import fresh
from skampo.utils._validation import Interval, Nothing, Provides
from skampo.utils._warnings import warn_user

# How much more choices of the log weigh than an even spread over the actions.
_WEIGHT = 2.0
# Where nothing can be lost, what was never seen is the only hope.
_CHEAPER = 0.1
_TINY = np.finfo(float).tiny
# Fewer rows show frequencies and nothing else.
_FEWEST = 3
# Of fewer rows halves tell nothing.
_FEW = 300

_DRAW = (
    "Held-out episodes of the log do not show that a policy surer than the log is "
    "worth more (by {gain:.3g}, lower end of the 99 % interval {low:.3g}). This one "
    "therefore stays close to the log, if its actions are drawn: policy.sample(X), "
    "act(observation, deterministic=False), play(env, deterministic=False). predict, "
    "and by default act and play, take the most likely actions, which may be worth "
    "less than the log."
)


@dataclass(frozen=True, eq=False)
class ShiftedValues:
    """Values that were measured from another origin than zero."""

    q: Any
    origin: float

    def __call__(self, observations):
        """Values of all actions, shape (n, n_actions)."""
        return self.q(observations) + self.origin


@dataclass(frozen=True, eq=False)
class LoggedPolicy:
    """A classifier of the actions of a log, and its estimates at some of the rows."""

    classifier: Any
    n_actions: int
    n_rows: int
    rows: Any
    known: np.ndarray

    @classmethod
    def of(cls, classifier, n_actions, observations, rows):
        """Estimate the policy at these rows of the log."""
        known = estimate(classifier, taken(observations, rows), n_actions)
        return cls(classifier, n_actions, len(observations), rows, known)

    def label(self, sample):
        """The states of line 1, and the estimated probabilities there."""
        # The critic may have merged states, or have drawn some for itself.
        if sample.rows is not None and len(sample.rows) == self.n_rows:
            return sample.take(self.rows), self.known
        return sample, estimate(self.classifier, sample.observations, self.n_actions)


class Pessimistic(Critic):
    r"""
    Action values for logs, with nothing expected of what the log does not show.

    Two things keep a policy from what the log does not show.

    Values are measured from the worst that can happen, c: the least of
    :math:`r / (1 - \gamma)`, the same reward for ever, over the rows that are not
    terminated, and of r over those that are, because what comes with an end is paid
    once. It is at most 0, unless no row is terminated and rewards differ. `critic` is
    given the rewards :math:`r - (1 - \gamma) c`, or :math:`r - c` where nothing
    follows, whose values are :math:`Q - c \ge 0`. A regressor that shrinks to zero
    where it saw nothing then expects the worst there, and not the best. The best that
    can happen is found in the same way; the two are the range of values.

    A classifier estimates the logged policy, :math:`\hat\pi_b`, from the log, or from
    its better half if the rest is much worse or chose differently, and the step size
    and line 1 are given

    .. math::

        Q(s, a) - \alpha u \left( \log \pi(a | s) - 2 \log \hat\pi_b(a | s) \right),

    where u is the root mean square of the advantages
    :math:`Q(s, a) - |A|^{-1} \sum_b Q(s, b)` in the log: the gradient of the expected
    value less :math:`\alpha u` times the Kullback-Leibler divergence from
    :math:`\hat\pi_b` and the cross entropy with it. Mirror descent then ends near
    :math:`\pi \propto \hat\pi_b^2 \exp(Q / (\alpha u))`, for uniform behavior a softmax
    of the values and for a deterministic one that behavior. A step of
    :math:`1 / (\alpha u)` leads there at once, and none is longer. The evaluation
    itself, `q_`, has no penalty.

    The better half is that of the rows whose episodes are worth most: with r the mean
    reward of an episode and p the share of its steps that ended it, steps that go on
    like this are worth :math:`r / (1 - \gamma (1 - p))`. Rows of equal worth are all in
    it if their mean rank is. The rest is much worse if the means of the two differ by
    more than a third of the range of values. It chose differently if knowing which half
    a row is in saves boosted trees more than 1 % of their log-loss in held-out blocks
    of rows: the halves of one policy differ in their states, and not in what is done in
    them. This is asked of numbers, from 300 rows on, if the log is copied at all: the
    better episodes of a random policy are those with lucky choices. In a log whose rows
    are torn apart nothing is worth more than the rest.

    A log that shows all actions, and chooses among them no better than chance, is not
    copied: the weight of :math:`\log \hat\pi_b` is then 0 and not 2. Values are
    measured from those of steps that pay and end as the mean of the log does,
    :math:`\bar r / (1 - \gamma (1 - p))`, because hardly anything was not seen. A log
    shows all actions if the mean of :math:`|A| \min_a \hat\pi_b(a | s)`, which is 1 for
    even choices, is above 1/2. It chooses no better than chance if its gain over even
    choices, the mean of
    :math:`\sum_a \hat\pi_b(a | s) Q(s, a) - |A|^{-1} \sum_b Q(s, b)`, is at most 0.03 u
    with the values of the first policy, which is an even choice unless a fit goes on
    with another log.

    The square makes the policy surer than the log, which pays where the log hesitates
    by chance, and not where the classifier cannot tell why it does what it does. So
    each half of the episodes learns a policy with the square, and least-squares
    temporal differences of the other half, with the features of `critic`, estimate what
    it is worth more than its root, which is the policy for :math:`2 \alpha u` times the
    Kullback-Leibler divergence alone:

    .. math::

        Q(s, a) - 2 \alpha u \left( \log \pi(a | s) - \log \hat\pi_b(a | s) \right).

    The error of the mean of both follows from the errors of the Bellman equation,
    episode by episode. Unless the lower end of the one-sided 99 % interval is above 0,
    this is what line 1 is given. Its policy is near the logged one if actions are drawn
    from it, so that `fit` warns: `draws_`. A log that is not copied is asked as well,
    with even choices in place of :math:`\hat\pi_b`, and then kept to in the same way.
    This is asked from 300 rows on, if something can be lost and `critic` has features;
    of more than 10,000 rows blocks are looked at.

    Where nothing can be lost, what was never seen is the only hope: values are then as
    they are and the penalty is a tenth. This is so where the log is worth hardly more
    than the worst: where :math:`\bar r / (1 - \gamma (1 - p))`, the value of steps that
    pay the mean reward and end at the mean rate p, is above c by at most 5 % of the
    range of values.

    Parameters
    ----------
    critic : Critic, default=None
        One that accepts a log; None is `LSTDQ`.
    strength : float, default=3.0
        Weight of the penalty :math:`\alpha` in [0, inf).
    classifier : estimator, default=None
        Estimates the logged policy by `predict_proba`; None is
        that of `default_classifier`. Estimates below 0.01 are raised to it.
    n_states : int, default=10000
        States of the log of which the logged policy is estimated and whose actions are
        labeled for line 1: all, or so many that are drawn. Values are estimated from
        all rows.

    Attributes
    ----------
    critic_ : Critic
        The fitted critic.
    classifier_ : estimator
        The fitted classifier.
    copied_share_ : float
        Share of the rows that the classifier may see: 1, or about a half.
    copies_ : bool
        Whether choices of the log are copied. False if it shows all actions and its
        choices are no better than even ones; with `draws_` it is kept to all the same.
    draws_ : bool
        Whether the log does not show that a surer policy pays, so that actions should
        be drawn; `fit` then warns.
    sharpening_gain_ : tuple of float or None
        What the policy with the square is worth more than that without it where
        episodes begin, and the lower end of the one-sided 99 % interval. None if this
        is not asked.

    See Also
    --------
    FittedQ : Takes every fitted value at its word.

    References
    ----------
    .. [1] Y. Wu, G. Tucker and O. Nachum, "Behavior regularized offline reinforcement
       learning", 2019.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skampo.critics import Pessimistic
    >>> Pessimistic(strength=0.3, classifier=LogisticRegression())
    Pessimistic(classifier=LogisticRegression(), strength=0.3)
    """

    _constraints: ClassVar = {
        "critic": Provides("an instance of Critic", "evaluate", "get_params") | Nothing,
        "strength": Interval(float, 0),
        "classifier": Provides("a classifier with predict_proba", "predict_proba")
        | Nothing,
        "n_states": Interval(int, 1),
    }

    def __init__(
        self,
        critic=None,
        *,
        strength: float = 3.0,
        classifier=None,
        n_states: int = 10_000,
    ):
        self.critic = critic
        self.strength = strength
        self.classifier = classifier
        self.n_states = n_states

    accepts_log = True

    @staticmethod
    def default_classifier(*, table=False) -> Any:
        """
        Build the classifier that estimates a logged policy when none is given.

        Parameters
        ----------
        table : bool, default=False
            Whether the states are a table, whose values may be missing.

        Returns
        -------
        estimator
            Logistic regression on the features of
            ``skampo.regressors.default_regressor(linear=True)``, with the penalty that
            predicts best in cross validation: what it makes of noise would be taken for
            a preference. Its mean with boosted trees where that predicts held-out rows
            better. Boosted trees with large leaves for tables.

        Examples
        --------
        >>> from skampo.critics import Pessimistic
        >>> [name for name, step in Pessimistic.default_classifier().linear.steps]
        ['standardscaler', 'featureunion', 'logisticregressioncv']
        """
        return default_classifier(table=table)

    @property
    def capacity(self):
        """Transitions kept: as many as the inner critic keeps."""
        return self._inner().capacity

    @property
    def q_(self) -> Any:
        """The last action values, without the penalty."""
        return ShiftedValues(self.critic_.q_, self._origin)

    def resolved(self, value_model) -> Self:
        """
        Say which critic evaluates policies if none was given.

        Parameters
        ----------
        value_model : estimator
            The default regressor for the data.

        Returns
        -------
        Pessimistic
            This object, unfitted, with its critic as an object.
        """
        return self.set_params(critic=clone(self._inner()).resolved(value_model))

    def check(self) -> None:
        """
        Refuse invalid parameters, and a critic that takes no log.

        Raises
        ------
        InvalidParameterError
            With the name, the valid values and the value that was given.
        """
        super().check()
        inner = self._inner()
        inner.check()
        if not inner.accepts_log:
            raise InvalidParameterError(
                f"The 'critic' parameter of {type(self).__name__} must be one that "
                f"accepts a log, such as FittedQ(). Got {inner!r} instead."
            )

    def recall(self, memory, rows) -> None:
        """
        Keep the features and choices of an earlier fit to the same data.

        Parameters
        ----------
        memory : FeatureMemory
            Of the fit that begins.
        rows : range
            Numbers of the rows.
        """
        if hasattr(self, "copies_"):
            memory.once(rows, ("choices", self), lambda: self.copies_)
            self.critic_.recall(memory, rows)
        if hasattr(self, "draws_"):
            way = self.draws_, self.sharpening_gain_
            memory.once(rows, ("way to play", self), lambda: way)

    def evaluate(self, policy, transitions, setting) -> QSample:
        """
        Estimate the action values of a policy, less the penalty.

        Parameters
        ----------
        policy : MirrorPolicy
            The policy to evaluate.
        transitions : Transitions
            The log.
        setting : CriticSetting
            The problem.

        Returns
        -------
        QSample
            Penalized values of all actions at the logged states, or at some of them.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        RegressorError
            If the classifier or a regressor fails.
        """
        self.check()
        if not hasattr(self, "critic_"):
            self.critic_ = clone(self._inner())
        # Once, if the data stay the same.
        once = partial(setting.memory.once, transitions.row_numbers)
        logged = once(
            ("logged policy", self),
            lambda: self._fit_behavior(
                transitions, setting, better_half(transitions, setting.gamma)
            ),
        )
        sample = self._values(policy, transitions, setting, logged)
        if self.copies_:
            logged = once(
                ("copied policy", self),
                lambda: self._fit_chosen(transitions, setting) or logged,
            )
        self.draws_, self.sharpening_gain_ = once(
            ("way to play", self), lambda: self._judge_play(transitions, setting)
        )
        sample, behavior = logged.label(sample)
        proba = policy.project(sample.evaluate(policy.f))
        weight, strength = _WEIGHT if self.copies_ else 0.0, self.strength
        if self.draws_:
            # The same most likely actions, and draws that are closer to the log.
            weight, strength = 1.0, 2 * strength
        # log π - 2 log π̂ᵦ, finite where a probability underflows.
        surprise = np.log(np.maximum(proba, _TINY)) - weight * np.log(behavior)
        rate = strength * advantage_unit(sample)
        if has_nothing_to_lose(transitions, setting.gamma):
            rate *= _CHEAPER
        return replace(
            sample,
            q_values=sample.q_values - rate * surprise,
            # This step leads to the end for these values; a longer one goes beyond it.
            largest_step=1 / rate if rate > 0 else np.inf,
            # Of the rewards as they are: measured from the worst they differ more.
            reward_range=reward_range(transitions.rewards),
        )

    def _values(self, policy, transitions, setting, logged):
        """Values of all actions, and whether the log is copied."""
        gamma, first = setting.gamma, []

        def estimated(copies):
            self._origin = origin_of(transitions, gamma, copies=copies)
            # Only rewards differ: what is kept for the other arrays stays valid.
            measured = measure_from(self._origin, transitions, gamma)
            return self.critic_.evaluate(policy, measured, setting)

        def judge():
            first.append(estimated(copies=True))
            return not tells_nothing(*logged.label(first[0]))

        # Once, if the data stay the same.
        self.copies_ = setting.memory.once(
            transitions.row_numbers, ("choices", self), judge
        )
        if first and self._origin == origin_of(transitions, gamma, copies=self.copies_):
            return first[0]
        if first:
            # The values so far have another origin; features stay.
            self.critic_ = copy.copy(self.critic_)
            vars(self.critic_).pop("q_", None)
        return estimated(self.copies_)

    def _judge_play(self, transitions, setting):
        """Whether actions should be drawn, and what a surer policy gains if it says."""
        transformer = getattr(self.critic_, "transformer_", None)
        if transformer is None or not self._asks_play(transitions, setting):
            return False, None
        try:
            gain, low = sharpening_gain(
                measure_from(self._origin, transitions, setting.gamma),
                transformer,
                lambda rows: self._copy_half(transitions, rows, setting),
                setting,
                self.strength,
            )
        except RegressorError:
            # A classifier of all rows may refuse half of them.
            return False, None
        # Negated, so that what is no number is not sure either.
        draws = not low > 0
        if draws:
            warn_user(_DRAW.format(gain=gain, low=low))
        return draws, (gain, low)

    def _asks_play(self, transitions, setting):
        """Whether something can be lost, and the log is long enough to be halved."""
        return (
            # Rows that nobody counts are a part of a log.
            transitions.row_numbers is not None
            and self.strength > 0
            and len(transitions) >= _FEW
            and not has_nothing_to_lose(transitions, setting.gamma)
        )

    def _copy_half(self, transitions, rows, setting):
        """A classifier of those of the rows that are copied, or of even choices."""
        if self.copied_share_ < 1:
            better = rows[in_better_half(transitions, setting.gamma)[rows]]
            rows = better if len(better) >= _FEWEST else rows
        X, y = transitions.observations[rows], transitions.actions[rows]
        if not self.copies_:
            classifier = DummyClassifier(strategy="uniform")
        else:
            # What all rows chose is one number or two: halves need not ask again.
            classifier = _dummy_if_alike(as_chosen(self.classifier_), y)
        return fit_classifier(classifier, X, y)

    def _fit_chosen(self, transitions, setting):
        """The policy of the better half, None if the rest does the same."""
        is_better = in_better_half(transitions, setting.gamma)
        if self.copied_share_ < 1 or not chooses_otherwise(transitions, is_better):
            return None
        return self._fit_behavior(transitions, setting, np.flatnonzero(is_better))

    def _fit_behavior(self, transitions, setting, better):
        """Fit the classifier to these rows."""
        self.copied_share_ = len(better) / len(transitions)
        # A stream of its own: the critic draws the same with and without a new fit.
        rng = (setting.first_rng or setting.rng).spawn(1)[0]
        classifier = self._unfitted(transitions, better, rng)
        rows, n_rows = slice(None), len(transitions)
        if n_rows > self.n_states:
            # Drawn once, so that the logged policy is estimated there once as well.
            rows = rng.choice(n_rows, self.n_states, replace=False)
        if len(better) > self.n_states:
            # In their order: rows that follow each other are held out together.
            better = np.sort(rng.choice(better, self.n_states, replace=False))
        observations = transitions.observations
        self.classifier_ = fit_classifier(
            classifier, taken(observations, better), transitions.actions[better]
        )
        return LoggedPolicy.of(self.classifier_, setting.n_actions, observations, rows)

    def _unfitted(self, transitions, rows, rng):
        """What is to be fitted to these rows."""
        classifier = self.classifier
        if classifier is None:
            classifier = default_classifier()
        classifier = _dummy_if_alike(classifier, transitions.actions[rows])
        return fresh(classifier, transitions.observations.size, rng)

    def _inner(self):
        # At most some hundred features: the fixed point takes less than sweeps.
        return LSTDQ() if self.critic is None else self.critic


def _dummy_if_alike(classifier, actions):
    """The classifier; of few rows, or a single action, one of frequencies alone."""
    few = len(actions) < _FEWEST or np.ptp(actions) == 0
    return DummyClassifier() if few else classifier


def fit_classifier(classifier, observations, actions):
    """The fitted classifier; what fails names it."""
    try:
        lent = lend(classifier, observations), lend(classifier, actions)
        return classifier.fit(*lent)
    except Exception as error:
        raise RegressorError(
            f"classifier {classifier!r} failed on {observations.shape[0]:,} x "
            f"{observations.shape[1]} rows: {type(error).__name__}: {error}"
        ) from error
