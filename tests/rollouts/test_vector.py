import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.vector.utils import batch_space
from gymnasium.wrappers.vector import TransformReward
from numpy.testing import assert_array_equal

from skampo.model_selection import make_tasks
from skampo.rollouts import Rollouts
from tests.faulty_envs import CountingEnv, LockedEnv, MaskedEnv
from tests.rollouts.policies import UniformPolicy

MODES = list(AutoresetMode)


class PlainVector(VectorEnv):
    """A vector that shows neither its environments nor a spec."""

    def __init__(self, mode, make=CountingEnv):
        self.inner = SyncVectorEnv([make, make], autoreset_mode=mode)
        self.metadata = self.inner.metadata
        self.num_envs = 2
        self.single_observation_space = self.inner.single_observation_space
        self.single_action_space = self.inner.single_action_space
        self.observation_space = batch_space(self.single_observation_space, 2)
        self.action_space = batch_space(self.single_action_space, 2)

    def reset(self, *, seed=None, options=None):
        return self.inner.reset(seed=seed, options=options)

    def step(self, actions):
        return self.inner.step(actions)


def first_of(vector):
    """The first sub-environment, as an environment of its own."""
    return make_tasks(vector, 1)[0]()


def vectors(mode):
    yield SyncVectorEnv([CountingEnv] * 2, autoreset_mode=mode)
    yield PlainVector(mode)
    sync = SyncVectorEnv([CountingEnv] * 2, autoreset_mode=mode)
    yield TransformReward(sync, lambda rewards: 2 * rewards)


@pytest.mark.parametrize("sampling", ["steps", "episodes", "geometric"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [0, 1, 2], ids=["sync", "plain", "wrapped"])
def test_every_autoreset_mode_gives_the_same_rows(kind, mode, sampling):
    settings = {"n_envs": 4, "steps_per_iter": 60, "sampling": sampling, "gamma": 0.9}

    def gather(X):
        with Rollouts(X, **settings) as experience:
            rows = experience.gather(UniformPolicy())
            return columns_of(rows)

    expected = gather(CountingEnv)
    rows = gather(list(vectors(mode))[kind])
    expected["rewards"] = expected["rewards"] * (2 if kind == 2 else 1)
    for name, column in expected.items():
        assert_array_equal(rows[name], column, err_msg=name)
    # A step that only resets would show step 0 as what follows, with reward 0.
    assert (rows["next_observations"][:, 0] > 0).all()
    assert (rows["rewards"] > 0).all()
    ended = rows["next_observations"][:, 0] == 5
    assert_array_equal(rows["terminated"], ended)


def columns_of(rows):
    return dict(rows._columns())


@pytest.mark.parametrize("mode", MODES)
def test_masks_pass_through_a_vector(mode):
    X = PlainVector(mode, MaskedEnv)
    with Rollouts(X, n_envs=2, steps_per_iter=20) as experience:
        rows = experience.gather(UniformPolicy(3))
    assert_array_equal(rows.actions, rows.observations[:, 0] % 3)
    assert_array_equal(
        rows.next_action_masks.argmax(1), rows.next_observations[:, 0] % 3
    )


def test_the_vector_itself_is_never_stepped():
    vector = SyncVectorEnv([CountingEnv] * 2)
    with Rollouts(vector, n_envs=1, steps_per_iter=10) as experience:
        experience.gather(UniformPolicy())
        assert len(experience.episode_counts) == 2
    assert [env.seeds for env in vector.envs] == [[], []]


def test_an_async_vector_is_made_again():
    vector = AsyncVectorEnv([CountingEnv] * 2)
    try:
        made = first_of(vector)
    finally:
        vector.close()
    assert isinstance(made, CountingEnv)


@pytest.mark.parametrize("n", [1, 3])
def test_a_vector_with_an_entry_point_becomes_single_environments(n):
    vector = gymnasium.make_vec(
        "CartPole-v1", n, vectorization_mode="vector_entry_point"
    )
    assert first_of(vector).spec.max_episode_steps == 500
    with Rollouts(vector, n_envs=1) as experience:
        assert len(experience.episode_counts) == n
    with Rollouts(vector, n_envs=4, steps_per_iter=400) as experience:
        rows = experience.gather(UniformPolicy())
    with Rollouts("CartPole-v1", n_envs=4, steps_per_iter=400) as experience:
        expected = experience.gather(UniformPolicy())
    assert_array_equal(rows.next_observations, expected.next_observations)


def test_a_vector_with_arguments_keeps_them():
    vector = gymnasium.make_vec(
        "FrozenLake-v1", 2, vectorization_mode="sync", map_name="8x8"
    )
    assert first_of(vector).observation_space.n == 64


def test_a_wrapped_vector_keeps_name_and_time_limit():
    vector = TransformReward(gymnasium.make_vec("CartPole-v1", 2), lambda r: r)
    with Rollouts(vector, n_envs=2, steps_per_iter=4) as experience:
        assert experience._lockstep.envs[0].name == "CartPole-v1"
        assert experience.gather(UniformPolicy()).observations.shape == (4, 4)
        assert not any(env.is_limit_ours for env in experience._lockstep.envs)


def test_a_vector_that_cannot_be_copied():
    vector = PlainVector(AutoresetMode.NEXT_STEP, LockedEnv)
    with pytest.raises(ValueError, match=r"cannot be copied .* Pass its id"):
        Rollouts(vector)


def test_same_step_final_observation_is_the_true_one():
    vector = PlainVector(AutoresetMode.SAME_STEP)
    env = first_of(vector)
    env.reset(seed=0)
    for t in range(1, 6):
        observation, reward, terminated, truncated, _ = env.step(1)
        assert_array_equal(observation, [t, 1])
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert np.isfinite(observation).all()


def test_others_that_end_first_are_reset():
    lengths = iter([7, 3] * 9)
    make = lambda: CountingEnv(next(lengths))
    vector = SyncVectorEnv([make] * 2, autoreset_mode=AutoresetMode.DISABLED)
    env = first_of(TransformReward(vector, lambda rewards: rewards))
    for _ in range(2):
        env.reset(seed=0)
        seen = [env.step(1) for _ in range(7)]
        assert [row[0][0] for row in seen] == [1, 2, 3, 4, 5, 6, 7]
        assert [row[2] for row in seen] == [False] * 6 + [True]


def test_a_vector_without_a_time_limit_keeps_none():
    vector = gymnasium.make_vec(
        "CartPole-v1",
        2,
        vectorization_mode="vector_entry_point",
        max_episode_steps=-1,
    )
    assert first_of(vector).spec.max_episode_steps is None
    with Rollouts(vector, n_envs=1, steps_per_iter=50) as experience:
        assert not experience.gather(UniformPolicy()).truncated.any()
