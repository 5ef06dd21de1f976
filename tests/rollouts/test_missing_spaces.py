"""Environments without spaces, or with something else in their place."""

import gymnasium
import pytest

from skampo.exceptions import RolloutError
from skampo.rollouts import Rollouts
from tests.faulty_envs import Counter, FaultyEnv, returns


class Spaceless(FaultyEnv):
    """Has something else than spaces."""

    def __init__(self, name, value):
        super().__init__(returns(None), -1)
        setattr(self, name, value)


@pytest.mark.parametrize("name", ["observation_space", "action_space"])
@pytest.mark.parametrize("value", [None, (2,), "Box", gymnasium.spaces.Box])
def test_spaces_that_are_none(name, value):
    match = rf"The {name} of Spaceless must be a gymnasium space\. Got .* instead: set "
    with pytest.raises(ValueError, match=match):
        Rollouts(lambda: Spaceless(name, value))


@pytest.mark.parametrize("name", ["observation_space", "action_space"])
def test_spaces_that_are_missing(name):
    class Bare(gymnasium.Env):
        def __init__(self):
            other = {"observation_space", "action_space"} - {name}
            setattr(self, other.pop(), gymnasium.spaces.Discrete(2))

    with pytest.raises(ValueError, match=f"The {name} of Bare must .* Got None"):
        Rollouts(Bare)


@pytest.mark.parametrize("name", ["observation_space", "action_space"])
def test_spaces_that_raise(name):
    def space(self):
        raise KeyError("not connected")

    counter = Counter()

    class Raising(FaultyEnv):
        def __setattr__(self, key, value):
            if key != name:
                super().__setattr__(key, value)

    setattr(Raising, name, property(space))
    make = lambda: Raising(returns(None), -1, counter=counter)
    with pytest.raises(RolloutError, match=f"{name} raised KeyError: 'not conn"):
        Rollouts(make)
    assert counter.opened == counter.closed == 1
