"""One environment of a rollout, with every check of what it returns."""

import math

import gymnasium

from skampo.exceptions import EnvironmentDataError, RolloutError
from skampo.rollouts._checks import (
    SIGNATURES,
    as_flag,
    as_reward,
    is_info,
    shorten,
    split_reset,
)
from skampo.rollouts._child import has_time_limit
from skampo.rollouts._factories import environment_name
from skampo.rollouts._repeats import reset_and_compare
from skampo.rollouts._seeding import reset_seed
from skampo.utils._warnings import warn_user

# CliffWalking has no limit, where a greedy policy that hits the edge never ends.
DEFAULT_MAX_EPISODE_STEPS = 1000
# A hundred million of them, or their discounted sum for any usual discount, are finite.
LARGEST_REWARD = 1e300
EXAMPLES = {
    "observation_space": "gymnasium.spaces.Box(-np.inf, np.inf, (4,))",
    "action_space": "gymnasium.spaces.Discrete(2)",
}
# What calls sys.exit must not end a search; KeyboardInterrupt passes through.
FAILURES = (Exception, SystemExit)


class CheckedEnv:
    """
    One environment, stepped through episode after episode.

    Where it stands (episode, step, seed, last action) is kept for the messages.
    """

    def __init__(self, factory, index, seed, stream, n_started=0):
        self._factory = factory
        self._open()
        self.name = environment_name(self.env)
        self.index = index
        #: Episodes given up since one went well.
        self.n_faults = 0
        self.n_started = n_started
        self.seeding = (seed, stream, index, factory.task_seed)
        self.limit = None
        self.is_limit_ours = False
        self.warned = []
        self.episode = self.n_steps = 0
        self.seed = self.action = None
        #: Columns of the actions of this episode.
        self.path = []
        self.episode_return = 0.0

    def _open(self):
        # A lock-step may step what is inside, and transform observations itself.
        self.env = self.stepped = self._factory.make()
        self._action_masks = find_action_masks(self.env)

    def give_up(self, error):
        """Make the environment anew after an error; raise it if there were too many."""
        self.n_faults += 1
        if self.n_faults > self._factory.max_faults:
            raise error
        close_all([self])
        try:
            self._open()
        except RolloutError as another:
            self.give_up(another)

    def limit_episodes(self, max_episode_steps, warned):
        """Set the time limit; None keeps that of the environment or cuts at 1000."""
        self.limit = max_episode_steps
        self.warned = warned
        if max_episode_steps is None and not cuts_episodes(self.env):
            # `unwrapped` takes the wrapper off that would cut, and leaves the spec.
            spec = self.env.spec
            declared = None if spec is None else spec.max_episode_steps
            self.limit = declared or DEFAULT_MAX_EPISODE_STEPS
            self.is_limit_ours = declared is None

    def reset(self, episode, *, check=False):
        """Begin an episode; return the observation and the info."""
        self.seed = self.next_seed()
        self.n_started += 1
        self.episode, self.n_steps, self.action = episode, 0, None
        self.path = []
        self.episode_return = 0.0
        if not check:
            return self._reset()
        result, repeats = reset_and_compare(self.env, self.seed, self._reset)
        if not repeats:
            warn_user(
                f"{self.name}: reset(seed={self.seed}) gave different observations for "
                "the same seed: results are not reproducible, whatever 'random_state' "
                "is. Call super().reset(seed=seed) and draw from self.np_random; in a "
                "wrapper, hand the seed on."
            )
        return result

    def _reset(self):
        try:
            result = self.stepped.reset(seed=self.seed)
        except FAILURES as error:
            raise self.raised("reset", error) from error
        parts = split_reset(result)
        if parts is None:
            raise self.malformed("reset", result)
        return parts

    def next_seed(self, back=0):
        """The seed of the next reset, or of one before it."""
        seed, stream, index, task_seed = self.seeding
        return reset_seed(seed, stream, index, self.n_started - back, task_seed)

    def announce(self, action):
        """Let an environment in another process take its step already."""
        if self.announces:
            self.stepped.announce_step(action)

    @property
    def announces(self):
        """Whether the environment can step while others do."""
        return hasattr(self.stepped, "announce_step")

    def take(self, column, to_env):
        """Take the step of a column of the policy, and remember it."""
        self.path.append(column)
        return self.step(to_env(column))

    def step(self, action):
        """Take a step; return what the environment did, with plain types."""
        self.action = action
        self.n_steps += 1
        try:
            result = self.stepped.step(action)
        except FAILURES as error:
            raise self.raised("step", error) from error
        if type(result) is not tuple or len(result) != 5:
            raise self.malformed("step", result)
        observation, reward, terminated, truncated, info = result
        # This runs at every step: plain types are let through without a call.
        if type(reward) is not float:
            reward = self._check_reward(reward)
        if type(terminated) is not bool or type(truncated) is not bool:
            terminated, truncated = self._check_flags(terminated, truncated, result)
        # NaN is on neither side of any number.
        if not -LARGEST_REWARD <= reward <= LARGEST_REWARD:
            raise self._too_large(reward)
        if type(info) is not dict and not is_info(info):
            raise self.malformed("step", result)
        self.episode_return += reward
        # An episode that terminates at the limit has no value behind it.
        if self.n_steps == self.limit and not (terminated or truncated):
            truncated = self._cut()
        return observation, reward, terminated, truncated, info

    def space(self, kind):
        """Return the observation or action space, or raise for want of one."""
        try:
            space = getattr(self.env, kind, None)
        except FAILURES as error:
            raise RolloutError(
                f"{self.name}.{kind} raised {type(error).__name__}: {error}. It has to "
                "be known as soon as the environment is made.",
                environment=self.name,
            ) from error
        if not isinstance(space, gymnasium.spaces.Space):
            raise ValueError(
                f"The {kind} of {self.name} must be a gymnasium space. Got "
                f"{shorten(space, 80)} of type {type(space).__name__} instead: set "
                f"self.{kind} in its __init__, for example to {EXAMPLES[kind]}."
            )
        return space

    def add_mask(self, info):
        """Add the mask of an environment that has a method for it to its info."""
        if self._action_masks is None or "action_mask" in info:
            return info
        try:
            return {**info, "action_mask": self._action_masks()}
        except FAILURES as error:
            raise self.raised("action_masks", error) from error

    def feature_names(self, encoder):
        """Names of the columns: the environment's own, else those of its space."""
        if not self.env.has_wrapper_attr("feature_names"):
            return encoder.feature_names
        names = self.env.get_wrapper_attr("feature_names")
        # Others may mean anything.
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            return encoder.feature_names
        if len({*names}) == len(names) == encoder.n_features:
            return names
        # What a wrapper shows may have no names.
        inner = self.env.unwrapped.observation_space
        if self.env.observation_space != inner:
            return encoder.feature_names
        raise ValueError(
            f"The feature_names of {self.name} are {names}, but its observations have "
            f"{encoder.n_features} features. Give each of them a name of its own."
        )

    def close(self):
        """Close the environment."""
        self.env.close()

    def _cut(self):
        """Cut the episode, warning once where nobody asked for it."""
        if self.is_limit_ours and not self.warned:
            self.warned.append(self.name)
            warn_user(
                f"{self.name} has no time limit, and an episode did not end within "
                f"{self.limit} steps. It was cut there and counts as truncated. Set "
                "'max_episode_steps' to choose the limit."
            )
        return True

    def _check_reward(self, reward):
        """Convert an unusual reward, or raise."""
        value = as_reward(reward)
        if value is None:
            raise EnvironmentDataError(
                f"{self.name} returned a reward of type {type(reward).__name__}, "
                f"{shorten(reward, 80)}, at {self.where()}. A reward must be a real "
                "number: convert it with float(reward) in the environment.",
                **self._position(),
            )
        return value

    def _too_large(self, reward):
        """Build the error for a reward that is not finite, or whose sums are not."""
        if math.isfinite(reward):
            return self.bad_data(
                f"reward {reward}, beyond {LARGEST_REWARD:g}, where returns overflow,"
            )
        return self.bad_data(f"reward {reward}")

    def _check_flags(self, terminated, truncated, result):
        """Convert unusual flags, or raise."""
        flags = as_flag(terminated), as_flag(truncated)
        if None in flags:
            raise self.malformed("step", result)
        return flags

    def where(self):
        """Say where in the rollout this environment stands."""
        if self.n_steps == 0:
            return f"the reset of episode {self.episode} (reset seed {self.seed})"
        return (
            f"step {self.n_steps} of episode {self.episode} (action "
            f"{self._plain_action()}, reset seed {self.seed})"
        )

    def bad_data(self, what):
        """Build the error for numbers that cannot be used."""
        return EnvironmentDataError(
            f"{self.name} returned {what} at {self.where()}. Nothing can be learned "
            "from it: correct the environment, or wrap it so that the episode ends "
            "there.",
            **self._position(),
        )

    def encode(self, encoder, observation):
        """Encode an observation; raise for one that its space does not allow."""
        try:
            return encoder.encode(observation)
        except ValueError as error:
            raise self.bad_data(f"as observation {error}") from error

    def raised(self, method, error):
        """Build the error for an exception out of the environment."""
        hint = (
            "The original exception is attached: repeat that episode outside of skampo "
            "to find the cause."
        )
        # The interface of the old gym package knew no seed.
        if "unexpected keyword argument 'seed'" in str(error):
            hint = (
                f"The gymnasium interface is {SIGNATURES['reset']}. Adapt the "
                "environment to it."
            )
        return RolloutError(
            f"{self.name}.{method} raised {type(error).__name__}: {error} at "
            f"{self.where()}. {hint}",
            **self._position(),
        )

    def malformed(self, method, result):
        """Build the error for a result that is not what gymnasium describes."""
        return RolloutError(
            f"{self.name}.{method} returned {shorten(result)} at {self.where()}. The "
            f"gymnasium interface is {SIGNATURES[method]}, with terminated and "
            "truncated of type bool and info a dict. Adapt the environment to it.",
            **self._position(),
        )

    def _plain_action(self):
        """Return the last action as an int or a tuple of int."""
        action = self.action
        return tuple(action.tolist()) if hasattr(action, "tolist") else action

    def _position(self):
        """Return the attributes of an error raised here."""
        return {
            "environment": self.name,
            "episode": self.episode,
            "step": self.n_steps,
            "seed": self.seed,
            "action": self._plain_action(),
        }


