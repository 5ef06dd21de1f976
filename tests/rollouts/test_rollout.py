from itertools import pairwise

import gymnasium
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skampo.exceptions import InvalidParameterError, RolloutError
from skampo.rollouts import Rollouts
from tests.faulty_envs import Counter, CountingEnv, MaskedEnv, MethodMaskedEnv, SpaceEnv
from tests.rollouts.policies import ConstantPolicy, UniformPolicy
from tests.seeds import TRAINING, reset_seed

N_ACTIONS = {
    "CartPole-v1": 2,
    "CliffWalking-v1": 4,
    "FrozenLake-v1": 4,
    "Taxi-v4": 6,
    "Blackjack-v1": 2,
}


def columns(rows):
    return dict(rows._columns())


@pytest.mark.parametrize("name", N_ACTIONS)
def test_rows_are_those_of_a_plain_step_loop(name):
    settings = {"n_envs": 3, "steps_per_iter": 900, "max_episode_steps": 60}
    with Rollouts(name, **settings) as experience:
        rows = experience.gather(UniformPolicy(N_ACTIONS[name]))
        encode = experience.observation_encoder.encode
    env = gymnasium.make(name, max_episode_steps=60)
    per_env = len(rows) // 3
    for row in range(len(rows)):
        index, t = divmod(row, per_env)
        if t == 0:
            episode, over = 0, True
        if over:
            observation, _ = env.reset(seed=reset_seed(0, TRAINING, index, episode))
            episode += 1
        assert_array_equal(rows.observations[row], encode(observation))
        observation, reward, *flags, _ = env.step(int(rows.actions[row]))
        over = any(flags)
        assert_array_equal(rows.next_observations[row], encode(observation))
        assert rows.rewards[row] == reward
        assert [rows.terminated[row], rows.truncated[row]] == flags
        assert rows.ends[row] == (over or t == per_env - 1)
    env.close()


def test_rows_that_are_kept_have_the_numbers_in_which_they_came():
    with Rollouts("CartPole-v1", steps_per_iter=40, n_envs=2, capacity=100) as rollouts:
        batches = [rollouts.gather(UniformPolicy()) for _ in range(4)]
    numbers = [batch.row_numbers for batch in batches]
    assert numbers == [range(40), range(80), range(20, 120), range(60, 160)]
    for before, after in pairwise(batches):
        both = range(after.first_row, before.row_numbers.stop)
        first, second = (batch.observations for batch in (before, after))
        assert_array_equal(first[both.start - before.first_row :], second[: len(both)])


@pytest.mark.parametrize("sampling", ["steps", "episodes", "geometric"])
def test_reproducible_to_the_last_bit(sampling):
    def gather(seed):
        with Rollouts(
            "CartPole-v1", steps_per_iter=100, seed=seed, sampling=sampling
        ) as experience:
            parts = [experience.gather(UniformPolicy()) for _ in range(2)]
        return [column.tobytes() for part in parts for column in columns(part).values()]

    assert gather(3) == gather(3) != gather(4)


def test_reset_seeds_do_not_depend_on_how_environments_interleave():
    def seeds(n_envs, lengths):
        makes = [lambda length=length: CountingEnv(length) for length in lengths]
        with Rollouts(makes, n_envs=n_envs, steps_per_iter=60) as experience:
            experience.gather(UniformPolicy())
            return [env.env.seeds for env in experience._lockstep.envs]

    short, long = seeds(2, [5]), seeds(2, [2, 7])
    for index in range(2):
        n = min(len(short[index]), len(long[index]))
        assert short[index][:n] == long[index][:n]
        assert short[index][:2] == [reset_seed(0, TRAINING, index, e) for e in range(2)]


