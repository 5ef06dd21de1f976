import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skampo.rollouts import Rollouts
from tests.faulty_envs import CountingEnv, TabularEnv
from tests.rollouts.policies import TablePolicy, UniformPolicy


def test_steps_keep_running_from_one_gather_to_the_next():
    make = lambda: CountingEnv(length=5)
    with Rollouts(make, n_envs=2, steps_per_iter=7) as experience:
        first = experience.gather(UniformPolicy())
        second = experience.gather(UniformPolicy())
    # 7 steps are 4 in each of two environments, and episodes have 5.
    assert_array_equal(first.observations[:, 0], [0, 1, 2, 3] * 2)
    assert_array_equal(first.ends, [False, False, False, True] * 2)
    assert not first.terminated.any()
    assert_array_equal(second.observations[:, 0], [4, 0, 1, 2] * 2)
    assert_array_equal(second.next_observations[:, 0], [5, 1, 2, 3] * 2)
    assert_array_equal(second.terminated, [True, False, False, False] * 2)
    assert_array_equal(second.ends, [True, False, False, True] * 2)
    assert_array_equal(experience.episode_returns, [5.0, 5.0])
    assert (experience.n_steps, experience.n_episodes) == (16, 2)
    assert_array_equal(experience.episode_counts, [2, 2])


@pytest.mark.parametrize("truncates", [False, True])
def test_whole_episodes(truncates):
    make = lambda: CountingEnv(length=5, truncates=truncates)
    policy = UniformPolicy()
    with Rollouts(make, n_envs=3, steps_per_iter=16, sampling="episodes") as experience:
        rows = experience.gather(policy)
        # After 15 steps there is budget for one more round, which is finished.
        assert len(rows) == experience.n_steps == 30
        assert experience.n_episodes == 6
        assert_array_equal(experience.episode_returns, [5.0] * 6)
        assert_array_equal(rows.observations[:, 0], [0, 1, 2, 3, 4] * 6)
        assert_array_equal(rows.ends, rows.terminated | rows.truncated)
        assert rows.truncated.any() == truncates
        again = experience.gather(policy)
    assert_array_equal(again.observations[0], [0, 0])
    assert policy.sizes == [3] * 20


def test_environments_that_are_done_leave_the_batch():
    X = [lambda: CountingEnv(length=2), lambda: CountingEnv(length=4)]
    policy = UniformPolicy()
    with Rollouts(X, n_envs=1, steps_per_iter=1, sampling="episodes") as experience:
        rows = experience.gather(policy)
    assert policy.sizes == [2, 2, 1, 1]
    assert_array_equal(rows.observations[:, 0], [0, 1, 0, 1, 2, 3])


@pytest.fixture(scope="module")
def tabular():
    rng = np.random.default_rng(0)
    transition = rng.dirichlet(np.ones(3), size=(3, 2))
    reward = rng.uniform(size=(3, 2))
    return transition, reward, np.array([[0.3, 0.7], [0.5, 0.5], [0.9, 0.1]])


@pytest.fixture(scope="module")
def geometric(tabular):
    transition, reward, table = tabular
    with Rollouts(
        lambda: TabularEnv(transition, reward),
        n_envs=16,
        steps_per_iter=40_000,
        exploration=0.0,
        sampling="geometric",
        gamma=0.8,
        max_episode_steps=10_000,
    ) as experience:
        rows = experience.gather(TablePolicy(table))
        return rows, experience.n_steps


def exact(tabular, gamma):
    """Discounted visitation from a uniform start, and the action values."""
    transition, reward, table = tabular
    matrix = np.einsum("sa,san->sn", table, transition)
    inverse = np.linalg.inv(np.eye(3) - gamma * matrix)
    visitation = (1 - gamma) * (np.full(3, 1 / 3) @ inverse)
    values = inverse @ (table * reward).sum(axis=1)
    return visitation[:, None] * table, reward + gamma * transition @ values


def test_geometric_samples_follow_the_discounted_visitation(tabular, geometric):
    rows, _ = geometric
    first = rows.take(rows.is_start)
    n, (visitation, _) = len(first), exact(tabular, 0.8)
    counts = np.zeros((3, 2))
    np.add.at(counts, (first.observations[:, 0].astype(int), first.actions), 1)
    error = np.sqrt(visitation * (1 - visitation) / n)
    assert (np.abs(counts / n - visitation) < 4 * error).all()


def test_geometric_sums_are_unbiased_for_the_action_value(tabular, geometric):
    rows, _ = geometric
    _, q_values = exact(tabular, 0.8)
    starts = np.flatnonzero(rows.is_start)
    sums = np.add.reduceat(rows.rewards, starts)
    states = rows.observations[starts, 0].astype(int)
    for state in range(3):
        for action in range(2):
            mine = sums[(states == state) & (rows.actions[starts] == action)]
            error = mine.std(ddof=1) / np.sqrt(len(mine))
            assert abs(mine.mean() - q_values[state, action]) < 4 * error


def test_geometric_cost_and_ends(geometric):
    rows, n_steps = geometric
    n_samples = rows.ends.sum()
    # 2 / (1 - 0.8) - 1 = 9, and the two counts are geometric with variance 20.
    cost = n_steps / n_samples
    assert abs(cost - 9) < 4 * np.sqrt(2 * 20 / n_samples)
    assert not rows.terminated.any()
    assert not rows.truncated.any()
    assert rows.ends[-1]
    # Recorded are 1 / (1 - 0.8) steps of each sample.
    assert_allclose(len(rows) / n_samples, 5, atol=4 * np.sqrt(20 / n_samples))


def test_geometric_with_gamma_zero_is_one_step():
    with Rollouts(
        lambda: CountingEnv(length=5),
        n_envs=2,
        steps_per_iter=10,
        sampling="geometric",
        gamma=0.0,
    ) as experience:
        rows = experience.gather(UniformPolicy())
    assert_array_equal(rows.observations[:, 0], np.zeros(10))
    assert rows.ends.all()
    assert experience.n_steps == 10


@pytest.mark.parametrize("truncates", [False, True])
def test_geometric_walks_that_end_begin_again(truncates):
    with Rollouts(
        lambda: CountingEnv(length=3, truncates=truncates),
        n_envs=4,
        steps_per_iter=2000,
        sampling="geometric",
        gamma=0.9,
    ) as experience:
        rows = experience.gather(UniformPolicy())
    first = rows.observations[rows.is_start, 0]
    assert set(first) == {0, 1, 2}
    over = rows.next_observations[:, 0] == 3
    assert_array_equal(over, rows.truncated if truncates else rows.terminated)
    assert rows.ends[over].all()
    assert (rows.ends & ~over).any()
    assert experience.n_steps > len(rows)
    # Within a trajectory the steps follow each other.
    inside = ~rows.is_start[1:]
    later = rows.observations[1:, 0][inside]
    assert_array_equal(later, rows.next_observations[:-1, 0][inside])
