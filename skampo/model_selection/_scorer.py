"""What a search compares: returns, summarized as one number."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skampo.rollouts import play_episodes
from skampo.rollouts._factories import is_environment
from skampo.utils._validation import (
    Constraint,
    Flag,
    Interval,
    OneOf,
    check_argument,
)

STATISTICS = {"mean": np.mean, "median": np.median, "min": np.min, "max": np.max}

_constraints = {
    "n_episodes": Interval(int, 1),
    "statistic": OneOf(STATISTICS) | Constraint("a function of the returns", callable),
    "seed": Interval(int, 0),
    "deterministic": Flag,
}


def make_return_scorer(
    *, n_episodes: int = 20, statistic="mean", seed: int = 0, deterministic: bool = True
) -> Callable:
    """
    Make a scorer of policies for the `scoring` parameter of scikit-learn's tools.

    Without a scorer, they use ``estimator.score``: the mean return of 20 episodes. The
    scorer plays every estimator that predicts actions, also the last step of a Pipeline
    or what is frozen, on the same seeds.

    Parameters
    ----------
    n_episodes : int, default=20
        Episodes to play. Episode i is played in task i modulo k of a list of k tasks.
    statistic : {"mean", "median", "min", "max"} or callable, default="mean"
        What is made of the returns, an array of shape (n_episodes,). Greater is
        better.
    seed : int, default=0
        Seed of the episodes; with 0 they are those of ``estimator.score``.
    deterministic : bool, default=True
        Play the most probable action; otherwise draw actions from the policy.

    Returns
    -------
    callable
        A function of ``(estimator, X, y=None)`` that returns a float. It can be
        pickled if `statistic` can.

    Raises
    ------
    InvalidParameterError
        If a parameter is not accepted.

    See Also
    --------
    make_tasks : The environments to search on.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import cross_validate
    >>> from skampo import AMPOPolicy
    >>> from skampo.model_selection import make_return_scorer, make_tasks
    >>> scoring = {
    ...     "mean": make_return_scorer(n_episodes=4),
    ...     "worst": make_return_scorer(n_episodes=4, statistic="min"),
    ... }
    >>> policy = AMPOPolicy(Ridge(), max_iter=1, random_state=0)
    >>> tasks = make_tasks("CartPole-v1", 4)
    >>> results = cross_validate(policy, tasks, scoring=scoring, cv=2)
    >>> bool((results["test_worst"] <= results["test_mean"]).all())
    True
    """
    scorer = ReturnScorer(n_episodes, statistic, seed, deterministic)
    for name, constraint in _constraints.items():
        check_argument("make_return_scorer", name, getattr(scorer, name), constraint)
    return scorer


@dataclass(frozen=True)
class ReturnScorer:
    """A statistic of the returns that a policy gets on seeded episodes."""

    n_episodes: int
    statistic: Any
    seed: int
    deterministic: bool

    def __call__(self, estimator, X, y=None):
        """Score an estimator on environments; `y` is there for scikit-learn only."""
        results = self.play(estimator, X)
        statistic = self.statistic
        summarize = statistic if callable(statistic) else STATISTICS[statistic]
        return float(summarize(results.returns))

    def play(self, estimator, X):
        """The episodes of an estimator."""
        if not is_environment(X):
            raise ValueError(
                "A return scorer plays episodes, and needs environments or tasks of "
                f"make_tasks. Got {type(X).__name__} instead."
            )
        player, X = player_of(estimator, X)
        if player is not None:
            return player.play(
                X, self.n_episodes, deterministic=self.deterministic, seed=self.seed
            )
        if not hasattr(estimator, "predict") or not self.deterministic:
            raise TypeError(
                "A return scorer plays estimators that predict actions, and with "
                "deterministic=False those that have a method play, such as AMPOPolicy "
                "alone, as the last step of a Pipeline or frozen. Got "
                f"{type(estimator).__name__} instead."
            )
        return play_episodes(X, estimator, n_episodes=self.n_episodes, seed=self.seed)


def player_of(estimator, X):
    """The policy behind searches and Pipelines, and what it sees of `X`."""
    if hasattr(estimator, "play"):
        return estimator, X
    # Searches and frozen estimators pass `score` on to these, but no other method.
    for inner in ("best_estimator_", "estimator"):
        if hasattr(estimator, inner):
            return player_of(getattr(estimator, inner), X)
    if not hasattr(estimator, "steps"):
        return None, X
    player, _ = player_of(estimator[-1], X)
    if player is None:
        return None, X
    return player_of(
        estimator[-1], estimator[:-1].transform(X) if len(estimator) > 1 else X
    )