def test_a_later_experience_continues_with_new_seeds():
    settings = {"n_envs": 2, "steps_per_iter": 40, "capacity": 1000}
    with Rollouts(CountingEnv, **settings) as first:
        rows = first.gather(UniformPolicy())
    state = first.continuation()
    with Rollouts(CountingEnv, **settings, **state) as second:
        assert second.n_steps == 40
        assert second.n_episodes == 8
        more = second.gather(UniformPolicy())
        seeds = [env.env.seeds for env in second._lockstep.envs]
    used = {reset_seed(0, TRAINING, index, e) for index in range(2) for e in range(4)}
    assert used.isdisjoint(seeds[0] + seeds[1])
    # The fifth episode of each environment had begun, and goes on.
    assert [seeds[index][0] for index in range(2)] == [
        reset_seed(0, TRAINING, index, 4) for index in range(2)
    ]
    assert len(more) == second.n_steps == 80
    assert_array_equal(more.observations[:40], rows.observations)
    assert (more.actions[40:] != rows.actions).any()


@pytest.mark.parametrize("counts", [[3], [3, 1, 4, 1, 5], np.array([3, 1])])
def test_counts_of_more_or_fewer_environments(counts):
    with Rollouts(CountingEnv, n_envs=2, episode_counts=counts) as e:
        # Those of missing environments are kept for an experience that has them.
        assert e.episode_counts.tolist() == ([*counts] if len(counts) > 1 else [3, 0])


def test_experience_that_goes_on_is_the_same_as_without_a_stop():
    settings = {"n_envs": 3, "steps_per_iter": 50, "exploration": 0.5}
    with Rollouts("CartPole-v1", **settings) as whole:
        expected = [whole.gather(UniformPolicy()) for _ in range(3)]
        returns = whole.episode_returns
    state = {}
    for rows in expected:
        with Rollouts("CartPole-v1", **settings, **state) as part:
            found = part.gather(UniformPolicy())
            found_returns = part.episode_returns
        state = part.continuation()
        for name in ("observations", "actions", "rewards", "next_observations", "ends"):
            assert_array_equal(getattr(found, name), getattr(rows, name))
    assert_array_equal(found_returns, returns)


@pytest.mark.parametrize("change", ["seed", "environment"])
def test_episodes_that_cannot_come_back_begin_anew(change):
    settings = {"n_envs": 2, "steps_per_iter": 20}
    with Rollouts(lambda: CountingEnv(length=50), **settings) as first:
        first.gather(UniformPolicy())
    state = first.continuation()
    if change == "seed":
        settings["seed"] = 1
    # Ten steps do not fit into the other one.
    length = 50 if change == "seed" else 7
    with Rollouts(lambda: CountingEnv(length), **settings, **state) as second:
        rows = second.gather(UniformPolicy())
    assert_array_equal(rows.observations[0], [0, 0])


def test_environments_that_were_away_go_on_with_new_seeds():
    seeds, state = [], {"unfinished": None}
    for n_envs in (3, 1, 3):
        with Rollouts(
            CountingEnv, n_envs=n_envs, steps_per_iter=30, **state
        ) as experience:
            experience.gather(UniformPolicy())
            for env in experience._lockstep.envs:
                seeds += env.env.seeds
        state = experience.continuation() | {"unfinished": None}
    assert len(set(seeds)) == len(seeds)


def test_capacity_keeps_the_newest():
    with Rollouts(CountingEnv, n_envs=2, steps_per_iter=10, capacity=25) as experience:
        sizes = [len(experience.gather(UniformPolicy())) for _ in range(5)]
    assert sizes == [10, 20, 25, 25, 25]
    assert experience.n_steps == 50


def test_one_call_of_the_policy_per_lock_step():
    policy = UniformPolicy()
    with Rollouts(CountingEnv, n_envs=4, steps_per_iter=42) as experience:
        rows = experience.gather(policy)
    assert policy.sizes == [4] * 11
    assert len(rows) == 44


def test_exploration():
    for exploration, share in ((0.0, 0.0), (1.0, 0.5), (0.2, 0.1)):
        with Rollouts(
            CountingEnv, steps_per_iter=4000, exploration=exploration
        ) as experience:
            actions = experience.gather(ConstantPolicy([1.0, 0.0])).actions
        error = 4 * np.sqrt(share * (1 - share) / len(actions))
        assert abs(actions.mean() - share) <= error


