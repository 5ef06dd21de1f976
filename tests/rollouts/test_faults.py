import decimal

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo.exceptions import EnvironmentDataError, RolloutError
from skampo.rollouts import Rollouts, play_episodes
from tests.faulty_envs import (
    Counter,
    CountingEnv,
    FaultyEnv,
    MaskedEnv,
    TwoArgumentError,
    fails,
    observes,
    returns,
    rewards,
)
from tests.rollouts.policies import UniformPolicy
from tests.seeds import SCORING, TRAINING, reset_seed


def gather(fault, at_step=1, *, n_envs=1, sampling="steps", **kwargs):
    counter = Counter()
    make = lambda: FaultyEnv(fault, at_step, counter=counter, **kwargs)
    try:
        experience = Rollouts(
            make, n_envs=n_envs, steps_per_iter=40, sampling=sampling, gamma=0.9
        )
        return experience.gather(UniformPolicy())
    except BaseException:
        assert counter.closed == counter.opened == n_envs
        raise


def play(fault, at_step=1, **kwargs):
    counter = Counter()
    make = lambda: FaultyEnv(fault, at_step, counter=counter, **kwargs)
    try:
        return play_episodes(make, UniformPolicy(), n_episodes=1)
    finally:
        assert counter.closed == counter.opened == 1


@pytest.mark.parametrize("rollout", [gather, play])
@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, 10**400, -(10**400), np.float32("nan")]
)
@pytest.mark.parametrize("at_step", [1, 3, 5])
def test_rewards_that_are_not_finite(rollout, value, at_step):
    with pytest.raises(EnvironmentDataError) as caught:
        rollout(rewards(value), at_step)
    error = caught.value
    stream = TRAINING if rollout is gather else SCORING
    assert error.environment == "FaultyEnv"
    assert (error.episode, error.step) == (1, at_step)
    assert error.seed == reset_seed(0, stream, 0, 0)
    assert error.action in (0, 1)
    where = (
        f"at step {at_step} of episode 1 (action {error.action}, reset seed "
        f"{error.seed})."
    )
    infinite = np.inf if value > 0 else -np.inf
    shown = infinite if type(value) is int else float(value)
    assert str(error).startswith(f"FaultyEnv returned reward {shown} {where}")


def test_episodes_are_counted_in_order_of_start():
    # Two environments: episodes 1 and 2, then 3 and 4, then 5 and 6.
    with pytest.raises(EnvironmentDataError, match="step 2 of episode 5 ") as caught:
        gather(rewards(np.nan), 2, in_episode=3, n_envs=2)
    assert caught.value.seed == reset_seed(0, TRAINING, 0, 2)


@pytest.mark.parametrize("value", [1e300, -1e300])
def test_huge_rewards_are_fine(value):
    fault = lambda result: (result[0], value, *result[2:]) if len(result) == 5 else None
    assert gather(fault, 5).rewards[4] == value


@pytest.mark.parametrize(
    "value",
    [
        2,
        2.0,
        np.float32(2),
        np.float64(2),
        np.int8(2),
        np.array(2.0),
        np.array(2, dtype=np.uint8),
    ],
)
def test_rewards_of_numeric_types(value):
    result = gather(rewards(value))
    assert result.rewards[0] == 2.0
    assert result.rewards.dtype == np.float64


@pytest.mark.parametrize("value", [True, np.True_, np.array(True)])
def test_rewards_of_bools(value):
    assert gather(rewards(value)).rewards[0] == 1.0


@pytest.mark.parametrize(
    "value",
    [
        decimal.Decimal(1),
        1j,
        None,
        "1",
        [1.0],
        np.array([1.0]),
        np.array("1"),
        np.complex128(1),
        {},
    ],
)
def test_rewards_of_other_types(value):
    with pytest.raises(EnvironmentDataError) as caught:
        gather(rewards(value), 3)
    assert f"reward of type {type(value).__name__}" in str(caught.value)
    assert "step 3 of episode 1" in str(caught.value)
    assert (caught.value.environment, caught.value.step) == ("FaultyEnv", 3)


@pytest.mark.parametrize("rollout", [gather, play])
@pytest.mark.parametrize("value", [5e307, -5e307, 2e300, 10**301])
def test_rewards_whose_sums_overflow(rollout, value):
    with pytest.raises(EnvironmentDataError) as caught:
        rollout(rewards(value), 2)
    start = f"FaultyEnv returned reward {float(value)}, beyond 1e+300, where returns"
    assert str(caught.value).startswith(start)
    assert (caught.value.episode, caught.value.step) == (1, 2)


