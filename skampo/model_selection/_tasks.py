"""The samples of a search: environments, each with a seed."""

from skampo.rollouts._env_task import EnvTask, portable_environments
from skampo.utils._validation import Interval, check_argument

# Seeds that follow each other have tasks without a common seed.
_BLOCK = 2**32


def make_tasks(env, n: int, *, seed: int = 0) -> list[EnvTask]:
    """
    Make a list of environments that a search can split.

    A search needs several samples. Here a sample is a task: an environment with a seed
    of its own, from which all its episodes follow. The list is a plain list, and every
    way of splitting it works, also `GroupKFold` or `PredefinedSplit`.

    Parameters
    ----------
    env : environment or list of environment
        A `gymnasium.Env`, a `gymnasium.vector.VectorEnv`, an id, an `EnvSpec`, a
        function that makes an environment, or a list of these. An id is replaced by
        its `EnvSpec`, which other processes know as well. A live environment is
        copied; if that is impossible, because it has been rendered, its spec is used.
    n : int
        Number of tasks. Task i is made from element i modulo k of a list of k.
    seed : int, default=0
        Tasks of different seeds have no episodes in common.

    Returns
    -------
    list of callable
        The tasks. Calling one makes a new environment; its `seed` enters the seeds of
        all resets, so that two tasks never show the same episodes.

    Raises
    ------
    ValueError
        If `env` is no environment, if it cannot be made, or if `n` or `seed` is not
        accepted.

    See Also
    --------
    make_return_scorer : What a search compares.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import cross_val_score
    >>> from skampo import AMPOPolicy
    >>> from skampo.model_selection import make_tasks
    >>> tasks = make_tasks("CartPole-v1", 4)
    >>> tasks[:2]
    [EnvTask('CartPole-v1', seed=0), EnvTask('CartPole-v1', seed=1)]
    >>> policy = AMPOPolicy(Ridge(), max_iter=1, random_state=0)
    >>> len(cross_val_score(policy, tasks, cv=2))
    2
    """
    check_argument("make_tasks", "n", n, Interval(int, 1))
    check_argument("make_tasks", "seed", seed, Interval(int, 0, _BLOCK - 1))
    environments = portable_environments(env)
    # NumPy integers would overflow.
    first = int(seed) * _BLOCK
    return [EnvTask(environments[i % len(environments)], first + i) for i in range(n)]