def test_masks_are_respected_and_stored():
    with Rollouts(
        MaskedEnv, n_envs=2, steps_per_iter=40, exploration=0.5
    ) as experience:
        rows = experience.gather(UniformPolicy(3))
    allowed = rows.observations[:, 0].astype(int) % 3
    assert_array_equal(rows.actions, allowed)
    assert_array_equal(rows.action_masks, np.eye(3, dtype=bool)[allowed])
    allowed = rows.next_observations[:, 0].astype(int) % 3
    assert_array_equal(rows.next_action_masks, np.eye(3, dtype=bool)[allowed])


def wrapped_masks():
    return gymnasium.wrappers.TransformObservation(
        MethodMaskedEnv(), lambda x: x, MethodMaskedEnv().observation_space
    )


@pytest.mark.parametrize("make", [MethodMaskedEnv, wrapped_masks])
def test_masks_of_a_method(make):
    found = []
    for environment in (make, MaskedEnv):
        with Rollouts(environment, n_envs=2, steps_per_iter=40) as rollouts:
            found.append(columns(rollouts.gather(UniformPolicy(3))))
    method, info = found
    for name in ("actions", "action_masks", "rewards"):
        assert_array_equal(method[name], info[name])
    goes_on = ~info["terminated"]
    assert_array_equal(
        method["next_action_masks"][goes_on], info["next_action_masks"][goes_on]
    )


def test_method_that_raises():
    class Broken(MethodMaskedEnv):
        def action_masks(self):
            raise KeyError("no such move")

    with pytest.raises(RolloutError, match=r"action_masks raised KeyError: 'no such"):
        Rollouts(Broken, steps_per_iter=8).gather(UniformPolicy(3))


def test_masks_of_taxi():
    with Rollouts("Taxi-v4", steps_per_iter=400) as experience:
        rows = experience.gather(ConstantPolicy(np.full(6, 1 / 6)))
        env = gymnasium.make("Taxi-v4").unwrapped
    for when in ("", "next_"):
        states = getattr(rows, f"{when}observations")[:, 0].astype(int)
        expected = np.array([env.action_mask(state) for state in states], dtype=bool)
        assert_array_equal(getattr(rows, f"{when}action_masks"), expected)
    assert rows.action_masks[np.arange(400), rows.actions].all()


def test_no_allowed_action_is_fine_after_the_end():
    make = lambda: MaskedEnv(masks_at_end=False)
    with Rollouts(make, n_envs=1, steps_per_iter=10) as experience:
        rows = experience.gather(UniformPolicy(3))
    assert rows.next_action_masks[rows.terminated].all()
    assert rows.terminated.sum() == 2


def test_masks_that_only_some_environments_give():
    X = [MaskedEnv, lambda: CountingEnv(n_actions=3)]
    with Rollouts(X, n_envs=2, steps_per_iter=12) as experience:
        rows = experience.gather(UniformPolicy(3))
    assert (rows.action_masks[:6].sum(axis=1) == 1).all()
    assert rows.action_masks[6:].all()


@pytest.mark.parametrize(
    ("space", "labels"),
    [
        (gymnasium.spaces.Discrete(3, start=5), [5, 6, 7]),
        (gymnasium.spaces.Discrete(1), [0]),
        (gymnasium.spaces.MultiDiscrete([2, 2]), [[0, 0], [0, 1], [1, 0], [1, 1]]),
    ],
)
def test_environments_get_labels(space, labels):
    make = lambda: SpaceEnv(action_space=space)
    with Rollouts(make, steps_per_iter=80) as experience:
        rows = experience.gather(UniformPolicy(len(labels)))
    assert_array_equal(experience.classes, labels)
    assert set(rows.actions) == set(range(len(labels)))


@pytest.mark.parametrize(
    "space",
    [
        gymnasium.spaces.Discrete(4, start=2),
        gymnasium.spaces.Tuple([gymnasium.spaces.Discrete(2)] * 2),
        gymnasium.spaces.Dict({"a": gymnasium.spaces.Box(0, 1, (2,))}),
        gymnasium.spaces.MultiBinary(3),
        gymnasium.spaces.Text(3),
    ],
)
def test_observation_spaces(space):
    make = lambda: SpaceEnv(observation_space=space)
    with Rollouts(make, steps_per_iter=16) as experience:
        rows = experience.gather(UniformPolicy())
    assert rows.observations.shape == (16, experience.n_features)