@pytest.mark.parametrize("at_step", [0, 1, 5])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_observations_that_are_not_finite(value, at_step):
    with pytest.raises(EnvironmentDataError) as caught:
        gather(observes(np.array([0.0, value])), at_step)
    assert f"an observation whose feature 1 is {value} at" in str(caught.value)
    assert caught.value.step == at_step
    if at_step == 0:
        assert "at the reset of episode 1 (reset seed" in str(caught.value)
        assert caught.value.action is None


@pytest.mark.parametrize("at_step", [0, 2])
@pytest.mark.parametrize(
    ("value", "match"),
    [
        (np.zeros(3), r"shape \(3,\) while shape \(2,\)"),
        (np.array(["a", "b"]), "dtype <U1"),
        (np.array([None, None]), "dtype object"),
        (None, r"shape \(\)"),
    ],
)
def test_observations_that_do_not_fit(value, match, at_step):
    with pytest.raises(EnvironmentDataError, match=match) as caught:
        gather(observes(value), at_step)
    assert caught.value.step == at_step
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_observations_of_other_number_types(dtype):
    result = gather(observes(np.ones(2, dtype=dtype)), 2)
    assert_array_equal(result.next_observations[1], [1, 1])


def test_a_discrete_observation_outside_its_range():
    class Outside(FaultyEnv):
        def __init__(self):
            super().__init__(observes(7), 1)
            self.observation_space = gymnasium.spaces.Discrete(7)

        def _spoil(self, result):
            return super()._spoil((self.t, *result[1:]))

    match = "as observation 7 while an integer from 0 to 6 was expected at step 1"
    with Rollouts(Outside) as experience:
        with pytest.raises(EnvironmentDataError, match=match):
            experience.gather(UniformPolicy())


