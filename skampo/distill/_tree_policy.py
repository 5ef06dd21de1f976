"""A decision tree that does what a fitted policy does, where the tree goes itself."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from scipy.stats import t as student_t
from sklearn.base import BaseEstimator, clone
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skampo._policy import MirrorPolicy
from skampo.base import PolicyMixin
from skampo.data import TransitionLog
from skampo.distill._imitation import Episodes, Lessons, States
from skampo.distill._scores import TreeScores
from skampo.mdp import TabularMDP
from skampo.mirror_maps import NegativeEntropy
from skampo.rollouts import play_episodes
from skampo.rollouts._factories import is_environment
from skampo.rollouts._seeding import VALIDATION
from skampo.utils._sklearn import Documented
from skampo.utils._threads import limit_threads
from skampo.utils._validation import Interval, Provides, check_parameters

_ROUNDING = 1e-12


@dataclass(frozen=True)
class ReturnEstimate:
    """
    A mean return and its confidence interval.

    Parameters
    ----------
    mean : float
        Mean undiscounted return of the episodes.
    low, high : float
        Interval of Student's t; NaN for a single episode.
    confidence : float
        Probability that the interval is meant to contain the truth.
    n_episodes : int
        Number of episodes.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.distill._tree_policy import ReturnEstimate
    >>> print(ReturnEstimate.of(np.array([1.0, 2.0, 3.0, 4.0])))
    2.5 (95% interval 0.4457 to 4.554, 4 episodes)
    """

    mean: float
    low: float
    high: float
    confidence: float
    n_episodes: int

    @classmethod
    def of(cls, returns, confidence=0.95):
        """Estimate the mean of the returns of independent episodes."""
        n, mean, reach = len(returns), float(returns.mean()), np.nan
        if n > 1:
            error = returns.std(ddof=1) / np.sqrt(n)
            reach = float(student_t.ppf((1 + confidence) / 2, n - 1) * error)
        return cls(mean, mean - reach, mean + reach, confidence, n)

    def __str__(self):
        return (
            f"{self.mean:.4g} ({self.confidence:.0%} interval {self.low:.4g} to "
            f"{self.high:.4g}, {self.n_episodes} episodes)"
        )


class TreePolicy(Documented, PolicyMixin, BaseEstimator):
    """
    A small decision tree that imitates a policy in the states that the tree visits.

    Parameters
    ----------
    policy : estimator
        What learns the policy that is imitated, such as an `AMPOPolicy`. It is cloned
        and fitted first; `distill` imitates one that is fitted already.
    max_leaf_nodes : int, default=16
        Largest number of leaves.
    max_iter : int, default=10
        Rounds in environments: each tree plays, and the next one is fitted to all
        states met so far. The tree with the best returns is kept. States of logs, of
        models and of arrays are imitated once.
    episodes_per_iter : int, default=20
        Episodes that each tree plays to find states.
    evaluation_episodes : int, default=100
        Fresh episodes for `return_`, which chose nothing.
    random_state : int, RandomState instance or None, default=None
        Seeds episodes and breaks ties between splits.

    Attributes
    ----------
    tree_ : DecisionTreeClassifier
        The fitted tree, for ``sklearn.tree.export_text`` and ``plot_tree``. Its classes
        are the labels of actions, or their numbers where actions have several parts.
    n_leaves_ : int
        Number of its leaves.
    agreement_ : float
        Share of the visited states where the tree does what the policy would do.
    return_ : ReturnEstimate or None
        Mean return of the tree on fresh episodes, with an interval. None without
        environments: estimate it from a log by `skampo.off_policy`.
    history_ : list of dict
        One dict per round with the keys iteration, n_states (so far), n_leaves,
        agreement (in the states that this tree visited), return_mean, return_std.
    classes_ : ndarray of shape (n_actions,) or (n_actions, n_components)
        Labels of the actions.
    n_features_in_ : int
        Number of columns of the states.
    feature_names_in_ : ndarray of str
        Names of the columns, where the policy knows them.
    n_iter_ : int
        Rounds.

    See Also
    --------
    distill : Imitates a fitted policy.
    skampo.export.to_c : Writes the tree, as any policy, as a program.

    Notes
    -----
    A tree that imitates only where its teacher goes does not know what to do after its
    own mistakes. States are therefore those that the trees visit [1]_, and each counts
    with what the worst action would lose there, the largest score of the policy less
    the smallest [2]_: where all actions are about as good, the tree may do anything.

    References
    ----------
    .. [1] S. Ross, G. Gordon and D. Bagnell, "A reduction of imitation learning and
       structured prediction to no-regret online learning", AISTATS 2011.
    .. [2] O. Bastani, Y. Pu and A. Solar-Lezama, "Verifiable reinforcement learning via
       policy extraction", NeurIPS 2018.

    Examples
    --------
    >>> from skampo import AMPOPolicy
    >>> from skampo.distill import TreePolicy
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["off", "off", "on", "on"]
    >>> student = TreePolicy(AMPOPolicy(random_state=0), random_state=0).fit(X, y)
    >>> student.predict([[0.2], [2.9]]).tolist(), student.n_leaves_
    (['off', 'on'], 2)
    """

    _constraints: ClassVar = {
        "policy": Provides("an estimator of this package", "fit", "act", "get_params"),
        "max_leaf_nodes": Interval(int, 2),
        "max_iter": Interval(int, 1),
        "episodes_per_iter": Interval(int, 1),
        "evaluation_episodes": Interval(int, 1),
    }

    def __init__(
        self,
        policy,
        *,
        max_leaf_nodes: int = 16,
        max_iter: int = 10,
        episodes_per_iter: int = 20,
        evaluation_episodes: int = 100,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.policy = policy
        self.max_leaf_nodes = max_leaf_nodes
        self.max_iter = max_iter
        self.episodes_per_iter = episodes_per_iter
        self.evaluation_episodes = evaluation_episodes
        self.random_state = random_state

    def fit(self, X, y=None) -> Self:
        """
        Learn a policy, and then a tree that imitates it.

        Parameters
        ----------
        X : environment, list of environments, TabularMDP, TransitionLog, or \
                array-like of shape (n, n_features)
            What the policy is fitted to, and where it is imitated.
        y : array-like of shape (n,), default=None
            Labels, for an array of states.

        Returns
        -------
        TreePolicy
            The fitted estimator.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        """
        check_parameters(self, self._constraints)
        teacher = clone(self.policy)
        teacher.fit(X) if y is None else teacher.fit(X, y)
        return self._imitate(teacher, X)

    @limit_threads()
    def _imitate(self, teacher, X):
        """Fit trees, keep the best one, and play it."""
        rng = check_random_state(self.random_state)
        source = self._source(teacher, X, int(rng.randint(2**31)))
        seed = int(rng.randint(2**31))
        best, history = _imitate(self, teacher, source, seed)
        learned = _encoders_of(teacher) | {
            "_policy": best.policy,
            "_q": teacher._q,
            "tree_": best.policy.f.model,
            "n_leaves_": int(best.policy.f.model.get_n_leaves()),
            "agreement_": best.agreement,
            "return_": None,
            "history_": history,
            "n_iter_": len(history),
        }
        kept = {name: vars(self)[name] for name in self.get_params(deep=False)}
        # One assignment: predictions in other threads see the old policy or the new.
        self.__dict__ = kept | learned
        if is_environment(X):
            self.return_ = self._play_fresh(X, seed)
        return self

    def _source(self, teacher, X, seed):
        if is_environment(X):
            n_episodes, keywords = self.episodes_per_iter, play_options(teacher)
            return Episodes(X, keywords, n_episodes, self.max_iter, seed)
        if teacher._columns is not None:
            raise ValueError(
                "A tree of scikit-learn splits numbers. The states that "
                f"{type(teacher).__name__} was fitted to are tables with categories or "
                "missing values: encode them before, and fit to numbers."
            )
        states = X.states if isinstance(X, TransitionLog | TabularMDP) else X
        return States(teacher._check_states(states))

    def _play_fresh(self, X, seed):
        results = play_episodes(
            X,
            self._policy.unchecked(),
            n_episodes=self.evaluation_episodes,
            seed=seed,
            stream=VALIDATION,
            **play_options(self),
        )
        return ReturnEstimate.of(results.returns)

    def _check_loaded(self):
        """Refuse a file whose parts do not fit."""
        if not hasattr(self, "_policy"):
            return
        scores, sizes = self._policy.f, (self.n_features_in_, len(self.classes_))
        seen, done = self._observation_encoder, self._action_encoder
        found = {(scores.model.n_features_in_, scores.n_actions)}
        found |= {(seen.n_features, done.n_actions)} if seen and done else set()
        if found != {sizes}:
            raise ValueError("a tree of other observations or actions than its own")

    @property
    def max_episode_steps(self) -> int | None:
        """The limit of the policy that is imitated."""
        return getattr(self.policy, "max_episode_steps", None)

    @property
    def gamma(self) -> float:
        """The discount factor of the policy that is imitated."""
        return self.policy.gamma


def distill(
    policy,
    X,
    *,
    max_leaf_nodes: int = 16,
    max_iter: int = 10,
    episodes_per_iter: int = 20,
    evaluation_episodes: int = 100,
    random_state: int | np.random.RandomState | None = None,
) -> TreePolicy:
    """
    Imitate a fitted policy with a small decision tree.

    Parameters
    ----------
    policy : estimator
        A fitted policy of this package.
    X : environment, list of environments, TabularMDP, TransitionLog, or \
            array-like of shape (n, n_features)
        Where to imitate it: environments that the trees play in, or states.
    max_leaf_nodes : int, default=16
        Largest number of leaves.
    max_iter : int, default=10
        Rounds in environments, each with a tree that finds new states.
    episodes_per_iter : int, default=20
        Episodes that each tree plays.
    evaluation_episodes : int, default=100
        Fresh episodes for the return of the tree that is kept.
    random_state : int, RandomState instance or None, default=None
        Seeds episodes and breaks ties between splits.

    Returns
    -------
    TreePolicy
        A policy whose `tree_` can be printed, with `agreement_`, `return_` and
        `n_leaves_`.

    Raises
    ------
    InvalidParameterError
        If a parameter is invalid.
    ValueError
        If the states are tables with categories or missing values.

    See Also
    --------
    TreePolicy : Says how it is done.

    Examples
    --------
    >>> from sklearn.tree import export_text
    >>> from skampo import AMPOPolicy
    >>> from skampo.distill import distill
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["off", "off", "on", "on"]
    >>> policy = AMPOPolicy(random_state=0).fit(X, y)
    >>> student = distill(policy, X, random_state=0)
    >>> print(export_text(student.tree_, feature_names=["heat"]))
    |--- heat <= 1.50
    |   |--- class: off
    |--- heat >  1.50
    |   |--- class: on
    <BLANKLINE>
    """
    check_is_fitted(policy, "_policy")
    student = TreePolicy(
        clone(policy),
        max_leaf_nodes=max_leaf_nodes,
        max_iter=max_iter,
        episodes_per_iter=episodes_per_iter,
        evaluation_episodes=evaluation_episodes,
        random_state=random_state,
    )
    check_parameters(student, student._constraints)
    return student._imitate(policy, X)


@dataclass(frozen=True, eq=False)
class _Student:
    """A tree, how often it agreed with its teacher, and what it earned."""

    policy: Any
    agreement: float
    earned: float


def _imitate(asked, teacher, source, seed):
    """The best tree of all rounds, and a record of each."""
    guide = teacher._policy.unchecked()
    states, masks, _ = source.visit(guide, 0)
    lessons, best, history = Lessons.of(guide, states, masks), None, []
    for round_ in range(1, source.n_rounds + 1):
        student = _fit(lessons, teacher.classes_, asked.max_leaf_nodes, seed)
        states, masks, returns = source.visit(student.unchecked(), round_)
        met = Lessons.of(guide, states, masks)
        record = {
            "iteration": round_,
            "n_states": len(lessons.states),
            "n_leaves": int(student.f.model.get_n_leaves()),
            "agreement": met.agreement(student.unchecked()),
            "return_mean": float(returns.mean()) if len(returns) else np.nan,
            "return_std": float(returns.std()) if len(returns) else np.nan,
        }
        history.append(record)
        earned = record["return_mean"]
        # Of equals the last one, which has seen more states.
        if best is None or earned >= best.earned:
            best = _Student(student, record["agreement"], earned)
        lessons = lessons.and_(met)
    return best, history


def _fit(lessons, classes, max_leaf_nodes, seed):
    """The greedy policy of a tree fitted to what the teacher does."""
    labels = classes if classes.ndim == 1 else np.arange(len(classes))
    tree = DecisionTreeClassifier(
        max_leaf_nodes=max_leaf_nodes,
        # Rounding would split leaves that agree with themselves.
        min_impurity_decrease=_ROUNDING,
        random_state=seed,
    )
    weights = lessons.weights
    # A teacher to whom all actions are alike everywhere has no losses.
    weights = weights if weights.any() else np.ones(len(weights))
    tree.fit(lessons.states, labels[lessons.actions], sample_weight=weights)
    columns = np.flatnonzero(np.isin(labels, tree.classes_))
    scores = TreeScores(tree, columns, len(labels))
    return MirrorPolicy(NegativeEntropy(), scores, np.inf)


def play_options(policy):
    """What episodes need to know of a policy."""
    return {
        "max_episode_steps": policy.max_episode_steps,
        "observation_encoder": policy._observation_encoder,
        "action_encoder": policy._action_encoder,
        "labels": policy.classes_,
    }


def _encoders_of(teacher):
    """What the two have in common: actions, features and encoders."""
    names = ["classes_", "n_features_in_", "_observation_encoder", "_action_encoder"]
    names += [name for name in ["feature_names_in_"] if hasattr(teacher, name)]
    return {name: getattr(teacher, name) for name in names}