def test_time_limits():
    # Without a limit, episodes are cut at 1000 with a single warning.
    make = lambda: CountingEnv(length=None)
    with Rollouts(make, n_envs=2, steps_per_iter=4200) as experience:
        with pytest.warns(UserWarning, match="Set 'max_episode_steps'") as caught:
            rows = experience.gather(UniformPolicy())
        experience.gather(UniformPolicy())
    assert len(caught) == 1
    assert "CountingEnv has no time limit" in str(caught[0].message)
    assert_array_equal(rows.next_observations[rows.truncated, 0], [1000] * 4)
    assert not rows.terminated.any()


@pytest.mark.parametrize(
    "X",
    [
        "FrozenLake-v1",
        gymnasium.make("FrozenLake-v1"),
        lambda: gymnasium.wrappers.TimeLimit(CountingEnv(length=None), 1500),
    ],
)
def test_time_limits_of_environments_are_kept(X):
    with Rollouts(X) as experience:
        assert all(env.limit is None for env in experience._lockstep.envs)


@pytest.mark.parametrize("length", [3, 4, None])
def test_max_episode_steps(length):
    make = lambda: CountingEnv(length=length)
    with Rollouts(make, n_envs=1, steps_per_iter=12, max_episode_steps=3) as experience:
        rows = experience.gather(UniformPolicy())
    # An episode that ends by itself at the limit is terminated, not truncated.
    over = rows.terminated if length == 3 else rows.truncated
    assert_array_equal(rows.next_observations[over, 0], [3] * 4)
    assert rows.terminated.any() != rows.truncated.any()


def test_leaving_the_declared_box_warns_once():
    space = gymnasium.spaces.Dict({"t": gymnasium.spaces.Box(0, 2, (1,))})

    class Leaving(CountingEnv):
        def __init__(self):
            super().__init__()
            self.observation_space = space

        def reset(self, *, seed=None, options=None):
            return {"t": super().reset(seed=seed)[0][:1]}, {}

        def step(self, action):
            observation, *others = super().step(action)
            return {"t": observation[:1]}, *others

    with Rollouts(Leaving, steps_per_iter=80) as experience:
        with pytest.warns(UserWarning, match=r"feature 0 \('t'\) was 3, outside"):
            rows = experience.gather(UniformPolicy())
        experience.gather(UniformPolicy())
    assert rows.next_observations.max() == 5


def test_an_environment_that_reuses_its_array():
    class Reusing(CountingEnv):
        def reset(self, *, seed=None, options=None):
            self.array, info = super().reset(seed=seed)
            return self.array, info

        def step(self, action):
            self.array[:], *others = super().step(action)
            return self.array, *others

    settings = {"n_envs": 2, "steps_per_iter": 30}
    with Rollouts(Reusing, **settings) as experience:
        rows = columns(experience.gather(UniformPolicy()))
    with Rollouts(CountingEnv, **settings) as experience:
        expected = columns(experience.gather(UniformPolicy()))
    for name in expected:
        assert_array_equal(rows[name], expected[name])


def test_what_was_made_is_closed_once():
    counter = Counter()
    make = lambda: CountingEnv(counter=counter)
    with Rollouts(make, n_envs=3) as experience:
        experience.gather(UniformPolicy())
        assert (counter.opened, counter.closed) == (3, 0)
    experience.close()
    assert (counter.opened, counter.closed) == (3, 3)
    with pytest.raises(ValueError, match="This Rollouts is closed"):
        experience.gather(UniformPolicy())
    assert experience.episode_counts.sum() > 0


def test_a_live_environment_is_neither_stepped_nor_closed():
    env = CountingEnv()
    with Rollouts(env, n_envs=3) as experience:
        experience.gather(UniformPolicy())
    assert env.seeds == []
    assert env.t == 0
    # Only the three copies were closed; they share the counter.
    assert env.counter.closed == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_error_of_the_policy_passes_through_and_closes(error):
    class Failing:
        def proba(self, observations, action_mask=None):
            raise error

    counter = Counter()
    experience = Rollouts(lambda: CountingEnv(counter=counter))
    with pytest.raises(error):
        experience.gather(Failing())
    assert counter.opened == counter.closed == 8


