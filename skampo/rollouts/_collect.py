"""Experience from environments that are rolled out in lock-step."""

import numpy as np

from skampo.data._store import TransitionStore
from skampo.data._transitions import Transitions
from skampo.exceptions import RolloutError
from skampo.rollouts._actions import ActionEncoder
from skampo.rollouts._factories import resolve_factories
from skampo.rollouts._lockstep import LockStep
from skampo.rollouts._observations import ObservationEncoder
from skampo.rollouts._sampling import SAMPLERS, Walker
from skampo.rollouts._seeding import TRAINING
from skampo.rollouts._unfinished import Draws, Unfinished
from skampo.utils._validation import Interval, Nothing, OneOf, check_argument

# Steps of one `gather`, at least, and how many times as many may be kept: fifty
# iterations that keep 20,000 take less than 60,000 steps.
FEWEST_STEPS, FEWEST_DISCRETE, _OLD = 512, 64, 12
# With more columns all steps so far are ten times as many instead, and fifty iterations
# take 232,000.
_FEW_COLUMNS, _OLD_OF_MANY = 6, 10
COUNT = Interval(int, 1)


def _check_sampling(sampling, gamma):
    check_argument("Rollouts", "sampling", sampling, OneOf(SAMPLERS))
    if sampling == "geometric":
        # A coin that never falls below gamma has to come up some time.
        below_one = Interval(float, 0, 1, high_open=True)
        check_argument("Rollouts", "gamma", gamma, below_one)


