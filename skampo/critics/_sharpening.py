"""What a sharper copy of a log is worth more than a plain one, by the log itself."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from scipy.special import softmax
from scipy.stats import t

from skampo.critics._classifiers import estimate
from skampo.critics._influence import value_and_influence
from skampo.critics._lstdq import FixedPoint
from skampo.data._checks import starts_of
from skampo.features._lending import as_numbers, stack
from skampo.features._split import transform

# Of longer logs so many rows, in blocks that are spread over them.
_MANY = 10_000
# A log of fewer episodes is cut into so many blocks as well.
_FEWEST, _PIECES = 4, 30
# Evaluations after which a policy hardly changes any more.
_STEPS = 4
_ALPHA = 0.1
_CONFIDENCE = 0.99


@dataclass(frozen=True, eq=False)
class LogTable:
    """
    Rows of a log by the features of their states.

    Features (2n, k) are those of n states, then those of the states that followed.
    Rows of one number in `piece` are taken together.
    """

    features: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    discounts: np.ndarray
    piece: np.ndarray
    n_actions: int

    @classmethod
    def of(cls, transformer, transitions, piece, setting):
        """Look at the states through a fitted transformer."""
        states = transitions.observations, transitions.next_observations
        features = [_dense(as_numbers(transform(transformer, X))) for X in states]
        return cls(
            np.vstack(features),
            transitions.actions,
            transitions.rewards,
            setting.gamma * ~transitions.terminated,
            piece,
            setting.n_actions,
        )

    def targets(self, proba):
        """What a fixed point asks for, with probabilities (2n, n_actions)."""
        n_rows = len(self.actions)
        return SimpleNamespace(
            actions=self.actions,
            rewards=self.rewards,
            discounts=self.discounts,
            at=np.arange(n_rows),
            after=n_rows + np.arange(n_rows),
            proba=proba,
        )


def _dense(features):
    return features.toarray() if hasattr(features, "toarray") else features


def pieces_of(is_start):
    """Numbers of the pieces of a log: episodes, or blocks of rows."""
    n_rows = len(is_start)
    if n_rows > _MANY:
        return np.arange(n_rows) // (_MANY // _PIECES)
    if is_start.sum() < _FEWEST:
        return np.arange(n_rows) * _PIECES // n_rows
    return np.cumsum(is_start) - 1


def halves_of(piece):
    """Rows of two halves of the pieces, or of as many as a long log may use."""
    number, odd = np.divmod(piece, 2)
    is_kept = number % (1 + len(piece) // _MANY) == 0
    return [np.flatnonzero(is_kept & (odd == half)) for half in (0, 1)]


def sharpening_gain(transitions, transformer, fit_copy, setting, strength):
    r"""
    What the price gains with the square of the logged policy instead of that itself.

    The one leads to :math:`\pi \propto \hat\pi_b^2 \exp(Q / (\alpha u))` and the
    other to the root of it. Each half of the log learns a policy of its own, and the
    other one evaluates it and its root, both with actions that are drawn.

    Parameters
    ----------
    transitions : Transitions
        The log, with rewards as the critic is given them.
    transformer : transformer
        Fitted features of states.
    fit_copy : callable
        From numbers of rows to a fitted classifier of their actions.
    setting : CriticSetting
        The problem.
    strength : float
        The price of the square.

    Returns
    -------
    tuple of float
        The mean of both halves, and the lower end of its one-sided 99 % interval.
    """
    piece = pieces_of(transitions.is_start)
    parts, states, priors = [], [], []
    halves = halves_of(piece)
    for half in halves:
        some = transitions.take(half)
        parts.append(LogTable.of(transformer, some, piece[half], setting))
        states.append(stack(some.observations, some.next_observations))
    for copy in map(fit_copy, halves):
        known = (estimate(copy, some, setting.n_actions) for some in states)
        priors.append([2 * np.log(proba) for proba in known])
    return cross_fitted(parts, priors, strength)


def cross_fitted(parts, priors, strength):
    """The gain, from the scores of each half's copy in the states of both."""
    points = [FixedPoint(part.features, part.n_actions, _ALPHA) for part in parts]
    found = []
    for this, other in ((0, 1), (1, 0)):
        own, held_out = priors[this][this], priors[this][other]
        unit = _improve(parts[this], points[this], own, strength)
        values = points[this].scores(parts[other].features) / unit
        found.append(_gain(parts[other], points[other], held_out + values))
    gain = float(np.mean([gain for gain, _ in found]))
    influence = np.concatenate([influence for _, influence in found]) / 2
    margin = t.ppf(_CONFIDENCE, len(influence) - 2) * np.sqrt(np.sum(influence**2))
    return gain, float(gain - margin)


def _improve(part, point, prior, strength):
    """Evaluate what is learned from a part; the unit of the values in its scores."""
    scores = prior
    for _ in range(_STEPS):
        point.solve(part.targets(softmax(scores, axis=1)))
        values = point.scores(part.features)
        here = values[: len(part.actions)]
        spread = np.sqrt(np.mean((here - here.mean(axis=1, keepdims=True)) ** 2))
        # Where all actions are worth the same, nothing is learned.
        unit = strength * spread if spread > 0 else np.inf
        scores = prior + values / unit
    return unit


def _gain(part, point, scores):
    """What a policy gains over its root, and what each piece adds to the error."""
    (first, more), (second, less) = (
        _value(part, point, softmax(some, axis=1)) for some in (scores, scores / 2)
    )
    return first - second, more - less


def _value(part, point, proba):
    """Mean value where the pieces begin, and what each of them adds to its error."""
    targets = part.targets(proba)
    point.solve(targets)
    return value_and_influence(point, targets, starts_of(part.piece))