@pytest.mark.parametrize("rollout", [gather, play])
@pytest.mark.parametrize("at_step", [0, 4])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("simulator lost connection"),
        KeyError("k"),
        TwoArgumentError(7, "why"),
        SystemExit(3),
        StopIteration(),
        ValueError("as any other"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_environments_that_raise(rollout, error, at_step):
    with pytest.raises(RolloutError) as caught:
        rollout(fails(error), at_step)
    method = "step" if at_step else "reset"
    start = f"FaultyEnv.{method} raised {type(error).__name__}: {error} at "
    assert str(caught.value).startswith(start)
    assert caught.value.__cause__ is error
    assert caught.value.step == at_step


@pytest.mark.parametrize("at_step", [0, 4])
def test_ctrl_c_passes_through(at_step):
    with pytest.raises(KeyboardInterrupt):
        gather(fails(KeyboardInterrupt()), at_step)


ZEROS = np.zeros(2)


@pytest.mark.parametrize(
    "value",
    [
        (ZEROS, 1.0, False, {}),
        (ZEROS, 1.0, False, False, {}, None),
        [ZEROS, 1.0, False, False, {}],
        (ZEROS, 1.0, "no", False, {}),
        (ZEROS, 1.0, False, None, {}),
        (ZEROS, 1.0, 0.5, False, {}),
        (ZEROS, 1.0, np.zeros(2, dtype=bool), False, {}),
        (ZEROS, 1.0, False, False, None),
        (ZEROS, 1.0, {}, False, False),
        None,
        ZEROS,
    ],
)
def test_steps_that_are_no_steps(value):
    with pytest.raises(RolloutError) as caught:
        gather(returns(value), 2)
    assert f"FaultyEnv.step returned {value!r} at step 2 of" in str(caught.value)
    assert (
        "step(action) -> (observation, reward, terminated, truncated, info)"
    ) in str(caught.value)


@pytest.mark.parametrize("value", [ZEROS, (ZEROS,), (ZEROS, None), None, [ZEROS, {}]])
def test_resets_that_are_no_resets(value):
    with pytest.raises(RolloutError) as caught:
        gather(returns(value), 0)
    assert f"FaultyEnv.reset returned {value!r} at the reset" in str(caught.value)
    assert "reset(seed=...) -> (observation, info)" in str(caught.value)


@pytest.mark.parametrize("kind", [bool, np.bool_, int, np.int64, np.array])
def test_flags_that_are_like_bools(kind):
    fault = lambda result: (*result[:2], kind(True), kind(False), {})
    rows = gather(fault, 2)
    assert_array_equal(rows.terminated[:3], [False, True, False])
    assert rows.terminated.dtype == bool


def test_old_interface_without_a_seed():
    class Old(FaultyEnv):
        def reset(self):
            return np.zeros(2)

    with Rollouts(lambda: Old(returns(None))) as experience:
        with pytest.raises(RolloutError, match="unexpected keyword argument 'seed'"):
            experience.gather(UniformPolicy())


def test_a_mask_that_allows_nothing():
    class Blocked(MaskedEnv):
        def _info(self):
            info = super()._info()
            return {"action_mask": info["action_mask"] * (self.t < 2)}

    with Rollouts(Blocked) as experience:
        match = "an action_mask that allows no action at step 2"
        with pytest.raises(EnvironmentDataError, match=match):
            experience.gather(UniformPolicy(3))


def test_a_mask_of_another_length():
    class Longer(MaskedEnv):
        def _info(self):
            return {"action_mask": np.ones(4)}

    with Rollouts(Longer) as experience:
        with pytest.raises(EnvironmentDataError, match="3 zeros and ones"):
            experience.gather(UniformPolicy(3))


@pytest.mark.parametrize(
    "mask",
    [
        [1.0, np.nan, 1.0],
        [1.0, 0.5, 0.0],
        [1, -1, 0],
        [2, 0, 0],
        ["a", "b", "c"],
        np.array(["1", "0", "0"]),
        [None, 1, 0],
        [1, 0, "x"],
    ],
)
@pytest.mark.parametrize("at_step", [0, 2])
def test_masks_of_other_things_than_zeros_and_ones(mask, at_step):
    class Vague(CountingEnv):
        def _info(self):
            return {"action_mask": mask} if self.t == at_step else {}

        def reset(self, *, seed=None, options=None):
            return super().reset(seed=seed)[0], self._info()

        def step(self, action):
            return *super().step(action)[:4], self._info()

    with Rollouts(lambda: Vague(n_actions=3)) as experience:
        with pytest.raises(EnvironmentDataError, match="3 zeros and ones") as caught:
            experience.gather(UniformPolicy(3))
    assert caught.value.step == at_step


@pytest.mark.parametrize("kind", [bool, np.int8, int, np.float32, float, object])
def test_masks_of_zeros_and_ones(kind):
    class Typed(MaskedEnv):
        def _info(self):
            return {"action_mask": super()._info()["action_mask"].astype(kind)}

    with Rollouts(Typed, steps_per_iter=20) as experience:
        rows = experience.gather(UniformPolicy(3))
    assert_array_equal(rows.action_masks.argmax(1), rows.actions)
    assert rows.action_masks.sum() == len(rows)


@pytest.mark.parametrize("sampling", ["steps", "episodes", "geometric"])
def test_an_error_while_closing_does_not_hide_the_first(sampling):
    with pytest.raises(EnvironmentDataError, match="reward nan"):
        gather(
            rewards(np.nan),
            sampling=sampling,
            n_envs=3,
            close_error=RuntimeError("while closing"),
        )


def test_an_error_while_closing_is_dropped():
    counter = Counter()
    make = lambda: FaultyEnv(
        returns(None), -1, counter=counter, close_error=TwoArgumentError(1, "x")
    )
    with Rollouts(make) as experience:
        experience.gather(UniformPolicy())
    assert counter.opened == counter.closed == 8


def test_an_environment_that_closes_itself():
    class SelfClosing(FaultyEnv):
        def step(self, action):
            result = super().step(action)
            if result[2]:
                self.close()
            return result

    with Rollouts(lambda: SelfClosing(returns(None), -1)) as experience:
        assert len(experience.gather(UniformPolicy())) == 512


def test_global_random_state_of_an_environment_changes_nothing():
    class Seeding(FaultyEnv):
        def step(self, action):
            np.random.seed(0)  # noqa: NPY002
            return super().step(action)

    columns = []
    for cls in (Seeding, FaultyEnv):
        with Rollouts(lambda cls=cls: cls(returns(None), -1)) as e:
            columns.append(e.gather(UniformPolicy()).actions)
    assert_array_equal(*columns)