class Rollouts:
    """
    Gather transitions from environments with a policy.

    The environments live in this process and are stepped in lock-step, so that the
    policy is asked once per step for all of them. They are made or copied from `X`,
    which itself is never stepped, and closed by `close` or after an error.

    Parameters
    ----------
    X : environment or list of environment
        A `gymnasium.Env`, a `gymnasium.vector.VectorEnv`, an id, an `EnvSpec`, a
        function that makes an environment, or a list of these. A function with an
        integer attribute ``seed`` is a task: its seed enters the reset seeds.
    n_envs : int, default=8
        Number of environments. That of index i is made from element i modulo k of a
        list of k; there are at least k.
    steps_per_iter : int, default=None
        Steps of one `gather`, over all environments. None is 512, or 64 for discrete
        observations, and where that is more a twelfth of what is kept, or with more
        than six columns a tenth of all steps so far, up to the `capacity`; without a
        `capacity` it is 512.
    max_episode_steps : int or None, default=None
        Episodes are cut here and count as truncated. With None, an environment with a
        time limit of its own keeps it, and others are cut at 1000 with a warning.
    exploration : float, default=0.05
        Share of actions drawn uniformly over the allowed ones.
    seed : int, default=0
        Determines the reset seeds and the actions.
    sampling : {"steps", "episodes", "geometric"}, default="steps"
        With "steps", each environment takes the same number of steps and keeps running
        from one `gather` to the next. With "episodes", environments start fresh, no
        episode is started after the budget is spent, and those begun are finished. With
        "geometric", each trajectory is one sample of the unbiased sampler, see Notes.
    capacity : int, default=0
        If positive, `gather` returns all transitions so far, at most this many.
    gamma : float, default=0.995
        Discount of the geometric sampler; not used otherwise.
    episode_counts : array-like of int, default=None
        Episodes that each environment has started before, from an earlier experience,
        so that reset seeds are not used again. Those of more environments are handed
        on.
    n_steps : int, default=0
        Steps taken before.
    n_episodes : int, default=0
        Episodes finished before.
    transitions : Transitions or None, default=None
        Transitions gathered before, which count towards the capacity.
    draws : list of int, default=None
        A number of the generator of the actions, and how many numbers it gave before.
    unfinished : dict of arrays, default=None
        Episodes in progress, which are brought back by their reset seeds and actions.
    check : bool, default=False
        Whether to warn of environments that do not show the same observation for the
        same seed, for which one of each name is reset once more at the start, and of
        observations of more than 5,000 numbers.

    Attributes
    ----------
    n_steps : int
        Steps of all environments so far, recorded or not.
    n_episodes : int
        Episodes that were terminated or truncated so far.
    n_faults : int
        Episodes of `Guarded` environments that the last `gather` gave up.
    episode_returns : ndarray of shape (n_finished,)
        Undiscounted returns of the episodes that ended in the last `gather`; one may
        have begun in an earlier one.
    episode_counts : ndarray of int of shape (n_envs,)
        Episodes that each environment has started, to pass to a later experience; more
        where an earlier one had more environments.

    Raises
    ------
    ValueError
        If `X` or a parameter is not accepted, or the environments differ in spaces.
    TypeError
        If a function makes something else than a `gymnasium.Env`.
    ImportError
        If an environment needs a package that is not installed.
    RolloutError
        If an environment cannot be made, or raises when asked for its spaces.

    See Also
    --------
    play_episodes : Play greedy episodes to score a policy.
    Transitions : What is gathered.

    Notes
    -----
    The reset seed of episode e in environment i depends on `seed`, i and e only, not on
    how environments interleave.

    The geometric sampler [1]_ walks from a reset while uniform draws fall below
    `gamma` and records nothing. Then it records steps until a draw does not. The first
    row of a trajectory is a draw of (s, a) from the discounted visitation, and the
    undiscounted sum of its rewards has expectation Q(s, a), because step t is reached
    with probability gamma^t. An expected 2 / (1 - gamma) - 1 steps are spent per
    sample. A walk that meets the end of an episode begins again. Samples begun within
    the budget are finished, so that short ones are not favored.

    A vector environment is replaced by single ones, so its autoreset mode does not
    matter: by its own sub-environments, else by those of its spec. Only a vector in a
    wrapper, or without a spec, is copied whole for each environment, of which the first
    sub-environment is used; that is slow.

    Observations may leave the bounds that a `Box` space declares, as those of
    LunarLander do when it flies away; they are used, with one warning.

    References
    ----------
    .. [1] A. Agarwal, S. M. Kakade, J. D. Lee and G. Mahajan, "On the Theory of Policy
       Gradient Methods: Optimality, Approximation, and Distribution Shift", Journal of
       Machine Learning Research 22(98), 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from skampo.rollouts import Rollouts
    >>> class Uniform:
    ...     def proba(self, observations, action_mask=None):
    ...         return np.full((len(observations), 2), 0.5)
    >>> with Rollouts("CartPole-v1", steps_per_iter=64) as experience:
    ...     transitions = experience.gather(Uniform())
    >>> transitions.observations.shape
    (64, 4)
    >>> experience.n_steps
    64
    """

    def __init__(
        self,
        X,
        *,
        n_envs: int = 8,
        steps_per_iter: int | None = None,
        max_episode_steps: int | None = None,
        exploration: float = 0.05,
        seed: int = 0,
        sampling: str = "steps",
        capacity: int = 0,
        gamma: float = 0.995,
        episode_counts=None,
        n_steps: int = 0,
        n_episodes: int = 0,
        transitions=None,
        draws=None,
        unfinished=None,
        check: bool = False,
    ):
        check_argument("Rollouts", "n_envs", n_envs, COUNT)
        limits = {"steps_per_iter": steps_per_iter}
        limits["max_episode_steps"] = max_episode_steps
        for name, limit in limits.items():
            check_argument("Rollouts", name, limit, COUNT | Nothing)
        _check_sampling(sampling, gamma)
        self._sampler = SAMPLERS[sampling]
        self._budget, self._gamma = steps_per_iter, gamma
        self._exploration = exploration
        self._store = TransitionStore(capacity, transitions)
        counts = list(() if episode_counts is None else episode_counts)
        # An experience that goes on must not draw the actions of the last one again.
        self._rng = Draws(seed, *(draws or (int(np.sum(counts)),)))
        self._begun = Unfinished.from_numbers(unfinished)
        factories = resolve_factories(X)
        self._lockstep = LockStep(
            factories,
            max(n_envs, len(factories)),
            seed=seed,
            stream=TRAINING,
            max_episode_steps=max_episode_steps,
            episode_counts=counts,
            check=check,
        )
        # Of environments that this experience does not have, but a later one may.
        self._other_counts = counts[len(self._lockstep.envs) :]
        self.episode_counts = self._count_episodes()
        self._unfinished, self._drawn = self._begun, self._rng.count
        self.n_steps, self.n_episodes, self.n_faults = n_steps, n_episodes, 0
        self.episode_returns = np.empty(0)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        """Close the environments, without hiding an error on its way."""
        self._lockstep.close()

    def gather(self, policy) -> Transitions:
        """
        Roll out a policy.

        Parameters
        ----------
        policy : object
            Has ``proba(observations, action_mask=None)``, which returns probabilities
            of shape (n, n_actions).

        Returns
        -------
        Transitions
            What was seen, or with a capacity all that was seen so far.

        Raises
        ------
        RolloutError
            If an environment raises, or returns something of the wrong form.
        EnvironmentDataError
            If an environment returns numbers that are not finite, rewards so large that
            returns overflow or that are no numbers, observations that do not fit its
            space, or an action mask of anything but zeros and ones.
        ValueError
            If the experience was closed.
        """
        if not self._lockstep.envs:
            raise ValueError(
                "This Rollouts is closed. Create a new one; pass it "
                "episode_counts to go on with new seeds."
            )
        walker = Walker(self._lockstep, policy, self._rng, self._exploration)
        before = self._lockstep.n_faults
        try:
            self._come_back()
            transitions = self._sampler(walker, self._next_budget(), self._gamma)
            # Once for all rows, which costs less than in every lock-step.
            self._lockstep.check_bounds(transitions.next_observations)
            _check_some(transitions, walker.n_steps, name_all(self._lockstep.envs))
        except BaseException:
            self._lockstep.close()
            raise
        self.n_steps += walker.n_steps
        self.n_episodes += len(walker.returns)
        self.n_faults = self._lockstep.n_faults - before
        self.episode_returns = np.array(walker.returns, dtype=np.float64)
        self.episode_counts = self._count_episodes()
        self._unfinished = Unfinished.of(self._lockstep)
        self._drawn = self._rng.count
        return self._store.append(transitions)

    def _come_back(self):
        """Go on with the episodes of an earlier experience, where it was told."""
        begun, self._begun = self._begun, Unfinished(())
        if begun.episodes:
            self._lockstep.repeat(begun.episodes)

    def _next_budget(self):
        """Steps of the next `gather`."""
        if self._budget is not None:
            return self._budget
        if not self._store.capacity:
            return FEWEST_STEPS
        encoder, capacity = self.observation_encoder, self._store.capacity
        if encoder.n_features > _FEW_COLUMNS:
            # A good policy is made worse by what a few episodes seem to tell.
            return max(FEWEST_STEPS, min(self.n_steps // _OLD_OF_MANY, capacity))
        # A table learns from every single step.
        fewest = FEWEST_DISCRETE if encoder.is_discrete else FEWEST_STEPS
        return max(fewest, self._store.n_kept // _OLD)

    def close(self) -> None:
        """
        Close the environments that were made or copied.

        An environment that raises while it is closed does not keep the others open, and
        its error is dropped.
        """
        self._lockstep.close()

    def continuation(self) -> dict:
        """
        Return what a later experience needs to go on from here.

        Its environments come back to where they stand, by repeating the actions of the
        episodes in progress from their reset seeds. Where that leads elsewhere they
        begin new episodes, with reset seeds that were not used before.

        Returns
        -------
        dict
            Keyword arguments of `Rollouts`: ``episode_counts``,
            ``n_steps``, ``n_episodes``, ``transitions``, ``draws`` and ``unfinished``.
            It holds numbers and arrays only, and can be taken after `close` too.
        """
        return {
            "episode_counts": self.episode_counts,
            "n_steps": self.n_steps,
            "n_episodes": self.n_episodes,
            "transitions": self._store.kept(),
            "draws": [self._rng.key, self._drawn],
            "unfinished": self._unfinished.numbers,
        }

    @property
    def action_encoder(self) -> ActionEncoder:
        """The numbering of the actions, which all environments share."""
        return self._lockstep.action_encoder

    @property
    def observation_encoder(self) -> ObservationEncoder:
        """The encoding of the observations, which all environments share."""
        return self._lockstep.observation_encoder

    @property
    def classes(self) -> np.ndarray:
        """What the environment is given for each column of a policy."""
        return self.action_encoder.labels

    @property
    def n_features(self) -> int:
        """Number of columns of the observations."""
        return self.observation_encoder.n_features

    def _count_episodes(self):
        """Read the counts while the environments are there."""
        counts = [env.n_started for env in self._lockstep.envs]
        return np.array([*counts, *self._other_counts], dtype=int)


def name_all(envs):
    """Join the different names of some environments, three at most."""
    names = list(dict.fromkeys(env.name for env in envs))
    return ", ".join(names if len(names) <= 3 else [*names[:3], "..."])


def _check_some(transitions, n_steps, name):
    """Require a single step that went well."""
    if not len(transitions):
        raise RolloutError(
            f"None of {n_steps} steps of {name} went well, so that there is nothing to "
            "learn from. Set max_faults=0 of Guarded to see the first error.",
            environment=name,
        )