def find_action_masks(environment):
    """Return the method `action_masks` of an environment or of a wrapper, or None."""
    # The other convention than info["action_mask"]: maskable PPO of sb3-contrib.
    if not environment.has_wrapper_attr("action_masks"):
        return None
    method = environment.get_wrapper_attr("action_masks")
    return method if callable(method) else None


def cuts_episodes(environment):
    """Tell whether an environment has a time limit of its own."""
    # What runs in another process says it itself.
    elsewhere = getattr(environment.unwrapped, "has_time_limit", False)
    return elsewhere or has_time_limit(environment)


def close_all(envs):
    """Close every environment once; return the first error instead of raising it."""
    first = None
    while envs:
        try:
            # Taken out first, so that none is closed twice, whatever `close` raises.
            envs.pop().close()
        except FAILURES as error:
            first = first or error
    return first


def open_envs(factories, n_envs, seed, stream, episode_counts=(), first_index=0):
    """Make environments that cycle through the factories, all with the same spaces."""
    envs = []
    # A later experience may have more environments, or fewer.
    counts = [int(count) for count in episode_counts][:n_envs]
    counts += [0] * (n_envs - len(counts))
    try:
        for index, count in enumerate(counts):
            factory = factories[index % len(factories)]
            envs.append(CheckedEnv(factory, first_index + index, seed, stream, count))
            _check_env(envs[-1], envs[:-1])
    # Ctrl-C must not leave environments open either.
    except BaseException:
        close_all(envs)
        raise
    return envs


def _check_env(env, others):
    """Require the spaces of the first environment, and an environment of its own."""
    # Wrappers may be new around the same environment.
    inner = env.env.unwrapped
    if any(inner is other.env.unwrapped for other in others):
        raise ValueError(
            f"The function that makes {env.name} returned the same environment twice. "
            "It must make a new one at each call, also inside of wrappers."
        )
    first = others[0] if others else env
    for kind in ("observation_space", "action_space"):
        given, expected = env.space(kind), first.space(kind)
        if given != expected:
            raise ValueError(
                f"All environments must have the same spaces. {first.name} has "
                f"{kind}={expected}, but {env.name} has {kind}={given}."
            )
