"""What a log is worth: its range of values, its better half, what its choices tell."""

from dataclasses import replace

import numpy as np

from skampo.critics._halves import saved_surprise

# So much of the range of values is the rest of a log worse, if only half is copied.
_MUCH = 1 / 3
# And so much of the surprise at its actions is saved by knowing the half, if the halves
# chose differently.
_TELLS = 0.01
# Whatever is done, this share of the range of values is all that can be lost.
_NOTHING = 0.05
# A log shows all actions where the rarest has more than this part of an even share,
_SHOWN = 0.5
# and its choices tell nothing if they gain less than this share of an advantage.
_CHANCE = 0.03


def has_nothing_to_lose(transitions, gamma):
    """Whether the log is worth hardly more than the worst that can happen."""
    worst, best = value_range(transitions, gamma)
    here = mean_value(transitions, gamma)
    return here - worst <= _NOTHING * (best - worst)


def tells_nothing(sample, behavior):
    """Whether a log shows all actions, and chooses among them no better than chance."""
    weights = sample.sample_weight
    proba = behavior / behavior.sum(axis=1, keepdims=True)
    rarest = proba.shape[1] * proba.min(axis=1)
    if np.average(rarest, weights=weights) <= _SHOWN:
        return False
    gains = np.einsum("sa,sa->s", proba, advantages_of(sample))
    return np.average(gains, weights=weights) <= _CHANCE * advantage_unit(sample)


def advantages_of(sample):
    """Values of actions, above their mean in each state."""
    return sample.q_values - sample.q_values.mean(axis=1, keepdims=True)


def advantage_unit(sample):
    """Root mean square of the advantages."""
    squares = np.mean(advantages_of(sample) ** 2, axis=1)
    # Merged states count as often as they were met.
    return np.sqrt(np.average(squares, weights=sample.sample_weight))


def steady_value(reward, ending, gamma):
    """What steps are worth that pay this reward and end at this rate."""
    return reward / (1 - gamma * (1 - ending))


def in_better_half(transitions, gamma):
    """Whether rows are in the better half; those of equal worth are all in it."""
    worth, episode = worth_of_episodes(transitions, gamma)
    _, place = np.unique(worth, return_inverse=True)
    counts = np.bincount(place[episode])
    # The mean rank of equal rows, without a sort of all of them.
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return (ranks >= 0.5 * len(episode))[place][episode]


def better_half(transitions, gamma):
    """Rows of the better half of a log; all of them if the rest is not much worse."""
    worth = episode_worth(transitions, gamma)
    is_better = in_better_half(transitions, gamma)
    worst, best = value_range(transitions, gamma)
    # Episodes that start where it is easy are better as well, and not all there is.
    if is_better.all() or (
        worth[is_better].mean() - worth[~is_better].mean() <= _MUCH * (best - worst)
    ):
        return np.arange(len(worth))
    return np.flatnonzero(is_better)


def chooses_otherwise(transitions, is_better):
    """Whether the halves choose differently in the same states."""
    if is_better.all():
        return False
    saved = saved_surprise(is_better, transitions.observations, transitions.actions)
    return saved > _TELLS


def episode_worth(transitions, gamma):
    """What the episode of each row is worth, if its steps went on like this."""
    worth, episode = worth_of_episodes(transitions, gamma)
    return worth[episode]


def worth_of_episodes(transitions, gamma):
    """What each episode is worth, and the episodes of the rows."""
    episode = np.cumsum(transitions.is_start) - 1
    lengths = np.bincount(episode)
    # A single step says what it paid, and nothing of where it led.
    if 2 * len(lengths) > len(episode):
        return np.zeros(len(lengths)), episode
    rewards = np.bincount(episode, weights=transitions.rewards) / lengths
    endings = np.bincount(episode, weights=transitions.terminated) / lengths
    return steady_value(rewards, endings, gamma), episode


def origin_of(transitions, gamma, *, copies):
    """What values are measured from: the worst, or the mean if nothing is copied."""
    if has_nothing_to_lose(transitions, gamma):
        return 0.0
    return (worst_value if copies else mean_value)(transitions, gamma)


def worst_value(transitions, gamma):
    """The worst that can happen."""
    return value_range(transitions, gamma)[0]


def value_range(transitions, gamma):
    """Values of the worst and the best that can happen."""
    rewards, terminated = transitions.rewards, transitions.terminated
    # What comes with an end is paid once, all else may be paid for ever.
    values = rewards / np.where(terminated, 1.0, 1 - gamma)
    worst, best = float(values.min()), float(values.max())
    # An end, after which nothing is paid, may come if one was seen. Of rewards that
    # are all the same nothing but their sign tells whether it is feared or hoped for.
    if terminated.any() or np.ptp(rewards) == 0:
        return min(0.0, worst), max(0.0, best)
    return worst, best


def mean_value(transitions, gamma):
    """The value of steps that pay and end as the mean of the log does."""
    rewards, terminated = transitions.rewards, transitions.terminated
    return float(steady_value(rewards.mean(), terminated.mean(), gamma))


def measure_from(origin, transitions, gamma):
    """Transitions whose values are those above the origin."""
    if origin == 0:
        return transitions
    stays = gamma * ~transitions.terminated
    # Q - c has the Bellman equation of Q, with r - (1 - γ) c in place of r.
    return replace(transitions, rewards=transitions.rewards - (1 - stays) * origin)
