"""Approximate Mirror Policy Optimization as a scikit-learn estimator."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import ClassifierTags

from skampo._run import Run, entropy_of, parts_of
from skampo._score import LOG_COLUMNS
from skampo._state import check_predicts, last_state
from skampo.base import PolicyMixin
from skampo.critics import Critic
from skampo.encodings import Encoding
from skampo.exceptions import EnvironmentDataError, RegressorError, RolloutError
from skampo.features._regression import check_regressor
from skampo.mirror_maps import MirrorMap
from skampo.problems._make import make_problem
from skampo.step_sizes import StepSize
from skampo.utils._callbacks import CallbackSupport, announced, with_callbacks
from skampo.utils._sklearn import Documented
from skampo.utils._threads import limit_threads
from skampo.utils._validation import (
    Flag,
    Interval,
    Member,
    NestedParameters,
    Nothing,
    OneOf,
    Provides,
    check_parameters,
)


class AMPOPolicy(
    PolicyMixin, NestedParameters, Documented, CallbackSupport, BaseEstimator
):
    r"""
    Approximate Mirror Policy Optimization (AMPO) with any scikit-learn regressor.

    Each iteration evaluates the current policy, fits a regressor to the action values
    plus the mirror-descent term, and projects the fitted scores onto probabilities.

    Parameters
    ----------
    regressor : estimator, default=None
        Any scikit-learn regressor or Pipeline, the class of policies that line 1 fits;
        cloned, never fitted in place. None is a ridge on kernel features of
        standardized states, or on one-hot states when observations are discrete; on a
        model it is a table that solves line 1 exactly
        (`skampo.regressors.default_regressor`). A Pipeline receives `sample_weight` at
        every step that accepts it; a regressor that takes no weights is fitted to rows
        drawn in proportion to them.
    mirror_map : str or MirrorMap, default="negative_entropy"
        ``"negative_entropy"`` (softmax policies), ``"euclidean"``, ``"tsallis"``,
        ``"hyperbolic_entropy"``, ``"hyperbolic_tangent"``, or an object of
        `skampo.mirror_maps`.
    step_size : str or StepSize, default="trust_region"
        ``"trust_region"``, ``"constant"``, ``"geometric"``, ``"normalized"``,
        ``"adaptive"``, ``"greedy"``, or an object of `skampo.step_sizes`.
    critic : str or Critic, default="auto"
        ``"fitted_q"`` and ``"lstdq"`` see all data so far, ``"lambda_return"`` and
        ``"monte_carlo"`` the data of the current policy, ``"exact"`` a `TabularMDP`,
        ``"pessimistic"`` stays near the policy of a log, ``"reward_model"`` is for
        contextual bandits; or an object of `skampo.critics`. A critic has a
        regressor of its own: by default the one that fits values of this kind of data
        best, whatever `regressor` is. ``"auto"`` is ``"exact"`` for a model,
        ``"fitted_q"`` for environments, ``"pessimistic"`` for logs, and
        ``"reward_model"``, with the policy's regressor, for logs of contextual
        bandits. Labels need none.
    encoding : str or Encoding, default="auto"
        How pairs (state, action) become regression rows: ``"per_action"`` (one
        regressor per action), ``"multi_output"`` (one regressor, one output per
        action), ``"joint"`` (the action as a feature), ``"compatible"`` (the natural
        policy gradient of a log-linear policy, for linear regressors and the softmax),
        ``"compatible_joint"`` (the same with a Pipeline that makes features of rows of
        state and one-hot action, which should cross the two), ``"dual_averaging"`` (the
        sum of the fits of all iterations, see `skampo.encodings.DualAveraging`),
        ``"auto"`` (multi_output if the regressor declares that it takes several
        outputs, else per_action).
    gamma : float, default=0.995
        Discount factor in [0, 1]; 1 only with ``critic="monte_carlo"``.
    max_iter : int, default=50
        Iterations of `fit`; with a pessimistic critic fewer, if the policy settles.
    min_odds : float, default=None
        When a mirror step starts, no action counts as less likely than this share of
        the best one, in [0, 1): what early, wrong values added up can then be forgotten
        (for other mirror maps than the softmax, scores are as far apart at most). 0 is
        no floor. None is 0.001 for environments, 0.01 if their observations are
        discrete, and 0 for other data and for encodings that add up scores.
    average : float, default=None
        Share of the iterations, the last ones, whose policies are averaged in the end:
        line 1 is solved once more for the mean of :math:`\nabla h(\pi_t)`, of at most
        nine of them. If the episodes of the newer half had larger returns, it is taken
        alone, and of this once more, but not fewer than four iterations. 0 returns the
        last policy alone. None is a third for environments, where single policies
        wander, and 0 for other data and for encodings that add up scores. What is
        learned does not depend on it, and `early_stopping` keeps one policy instead.
    steps_per_iter : int, default=None
        Environment steps per iteration, rounded up to a multiple of the environments.
        None is 512, or a twelfth of the transitions that the critic keeps if that is
        more; with more than six columns a tenth of all steps so far, at most as many as
        it keeps; 64 instead of 512 if observations are discrete and it keeps any.
    n_envs : int, default=8
        Environments that run in lock-step.
    exploration : float, default=0.05
        Share of uniform actions while gathering data; never in a prediction.
    max_episode_steps : int, default=None
        Episodes are cut (truncated) here. None is the environment's own limit, or
        1000 with a warning if it has none.
    early_stopping : bool, default=False
        Score the greedy policy after an iteration on episodes of its own, keep the best
        (a lead has to last for four times as many), and stop when none is better. In
        environments no score and no confirmation begins while they have taken more
        steps than learning: some iterations then have none, and are not kept, but
        the last one is always scored.
    validation_episodes : int, default=10
        Episodes of one such score, and of each confirmation. In environments 0 plays
        none, and costs nothing: what is kept is the iterate in the middle of the five
        that learned with the best episodes, exploration included, by their mean return
        less its standard error.
    n_iter_no_change : int, default=10
        Iterations without improvement before stopping, counted from the first
        improvement over the first score. Where an iteration has no score, the episodes
        that it ended while it learned have to be better than those of all before. None
        keeps the best and never stops.
    critic_error : bool, default=False
        Whether `history_` estimates the error of the critic, by how far two critics
        disagree for each of which another half of the trajectories counts twice.
        Nothing that is learned depends on it; evaluating policies takes about four
        times as long.
    warm_start : bool, default=False
        Whether another `fit` continues from the last one, if that had
        ``warm_start=True`` as well: from its iterate, history, transitions and episodes
        in progress, which are repeated. With an int as `random_state`, the same data
        and ``early_stopping=False`` the result is that of one longer fit. Environments
        may follow a log of the same features and actions, and a log may follow
        environments: the policy and the history go on, and the critic starts anew.
    n_jobs : int, default=None
        Threads that fit the regressors of several actions at once, each on a single
        one. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        Seeds environments, action draws and regressors that have no seed.
    verbose : int, default=0
        1 prints one line per iteration; a return in parentheses is that of the last
        iteration in which an episode ended.

    Attributes
    ----------
    classes_ : ndarray of shape (n_actions,)
        Action labels; shape (n_actions, n_components) for MultiDiscrete actions.
    n_features_in_ : int
        Number of features of an encoded observation.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, when fitted on a data frame, from the keys of a `Dict` observation
        space, or from a list ``feature_names`` that an environment has.
    regressor_ : estimator or list of estimators
        The fitted regressor, or one per action.
    critic_ : Critic
        The fitted critic.
    min_odds_ : float
        The floor used.
    resolved_params_ : dict
        `regressor`, `critic`, `min_odds` and `average` as objects and numbers,
        unfitted: ``AMPOPolicy(**policy.resolved_params_)`` does the same with the same
        data.
    mirror_map_ : MirrorMap
        The mirror map used.
    step_size_ : float
        The step size of the iterate that is kept; infinite after a greedy step.
    n_iter_ : int
        Iterations finished.
    n_steps_ : int
        Environment steps used for learning.
    n_validation_steps_ : int
        Environment steps used by `early_stopping`.
    best_iteration_ : int
        The iteration whose policy is kept, counted from 1.
    history_ : list of dict
        One dict per iteration with the keys iteration, n_steps (so far), n_episodes
        (finished in this iteration), n_faults (episodes of this iteration that a
        `skampo.rollouts.Guarded` environment gave up), return_mean, return_std (of the
        policy that the iteration evaluated; exact and discounted on a model), eta,
        divergence, entropy,
        approximation_error (mean squared residual of line 1 on the centered target),
        critic_error (the same of the action values that line 1 was given: 0 if they are
        exact, NaN without the parameter `critic_error`), validation_return,
        validation_std (over the episodes of `early_stopping`; NaN where none were
        played), n_validation_steps (so far), rollout_time, critic_time, fit_time and
        validation_time (seconds).
    interrupted_ : bool
        Whether Ctrl-C ended `fit`, which then raises KeyboardInterrupt.

    See Also
    --------
    skampo.mirror_maps : How scores become probabilities.
    skampo.step_sizes : How far one iteration goes.
    skampo.critics : How a policy is evaluated.

    Notes
    -----
    With scores f, step sizes :math:`\eta_t`, mirror map h and state-action
    distribution :math:`v_t`, iteration t is

    .. math::

        \begin{aligned}
        f_{t+1} &\approx \arg\min_f \| f - Q_t - \eta_t^{-1} \nabla h(\pi_t)
        \|_{v_t}^2 \\
        \pi_{t+1}(\cdot | s) &= P^h(\nabla h^*(\eta_t f_{t+1}(s, \cdot)))
        \end{aligned}

    References
    ----------
    .. [1] C. Alfano, R. Yuan and P. Rebeschini, "A novel framework for policy mirror
       descent with general parameterization and linear convergence", NeurIPS 2023,
       Algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skampo import AMPOPolicy
    >>> policy = AMPOPolicy(max_iter=3, random_state=0).fit("CartPole-v1")
    >>> proba = policy.predict_proba(np.zeros((1, 4)))
    >>> proba.shape, round(float(proba.sum()), 12)
    ((1, 2), 1.0)

    A log of what another policy did (here every row is a step of a contextual bandit):

    >>> X, done, paid = [[0.0], [1.0]] * 20, [0, 0, 1, 1] * 10, [1, 0, 0, 1] * 10
    >>> policy = AMPOPolicy(random_state=0).fit(X, done, rewards=paid)
    >>> policy.predict([[0.0], [1.0]])
    array([0, 1])

    Labels are a contextual bandit whose rewards are all known:

    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["left", "left", "right", "right"]
    >>> AMPOPolicy(Ridge(), random_state=0).fit(X, y).predict([[0.2], [2.9]]).tolist()
    ['left', 'right']
    """

    # Columns of a log go along, wherever scikit-learn's metadata routing is enabled.
    __metadata_request__fit = dict.fromkeys(LOG_COLUMNS, True)
    __metadata_request__score = dict.fromkeys(LOG_COLUMNS, True)

    _constraints = {
        "mirror_map": OneOf(MirrorMap.by_name)
        | Provides(
            "an instance of MirrorMap", "project", "dual", "divergence", "get_params"
        ),
        "step_size": OneOf(StepSize.by_name)
        | Provides("an instance of StepSize", "__call__", "get_params"),
        "critic": OneOf({"auto", *Critic.by_name})
        | Provides("an instance of Critic", "evaluate", "get_params"),
        "encoding": OneOf(Encoding.by_name)
        | Provides("an instance of Encoding", "fit_all", "fit_taken", "get_params"),
        "gamma": Interval(float, 0, 1),
        "max_iter": Interval(int, 0),
        "min_odds": Interval(float, 0, 1, high_open=True) | Nothing,
        "average": Interval(float, 0, 1) | Nothing,
        "steps_per_iter": Interval(int, 1) | Nothing,
        "n_envs": Interval(int, 1),
        "exploration": Interval(float, 0, 1),
        "max_episode_steps": Interval(int, 1) | Nothing,
        "early_stopping": Flag,
        "validation_episodes": Interval(int, 0),
        "n_iter_no_change": Interval(int, 1) | Nothing,
        "critic_error": Flag,
        "warm_start": Flag,
        "n_jobs": Interval(int, 1) | Interval(int, -(2**15), -1) | Nothing,
        "random_state": Interval(int, 0, 2**32 - 1)
        | Member("a RandomState", np.random.RandomState)
        | Nothing,
        "verbose": Interval(int, 0) | Flag,
    }

    def __init__(
        self,
        regressor=None,
        *,
        mirror_map="negative_entropy",
        step_size="trust_region",
        critic="auto",
        encoding="auto",
        gamma: float = 0.995,
        max_iter: int = 50,
        min_odds: float | None = None,
        average: float | None = None,
        steps_per_iter: int | None = None,
        n_envs: int = 8,
        exploration: float = 0.05,
        max_episode_steps: int | None = None,
        early_stopping: bool = False,
        validation_episodes: int = 10,
        n_iter_no_change: int | None = 10,
        critic_error: bool = False,
        warm_start: bool = False,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ):
        self.regressor = regressor
        self.mirror_map = mirror_map
        self.step_size = step_size
        self.critic = critic
        self.encoding = encoding
        self.gamma = gamma
        self.max_iter = max_iter
        self.min_odds = min_odds
        self.average = average
        self.steps_per_iter = steps_per_iter
        self.n_envs = n_envs
        self.exploration = exploration
        self.max_episode_steps = max_episode_steps
        self.early_stopping = early_stopping
        self.validation_episodes = validation_episodes
        self.n_iter_no_change = n_iter_no_change
        self.critic_error = critic_error
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @with_callbacks
    def fit(
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
        sample_weight=None,
    ) -> Self:
        """
        Learn a policy from environments, from a log, or from labels.

        Parameters
        ----------
        X : environment, list of environments, TabularMDP, TransitionLog, or \
                array-like or data frame of shape (n, n_features)
            A gymnasium environment, vector environment, id, EnvSpec or function that
            makes one; a model; a log; or states. Environments that are passed in are
            copied and stay as they were.
        y : array-like of shape (n,), default=None
            With `rewards`, the actions that were taken. Without, labels of the states:
            reward 1 for the label, 0 for every other action.
        rewards : array-like of shape (n,) or (n, n_actions), default=None
            What the actions paid: the states and actions are a log. Two-dimensional,
            the rewards of all actions, in the order of the sorted labels in `y`, of
            0, 1, 2 ... without `y`, or of the columns of a data frame.
        next_states : array-like or data frame of shape (n, n_features), default=None
            What followed each row of a log. None: nothing follows any row, and `gamma`
            plays no part.
        terminated, truncated : array-like of bool of shape (n,), default=None
            Where episodes of the log ended by themselves; where they were cut.
        episodes : array-like of shape (n,), default=None
            Labels of the episodes of the log, whose rows follow each other.
        propensities : array-like of shape (n,), default=None
            Probabilities with which the actions of the log were chosen, used by
            critics that follow traces and by ``RewardModel(method=...)``.
        sample_weight : array-like of shape (n,), default=None
            Weights of labels, of rewards of all actions, or of a contextual bandit's
            log.

        Returns
        -------
        AMPOPolicy
            The fitted estimator.

        Raises
        ------
        InvalidParameterError
            If a parameter is invalid.
        ValueError
            If a log or labels cannot be used: with the column, row and number.
        EnvironmentDataError
            If an environment gives NaN, infinite or malformed data.
        RolloutError
            If an environment raises.
        RegressorError
            If the regressor fails or predicts what is no finite number.
        KeyboardInterrupt
            After Ctrl-C. After it, and after each of these errors, the policy of the
            last finished iteration still predicts.
        """
        given = {
            "rewards": rewards,
            "next_states": next_states,
            "terminated": terminated,
            "truncated": truncated,
            "episodes": episodes,
            "propensities": propensities,
            "sample_weight": sample_weight,
        }
        run = self._start(X, y, given)
        policy = run.policy
        with self._keeping_what_is_learned(run):
            for t in announced(self, run.iterations(self.max_iter), X, y, given):
                rng = run.generator(t)
                transitions = run.gather(policy)
                # Qₜ at (s, a) ~ vₜ
                sample = run.evaluate(policy, transitions, rng)
                here = policy.at(sample)
                eta = min(run.step_size(t, here, sample), sample.largest_step)
                # line 1: f ≈ Qₜ + ηₜ⁻¹ ∇h(πₜ)
                target = here.target(sample.q_values, eta, sample.action_weights)
                f = run.regress(policy, sample, target, rng)
                # line 2: πₜ₊₁ = Pʰ(∇h*(ηₜ f))
                policy = policy.improve(f, eta)
                run.record(t, policy, sample, here, target)
                self._commit(run)
                # Before callbacks: who goes on from a checkpoint finds all of it.
                if run.is_over:
                    self._finish(run)
            # Callbacks may end the fit as well.
            self._finish(run)
        return self

    def _start(self, X, y, given):
        """Set up the run; what an earlier fit learned stays until an iteration ends."""
        check_parameters(self, self._constraints)
        if self.regressor is not None:
            check_regressor(self.regressor, type(self).__name__)
        last = last_state(self) if self.warm_start else None
        seed = entropy_of(self.random_state)
        # Values alone: nothing below calls back. A subclass may have other parameters.
        names = ("regressor", *self._constraints)
        asked = SimpleNamespace(**{name: getattr(self, name) for name in names})
        asked.name = type(self).__name__
        problem, last = make_problem(X, y, given, asked=asked, seed=seed, last=last)
        try:
            run = Run.of(asked, problem, seed, last)
        except BaseException:
            problem.close()
            raise
        if not hasattr(self, "_policy") or self.max_iter == 0:
            self._commit(run)
        self.interrupted_ = False
        return run

    def _finish(self, run):
        """Take over what is made of the last iterations, if that is still to do."""
        if run.finish():
            self._commit(run)

    def _commit(self, run):
        """Take over what a run has learned by its last finished iteration."""
        # Names that an earlier fit gave, where this one has none, do not stay.
        kept = {k: v for k, v in vars(self).items() if k != "feature_names_in_"}
        # One assignment: Ctrl-C comes before or after it, and who predicts meanwhile
        # reads either fit and never a mix.
        self.__dict__ = kept | run.learned()

    def _check_loaded(self):
        """Refuse a file whose parts do not fit, and set what follows from them."""
        if not hasattr(self, "_policy"):
            return
        width, n_actions = self.n_features_in_, len(self.classes_)
        seen, done = self._observation_encoder, self._action_encoder
        if (seen and seen.n_features != width) or (
            done and done.n_actions != n_actions
        ):
            raise ValueError("a policy of other observations or actions than its own")
        last = self._state
        if last and (last.n_features, len(last.classes)) != (width, n_actions):
            raise ValueError("a policy with the state of another one")
        self.__dict__ = vars(self) | parts_of(self._policy)
        # The state of a later fit has scores of its own.
        asked = [self._policy.proba, self._q, getattr(self.critic_, "q_", None)]
        if last:
            asked += [last.kept.policy.proba, getattr(last.critic, "q_", None)]
        # No value is one that every table could have.
        if self._columns is None:
            check_predicts(filter(None, asked), width, n_actions)

    @contextmanager
    def _keeping_what_is_learned(self, run):
        """Close the environments; the last iterate still predicts after an error."""
        try:
            with limit_threads():
                yield
        except KeyboardInterrupt as interrupt:
            self.interrupted_ = True
            # Raised again: a search would score what was cut, and a script go on.
            interrupt.add_note(
                f"fit was interrupted; the policy of iteration {self.n_iter_} is kept."
            )
            raise
        except (EnvironmentDataError, RolloutError, RegressorError) as error:
            error.args = (
                f"{error} {type(self).__name__} stopped in iteration "
                f"{len(run.history) + 1} and keeps the policy of the {self.n_iter_} "
                "finished iterations.",
            )
            raise
        finally:
            run.close()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.non_deterministic = self.random_state is None
        if hasattr(self, "classes_"):
            tags.estimator_type = "classifier"
            tags.classifier_tags = ClassifierTags(poor_score=True)
        return tags
