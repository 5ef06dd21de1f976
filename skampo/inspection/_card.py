"""A policy of an environment on one page: what it earns, and what it looks at."""

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.tree import export_text
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skampo.base import PolicyMixin
from skampo.distill import distill
from skampo.distill._tree_policy import ReturnEstimate
from skampo.exceptions import InvalidParameterError, RolloutError
from skampo.inspection._card_page import shown
from skampo.inspection._seen import Seen
from skampo.model_selection._scorer import player_of
from skampo.rollouts._factories import is_environment, resolve_factories
from skampo.rollouts._film import film_episode
from skampo.utils._page import Page
from skampo.utils._threads import limit_threads
from skampo.utils._validation import Interval, check_argument

# States that importance and partial dependence are averages over.
_N_STATES = 500
# Features whose partial dependence is shown.
_N_FEATURES = 3
# A page of a few hundred kilobytes can be sent to somebody.
_FILM = {"width": 320, "n_frames": 150}
_options = {"n_episodes": Interval(int, 2), "max_leaf_nodes": Interval(int, 2)}


@dataclass(frozen=True, eq=False)
class PolicyCard(Page):
    """
    What a policy earns in an environment, what it does there, and what it looks at.

    Made by `from_estimator`. In a notebook it shows itself; `to_html` writes a page.

    Parameters
    ----------
    policy : str
        The policy, as Python shows it.
    environment : str
        Name of the environment.
    history : list of dict
        What `fit` recorded of its iterations.
    returns : ndarray of shape (n_episodes,)
        Returns of the greedy policy in episodes that were used for nothing else.
    lengths : ndarray of shape (n_episodes,)
        Their numbers of steps.
    return_ : ReturnEstimate
        Their mean, with an interval.
    action_shares : dict of str to float
        How often each action is taken in these episodes.
    importances : dict of str to float
        By feature, the share of the states where the policy does something else once
        the feature is taken from another state; the largest first.
    partial_dependence : dict of str to tuple
        Of the most important features, a grid of values and the probabilities of the
        actions there, of shape (n_values, n_actions), on average over the states.
    student : TreePolicy
        A small tree that imitates the policy.
    tree : str
        The tree as text, with the names of features and actions.
    film : bytes
        An episode as a GIF; empty if nothing can draw it.

    See Also
    --------
    skampo.off_policy.PolicyReport : Judges a policy by a log.
    record_video : Writes a film alone.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.inspection import PolicyCard
    >>> from skampo.mdp import make_gridworld
    >>> env = make_gridworld(["S.", ".G"]).to_env(max_episode_steps=20)
    >>> policy = AMPOPolicy(max_iter=4, random_state=0).fit(env)
    >>> card = PolicyCard.from_estimator(policy, env, n_episodes=10, random_state=0)
    >>> card.return_.mean
    1.0
    >>> "<h1>" in card._repr_html_()
    True
    """

    policy: str
    environment: str
    history: list
    returns: np.ndarray
    lengths: np.ndarray
    return_: ReturnEstimate
    action_shares: dict
    importances: dict
    partial_dependence: dict
    student: Any
    tree: str
    film: bytes = b""

    @classmethod
    @limit_threads()
    def from_estimator(
        cls,
        policy,
        env,
        *,
        n_episodes: int = 100,
        max_leaf_nodes: int = 8,
        feature_names=None,
        action_names=None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Self:
        """
        Play a policy, and gather what there is to say of it.

        Parameters
        ----------
        policy : AMPOPolicy, TreePolicy or Pipeline
            Fitted on environments; of a Pipeline or search the policy inside.
        env : environment or list of environments
            Where to play.
        n_episodes : int, default=100
            Episodes to play.
        max_leaf_nodes : int, default=8
            Largest number of leaves of the tree.
        feature_names : sequence of str, default=None
            Names of the features. None is ``feature_names_in_`` or x0, x1, ...
        action_names : sequence of str, default=None
            Names of the actions, in the order of ``classes_``. None shows `classes_`.
        random_state : int, RandomState instance or None, default=None
            Seeds the episodes, the shuffles and the tree.

        Returns
        -------
        PolicyCard
            The card.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        ValueError
            If `env` is no environment, or not what the policy was fitted on.
        TypeError
            If the policy is none of this package.
        """
        given = {"n_episodes": n_episodes, "max_leaf_nodes": max_leaf_nodes}
        for name, constraint in _options.items():
            check_argument("from_estimator", name, given[name], constraint)
        player, env = _player(policy, env)
        features = _names("feature_names", feature_names, _features_of(player))
        actions = _names("action_names", action_names, map(str, player.classes_))
        rng = check_random_state(random_state)
        seed = int(rng.randint(2**31 - 1))
        seen, results = Seen.of(player, env, n_episodes, seed)
        few = seen.some(_N_STATES, rng)
        importances = few.importances(player, rng)
        first = sorted(importances, key=importances.get, reverse=True)
        student = distill(
            player, env, max_leaf_nodes=max_leaf_nodes, max_iter=5, random_state=rng
        )
        return cls(
            repr(policy),
            resolve_factories(env)[0].label,
            getattr(player, "history_", []),
            results.returns,
            results.lengths,
            ReturnEstimate.of(results.returns),
            dict(zip(actions, seen.shares(player), strict=True)),
            {features[j]: importances[j] for j in first},
            {features[j]: few.dependence(player, j) for j in first[:_N_FEATURES]},
            student,
            _text(student, features, actions),
            _film(player, env, seed),
        )

    def __str__(self):
        head = f"{self.policy} in {self.environment}"
        lines = [f"{name}: {value}" for name, value in facts(self)]
        return "\n".join([head, *lines, "", self._on_student, "", self.tree])

    @property
    def _on_student(self):
        student = self.student
        return (
            f"A tree of {student.n_leaves_} leaves does the same in "
            f"{student.agreement_:.1%} of the states that it meets, and returns "
            f"{student.return_}."
        )

    def _shown(self):
        return shown(self, facts(self))


def facts(card):
    """Names and values of what is said in a line."""
    mean = card.return_
    return [
        ("mean return", f"{mean.mean:.4g}"),
        (f"{mean.confidence:.0%} interval", f"{mean.low:.4g} to {mean.high:.4g}"),
        ("median return", f"{np.median(card.returns):.4g}"),
        ("worst and best", f"{card.returns.min():.4g}, {card.returns.max():.4g}"),
        ("episodes", str(len(card.returns))),
        ("steps per episode", f"{card.lengths.mean():.4g}"),
        ("steps of learning", _n_steps(card.history)),
    ]


def _n_steps(history):
    steps = history[-1].get("n_steps") if history else None
    return "unknown" if steps is None else f"{steps:,}"


def _player(policy, env):
    """The policy behind Pipelines and searches, and what it sees of an environment."""
    if not is_environment(env):
        raise ValueError(
            "PolicyCard.from_estimator plays episodes, and needs an environment. Got "
            f"{type(env).__name__} instead. For a log use "
            "skampo.off_policy.PolicyReport."
        )
    player, env = player_of(policy, env)
    if not isinstance(player, PolicyMixin):
        raise TypeError(
            "PolicyCard.from_estimator needs a policy of this package, alone or in a "
            f"Pipeline or search. Got {type(policy).__name__} instead."
        )
    check_is_fitted(player, "_policy")
    return player, env


def _features_of(player):
    unnamed = [f"x{j}" for j in range(player.n_features_in_)]
    return getattr(player, "feature_names_in_", unnamed)


def _names(parameter, given, known):
    """Names that were given, as many and as different as are needed."""
    known = [str(name) for name in known]
    names = known if given is None else [str(name) for name in given]
    if len(names) != len(known) or len(set(names)) < len(names):
        raise InvalidParameterError(
            f"The {parameter!r} parameter of from_estimator must be {len(known)} "
            f"different names. Got {names} instead."
        )
    return names


def _text(student, features, actions):
    """The tree with names of features and actions."""
    # Actions that it never takes are no class of it.
    taken = [actions[column] for column in student._policy.f.columns]
    if len(taken) == 1:
        # scikit-learn leaves out the name of a single class.
        return f"|--- class: {taken[0]}\n"
    return export_text(
        student.tree_, feature_names=features, class_names=taken, decimals=3
    )


def _film(player, env, seed):
    """The first of the episodes, or nothing where nothing draws."""
    written = io.BytesIO()
    # The episodes were played already: what fails now is drawing.
    with suppress(ValueError, RolloutError, ImportError):
        _, film = film_episode(env, lambda make: player.play(make, 1, seed=seed))
        film.small(**_FILM).write(written, format="GIF")
    return written.getvalue()