def test_a_space_that_is_refused_closes_what_was_made():
    counter = Counter()
    space = gymnasium.spaces.Box(0, 1, (1,))
    with pytest.raises(ValueError, match="SpaceEnv has action_space=Box"):
        Rollouts(lambda: SpaceEnv(action_space=space, counter=counter))
    assert counter.opened == counter.closed == 8


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_envs", 0),
        ("n_envs", 2.0),
        ("steps_per_iter", 0),
        ("steps_per_iter", True),
        ("max_episode_steps", 0),
        ("sampling", "rows"),
    ],
)
def test_parameters(parameter, value):
    with pytest.raises(InvalidParameterError) as caught:
        Rollouts("CartPole-v1", **{parameter: value})
    assert f"The {parameter!r} parameter" in str(caught.value)
    assert f"Got {value!r} instead" in str(caught.value)


@pytest.mark.parametrize("gamma", [1.0, -0.1])
def test_geometric_coins_must_stop(gamma):
    with pytest.raises(InvalidParameterError, match="The 'gamma' parameter"):
        Rollouts("CartPole-v1", sampling="geometric", gamma=gamma)
    Rollouts("CartPole-v1", gamma=gamma).close()


def wide_cartpole():
    """CartPole whose observations are there twice."""
    env = gymnasium.make("CartPole-v1")
    bounds = (
        np.tile(env.observation_space.low, 2),
        np.tile(env.observation_space.high, 2),
    )
    space = gymnasium.spaces.Box(*bounds, dtype=np.float32)
    return gymnasium.wrappers.TransformObservation(env, lambda x: np.tile(x, 2), space)


class TestStepsPerGather:
    """By default a few hundred, or a share of what was seen where that is more."""

    def steps(self, env, n, **keywords):
        with Rollouts(env, n_envs=8, **keywords) as experience:
            found = []
            for _ in range(n):
                experience.gather(UniformPolicy(N_ACTIONS.get(env, 2)))
                found.append(experience.n_steps)
        return np.diff(found, prepend=0).tolist()

    @pytest.mark.parametrize(
        ("env", "fewest"), [("CartPole-v1", 512), ("FrozenLake-v1", 64)]
    )
    def test_they_are_a_twelfth_of_what_is_kept(self, env, fewest):
        found = self.steps(env, 40, capacity=8000)
        kept = np.minimum(np.cumsum(found) - found, 8000)
        # Rounded up to a multiple of the environments.
        assert found == (8 * np.ceil(np.maximum(fewest, kept // 12) / 8)).tolist()
        assert found[0] == fewest < found[-1]

    def test_with_many_columns_they_are_a_tenth_of_all_so_far(self):
        found = self.steps(wide_cartpole, 16, capacity=700)
        before = np.cumsum(found) - found
        wanted = np.maximum(512, np.minimum(before // 10, 700))
        assert found == (8 * np.ceil(wanted / 8)).tolist()
        assert 512 < found[11] < found[-1] == 704

    def test_earlier_steps_count(self):
        found = self.steps(wide_cartpole, 1, capacity=8000, n_steps=9600)
        assert found == [960 + 9600]

    def test_nothing_is_kept(self):
        assert len(set(self.steps("CartPole-v1", 13))) == 1

    def test_discrete_states_need_fewer(self):
        table, numbers = (
            self.steps(env, 1, capacity=9000)
            for env in ("FrozenLake-v1", "CartPole-v1")
        )
        assert table < numbers
        # Whole returns are as noisy for a table as for numbers.
        assert self.steps("FrozenLake-v1", 2) == self.steps("CartPole-v1", 2)

    def test_a_number_that_was_given(self):
        found = self.steps("CartPole-v1", 13, capacity=9000, steps_per_iter=800)
        assert found == [800] * 13
