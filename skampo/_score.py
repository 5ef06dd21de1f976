"""The score of a policy: what it earns, and on labels how often it is right."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score
from sklearn.utils import check_array

from skampo.data import TransitionLog
from skampo.mdp import TabularMDP
from skampo.off_policy import make_off_policy_scorer
from skampo.rollouts import play_episodes
from skampo.rollouts._advice import advise
from skampo.rollouts._factories import is_environment
from skampo.rollouts._play import EpisodeResults, SampledPolicy
from skampo.utils._no_score import NoScore
from skampo.utils._threads import limit_threads

# What `fit` and `score` take with the states and actions of a log.
LOG_COLUMNS = (
    "rewards",
    "next_states",
    "terminated",
    "truncated",
    "episodes",
    "propensities",
)

_IMITATION = (
    "The policy was fitted to a log, and score(X, y) would say how often it does what "
    "was done there, which is no value: a better policy does something else. Use "
    "score(X, y, rewards=...) or score(TransitionLog(...)). In a search, fit it to a "
    "TransitionLog, with or without scoring=make_off_policy_scorer(...), or enable the "
    "metadata routing of scikit-learn. For agreement alone, use "
    "accuracy_score(y, policy.predict(X))."
)


class ScoreMixin:
    """What a fitted policy is worth."""

    _now: Callable[[], Any]  # of the class that this is mixed in

    def score(
        self,
        X,
        y=None,
        *,
        rewards=None,
        next_states=None,
        terminated=None,
        truncated=None,
        episodes=None,
        propensities=None,
        n_episodes: int = 20,
        sample_weight=None,
    ) -> float:
        """
        Mean return of the greedy policy, its value on a log, or accuracy on labels.

        Parameters
        ----------
        X : environment, list of environments, TabularMDP, TransitionLog, or \
                array-like or data frame of shape (n, n_features)
            Where to play, a log, or states.
        y : array-like of shape (n,), default=None
            Labels, for states; with `rewards`, the actions that were taken.
        rewards : array-like of shape (n,) or (n, n_actions), default=None
            What the actions paid, or what all actions would have paid, in the order of
            `classes_`.
        next_states, terminated, truncated, episodes, propensities : default=None
            The other columns of a log, as for `fit`.
        n_episodes : int, default=20
            Episodes to play; their seeds are always the same, and are used nowhere
            else.
        sample_weight : array-like of shape (n,), default=None
            Weights of the labels.

        Returns
        -------
        float
            Mean undiscounted return; on a `TabularMDP` the exact discounted one; on a
            log what ``skampo.off_policy.make_off_policy_scorer()`` estimates, which
            needs no propensities, and with rewards of all actions the mean reward, both
            of the policy with its probabilities; or the weighted share of right labels.
            The actions of a log are no labels: for them alone, after a fit to a log,
            there is a warning, and what is returned is no number and says so when it
            is used as one, which ends a search.

        Raises
        ------
        ValueError
            If there are neither environments, labels nor rewards.

        See Also
        --------
        play : The returns behind a mean return, with its standard error.
        """
        now = self._now()
        if isinstance(X, TabularMDP):
            return greedy_return(X, now._policy, now.gamma)
        if is_environment(X):
            return now.play(X, n_episodes).mean
        columns = rewards, next_states, terminated, truncated, episodes, propensities
        given = {
            name: column
            for name, column in zip(LOG_COLUMNS, columns, strict=True)
            if column is not None
        }
        if isinstance(X, TransitionLog) or given:
            return _value_on_log(now, X, y, sample_weight, given)
        if y is None:
            advice = advise(X) or (
                "Got an array of states: pass their labels, score(X, y), or an "
                "environment."
            )
            raise ValueError(f"score(X) without y needs environments. {advice}")
        if _is_of_a_log(now):
            return NoScore.warn(_IMITATION)
        return accuracy_score(y, now.predict(X), sample_weight=sample_weight)

    @limit_threads()
    def play(
        self, X, n_episodes: int = 20, *, deterministic: bool = True, seed: int = 0
    ) -> EpisodeResults:
        """
        Play episodes, as `score` does, and return what each of them was worth.

        Parameters
        ----------
        X : environment, list of environments
            Where to play.
        n_episodes : int, default=20
            Episode i is played in element i modulo k of a list of k.
        deterministic : bool, default=True
            Take the most probable action; otherwise draw actions from the policy.
        seed : int, default=0
            Determines the reset seeds and the draws; with 0 the episodes are those of
            `score`.

        Returns
        -------
        EpisodeResults
            Undiscounted returns and lengths, their mean and its standard error.

        Raises
        ------
        ValueError
            If the spaces are not those that the policy was fitted on.
        RolloutError, EnvironmentDataError
            If an environment raises, or returns what cannot be used.
        """
        now = self._now()
        # For the few rows of a lock-step, checks would take longer than the policy.
        policy = now._policy.unchecked()
        if not deterministic:
            # A generator for each call, so that every policy meets the same draws.
            policy = SampledPolicy(policy, np.random.default_rng(seed))
        return play_episodes(
            X,
            policy,
            n_episodes=n_episodes,
            max_episode_steps=now.max_episode_steps,
            seed=seed,
            observation_encoder=now._observation_encoder,
            action_encoder=now._action_encoder,
            labels=now.classes_,
        )


@limit_threads()
def greedy_return(mdp, policy, gamma):
    """Exact expected return of the greedy policy on a model."""
    best = policy.proba(mdp.states).argmax(axis=1)
    return mdp.expected_return(np.eye(mdp.n_actions)[best], gamma)


def _is_of_a_log(policy):
    """Whether a fitted policy comes from a log: its critic evaluates arrays."""
    learns_from_logs = getattr(getattr(policy, "critic_", None), "accepts_log", False)
    return learns_from_logs and policy._observation_encoder is None


def _value_on_log(policy, X, y, sample_weight, given):
    """What the default scorer makes of a log, or the mean of known rewards."""
    if sample_weight is not None:
        raise ValueError(
            "sample_weight weighs labels, and a log has none: score it without."
        )
    if np.ndim(given.get("rewards")) == 2:
        return _mean_reward(policy, X, given)
    log = _log_of(policy, X, y, given)
    if not log.is_one_step and log.episodes is None:
        return NoScore.warn(
            "A log whose rows follow each other is scored by its episodes. Give it "
            "episodes=, a label for each row, and let a search split by them: "
            "search.fit(log, groups=log.episodes) with cv=GroupKFold()."
        )
    return float(make_off_policy_scorer()(policy, log))


def _log_of(policy, X, y, given):
    if isinstance(X, TransitionLog):
        if y is None and not given:
            return X
        raise ValueError(
            f"score(log) takes no y and no columns. Got {sorted(given) or 'y'}; the "
            "TransitionLog has its own."
        )
    if y is None or "rewards" not in given:
        raise ValueError(
            "A log needs states, actions and rewards: score(X, y, rewards=...). Got "
            f"{sorted(given)} with{'out' if y is None else ''} y."
        )
    # Also actions that only the one or the other has seen.
    classes = np.union1d(policy.classes_, np.asarray(y))
    return TransitionLog(X, y, **given, classes=classes)


def _mean_reward(policy, X, given):
    """Mean reward of the probabilities, where the rewards of all actions are known."""
    if rest := sorted(given.keys() - {"rewards"}):
        raise ValueError(
            "Rewards of all actions, of shape (n, n_actions), are contextual "
            f"bandits. Got {rest} as well: leave them out, or pass one reward per row."
        )
    rewards = check_array(given["rewards"], dtype=np.float64, input_name="rewards")
    proba = policy.predict_proba(X)
    if rewards.shape != proba.shape:
        raise ValueError(
            f"rewards has shape {rewards.shape}; expected {proba.shape}, one row per "
            "state and one column per action in the order of classes_."
        )
    return float((proba * rewards).sum(axis=1).mean())
