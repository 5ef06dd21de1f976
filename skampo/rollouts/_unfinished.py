"""Episodes in progress and random draws, as numbers from which they come back."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skampo.rollouts._seeding import TRAINING, action_generator

# Numbers of any use are far below.
_LARGEST = 2**53


class Draws:
    """The uniform numbers that actions are drawn with, and how many they were."""

    def __init__(self, seed, key, count=0):
        self.key, self.count = key, count
        self._rng = action_generator(seed, TRAINING, key)
        # Every number takes one step of the generator.
        self._rng.bit_generator.advance(count)

    def random(self, size):
        """Draw the next numbers."""
        numbers = self._rng.random(size)
        self.count += numbers.size
        return numbers


class Episode(NamedTuple):
    """One episode in progress: how it began, what was done, and where it stands."""

    seed: int
    actions: list
    observation: np.ndarray


@dataclass(frozen=True, eq=False)
class Unfinished:
    """The episodes in progress of all environments."""

    episodes: tuple

    @classmethod
    def of(cls, lockstep):
        """Those of a lock-step whose environments keep running."""
        rows = zip(lockstep.active, lockstep.observations, strict=True)
        return cls(tuple(Episode(x.seed, list(x.path), seen) for x, seen in rows))

    @classmethod
    def from_numbers(cls, numbers):
        """The episodes that `numbers` describes; none of None."""
        if numbers is None:
            return cls(())
        stops = np.cumsum(numbers["lengths"])[:-1]
        paths = np.split(numbers["actions"], stops) if len(numbers["lengths"]) else []
        columns = numbers["seeds"], paths, numbers["observations"]
        return cls(
            tuple(
                Episode(int(seed), path.tolist(), seen)
                for seed, path, seen in zip(*columns, strict=True)
            )
        )

    @property
    def numbers(self):
        """The same as arrays of numbers, None if there are none."""
        if not self.episodes:
            return None
        paths = [episode.actions for episode in self.episodes]
        return {
            "seeds": np.array([episode.seed for episode in self.episodes]),
            "lengths": np.array([len(path) for path in paths]),
            "actions": np.array([a for path in paths for a in path], dtype=int),
            "observations": np.stack([e.observation for e in self.episodes]),
        }


def check_draws(numbers):
    """Refuse what does not say where a generator stands."""
    is_pair = isinstance(numbers, list | tuple) and len(numbers) == 2
    if not is_pair or not all(type(n) is int and 0 <= n < _LARGEST for n in numbers):
        raise ValueError("draws that are no two numbers")


def check_unfinished(numbers, n_actions, n_features):
    """Refuse what are no episodes of these actions and observations."""
    names = {"seeds", "lengths", "actions", "observations"}
    if type(numbers) is not dict or numbers.keys() != names:
        raise ValueError("unfinished episodes of other entries")
    if not all(isinstance(numbers[name], np.ndarray) for name in names):
        raise ValueError("unfinished episodes that are no arrays")
    whole = [numbers[name] for name in ("seeds", "lengths", "actions")]
    if any(a.ndim != 1 or a.dtype.kind != "i" or (a < 0).any() for a in whole):
        raise ValueError("unfinished episodes of other numbers")
    seeds, lengths, actions = whole
    if (actions >= n_actions).any() or (lengths > len(actions)).any():
        raise ValueError("unfinished episodes of other actions")
    seen = numbers["observations"]
    if len(seeds) != len(lengths) or int(lengths.sum()) != len(actions):
        raise ValueError("unfinished episodes of other lengths")
    if seen.shape != (len(seeds), n_features) or seen.dtype != np.float64:
        raise ValueError("unfinished episodes of other observations")
