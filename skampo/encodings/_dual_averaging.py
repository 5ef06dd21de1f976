"""Scores that are the sum of fits, of which nothing is fitted again."""

from dataclasses import dataclass, replace

import numpy as np

from skampo.encodings._base import pair_weights
from skampo.encodings._per_action import Auto
from skampo.exceptions import InvalidParameterError
from skampo.features._split import unchecked
from skampo.utils._validation import Interval, Nothing, check_argument

_MEMORY = Interval(int, 1) | Nothing


@dataclass(frozen=True, eq=False)
class SumScores:
    r"""
    Scores :math:`f = \sum_i \eta_i q_i / \eta`, where eta is the last step.

    `lengths` has shape (n_parts,), and `parts` holds the fits, the last one at the end.
    """

    lengths: np.ndarray
    parts: tuple

    def __call__(self, observations):
        """Scores of all actions, shape (n, n_actions)."""
        shares = self.lengths / self.lengths[-1]
        pairs = zip(shares, self.parts, strict=True)
        return sum(share * part(observations) for share, part in pairs)

    def unchecked(self):
        """The same without scikit-learn's checks, where the models are known."""
        return replace(self, parts=tuple(map(unchecked, self.parts)))

    @property
    def fitted(self):
        """What was fitted in each iteration that is remembered."""
        return [part.fitted for part in self.parts]


class DualAveraging(Auto):
    r"""
    Sum the action values, each fitted once, instead of fitting their sum.

    Line 1 fits :math:`q_t \approx Q_t` alone, and the scores are
    :math:`\eta_t f_{t+1} = \sum_i \eta_i q_i`: what a regressor forgets of its last
    scores, when it is fitted to them and :math:`Q_t`, is not forgotten. For softmax
    policies only, whose scores are their dual.

    Parameters
    ----------
    memory : int, default=None
        How many of the last fits are kept, at least 1; None keeps all of them. What is
        dropped counts as an error of line 1 in `history_`.

    Notes
    -----
    Predictions take as long as those of all regressors that are kept.

    References
    ----------
    .. [1] L. Xiao, "Dual averaging methods for regularized stochastic learning and
       online optimization", JMLR 11, 2010.
    .. [2] Y. Abbasi-Yadkori et al., "POLITEX: regret bounds for policy iteration using
       expert prediction", ICML 2019.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.encodings import DualAveraging
    >>> from skampo.mdp import make_random_mdp
    >>> policy = AMPOPolicy(encoding=DualAveraging(memory=3), gamma=0.9, max_iter=5)
    >>> len(policy.fit(make_random_mdp(random_state=0)).regressor_)
    3
    """

    # The step is added to the scores, which are the whole dual.
    fits_dual = False

    def __init__(self, memory: int | None = None):
        self.memory = memory

    def check(self, mirror_map) -> None:
        """
        Refuse an invalid `memory`, and policies that are no softmax of their scores.

        Parameters
        ----------
        mirror_map : MirrorMap
            That of the estimator.

        Raises
        ------
        InvalidParameterError
            If `memory` is no positive integer, or `mirror_map` not that of the softmax.
        """
        if not mirror_map.is_softmax:
            raise InvalidParameterError(
                "encoding='dual_averaging' adds up the scores of softmax policies. Got "
                f"mirror_map={mirror_map!r}: use 'negative_entropy', or another "
                "encoding."
            )
        check_argument("DualAveraging", "memory", self.memory, _MEMORY)

    def split(self, regressor, sample, last, rng) -> tuple:
        """
        Leave features to the regressors: later ones may have others.

        Parameters
        ----------
        regressor : estimator
            The policy's regressor.
        sample : QSample
            Ignored.
        last : scores
            Ignored.
        rng : numpy.random.Generator
            Ignored.

        Returns
        -------
        tuple of (transformer, model)
            None and the regressor.
        """
        return None, regressor

    def fit(self, learner, X, target, sample_weight) -> SumScores:
        """
        Fit the action values, and add them to the scores.

        Parameters
        ----------
        learner : object
            The regressor, and the last scores.
        X : ndarray, sparse array or data frame of shape (n, n_features)
            States.
        target : MirrorTarget
            Its values alone are fitted.
        sample_weight : ndarray of shape (n,) or None
            Weights of the states.

        Returns
        -------
        SumScores
            A callable from such rows to an array (n, n_actions).
        """
        lengths = getattr(learner.start, "lengths", None)
        # Scores of another encoding are fitted along once.
        goal = target if lengths is None else replace(target, eta=np.inf)
        weights = sample_weight
        if target.action_weights is not None:
            weights = pair_weights(sample_weight, target.action_weights)
        part = self.fit_all(replace(learner, start=None), X, goal.values, weights)
        if np.isinf(target.eta):
            # An infinite step forgets: the scores themselves are the dual.
            return SumScores(np.ones(1), (part,))
        if lengths is None:
            return SumScores(np.array([target.eta]), (part,))
        start = 0 if self.memory is None else -self.memory
        lengths = np.append(lengths, target.eta)[start:]
        return SumScores(lengths, (*learner.start.parts, part)[start:])
