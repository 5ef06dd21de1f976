"""What a fit leaves for another one to continue from."""

import copy
import re
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import hash as hash_of
from sklearn.base import clone

from skampo._history import BestIterate, Iterate
from skampo.exceptions import InvalidParameterError, RegressorError
from skampo.features._regression import parameters_as_text
from skampo.rollouts._unfinished import check_draws, check_unfinished
from skampo.utils._warnings import warn_user

# What rollouts say of themselves for the next ones.
_COUNTS = ("episode_counts", "n_steps", "n_episodes")
_CONTINUES = {*_COUNTS, "transitions", "draws", "unfinished"}
# And what a log says.
_CONTINUES |= {"digest"}
# What no value of a state can be the reason of.
_STRUCTURAL = (AttributeError, IndexError, KeyError, TypeError)
_DIGEST = re.compile("([0-9a-f]{32})?")


@dataclass(frozen=True, eq=False)
class State:
    """What another `fit` continues from."""

    problem: str
    classes: list
    n_features: int
    parts: dict
    kept: Iterate
    critic: Any
    history: list
    best: BestIterate
    n_validation_steps: int
    rollouts: dict
    first: Any
    window: tuple
    mean: Any
    settled: str

    def copy(self):
        """Return the same state, with parts of its own where a fit changes them."""
        best = copy.copy(self.best)
        return replace(self, critic=copy_critic(self.critic), best=best)

    def for_data(self, kind):
        """
        What another kind of data can continue from.

        A log and environments of the same actions and features are two sources of one
        policy: the one that the last fit returned goes on, with its history. The critic
        of the other source and what it has seen do not.
        """
        if {kind, self.problem} != {"log", "environments"}:
            check_same("kind of data", self.problem, kind)
            return self
        nothing = {"critic": None, "rollouts": {}, "first": None, "mean": None}
        kept = replace(self.kept, policy=self.mean or self.kept.policy)
        return replace(self, problem=kind, kept=kept, window=(), settled="", **nothing)

    def _check_loaded(self):
        """Refuse transitions that do not fit the policy, whose numbers are indices."""
        if not self.rollouts.keys() <= _CONTINUES:
            raise ValueError("a state with other entries than rollouts have")
        counts = [self.rollouts.get(name, 0) for name in _COUNTS]
        if not all(map(_is_count, counts)):
            raise ValueError("a state with counts of rollouts that are none")
        digests = self.rollouts.get("digest", ""), self.settled
        if not all(map(_DIGEST.fullmatch, digests)):
            raise ValueError("a state of data without a digest")
        if (draws := self.rollouts.get("draws")) is not None:
            check_draws(draws)
        if (unfinished := self.rollouts.get("unfinished")) is not None:
            check_unfinished(unfinished, len(self.classes), self.n_features)
            # Each of them was started once, in an environment of its own.
            if np.sum(np.greater(counts[0], 0)) < len(unfinished["seeds"]):
                raise ValueError("unfinished episodes that were never started")
        if (data := self.rollouts.get("transitions")) is not None:
            _check_transitions(data, len(self.classes), self.n_features)


def _check_transitions(data, n_actions, n_features):
    """Refuse rows of other actions and observations, and what is no number."""
    flags = (data.terminated, data.truncated, data.ends)
    is_index = data.actions.dtype.kind == "i" and (data.actions >= 0).all()
    if not is_index or (data.actions >= n_actions).any():
        raise ValueError("transitions of other actions")
    masks = (data.action_masks, data.next_action_masks)
    wide = [mask is None or mask.shape[1:] == (n_actions,) for mask in masks]
    if any(flag.dtype != bool for flag in flags) or not all(wide):
        raise ValueError("transitions of other flags")
    if data.observations.shape[1:] != (n_features,):
        raise ValueError("transitions of other observations")
    numbers = (data.observations, data.next_observations, data.rewards)
    if not all(x is None or np.isfinite(x).all() for x in numbers):
        raise ValueError("transitions of numbers that are not finite")


@dataclass(frozen=True, eq=False)
class FirstStep:
    """The scores that line 1 found first, and a digest of what it was given."""

    digest: str
    f: Any

    @classmethod
    def of(cls, sample, f):
        """The step of a sample."""
        return cls(_digest(sample), f)

    def is_for(self, sample):
        """Whether a sample has the same values in the same states."""
        return self.digest == _digest(sample)


def _digest(sample):
    return hash_of((sample.observations, sample.q_values))


def _is_count(numbers):
    """Whether it is a number of what happened, or an array of them."""
    numbers = np.asarray(numbers)
    is_known = numbers.ndim < 2 and numbers.dtype.kind in "iu"
    return is_known and (numbers >= 0).all()


def last_state(policy):
    """What to continue from; a warning if the last fit has not kept it."""
    last, n_iter = getattr(policy, "_state", None), getattr(policy, "n_iter_", 0)
    if last is None and n_iter:
        warn_user(
            f"warm_start=True starts anew: the {n_iter} iterations so far were made "
            "with warm_start=False, which keeps a policy and nothing to continue from. "
            "Set warm_start=True before the first fit."
        )
    # A fit changes its parts, and may fail.
    return last and last.copy()


def copy_critic(critic):
    """A critic as it is now: `evaluate` replaces attributes, and changes none."""
    copied = copy.copy(critic)
    inner = getattr(critic, "critic_", None)
    if inner is not None:
        copied.critic_ = copy.copy(inner)
    return copied


def check_continues(asked, problem, last, names):
    """Refuse to continue with other actions, features or parts."""
    check_same("number of features", last.n_features, problem.n_features)
    check_same("actions", last.classes, problem.classes.tolist())
    for name, now in parts_as_text(asked, names).items():
        check_same(f"parameter {name!r}", last.parts.get(name), now)


def parts_as_text(asked, names):
    """Text of each of these parameters, and of those inside."""
    parts = {}
    for name in names:
        part = _on_any_machine(getattr(asked, name))
        # Parameters one by one: the `repr` of a large part leaves some of them out, and
        # its time doubles with every Pipeline inside another.
        has_parameters = hasattr(part, "get_params")
        parts[name] = type(part).__name__ if has_parameters else repr(part)
        inner = parameters_as_text(part)
        parts |= {f"{name}__{key}": text for key, text in inner.items()}
    return parts


def _on_any_machine(part):
    """The part without what says where it is computed, which changes no result."""
    parameters = getattr(part, "get_params", dict)()
    names = [n for n in parameters if n.split("__")[-1] in ("memory", "n_jobs")]
    return clone(part).set_params(**dict.fromkeys(names)) if names else part


def check_predicts(functions, n_features, n_actions):
    """Refuse loaded parts that do not go together, by asking them of one state."""
    state, what = np.zeros((1, n_features)), "scores whose parts do not go together"
    for function in functions:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found = function(state)
        except RegressorError as error:
            # The values of this state may be none that an honest model knows.
            if isinstance(error.__cause__, _STRUCTURAL):
                raise ValueError(f"{what}: {error.__cause__}") from error
            continue
        except Exception as error:
            raise ValueError(f"{what}: {error}") from error
        if np.shape(found) != (1, n_actions) or not np.isfinite(found).all():
            raise ValueError(f"scores that are no {n_actions} finite numbers")


def check_same(what, before, now):
    """Refuse to continue with something else; None is nothing to continue from."""
    if before is not None and before != now:
        raise InvalidParameterError(
            f"warm_start=True continues the last fit, whose {what} was {before}. Got "
            f"{now} instead. Set warm_start=False to start anew."
        )
