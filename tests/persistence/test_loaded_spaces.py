"""Spaces in files are as they were, or refused: by themselves, not by a policy."""

from functools import partial

import numpy as np
import pytest
from gymnasium import spaces
from sklearn.linear_model import Ridge

import skampo
from skampo.exceptions import SkampoFileError
from skampo.persistence import save
from skampo.rollouts import Rollouts
from tests.faulty_envs import SpaceEnv
from tests.persistence.crafting import pack

SPACES = [
    spaces.Discrete(1),
    spaces.Discrete(10**12, start=-(10**12)),
    spaces.MultiBinary(1),
    spaces.MultiBinary([2, 3]),
    spaces.MultiDiscrete([1, 3], start=[2, -1]),
    spaces.MultiDiscrete([150_000, 50_000]),
    spaces.Box(np.float32([-1, 0]), np.float32([1, np.inf])),
    spaces.Text(3, min_length=0, charset="ab"),
    spaces.Tuple([spaces.Discrete(2), spaces.Dict(b=spaces.Discrete(2))]),
]


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_a_space_is_what_it_was(space, tmp_path):
    with Rollouts(partial(SpaceEnv, observation_space=space)) as rollouts:
        encoder = rollouts.observation_encoder
    save(Ridge(alpha=encoder), tmp_path / "saved")
    assert skampo.load(tmp_path / "saved").alpha.space == space


TWO = {"array": 0}
BITS = "a space of bits without a size"
STATES = "a discrete space without a size"
SIZES = "a space of sizes other than 1 to 200,000"
SHAPES = "a space of two shapes"
BOUNDS = "a box of two shapes"
REFUSED = {
    "no states": (["Discrete", 0, 0], [], STATES),
    "too many states": (["Discrete", 10**12 + 1, 0], [], STATES),
    "states from nowhere": (["Discrete", 2, -(10**12) - 1], [], STATES),
    "as many states as true": (["Discrete", True, 0], [], STATES),
    "states of text": (["Discrete", "2", 0], [], STATES),
    "halves of states": (["Discrete", 2.0, 0.0], [], STATES),
    "a start between states": (["Discrete", 2, 0.5], [], STATES),
    "bits without a size": (["MultiBinary", [0]], [], BITS),
    "bits below nothing": (["MultiBinary", [-2, -3]], [], BITS),
    "as many bits as true": (["MultiBinary", [True]], [], BITS),
    "too many bits": (["MultiBinary", [1000, 1000]], [], BITS),
    "a size of zero": (["MultiDiscrete", TWO, {"array": 1}], [[2, 0], [0, 0]], SIZES),
    "sizes of halves": (
        ["MultiDiscrete", TWO, {"array": 1}],
        [[2.5, 2.0], [0, 0]],
        SIZES,
    ),
    "a start of halves": (
        ["MultiDiscrete", TWO, {"array": 1}],
        [[2, 2], [0.5, 0.0]],
        SHAPES,
    ),
    "one start": (["MultiDiscrete", TWO, {"array": 1}], [[2, 2], [0]], SHAPES),
    "too large sizes": (
        ["MultiDiscrete", TWO, {"array": 1}],
        [[150_000, 150_000], [0, 0]],
        SIZES,
    ),
    "sizes that add up to nothing": (
        ["MultiDiscrete", TWO, {"array": 1}],
        [[2**62] * 4, [0] * 4],
        SIZES,
    ),
    "too much together": (
        ["Tuple", *2 * [["MultiBinary", [150_000]]]],
        [],
        "a space of more than 200,000 numbers",
    ),
    "bounds of two shapes": (["Box", TWO, {"array": 1}], [[0.0, 0.0], [1.0]], BOUNDS),
    "bounds of two types": (["Box", TWO, {"array": 1}], [[0.0, 0.0], [1, 1]], BOUNDS),
    "bounds of text": (["Box", TWO, {"array": 1}], [["a", "b"], ["c", "d"]], BOUNDS),
    "no letters": (["Text", 0, 3, ""], [], SIZES),
    "an endless text": (["Text", 0, 10**9, "a"], [], SIZES),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_space_that_is_none_is_refused(name, tmp_path):
    description, arrays, words = REFUSED[name]
    encoder = {"object": ["ObservationEncoder", {}, {"space": description}]}
    ridge = {"object": ["Ridge", {"alpha": encoder}, {}]}
    data = pack(b"{}", ridge, [np.array(numbers) for numbers in arrays])
    (tmp_path / "crafted").write_bytes(data)
    with pytest.raises(SkampoFileError, match=words):
        skampo.load(tmp_path / "crafted")
